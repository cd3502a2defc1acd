"""xnat_file with extract: members arrive byte for byte, only those that differ travel, and requests are few."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.xnat import session as client_session
from ansible.module_utils.xnat import transfer
from module_runner import SCAN, ModuleFailedError, Modules, md5
from xnat_twin.testing import XnatServer

pytest_plugins = ["module_fixtures"]

KINDS = ["study.zip", "study.tar", "study.tar.gz", "study.tgz"]
Stored = Callable[..., dict[str, bytes]]


def noise(seed: str, size: int) -> bytes:
    """Bytes that do not get smaller by packing, always the same."""
    return hashlib.shake_128(seed.encode()).digest(size)


CONTENT = {
    "sub 1/T1.nii.gz": gzip.compress(b"image" * 1000, mtime=0),
    "sub 1/inner.zip": b"PK\3\4 is a file like any other",
    "sub 1/large": noise("large", 300_000),
    "notes (1).txt": b"text",
    "empty.txt": b"",
}


def pack(path: Path, content: dict[str, bytes]) -> str:
    """Write an archive of the kind that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as tar:
            for name, data in content.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return str(path)


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_session.time, "sleep", lambda _: None)


@dataclass
class Traffic:
    """What the modules send: method, path, and bytes of the body."""

    sent: list[tuple[str, str, int]] = field(default_factory=list)

    def of(self, task: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], list[tuple[str, str, int]]]:
        """Run a task; return its result and its requests."""
        self.sent.clear()
        result = task()
        assert result["requests"] == len(self.sent)
        return result, list(self.sent)


@pytest.fixture
def traffic(monkeypatch: pytest.MonkeyPatch) -> Traffic:
    seen = Traffic()
    real = client_session.Session._once

    def once(session: client_session.Session, call: Any, login: Any = None) -> Any:
        seen.sent.append((call.method, call.path, call.body.size if call.body else 0))
        return real(session, call, login)

    monkeypatch.setattr(client_session.Session, "_once", once)
    return seen


def puts(requests: list[tuple[str, str, int]]) -> list[tuple[str, int]]:
    """Return the last part of the path, and the bytes, of what was sent into a resource."""
    return [(path.rsplit("/", 1)[1], size) for method, path, size in requests if method == "PUT" and "/files/" in path]


def reads(requests: list[tuple[str, str, int]]) -> list[str]:
    return [path for method, path, _ in requests if method == "GET"]


# -- what is in an archive arrives, and stays -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_members_arrive_byte_for_byte_and_a_second_run_sends_nothing(
    key: dict[str, str], tmp_path: Path, modules: Modules, stored: Stored, traffic: Traffic, kind: str
) -> None:
    archive = pack(tmp_path / kind, CONTENT)
    task = {**key, "src": [archive], "extract": True, "format": "NIFTI"}
    predicted = modules.file(**task, check=True)
    assert stored() == {}
    sent = modules.file(**task)
    assert sent["changed"] is predicted["changed"] is True
    assert sent["diff"] == predicted["diff"]
    assert stored() == CONTENT
    for file in sent["files"]:
        data = CONTENT[file["name"]]
        assert (file["path"], file["action"]) == (f"{archive}:{file['name']}", "created")
        assert (file["size"], file["digest"]) == (len(data), md5(data))
    again, requests = traffic.of(lambda: modules.file(**task))
    assert again["changed"] is False
    assert again["diff"] == {"before": "", "after": ""}
    assert [file["digest"] for file in again["files"]] == [file["digest"] for file in sent["files"]]
    assert puts(requests) == []
    assert modules.file(**task, check=True)["changed"] is False


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_differs_travels(
    key: dict[str, str], tmp_path: Path, modules: Modules, stored: Stored, traffic: Traffic, kind: str
) -> None:
    task = {**key, "src": [str(tmp_path / kind)], "extract": True}
    pack(tmp_path / kind, CONTENT)
    modules.file(**task)
    changed = {**CONTENT, "sub 1/T1.nii.gz": noise("other", 5000)}
    archive = pack(tmp_path / kind, changed)
    predicted = modules.file(**task, check=True)
    assert stored() == CONTENT
    result, requests = traffic.of(lambda: modules.file(**task))
    assert result["diff"] == predicted["diff"]
    assert f"sub 1/T1.nii.gz: 5000 bytes, from {archive}:sub 1/T1.nii.gz (size differs" in result["diff"]["after"]
    assert [file["name"] for file in result["files"] if file["action"] != "unchanged"] == ["sub 1/T1.nii.gz"]
    assert puts(requests) == [("T1.nii.gz", 5000)]
    assert stored() == changed


