"""Documents of any data type are made fit for another server, and compared, by a short table of names."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from ansible.module_utils.xnat.copying import documents, structure
from ansible.module_utils.xnat.copying.documents import Difference, Left
from ansible.module_utils.xnat.copying.structure import Fate
from ansible.module_utils.xnat.errors import InputError

HEAD = (
    'xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:icr="http://icr.ac.uk/icr" xmlns:dpuk="http://nrg.wustl.edu/dpuk" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://nrg.wustl.edu/xnat x.xsd"'
)
SESSION = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<xnat:MRSession ID="XNAT_E00001" project="P1" label="S1_MRI" {HEAD}>
<!--hidden_fields[xnat_mrSessionData_id="1"]-->
<xnat:sharing><xnat:share project="Q1"/></xnat:sharing>
<xnat:date>2020-01-02</xnat:date>
<xnat:fields><xnat:field name="cohort"><!--hidden_fields[xnat_field_id="1"]-->A</xnat:field></xnat:fields>
<xnat:subject_ID>XNAT_S00001</xnat:subject_ID>
<xnat:scans>
<xnat:scan ID="1" type="T1" project="P1" xsi:type="xnat:mrScanData">
<xnat:image_session_ID>XNAT_E00001</xnat:image_session_ID>
<xnat:file label="DICOM" URI="/data/archive/P1/1_catalog.xml" xsi:type="xnat:resourceCatalog"/>
<xnat:parameters><xnat:voxelRes x="1.50"/><xnat:tr>2.3</xnat:tr></xnat:parameters>
</xnat:scan>
</xnat:scans>
<xnat:assessors><xnat:assessor ID="XNAT_E00002" xsi:type="xnat:qcManualAssessorData"/></xnat:assessors>
</xnat:MRSession>""".encode()
UNKNOWN = f"""<icr:RoiCollection ID="E7" project="P1" label="ROI" {HEAD}>
<icr:subjectID>XNAT_S00001</icr:subjectID>
<icr:anything kind="x"><icr:deep>1</icr:deep><icr:deep>2</icr:deep></icr:anything>
<icr:part xsi:type="dpuk:dpukThing">v</icr:part></icr:RoiCollection>""".encode()
IDS = {"XNAT_S00001": "OTHER_S00042", "XNAT_E00001": "OTHER_E00007"}


def fitted(text: bytes, **ids: str) -> tuple[ET.Element, list[Left]]:
    """The document for the target, parsed again, and what was left out."""
    body, left = documents.fit(documents.read(text, "it"), "T1", ids or IDS)
    return ET.fromstring(body), left  # noqa: S314 - made here


def local(root: ET.Element) -> set[str]:
    """All names of elements, without their namespaces."""
    return {element.tag.rpartition("}")[2] for element in root.iter()}


def changed(text: bytes, *pairs: tuple[str, str]) -> documents.Document:
    """A document with some texts replaced."""
    for old, new in pairs:
        assert old.encode() in text
        text = text.replace(old.encode(), new.encode())
    return documents.read(text, "it")


def test_what_ties_it_to_its_server_is_left_out_and_told() -> None:
    root, left = fitted(SESSION)
    assert root.get("ID") is None
    assert (root.get("project"), root.get("label")) == ("T1", "S1_MRI")
    assert local(root) == {
        "MRSession",
        "date",
        "fields",
        "field",
        "subject_ID",
        "scans",
        "scan",
        "image_session_ID",
    } | {
        "parameters",
        "voxelRes",
        "tr",
    }
    assert [(one.path, one.value, one.fate) for one in left] == [
        ("@ID", "XNAT_E00001", Fate.LOST),
        ("sharing", "", Fate.APART),
        ("scans/scan[ID=1]/file[label=DICOM]", "", Fate.APART),
        ("assessors", "", Fate.APART),
    ]
    assert b"hidden_fields" not in ET.tostring(root)


def test_references_lead_to_the_targets_objects() -> None:
    root, _ = fitted(SESSION)
    texts = {element.tag.rpartition("}")[2]: element.text for element in root.iter() if element.text}
    assert (texts["subject_ID"], texts["image_session_ID"]) == ("OTHER_S00042", "OTHER_E00007")
    root, left = fitted(SESSION, XNAT_E00001="X")
    assert "subject_ID" not in local(root), "a stranger's ID is worse than none"
    assert Left("subject_ID", "XNAT_S00001", Fate.LOST) in left


