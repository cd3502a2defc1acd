"""Archives on this machine whose members are sent as if they were files: which there are, and their content.

An archive is read once to its end before anything is sent. That finds what is damaged or cannot be kept, and gives the
size, CRC and MD5 of each member, so that a member that is there already is never read again. Nothing is unpacked to the
disk, and nothing but a block is held in memory. How the content of a member is found again is in unpacking.py.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO, cast

from .address import check_file_name
from .errors import InputError
from .plan import LocalFile, Packed, shortened
from .unpacking import MOST_NOTES, Tar, TarMember, ZipMember

_BLOCK = 1024 * 1024
_ZIP = (".zip",)
_TAR = (".tar", ".tar.gz", ".tgz")
_TAR_BLOCK = 512
# What stands before the content of a member of a tar: its header and its long name. A crafted one can be of any length,
# and tarfile would hold it in memory.
_LONGEST_HEADER = 1024 * 1024
_AHEAD = 64 * 1024
_ENCRYPTED = 0x1
# The last record of a zip, with its comment, and the number of members in it: modulo 65536, or that it is elsewhere.
_LONGEST_ZIP_END = 22 + 0xFFFF
_COUNT_IN_ZIP_END = struct.Struct("<10xH")
_COUNT_IS_ELSEWHERE = 0xFFFF
_ADDED_BY_SYSTEMS = {".DS_Store", "Thumbs.db", "desktop.ini"}
# What zipfile and tarfile raise when they read what is no archive, or was one.
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


def members(archives: Sequence[tuple[str, int]], folder: str = "") -> Iterator[LocalFile]:
    """Yield the files in archives (path and time of change), each under its own path below `folder`.

    `folder` is empty or ends in `/`. Raises InputError if one is no archive, if it is damaged, and for what cannot be
    sent as a file of that name.
    """
    for path, modified_ns in archives:
        yield from _in_archive(path, _Names(path, modified_ns, folder), max(1, MOST_NOTES // len(archives)))


def _in_archive(path: str, names: _Names, most_notes: int) -> list[LocalFile]:
    ending = Path(path).name.lower()
    if not ending.endswith(_ZIP + _TAR):
        raise InputError(
            f"src: {path} is no archive, and with extract: true all of src must be: .zip, .tar, .tar.gz or .tgz. "
            "Send it in a task of its own without extract, which stores a file as it is."
        )
    try:
        found = list(_in_zip(path, names) if ending.endswith(_ZIP) else _in_tar(path, names, most_notes))
    except _DAMAGED as error:
        raise InputError(
            f"src: {path} is damaged, cut short, or no archive of that kind ({str(error) or type(error).__name__}). "
            "Get or make it anew; nothing was sent."
        ) from error
    except OSError as error:
        raise InputError(f"src: cannot read {path}: {error.strerror or error}.") from error
    if not found:
        raise InputError(f"src: the archive {path} has no files in it.")
    return found


def warnings(files: Iterable[LocalFile]) -> list[str]:
    """Say which members are nobody's data but what a system adds by itself: they are sent like all others."""
    added = [file.origin for file in files if file.packed is not None and _added_by_a_system(str(file.member))]
    if not added:
        return []
    return [
        f"src: {len(added)} members of the archive are what macOS or Windows adds by itself; they are sent like all "
        f"others: {shortened(added)}. To be rid of them, pack the archive without them, and delete them in XNAT."
    ]


def _added_by_a_system(member: str) -> bool:
    parts = member.split("/")
    return "__MACOSX" in parts or parts[-1] in _ADDED_BY_SYSTEMS or parts[-1].startswith("._")


class _Names:
    """Makes the files of one archive, and refuses members that cannot be one."""

    def __init__(self, path: str, modified_ns: int, folder: str) -> None:
        self._path = path
        self._modified_ns = modified_ns
        self._folder = folder
        self._seen: set[str] = set()

    def check(self, member: str) -> str:
        """Return the name in the resource. Raises InputError."""
        parts = [part for part in member.split("/") if part != "."]
        if member.startswith("/") or ".." in parts:
            raise self.refused(member, "leads out of the folder that it would be unpacked to")
        name = check_file_name(self._folder + "/".join(parts), f"src: {self._path}")
        if name in self._seen:
            raise self.refused(member, "is in it twice, and XNAT can keep only one")
        self._seen.add(name)
        return name

    def refused(self, member: str, why: str) -> InputError:
        return InputError(f"src: {self._path}: {member!r} {why}. Pack the archive anew without it; nothing was sent.")

    def file(self, name: str, member: str, size: int, packed: Packed) -> LocalFile:
        return LocalFile(name, self._path, size, self._modified_ns, member, packed)


