"""XNAT's contract, section 13: two writers to one catalog, lost answers, and a server that is killed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from file_helpers import BINARY, half_sent, names_of
from object_helpers import labels_of
from sqlalchemy import select
from xnat_twin.storage.store import Resource
from xnat_twin.testing import Session, XnatServer, program


@pytest.fixture
def files(api: Session, scan: str) -> str:
    api.put(f"{scan}/resources/R").raise_for_status()
    return f"{scan}/resources/R/files"


@pytest.mark.rule("catalog-conflict", "catalog-conflict-repair")
def test_writer_that_comes_second_gets_500_and_its_file_is_not_catalogued(
    api: Session, xnat: XnatServer, files: str
) -> None:
    """The collision is real: one upload is held open while another one finishes."""
    with half_sent(xnat, f"{files}/slow.bin", 200_000) as slow:
        assert api.put(f"{files}/quick.bin", data=b"quick", headers=BINARY).status_code == 200
        slow.send(b"x" * 100_000)
        answer = slow.getresponse()
        assert answer.status == 500
        assert b"Another thread or process modified" in answer.read()
    assert names_of(api, files) == ["quick.bin"]

    retried = api.put(f"{files}/slow.bin", data=b"x" * 200_000, headers=BINARY)
    assert retried.json() == {"duplicates": ["slow.bin"]}, "a plain retry leaves the file invisible"
    assert names_of(api, files) == ["quick.bin"]
    repaired = api.put(f"{files}/slow.bin", params={"overwrite": "true"}, data=b"x" * 200_000, headers=BINARY)
    assert repaired.status_code == 200
    assert names_of(api, files) == ["quick.bin", "slow.bin"]


@pytest.mark.practice_xnat("lets another writer win, once")
@pytest.mark.rule("catalog-conflict", "catalog-conflict-repair")
def test_injected_conflict_is_the_same_conflict(api: Session, xnat: XnatServer, files: str) -> None:
    xnat.faults.conflict_once()
    answer = api.put(f"{files}/a", data=b"a", headers=BINARY)
    assert (answer.status_code, "Another thread or process modified" in answer.text) == (500, True)
    assert api.put(f"{files}/a", data=b"a", headers=BINARY).json() == {"duplicates": ["a"]}
    assert api.put(f"{files}/a", params={"overwrite": "true"}, data=b"a", headers=BINARY).text == ""
    assert names_of(api, files) == ["a"]


@pytest.mark.practice_xnat("injects a status")
def test_injected_status_is_given_once_before_or_after_the_work(api: Session, xnat: XnatServer, files: str) -> None:
    xnat.faults.status_once(503, method="PUT")
    assert api.put(f"{files}/a", data=b"a", headers=BINARY).status_code == 503
    assert names_of(api, files) == []
    xnat.faults.status_once(502, method="PUT", carry_out=True)
    assert api.put(f"{files}/a", data=b"a", headers=BINARY).status_code == 502
    assert names_of(api, files) == ["a"]
    assert api.put(f"{files}/b", data=b"b", headers=BINARY).status_code == 200


@pytest.mark.practice_xnat("starts a server of its own")
def test_process_stops_on_sigterm_and_finds_its_data_again(tmp_path: Path) -> None:
    path = "/data/projects/P/subjects/S/experiments/E"
    with program(tmp_path, password="of the first start") as api:
        api.put("/data/projects/P").raise_for_status()
        identifier = api.put(path, params={"xsiType": "xnat:mrSessionData"}).text
        api.put(f"{path}/resources/R/files/a.txt", data=b"kept", headers=BINARY)
    with program(tmp_path, password="of the first start") as api:
        assert api.put(path).text == identifier
        assert api.get(f"{path}/resources/R/files/a.txt").content == b"kept"


@pytest.mark.rule("access-caches")
def test_upload_notices_what_was_changed_between_two_of_them(api: Session, xnat: XnatServer, project: str) -> None:
    """A right that is taken away, a session that is renamed and a resource that is deleted count at once."""
    user, password = xnat.new_user(project, "Members")
    session = f"/data/projects/{project}/subjects/S1/experiments/E1"
    files = f"{session}/resources/R/files"
    api.put(session, params={"xsiType": "xnat:mrSessionData"}).raise_for_status()
    with xnat.session(user, password) as member:
        assert member.put(f"{files}/1", data=b"1", headers=BINARY).text == ""
        assert member.put(f"{files}/2", data=b"2", headers=BINARY).text == ""
        api.delete(f"{session}/resources/R").raise_for_status()
        assert member.put(f"{files}/3", data=b"3", headers=BINARY).text == ""
        assert names_of(api, files) == ["3"]
        api.put(f"/data/projects/{project}/users/Collaborators/{user}").raise_for_status()
        assert member.put(f"{files}/4", data=b"4", headers=BINARY).status_code == 200
        assert names_of(api, files) == ["3"]
        api.put(f"/data/projects/{project}/users/Members/{user}").raise_for_status()
        api.put(session, params={"label": "E2"}).raise_for_status()
        assert member.put(f"{files}/5", data=b"5", headers=BINARY).status_code == 404
        assert member.put(f"{files.replace('E1', 'E2')}/6", data=b"6", headers=BINARY).text == ""
        assert names_of(api, files.replace("E1", "E2")) == ["3", "6"]


@pytest.mark.rule("catalog-conflict")
def test_each_of_many_writers_to_one_catalog_is_told_whether_it_is_in(
    xnat: XnatServer, api: Session, files: str
) -> None:
    """200 and listed, or 500 and not listed but in the way: nothing else, however many there are at once."""

    def write(writer: int) -> dict[str, int]:
        with xnat.session() as http:
            names = [f"{writer}_{number}" for number in range(6)]
            return {name: http.put(f"{files}/{name}", data=b"x" * 5000, headers=BINARY).status_code for name in names}

    with ThreadPoolExecutor(6) as pool:
        answers = {name: status for some in pool.map(write, range(6)) for name, status in some.items()}
    assert set(answers.values()) <= {200, 500}
    stored = sorted(name for name, status in answers.items() if status == 200)
    assert stored
    assert names_of(api, files) == stored
    for name in answers.keys() - set(stored):
        assert api.put(f"{files}/{name}", data=b"y", headers=BINARY).json() == {"duplicates": [name]}


#: What a request answers that is made twice: method, path, parameters, statuses. Uploads have a body.
TWICE = {
    "project PUT": ("PUT", "/data/projects/{project}", {"note": "n"}, [200, 200]),
    "subject PUT": ("PUT", "{subjects}/new", {}, [201, 200]),
    "experiment PUT": ("PUT", "{experiments}/new", {"xsiType": "xnat:mrSessionData"}, [201, 200]),
    "assessor PUT": ("PUT", "{session}/assessors/new", {"xsiType": "xnat:qcManualAssessorData"}, [201, 200]),
    "scan PUT": ("PUT", "{session}/scans/new", {"xsiType": "xnat:mrScanData"}, [200, 200]),
    "resource PUT": ("PUT", "{session}/resources/new", {}, [200, 409]),
    "resource POST": ("POST", "{session}/resources/new", {}, [200, 409]),
    "file PUT": ("PUT", "{files}/new", {}, [200, 200]),
    "file PUT over another": ("PUT", "{files}/new", {"overwrite": "true"}, [200, 200]),
    "share of a subject": ("PUT", "{subjects}/S1/projects/{other}", {}, [200, 409]),
    "share of an experiment": ("PUT", "{session}/projects/{other}", {}, [200, 409]),
    "subjects POST": ("POST", "{subjects}", {"label": "new"}, [200, 409]),
    "experiments POST": ("POST", "{experiments}", {"label": "new", "xsiType": "xnat:mrSessionData"}, [200, 409]),
    "scans POST": ("POST", "{session}/scans", {"ID": "new", "xsiType": "xnat:mrScanData"}, [200, 409]),
    "subject DELETE": ("DELETE", "{subjects}/S1", {}, [200, 404]),
    "experiment DELETE": ("DELETE", "{session}", {}, [200, 404]),
    "scan DELETE": ("DELETE", "{session}/scans/1", {}, [200, 404]),
    "resource DELETE": ("DELETE", "{session}/scans/1/resources/R", {}, [200, 200]),
    "file DELETE": ("DELETE", "{files}/old", {}, [200, 404]),
    "project DELETE": ("DELETE", "/data/projects/{other}", {}, [200, 400]),
}  # fmt: skip


@pytest.mark.rule("twice")
@pytest.mark.parametrize("name", TWICE)
def test_request_that_is_repeated(api: Session, xnat: XnatServer, project: str, files: str, name: str) -> None:
    api.put(f"{files}/old", data=b"x", headers=BINARY).raise_for_status()
    session = files.partition("/scans/")[0]
    names = {
        "project": project,
        "other": xnat.new_project(),
        "subjects": f"/data/projects/{project}/subjects",
        "experiments": session.rpartition("/")[0],
        "session": session,
        "files": files,
    }
    method, template, params, statuses = TWICE[name]
    path, body = template.format(**names), b"x" if "file PUT" in name else None
    headers = BINARY if body else {}
    answers = [api.request(method, path, params=params, data=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == statuses
    if name == "file PUT":
        assert [answer.text for answer in answers] == ["", '{"duplicates":["new"]}']
    if name in {"subject PUT", "experiment PUT", "assessor PUT"}:
        assert answers[0].text == answers[1].text, "the ID"


@pytest.mark.rule("parallel-resources")
def test_resources_that_are_put_at_once_are_as_many_as_answers_200(
    api: Session, xnat: XnatServer, session: str
) -> None:
    """One, or more of the same label: XNAT looks for the label first and locks nothing meanwhile.

    Where the database does not queue writers, as PostgreSQL, one may find another's catalog in its way: 500.
    """

    def put(_: int) -> int:
        with xnat.session() as http:
            return http.put(f"{session}/resources/R").status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(put, range(4)))
    assert set(statuses) <= {200, 409, 500}
    assert labels_of(api, f"{session}/resources") == ["R"] * statuses.count(200) != []


@pytest.mark.rule("duplicated-resources")
@pytest.mark.practice_xnat("makes the second resource in the server's database")
def test_label_that_is_there_twice(api: Session, xnat: XnatServer, session: str) -> None:
    api.put(f"{session}/resources/R/files/a", data=b"a", headers=BINARY).raise_for_status()
    with xnat.site.store.writing() as database:
        first = database.scalars(select(Resource).order_by(Resource.resource_id.desc())).first()
        assert first is not None
        database.add(Resource(label=first.label, experiment_id=first.experiment_id))
    assert labels_of(api, f"{session}/resources") == ["R", "R"]
    assert api.get(f"{session}/resources/R").status_code == 404
    assert api.put(f"{session}/resources/R").status_code == 409
    assert names_of(api, f"{session}/resources/R/files") == ["a", "a"], "both have the same folder"
    assert api.delete(f"{session}/resources/R").status_code == 200
    assert labels_of(api, f"{session}/resources") == []


@pytest.mark.rule("archive-paths")
@pytest.mark.practice_xnat("looks at the server's disk")
def test_files_are_where_xnat_puts_them(api: Session, xnat: XnatServer, project: str, scan: str) -> None:
    session = scan.partition("/scans/")[0]
    owners = {
        f"/data/projects/{project}": "resources/R",
        f"/data/projects/{project}/subjects/S1": "subjects/S1/R",
        session: "arc001/S1_MRI/RESOURCES/R",
        scan: "arc001/S1_MRI/SCANS/1/R",
    }
    for owner, folder in owners.items():
        api.put(f"{owner}/resources/R/files/a.bin", data=b"x", headers=BINARY).raise_for_status()
        assert (xnat.archive / project / folder / "a.bin").is_file()
    number = api.post(f"{scan}/resources").text.rpartition("/")[2]
    api.put(f"{scan}/resources/{number}/files/a.bin", data=b"x", headers=BINARY).raise_for_status()
    assert (xnat.archive / project / "arc001/S1_MRI/SCANS/1" / number / "a.bin").is_file()
