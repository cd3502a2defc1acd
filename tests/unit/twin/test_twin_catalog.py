"""The catalog file has one writer at a time, and the one who comes second is told so."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xnat_twin.catalog import Catalog, ConcurrentModificationError, Entry
from xnat_twin.disk import Disk


class SlowDisk(Disk):
    """Waits in the middle of writing a catalog for a second writer, who must not come."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.meeting = threading.Barrier(2)
        self.met = False

    def replace(self, path: Path, data: bytes) -> None:
        try:
            self.meeting.wait(0.3)
            self.met = True
        except threading.BrokenBarrierError:
            super().replace(path, data)


def test_two_writers_take_turns_and_the_second_loses(tmp_path: Path) -> None:
    disk, path = SlowDisk(tmp_path), tmp_path / "NIFTI_catalog.xml"

    def write(name: str) -> str | None:
        catalog = Catalog.read(path, "NIFTI")
        catalog.entries.append(Entry(name, name, 1))
        begin.wait(5)
        try:
            catalog.write(disk)
        except ConcurrentModificationError:
            return None
        return name

    begin = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        written = [name for name in pool.map(write, ["a", "b"]) if name]
    assert not disk.met, "two writers were in the file at the same time"
    assert len(written) == 1
    assert [entry.uri for entry in Catalog.read(path, "NIFTI").entries] == written
