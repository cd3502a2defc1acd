"""Item documents, status pages and catalogs as text."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from xnat_twin.datatypes.fields import Fields, merge
from xnat_twin.datatypes.modules import installed_types
from xnat_twin.documents import items
from xnat_twin.documents.documents_in import parse
from xnat_twin.documents.documents_out import to_xml
from xnat_twin.documents.items import DocumentError
from xnat_twin.errors import ContainerError, StatusError, status_line, status_page
from xnat_twin.resources.files.files import entries_within
from xnat_twin.storage.archive import path_inside
from xnat_twin.storage.catalog import Catalog, ConcurrentModificationError, Entry
from xnat_twin.storage.disk import Disk

TYPES = installed_types(["dpuk-datatypes"])
WHEN = dt.datetime(2014, 9, 9, 12)


def test_status_page_is_not_well_formed_and_carries_the_message() -> None:
    page = status_page(404, "Nothing here").decode()
    assert "<h3>Nothing here</h3>" in page
    assert "sec10.4.5" in page
    with pytest.raises(ET.ParseError):
        ET.fromstring(page)  # noqa: S314


@pytest.mark.parametrize("kind", [StatusError, ContainerError])
def test_message_of_an_error_page_is_no_part_of_its_structure(kind: type[StatusError]) -> None:
    page = kind(400, "Invalid file path: <script>&lt;b&gt;\ud800").body().decode()
    assert "path: &lt;script&gt;&lt;b&gt;?" in page


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
    assert children["fields/field"]["data_fields"] == {"name": "cohort", "field": "A", "xnat_subjectData_field_id": 1}


def _xml(xsi_type: str, fields: Fields) -> bytes:
    return to_xml(TYPES, items.build(TYPES, xsi_type, fields, WHEN), "http://xnat")


@pytest.mark.parametrize(
    ("xsi_type", "fields"),
    [
        (
            "xnat:mrScanData",
            {
                "ID": "1", "type": "T1", "note": "a < b", "parameters/tr": 2.3, "parameters/voxelRes/x": 1.0,
                "parameters/addParam[name=N]/addField": "V", "dcmValidation/status": True,
            },
        ),
        (
            "xnat:projectData",
            {
                "ID": "P", "aliases/alias[0]/alias": "a", "aliases/alias[0]/source": "s", "aliases/alias[1]/alias": "b",
                "PI/firstname": "A", "PI/lastname": "B", "studyProtocol[ID=p]/name": "n",
                "studyProtocol[ID=p]/definitions/definition[0]/ID": "d",
                "studyProtocol[ID=p]/definitions/definition[0]/fields/field[name=f]/datatype": "string",
            },
        ),
        (
            "xnat:qcManualAssessorData",
            {
                "ID": "A", "imageSession_ID": "E", "scans/scan[imageScan_ID=4]/xsi:type": "xnat:mrQcScanData",
                "scans/scan[imageScan_ID=4]/wrap": "none",
                "provenance/processStep[0]/program": "recon", "provenance/processStep[0]/program/version": "6",
                "provenance/processStep[0]/timestamp": "2020-01-01 01:02:03.0", "provenance/processStep[0]/user": "u",
                "provenance/processStep[0]/machine": "m", "provenance/processStep[0]/platform": "p",
            },
        ),
        ("dpuk:dpukAssessmentData", {"ID": "A", "subject_ID": "S", "MMSE": 28, "CDR": 0.5, "DIAGNOSIS_AD": False}),
    ],
)  # fmt: skip
def test_document_says_again_what_it_was_built_from(xsi_type: str, fields: Fields) -> None:
    parsed = parse(TYPES, _xml(xsi_type, fields))
    assert parsed.xsi_type == xsi_type
    assert merge(TYPES, {}, parsed.changes, xsi_type) == fields
    assert merge(TYPES, fields, parsed.changes, xsi_type) == fields


def test_elements_are_in_the_order_of_the_schema_and_the_namespace_of_who_declares_them() -> None:
    text = _xml("dpuk:dpukAssessmentData", {"MMSE": 28, "DIAGNOSIS_AD": True, "date": "2014-09-09", "ID": "A"}).decode()
    root = ET.fromstring(text)  # noqa: S314
    assert [child.tag for child in root] == [
        "{http://nrg.wustl.edu/xnat}date",
        "{http://nrg.wustl.edu/xnat}subject_ID",  # required, hence there without a value
        "{http://nrg.wustl.edu/dpuk}DIAGNOSIS_AD",
        "{http://nrg.wustl.edu/dpuk}MMSE",
    ]
    assert text.startswith('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<dpuk:DPUKAssessment ID="A" ')
    assert "http://nrg.wustl.edu/dpuk http://xnat/schemas/dpuk/dpuk.xsd" in text
    assert "<dpuk:DIAGNOSIS_AD>1</dpuk:DIAGNOSIS_AD>" in text


def test_keys_of_the_database_are_in_comments() -> None:
    document = items.build(TYPES, "xnat:mrScanData", {"ID": "1"}, WHEN)
    document.hidden["xnat_imageScanData_id"] = 7
    assert b'<!--hidden_fields[xnat_imageScanData_id="7"]-->' in to_xml(TYPES, document, "")
    assert b"hidden_fields" not in to_xml(TYPES, document, "", hidden=False)
    assert items.to_json(document)["data_fields"] == {"ID": "1", "xnat_imageScanData_id": 7}


def test_objects_in_a_document_are_kept_apart() -> None:
    document = parse(
        TYPES,
        b'<x:MRSession xmlns:x="http://nrg.wustl.edu/xnat" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        b' label="E"><x:coil>c</x:coil><x:scans><x:scan ID="1" xsi:type="x:mrScanData" type="T1"><x:file URI="u"'
        b' label="R" xsi:type="x:resourceCatalog"/></x:scan></x:scans></x:MRSession>',
    )
    assert document.changes == [("label", "E"), ("coil", "c")]
    (scan,) = document.nested["scans/scan"]
    assert (scan.xsi_type, scan.changes) == ("xnat:mrScanData", [("ID", "1"), ("type", "T1")])
    (resource,) = scan.nested["file"]
    assert (resource.xsi_type, resource.value("label")) == ("xnat:resourceCatalog", "R")


_NAMESPACES = 'xmlns="http://nrg.wustl.edu/xnat" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("<xnat:Subject", "unbound prefix|no element found|unclosed"),
        ("<Subject/>", "Invalid Element ':Subject'"),
        (f"<!DOCTYPE x><Subject {_NAMESPACES}/>", "DOCTYPE is disallowed"),
        (f"<NoSuch {_NAMESPACES}/>", "Invalid Element 'http://nrg.wustl.edu/xnat:NoSuch'"),
        (
            f'<MRSession {_NAMESPACES}><scans><scan ID="1" xsi:type="xnat:noScanData"/></scans></MRSession>',
            "noScanData",
        ),
        (f'<MRSession {_NAMESPACES}><scans><scan xsi:type="xnat:Subject"/></scans></MRSession>', "Invalid Element"),
        (f"<Subject {_NAMESPACES}><colour>red</colour></Subject>", "Invalid field 'colour'"),
        (f"<Subject {_NAMESPACES}><demographics><colour>red</colour></demographics></Subject>", "demographics/colour"),
        (f'<Subject {_NAMESPACES}><demographics colour="red"/></Subject>', "Invalid attribute 'colour'"),
    ],
)
def test_document_that_cannot_be_used_is_refused(document: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        parse(TYPES, document.encode())


def test_doctype_is_refused_in_any_encoding() -> None:
    with pytest.raises(DocumentError, match="DOCTYPE"):
        parse(TYPES, f"<!DOCTYPE x><Subject {_NAMESPACES}/>".encode("utf-16"))


def test_unknown_attribute_of_the_root_and_empty_unknown_elements_are_passed_over() -> None:
    document = parse(TYPES, f'<Subject colour="red" src="x" {_NAMESPACES}><colour/></Subject>'.encode())
    assert document.changes == [("src", "x")]


def test_catalog_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "R_catalog.xml"
    entry = Entry("sub/a&b.txt", "a&b.txt", 5, "d", "TXT", 'C"', "D>", ("t<1",), {"k": "v"}, "admin", "now", "1")
    catalog = Catalog.read(path, "R")
    catalog.entries.append(entry)
    catalog.write(Disk(tmp_path))
    assert Catalog.read(path, "R").entries == [entry]
    assert entry.file_tags == "k=v,t<1"


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
