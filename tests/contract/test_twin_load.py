"""What keeps the practice XNAT quick: how often a request asks the database. How quick it is, tests/bench measures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from file_helpers import BINARY
from sqlalchemy import event
from xnat_twin.testing import Session, XnatServer

pytestmark = pytest.mark.practice_xnat("counts the statements that reach its database")


@contextmanager
def _statements(xnat: XnatServer) -> Iterator[list[str]]:
    """The statements of the requests in the block, without those that begin and end transactions."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(xnat.site.store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(xnat.site.store.engine, "before_cursor_execute", note)


def test_further_upload_only_saves_the_statistics(api: Session, xnat: XnatServer, scan: str) -> None:
    files = f"{scan}/resources/R/files"
    for name in ("1", "2"):
        api.put(f"{files}/{name}", data=b"x", headers=BINARY).raise_for_status()
    with _statements(xnat) as seen:
        api.put(f"{files}/3", data=b"x", headers=BINARY).raise_for_status()
    assert [statement.partition(" SET")[0] for statement in seen] == ["UPDATE xnat_resource"]
    row = api.get(f"{scan}/resources").json()["ResultSet"]["Result"][0]
    assert (row["file_count"], row["file_size"]) == ("3", "3")


@pytest.mark.parametrize(
    "path",
    [
        "/data/projects",
        "/data/projects/{project}/subjects",
        "/data/projects/{project}/experiments",
        "/data/projects/{project}/experiments?columns=ID,subject_label,xnat:mrSessionData/note,project",
        "/data/experiments?columns=ID,label,subject_label",
        "/data/subjects",
        "/data/projects/{project}/subjects/S0/experiments/E0/scans",
        "/data/projects/{project}/subjects/S0/experiments/E0/assessors",
        "/data/projects/{project}/subjects/S0/experiments/E0/reconstructions",
        "/data/projects/{project}/subjects/S0/experiments/E0/resources",
        "/data/projects/{project}/subjects/S0/experiments/E0/resources?all=true",
        "/data/projects/{project}/subjects/S0/experiments/E0/scans/ALL/resources",
        "/data/projects/{project}/subjects/S0/experiments/E0/scans/ALL/files",
    ],
)
@pytest.mark.parametrize("user", ["administrator", "collaborator"])
def test_longer_list_needs_no_more_statements(
    api: Session, xnat: XnatServer, project: str, path: str, user: str
) -> None:
    http = api if user == "administrator" else xnat.session(*xnat.new_user(project, "Collaborators"))
    url, lengths, counts = path.format(project=project), [], []
    for numbers in (range(2), range(2, 4)):
        for number in numbers:
            _fill(api, f"/data/projects/{project}", number)
        http.get("/data/auth").raise_for_status()  # reads the account, the first time after a change
        http.get("/data/auth").raise_for_status()  # and once more, because a login is a change
        with _statements(xnat) as seen:
            rows = http.get(url).json()["ResultSet"]["Result"]
        lengths.append(len(rows))
        counts.append(len(seen))
    assert lengths[0] < lengths[1] or path == "/data/projects"
    assert counts[0] == counts[1], seen


def _fill(api: Session, project: str, number: int) -> None:
    """One more of everything."""
    session = f"{project}/subjects/S{number}/experiments/E{number}"
    first = f"{project}/subjects/S0/experiments/E0"
    scan, image = f"{first}/scans/{number}", f"{first}/reconstructions/{project.rpartition('/')[2]}_{number}"
    requests = {
        session: {"xsiType": "xnat:mrSessionData"},
        scan: {"xsiType": "xnat:mrScanData", "type": "T1"},
        f"{first}/assessors/A{number}": {"xsiType": "xnat:qcManualAssessorData"},
        f"{first}/assessors/A{number}/resources/R": {},
        image: {},
        f"{image}/resources/R": {},
        f"{project}/experiments/E0/resources/R{number}": {},
        f"{scan}/resources/R": {},
    }
    for path, params in requests.items():
        api.put(path, params=params).raise_for_status()
    api.put(f"{scan}/resources/R/files/{number}", data=b"x", headers=BINARY).raise_for_status()
