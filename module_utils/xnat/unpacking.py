"""The content of one member of an archive: found again without unpacking what stands before it.

A zip and a plain tar say where a member begins. Gzip does not: to read a byte, all before it must be unpacked. While a
tar in gzip is read the first time, the state of the unpacking is therefore noted here and there, and later reading
starts at the nearest note, or where the last member ended. Which members there are is found in archives.py.
"""

from __future__ import annotations

import bisect
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BLOCK = 1024 * 1024
# Read at a time from a compressed file. zlib copies what it has not used yet with every call: not more.
_INPUT = 16 * 1024
_GZIP = b"\x1f\x8b"
_WITH_GZIP_HEADER = 31
# A note holds a window of 32 KB and some: these are about 12 MB at most, however long the archive. To be shared by all
# archives of a task.
MOST_NOTES = 256
_FIRST_STEP = 4 * 1024 * 1024
# What stands before a member: at its end, how long its name and its further facts are, which follow.
_ZIP_HEADER = struct.Struct("<26x2H")


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A stored or deflated member of a zip: `position` is that of its header in the file."""

    md5: str
    crc: int
    path: str
    position: int
    method: int
    packed_size: int
    size: int

    def open(self) -> BinaryIO:
        """Open the content. zipfile by itself would read the whole directory again for each member."""
        file = Path(self.path).open("rb")  # noqa: SIM115 (closed with the member)
        try:
            file.seek(self.position)
            header = file.read(_ZIP_HEADER.size)
            if len(header) < _ZIP_HEADER.size:
                raise EOFError("it became shorter")
            file.seek(sum(_ZIP_HEADER.unpack(header)), io.SEEK_CUR)
            info = zipfile.ZipInfo("member")
            info.compress_type, info.compress_size = self.method, self.packed_size
            info.file_size, info.CRC = self.size, self.crc
            return cast(BinaryIO, zipfile.ZipExtFile(file, "r", info, None, True))
        except BaseException:
            file.close()
            raise


@dataclass(frozen=True, slots=True)
class TarMember:
    """A member of a tar: `position` is that of its content in the tar, unpacked."""

    md5: str
    crc: int
    tar: Tar
    position: int
    size: int

    def open(self) -> BinaryIO:
        """Open the content."""
        return self.tar.open(self.position, self.size)


class Tar:
    """A tar, plain or in gzip, that can be read from any position; safe for several readers at once."""

    def __init__(self, path: str, most_notes: int = MOST_NOTES) -> None:
        """Look whether it is compressed; its name does not say so for sure. Raises OSError."""
        self._path = path
        self._most_notes = most_notes
        with Path(path).open("rb") as file:
            self._packed = file.read(len(_GZIP)) == _GZIP
        self._notes = [_Note(0, 0, zlib.decompressobj(_WITH_GZIP_HEADER), begun=False)]
        self._step = _FIRST_STEP
        self._last = self._notes[0]

    def first_pass(self) -> BinaryIO:
        """Open it from the beginning, and take notes on the way."""
        return self._reader(_Unpacking(self._path, self._notes[0], self._note) if self._packed else self._plain(0))

    def open(self, position: int, size: int | None = None) -> BinaryIO:
        """Open so many bytes from a position; None is all that follows."""
        if not self._packed:
            return self._reader(self._plain(position), size)
        nearest = self._notes[bisect.bisect_right(self._notes, position, key=lambda note: note.position) - 1]
        last = self._last
        unpacking = _Unpacking(self._path, last if nearest.position < last.position <= position else nearest)
        try:
            unpacking.skip_to(position)
        except BaseException:
            unpacking.close()
            raise
        return self._reader(unpacking, size)

    def _plain(self, position: int) -> IO[bytes]:
        file = Path(self._path).open("rb", buffering=0)  # noqa: SIM115 (closed with the part)
        file.seek(position)
        return file

    def _reader(self, source: IO[bytes] | _Unpacking, size: int | None = None) -> BinaryIO:
        def on_close() -> None:
            if isinstance(source, _Unpacking):
                self._last = source.note()
            source.close()

        return cast(BinaryIO, _Part(source.read, size, on_close))

    def _note(self, unpacking: _Unpacking) -> None:
        if unpacking.position - self._notes[-1].position < self._step:
            return
        if len(self._notes) >= self._most_notes:
            del self._notes[1::2]
            self._step *= 2
        else:
            self._notes.append(unpacking.note())


@dataclass(frozen=True, slots=True)
class _Note:
    """Where to go on unpacking: so many bytes came out, so many went in. `begun`: in the middle of a part of gzip."""

    position: int
    taken: int
    inflater: Any
    begun: bool

    def copy(self) -> _Note:
        return replace(self, inflater=self.inflater.copy())


class _Unpacking:
    """What a gzip file unpacks to, from a note onwards. A gzip file may have several parts, one behind the other."""

    def __init__(self, path: str, start: _Note, on_read: Callable[[_Unpacking], None] | None = None) -> None:
        """Open the file; `on_read` is called after each read."""
        start = start.copy()
        self.position = start.position
        self._inflater = start.inflater
        self._begun = start.begun
        self._on_read = on_read
        self._input = b""
        self._file = Path(path).open("rb", buffering=0)  # noqa: SIM115 (see close)
        self._file.seek(start.taken)

    def read(self, size: int) -> bytes:
        """Return at most so many bytes, none at the end. Raises zlib.error and EOFError."""
        while size > 0:
            if not self._input:
                self._input = self._file.read(_INPUT)
                if not self._input and self._begun:
                    raise EOFError("the compressed file ends too early")
                if not self._input:
                    return b""
            if not self._begun:
                # Zeros may fill up what is behind a part.
                self._input = self._input.lstrip(b"\0")
                self._begun = bool(self._input)
                continue
            block: bytes = self._inflater.decompress(self._input, size)
            self._input = self._inflater.unconsumed_tail
            if self._inflater.eof:
                self._input = self._inflater.unused_data
                self._inflater = zlib.decompressobj(_WITH_GZIP_HEADER)
                self._begun = False
            self.position += len(block)
            if block:
                if self._on_read:
                    self._on_read(self)
                return block
        return b""

    def skip_to(self, position: int) -> None:
        """Read up to a position, which is not before this one, or to the end."""
        while self.position < position and self.read(min(_BLOCK, position - self.position)):
            pass

    def note(self) -> _Note:
        """Where it is now."""
        return _Note(self.position, self._file.tell() - len(self._input), self._inflater, self._begun).copy()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Part(io.RawIOBase):
    """Part of a stream as a file of its own."""

    def __init__(self, read: Callable[[int], bytes], size: int | None, on_close: Callable[[], None]) -> None:
        self._read = read
        self._left = size
        self._on_close = on_close

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        block = self._read(len(view) if self._left is None else min(len(view), self._left))
        if self._left is not None:
            self._left -= len(block)
        view[: len(block)] = block
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._on_close()
        super().close()