def test_an_archive_packed_anew_with_the_same_content_is_unchanged(
    key: dict[str, str], tmp_path: Path, modules: Modules
) -> None:
    modules.file(**key, src=[pack(tmp_path / "study.zip", CONTENT)], extract=True)
    other = pack(tmp_path / "study.tgz", dict(reversed(CONTENT.items())))
    assert modules.file(**key, src=[other], extract=True)["changed"] is False


def test_what_an_archive_holds_and_the_unpacked_folder_are_the_same(
    key: dict[str, str], folder: Path, modules: Modules, tmp_path_factory: pytest.TempPathFactory
) -> None:
    modules.file(**key, src=[str(folder)])
    content = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    archive = pack(tmp_path_factory.mktemp("packed") / "study.tar", content)
    assert modules.file(**key, src=[archive], extract=True)["changed"] is False


def test_several_archives_go_into_a_folder_of_the_resource(
    key: dict[str, str], tmp_path: Path, modules: Modules, stored: Stored
) -> None:
    pack(tmp_path / "anat.zip", {"anat/T1": b"1"})
    pack(tmp_path / "func.tgz", {"func/bold": b"2"})
    modules.file(**key, src=[str(tmp_path / "*")], dest="import/", extract=True)
    assert stored() == {"import/anat/T1": b"1", "import/func/bold": b"2"}


def test_without_extract_an_archive_is_stored_as_it_is(
    key: dict[str, str], tmp_path: Path, modules: Modules, stored: Stored
) -> None:
    for kind in KINDS:
        pack(tmp_path / kind, CONTENT)
    modules.file(**key, src=[str(tmp_path)])
    assert stored() == {kind: (tmp_path / kind).read_bytes() for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_large_members_go_alone_and_the_others_together(
    key: dict[str, str],
    tmp_path: Path,
    modules: Modules,
    stored: Stored,
    traffic: Traffic,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setattr(transfer, "ALONE", 100_000)
    content = {"a": b"1", "b": noise("b", 100_000), "c": b"3", "d": noise("d", 200_000), "e": b"5"}
    task = {**key, "src": [pack(tmp_path / kind, content)], "extract": True}
    _, requests = traffic.of(lambda: modules.file(**task))
    sent = puts(requests)
    assert sent[:2] == [("b", 100_000), ("d", 200_000)]
    assert [name for name, _ in sent[2:]] == ["upload.zip"]
    assert sent[2][1] < 1000
    assert stored() == content


def test_an_archive_that_cannot_be_kept_is_refused_before_any_request(
    key: dict[str, str], tmp_path: Path, modules: Modules, traffic: Traffic
) -> None:
    archive = pack(tmp_path / "study.zip", {"good": b"1", "../up": b"2"})
    for check in (True, False):
        with pytest.raises(ModuleFailedError, match=r"^src: .*study\.zip: '\.\./up' leads out of .*nothing was sent"):
            modules.file(**key, src=[archive], extract=True, check=check)
    assert traffic.sent == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"src": ["{archive}"], "dest": "one"}, "^dest: with extract: true it is a folder"),
        ({"state": "absent", "dest": "one"}, "^extract: .* does not go with state: absent"),
    ],
)
def test_options_that_do_not_go_with_extract(
    key: dict[str, str], tmp_path: Path, modules: Modules, traffic: Traffic, options: dict[str, Any], message: str
) -> None:
    archive = pack(tmp_path / "study.zip", CONTENT)
    if "src" in options:
        options = {**options, "src": [archive]}
    with pytest.raises(ModuleFailedError, match=message):
        modules.file(**key, **options, extract=True)
    assert traffic.sent == []


