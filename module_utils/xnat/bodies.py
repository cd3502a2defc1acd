"""What is sent: one file, or a zip of many that XNAT unpacks. Streamed, hashed on the way, opened anew each time.

Nothing is held in memory but a block. It sends nothing: session.py does, and transfer.py decides what goes together.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from . import local as local_files
from .errors import VerificationError
from .plan import LocalFile

OnBytes = Callable[[int], None]

_EMPTY_MD5 = hashlib.md5(b"", usedforsecurity=False).hexdigest()
# A file up to this size is read once and kept for the moment; a larger one is read for its CRC, and again to be sent.
_KEPT = 1024 * 1024
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_CENTRAL_HEADER = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
# Stored entries need version 1.0; made on Unix (3), so that the mode of the files counts.
_NEEDS, _MADE_BY, _MODE = 10, 3 << 8 | 10, 0o100644 << 16
# 1 January 1980: XNAT gives unpacked files the time of their arrival, so the same files always make the same zip.
_TIME, _DATE = 0, 0x21


class Sendable(Protocol):
    """A body of a request for one or more files."""

    size: int
    headers: dict[str, str]
    parameters: dict[str, str]
    digests: dict[str, str]

    def arguments(self) -> dict[str, Any]:
        """Return what requests needs to send it from its beginning."""

    def take_back(self) -> None:
        """Count as not sent what was sent: it did not arrive."""


class XmlBody:
    """An XML document as the body of a request."""

    def __init__(self, content: bytes) -> None:
        """Take the document as it is."""
        self.size = len(content)
        self.headers = {"Content-Type": "text/xml"}
        self._content = content

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of requests."""
        return {"data": self._content}


class FileBody:
    """The content of a file as the body of a request.

    An empty file goes as a multipart form: XNAT answers 500 to an empty raw body. `digests` is the MD5 (hex) of what
    was sent last, by name. `on_bytes` is told of bytes that leave, and of those taken back as a negative number.
    """

    def __init__(self, file: LocalFile, on_bytes: OnBytes | None = None) -> None:
        """Remember the file; it is opened when the request is sent."""
        self.file = file
        self.size = file.size
        self.parameters = {} if file.size == 0 else {"inbody": "true"}
        self.headers = {} if file.size == 0 else {"Content-Type": "application/octet-stream"}
        self.digests = {file.name: _EMPTY_MD5} if file.size == 0 else {}
        self._count = _Count(on_bytes)

    def arguments(self) -> dict[str, Any]:
        """Return what requests needs to send the file from its beginning. Raises InputError if it cannot be read."""
        self.take_back()
        if self.size == 0:
            return {"files": {"file": (Path(self.file.name).name, b"", "application/octet-stream")}}
        content = _content(self.file, self.digests, self._count)
        # The first block now: a file that is not there is an error here, and not in the middle of a request.
        return {"data": BlockReader(chain((next(content),), content), self.size)}

    def take_back(self) -> None:
        """Count as not sent what was sent: it did not arrive."""
        self._count.take_back()


class ZipBody:
    """Files as an uncompressed zip, which XNAT unpacks into the resource under their names.

    Stored and not deflated: images are compressed already, and a stored entry has a length that is known before, so
    that the whole has one too. Each entry begins with its CRC, because Java cannot read a stored one that ends with it.
    """

    def __init__(self, files: Sequence[LocalFile], on_bytes: OnBytes | None = None) -> None:
        """Remember the files; each is opened when its turn comes."""
        self.files = files
        names = [file.name.encode() for file in files]
        headers = sum(_LOCAL_HEADER.size + _CENTRAL_HEADER.size + 2 * len(name) for name in names)
        self.size = headers + sum(file.size for file in files) + _END.size
        self.parameters = {"inbody": "true", "extract": "true"}
        self.headers = {"Content-Type": "application/zip"}
        self.digests: dict[str, str] = {}
        self._count = _Count(on_bytes)

    def arguments(self) -> dict[str, Any]:
        """Return what requests needs to send the zip from its beginning."""
        self.take_back()
        return {"data": BlockReader(self._blocks(), self.size)}

    def take_back(self) -> None:
        """Count as not sent what was sent: it did not arrive."""
        self._count.take_back()

    def _blocks(self) -> Iterator[bytes]:
        directory, offset = bytearray(), 0
        for file in self.files:
            name = file.name.encode()
            crc, content = self._with_crc(file)
            facts = (0, 0, _TIME, _DATE, crc, file.size, file.size, len(name), 0)
            yield _LOCAL_HEADER.pack(b"PK\3\4", _NEEDS, *facts) + name
            yield from content
            directory += _CENTRAL_HEADER.pack(b"PK\1\2", _MADE_BY, _NEEDS, *facts, 0, 0, 0, _MODE, offset) + name
            offset += _LOCAL_HEADER.size + len(name) + file.size
        yield bytes(directory)
        count = len(self.files)
        yield _END.pack(b"PK\5\6", 0, 0, count, count, len(directory), offset, 0)

    def _with_crc(self, file: LocalFile) -> tuple[int, Iterator[bytes]]:
        if file.size == 0:
            self.digests[file.name] = _EMPTY_MD5
            return 0, iter(())
        if file.packed is not None:
            return file.packed.crc, _content(file, self.digests, self._count, crc=file.packed.crc)
        crc, kept = 0, []
        for block in _exactly(file):
            crc = zlib.crc32(block, crc)
            if file.size <= _KEPT:
                kept.append(block)
        return crc, _content(file, self.digests, self._count, kept or None, crc)


