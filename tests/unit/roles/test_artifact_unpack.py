"""artifact_unpack leaves a whole folder or the one that was there before."""

from __future__ import annotations

import errno
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.module_utils.host.tree import MARKER, manifest
from roles_tree import load_module

artifact_unpack = load_module("roles/artifact/library/artifact_unpack.py")


def make_zip(path: Path, members: dict[str, str]) -> Path:
    """A zip with these members."""
    with zipfile.ZipFile(path, "w") as bundle:
        for name, text in members.items():
            bundle.writestr(name, text)
    return path


def make_tar(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    """A tar.gz with these members."""
    with tarfile.open(path, "w:gz") as bundle:
        for member, content in members:
            member.size = len(content)
            bundle.addfile(member, io.BytesIO(content))
    return path


def member(name: str, mode: int = 0o644, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """One entry of a tar."""
    info = tarfile.TarInfo(name)
    info.mode, info.type, info.linkname = mode, kind, link
    return info


def pretend_owner(folder: Path, name: str) -> None:
    """Say in the list that it was unpacked as another's: only root could give the file itself away."""
    marker = folder / MARKER
    lines = marker.read_text().splitlines()
    (line,) = (line for line in lines[1:] if line.endswith(f" {name}"))
    owner = f" {os.getuid()}:{os.getgid()} "
    assert owner in line
    lines[lines.index(line)] = line.replace(owner, " 4321:4321 ")
    marker.write_text("".join(f"{line}\n" for line in lines))


def test_a_war_is_unpacked_with_its_marker(tmp_path: Path) -> None:
    """The marker is what a second run compares."""
    dest = tmp_path / "release"
    artifact_unpack.unpack(make_zip(tmp_path / "a.war", {"WEB-INF/web.xml": "<x/>"}), dest, "sha256:1", 0)
    assert (dest / "WEB-INF" / "web.xml").read_text() == "<x/>"
    assert artifact_unpack.current(dest) == "sha256:1"


def test_nothing_there_is_no_release(tmp_path: Path) -> None:
    """Also a folder that somebody made by hand, without a marker."""
    (tmp_path / "hand").mkdir()
    assert artifact_unpack.current(tmp_path / "absent") == ""
    assert artifact_unpack.current(tmp_path / "hand") == ""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda folder: (folder / "a.txt").write_text("other"), "a.txt"),
        (lambda folder: (folder / "a.txt").unlink(), "a.txt"),
        (lambda folder: (folder / "planted.jar").write_text("evil"), "planted.jar"),
        (lambda folder: (folder / "a.txt").chmod(0o777), "a.txt"),
        (lambda folder: ((folder / "a.txt").unlink(), (folder / "a.txt").symlink_to("/etc/passwd")), "a.txt"),
        (lambda folder: folder.chmod(0o777), "."),
        (lambda folder: (folder / "planted").mkdir(), "planted"),
        (lambda folder: os.mkfifo(folder / "pipe"), "pipe"),
        (lambda folder: pretend_owner(folder, "a.txt"), "a.txt"),
        (lambda folder: pretend_owner(folder, "."), "."),
    ],
    ids=["content", "lost", "added", "mode", "link", "mode-of-folder", "folder", "pipe", "owner", "owner-of-folder"],
)
def test_what_changed_since_is_found_and_put_right(
    tmp_path: Path, change: Callable[[Path], object], named: str
) -> None:
    """The list of what was unpacked is compared file by file: the marker alone proves nothing."""
    dest = tmp_path / "dest"
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("a.txt", "content")
    artifact_unpack.unpack(archive, dest, "sha256:1", 0)
    assert artifact_unpack.current(dest) == "sha256:1"
    change(dest)
    assert artifact_unpack.current(dest) == f"sha256:1, but changed since: {named}"
    artifact_unpack.unpack(archive, dest, "sha256:1", 0)
    assert artifact_unpack.current(dest) == "sha256:1"


def test_modes_are_readable_and_never_writable_by_others(tmp_path: Path) -> None:
    """An archive's modes are not trusted: only the execute bit is kept."""
    archive = make_tar(
        tmp_path / "t.tar.gz", [(member("t/bin/run.sh", 0o4777), b"#!/bin/sh\n"), (member("t/conf/x", 0o666), b"x")]
    )
    artifact_unpack.unpack(archive, tmp_path / "t", "sha256:1", 1)
    assert stat.S_IMODE((tmp_path / "t" / "bin" / "run.sh").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "t" / "conf" / "x").stat().st_mode) == 0o644


