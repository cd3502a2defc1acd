"""XNAT's contract, section 1: open and closed sites, and accounts and sites that cannot be used as they are."""

from __future__ import annotations

import datetime as dt

import pytest
import requests
from sqlalchemy import update
from xnat_twin.access.auth import hash_password
from xnat_twin.storage.store import User
from xnat_twin.testing import Practice, Session, XnatServer

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}


def _made(server: XnatServer, **values: object) -> tuple[str, str]:
    """A new account with these columns in the database."""
    user, password = server.new_user()
    with server.site.store.writing() as session:
        session.execute(update(User).where(User.login == user).values(**values))
    return user, password


@pytest.mark.rule("open-paths")
def test_open_paths_need_no_login(xnat: XnatServer) -> None:
    for path in ("buildInfo", "siteId", "siteUrl", "siteHome", "siteLogoPath"):
        assert requests.get(f"{xnat.url}/xapi/siteConfig/{path}").status_code == 200
    assert requests.get(f"{xnat.url}/app/template/Login.vm").status_code == 200
    assert requests.get(f"{xnat.url}/xapi/siteConfig/buildInfo/version").status_code == 401


@pytest.mark.rule("send-email-verification")
@pytest.mark.practice_xnat("looks for mail addresses of accounts")
def test_anybody_can_ask_for_the_mail_that_verifies_an_address(xnat: XnatServer) -> None:
    url = f"{xnat.url}/data/services/sendemailverification"
    [email] = [one["email"] for one in xnat.session().get("/xapi/users/profiles").json() if one["username"] == "admin"]
    assert requests.post(url, params={"email": email}).status_code == 200
    unknown = requests.post(url, params={"email": "nobody@nowhere.example"})
    assert (unknown.status_code, "No Such Email Exists." in unknown.text) == (400, True)
    assert requests.get(url).status_code == 405


@pytest.mark.rule("open-site-guest", "open-site-403", "closed-site-401")
def test_open_site_lets_anyone_read_what_is_public_and_change_nothing(practice: Practice) -> None:
    server = practice(name="open")
    project, private = server.new_project("public"), server.new_project("private")
    path = f"{server.url}/data/projects/{project}"
    with server.settings(requireLogin=False):
        assert requests.get(path).status_code == 200
        assert requests.get(f"{server.url}/data/auth").text == "User 'guest' is logged in"
        assert requests.put(f"{path}/subjects/S1").status_code == 403
        assert requests.put(f"{path}_new").status_code == 403
        assert requests.get(f"{server.url}/data/users").status_code == 403
        assert requests.get(f"{server.url}/data/projects/{private}").status_code == 404
        assert requests.get(f"{server.url}/xapi/users").status_code == 401
    assert requests.get(path).status_code == 401
    assert requests.put(f"{path}/subjects/S1").status_code == 401


@pytest.mark.rule("not-seen-404", "not-allowed-403")
def test_what_may_not_be_seen_is_404_and_what_may_not_be_done_403(api: Session, xnat: XnatServer) -> None:
    project = xnat.new_project()
    user, password = xnat.new_user()
    http = xnat.session(user, password)
    assert http.get(f"/data/projects/{project}").status_code == 404
    api.put(f"/data/projects/{project}/users/Collaborators/{user}").raise_for_status()
    assert http.get(f"/data/projects/{project}").status_code == 200
    assert http.put(f"/data/projects/{project}/subjects/S1").status_code == 403


@pytest.mark.rule("disabled-account")
def test_disabled_account_is_401(practice: Practice) -> None:
    server = practice()
    assert server.session(*_made(server, enabled=False)).get("/data/auth").status_code == 401


@pytest.mark.rule("unverified-account")
def test_unverified_account_is_401_where_addresses_are_verified(practice: Practice) -> None:
    server = practice()
    user = _made(server, verified=False)
    assert server.session(*user).get("/data/auth").status_code == 401
    with server.settings(emailVerification=False):
        assert server.session(*user).get("/data/auth").status_code == 200


