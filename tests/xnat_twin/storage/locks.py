"""Locks by the path of what they guard, among the threads of this process. Nothing on the disk is locked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

_FOR_EVER = -1.0


class _Lock:
    """A lock that a WeakValueDictionary can hold."""

    def __init__(self) -> None:
        self.held = threading.Lock()


_locks: WeakValueDictionary[Path, _Lock] = WeakValueDictionary()
_guard = threading.Lock()


@contextmanager
def locked(path: Path, seconds: float = _FOR_EVER) -> Iterator[bool]:
    """Hold the lock of this path; False if others have held it for so long."""
    with _guard:
        lock = _locks.setdefault(path, _Lock())  # kept by this name: the dictionary alone would let it go at once
    got = lock.held.acquire(timeout=seconds)
    try:
        yield got
    finally:
        if got:
            lock.held.release()
