"""Ways for a test to make the server go wrong, once and on purpose.

Python only: a test that runs the server in its own process holds this object. There is no URL for any of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .disk import Disk


@dataclass(frozen=True)
class StatusFault:
    """Answer `status` to one request with this method (any if empty) whose path contains `path`.

    `carry_out` does the work first and then loses the answer, as a proxy that times out does.
    """

    status: int
    method: str = ""
    path: str = ""
    carry_out: bool = False

    def matches(self, method: str, path: str) -> bool:
        return self.method in {"", method} and self.path in path


class Faults:
    """Faults that wait for their moment. Each is used up by the first request that it fits."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._guard = threading.Lock()
        self._statuses: list[StatusFault] = []
        self._conflicts = 0

    def clear(self) -> None:
        """Forget every fault that was not used."""
        with self._guard:
            self._statuses.clear()
            self._conflicts = 0

    def status_once(self, status: int, *, method: str = "", path: str = "", carry_out: bool = False) -> None:
        """The next fitting request is answered with `status`, as by a proxy in front (StatusFault)."""
        with self._guard:
            self._statuses.append(StatusFault(status, method, path, carry_out))

    def conflict_once(self, times: int = 1) -> None:
        """The next `times` catalog writes lose against another writer: 500, the file on disk but not catalogued."""
        with self._guard:
            self._conflicts += times

    @contextmanager
    def disk_full_after(self, size: int) -> Iterator[None]:
        """While the block runs, the archive's disk has room for `size` more bytes."""
        before, self._disk.quota = self._disk.quota, self._disk.used + size
        try:
            yield
        finally:
            self._disk.quota = before

    def take_status(self, method: str, path: str) -> StatusFault | None:
        """The fault for this request, which is then used up."""
        with self._guard:
            for fault in self._statuses:
                if fault.matches(method, path):
                    self._statuses.remove(fault)
                    return fault
        return None

    def take_interference(self) -> Callable[[Path], None] | None:
        """What to do to a catalog file just before it is compared and written; None for nothing."""
        with self._guard:
            if self._conflicts == 0:
                return None
            self._conflicts -= 1
        return _write_as_someone_else


def _write_as_someone_else(catalog: Path) -> None:
    """A real change by another writer: the file has other bytes, and still means the same."""
    if catalog.exists():
        catalog.write_bytes(catalog.read_bytes() + b"\n")
