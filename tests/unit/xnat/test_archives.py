"""What is in an archive: found in one pass, refused as a whole if it cannot be kept, read again from anywhere."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
import threading
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.xnat import archives, local, unpacking
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.bodies import ZipBody
from ansible.module_utils.xnat.delivery import Upload
from ansible.module_utils.xnat.errors import InputError, VerificationError
from ansible.module_utils.xnat.plan import Action, Labels, Listing, LocalFile, StoredFile
from ansible.module_utils.xnat.session import Session
from client_wire import LOGIN, Wire

MIB = 1024 * 1024
KINDS = ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "A.ZIP"]


def noise(seed: int, size: int) -> bytes:
    """Bytes that do not get smaller by packing, always the same."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


# Empty, less and more than a block of tar, and more than is read at a time.
CONTENT = {
    "T1.nii": noise(1, 3 * MIB + 7),
    "empty.txt": b"",
    "sub 1/a+b (1).txt": b"text",
    "sub 1/deep/zeros": bytes(70_000),
    "x": b"x" * 512,
}


def pack(path: Path, content: dict[str, bytes]) -> Path:
    """Write an archive of the kind that its name says."""
    if path.name.lower().endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(path, "w" if path.name.endswith(".tar") else "w:gz") as tar:
            for name, data in content.items():
                add(tar, name, data)
    return path


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", **facts: Any) -> None:
    """Put a member into a tar: a file, or what `facts` make of it."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for fact, value in facts.items():
        setattr(info, fact, value)
    tar.addfile(info, io.BytesIO(data))


def collect(*paths: Path, dest: str | None = None) -> list[LocalFile]:
    files: list[LocalFile] = local.collect([str(path) for path in paths], dest, allow_empty=True, extract=True)
    return files


def read(file: LocalFile) -> bytes:
    return b"".join(local.blocks(file))


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


# -- what is found --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_files_with_size_md5_and_content(tmp_path: Path, kind: str) -> None:
    path = pack(tmp_path / kind, CONTENT)
    files = collect(path)
    assert [file.name for file in files] == sorted(CONTENT)
    for file in files:
        data = CONTENT[file.name]
        assert file.origin == f"{path}:{file.name}"
        assert (file.size, local.md5(file), read(file)) == (len(data), md5(data), data)
        assert file.packed is not None
        assert file.packed.crc == zlib.crc32(data)
        local.check_unchanged(file)


@pytest.mark.parametrize("kind", KINDS)
def test_members_can_be_read_in_any_order_and_by_several_at_once(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "_FIRST_STEP", 100_000)
    content = {f"f{number}": noise(number, 50_000) for number in range(40)}
    files = collect(pack(tmp_path / kind, content))
    wrong: list[str] = []

    def read_all(seed: int) -> None:
        shuffled = sorted(files, key=lambda file: local.md5(file)[seed:])
        wrong.extend(file.name for file in shuffled if read(file) != content[file.name])

    threads = [threading.Thread(target=read_all, args=[seed]) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_folder_a_pattern_or_a_list_may_be_archives_and_dest_is_a_folder(tmp_path: Path) -> None:
    one, two = pack(tmp_path / "1.zip", {"a": b"1"}), pack(tmp_path / "2.tgz", {"b/c": b"2"})
    for sources in ([one, two], [tmp_path], [tmp_path / "*"]):
        assert [file.name for file in collect(*sources, dest="in/")] == ["in/a", "in/b/c"]


def test_folders_are_not_members_and_a_leading_dot_is_no_part_of_a_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.mkdir("sub")
        archive.writestr("./sub/a", b"a")
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        add(tar, "./sub", type=tarfile.DIRTYPE)
        add(tar, "./sub/b", b"b")
    assert [file.name for file in collect(tmp_path)] == ["sub/a", "sub/b"]


def test_a_tar_is_told_from_one_in_gzip_by_its_content(tmp_path: Path) -> None:
    pack(tmp_path / "a.tar.gz", {"a": b"a"}).rename(tmp_path / "a.tar")
    (file,) = collect(tmp_path / "a.tar")
    assert read(file) == b"a"


def test_names_of_any_length_that_a_disk_may_have(tmp_path: Path) -> None:
    """Older tars split such a name, newer ones put it into a header of its own."""
    name = "/".join("d" * 200 for _ in range(4)) + "/" + "f" * 200
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(tmp_path / "a.tar", "w", format=form) as tar:
            add(tar, name, b"a")
        assert [file.name for file in collect(tmp_path / "a.tar")] == [name]


def test_what_a_system_adds_by_itself_is_sent_with_a_word_about_it(tmp_path: Path) -> None:
    files = collect(pack(tmp_path / "a.zip", {"a": b"a", "__MACOSX/._a": b"m", "sub/.DS_Store": b"d"}))
    (warning,) = archives.warnings(files)
    assert warning.startswith("src: 2 members of the archive are what macOS or Windows adds by itself")
    assert f"{tmp_path}/a.zip:sub/.DS_Store" in warning
    assert archives.warnings(file for file in files if file.name == "a") == []


# -- gzip: read again from notes ------------------------------------------------------------------------------------


def in_parts(path: Path, content: dict[str, bytes], part: int) -> Path:
    """Write a tar in gzip as pigz or bgzip would, in many parts one behind the other, filled up with zeros."""
    plain = pack(path.with_suffix(".tar"), content)
    data = plain.read_bytes()
    plain.unlink()
    parts = [gzip.compress(data[start : start + part], 1) for start in range(0, len(data), part)]
    path.write_bytes(b"".join(parts) + bytes(1000))
    return path


@pytest.mark.parametrize("part", [300, 100_000])
def test_members_of_a_gzip_in_many_parts_are_read_from_notes(
    tmp_path: Path, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "_FIRST_STEP", 20_000)
    content = {f"f{number}": noise(number, 30_011) for number in range(30)}
    files = collect(in_parts(tmp_path / "a.tgz", content, part))
    unpacked = count_unpacked(monkeypatch)
    for file in reversed(files):
        assert read(file) == content[file.name]
    # Each member itself, and at most what lies between a note and it.
    assert sum(unpacked) < 2.5 * 30 * 30_011


def test_members_in_their_order_are_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {f"f{number:02}": noise(number, 30_011) for number in range(30)}
    path = pack(tmp_path / "a.tgz", content)
    files = collect(path)
    unpacked = count_unpacked(monkeypatch)
    for file in files:
        assert read(file) == content[file.name]
    assert sum(unpacked) <= len(gzip.decompress(path.read_bytes()))


def count_unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    unpacked: list[int] = []
    real = unpacking._Unpacking.read

    def counted(self: unpacking._Unpacking, size: int) -> bytes:
        block: bytes = real(self, size)
        unpacked.append(len(block))
        return block

    monkeypatch.setattr(unpacking._Unpacking, "read", counted)
    return unpacked


def test_notes_are_never_more_than_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_FIRST_STEP", 1000)
    monkeypatch.setattr(archives, "MOST_NOTES", 8)
    content = {f"f{number}": noise(number, 20_000) for number in range(50)}
    files = collect(pack(tmp_path / "a.tgz", content), pack(tmp_path / "b.tgz", {"other": b"x" * 50_000}))
    tars = {file.packed.tar for file in files if isinstance(file.packed, unpacking.TarMember)}
    assert len(tars) == 2
    assert all(len(tar._notes) <= 4 for tar in tars)
    # They are spread, and not all at the beginning.
    assert max(tar._notes[-1].position for tar in tars) > 50 * 20_000 / 2
    assert [read(file) for file in files if file.name in content] == [content[name] for name in sorted(content)]


# -- what is refused, as a whole and before anything is sent --------------------------------------------------------


@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tgz"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../up", r"'../up' leads out of the folder"),
        ("in/../../up", r"leads out of the folder"),
        ("/etc/passwd", r"'/etc/passwd' leads out of the folder"),
        ("a#b", r"'a#b' contains '#'"),
        ("a\\b", r"contains '\\\\'"),
        ("Zo\u00eb", "contains"),
        ("a//b", "not a plain path"),
        ("R_catalog.xml", "never lists it"),
    ],
)
def test_names_that_lead_elsewhere_or_cannot_be_kept(tmp_path: Path, kind: str, name: str, message: str) -> None:
    path = pack(tmp_path / kind, {"good": b"a", name: b"b"})
    with pytest.raises(InputError, match=f"^src: .*{kind}: .*{message}"):
        collect(path)


def test_a_name_with_a_zero_byte_in_a_zip(tmp_path: Path) -> None:
    """Python's zipfile cuts it off there, so that another file would be meant."""
    data = pack(tmp_path / "a.zip", {"T1.nii?": b"a"}).read_bytes()
    (tmp_path / "a.zip").write_bytes(data.replace(b"T1.nii?", b"T1.nii\0"))
    with pytest.raises(InputError, match=r"'T1.nii\\x00' contains"):
        collect(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.LNKTYPE, "link"),
        (tarfile.CHRTYPE, "no file"),
        (tarfile.BLKTYPE, "no file"),
        (tarfile.FIFOTYPE, "no file"),
    ],
)
def test_links_and_devices_in_a_tar(tmp_path: Path, kind: bytes, what: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        add(tar, "good", b"a")
        add(tar, "bad", type=kind, linkname="good")
    with pytest.raises(InputError, match=f"'bad' is (a )?{what}.*nothing was sent"):
        collect(tmp_path / "a.tar")


@pytest.mark.parametrize(("mode", "what"), [(0o120777, "a link"), (0o020666, "no file"), (0o010666, "no file")])
def test_links_and_devices_in_a_zip(tmp_path: Path, mode: int, what: str) -> None:
    info = zipfile.ZipInfo("bad")
    info.external_attr = mode << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, b"/etc/passwd")
    with pytest.raises(InputError, match=f"'bad' is {what}"):
        collect(tmp_path / "a.zip")


