"""The archive's disk: every byte that the server writes goes through here, so that the disk can be full.

A quota makes it behave as a full file system does: the write that does not fit raises ENOSPC and what was written
before it stays. A really full disk takes the same path.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterable
from io import DEFAULT_BUFFER_SIZE
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

CHUNK = 256 * 1024


class Disk:
    """Files below one root folder, counted against `quota` bytes (None: as much as the machine has)."""

    def __init__(self, root: Path, quota: int | None = None) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.quota = quota
        #: Asked before each file: how many of its bytes fit, None for all. Faults on demand put theirs here.
        self.take_room: Callable[[], int | None] = lambda: None
        self._guard = threading.Lock()
        self._used = _size_of(root)

    @property
    def used(self) -> int:
        return self._used

    def _charge(self, wanted: int) -> int:
        """Count `wanted` bytes, or as many as still fit, and return how many."""
        with self._guard:
            granted = wanted if self.quota is None else min(wanted, max(self.quota - self._used, 0))
            self._used += granted
            return granted

    def _release(self, size: int) -> None:
        with self._guard:
            self._used -= size

    def write(self, path: Path, chunks: Iterable[bytes]) -> int:
        """Write `chunks` to `path` in place and return the size. On OSError the part that was written stays."""
        self._release(_file_size(path))
        room, size = self.take_room(), 0
        with _open(path) as file:
            for chunk in chunks:
                granted = self._charge(len(chunk) if room is None else min(len(chunk), room - size))
                file.write(chunk[:granted])
                size += granted
                if granted < len(chunk):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return size

    def replace(self, path: Path, data: bytes) -> None:
        """Put `data` at `path` in one step, so that a reader sees the old or the new file."""
        temporary = path.with_name(f".{path.name}.new")
        old = _file_size(path)
        try:
            self.write(temporary, [data])
        except OSError:
            self.remove(temporary)
            raise
        temporary.replace(path)
        self._release(old)

    def move_away(self, path: Path, destination: Path) -> None:
        """Move a file or a folder to a place that is not counted, over what may be there."""
        self._release(_size_of(path))
        if destination.is_file():
            destination.unlink()
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, destination)

    def remove(self, path: Path) -> None:
        """Delete a file or a folder, if it is there."""
        self._release(_size_of(path))
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def read_bytes(path: Path) -> bytes | None:
    """The content of a small file; None if there is none. Half the system calls of `Path.read_bytes`."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.readall()
    except FileNotFoundError:
        return None


def _open(path: Path) -> BinaryIO:
    """The file, empty, for writing; its folder is made if it is not there, which only the first file finds."""
    try:
        return path.open("wb", buffering=DEFAULT_BUFFER_SIZE)  # named, or Python asks whether it is a terminal
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb", buffering=DEFAULT_BUFFER_SIZE)


def _file_size(path: Path) -> int:
    """0 if it is no file."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return 0
    return status.st_size if S_ISREG(status.st_mode) else 0


def _size_of(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(entry.stat().st_size for entry in path.rglob("*") if entry.is_file())
