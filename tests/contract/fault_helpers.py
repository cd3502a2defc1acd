"""What tests of failures share: a study of small files, what the server was asked, what it holds, and how it may lie.

Looks at the practice server from outside the client: requests as they arrive, files as they lie in the archive. The
faults of a broken network or proxy are those of the practice server itself (xnat_twin/faults.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs

from module_runner import Modules, md5
from xnat_twin.injection import InjectedFaults
from xnat_twin.storage.archive import path_inside
from xnat_twin.testing import Session
from xnat_twin.transfer.uploads import Intake

LOGIN_PAGE = b'<!DOCTYPE html><html><body><form><input type="password" name="password"></form></body></html>'


@dataclass(frozen=True)
class Asked:
    """One request of the modules as it arrived, and the status of the answer; 0 where the connection was dropped."""

    method: str
    path: str
    query: dict[str, str]
    status: int
    bytes: int


@dataclass
class Wire:
    """Every request of the modules. `pages` is how many of the next requests to `page_at` get a login page as 200."""

    asked: list[Asked] = field(default_factory=list)
    page_at: tuple[str, str] = ("", "")
    pages: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def puts(self, name: str = "/files/") -> list[Asked]:
        """The requests that send files with that in their path."""
        return [one for one in self.asked if one.method == "PUT" and name in one.path and "/files/" in one.path]

    def logins(self) -> int:
        """How often somebody logged in."""
        return sum(one.method == "POST" and one.path == "/data/JSESSION" for one in self.asked)

    def deletions(self) -> list[Asked]:
        """The requests that delete something but the login."""
        return [one for one in self.asked if one.method == "DELETE" and one.path != "/data/JSESSION"]

    def takes_page(self, method: str, path: str) -> bool:
        """Whether this request gets the login page; counts it."""
        with self.guard:
            if not self.pages or method != self.page_at[0] or self.page_at[1] not in path:
                return False
            self.pages -= 1
            return True


@contextmanager
def recorded() -> Iterator[Wire]:
    """Write down each request of the modules while the block runs; those of the tests themselves are left out."""
    wire = Wire()
    real = InjectedFaults.__call__

    def serve(self: InjectedFaults, environ: Any, start_response: Any) -> Iterable[bytes]:
        if not environ.get("HTTP_USER_AGENT", "").startswith("dpuk-node"):
            return real(self, environ, start_response)
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        statuses: list[int] = []

        def start(status: str, *arguments: Any) -> Any:
            statuses.append(int(status[:3]))
            return start_response(status, *arguments)

        try:
            if wire.takes_page(method, path):
                while environ["wsgi.input"].read(65536):
                    pass
                start("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(LOGIN_PAGE)))])
                return [LOGIN_PAGE]
            return real(self, environ, start)
        finally:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            wire.asked.append(Asked(method, path, query, statuses[-1] if statuses else 0, length))

    with mock.patch.object(InjectedFaults, "__call__", serve):
        yield wire


Change = Callable[[bytes], bytes | None]
#: What may become of a file between its arrival and the disk, while the answer is 200. None: it is nowhere.
DAMAGES: dict[str, Change] = {
    "short": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "corrupt": lambda data: data[:-1] + b"?",
    "dropped": lambda _: None,
}


@contextmanager
def damaged(name: str, change: Change, *, times: int = 1, catalogued: bool = True) -> Iterator[None]:
    """The next `times` a file of that name arrives, XNAT keeps what `change` makes of it, and says nothing of it.

    With `catalogued=False` it lies on the disk and is in no list.
    """
    real, left = Intake._store, times

    def store(self: Intake, file: str, chunks: Callable[[], Iterator[bytes]], *, extracted: bool = False) -> None:
        nonlocal left
        if file != name or not left:
            return real(self, file, chunks, extracted=extracted)
        left -= 1
        content = change(b"".join(chunks()))
        if content is None:
            return None
        if catalogued:
            return real(self, file, lambda: iter([content]), extracted=extracted)
        self.history.disk.write(path_inside(self.catalog.folder, file), [content])
        return None

    with mock.patch.object(Intake, "_store", store):
        yield


@dataclass
class Study:
    """Small files of some subjects, one session, scan and resource each, and the options that send them."""

    root: Path
    project: str
    modules: Modules

    def write(self, subject: str, name: str, data: bytes) -> Path:
        """Put a file of a subject there."""
        file = self.root / subject / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    def contents(self) -> dict[tuple[str, str], bytes]:
        """What is here: {(subject, name): content}."""
        return {(file.parent.name, file.name): file.read_bytes() for file in self.root.glob("*/*")}

    def upload(self, **options: Any) -> dict[str, Any]:
        """Run xnat_upload."""
        return self.modules.run(
            "upload",
            project=self.project,
            root=str(self.root),
            pattern="{subject}/{name}",
            defaults={"session": "{subject}_MR1", "scan": "1", "scan_type": "T1", "resource": "NIFTI"},
            **options,
        )

    def resource(self, subject: str) -> str:
        """The path of a subject's resource."""
        place = f"subjects/{subject}/experiments/{subject}_MR1/scans/1/resources/NIFTI"
        return f"/data/projects/{self.project}/{place}"


