"""Input that nobody means well is refused or taken as it is. It neither breaks the server nor reaches a browser."""

from __future__ import annotations

import base64
import io
import tarfile

import pytest
import requests
from file_helpers import put
from xnat_twin.testing import Practice, Session, XnatServer

TOKENS = "/data/services/tokens"
HUGE = "9" * 30


@pytest.mark.rule("resource-number-missing")
def test_number_beyond_all_numbers_is_a_label(api: Session, project: str) -> None:
    path = f"/data/projects/{project}/resources/{HUGE}"
    assert [api.request(method, path).status_code for method in ("GET", "PUT", "PUT")] == [404, 200, 409]
    assert put(api, f"{path}/files/a").status_code == 200
    assert api.put(f"/data/projects/{project}/users/Owners/{HUGE}").status_code == 200


@pytest.mark.rule("token-invalid", "token-validate")
def test_secret_of_other_letters_is_a_wrong_one(xnat: XnatServer) -> None:
    alias = xnat.session().get(f"{TOKENS}/issue").json()["alias"]
    wrong = {"username": alias, "password": "é"}
    credentials = base64.b64encode(f"{alias}:é".encode()).decode()
    answer = requests.get(f"{xnat.url}/data/auth", headers={"Authorization": f"Basic {credentials}"})
    assert answer.status_code == 401
    assert requests.put(f"{xnat.url}/data/services/auth", data=wrong).status_code in {400, 401, 403}


@pytest.mark.rule("closed-site-401")
def test_name_of_the_site_does_not_break_the_challenge(practice: Practice) -> None:
    server = practice(name="challenge")
    with server.settings(siteId='a\r\nX-Evil: "中'):
        answer = requests.get(f"{server.url}/data/projects")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="a??X-Evil: ??"'


@pytest.mark.rule("table-html")
@pytest.mark.practice_xnat("a real server does not protect browsers")
def test_browser_runs_nothing_of_a_table(api: Session, scan: str) -> None:
    put(api, f"{scan}/resources/R/files/a%20<img>").raise_for_status()
    answer = api.get(f"{scan}/resources/R/files", params={"format": "html"})
    assert "<img>" in answer.text
    assert answer.headers["Content-Security-Policy"] == "sandbox"


@pytest.mark.rule("xapi-malformed-500")
@pytest.mark.parametrize("body", ["[" * 100_000, '{"password": 5}', '{"email": [1]}', '{"username": {}}'])
def test_what_no_account_can_be_made_of_is_500_as_text(xnat: XnatServer, body: str) -> None:
    user, _ = xnat.new_user()
    headers = {"Content-Type": "application/json"}
    answer = xnat.session().put(f"/xapi/users/{user}", data=body, headers=headers)
    assert answer.status_code == 500
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "Traceback" not in answer.text


@pytest.mark.rule("broken-archive")
@pytest.mark.practice_xnat("it could hurt a real server")
def test_tar_whose_headers_fill_the_memory_is_500(api: Session, scan: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("a")
        member.pax_headers = {"comment": "x" * 2_000_000}
        archive.addfile(member)
    answer = put(api, f"{scan}/resources/R/files/u.tgz", packed.getvalue(), extract="true")
    assert (answer.status_code, "too long" in answer.text) == (500, True)


@pytest.mark.rule("unknown-parameters-are-ignored")
def test_name_of_a_parameter_that_is_none_costs_no_time(api: Session, project: str) -> None:
    path = f"/data/projects/{project}/subjects/S1"
    form = {"xnat:subjectData/" + "a[b=" * 100_000: "x", "group": "G"}
    assert api.put(path, data=form, timeout=20).status_code == 201
    assert api.get(path, params={"format": "json"}).json()["items"][0]["data_fields"]["group"] == "G"
