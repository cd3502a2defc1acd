"""XNAT's contract, section 1: who is logged in, and what happens to those who are not."""

from __future__ import annotations

import re

import pytest
import requests
from xnat_twin.testing import Session, XnatServer

STATUS_PAGE = re.compile(r"<html>.*<h3>.+</h3>.*<br>\n.*</html>", re.DOTALL)


def test_basic_auth_opens_a_session_and_sets_its_cookie(api: Session) -> None:
    answer = api.get("/data/JSESSION")
    assert answer.status_code == 200
    assert re.fullmatch(r"[0-9A-F]{32}", answer.text)
    assert answer.cookies["JSESSIONID"] == answer.text


def test_a_session_cookie_is_enough_afterwards(api: Session) -> None:
    identifier = api.get("/data/JSESSION").text
    api.auth = None
    assert api.get("/data/JSESSION").text == identifier
    assert "JSESSIONID" not in api.get("/data/auth").headers.get("Set-Cookie", "")


def test_basic_auth_without_cookies_opens_a_session_each_time(xnat: XnatServer) -> None:
    auth = (xnat.admin, xnat.password)
    ids = {requests.get(f"{xnat.url}/data/JSESSION", auth=auth).text for _ in range(2)}
    assert len(ids) == 2


def test_wrong_password_is_401(xnat: XnatServer) -> None:
    assert xnat.session(password="wrong").get("/data/projects").status_code == 401


def test_no_credentials_is_401_with_a_challenge_for_a_program(xnat: XnatServer) -> None:
    answer = requests.get(f"{xnat.url}/data/projects")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")


def test_no_credentials_is_a_redirect_to_a_login_page_for_a_browser(xnat: XnatServer) -> None:
    headers = {"User-Agent": "Mozilla/5.0"}
    answer = requests.get(f"{xnat.url}/data/projects", headers=headers, allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith("/app/template/Login.vm")
    followed = requests.get(f"{xnat.url}/data/projects", headers=headers)
    assert (followed.status_code, followed.text[:9].upper()) == (200, "<!DOCTYPE")


def test_auth_names_the_user(api: Session, xnat: XnatServer) -> None:
    assert api.get("/data/auth").text == f"User '{xnat.admin}' is logged in"


def test_deleting_jsession_logs_out(api: Session) -> None:
    api.get("/data/JSESSION")
    api.auth = None
    assert api.delete("/data/JSESSION").status_code == 200
    assert api.get("/data/auth").status_code == 401


def test_login_by_form_sets_the_cookie(xnat: XnatServer) -> None:
    http = Session(xnat.url)
    form = {"username": xnat.admin, "password": xnat.password}
    answer = http.put("/data/services/auth", data=form)
    assert answer.status_code == 200
    assert answer.cookies["JSESSIONID"] == answer.text
    assert http.get("/data/auth").status_code == 200


def test_login_by_form_with_a_wrong_password_shows_the_status_page(xnat: XnatServer) -> None:
    answer = Session(xnat.url).put("/data/services/auth", data={"username": xnat.admin, "password": "wrong"})
    assert answer.status_code == 401
    assert STATUS_PAGE.search(answer.text)


def test_expiry_cookie_keeps_its_quotes(api: Session) -> None:
    cookie = api.get("/data/JSESSION").headers["Set-Cookie"]
    assert re.search(r'SESSION_EXPIRATION_TIME="\d+,\d+"', cookie)


def test_alias_token_logs_in_as_its_owner(xnat: XnatServer) -> None:
    user, password = xnat.new_user()
    token = xnat.session(user, password).get("/data/services/tokens/issue").json()
    http = xnat.session(token["alias"], token["secret"])
    assert http.get("/data/auth").text == f"User '{user}' is logged in"


def test_invalidated_alias_token_is_401(xnat: XnatServer) -> None:
    http = xnat.session()
    token = http.get("/data/services/tokens/issue").json()
    path = f"/data/services/tokens/invalidate/{token['alias']}/{token['secret']}"
    assert http.get(path).json() == {"result": "OK"}
    assert xnat.session(token["alias"], token["secret"]).get("/data/auth").status_code == 401


def test_build_info_needs_no_login(xnat: XnatServer) -> None:
    answer = requests.get(f"{xnat.url}/xapi/siteConfig/buildInfo")
    assert answer.status_code == 200
    assert re.match(r"\d+\.\d+", answer.json()["version"])


def test_version_of_1_6_is_404_with_a_page_that_is_not_xml(api: Session) -> None:
    answer = api.get("/data/version")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert STATUS_PAGE.search(answer.text)
    assert "</br>" not in answer.text


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


@pytest.mark.practice_xnat("ends every session of the server, as a restart does")
def test_expired_session_without_credentials_is_401(api: Session, xnat: XnatServer) -> None:
    api.get("/data/JSESSION")
    api.auth = None
    xnat.site.sessions.expire_all()
    assert api.get("/data/projects").status_code == 401


@pytest.mark.practice_xnat("takes the site's initialized flag away")
def test_site_that_was_never_configured_refuses_data_but_not_its_configuration(xnat: XnatServer) -> None:
    api = xnat.session()
    api.post("/xapi/siteConfig", json={"initialized": False}).raise_for_status()
    try:
        assert api.get("/data/projects").status_code == 403
        assert requests.get(f"{xnat.url}/xapi/siteConfig/buildInfo").status_code == 200
    finally:
        assert api.post("/xapi/siteConfig", json={"initialized": True}).status_code == 200
    assert api.get("/data/projects").status_code == 200


def test_settings_are_for_administrators(xnat: XnatServer) -> None:
    stranger = xnat.session(*xnat.new_user())
    assert stranger.post("/xapi/siteConfig", json={"siteId": "other"}).status_code == 403
    assert "archivePath" not in stranger.get("/xapi/siteConfig").json()
    assert "archivePath" in xnat.session().get("/xapi/siteConfig").json()


@pytest.mark.practice_xnat("opens the site to everyone")
def test_open_site_lets_anyone_read_what_is_public_and_change_nothing(xnat: XnatServer) -> None:
    api, project = xnat.session(), xnat.new_project("public")
    api.post("/xapi/siteConfig", json={"requireLogin": False}).raise_for_status()
    try:
        path = f"{xnat.url}/data/projects/{project}"
        assert requests.get(path).status_code == 200
        assert requests.put(f"{path}/subjects/S1").status_code == 403
        assert requests.put(f"{path}_new").status_code == 403
    finally:
        api.post("/xapi/siteConfig", json={"requireLogin": True}).raise_for_status()
    assert requests.get(path).status_code == 401


@pytest.mark.practice_xnat("how a real one reacts is not known")
def test_setting_that_would_break_the_site_is_400(api: Session) -> None:
    assert api.post("/xapi/siteConfig", json={"sessionTimeout": "soon"}).status_code == 400
    assert api.get("/data/auth").status_code == 200


def test_account_that_exists_is_409(xnat: XnatServer) -> None:
    user, _ = xnat.new_user()
    given = {"username": user, "password": "x", "firstName": "A", "lastName": "B", "email": "a@example.org"}
    assert xnat.session().post("/xapi/users", json=given).status_code == 409