def held(api: Session, study: Study) -> dict[tuple[str, str], bytes]:
    """What the project holds, by listings and downloads of its own: {(subject, name): content}. Nothing is twice."""
    found: dict[tuple[str, str], bytes] = {}
    subjects = api.get(f"/data/projects/{study.project}/subjects", params={"format": "json"}).json()
    labels = [row["label"] for row in subjects["ResultSet"]["Result"]]
    assert len(set(labels)) == len(labels), labels
    sessions = api.get(f"/data/projects/{study.project}/experiments", params={"format": "json"}).json()
    names = [row["label"] for row in sessions["ResultSet"]["Result"]]
    assert len(set(names)) == len(names), names
    for label in labels:
        answer = api.get(f"{study.resource(label)}/files", params={"format": "json"})
        if answer.status_code == 404:
            continue
        for row in answer.json()["ResultSet"]["Result"]:
            key = label, row["Name"]
            assert key not in found, key
            content = api.get(row["URI"])
            found[key] = content.content if content.status_code == 200 else b"(not there)"
            if row["digest"]:
                assert row["digest"] == md5(found[key]), key
    return found


def rows_by_action(result: dict[str, Any]) -> dict[str, set[tuple[str, str]]]:
    """{action: {(subject, name)}} of the rows of a result."""
    actions: dict[str, set[tuple[str, str]]] = {}
    for row in result["files"]:
        actions.setdefault(row["action"], set()).add((row["subject"], row["name"]))
    return actions


def rows_are_true(result: dict[str, Any], api: Session, study: Study) -> None:
    """Each row that says same, sent or replaced is about a file that is there with the bytes that are here."""
    there, here = held(api, study), study.contents()
    for row in result["files"]:
        key = row["subject"], row["name"]
        if row["action"] in {"same", "sent", "replaced"}:
            assert there.get(key) == here[key], (row, there.keys())
            assert (row["size"], row["md5"]) == (len(here[key]), md5(here[key])), row
        elif row["action"] == "removed":
            assert key not in there
        else:
            assert row["reason"], row
    counted = {action: len(keys) for action, keys in rows_by_action(result).items()}
    assert {action: number for action, number in result["totals"].items() if action in counted} == counted


def finishes(study: Study, api: Session, missing: set[tuple[str, str]]) -> None:
    """A run without faults sends exactly `missing`, and one after it nothing."""
    before = rows_by_action(study.upload(check=True))
    result = study.upload()
    actions = rows_by_action(result)
    assert actions.get("sent", set()) | actions.get("replaced", set()) == missing
    assert actions == before
    assert held(api, study) == study.contents()
    rows_are_true(result, api, study)
    again = study.upload()
    assert again["changed"] is False
    assert rows_by_action(again) == {"same": set(study.contents())}
