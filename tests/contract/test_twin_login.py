"""XNAT's contract, section 1: how one logs in, what a session is, and how it ends."""

from __future__ import annotations

import re

import pytest
import requests
from xnat_twin.testing import Practice, Session, XnatServer

STATUS_PAGE = re.compile(r"<html>.*<h3>.+</h3>.*<br>\n.*</html>", re.DOTALL)
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}


@pytest.mark.rule("basic-auth-opens-session", "jsession-id")
def test_basic_auth_opens_a_session_and_sets_its_cookie(api: Session) -> None:
    answer = api.get("/data/JSESSION")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert re.fullmatch(r"[0-9A-F]{32}", answer.text)
    assert answer.cookies["JSESSIONID"] == answer.text
    assert re.search(r"JSESSIONID=\w+; Path=/[^,]*; HttpOnly", answer.headers["Set-Cookie"])
    assert api.post("/data/JSESSION").text == answer.text


@pytest.mark.rule("session-is-enough")
def test_a_session_cookie_is_enough_afterwards(api: Session) -> None:
    identifier = api.get("/data/JSESSION").text
    api.auth = None
    assert api.get("/data/JSESSION").text == identifier
    assert "JSESSIONID" not in api.get("/data/auth").headers.get("Set-Cookie", "")


@pytest.mark.rule("session-is-enough")
def test_password_is_not_looked_at_again_in_a_session_of_the_same_user(xnat: XnatServer) -> None:
    http = xnat.session()
    identifier = http.get("/data/JSESSION").text
    http.auth = (xnat.admin, "wrong")
    assert (http.get("/data/JSESSION").status_code, http.get("/data/JSESSION").text) == (200, identifier)


@pytest.mark.rule("other-user-other-session")
def test_another_user_s_header_opens_another_session_and_closes_the_first(xnat: XnatServer) -> None:
    http = xnat.session()
    first = http.get("/data/JSESSION").text
    user, password = xnat.new_user()
    http.auth = (user, password)
    assert http.get("/data/auth").text == f"User '{user}' is logged in"
    assert http.get("/data/JSESSION").text != first
    assert requests.get(f"{xnat.url}/data/auth", cookies={"JSESSIONID": first}).status_code == 401