def _in_zip(path: str, names: _Names) -> Iterator[LocalFile]:
    with zipfile.ZipFile(path) as archive:
        _check_count(path, archive)
        for info in archive.infolist():
            # Not `filename`, which zipfile cuts off at a zero byte.
            member = info.orig_filename
            if info.is_dir():
                continue
            mode = info.external_attr >> 16
            if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
                raise names.refused(member, f"is {'a link' if stat.S_ISLNK(mode) else 'no file'}")
            if info.flag_bits & _ENCRYPTED:
                raise names.refused(member, "is encrypted")
            if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise names.refused(member, f"is compressed in a way that is not known (method {info.compress_type})")
            name = names.check(member)
            with archive.open(info) as stream:
                size, md5, crc = _read(stream)
            packed = ZipMember(md5, crc, path, info.header_offset, info.compress_type, info.compress_size, size)
            yield names.file(name, member, size, packed)


def _check_count(path: str, archive: zipfile.ZipFile) -> None:
    """Raise BadZipFile unless all members were found: zipfile takes what a damaged length hides for a comment."""
    with Path(path).open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _LONGEST_ZIP_END))
        end = file.read()
    (count,) = _COUNT_IN_ZIP_END.unpack_from(end, end.rfind(b"PK\5\6"))
    found = len(archive.infolist())
    if count not in {_COUNT_IS_ELSEWHERE, found % (_COUNT_IS_ELSEWHERE + 1)}:
        raise zipfile.BadZipFile(f"it says that it has {count} members, and {found} can be found")


def _in_tar(path: str, names: _Names, most_notes: int) -> Iterator[LocalFile]:
    tar = Tar(path, most_notes)
    with tar.first_pass() as stream:
        limited = _Limited(stream)
        with tarfile.open(fileobj=cast(IO[bytes], limited), mode="r|", bufsize=_AHEAD) as archive:
            while True:
                limited.left = _LONGEST_HEADER
                info = archive.next()
                if info is None:
                    break
                # It would keep them all.
                archive.members.clear()  # type: ignore[attr-defined]
                if info.isdir():
                    continue
                if not info.isreg():
                    raise names.refused(info.name, f"is {'a link' if info.issym() or info.islnk() else 'no file'}")
                if info.issparse():
                    raise names.refused(info.name, "is a sparse file (tar --sparse)")
                name = names.check(info.name)
                content = archive.extractfile(info)
                assert content is not None
                limited.left = None
                with content:
                    size, md5, crc = _read(content)
                yield names.file(name, info.name, size, TarMember(md5, crc, tar, info.offset_data, size))
            end = archive.offset
    _check_end(tar, end)


def _check_end(tar: Tar, offset: int) -> None:
    """Raise EOFError unless the archive ends there: tarfile takes whatever it cannot read for the end, too."""
    # Buffered: a part of gzip may end in the middle of the mark, and with it what a single read gives.
    with io.BufferedReader(cast(io.RawIOBase, tar.open(offset))) as rest:
        if rest.read(_TAR_BLOCK) != bytes(_TAR_BLOCK):
            raise EOFError(f"at byte {offset} is neither a member nor the mark of its end")
        while block := rest.read(_BLOCK):
            if block.strip(b"\0"):
                raise EOFError("there is more behind the mark of its end")


def _read(stream: IO[bytes]) -> tuple[int, str, int]:
    """Return size, MD5 (hex) and CRC of a content."""
    size, digest, crc = 0, hashlib.md5(usedforsecurity=False), 0
    while block := stream.read(_BLOCK):
        size += len(block)
        digest.update(block)
        crc = zlib.crc32(block, crc)
    return size, digest.hexdigest(), crc


class _Limited:
    """Gives at most `left` bytes, if that is not None, and is an error beyond them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.left: int | None = _LONGEST_HEADER

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        if self.left is not None:
            self.left -= len(block)
            if self.left < 0:
                raise tarfile.ReadError(f"a header is longer than {_LONGEST_HEADER} bytes")
        return block
