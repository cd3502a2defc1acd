"""How far a transfer has got, written for whoever looks at it: numbers in a small file that is replaced as a whole.

Knows no screen: callback_plugins/xnat_progress.py shows what is in the file. Holds no names of files or people.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Protocol

VARIABLE = "XNAT_PROGRESS_FILE"
# Seconds between two writes: often enough for an eye, too seldom to slow a transfer down.
_INTERVAL = 0.25


class Finished(Protocol):
    """What is done with one file; engine.FileResult is such a thing."""

    @property
    def action(self) -> str:
        """What was done, as it is reported."""


class Progress:
    """Told by several threads of bytes and endings. Without a file to write to it does nothing.

    XNAT_PROGRESS_FILE names a file, or a folder in which each process gets one named after its ID: several hosts and
    items of a loop run at once.
    """

    def __init__(self, path: str | None = None) -> None:
        """Write to `path`, or to what the environment names."""
        given = path or os.environ.get(VARIABLE)
        self._path = _file(Path(given)) if given else None
        self._lock = threading.Lock()
        self._actions: Counter[str] = Counter()
        self._files_total = self._bytes_total = self._bytes = 0
        self._started = time.time()
        self._written = 0.0

    def start(self, files: int, bytes: int) -> None:
        """Say how much is to be done. A second time adds to it: a copy learns of its files session by session."""
        with self._lock:
            self._files_total += files
            self._bytes_total += bytes
            self._write()

    def sent(self, bytes: int) -> None:
        """Count bytes that left; negative takes back what has to be sent once more."""
        with self._lock:
            self._bytes += bytes
            self._write_sometimes()

    def done(self, file: Finished) -> None:
        """Count a file that nothing more happens to."""
        with self._lock:
            self._actions[file.action] += 1
            self._write_sometimes()

    def end(self) -> None:
        """Say that this was all."""
        with self._lock:
            self._write(ended=True)

    def _write_sometimes(self) -> None:
        if time.monotonic() - self._written >= _INTERVAL:
            self._write()

    def _write(self, *, ended: bool = False) -> None:
        if self._path is None:
            return
        self._written = time.monotonic()
        state: dict[str, Any] = {
            "started": self._started,
            "files": self._actions.total(),
            "files_total": self._files_total,
            "bytes": self._bytes,
            "bytes_total": self._bytes_total,
            "actions": dict(self._actions),
            "ended": ended,
        }
        # Beside it and then in its place: who reads it never sees half a line.
        new = self._path.with_name(f".{self._path.name}.new")
        try:
            new.write_text(json.dumps(state) + "\n")
            new.replace(self._path)
        except OSError:
            # Whoever looked is gone, or the disk is full: no reason to stop a transfer.
            self._path = None


def _file(given: Path) -> Path:
    return given / f"{os.getpid()}.json" if given.is_dir() else given
