"""Archives of many files, made while they are sent: nothing is held in memory or written to a temporary file.

Which files go in, and under which names, is in bulk_paths.py. Reference: ZipRepresentation, ZipUtils, TarUtils.
"""

from __future__ import annotations

import io
import tarfile
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from falcon import Request, Response

from xnat_twin.errors import StatusError
from xnat_twin.transfer.download import attach, read_file, refuse_range

#: `format=`, and the content type that it gets.
FORMATS = {"zip": "application/zip", "tar": "application/x-tar", "tar.gz": "application/x-gtar"}


@dataclass(frozen=True)
class Member:
    """A file and its path in the archive."""

    path: str
    file: Path


def send_archive(req: Request, resp: Response, form: str, members: Iterable[Member], name: str, method: int) -> None:
    """Answer with an archive of these files. `form` is a key of FORMATS, `method` the compression of a zip.

    That is a ZIP *method*, not a level: 0 stores, 8 deflates, and Java knows no other (500).
    """
    if form == "zip" and method not in {ZIP_STORED, ZIP_DEFLATED}:
        raise StatusError(500, "An exception occured writing the response entity")
    refuse_range(req)
    resp.content_type = FORMATS[form]
    attach(resp, f"{name}.{form}")
    resp.stream = {
        "zip": lambda: _zip(members, method),
        "tar": lambda: _tar(members),
        "tar.gz": lambda: _gzip(_tar(members)),
    }[form]()


class _Sink(io.RawIOBase):
    """Keeps what is written until it is taken. It cannot seek, so no reader has to wait for the end of an entry."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


def _zip(members: Iterable[Member], method: int) -> Iterator[bytes]:
    sink = _Sink()
    with ZipFile(sink, "w") as archive:
        for member in members:
            if member.path in archive.NameToInfo:  # the answer breaks off
                raise ValueError(f"duplicate entry: {member.path}")
            status = member.file.stat()
            info = ZipInfo(member.path, max(time.localtime(status.st_mtime)[:6], (1980, 1, 1, 0, 0, 0)))
            info.create_system = 0  # as Java: no permissions
            info.compress_type = method
            info.file_size = status.st_size
            store = _stored if method == ZIP_STORED else _deflated
            for _ in store(archive, info, member.file):
                yield sink.take()
    yield sink.take()


def _deflated(archive: ZipFile, info: ZipInfo, file: Path) -> Iterator[None]:
    with archive.open(info, "w") as entry:
        for chunk in read_file(file, 0, info.file_size):
            entry.write(chunk)
            yield


def _stored(archive: ZipFile, info: ZipInfo, file: Path) -> Iterator[None]:
    """Size and checksum come before the bytes, as from Java, whose own reader wants them there. So all is read twice.

    `ZipFile.open` can only write them behind, into a sink that cannot seek; this does what `ZipFile.mkdir` does.
    """
    info.CRC = 0
    for chunk in read_file(file, 0, info.file_size):
        info.CRC = zlib.crc32(chunk, info.CRC)
    info.compress_size = info.file_size
    out = archive.fp
    assert out is not None
    info.header_offset = out.tell()
    archive.filelist.append(info)
    archive.NameToInfo[info.filename] = info
    out.write(info.FileHeader())
    for chunk in _whole(file, info.file_size):
        out.write(chunk)
        yield
    archive.start_dir = out.tell()


def _tar(members: Iterable[Member]) -> Iterator[bytes]:
    for member in members:
        status = member.file.stat()
        info = tarfile.TarInfo(member.path)
        info.size, info.mtime = status.st_size, int(status.st_mtime)
        info.mode = ord("0")  # TarUtils takes the type of the entry for its mode: octal 60
        yield info.tobuf(tarfile.PAX_FORMAT)
        yield from _whole(member.file, info.size)
        yield b"\0" * (-info.size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    compress = zlib.compressobj(wbits=31)  # 31: with a gzip header
    for chunk in chunks:
        if packed := compress.compress(chunk):
            yield packed
    yield compress.flush()


def _whole(file: Path, size: int) -> Iterator[bytes]:
    """The first `size` bytes. The answer breaks off if the file has become shorter since its size was written."""
    sent = 0
    for chunk in read_file(file, 0, size):
        sent += len(chunk)
        yield chunk
    if sent < size:
        raise OSError(f"{file} was cut while it was sent")