@pytest.mark.rule("session-outlives-account")
def test_session_goes_on_after_its_account_was_disabled(practice: Practice) -> None:
    server = practice()
    user, password = server.new_user()
    http = server.session(user, password)
    http.get("/data/auth")
    assert server.session().put(f"/xapi/users/{user}/enabled/false").status_code == 200
    assert http.get("/data/auth").status_code == 200
    assert server.session(user, password).get("/data/auth").status_code == 401


@pytest.mark.rule("locked-account", "lockout-ends")
def test_account_is_locked_after_too_many_failures_and_a_new_password_unlocks_it(practice: Practice) -> None:
    server = practice()
    user, password = server.new_user()
    with server.settings(maxFailedLogins=2):
        for _ in range(2):
            assert server.session(user, "wrong").get("/data/auth").status_code == 401
        assert server.session(user, password).get("/data/auth").status_code == 401
        server.session().put(f"/xapi/users/{user}", json={"password": "another"}).raise_for_status()
        assert server.session(user, "another").get("/data/auth").status_code == 200


@pytest.mark.rule("lockout-ends")
def test_lock_ends_by_itself(practice: Practice) -> None:
    server = practice()
    an_hour_ago = dt.datetime.now(dt.UTC).replace(tzinfo=None) - dt.timedelta(hours=1, minutes=1)
    assert server.session(*_made(server, locked_out=an_hour_ago)).get("/data/auth").status_code == 200


@pytest.mark.rule("success-clears-failures")
def test_success_clears_the_failures_before_it(practice: Practice) -> None:
    server = practice()
    user, password = server.new_user()
    with server.settings(maxFailedLogins=2):
        for attempt in ("wrong", password, "wrong", password):
            expected = 200 if attempt == password else 401
            assert server.session(user, attempt).get("/data/auth").status_code == expected


def _expired(server: XnatServer) -> tuple[str, str]:
    two_years_ago = dt.datetime.now(dt.UTC).replace(tzinfo=None) - dt.timedelta(days=730)
    return _made(server, password_updated=two_years_ago)


@pytest.mark.rule("expired-password")
def test_expired_password_leads_to_a_page_for_changing_it_even_for_a_program(practice: Practice) -> None:
    server = practice()
    user, password = _expired(server)
    http = server.session(user, password)
    for _ in range(2):
        answer = http.get("/data/projects", allow_redirects=False)
        assert answer.status_code == 302
        assert answer.headers["Location"].endswith("/app/template/XDATScreen_UpdateUser.vm")
    assert http.get("/data/projects").text.startswith("<!DOCTYPE")
    server.session().put(f"/xapi/users/{user}", json={"password": "new"}).raise_for_status()
    assert http.get("/data/projects").status_code == 200
    assert server.session(user, "new").get("/data/projects", allow_redirects=False).status_code == 200


@pytest.mark.rule("expired-password-1-6")
def test_1_6_refuses_an_expired_password_with_403_before_it_looks_at_it(practice: Practice) -> None:
    server = practice(flavour="1.6")
    with server.site.store.writing() as session:
        old = dt.datetime(2001, 1, 1)
        session.add(User(login="late", password="", enabled=True, verified=True, password_updated=old))
    answer = server.session("late", "any").get("/data/projects")
    assert answer.status_code == 403
    assert "Your password has expired. Please try again after changing your password." in answer.text


@pytest.mark.rule("password-expiry-type")
def test_passwords_expire_by_interval_or_on_a_date_or_never(practice: Practice) -> None:
    server = practice()
    user = _expired(server)

    def status() -> int:
        return server.session(*user).get("/data/projects", allow_redirects=False).status_code

    with server.settings(passwordExpirationInterval="3 years"):
        assert status() == 200
    yesterday = (dt.date.today() - dt.timedelta(days=1)).strftime("%m/%d/%Y")
    with server.settings(passwordExpirationType="Date", passwordExpirationDate=yesterday):
        assert status() == 302
        assert server.session(*server.new_user()).get("/data/projects", allow_redirects=False).status_code == 200
    with server.settings(passwordExpirationType="Disabled"):
        assert status() == 200


