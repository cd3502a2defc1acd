"""The catalog file has one writer at a time, and the one who comes second is told so."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from xnat_twin.storage.catalog import Catalog, ConcurrentModificationError, Entry
from xnat_twin.storage.disk import Disk


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


def _document(*names: str) -> bytes:
    catalog = Catalog(Path(), "R", [Entry(name, name, len(name)) for name in names], None)
    return catalog.to_xml().encode()


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        (_document(), _document("a"), ["a"]),
        (_document("a"), _document("a", "b&", "c"), ["a", "b&", "c"]),
        (_document("a", "b"), _document("a"), ["a"]),
        (_document("a", "b"), _document("b", "a"), ["b", "a"]),
        (_document("a"), _document("a") + b"\n", ["a"]),
        (_document("a") + b"\n", _document("a", "b"), ["a", "b"]),
        (_document("a").replace(b"<cat:entries>", b"<cat:entries >"), _document("a", "b"), ["a", "b"]),
        (_document("a"), _document("a", "b").replace(b'"R"', b'"Q"'), ["a", "b"]),
    ],
)
def test_catalog_that_somebody_else_wrote_is_read_as_it_is_now(
    tmp_path: Path, before: bytes, after: bytes, names: list[str]
) -> None:
    """Entries that were read before are not parsed again; that must never show."""
    path = tmp_path / "R_catalog.xml"
    for data in (before, after):
        path.write_bytes(data)
        catalog = Catalog.read(path, "?")
    assert [entry.uri for entry in catalog.entries] == names
    assert catalog.identifier == ("Q" if b'"Q"' in after else "R")


def test_entries_of_one_reader_are_not_changed_by_another(tmp_path: Path) -> None:
    path = tmp_path / "R_catalog.xml"
    path.write_bytes(_document("a", "b"))
    changed = Catalog.read(path, "R")
    changed.put(Entry("b", "b", 99))
    changed.put(Entry("c", "c", 1))
    assert [(entry.uri, entry.size) for entry in changed.entries] == [("a", 1), ("b", 99), ("c", 1)]
    assert [(entry.uri, entry.size) for entry in Catalog.read(path, "R").entries] == [("a", 1), ("b", 1)]


def test_entries_are_found_however_they_got_there() -> None:
    catalog = Catalog(Path(), "R", [Entry("a", "a", 1), Entry("b", "b", 1), Entry("a", "a", 3)], None)
    assert catalog.entry("a") == Entry("a", "a", 1), "the first counts"
    catalog.put(Entry("c d", "c d", 1))
    assert catalog.find("c+d") == catalog.entry("c d") == Entry("c d", "c d", 1)
    catalog.entries = [entry for entry in catalog.entries if entry.uri != "a"]
    assert catalog.entry("a") is None
    catalog.put(Entry("b", "b", 2))
    assert [(entry.uri, entry.size) for entry in catalog.entries] == [("b", 2), ("c d", 1)]


def test_what_no_xml_can_hold_does_not_make_a_catalog_unreadable(tmp_path: Path) -> None:
    path, odd = tmp_path / "R_catalog.xml", "a\x01\x0b\ud800\uffffb"
    entry = Entry("a", "a", 1, format=odd, content=odd, description=odd, tags=(odd,), metafields={odd: odd})
    Catalog(path, odd, [entry], None).write(Disk(tmp_path))
    (found,) = Catalog.read(path, "R").entries
    assert (found.format, found.tags, found.metafields) == ("ab", ("ab",), {"ab": "ab"})


@pytest.mark.parametrize(
    "data",
    [b"", b"<x", b"no xml", _document("a").replace(b"SIZE", b'SIZE">x<!--').replace(b"</cat:metaField>", b"-->"),
     b"<?xml version='1.0' encoding='nope'?><x/>", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"],
)  # fmt: skip
def test_file_that_is_no_catalog_is_an_empty_one_and_can_be_replaced(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "R_catalog.xml"
    path.write_bytes(data)
    catalog = Catalog.read(path, "R")
    assert catalog.entries == []
    catalog.put(Entry("a", "a", 1))
    catalog.write(Disk(tmp_path))
    assert [entry.uri for entry in Catalog.read(path, "R").entries] == ["a"]


def test_entries_that_lead_out_of_the_folder_are_none(tmp_path: Path) -> None:
    path = tmp_path / "R_catalog.xml"
    path.write_bytes(_document("/etc/passwd", "../a", "b/../../c", "..", "", "d..e/..f", "g/.."))
    assert [entry.uri for entry in Catalog.read(path, "R").entries] == ["d..e/..f"]
