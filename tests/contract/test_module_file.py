"""xnat_file: what it says is there is there, byte for byte, and nothing else was touched."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from ansible.module_utils.xnat import session as client_session
from ansible.module_utils.xnat import transfer
from module_runner import ModuleFailedError, Modules

if TYPE_CHECKING:
    from conftest import XnatServer

SCAN = {"subject": "s1", "session": "e1", "scan": "1"}


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_session.time, "sleep", lambda _: None)


@pytest.fixture
def modules(xnat: XnatServer) -> Modules:
    return Modules(xnat.url, xnat.admin, xnat.password, xnat.ca_path)


@pytest.fixture
def key(project: str) -> dict[str, str]:
    return {"project": project, **SCAN, "resource": "NIFTI"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files, one of them empty, one in a folder with a space in its name."""
    for name, data in {"T1.nii.gz": b"image" * 1000, "empty.txt": b"", "more of it/a+b (1).txt": b"text"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


@pytest.fixture
def stored(xnat: XnatServer, project: str) -> Callable[..., dict[str, bytes]]:
    """Read the resource back by other means than the module's: {path: content}."""

    def read(label: str = "NIFTI", path: str = "subjects/s1/experiments/e1/scans/1") -> dict[str, bytes]:
        http = xnat.session()
        answer = http.get(
            f"{xnat.url}/data/projects/{project}/{path}/resources/{label}/files", params={"format": "json"}
        )
        if answer.status_code == 404:
            return {}
        rows = answer.json()["ResultSet"]["Result"]
        found = {}
        for row in rows:
            base, name = row["URI"].split("/files/", 1)
            found[name] = http.get(f"{xnat.url}{base}/files/{requests.utils.quote(name)}").content
        return found

    return read


def test_life_of_a_tree_of_files(
    key: dict[str, str], folder: Path, modules: Modules, stored: Callable[..., dict[str, bytes]]
) -> None:
    content = {"T1.nii.gz": b"image" * 1000, "empty.txt": b"", "more of it/a+b (1).txt": b"text"}
    predicted = modules.file(**key, src=[str(folder)], format="NIFTI", check=True)
    assert stored() == {}
    sent = modules.file(**key, src=[str(folder)], format="NIFTI")
    assert sent["changed"] is predicted["changed"] is True
    assert sent["diff"] == predicted["diff"]
    assert sent["created_parents"] == predicted["created_parents"]
    assert [parent.split()[0] for parent in sent["created_parents"]] == ["subject", "experiment", "scan", "resource"]
    assert stored() == content
    for file in sent["files"]:
        data = content[file["name"]]
        assert (file["size"], file["digest"], file["action"]) == (len(data), md5(data), "created")
        assert file["path"] == str(folder / file["name"])
        assert file["reason"] == "not there yet"
        assert file["uri"].endswith(f"/files/{file['name']}")
    assert [file["name"] for file in predicted["files"]] == [file["name"] for file in sent["files"]]

    again = modules.file(**key, src=[str(folder)], format="NIFTI")
    assert again["changed"] is False
    assert again["diff"] == {"before": {}, "after": {}}
    assert {file["action"] for file in again["files"]} == {"unchanged"}
    assert [file["digest"] for file in again["files"]] == [file["digest"] for file in sent["files"]]
    assert modules.file(**key, src=[str(folder)], check=True)["changed"] is False

    (folder / "T1.nii.gz").write_bytes(b"IMAGE" * 1000)
    (folder / "empty.txt").write_bytes(b"no longer")
    predicted = modules.file(**key, src=[str(folder)], check=True)
    assert stored() == content
    changed = modules.file(**key, src=[str(folder)])
    assert changed["diff"] == predicted["diff"]
    assert [(file["name"], file["action"]) for file in changed["files"]] == [
        ("T1.nii.gz", "replaced"),
        ("empty.txt", "replaced"),
        ("more of it/a+b (1).txt", "unchanged"),
    ]
    assert changed["files"][0]["reason"].startswith("MD5 differs")
    assert changed["files"][1]["reason"] == "size differs: 0 bytes there, 9 here"
    assert stored() == {**content, "T1.nii.gz": b"IMAGE" * 1000, "empty.txt": b"no longer"}

    for name in ("T1.nii.gz", "more of it/a+b (1).txt"):
        predicted = modules.file(**key, dest=name, state="absent", check=True)
        assert name in stored()
        gone = modules.file(**key, dest=name, state="absent")
        assert gone["changed"] is predicted["changed"] is True
        assert gone["diff"] == predicted["diff"]
        assert gone["files"][0]["action"] == "deleted"
        assert modules.file(**key, dest=name, state="absent")["changed"] is False
    assert stored() == {"empty.txt": b"no longer"}


@pytest.mark.parametrize(
    ("path", "level"),
    [("", {}), ("subjects/s1", {"subject": "s1"}), ("subjects/s1/experiments/e1", {"subject": "s1", "session": "e1"})],
)
def test_files_at_every_level(
    project: str,
    folder: Path,
    modules: Modules,
    stored: Callable[..., dict[str, bytes]],
    path: str,
    level: dict[str, str],
) -> None:
    key = {"project": project, **level, "resource": "docs"}
    assert modules.file(**key, src=[str(folder / "T1.nii.gz")], dest="a/b.nii.gz")["changed"] is True
    assert stored("docs", path.strip("/") or ".") == {"a/b.nii.gz": b"image" * 1000}
    assert modules.file(**key, src=[str(folder / "T1.nii.gz")], dest="a/b.nii.gz")["changed"] is False


@pytest.mark.parametrize(
    ("overwrite", "changed", "content"),
    [("different", True, b"new"), ("never", False, b"old"), ("always", True, b"new")],
)
def test_overwrite(
    key: dict[str, str],
    tmp_path: Path,
    modules: Modules,
    stored: Callable[..., dict[str, bytes]],
    overwrite: str,
    changed: bool,
    content: bytes,
) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"old")
    modules.file(**key, src=[str(file)])
    file.write_bytes(b"new")
    assert modules.file(**key, src=[str(file)], overwrite=overwrite, check=True)["changed"] is changed
    assert stored() == {"a.txt": b"old"}
    assert modules.file(**key, src=[str(file)], overwrite=overwrite)["changed"] is changed
    assert stored() == {"a.txt": content}
    assert modules.file(**key, src=[str(file)], overwrite=overwrite)["changed"] is (overwrite == "always")


