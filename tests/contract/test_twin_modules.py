"""The addresses that DPUK's modules add. dpuk-biobank is known by its sources, most of the others is inferred."""

from __future__ import annotations

import json

import pytest
from object_helpers import rows_of
from xnat_twin.testing import Practice, Session, XnatServer

EXTRAS = ("dpuk-node-extras",)
KEY = "1234\n" + "1234567890" * 2 + "1234"
CONFIG = json.dumps(
    {
        "key": {
            "xnat:subjectdata.label": "eid",
            "xnat:subjectdata.demographics.gender": "31-0.0",
            "xnat:subjectdata/demographics/yob": "34-0.0",
            "xnat:mrSessionData.label": "eid",
        },
        "scans": [],
    }
)
CSV = "eid,31-0.0,34-0.0,53-2.0\n1000001,0,1950,2016-05-01\n1000002,1,1948,2016-06-02\n\n1000002,1,1948,\n"


@pytest.fixture(params=["1.6", "1.10"])
def biobank(request: pytest.FixtureRequest, practice: Practice) -> XnatServer:
    return practice(request.param, ("dpuk-biobank",))


@pytest.fixture
def configured(biobank: XnatServer) -> XnatServer:
    """One that knows which columns of a spreadsheet become what."""
    biobank.site.preferences.set({"biobank.config": CONFIG})
    return biobank


def _address(project: str, end: str) -> str:
    return f"/data/modules/biobank/projects/{project}/{end}"


@pytest.mark.rule("biobank-success", "biobank-token")
def test_token_is_kept_told_of_and_deleted(biobank: XnatServer) -> None:
    http, project = biobank.session(), biobank.new_project()
    address = _address(project, "token")
    missing = http.get(address)
    assert (missing.status_code, "missing biobank token" in missing.text) == (500, True)
    for key in (KEY, KEY.replace("1", "2")):
        answer = http.post(address, files={"file": ("ukb.key", key.encode())})
        assert (answer.status_code, answer.text) == (200, "SUCCESS")
        assert (http.get(address).status_code, http.get(address).text) == (200, "Saved")
    for _ in range(2):
        assert (http.delete(address).status_code, http.delete(address).text) == (200, "SUCCESS")
    assert http.get(address).status_code == 500


@pytest.mark.rule("biobank-token")
@pytest.mark.parametrize("key", ["", "1234", f"{KEY}\n", KEY.replace("\n", "\r\n"), f"x{KEY}"])
def test_token_of_another_form_is_an_error(biobank: XnatServer, key: str) -> None:
    http, project = biobank.session(), biobank.new_project()
    answer = http.post(_address(project, "token"), files={"file": ("ukb.key", key.encode())})
    assert (answer.status_code, "incorrect key format" in answer.text) == (500, True)
    assert http.get(_address(project, "token")).status_code == 500


@pytest.mark.rule("biobank-token")
def test_the_form_of_tokens_is_a_setting_of_the_site(practice: Practice) -> None:
    server = practice("1.10", ("dpuk-biobank",), name="biobank_pattern")
    http, project = server.session(), server.new_project()
    http.post("/xapi/siteConfig", json={"biobank.keyregex": "[a-z]{4}"})
    answers = [
        http.post(_address(project, "token"), files={"file": ("k", key)}).status_code for key in (b"abcd", b"abcde")
    ]
    assert answers == [200, 500]
    assert http.post(_address("nosuch_project", "token"), files={"file": ("k", b"abcd")}).status_code == 500


@pytest.mark.rule("biobank-token")
def test_without_a_file_there_is_no_token(biobank: XnatServer) -> None:
    http, project = biobank.session(), biobank.new_project()
    assert http.post(_address(project, "token")).status_code == 500


@pytest.mark.rule("biobank-success", "biobank-subjects", "biobank-once", "biobank-read-back")
def test_spreadsheet_is_taken_and_its_participants_become_subjects(configured: XnatServer) -> None:
    http, project = configured.session(), configured.new_project()
    for _ in range(2):
        answer = http.post(_address(project, "uploader"), files={"file": ("cohort.csv", CSV.encode())})
        assert (answer.status_code, answer.text) == (200, "SUCCESS")
    rows = http.get(f"/data/projects/{project}/subjects?columns=label,gender,yob&format=json").json()["ResultSet"]
    found = sorted((row["label"], row["gender"], row["yob"]) for row in rows["Result"])
    assert found == [("1000001", "female", "1950"), ("1000002", "male", "1948")]
    kept = http.get(f"/data/projects/{project}/config/biobank/uploader", params={"contents": "true"})
    assert kept.text.splitlines()[0] == "eid,31-0.0,34-0.0,53-2.0"


@pytest.mark.rule("biobank-subjects")
def test_spreadsheet_of_a_project_with_another_title_does_not_arrive(configured: XnatServer) -> None:
    http, project = configured.session(), configured.new_project()
    http.put(f"/data/projects/{project}", params={"name": f"Title of {project}"}).raise_for_status()
    answer = http.post(_address(project, "uploader"), files={"file": ("cohort.csv", CSV.encode())})
    assert (answer.status_code, answer.text) == (200, "SUCCESS")
    assert rows_of(http, f"/data/projects/{project}/subjects") == []


@pytest.mark.rule("biobank-refused")
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"eid\n", b"id\n1\n", b"eid\n1,2\n", b"eid,31-0.0\n,1\n"])
def test_spreadsheets_that_the_biobank_module_does_not_take(configured: XnatServer, content: bytes) -> None:
    http, project = configured.session(), configured.new_project()
    assert http.post(_address(project, "uploader"), files={"file": ("a", content)}).status_code == 500
    assert rows_of(http, f"/data/projects/{project}/subjects") == []