@pytest.mark.rule("non-expiring-role")
def test_non_expiring_account_s_password_does_not_expire(practice: Practice) -> None:
    server = practice()
    user, password = _expired(server)
    assert server.session().put(f"/xapi/users/{user}/roles/non_expiring").status_code == 200
    assert server.session(user, password).get("/data/projects", allow_redirects=False).status_code == 200


@pytest.mark.rule("password-checked-once")
def test_password_that_expires_during_a_session_lets_it_go_on(practice: Practice) -> None:
    server = practice()
    user, password = server.new_user()
    http = server.session(user, password)
    assert http.get("/data/projects").status_code == 200
    with server.settings(passwordExpirationInterval="0 seconds"):
        assert http.get("/data/projects", allow_redirects=False).status_code == 200
        assert server.session(user, password).get("/data/projects", allow_redirects=False).status_code == 302


@pytest.mark.rule("uninitialised-redirect", "uninitialised-anonymous", "uninitialised-open")
def test_site_that_was_never_configured_redirects_who_is_logged_in(practice: Practice) -> None:
    server = practice(initialized=False, name="unconfigured")
    api = server.session()
    for path in ("/data/projects", "/xapi/users", "/xapi/siteConfig/uptime"):
        answer = api.get(path, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/setup")
    assert api.get("/data/projects").status_code == 200  # whoever follows finds a page
    assert api.put("/data/projects/p1", allow_redirects=False).status_code == 302
    for headers in ({}, BROWSER):
        assert api.get("/xapi/siteConfig", headers=headers, allow_redirects=False).status_code == 200
    assert api.get("/xapi/siteConfig/initialized").text == "false"
    assert requests.get(f"{server.url}/xapi/siteConfig/buildInfo").status_code == 200
    assert requests.get(f"{server.url}/data/projects").status_code == 401
    assert requests.get(f"{server.url}/data/projects", headers=BROWSER, allow_redirects=False).status_code == 302


@pytest.mark.rule("uninitialised-redirect")
def test_site_that_was_never_configured_sends_others_to_a_page_that_says_so(practice: Practice) -> None:
    server = practice(initialized=False, name="unconfigured")
    with server.site.store.writing() as session:
        session.add(User(login="early", password=hash_password("early")))
    answer = server.session("early", "early").get("/data/projects", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/app/template/Unconfigured.vm")
    assert server.session("early", "early").get("/xapi/siteConfig").json() == {}


@pytest.mark.rule("initialized-stays")
def test_site_that_is_configured_stays_so_whatever_the_setting_says(practice: Practice) -> None:
    server = practice(name="sticky")
    api = server.session()
    assert api.post("/xapi/siteConfig", json={"initialized": False}).status_code == 200
    assert api.get("/xapi/siteConfig/initialized").text == "false"
    assert api.get("/data/projects", allow_redirects=False).status_code == 200


@pytest.mark.rule("uninitialised-1-6")
def test_1_6_that_was_never_configured_leads_to_its_own_page(practice: Practice) -> None:
    server = practice("1.6", initialized=False, name="unconfigured")
    answer = server.session().get("/data/projects", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/app/template/Configuration.vm")
    assert server.session().get("/data/projects").status_code == 200


@pytest.mark.rule("jsession-guest-1-6")
def test_1_6_gives_no_session_to_guests_of_a_closed_site(practice: Practice) -> None:
    server = practice(flavour="1.6")
    answer = requests.get(f"{server.url}/data/JSESSION")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="XNAT Protected Area"'