def test_overwrite_fail_stops_before_anything_is_sent(
    key: dict[str, str], folder: Path, modules: Modules, stored: Callable[..., dict[str, bytes]]
) -> None:
    modules.file(**key, src=[str(folder / "T1.nii.gz")])
    assert modules.file(**key, src=[str(folder / "T1.nii.gz")], overwrite="fail")["changed"] is False
    (folder / "T1.nii.gz").write_bytes(b"other")
    for check in (True, False):
        with pytest.raises(
            ModuleFailedError, match=r"1 of 3 files are there with other content: T1.nii.gz .*Nothing was sent"
        ):
            modules.file(**key, src=[str(folder)], overwrite="fail", check=check)
    assert stored() == {"T1.nii.gz": b"image" * 1000}


def test_labels_are_set_and_corrected(key: dict[str, str], folder: Path, modules: Modules, xnat: XnatServer) -> None:
    asked = {**key, "src": [str(folder / "T1.nii.gz")]}
    modules.file(**asked, format="NIFTI", content="T1", tags=["raw"])
    assert modules.file(**asked, format="NIFTI", content="T1", tags=["raw"])["changed"] is False
    assert modules.file(**asked)["changed"] is False
    again = modules.file(**asked, content="T2")
    assert again["files"][0]["reason"] == "same content, but content is T1"
    assert modules.file(**asked, content="T2")["changed"] is False


def test_without_create_parents_nothing_is_made(key: dict[str, str], folder: Path, modules: Modules) -> None:
    src = [str(folder / "T1.nii.gz")]
    with pytest.raises(ModuleFailedError, match=r"The subject s1 .* does not exist"):
        modules.file(**key, src=src, create_parents=False)
    modules.scan(project=key["project"], **SCAN)
    with pytest.raises(ModuleFailedError, match=r"The resource NIFTI of .* does not exist. Make it with xnat_resource"):
        modules.file(**key, src=src, create_parents=False)
    modules.resource(**key)
    assert modules.file(**key, src=src, create_parents=False)["changed"] is True


