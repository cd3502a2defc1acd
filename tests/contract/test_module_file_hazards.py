"""xnat_file when things go wrong: nothing is reported as done that is not there, and nothing of others is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.xnat import bodies, delivery, transfer
from ansible.module_utils.xnat import session as client_session
from module_runner import ModuleFailedError, Modules, md5
from xnat_twin.testing import XnatServer

pytest_plugins = ["module_fixtures"]


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_session.time, "sleep", lambda _: None)


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


@pytest.mark.practice_xnat("fails on request")
@pytest.mark.parametrize(("fails_at", "changed"), [("/subjects/s1", False), ("/resources/NIFTI", True)])
def test_a_failure_says_whether_something_was_made_before_it(
    key: dict[str, str], folder: Path, modules: Modules, xnat: XnatServer, fails_at: str, changed: bool
) -> None:
    xnat.faults.status_once(500, method="PUT", path=fails_at)
    with pytest.raises(ModuleFailedError, match="answered 500") as caught:
        modules.file(**key, src=[str(folder)])
    assert caught.value.result["changed"] is changed


@pytest.mark.practice_xnat("fails on request")
def test_parents_made_for_files_that_were_not_taken_are_named(
    key: dict[str, str], folder: Path, modules: Modules, xnat: XnatServer
) -> None:
    xnat.faults.status_once(507, method="PUT", path="/files/")
    with pytest.raises(ModuleFailedError, match="answered 507") as caught:
        modules.file(**key, src=[str(folder)])
    assert caught.value.result["changed"] is True
    assert [name.split()[0] for name in caught.value.result["created_parents"]] == [
        "subject",
        "experiment",
        "scan",
        "resource",
    ]


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
    real = delivery.Upload.run

    def run(upload: delivery.Upload, actions: list[Any]) -> Any:
        path = f"{xnat.url}{made['object']['uri']}/files/a.txt"
        xnat.session().put(path, params={"inbody": "true"}, data=theirs).raise_for_status()
        return real(upload, actions)

    monkeypatch.setattr(delivery.Upload, "run", run)
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
@pytest.mark.parametrize(
    ("alone", "account", "proven"),
    [
        (1, "Not done: b.txt, c.txt. Sent and verified before that: a.txt.", ["a.txt"]),
        # XNAT unpacks first and writes its catalog last: what was unpacked by then is on its disk and in no list.
        (transfer.ALONE, "Not done: a.txt, b.txt, c.txt.", []),
    ],
    ids=["one by one", "in one request"],
)
def test_a_full_disk_names_what_is_there_and_what_is_not(
    key: dict[str, str],
    tmp_path: Path,
    modules: Modules,
    xnat: XnatServer,
    stored: Callable[..., dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    alone: int,
    account: str,
    proven: list[str],
) -> None:
    monkeypatch.setattr(transfer, "ALONE", alone)
    sizes = {"a.txt": 10, "b.txt": 200_000, "c.txt": 10}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(b"x" * size)
    modules.resource(**key)
    with xnat.faults.disk_full_after(100_000), pytest.raises(ModuleFailedError, match="disk is full") as caught:
        modules.file(**key, src=[str(tmp_path)])
    assert caught.value.msg.endswith(account)
    assert [file["name"] for file in caught.value.result["files"]] == list(stored()) == proven
    assert caught.value.result["changed"] is bool(proven)
    again = modules.file(**key, src=[str(tmp_path)])
    assert [file["name"] for file in again["files"] if file["action"] == "unchanged"] == proven
    assert {name: len(data) for name, data in stored().items()} == sizes


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
    real = bodies.BlockReader.read
    file = folder / "T1.nii.gz"

    def read(reader: Any, size: int = -1) -> bytes:
        block: bytes = real(reader, size)
        os.utime(file, ns=(1, 1))
        return block

    monkeypatch.setattr(bodies.BlockReader, "read", read)
    with pytest.raises(ModuleFailedError, match=r"T1.nii.gz changed while it was being sent.*Not done: T1.nii.gz"):
        modules.file(**key, src=[str(file)])


def test_a_file_that_gets_shorter_while_it_is_sent(
    key: dict[str, str], folder: Path, modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bodies._exactly
    file = folder / "T1.nii.gz"

    def cut(local: Any) -> Any:
        file.write_bytes(b"short")
        return real(local)

    monkeypatch.setattr(bodies, "_exactly", cut)
    with pytest.raises(ModuleFailedError, match=r"T1.nii.gz became shorter while it was being sent"):
        modules.file(**key, src=[str(file)])


def test_bytes_that_arrive_damaged_are_noticed(
    key: dict[str, str], folder: Path, modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bodies.BlockReader.read
    monkeypatch.setattr(bodies.BlockReader, "read", lambda reader, size=-1: real(reader, size).replace(b"i", b"j"))
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
        assert [file["digest"] for file in again["files"]] == [file["digest"] for file in sent["files"]]
        (folder / "T1.nii.gz").write_bytes(b"IMAGE" * 1000)
        changed = modules.file(**key, src=[str(folder)])["files"]
        assert changed[0]["action"] == "replaced"
        assert [file["digest"] for file in changed[1:]] == [file["digest"] for file in sent["files"][1:]]
    finally:
        http.post(url, json={"checksums": True}).raise_for_status()


@pytest.mark.practice_xnat("takes a file away from the server's disk")
def test_a_file_that_is_listed_but_gone_from_the_disk_is_sent_again(
    key: dict[str, str], folder: Path, modules: Modules, xnat: XnatServer, stored: Callable[..., dict[str, bytes]]
) -> None:
    """Noticed where XNAT has no digest and the file must be read to be compared."""
    http, url = xnat.session(), f"{xnat.url}/xapi/siteConfig"
    http.post(url, json={"checksums": False}).raise_for_status()
    try:
        modules.file(**key, src=[str(folder / "T1.nii.gz")])
        (gone,) = [path for path in xnat.archive.rglob("T1.nii.gz") if key["project"] in path.parts]
        gone.unlink()
        sent = modules.file(**key, src=[str(folder / "T1.nii.gz")])
    finally:
        http.post(url, json={"checksums": True}).raise_for_status()
    assert sent["files"][0]["action"] == "replaced"
    assert sent["files"][0]["reason"].startswith("MD5 differs: no file there")
    assert stored() == {"T1.nii.gz": b"image" * 1000}