def test_a_sparse_file_in_a_tar(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9", "GNU.sparse.name": "s"}
        add(tar, "s", b"1\n0\n9\n".ljust(512, b"\0") + b"123456789", pax_headers=sparse)
    with pytest.raises(InputError, match=r"'s' is a sparse file"):
        collect(tmp_path / "a.tar")


def test_encrypted_members(tmp_path: Path) -> None:
    data = bytearray(pack(tmp_path / "a.zip", {"a": b"secret"}).read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(InputError, match="'a' is encrypted"):
        collect(tmp_path / "a.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_to_compress_that_are_not_known(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("a", b"a")
    with pytest.raises(InputError, match=f"not known .method {method}"):
        collect(tmp_path / "a.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_in_an_archive_twice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("./a", b"2")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        add(tar, "a", b"1")
        add(tar, "a", b"2")
    for name in ("a.zip", "a.tar"):
        with pytest.raises(InputError, match=r"'(\./)?a' is in it twice"):
            collect(tmp_path / name)


def test_a_name_that_is_in_two_archives(tmp_path: Path) -> None:
    for name in ("1.zip", "2.tgz"):
        pack(tmp_path / name, {"sub/a": b"1"})
    with pytest.raises(InputError, match=r"1\.zip:sub/a and .*2\.tgz:sub/a would both become 'sub/a'"):
        collect(tmp_path)


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "T1.nii.gz").write_bytes(gzip.compress(b"image"))
    with pytest.raises(InputError, match=r"T1.nii.gz is no archive, and with extract: true all of src must be"):
        collect(tmp_path / "T1.nii.gz")
    for name in ("a.zip", "a.tar", "a.tgz", "empty.tar"):
        (tmp_path / name).write_bytes(b"" if name == "empty.tar" else b"no archive at all" * 100)
        with pytest.raises(InputError, match=f"{name} is damaged, cut short, or no archive of that kind"):
            collect(tmp_path / name)


@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tgz"])
def test_an_archive_without_files(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match="has no files in it"):
        collect(pack(tmp_path / kind, {}))


@pytest.mark.parametrize("kind", KINDS)
def test_dest_is_a_folder(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match=r"^dest: .* it is a folder .*End it with '/': one/\."):
        collect(pack(tmp_path / kind, {"a": b"a"}), dest="one")


def test_an_empty_member_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a": b"a", "cut": b""})
    with pytest.raises(InputError, match=r"without any content \(0 bytes\).*a\.zip:cut"):
        local.collect([str(path)], None, extract=True)


@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tgz"])
def test_an_archive_that_is_cut_short_anywhere(tmp_path: Path, kind: str) -> None:
    """What is left may look whole: all that is accepted has every member."""
    content = {"a": b"a" * 600, "b": b"", "c": noise(3, 900)}
    data = pack(tmp_path / kind, content).read_bytes()
    # Behind the mark of its end, a tar is filled up with zeros that mean nothing.
    needed = data.rstrip(b"\0")
    for size in [*range(0, len(needed), 13), len(needed) - 1]:
        (tmp_path / kind).write_bytes(data[:size])
        with pytest.raises(InputError, match="is damaged, cut short"):
            collect(tmp_path / kind)


@pytest.mark.parametrize("kind", ["a.zip", "a.tgz"])
def test_a_damaged_archive_is_refused_or_read_as_it_was(tmp_path: Path, kind: str) -> None:
    """A plain tar has no sum of its contents, so there only the headers can tell."""
    content = {"d/a": b"a" * 600, "d/b": b"", "d/c": noise(3, 500)}
    data = pack(tmp_path / kind, content).read_bytes()
    refused = 0
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << position % 8
        (tmp_path / kind).write_bytes(damaged)
        try:
            found = {file.name: read(file) for file in collect(tmp_path / kind)}
        except InputError:
            refused += 1
        else:
            assert found == content, position
    assert refused > len(data) * 0.7


def test_a_zip_whose_directory_hides_a_member(tmp_path: Path) -> None:
    """A wrong length of a comment makes zipfile skip what follows, without a word."""
    data = bytearray(pack(tmp_path / "a.zip", {"a": b"1", "b": b"2"}).read_bytes())
    first = data.index(b"PK\1\2")
    struct.pack_into("<H", data, first + 32, 47)
    (tmp_path / "a.zip").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["a"]
    with pytest.raises(InputError, match="says that it has 2 members, and 1 can be found"):
        collect(tmp_path / "a.zip")


def test_a_zip_with_a_comment_or_something_behind_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", b"1")
        archive.comment = b"from the scanner"
    with (tmp_path / "a.zip").open("ab") as stream:
        stream.write(b"\r\n")
    assert [file.name for file in collect(tmp_path / "a.zip")] == ["a"]


def test_something_behind_the_end_of_a_tar(tmp_path: Path) -> None:
    for kind in ("a.tar", "a.tgz"):
        path = pack(tmp_path / kind, {"a": b"1"})
        with path.open("ab") as stream:
            stream.write(gzip.compress(b"more") if kind == "a.tgz" else b"more")
        with pytest.raises(InputError, match="more behind the mark of its end"):
            collect(path)


# -- memory ---------------------------------------------------------------------------------------------------------


def peak(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_memory_does_not_grow_with_a_member(tmp_path: Path, kind: str) -> None:
    path = pack(tmp_path / kind, {"large": bytes(64 * MIB), "small": b"s"})

    def all_of_it() -> None:
        for file in collect(path):
            assert sum(len(block) for block in local.blocks(file)) == file.size

    assert peak(all_of_it) < 8 * MIB


def test_memory_for_each_member_is_that_of_its_plan(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", {f"{number:05}": b"" for number in range(5000)})
    # tarfile by itself would hold 350 bytes more for each.
    assert peak(lambda: collect(path)) < 5000 * 1050


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_as_large_as_a_disk_is_refused_in_bounded_memory(tmp_path: Path, kind: bytes) -> None:
    """A few KB of gzip unpack to it, and tarfile would hold all of it."""
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as tar:
        add(tar, "good", b"a")
        add(tar, "bad", bytes(64 * MIB), type=kind)

    def refused() -> None:
        with pytest.raises(InputError, match="a header is longer than"):
            collect(tmp_path / "a.tgz")

    assert peak(refused) < 8 * MIB


# -- when it is sent ------------------------------------------------------------------------------------------------


def test_an_archive_that_changed_since_it_was_read(tmp_path: Path) -> None:
    content = {"a": b"1" * 1000, "b": b"2" * 1000}
    path = pack(tmp_path / "a.tar", content)
    files = collect(path)
    pack(path, {"a": b"1" * 1000, "b": b"3" * 1000})
    with pytest.raises(VerificationError, match=r"a\.tar:b changed while it was being sent"):
        ZipBody(files).arguments()["data"].read()


@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tgz"])
def test_an_archive_that_is_gone_or_cut_since_it_was_read(tmp_path: Path, kind: str) -> None:
    path = pack(tmp_path / kind, {"a": noise(1, 3000)})
    (file,) = collect(path)
    for size in (1000, 10):
        path.write_bytes(path.read_bytes()[:size])
        reason = " to its end| became shorter|: it became shorter|: the compressed file ends too early"
        with pytest.raises((InputError, VerificationError), match=f"{kind}:a({reason})"):
            ZipBody([file]).arguments()["data"].read()
    path.unlink()
    with pytest.raises(InputError, match=f"cannot read .*{kind}"):
        ZipBody([file]).arguments()["data"].read()


@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tgz"])
def test_members_are_sent_in_the_order_of_the_archive(
    tmp_path: Path, kind: str, wire: Wire, connect: Callable[..., Session]
) -> None:
    content = {"z": b"1", "m": b"22", "a": b"333"}
    files = collect(pack(tmp_path / kind, content))
    listing = Listing(tuple(StoredFile(name, len(data), md5(data)) for name, data in content.items()))
    wire.replies += [LOGIN, (200, ""), (200, "")]
    with connect() as session:
        upload = Upload(session, Address("p", resource="R"), Labels(), "different", lambda: listing)
        results = upload.run([Action("created", file.name, "new", file) for file in files])
    assert wire.requests[1] == "PUT /data/projects/p/resources/R/files/upload.zip?inbody=true&extract=true"
    with zipfile.ZipFile(io.BytesIO(wire.sent[1][2])) as sent:
        assert sent.namelist() == ["z", "m", "a"]
        assert {name: sent.read(name) for name in content} == content
    assert [result["name"] for result in results] == ["a", "m", "z"]