# -- bad input, before any request ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "^src: is empty"),
        ({"src": []}, "^src: is empty"),
        ({"src": ["{folder}/nope.nii"]}, "^src: there is no file .*nope.nii"),
        ({"src": ["{folder}/*.dcm"]}, "^src: no file matches"),
        ({"src": ["{folder}"], "dest": "one.nii"}, "^dest: 'one.nii' names one file, but src is a folder with 3 files"),
        ({"src": ["{folder}/T1.nii.gz"], "dest": "a#b.nii"}, "^dest: 'a#b.nii' contains '#'"),
        ({"src": ["{folder}/T1.nii.gz"], "dest": "../x"}, "^dest: '../x' is not a plain path"),
        ({"src": ["{folder}/T1.nii.gz"], "tags": ["a,b"]}, "^tags: "),
        ({"src": ["{folder}/T1.nii.gz"], "overwrite": "maybe"}, "value of overwrite must be one of"),
        ({"state": "absent"}, "^dest: the name of a file is empty"),
        ({"state": "absent", "dest": ""}, "^dest: the name of a file is empty"),
        ({"state": "absent", "dest": "*"}, "which XNAT reads as a pattern"),
        ({"state": "absent", "dest": "sub/*"}, "which XNAT reads as a pattern"),
        ({"state": "absent", "dest": "sub/"}, "not a plain path"),
        ({"state": "absent", "dest": "a", "src": ["a"]}, "^src: says what to send"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_request(
    key: dict[str, str], folder: Path, modules: Modules, options: dict[str, Any], message: str
) -> None:
    options = {**options}
    if options.get("src"):
        options["src"] = [source.format(folder=folder) for source in options["src"]]
    with pytest.raises(ModuleFailedError, match=message):
        modules.file(**key, **{**options, "url": "http://127.0.0.1:9", "retries": 0})


def test_an_unreadable_file_is_named(key: dict[str, str], tmp_path: Path, modules: Modules) -> None:
    file = tmp_path / "secret.nii"
    file.write_text("x")
    real = Path.open

    def refuse(path: Path, *arguments: Any, **more: Any) -> Any:
        if path == file:
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(ModuleFailedError, match=re.escape(f"src: cannot read {file}: Permission denied")):
            modules.file(**key, src=[str(file)])


# -- hazards --------------------------------------------------------------------------------------------------------


def test_an_account_that_may_only_read_gets_200_and_an_error(
    key: dict[str, str], folder: Path, modules: Modules, xnat: XnatServer, stored: Callable[..., dict[str, bytes]]
) -> None:
    modules.file(**key, src=[str(folder / "empty.txt")])
    reader = Modules(xnat.url, *xnat.new_user(key["project"], "Collaborators"), xnat.ca_path)
    with pytest.raises(ModuleFailedError, match=r"XNAT answered 200 for T1.nii.gz but did not store it") as caught:
        reader.file(**key, src=[str(folder)])
    assert "may read but not edit" in caught.value.msg
    assert caught.value.result["changed"] is False
    assert caught.value.result["not_done"] == ["T1.nii.gz", "more of it/a+b (1).txt"]
    assert stored() == {"empty.txt": b""}


def test_a_project_that_the_account_may_not_see(key: dict[str, str], folder: Path, xnat: XnatServer) -> None:
    stranger = Modules(xnat.url, *xnat.new_user(), xnat.ca_path)
    with pytest.raises(ModuleFailedError, match="does not exist, or this account may not see it"):
        stranger.file(**key, src=[str(folder)])
    with pytest.raises(ModuleFailedError, match="does not exist, or this account may not see it"):
        stranger.file(**key, src=[str(folder)], create_parents=False)


@pytest.mark.practice_xnat("makes catalog writes collide")
def test_a_catalog_conflict_is_repaired(
    key: dict[str, str], folder: Path, modules: Modules, xnat: XnatServer, stored: Callable[..., dict[str, bytes]]
) -> None:
    modules.resource(**key)
    xnat.faults.conflict_once(2)
    sent = modules.file(**key, src=[str(folder)])
    assert [file["action"] for file in sent["files"]] == ["created"] * 3
    assert stored()["T1.nii.gz"] == b"image" * 1000
    assert len(stored()) == 3


@pytest.mark.practice_xnat("makes catalog writes collide")
@pytest.mark.parametrize("overwrite", ["different", "never", "fail"])
def test_a_file_on_disk_but_in_no_catalog_is_repaired(
    key: dict[str, str],
    tmp_path: Path,
    modules: Modules,
    xnat: XnatServer,
    stored: Callable[..., dict[str, bytes]],
    overwrite: str,
) -> None:
    """What an earlier client left behind: XNAT answers 200 with `duplicates` and would hide the file for ever."""
    file = tmp_path / "a.txt"
    file.write_bytes(b"orphan")
    made = modules.resource(**key)
    xnat.faults.conflict_once()
    path = f"{xnat.url}{made['object']['uri']}/files/a.txt"
    assert xnat.session().put(path, params={"inbody": "true"}, data=b"orphan").status_code == 500
    assert stored() == {}
    file.write_bytes(b"ours")
    assert modules.file(**key, src=[str(file)], overwrite=overwrite)["files"][0]["action"] == "created"
    assert stored() == {"a.txt": b"ours"}


@pytest.mark.parametrize(
    ("overwrite", "theirs", "action", "left"),
    [
        ("different", b"theirs", "replaced", b"ours"),
        ("different", b"ours", "created", b"ours"),
        ("never", b"theirs", "unchanged", b"theirs"),
        ("fail", b"theirs", None, b"theirs"),
    ],
)
def test_a_file_that_someone_else_stores_in_between(
    key: dict[str, str],
    tmp_path: Path,
    modules: Modules,
    xnat: XnatServer,
    stored: Callable[..., dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    overwrite: str,
    theirs: bytes,
    action: str | None,
    left: bytes,
) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"ours")
    made = modules.resource(**key)
    real = transfer.Upload.run

    def run(upload: transfer.Upload, actions: list[Any]) -> Any:
        path = f"{xnat.url}{made['object']['uri']}/files/a.txt"
        xnat.session().put(path, params={"inbody": "true"}, data=theirs).raise_for_status()
        return real(upload, actions)

    monkeypatch.setattr(transfer.Upload, "run", run)
    if action is None:
        with pytest.raises(ModuleFailedError, match=r"appeared in resource NIFTI .* so it was kept"):
            modules.file(**key, src=[str(file)], overwrite=overwrite)
    else:
        assert modules.file(**key, src=[str(file)], overwrite=overwrite)["files"][0]["action"] == action
    assert stored() == {"a.txt": left}


@pytest.mark.practice_xnat("loses answers")
@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("carry_out", [True, False])
def test_a_lost_answer_is_looked_up(
    key: dict[str, str],
    folder: Path,
    modules: Modules,
    xnat: XnatServer,
    stored: Callable[..., dict[str, bytes]],
    status: int,
    carry_out: bool,
) -> None:
    modules.resource(**key)
    xnat.faults.status_once(status, method="PUT", path="/files/", carry_out=carry_out)
    assert modules.file(**key, src=[str(folder)], overwrite="never")["changed"] is True
    assert len(stored()) == 3


@pytest.mark.practice_xnat("fills the disk")
def test_a_full_disk_names_what_is_there_and_what_is_not(
    key: dict[str, str], tmp_path: Path, modules: Modules, xnat: XnatServer, stored: Callable[..., dict[str, bytes]]
) -> None:
    for name, size in {"a.txt": 10, "b.txt": 200_000, "c.txt": 10}.items():
        (tmp_path / name).write_bytes(b"x" * size)
    modules.resource(**key)
    with xnat.faults.disk_full_after(100_000), pytest.raises(ModuleFailedError, match="disk is full") as caught:
        modules.file(**key, src=[str(tmp_path)])
    assert "Not done: b.txt, c.txt. Sent and verified before that: a.txt." in caught.value.msg
    assert [file["name"] for file in caught.value.result["files"]] == ["a.txt"]
    assert caught.value.result["changed"] is True
    again = modules.file(**key, src=[str(tmp_path)])
    assert [file["action"] for file in again["files"]] == ["unchanged", "created", "created"]
    assert stored()["b.txt"] == b"x" * 200_000


@pytest.mark.practice_xnat("answers 507")
def test_a_507_says_that_the_disk_is_full(
    key: dict[str, str], folder: Path, modules: Modules, xnat: XnatServer
) -> None:
    modules.resource(**key)
    xnat.faults.status_once(507, method="PUT", path="/files/")
    with pytest.raises(ModuleFailedError, match=r"answered 507.*disk is full") as caught:
        modules.file(**key, src=[str(folder)])
    assert caught.value.result["files"] == []
    assert len(caught.value.result["not_done"]) == 3


def test_a_file_that_changes_while_it_is_sent_is_not_reported_as_done(
    key: dict[str, str], folder: Path, modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = transfer._HashingReader.read
    file = folder / "T1.nii.gz"

    def read(reader: Any, size: int = -1) -> bytes:
        block = real(reader, size)
        os.utime(file, ns=(1, 1))
        return block

    monkeypatch.setattr(transfer._HashingReader, "read", read)
    with pytest.raises(ModuleFailedError, match=r"T1.nii.gz changed while it was being sent.*Not done: T1.nii.gz"):
        modules.file(**key, src=[str(file)])


def test_a_file_that_gets_shorter_while_it_is_sent(
    key: dict[str, str], folder: Path, modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = transfer._HashingReader.__init__
    file = folder / "T1.nii.gz"

    def cut(reader: Any, local: Any) -> None:
        file.write_bytes(b"short")
        real(reader, local)

    monkeypatch.setattr(transfer._HashingReader, "__init__", cut)
    with pytest.raises(ModuleFailedError, match=r"T1.nii.gz became shorter while it was being sent"):
        modules.file(**key, src=[str(file)])


@pytest.mark.practice_xnat("alters stored bytes")
def test_bytes_that_arrive_damaged_are_noticed(
    key: dict[str, str], folder: Path, modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = transfer._HashingReader.read
    monkeypatch.setattr(transfer._HashingReader, "read", lambda reader, size=-1: real(reader, size).replace(b"i", b"j"))
    with pytest.raises(ModuleFailedError, match=r"is there with MD5 \w{32} instead of \w{32}"):
        modules.file(**key, src=[str(folder / "T1.nii.gz")])


@pytest.mark.practice_xnat("turns checksums off")
def test_without_checksums_on_the_server_files_are_downloaded_to_compare(
    key: dict[str, str], folder: Path, modules: Modules, xnat: XnatServer
) -> None:
    http = xnat.session()
    url = f"{xnat.url}/xapi/siteConfig"
    http.post(url, json={"checksums": False}).raise_for_status()
    try:
        sent = modules.file(**key, src=[str(folder)])
        again = modules.file(**key, src=[str(folder)])
        assert again["changed"] is False
        assert sent["files"][0]["digest"] == md5(b"image" * 1000)
        (folder / "T1.nii.gz").write_bytes(b"IMAGE" * 1000)
        assert modules.file(**key, src=[str(folder)])["files"][0]["action"] == "replaced"
    finally:
        http.post(url, json={"checksums": True}).raise_for_status()


# -- deleting one file and no other ---------------------------------------------------------------------------------


def test_deleting_a_file_keeps_those_whose_names_begin_with_it(
    key: dict[str, str], tmp_path: Path, modules: Modules, stored: Callable[..., dict[str, bytes]]
) -> None:
    for name in ("a.txt", "a.txt.bak", "a.txt2", "b.txt"):
        (tmp_path / name).write_bytes(name.encode())
    modules.file(**key, src=[str(tmp_path)])
    assert modules.file(**key, dest="a.txt", state="absent")["changed"] is True
    assert sorted(stored()) == ["a.txt.bak", "a.txt2", "b.txt"]
    assert modules.file(**key, dest="a.txt", state="absent")["changed"] is False
    assert sorted(stored()) == ["a.txt.bak", "a.txt2", "b.txt"]


def test_deleting_is_refused_when_even_the_exact_form_hits_another(
    key: dict[str, str], tmp_path: Path, modules: Modules, stored: Callable[..., dict[str, bytes]]
) -> None:
    for name in ("a.txt", "a.txt.bak", "a-txt"):
        (tmp_path / name).write_bytes(name.encode())
    modules.file(**key, src=[str(tmp_path)])
    for check in (True, False):
        with pytest.raises(ModuleFailedError, match=r"it would also delete a-txt\. Nothing was deleted"):
            modules.file(**key, dest="a.txt", state="absent", check=check)
    assert len(stored()) == 3


def test_deleting_what_is_not_there_changes_nothing(key: dict[str, str], project: str, modules: Modules) -> None:
    assert modules.file(**key, dest="a", state="absent")["changed"] is False
    modules.scan(project=project, **SCAN)
    assert modules.file(**key, dest="a", state="absent")["changed"] is False


def test_members_may_not_delete(key: dict[str, str], folder: Path, modules: Modules, xnat: XnatServer) -> None:
    modules.file(**key, src=[str(folder)])
    member = Modules(xnat.url, *xnat.new_user(key["project"], "Members"), xnat.ca_path)
    with pytest.raises(ModuleFailedError, match=r"answered 403.*only owners may delete"):
        member.file(**key, dest="T1.nii.gz", state="absent")


# -- cost -----------------------------------------------------------------------------------------------------------


def test_requests_are_few(key: dict[str, str], project: str, folder: Path, modules: Modules) -> None:
    """Login and logout are two of each. The first run also makes the resource, and lists after the first file."""
    modules.scan(project=project, **SCAN)
    first = modules.file(**key, src=[str(folder)])
    assert first["requests"] == 2 + 4 + 1 + 3 + 2
    assert modules.file(**key, src=[str(folder)])["requests"] == 2 + 3


def test_a_large_file_is_streamed(key: dict[str, str], tmp_path: Path, modules: Modules) -> None:
    """64 MB pass through with a peak far below their size."""
    import tracemalloc

    file = tmp_path / "large.bin"
    with file.open("wb") as stream:
        stream.truncate(64 * 1024 * 1024)
    tracemalloc.start()
    try:
        result = modules.file(**key, src=[str(file)])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result["files"][0]["size"] == 64 * 1024 * 1024
    assert peak < 24 * 1024 * 1024