@pytest.mark.practice_xnat("loses answers, makes catalog writes collide")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ["conflict", "lost answer", "not carried out"])
def test_a_broken_attempt_is_repaired_from_the_archive(
    key: dict[str, str], tmp_path: Path, modules: Modules, xnat: XnatServer, stored: Stored, kind: str, fault: str
) -> None:
    modules.resource(**key)
    if fault == "conflict":
        xnat.faults.conflict_once()
    else:
        xnat.faults.status_once(503, method="PUT", path="/files/", carry_out=fault == "lost answer")
    task = {**key, "src": [pack(tmp_path / kind, CONTENT)], "extract": True, "retries": 1}
    result = modules.file(**task)
    assert {file["action"] for file in result["files"]} == {"created"}
    assert stored() == CONTENT
    assert modules.file(**task)["changed"] is False


# -- cost: one listing per task, few requests whatever the number of files ------------------------------------------

LOGIN_AND_LOGOUT, SESSIONS, SCANS, FILES, RESOURCES = 2, 1, 1, 1, 1


@pytest.mark.parametrize("how", ["list", "folder", "pattern", "extract"])
def test_many_files_are_one_listing_one_request_and_one_look(
    key: dict[str, str], project: str, tmp_path: Path, modules: Modules, stored: Stored, traffic: Traffic, how: str
) -> None:
    content = {f"{number:03}.txt": str(number).encode() for number in range(300)}
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    src = {
        "list": [str(tmp_path / name) for name in content],
        "folder": [str(tmp_path)],
        "pattern": [str(tmp_path / "*.txt")],
        "extract": [str(tmp_path.parent / f"{tmp_path.name}.tgz")],
    }[how]
    if how == "extract":
        pack(Path(src[0]), content)
    modules.scan(project=project, **SCAN)
    modules.resource(**key)
    task = {**key, "src": src, "extract": how == "extract"}

    _, first = traffic.of(lambda: modules.file(**task))
    # No file is there yet, so the resource is looked up as well.
    one_zip, proof = 1, FILES
    assert len(first) == LOGIN_AND_LOGOUT + SESSIONS + SCANS + FILES + RESOURCES + one_zip + proof
    assert [name for name, _ in puts(first)] == ["upload.zip"]
    assert stored() == content

    again, second = traffic.of(lambda: modules.file(**task))
    assert again["changed"] is False
    assert len(second) == LOGIN_AND_LOGOUT + SESSIONS + SCANS + FILES
    assert len(reads(second)) == len(set(reads(second)))
    assert sum(size for _, _, size in second) == 0


def test_a_resource_that_is_there_costs_one_listing(
    key: dict[str, str], folder: Path, modules: Modules, traffic: Traffic
) -> None:
    modules.file(**key, src=[str(folder)])
    result, requests = traffic.of(lambda: modules.resource(**key))
    assert result["changed"] is False
    assert len(requests) == LOGIN_AND_LOGOUT + SESSIONS + SCANS + RESOURCES
    assert len(reads(requests)) == len(set(reads(requests)))


def test_a_scan_that_is_there_costs_one_look_and_no_listing_of_its_files(
    key: dict[str, str], project: str, folder: Path, modules: Modules, traffic: Traffic
) -> None:
    modules.file(**key, src=[str(folder)])
    result, requests = traffic.of(lambda: modules.scan(project=project, **SCAN))
    assert result["changed"] is False
    document = 1
    assert len(requests) == LOGIN_AND_LOGOUT + SESSIONS + document
    assert not any("/files" in path or "/resources" in path for path in reads(requests))