def test_a_new_release_replaces_the_whole_folder(tmp_path: Path) -> None:
    """Files of the old one do not stay."""
    dest = tmp_path / "release"
    artifact_unpack.unpack(make_zip(tmp_path / "a.zip", {"old.jar": "1", "both": "1"}), dest, "sha256:1", 0)
    artifact_unpack.unpack(make_zip(tmp_path / "b.zip", {"both": "2"}), dest, "sha256:2", 0)
    assert sorted(path.name for path in dest.iterdir()) == [".artifact", "both"]
    assert artifact_unpack.current(dest) == "sha256:2"
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["release"]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip", b"\x1f\x8b\x08 not a gzip"])
def test_a_damaged_archive_leaves_the_old_release(tmp_path: Path, damage: bytes) -> None:
    """Nothing is renamed before the new one is whole."""
    dest = tmp_path / "release"
    artifact_unpack.unpack(make_zip(tmp_path / "a.zip", {"x": "1"}), dest, "sha256:1", 0)
    (tmp_path / "b.zip").write_bytes(damage)
    with pytest.raises((artifact_unpack.UnpackError, OSError)):
        artifact_unpack.unpack(tmp_path / "b.zip", dest, "sha256:2", 0)
    assert artifact_unpack.current(dest) == "sha256:1"
    assert (dest / "x").read_text() == "1"


def test_a_full_disk_leaves_the_old_release_and_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written so far is removed: everything else on the host needs the room."""
    dest = tmp_path / "release"
    artifact_unpack.unpack(make_zip(tmp_path / "a.zip", {"x": "1"}), dest, "sha256:1", 0)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(artifact_unpack.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        artifact_unpack.unpack(make_zip(tmp_path / "b.zip", {"x": "2"}), dest, "sha256:2", 0)
    assert artifact_unpack.current(dest) == "sha256:1"
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["release"]


def test_a_strict_umask_does_not_lock_the_service_out(tmp_path: Path) -> None:
    """Hardened servers give root 077; folders would be his alone."""
    before = os.umask(0o077)
    try:
        artifact_unpack.unpack(make_zip(tmp_path / "a.zip", {"WEB-INF/web.xml": "1"}), tmp_path / "r", "sha256:1", 0)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "r", tmp_path / "r" / "WEB-INF")}
    assert modes == {0o755}


def test_left_overs_of_a_run_that_was_cut_short_are_cleared(tmp_path: Path) -> None:
    """The half-made folder of the last run is not mixed into this one."""
    (tmp_path / "release.new").mkdir()
    (tmp_path / "release.new" / "half").write_text("x")
    artifact_unpack.unpack(make_zip(tmp_path / "a.zip", {"x": "1"}), tmp_path / "release", "sha256:1", 0)
    assert sorted(path.name for path in (tmp_path / "release").iterdir()) == [".artifact", "x"]
    assert not (tmp_path / "release.new").exists()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil"])
def test_members_stay_inside(tmp_path: Path, name: str) -> None:
    """A zip and a tar that try to write elsewhere."""
    for archive in (make_zip(tmp_path / "e.zip", {name: "x"}), make_tar(tmp_path / "e.tgz", [(member(name), b"x")])):
        with pytest.raises(artifact_unpack.UnpackError, match="outside"):
            artifact_unpack.unpack(archive, tmp_path / "in" / "release", "sha256:1", 0)
    assert not (tmp_path / "evil").exists()


def test_links_stay_inside(tmp_path: Path) -> None:
    """A JDK has links inside; one that leads out is refused."""
    good = make_tar(
        tmp_path / "g.tgz", [(member("j/lib/a"), b"a"), (member("j/b", kind=tarfile.SYMTYPE, link="lib/a"), b"")]
    )
    artifact_unpack.unpack(good, tmp_path / "jdk", "sha256:1", 1)
    assert (tmp_path / "jdk" / "b").read_bytes() == b"a"
    bad = make_tar(tmp_path / "b.tgz", [(member("j/b", kind=tarfile.SYMTYPE, link="../../etc/passwd"), b"")])
    with pytest.raises(artifact_unpack.UnpackError, match="points outside"):
        artifact_unpack.unpack(bad, tmp_path / "jdk2", "sha256:1", 1)


def test_a_wrong_strip_is_noticed(tmp_path: Path) -> None:
    """Everything stripped away is an error, not an empty Tomcat."""
    with pytest.raises(artifact_unpack.UnpackError, match="nothing to unpack"):
        artifact_unpack.unpack(make_zip(tmp_path / "a.zip", {"x": "1"}), tmp_path / "r", "sha256:1", 3)


def test_the_owner_is_that_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a constant: these tests may run as root, whose files and whose wishes are both 0:0."""
    (tmp_path / "a.txt").touch()
    real = Path.lstat
    monkeypatch.setattr(Path, "lstat", lambda path: os.stat_result([*real(path)[:4], 4321, 4322, *real(path)[6:10]]))
    lines = manifest(tmp_path).splitlines()
    assert [line.split()[2:] for line in lines] == [["4321:4322", "."], ["4321:4322", "a.txt"]]
