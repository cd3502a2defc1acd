"""XNAT's contract, section 11: the site's settings, who sees which, and how they are changed."""

from __future__ import annotations

import pytest
import requests
from xnat_twin.configuration.site_settings import DEFAULTS
from xnat_twin.testing import Practice, Session, XnatServer

CONFIG = "/xapi/siteConfig"


@pytest.fixture
def server(practice: Practice) -> XnatServer:
    """A server whose settings these tests may change."""
    return practice(name="settings")


@pytest.fixture
def admin(server: XnatServer) -> Session:
    return server.session()


@pytest.mark.rule("site-config-by-role")
def test_who_sees_which_settings(server: XnatServer, admin: Session) -> None:
    everything = admin.get(CONFIG).json()
    assert {"archivePath", "siteId", "checksums", "maxFailedLogins"} <= everything.keys()
    user = server.session(*server.new_user())
    assert {"siteId", "checksums", "zipExtensions"} <= user.get(CONFIG).json().keys()
    assert not {"archivePath", "adminEmail", "requireLogin"} & user.get(CONFIG).json().keys()
    assert requests.get(f"{server.url}{CONFIG}").status_code == 401
    with server.settings(requireLogin=False):
        guest = requests.get(f"{server.url}{CONFIG}").json()
    assert guest.keys() == {"siteHome", "siteId", "siteLogoPath", "siteUrl"}


@pytest.mark.rule("site-config-uninitialised")
def test_site_that_was_never_configured_learns_its_address_from_its_administrator(practice: Practice) -> None:
    server = practice(initialized=False, name="address")
    assert server.site.preferences["siteUrl"] == ""
    assert server.session().get(CONFIG).json()["siteUrl"] == server.url
    assert requests.get(f"{server.url}{CONFIG}/siteUrl").text == server.url


@pytest.mark.rule("site-config-defaults")
def test_settings_have_their_defaults(practice: Practice) -> None:
    found = practice(name="defaults").session().get(CONFIG).json()
    expected = {
        "siteId": "XNAT",
        "siteUrl": "",
        "adminEmail": "you@yoursite.org",
        "prearchivePath": "/data/xnat/prearchive",
        "requireLogin": True,
        "userRegistration": False,
        "emailVerification": True,
        "enableCsrfToken": True,
        "checksums": True,
        "backupDeletedToCache": False,
        "maintainFileHistory": False,
        "requireChangeJustification": False,
        "showChangeJustification": False,
        "uiAllowNonAdminProjectCreation": True,
        "securityAllowNonPrivateProjects": True,
        "sessionTimeout": "15 minutes",
        "concurrentMaxSessions": 1000,
        "aliasTokenTimeout": "2 days",
        "maxFailedLogins": 20,
        "zipExtensions": "zip,jar,rar,ear,gar,mrb",
        "zipCompressionMethod": 0,
        "defaultProjectAutoArchiveSetting": 4,
        "restrictUserListAccessToAdmins": False,
        "passwordComplexity": "^.*$",
        "enableDicomReceiver": True,
    }
    assert {name: found.get(name) for name in expected} == expected
    paths = {"archivePath", "cachePath", "buildPath", "ftpPath", "pipelinePath", "inboxPath"}
    assert all(found[name].startswith("/") for name in paths)
    assert len(found) >= len(DEFAULTS)


@pytest.mark.rule("site-config-post", "site-config-unknown-keys")
def test_map_of_settings_is_stored_with_unknown_ones_as_text(admin: Session) -> None:
    answer = admin.post(CONFIG, json={"siteId": "OTHER", "maxFailedLogins": "7", "own.key": True, "list": ["a"]})
    assert (answer.status_code, answer.content) == (200, b"")
    found = admin.get(CONFIG).json()
    assert (found["siteId"], found["maxFailedLogins"], found["own.key"], found["list"]) == ("OTHER", 7, "true", ["a"])
    admin.post(CONFIG, json={"siteId": "XNAT", "maxFailedLogins": 20}).raise_for_status()


@pytest.mark.rule("site-config-for-admins")
def test_settings_are_changed_by_administrators_only(server: XnatServer) -> None:
    stranger = server.session(*server.new_user())
    for path, body in ((CONFIG, '{"siteId": "other"}'), (f"{CONFIG}/siteId", "other")):
        answer = stranger.post(path, data=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.content) == (403, b"")
    with server.settings(requireLogin=False):
        assert requests.post(f"{server.url}{CONFIG}", json={"siteId": "other"}).status_code == 401
    assert server.site.preferences["siteId"] != "other"


@pytest.mark.rule("site-config-null")
def test_null_is_500_and_what_stands_before_it_is_stored(admin: Session) -> None:
    body = '{"siteWideAlertMessage": "before", "siteLogoPath": null, "uiTimeFormat": "after"}'
    assert admin.post(CONFIG, data=body, headers={"Content-Type": "application/json"}).status_code == 500
    assert admin.get(f"{CONFIG}/siteWideAlertMessage").text == "before"
    assert admin.get(f"{CONFIG}/uiTimeFormat").text == "HH:mm:ss"


