"""xnat_file: what it says is there is there, byte for byte, and nothing else was touched."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from module_runner import SCAN, ModuleFailedError, Modules, md5
from xnat_twin.testing import XnatServer

pytest_plugins = ["module_fixtures"]


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
    assert again["diff"] == {"before": "", "after": ""}
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
        ({"src": ["{folder}"], "allow_empty": False}, r"^src: without any content \(0 bytes\).*: /.*/empty\.txt\."),
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


def test_empty_labels_are_not_asked_for_and_tags_are_trimmed(
    key: dict[str, str], folder: Path, modules: Modules
) -> None:
    src = [str(folder)]
    modules.file(**key, src=src, format="NIFTI", content="T1", tags=[" a b ", "k=v", "A&B"])
    for labels in ({"format": "", "content": ""}, {"tags": ["a b ", " k=v", "A&B"]}):
        assert modules.file(**key, src=src, **labels)["changed"] is False
        assert modules.resource(**key, **labels)["changed"] is False


@pytest.mark.parametrize(
    "place", [{"subject": "files", "session": "files_1", "scan": "files"}, {"subject": "files"}, {}]
)
def test_objects_may_be_named_like_a_part_of_an_address(
    place: dict[str, str], project: str, tmp_path: Path, modules: Modules
) -> None:
    for name in ("files/resources", "files/resources.bak", "resources"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    key = {"project": project, **place, "resource": "files"}
    assert modules.file(**key, src=[str(tmp_path)])["changed"] is True
    assert modules.file(**key, src=[str(tmp_path)])["changed"] is False
    deleted = modules.file(**key, dest="files/resources", state="absent")
    assert deleted["changed"] is True
    assert [
        file["name"] for file in modules.file(**key, src=[str(tmp_path)])["files"] if file["action"] == "created"
    ] == ["files/resources"]


@pytest.mark.practice_xnat("looks at the archive's disk")
@pytest.mark.parametrize("kind", ["resource", "scan", "experiment", "subject", "project"])
def test_deleting_an_object_deletes_its_files_from_the_disk(
    key: dict[str, str], folder: Path, modules: Modules, xnat: XnatServer, kind: str
) -> None:
    """Files that stay are nobody's, and stand in the way of those who come after."""
    modules.file(**key, src=[str(folder)])
    assert list((xnat.archive / key["project"]).rglob("T1.nii.gz"))
    depth = ["project", "subject", "session", "scan", "resource"]
    kept = depth[: depth.index("session" if kind == "experiment" else kind) + 1]
    modules.run(kind, **{name: key[name] for name in kept}, state="absent")
    assert not list(xnat.archive.rglob(f"{key['project']}/**/T1.nii.gz"))


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
    """Login and logout are two of each. The first run also makes the resource, and sends all files at once."""
    modules.scan(project=project, **SCAN)
    first = modules.file(**key, src=[str(folder)])
    assert first["requests"] == 2 + 4 + 1 + 1 + 1
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