@pytest.mark.rule("biobank-refused")
def test_what_else_the_biobank_module_needs_for_a_spreadsheet(configured: XnatServer) -> None:
    http, project = configured.session(), configured.new_project()
    address, given = _address(project, "uploader"), {"file": ("cohort.csv", CSV.encode())}
    assert http.post(_address("nosuch_project", "uploader"), files=given).status_code == 500
    assert http.post(address).status_code == 500
    for config in ("", "{}", "no JSON"):
        configured.site.preferences.set({"biobank.config": config})
        assert http.post(address, files=given).status_code == 500
    configured.site.preferences.set({"biobank.config": CONFIG})
    both = [("file", ("a", CSV.encode())), ("file", ("b", b"x"))]
    assert http.post(address, files=both).status_code == 200


@pytest.mark.rule("biobank-rights")
def test_biobank_files_need_the_right_to_edit(practice: Practice) -> None:
    server = practice(modules=("dpuk-biobank",))
    project = server.new_project()
    reader = server.session(*server.new_user(project, "Collaborators"))
    member = server.session(*server.new_user(project, "Members"))
    stranger = server.session(*server.new_user())
    answers = [
        http.post(_address(project, "token"), files={"file": ("a", KEY.encode())}).status_code
        for http in (stranger, reader, member)
    ]
    assert answers == [500, 403, 200]


@pytest.fixture
def node(practice: Practice) -> XnatServer:
    return practice(modules=EXTRAS)


@pytest.fixture
def filled(node: XnatServer) -> str:
    """A project with a subject and a session."""
    project = node.new_project()
    path = f"/data/projects/{project}/subjects/S1/experiments/E1"
    node.session().put(path, params={"xsiType": "xnat:mrSessionData"}).raise_for_status()
    return project


@pytest.mark.rule("datafreeze")
def test_freeze_is_made_by_an_owner_and_listed(node: XnatServer, filled: str) -> None:
    http, path = node.session(), f"/data/projects/{filled}/datafreeze"
    assert rows_of(http, path) == []
    answers = [http.post(path, params={"label": "2024"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 409]
    [row] = rows_of(http, path)
    assert (row["label"], row["subjects"], row["experiments"], row["user"]) == ("2024", "1", "1", "admin")
    assert http.post(path, params={"label": "a b"}).status_code == 400
    assert http.get("/data/projects/nosuch_project/datafreeze").status_code == 404
    member = node.session(*node.new_user(filled, "Members"))
    assert member.get(path).status_code == 200
    assert member.post(path, params={"label": "mine"}).status_code == 403


@pytest.mark.rule("export-local")
def test_local_export_shares_what_is_there(node: XnatServer, filled: str) -> None:
    http, other = node.session(), node.new_project()
    path = f"/data/exportlocal/project/{filled}/project/{other}"
    for _ in range(2):
        answer = http.put(path)
        assert (answer.status_code, answer.json()) == (200, {"subjects": 1, "experiments": 1})
    assert http.get(f"/data/projects/{other}/subjects/S1").status_code == 200
    assert http.get(f"/data/projects/{other}/experiments/E1").status_code == 200
    [row] = rows_of(http, f"/data/remote/projects/{filled}")
    assert (row["source"], row["destination"], row["kind"]) == (filled, other, "local")
    reader = node.session(*node.new_user(filled, "Collaborators"))
    assert reader.put(path).status_code == 404


@pytest.mark.rule("export-remote", "remote-connection")
def test_remote_export_is_written_down_and_never_carried_out(node: XnatServer, filled: str) -> None:
    http = node.session()
    path = f"/data/exportremote/project/{filled}/project/HUB1"
    if not http.get("/data/remote/connection").json()["configured"]:
        assert http.put(path).status_code == 409
    location = {"datafreeze.remote.location": "https://central.example.org"}
    http.post("/xapi/siteConfig", json=location | {"datafreeze.remote.hub.location": "https://hub.example.org"})
    assert http.get("/data/remote/connection").json() == {
        "location": "https://central.example.org",
        "hub": "https://hub.example.org",
        "configured": True,
    }
    answer = http.put(path)
    assert (answer.status_code, answer.json()["sent"]) == (200, False)
    relations = [row for row in rows_of(http, "/data/remote/projectrelations") if row["source"] == filled]
    assert [(row["destination"], row["location"]) for row in relations] == [("HUB1", "https://central.example.org")]


@pytest.mark.rule("remote-studies")
def test_studies_are_the_projects_that_one_may_read(node: XnatServer, filled: str) -> None:
    assert filled in {row["ID"] for row in rows_of(node.session(), "/data/remote/study/filter/false")}
    stranger = node.session(*node.new_user())
    assert filled not in {row["ID"] for row in rows_of(stranger, "/data/remote/study/filter/false")}
    assert filled not in {row["source"] for row in rows_of(stranger, "/data/remote/projectrelations")}


@pytest.mark.rule("modules-absent")
def test_addresses_of_modules_that_are_not_installed_are_404(api: Session, project: str) -> None:
    for path in (_address(project, "uploader"), _address(project, "token")):
        assert api.post(path, files={"file": ("a", b"x")}).status_code == 404
    for path in ("connection", "projectrelations", f"projects/{project}", "study/filter/false"):
        assert api.get(f"/data/remote/{path}").status_code == 404
    for kind in ("local", "remote"):
        assert api.put(f"/data/export{kind}/project/{project}/project/other").status_code == 404
    assert api.get(f"/data/projects/{project}/datafreeze").status_code == 400  # as any other unknown step there