@pytest.mark.rule("site-config-content-types")
def test_map_of_settings_is_json_and_nothing_else(admin: Session) -> None:
    assert admin.post(CONFIG, data={"siteId": "form"}).status_code == 500
    assert admin.post(CONFIG, data="siteId=x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert admin.post(f"{CONFIG}/siteId", data={"a": "b"}).status_code == 415
    broken = admin.post(CONFIG, data="{", headers={"Content-Type": "application/json"})
    assert broken.status_code == 500
    assert broken.headers["Content-Type"].startswith("text/plain")


@pytest.mark.rule("site-config-property")
def test_one_setting_is_text_without_quotes_or_a_json_value(admin: Session, server: XnatServer) -> None:
    for name, text in (("siteId", "XNAT"), ("requireLogin", "true"), ("maxFailedLogins", "20")):
        answer = admin.get(f"{CONFIG}/{name}")
        assert (answer.text, answer.headers["Content-Type"].partition(";")[0]) == (text, "application/json")
    assert admin.get(f"{CONFIG}/archivePath").text == str(server.archive)
    assert admin.get(f"{CONFIG}/failMergeOn").json() == []


@pytest.mark.rule("site-config-unknown-404")
def test_setting_that_nobody_made_is_404(admin: Session, server: XnatServer) -> None:
    answer = admin.get(f"{CONFIG}/nosuch")
    assert answer.status_code == 404
    assert "No site configuration property named nosuch" in answer.text
    stranger = server.session(*server.new_user())
    assert [stranger.get(f"{CONFIG}/{name}").status_code for name in ("nosuch", "archivePath", "checksums")] == [
        403,
        403,
        200,
    ]


@pytest.mark.rule("site-config-property-post")
def test_body_of_one_setting_is_stored_as_it_is(admin: Session) -> None:
    path = f"{CONFIG}/siteWideAlertMessage"
    for content_type in ("text/plain", "application/json"):
        assert admin.post(path, data='"quoted"', headers={"Content-Type": content_type}).status_code == 200
        assert admin.get(path).text == '"quoted"'
    admin.post(f"{CONFIG}/uiShowLeftBar", data="false", headers={"Content-Type": "text/plain"}).raise_for_status()
    assert admin.get(f"{CONFIG}/uiShowLeftBar").json() is False


@pytest.mark.rule("site-config-values")
def test_some_settings_at_once(admin: Session, server: XnatServer) -> None:
    found = admin.get(f"{CONFIG}/values/siteId,requireLogin,nosuch").json()
    assert found == {"siteId": "XNAT", "requireLogin": True}
    stranger = server.session(*server.new_user())
    assert stranger.get(f"{CONFIG}/values/siteId,checksums").status_code == 200
    assert stranger.get(f"{CONFIG}/values/siteId,archivePath").status_code == 403
    assert requests.get(f"{server.url}{CONFIG}/values/siteId").status_code == 401


@pytest.mark.rule("site-config-broken")
def test_setting_that_would_break_the_site_is_400_and_changes_nothing(admin: Session) -> None:
    for values in ({"sessionTimeout": "soon"}, {"concurrentMaxSessions": "many"}):
        assert admin.post(CONFIG, json={"siteHome": "/other"} | values).status_code == 400
    assert admin.get(f"{CONFIG}/siteHome").text == "/screens/QuickSearch.vm"
    assert admin.get("/data/auth").status_code == 200


@pytest.mark.rule("initialized-last")
def test_null_among_the_first_settings_leaves_the_site_unconfigured(practice: Practice) -> None:
    server = practice(initialized=False, name="null")
    body = '{"initialized": true, "siteId": "FIRST", "siteLogoPath": null}'
    http = server.session()
    assert http.post(CONFIG, data=body, headers={"Content-Type": "application/json"}).status_code == 500
    assert http.get(f"{CONFIG}/siteId", allow_redirects=False).status_code == 302
    assert http.post(CONFIG, json={"initialized": True}).status_code == 200
    assert http.get(f"{CONFIG}/siteId").text == "FIRST"


@pytest.mark.rule("admin-email")
def test_first_settings_give_admin_and_guest_their_address_and_later_ones_do_not(practice: Practice) -> None:
    server = practice(initialized=False, name="email")
    http = server.session()
    http.post(CONFIG, json={"adminEmail": "first@example.org", "initialized": True}).raise_for_status()
    http.post(CONFIG, json={"adminEmail": "second@example.org"}).raise_for_status()
    assert http.get(f"{CONFIG}/adminEmail").text == "second@example.org"
    for user in ("admin", "guest"):
        assert http.get(f"/xapi/users/{user}").json()["email"] == "first@example.org"
