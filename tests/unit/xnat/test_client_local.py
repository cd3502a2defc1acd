"""Which files `src` and `dest` mean, and every way in which they cannot be meant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.module_utils.xnat import local
from ansible.module_utils.xnat.errors import InputError, VerificationError


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("T1.nii", "T2.nii", "sub1/T1.nii", "sub2/T1.nii", "sub2/deep/x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(name.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(sources: list[str], dest: str | None = None) -> list[str]:
    return [file.name for file in local.collect(sources, dest)]


@pytest.mark.parametrize(
    ("sources", "dest", "expected"),
    [
        (["T1.nii"], None, ["T1.nii"]),
        (["T1.nii"], "scan.nii", ["scan.nii"]),
        (["T1.nii"], "a/b.nii", ["a/b.nii"]),
        (["T1.nii"], "a/", ["a/T1.nii"]),
        (["T1.nii", "T2.nii"], None, ["T1.nii", "T2.nii"]),
        (["sub2"], None, ["T1.nii", "deep/x.txt"]),
        (["sub2/"], "s2/", ["s2/T1.nii", "s2/deep/x.txt"]),
        (["*.nii"], None, ["T1.nii", "T2.nii"]),
        (["sub*/T1.nii"], None, ["sub1/T1.nii", "sub2/T1.nii"]),
        (["sub2/**/*.txt"], None, ["deep/x.txt"]),
    ],
)
def test_names_in_the_resource(tree: Path, sources: list[str], dest: str | None, expected: list[str]) -> None:
    assert names(sources, dest) == expected
    assert names([str(tree / source) for source in sources], dest) == expected


def test_an_existing_file_with_a_wildcard_in_its_name_is_that_file(tree: Path) -> None:
    (tree / "T[1].nii").write_text("x")
    with pytest.raises(InputError, match=r"src: 'T\[1\].nii' contains '\[', '\]'"):
        names(["T[1].nii"])
    assert names(["T[1].nii"], "T1.nii") == ["T1.nii"]


@pytest.mark.parametrize(
    ("sources", "dest", "message"),
    [
        ([], None, "^src: is empty"),
        ([""], None, "^src: is empty"),
        (["nope.nii"], None, "^src: there is no file nope.nii .looked in"),
        (["*.dcm"], None, "^src: no file matches '\\*.dcm'"),
        (["nope.nii"], "one.nii", "^src: there is no file nope.nii .looked in"),
        (["sub2"], "one.nii", "^dest: 'one.nii' names one file, but src is a folder with 2 files"),
        (["*.nii"], "one.nii", "^dest: 'one.nii' names one file, but src is a pattern that matches 2 files"),
        (["T1.nii", "T2.nii"], "one.nii", "^dest: 'one.nii' names one file, but src is a list of 2"),
        (["sub1/T1.nii", "T1.nii"], None, "would both become 'T1.nii'"),
    ],
)
def test_what_cannot_be_meant(tree: Path, sources: list[str], dest: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        local.collect(sources, dest)


@pytest.mark.parametrize("source", ["x" * 300, "x" * 5000, "a/" + "x" * 300 + "/*.nii", "T1.nii/b", "a\0b"])
def test_what_the_system_does_not_take_for_a_path_is_named(tree: Path, source: str) -> None:
    with pytest.raises(InputError, match=r"^src: (cannot read|no file matches|.* holds a zero byte)"):
        local.collect([source], None)


def test_hidden_files_count_in_a_folder_and_where_a_pattern_says_so(tree: Path) -> None:
    (tree / "sub1" / ".bids").write_bytes(b"ignore")
    assert names(["sub1"]) == [".bids", "T1.nii"]
    assert names(["sub1/*"]) == ["T1.nii"]
    assert names(["sub1/.*"]) == [".bids"]


def test_a_name_that_xnat_does_not_keep_is_reported_under_the_option_it_was_given_in(tree: Path) -> None:
    (tree / "Zo\u00eb.nii").write_bytes(b"x")
    with pytest.raises(InputError, match=r"^src: 'Zo.\.nii' contains '.', .*set dest to send"):
        names(["Zo\u00eb.nii"])
    assert names(["Zo\u00eb.nii"], "Zoe.nii") == ["Zoe.nii"]
    with pytest.raises(InputError, match=r"^dest: 'a#b' contains '#'"):
        names(["T1.nii"], "a#b")


def test_empty_files_are_refused_unless_they_are_meant(tree: Path) -> None:
    for name in ("cut1.nii", "cut2.nii"):
        (tree / name).touch()
    with pytest.raises(InputError, match=r"^src: without any content .*: cut1.nii, cut2.nii\. .*set allow_empty: true"):
        local.collect(["cut*.nii"], None)
    assert [file.size for file in local.collect(["cut*.nii"], None, allow_empty=True)] == [0, 0]


def test_an_empty_folder_is_refused(tree: Path) -> None:
    (tree / "empty").mkdir()
    with pytest.raises(InputError, match="the folder empty has no files in it"):
        local.collect(["empty"], None)


def test_a_dangling_link_is_named(tree: Path) -> None:
    (tree / "link.nii").symlink_to("gone.nii")
    with pytest.raises(InputError, match=r"link.nii is a link to a file that does not exist"):
        local.collect(["link.nii"], None)


def test_a_linked_folder_is_followed_and_a_loop_is_refused(tree: Path) -> None:
    (tree / "all").mkdir()
    (tree / "all" / "one").symlink_to(tree / "sub1")
    assert names(["all"]) == ["one/T1.nii"]
    (tree / "all" / "loop").symlink_to(tree / "all")
    with pytest.raises(InputError, match="leads back"):
        names(["all"])


def test_a_pipe_is_no_file(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        names(["pipe"])


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """Root may read everything: become someone who may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_an_unreadable_file_is_named(tmp_path_factory: pytest.TempPathFactory, as_nobody: None) -> None:
    if os.getuid() == 0:
        os.seteuid(0)
    folder = tmp_path_factory.mktemp("unreadable")
    secret = folder / "secret.nii"
    secret.write_text("x")
    secret.chmod(0)
    for above in (folder, *list(folder.parents)[:2]):
        above.chmod(0o755)
    if os.getuid() == 0:
        os.seteuid(65534)
    with pytest.raises(InputError, match=r"cannot read .*secret.nii: Permission denied"):
        local.collect([str(secret)], None)


@pytest.mark.parametrize("below", ["", "/a.nii", "/*/a.nii"])
def test_a_folder_that_one_may_not_enter_is_named(
    tmp_path_factory: pytest.TempPathFactory, as_nobody: None, below: str
) -> None:
    if os.getuid() == 0:
        os.seteuid(0)
    folder = tmp_path_factory.mktemp("closed")
    (folder / "in").mkdir(mode=0)
    for above in (folder, *list(folder.parents)[:2]):
        above.chmod(0o755)
    if os.getuid() == 0:
        os.seteuid(65534)
    with pytest.raises(InputError, match=r"^src: (cannot read .*: Permission denied|no file matches)"):
        local.collect([f"{folder}/in{below}"], None)


def test_md5_and_a_file_that_changed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    (file,) = local.collect([str(path)], None)
    assert local.md5(file) == "5d41402abc4b2a76b9719d911017c592"
    local.check_unchanged(file)
    path.write_bytes(b"hello!")
    with pytest.raises(VerificationError, match=r"changed while it was being sent \(5 bytes before, 6 after\)"):
        local.check_unchanged(file)
    path.unlink()
    with pytest.raises(VerificationError, match="disappeared"):
        local.check_unchanged(file)