def test_the_id_of_a_scan_is_its_name() -> None:
    root, _ = fitted(SESSION)
    [scan] = [element for element in root.iter() if element.tag.endswith("}scan")]
    assert (scan.get("ID"), scan.get("type"), scan.get("project")) == ("1", "T1", None)


def test_a_type_that_nobody_knows_passes_whole() -> None:
    """With its namespaces, also one that nothing but a value of xsi:type uses."""
    body, left = documents.fit(documents.read(UNKNOWN, "it"), "T1", IDS)
    assert b'xmlns:icr="http://icr.ac.uk/icr"' in body
    assert b'xmlns:dpuk="http://nrg.wustl.edu/dpuk"' in body
    again = documents.read(body, "it")
    assert documents.differences(documents.read(UNKNOWN, "it"), again) == []
    assert [one.path for one in left] == ["@ID"]
    assert body.count(b"OTHER_S00042") == 1


def test_a_copy_is_the_same_as_its_source() -> None:
    source = documents.read(SESSION, "it")
    body, _ = documents.fit(source, "T1", IDS)
    assert documents.differences(source, documents.read(body, "it")) == []
    assert source.identifier == "XNAT_E00001", "the source's document stays as it is"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("2020-01-02", "2020-01-03", Difference("date", "2020-01-02", "2020-01-03")),
        ("<xnat:tr>2.3</xnat:tr>", "", Difference("scans/scan[ID=1]/parameters/tr", "2.3", None)),
        ("-->A<", "-->B<", Difference("fields/field[name=cohort]", "A", "B")),
        (' type="T1"', ' type="T2"', Difference("scans/scan[ID=1]/@type", "T1", "T2")),
        (
            'xsi:type="xnat:mrScanData"',
            'xsi:type="xnat:ctScanData"',
            Difference("scans/scan[ID=1]/@xsi:type", "xnat:mrScanData", "xnat:ctScanData"),
        ),
        ('label="S1_MRI"', 'label="S2_MRI"', Difference("@label", "S1_MRI", "S2_MRI")),
    ],
)
def test_what_differs_is_named_by_its_path(old: str, new: str, found: Difference) -> None:
    assert documents.differences(documents.read(SESSION, "it"), changed(SESSION, (old, new))) == [found]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("XNAT_E00001", "OTHER_E00009"),
        ("1.50", "1.5"),
        ("2.3", "2.30"),
        ('<xnat:share project="Q1"/>', ""),
        ("/data/archive/P1/1_catalog.xml", "/elsewhere/1_catalog.xml"),
        ('project="P1"', 'project="T1"'),
    ],
)
def test_what_must_differ_or_is_only_written_otherwise_is_no_difference(old: str, new: str) -> None:
    assert documents.differences(documents.read(SESSION, "it"), changed(SESSION, (old, new))) == []


@pytest.mark.parametrize("pair", [("1.50", "1.51"), ("2.3", "2.3a"), ("A<", "a<")])
def test_almost_the_same_is_a_difference(pair: tuple[str, str]) -> None:
    assert len(documents.differences(documents.read(SESSION, "it"), changed(SESSION, pair))) == 1


def test_booleans_are_written_in_two_ways() -> None:
    one, other = (f"<a {HEAD}><b>{text}</b></a>".encode() for text in ("true", "1"))
    assert documents.differences(documents.read(one, "it"), documents.read(other, "it")) == []
    assert documents.differences(documents.read(one, "it"), documents.read(other.replace(b">1<", b">0<"), "it"))


@pytest.mark.parametrize("text", [b"", b"<html><body>Log in", b"not XML"])
def test_what_is_no_document_is_told(text: bytes) -> None:
    with pytest.raises(InputError, match=r"session S1: XNAT's answer is"):
        documents.read(text, "session S1")


def test_each_name_of_the_table_has_its_reason() -> None:
    rules = [*structure.ATTRIBUTES, *structure.ELEMENTS]
    assert all(len(rule.why) > 10 for rule in rules)
    assert len({rule.name for rule in rules}) == len(rules)