@pytest.mark.rule("session-per-request")
def test_basic_auth_without_cookies_opens_a_session_each_time(xnat: XnatServer) -> None:
    auth = (xnat.admin, xnat.password)
    ids = {requests.get(f"{xnat.url}/data/JSESSION", auth=auth).text for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.rule("too-many-sessions")
def test_who_has_too_many_sessions_cannot_log_in(practice: Practice) -> None:
    server = practice(name="sessions")
    user = server.new_user()
    with server.settings(concurrentMaxSessions=2):
        answers = [requests.get(f"{server.url}/data/auth", auth=user).status_code for _ in range(3)]
    assert answers == [200, 200, 401]


@pytest.mark.rule("provider-before-user")
def test_provider_may_stand_before_the_user(xnat: XnatServer) -> None:
    assert xnat.session(f"localdb/{xnat.admin}").get("/data/auth").text == f"User '{xnat.admin}' is logged in"


@pytest.mark.rule("wrong-credentials")
@pytest.mark.parametrize("agent", ["curl/8.0", BROWSER["User-Agent"]])
def test_wrong_password_is_401_for_everyone_and_says_nothing_of_the_session(xnat: XnatServer, agent: str) -> None:
    answer = xnat.session(password="wrong").get("/data/projects", headers={"User-Agent": agent}, allow_redirects=False)
    assert answer.status_code == 401
    assert "Login failed" in answer.text or "login attempt failed" in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.rule("malformed-credentials")
@pytest.mark.parametrize("header", ["Basic bm9jb2xvbg==", "Basic ?"])
def test_basic_header_that_cannot_be_read_is_500(xnat: XnatServer, header: str) -> None:
    assert requests.get(f"{xnat.url}/data/projects", headers={"Authorization": header}).status_code == 500


@pytest.mark.rule("anonymous-program")
@pytest.mark.parametrize("agent", ["curl/8.0", "", "Mozilla/5.0 XNATDesktopClient/1.0"])
def test_no_credentials_is_401_with_a_challenge_for_a_program(xnat: XnatServer, agent: str) -> None:
    for path in ("/data/projects", "/xapi/users"):
        answer = requests.get(xnat.url + path, headers={"User-Agent": agent}, allow_redirects=False)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith('Basic realm="')


@pytest.mark.rule("anonymous-browser")
@pytest.mark.parametrize("agent", ["Mozilla/5.0", "Opera/9.80", "x AppleWebKit x", "MSIE 6"])
def test_no_credentials_is_a_redirect_to_a_login_page_for_a_browser(xnat: XnatServer, agent: str) -> None:
    headers = {"User-Agent": agent}
    answer = requests.get(f"{xnat.url}/data/projects", headers=headers, allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith("/app/template/Login.vm")
    followed = requests.get(f"{xnat.url}/data/projects", headers=headers)
    assert (followed.status_code, followed.text[:9].upper()) == (200, "<!DOCTYPE")


@pytest.mark.rule("auth-text")
def test_auth_names_the_user(api: Session, xnat: XnatServer) -> None:
    answer = api.get("/data/auth")
    assert answer.text == f"User '{xnat.admin}' is logged in"
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.rule("jsession-delete")
def test_deleting_jsession_logs_out(api: Session) -> None:
    api.get("/data/JSESSION")
    api.auth = None
    assert api.delete("/data/JSESSION").status_code == 200
    assert api.get("/data/auth").status_code == 401


@pytest.mark.rule("jsession-guest")
def test_jsession_without_login_is_a_guest_s_session_that_opens_nothing(xnat: XnatServer) -> None:
    http = Session(xnat.url)
    identifier = http.get("/data/JSESSION").text
    assert re.fullmatch(r"[0-9A-F]{32}", identifier)
    assert http.get("/data/JSESSION").text == identifier
    assert http.get("/data/projects").status_code == 401


@pytest.mark.rule("guest-login-new-session")
def test_guest_who_logs_in_gets_another_session(xnat: XnatServer) -> None:
    http = xnat.session()
    auth, http.auth = http.auth, None
    as_guest = http.get("/data/JSESSION").text
    http.auth = auth
    assert http.get("/data/JSESSION").text != as_guest


@pytest.mark.rule("services-auth")
@pytest.mark.parametrize("names", [("username", "password"), ("j_username", "j_password")])
def test_login_by_form_sets_the_cookie(xnat: XnatServer, names: tuple[str, str]) -> None:
    http = Session(xnat.url)
    answer = http.put("/data/services/auth", data=dict(zip(names, (xnat.admin, xnat.password), strict=True)))
    assert answer.status_code == 200
    assert answer.cookies["JSESSIONID"] == answer.text
    assert http.get("/data/auth").status_code == 200


@pytest.mark.rule("services-auth-failure")
def test_login_by_form_with_a_wrong_password_shows_the_status_page(xnat: XnatServer) -> None:
    answer = Session(xnat.url).put("/data/services/auth", data={"username": xnat.admin, "password": "wrong"})
    assert answer.status_code == 401
    assert STATUS_PAGE.search(answer.text)
    assert "<h3>Authentication failed.</h3>" in answer.text


@pytest.mark.rule("services-auth-provider")
def test_login_by_form_through_a_provider(xnat: XnatServer) -> None:
    form = {"username": xnat.admin, "password": xnat.password}
    assert Session(xnat.url).post("/data/services/auth", data=form | {"provider": "localdb"}).status_code == 200
    assert Session(xnat.url).post("/data/services/auth", data=form | {"provider": "nosuch"}).status_code == 401
    answer = Session(xnat.url).post("/data/services/auth", data=form | {"authenticatorId": "nosuch"})
    assert answer.status_code == 400
    assert "No authentication provider identified by id nosuch found." in answer.text


@pytest.mark.rule("expiry-cookie")
def test_expiry_cookie_keeps_its_quotes(api: Session) -> None:
    cookie = api.get("/data/JSESSION").headers["Set-Cookie"]
    assert re.search(r'SESSION_EXPIRATION_TIME="\d+,\d+"', cookie)
    assert "SESSION_EXPIRATION_TIME" in api.get("/xapi/siteConfig/buildInfo").headers["Set-Cookie"]


@pytest.mark.practice_xnat("reads and changes the session timeout")
@pytest.mark.rule("expiry-cookie", "session-timeout")
def test_expiry_cookie_has_the_session_timeout(practice: Practice) -> None:
    server = practice(name="timeout")
    assert ',900000"' in server.session().get("/data/auth").headers["Set-Cookie"]
    with server.settings(sessionTimeout="2 hours"):
        assert ',7200000"' in server.session().get("/data/auth").headers["Set-Cookie"]


@pytest.mark.rule("session-timeout", "anonymous-program", "anonymous-browser")
def test_session_that_timed_out_is_401_for_a_program_and_a_redirect_for_a_browser(practice: Practice) -> None:
    server = practice(name="timeout")
    http = server.session()
    http.get("/data/auth")
    http.auth = None
    with server.settings(sessionTimeout="0 seconds"):
        assert http.get("/data/projects").status_code == 401
        redirected = http.get("/data/projects", headers=BROWSER, allow_redirects=False)
    assert (redirected.status_code, redirected.headers["Location"]) == (302, "/app/template/Login.vm")


@pytest.mark.practice_xnat("ends every session of the server, as a restart does")
@pytest.mark.rule("restart-ends-sessions")
def test_restart_ends_sessions_and_credentials_open_a_new_one(api: Session, xnat: XnatServer) -> None:
    api.get("/data/JSESSION")
    xnat.site.sessions.expire_all()
    assert api.get("/data/projects").status_code == 200
    xnat.site.sessions.expire_all()
    api.auth = None
    assert api.get("/data/projects").status_code == 401


@pytest.mark.rule("user-sessions")
@pytest.mark.parametrize("start", ["/data", "/REST", "/data/archive"])
def test_sessions_of_a_user_are_counted_and_ended(xnat: XnatServer, start: str) -> None:
    user, password = xnat.new_user()
    first = xnat.session(user, password)
    assert first.get(f"{start}/user/{user}/sessions").json() == {user: 1}
    xnat.session(user, password).get("/data/auth")
    api = xnat.session()
    assert api.get(f"{start}/user/{user}/sessions").json() == {user: 2}
    assert api.delete(f"{start}/user/{user}/sessions").status_code == 200
    assert api.get(f"{start}/user/{user}/sessions").json() == {user: 0}
    assert api.delete(f"{start}/user/{user}/sessions").status_code == 404


@pytest.mark.rule("user-sessions")
def test_sessions_of_others_are_for_administrators(xnat: XnatServer) -> None:
    stranger = xnat.session(*xnat.new_user())
    assert stranger.get(f"/data/user/{xnat.admin}/sessions").status_code == 403
    assert stranger.delete(f"/data/user/{xnat.admin}/sessions").status_code == 403


@pytest.mark.rule("ended-session-refuses-once")
def test_session_that_was_ended_refuses_one_request_even_with_right_credentials(xnat: XnatServer) -> None:
    user, password = xnat.new_user()
    http = xnat.session(user, password)
    http.get("/data/auth")
    assert xnat.session().delete(f"/data/user/{user}/sessions").status_code == 200
    assert [http.get("/data/auth").status_code for _ in range(3)] == [401, 200, 200]


@pytest.mark.rule("active-users")
def test_active_sessions_are_listed_and_ended(xnat: XnatServer) -> None:
    user, password = xnat.new_user()
    api = xnat.session()
    assert api.get(f"/xapi/users/active/{user}").status_code == 304
    identifier = xnat.session(user, password).get("/data/JSESSION").text
    assert api.get("/xapi/users/active").json()[user] == {"sessions": [identifier], "count": 1}
    assert api.get(f"/xapi/users/active/{user}").json() == [identifier]
    assert api.delete(f"/xapi/users/active/{user}").json() == [identifier]
    assert api.delete(f"/xapi/users/active/{user}").status_code == 304
    assert api.delete("/xapi/users/active/nosuch").status_code == 404


@pytest.mark.rule("active-users", "own-session-ends-too")
def test_who_ends_his_own_sessions_ends_the_present_one_without_being_told(xnat: XnatServer) -> None:
    http = xnat.session(*xnat.new_user())
    user = http.auth[0] if isinstance(http.auth, tuple) else ""
    http.get("/data/auth")
    assert http.get("/xapi/users/active").status_code == 403
    assert http.delete(f"/xapi/users/active/{user}").json() == []
    assert http.get("/data/auth").status_code == 401


@pytest.mark.practice_xnat("changes the site's address")
@pytest.mark.rule("secure-cookie")
def test_session_cookie_is_secure_if_the_site_s_address_is(practice: Practice) -> None:
    server = practice(name="secure")
    assert "; Secure" not in server.session().get("/data/auth").headers["Set-Cookie"]
    with server.settings(siteUrl="https://xnat.example.org"):
        assert "; Secure; HttpOnly" in server.session().get("/data/auth").headers["Set-Cookie"]


def test_rest_and_archive_are_other_names_of_data(api: Session, project: str) -> None:
    for path in (f"/REST/projects/{project}", f"/data/archive/projects/{project}"):
        assert api.get(path, params={"format": "json"}).json()["items"][0]["data_fields"]["ID"] == project


def test_head_is_accepted_wherever_get_is(api: Session, project: str) -> None:
    for path in ("/data/projects", f"/data/projects/{project}", f"/data/projects/{project}/resources"):
        answer = api.head(path)
        assert (answer.status_code, answer.content) == (200, b"")


def test_method_that_a_resource_lacks_is_405(api: Session) -> None:
    answer = api.delete("/data/projects")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
