"""XNAT's contract, section 1.4: what a browser must send with every change, and a program need not."""

from __future__ import annotations

import re

import pytest
from xnat_twin.testing import Practice, Session, XnatServer

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"}
TOKEN = re.compile(r"; XNAT_CSRF=([0-9a-f]{8}-[0-9a-f-]{27})$")


@pytest.mark.rule("csrf-shown")
@pytest.mark.parametrize("path", ["/data/JSESSION", "/data/auth"])
def test_token_is_shown_to_who_asks(api: Session, path: str) -> None:
    found = [TOKEN.search(api.get(path, params={"CSRF": "true"}).text) for _ in range(2)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0][1] == found[1][1]
    assert "XNAT_CSRF" not in api.get(path).text


@pytest.mark.rule("csrf-browser")
def test_browser_s_change_without_token_is_500(xnat: XnatServer, project: str) -> None:
    http = xnat.session()
    http.headers.update(BROWSER)
    path = f"/data/projects/{project}/subjects/S1"
    for method in ("PUT", "POST", "DELETE"):
        assert http.request(method, path).status_code == 500
    assert http.put(path, params={"XNAT_CSRF": "wrong"}).status_code == 500
    assert http.get(f"/data/projects/{project}").status_code == 200


@pytest.mark.rule("csrf-browser")
def test_browser_s_change_with_token_is_carried_out(xnat: XnatServer, project: str) -> None:
    http = xnat.session()
    http.headers.update(BROWSER)
    token = TOKEN.search(http.get("/data/JSESSION", params={"CSRF": "true"}).text)
    assert token is not None
    path = f"/data/projects/{project}/subjects/S1"
    assert http.put(path, params={"XNAT_CSRF": token[1]}).status_code == 201
    assert http.put(path, params={"XNAT_CSRF": token[1].upper()}).status_code == 200


@pytest.mark.rule("csrf-programs")
@pytest.mark.parametrize(
    "agent", ["curl/8.5.0", "python-requests/2.31", "", "Mozilla/5.0 Java/1.8", "Mozilla/5.0 XNATDesktopClient"]
)
def test_programs_need_no_token(xnat: XnatServer, project: str, agent: str) -> None:
    answer = xnat.session().put(f"/data/projects/{project}/subjects/S1", headers={"User-Agent": agent})
    assert answer.status_code == 201


@pytest.mark.rule("csrf-not-in-xapi")
def test_xapi_asks_nobody_for_the_token(practice: Practice) -> None:
    server = practice(name="csrf")
    user, _ = server.new_user()
    answer = server.session().put(f"/xapi/users/{user}", json={"firstName": "Other"}, headers=BROWSER)
    assert answer.status_code == 200


@pytest.mark.rule("csrf-setting")
def test_token_is_needed_only_while_the_site_says_so(practice: Practice) -> None:
    server = practice(name="csrf")
    with server.settings(enableCsrfToken=False):
        assert server.session().put("/data/projects/csrf1", headers=BROWSER).status_code == 200
    assert server.session().put("/data/projects/csrf2", headers=BROWSER).status_code == 500


@pytest.mark.rule("csrf-shown-1-6")
def test_1_6_does_not_show_the_token(practice: Practice) -> None:
    http = practice(flavour="1.6").session()
    assert "CSRF" not in http.get("/data/JSESSION", params={"CSRF": "true"}).text
    assert http.get("/data/auth", params={"CSRF": "true"}).text == "User 'admin' is logged in."
