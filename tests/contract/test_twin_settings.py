"""XNAT 1.6: `/data/services/settings`, how a site is configured there."""

from __future__ import annotations

import pytest
import requests
from xnat_twin.access.auth import hash_password
from xnat_twin.storage.store import User
from xnat_twin.testing import Practice, Session, XnatServer

SETTINGS = "/data/services/settings"


@pytest.fixture
def server(practice: Practice) -> XnatServer:
    return practice("1.6", name="settings")


@pytest.fixture
def admin(server: XnatServer) -> Session:
    return server.session()


def _value(http: Session, name: str) -> object:
    answer = http.get(f"{SETTINGS}/{name}")
    assert answer.status_code == 200
    assert answer.json()["ResultSet"]["title"] == name
    return answer.json()["ResultSet"]["Result"]


@pytest.mark.rule("settings-get")
def test_settings_are_a_map_under_the_names_of_1_6(admin: Session, server: XnatServer) -> None:
    found = admin.get(SETTINGS).json()["ResultSet"]
    assert found["title"] == "Settings"
    expected = {"siteId", "siteUrl", "siteAdminEmail", "smtpHost", "requireLogin", "enableNewRegistrations"}
    expected |= {"archivePath", "prearchivePath", "cachePath", "buildPath", "ftpPath", "pipelinePath", "dcmPort"}
    expected |= {"dcmAe", "enableCsrfToken", "anonScript", "anonEnabled", "emailVerification"}
    assert expected <= found["Result"].keys()
    assert not {"adminEmail", "userRegistration", "sessionTimeout"} & found["Result"].keys()
    assert _value(admin, "archivePath") == str(server.archive)
    assert admin.get(f"{SETTINGS}/siteId", params={"format": "xml"}).text == "<siteId>XNAT</siteId>"


@pytest.mark.rule("settings-missing")
def test_setting_that_is_not_there_is_400(admin: Session) -> None:
    assert admin.get(f"{SETTINGS}/nosuch").status_code == 400
    assert admin.put(f"{SETTINGS}/nosuch/1").status_code == 400
    assert admin.post(f"{SETTINGS}/own.setting/1").status_code == 200
    assert _value(admin, "own.setting") == "1"
    assert admin.put(f"{SETTINGS}/own.setting/2").status_code == 200
    assert _value(admin, "own.setting") == "2"


@pytest.mark.rule("settings-value-in-path")
def test_value_in_the_path_is_not_decoded_and_ends_at_a_slash(admin: Session) -> None:
    assert admin.put(f"{SETTINGS}/siteId/DPUK%20OXFORD").status_code == 200
    assert _value(admin, "siteId") == "DPUK%20OXFORD"
    assert admin.put(f"{SETTINGS}/siteUrl/http:/example.org").status_code == 200
    assert _value(admin, "siteUrl") == "http:"
    assert admin.put(f"{SETTINGS}/siteId").status_code == 400
    admin.put(f"{SETTINGS}/siteId/XNAT").raise_for_status()


@pytest.mark.rule("settings-body", "settings-unknown-keys")
def test_body_is_split_and_decoded_and_unknown_names_are_stored(admin: Session) -> None:
    body = (
        "datafreeze.remote.location=http%3A%2F%2Fhub.example.org%2F&smtpHost=mail+host&datafreeze.remote.script=a=b%26c"
    )
    answer = admin.put(SETTINGS, data=body)
    assert answer.status_code == 200
    assert answer.json()["ResultSet"]["title"] == "Settings"
    assert _value(admin, "datafreeze.remote.location") == "http://hub.example.org/"
    assert _value(admin, "smtpHost") == "mail host"
    assert _value(admin, "datafreeze.remote.script") == "a=b&c"
    assert admin.put(SETTINGS, data="datafreeze.remote.config").status_code == 200
    assert _value(admin, "datafreeze.remote.config") == ""


@pytest.mark.rule("settings-other-names")
def test_settings_are_the_site_s_preferences(admin: Session, server: XnatServer) -> None:
    assert admin.post(SETTINGS, data="siteAdminEmail=a%40example.org&enableNewRegistrations=true").status_code == 200
    assert server.site.preferences["adminEmail"] == "a@example.org"
    assert server.site.preferences["userRegistration"] is True
    assert (_value(admin, "siteAdminEmail"), _value(admin, "error")) == ("a@example.org", "a@example.org")


@pytest.mark.rule("settings-for-admins")
def test_settings_are_for_administrators(server: XnatServer) -> None:
    with server.site.store.writing() as session:
        session.add(User(login="plain", password=hash_password("plain")))
    http = server.session("plain", "plain")
    assert http.get(SETTINGS).status_code == 403
    assert http.put(f"{SETTINGS}/siteId/other").status_code == 403
    assert requests.get(f"{server.url}{SETTINGS}").status_code == 401


@pytest.mark.rule("settings-initialize")
def test_site_is_initialised_once(practice: Practice) -> None:
    server = practice("1.6", initialized=False, name="settings")
    http = server.session()
    assert http.get(SETTINGS, allow_redirects=False).status_code == 302
    body = "siteId=NODE&siteAdminEmail=node%40example.org&requireLogin=true"
    assert http.put(f"{SETTINGS}/initialize", data=body).status_code == 200
    assert _value(http, "siteId") == "NODE"
    assert http.get("/data/projects").status_code == 200
    assert http.put(f"{SETTINGS}/initialize", data=body).status_code == 500


@pytest.mark.rule("settings-1-6-only")
def test_later_versions_have_no_such_service(api: Session) -> None:
    assert api.get(SETTINGS).status_code == 404
    assert api.put(f"{SETTINGS}/siteId/other").status_code == 404