class BlockReader:
    """Blocks of a known total length for requests to read from."""

    def __init__(self, blocks: Iterator[bytes], size: int) -> None:
        """Take over the blocks."""
        self._blocks = blocks
        self._size = size
        self._rest = memoryview(b"")

    def __len__(self) -> int:
        """The length of the whole, which becomes Content-Length."""
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        """Yield what is left, in blocks."""
        while block := self.read(_KEPT):
            yield block

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes, and none at the end."""
        if size < 0:
            return b"".join((bytes(self._rest), *self._blocks))
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return b""
            if 0 < len(block) <= size:
                return block
            self._rest = memoryview(block)
        part, self._rest = self._rest[:size], self._rest[size:]
        return bytes(part)


class _Count:
    """Tells of bytes that leave, and can take them back."""

    def __init__(self, on_bytes: OnBytes | None) -> None:
        self._on_bytes = on_bytes
        self._counted = 0

    def add(self, size: int) -> None:
        self._counted += size
        if self._on_bytes:
            self._on_bytes(size)

    def take_back(self) -> None:
        if self._counted and self._on_bytes:
            self._on_bytes(-self._counted)
        self._counted = 0


class _Digest:
    """MD5 of blocks; `aside`, by a thread of its own while they are sent: Python lets go of its lock for both."""

    def __init__(self, *, aside: bool) -> None:
        self._digest = hashlib.md5(usedforsecurity=False)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="xnat-md5") if aside else None
        self._last: Future[None] | None = None

    def update(self, block: bytes) -> None:
        if self._thread is None:
            self._digest.update(block)
            return
        # One block at a time, or they would gather in memory where the disk is faster than MD5.
        self._wait()
        self._last = self._thread.submit(self._digest.update, block)

    def hexdigest(self) -> str:
        self._wait()
        return self._digest.hexdigest()

    def close(self) -> None:
        if self._thread:
            self._thread.shutdown(wait=False)

    def _wait(self) -> None:
        if self._last:
            self._last.result()


def _content(
    file: LocalFile,
    digests: dict[str, str],
    count: _Count,
    kept: Sequence[bytes] | None = None,
    crc: int | None = None,
) -> Iterator[bytes]:
    """Yield the content, and enter its MD5. With `crc`, what was announced, it must still be the same content."""
    found, left = 0, file.size
    with contextlib.closing(_Digest(aside=file.size > _KEPT)) as digest:
        for block in kept or _exactly(file):
            digest.update(block)
            if crc is not None:
                found = zlib.crc32(block, found)
            count.add(len(block))
            left -= len(block)
            if not left:
                # Entered before the last block is given away: nobody asks for what comes after it.
                digests[file.name] = digest.hexdigest()
            yield block
    if crc is not None and found != crc:
        raise VerificationError(f"{file.origin} changed while it was being sent. Run again when it is complete.")


def _exactly(file: LocalFile) -> Iterator[bytes]:
    """Yield the planned number of bytes and no more. Raises VerificationError if there are fewer."""
    left = file.size
    for block in local_files.blocks(file):
        if len(block) >= left:
            yield block[:left]
            return
        left -= len(block)
        yield block
    # The server would wait for the rest until a timeout.
    raise VerificationError(f"{file.origin} became shorter while it was being sent. Run again when it is complete.")
