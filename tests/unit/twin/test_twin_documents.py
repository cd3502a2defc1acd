"""Tables, item documents, status pages and catalogs as text."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from xnat_twin import items
from xnat_twin.archive import path_inside
from xnat_twin.catalog import Catalog, ConcurrentModificationError, Entry
from xnat_twin.disk import Disk
from xnat_twin.errors import StatusError, status_line, status_page
from xnat_twin.fields import Fields
from xnat_twin.resources.files import entries_within
from xnat_twin.schema import Types

TYPES = Types()
WHEN = dt.datetime(2014, 9, 9, 12)


def test_status_page_is_not_well_formed_and_carries_the_message() -> None:
    page = status_page(404, "Nothing here").decode()
    assert "<h3>Nothing here</h3>" in page
    assert "sec10.4.5" in page
    with pytest.raises(ET.ParseError):
        ET.fromstring(page)  # noqa: S314


def test_status_line_stays_one_line() -> None:
    assert status_line(409, "in use:\r\nX-Evil: 1 é") == "409 in use: X-Evil: 1"
    assert status_line(404, "é").startswith("404 The server has not found")


def test_nested_items_and_list_entries_become_children() -> None:
    fields: Fields = {"label": "S", "demographics/yob": 1950, "fields/field[name=cohort]/field": "A"}
    document = items.to_json(items.build(TYPES, "xnat:subjectData", fields, WHEN))
    assert document["data_fields"] == {"label": "S"}
    assert document["meta"]["start_date"] == "Tue Sep 09 12:00:00 UTC 2014"
    children = {child["field"]: child["items"][0] for child in document["children"]}
    assert children["demographics"]["data_fields"] == {"yob": 1950}
    assert children["demographics"]["meta"]["xsi:type"] == "xnat:demographicData"
    assert children["fields/field"]["data_fields"] == {"name": "cohort", "field": "A"}


def test_xml_says_again_what_it_was_built_from() -> None:
    fields: Fields = {
        "ID": "1", "type": "T1", "note": "a < b", "parameters/tr": 2.3, "parameters/voxelRes/x": 1.0,
        "parameters/addParam[name=N]/addField": "V",
    }  # fmt: skip
    parsed = items.parse(TYPES, items.to_xml(TYPES, items.build(TYPES, "xnat:mrScanData", fields, WHEN)))
    assert parsed.xsi_type == "xnat:mrScanData"
    assert dict(parsed.changes) == {name: str(value) for name, value in fields.items()}


@pytest.mark.parametrize(
    "document",
    [b"<xnat:Subject", b"<Subject/>", b'<!DOCTYPE x><Subject xmlns="http://nrg.wustl.edu/xnat"/>',
     b'<x:NoSuch xmlns:x="http://nrg.wustl.edu/xnat"/>',
     b'<x:MRSession xmlns:x="http://nrg.wustl.edu/xnat" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
     b'<x:scans><x:scan ID="1" xsi:type="x:noSuchScanData"/></x:scans></x:MRSession>'],
)  # fmt: skip
def test_document_that_cannot_be_used_is_refused(document: bytes) -> None:
    with pytest.raises(items.DocumentError):
        items.parse(TYPES, document)


def test_catalog_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "R_catalog.xml"
    entry = Entry("sub/a&b.txt", "a&b.txt", 5, "d", "TXT", 'C"', ("t<1",), {"k": "v"}, "admin", "now", "1")
    catalog = Catalog.read(path, "R")
    catalog.entries.append(entry)
    catalog.write(Disk(tmp_path))
    assert Catalog.read(path, "R").entries == [entry]
    assert entry.file_tags == "t<1,k=v"


def test_second_writer_of_a_catalog_loses(tmp_path: Path) -> None:
    disk, path = Disk(tmp_path), tmp_path / "R_catalog.xml"
    Catalog.read(path, "R").write(disk)
    first, second = Catalog.read(path, "R"), Catalog.read(path, "R")
    first.entries.append(Entry("a", "a", 1))
    first.write(disk)
    with pytest.raises(ConcurrentModificationError, match="Another thread or process modified"):
        second.write(disk)
    first.write(disk)


def test_full_disk_keeps_what_fitted(tmp_path: Path) -> None:
    disk = Disk(tmp_path, quota=10)
    with pytest.raises(OSError, match="No space left on device"):
        disk.write(tmp_path / "a", [b"12345678", b"9012"])
    assert (tmp_path / "a").read_bytes() == b"1234567890"
    disk.remove(tmp_path / "a")
    assert disk.write(tmp_path / "b", [b"1234567890"]) == 10
    assert Disk(tmp_path).used == 10


def test_failed_replacement_leaves_the_old_file(tmp_path: Path) -> None:
    disk = Disk(tmp_path, quota=10)
    disk.replace(tmp_path / "a", b"old")
    with pytest.raises(OSError, match="No space"):
        disk.replace(tmp_path / "a", b"much too long")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"
    assert disk.used == 3


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "", "a\0b", "."])
def test_path_outside_of_a_resource_is_refused(name: str) -> None:
    with pytest.raises(StatusError):
        path_inside(Path("/archive/R"), name)


@pytest.mark.parametrize(
    ("path", "deleted"),
    [
        ("a.txt", ["a.txt", "a.txt.bak"]),
        ("sub", ["sub/b"]),
        ("", ["a.txt", "a.txt.bak", "sub/b"]),
        ("a*", ["a.txt", "a.txt.bak"]),
        ("*b", []),
        (".*b*", ["a.txt.bak", "sub/b"]),
        ("none", []),
    ],
)
def test_delete_takes_what_starts_with_the_path_or_matches_it(path: str, deleted: list[str]) -> None:
    entries = [Entry(uri, uri, 1) for uri in ("a.txt", "a.txt.bak", "sub/b")]
    assert [entry.uri for entry in entries_within(path, entries)] == deleted
