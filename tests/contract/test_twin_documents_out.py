"""XNAT's contract, sections 0.4 and 0.5: objects as JSON and XML documents, with all that is below them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from object_helpers import item_of
from xnat_twin.testing import Session, XnatServer

XNAT = "http://nrg.wustl.edu/xnat"
NAMES = {"xnat": XNAT}
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
SCHEMAS = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"


@pytest.fixture
def subject(api: Session, project: str) -> str:
    """The path of a subject with a session, which has a bit of everything."""
    path = f"/data/projects/{project}/subjects/S1"
    session = f"{path}/experiments/S1_MRI"
    mr, scan = "xnat:mrSessionData", "xnat:mrScanData"
    for below, params in [
        ("", {"gender": "male", "yob": "1950", "group": "G", "xnat:subjectData/fields/field[name=cohort]/field": "A"}),
        ("/experiments/S1_MRI", {"xsiType": mr, "date": "2020-01-02", f"{mr}/dcmPatientId": "P<1", "note": "n"}),
        (
            "/experiments/S1_MRI/scans/1",
            {"xsiType": scan, "type": "T1", f"{scan}/parameters/tr": "2.3", f"{scan}/frames": "7",
             f"{scan}/parameters/voxelRes/x": "1.5"},
        ),
        ("/experiments/S1_MRI/scans/1/resources/DICOM", {"format": "DICOM", "content": "RAW", "tags": "t1"}),
        ("/experiments/S1_MRI/resources/NOTES", {}),
        ("/experiments/S1_MRI/assessors/QC", {"xsiType": "xnat:qcManualAssessorData", "date": "2020-02-03"}),
        ("/experiments/S1_MRI/assessors/QC/out/resources/REPORT", {}),
    ]:  # fmt: skip
        api.put(f"{path}{below}", params=params).raise_for_status()
    api.put(f"{session}/scans/1/resources/DICOM/files/a.dcm", params={"inbody": "true"}, data=b"abc").raise_for_status()
    return path


def _xml(api: Session, path: str, **params: str) -> ET.Element:
    return ET.fromstring(api.get(path, params={"format": "xml", **params}).content)  # noqa: S314


def _children(item: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {child["field"]: child["items"] for child in item["children"]}


@pytest.mark.rule("xml-root")
def test_root_element_says_the_type_and_where_its_schema_is(api: Session, subject: str) -> None:
    below = {
        "": "Subject",
        "/experiments/S1_MRI": "MRSession",
        "/experiments/S1_MRI/scans/1": "MRScan",
        "/experiments/S1_MRI/assessors/QC": "QCManualAssessment",
    }
    for path, name in below.items():
        root = _xml(api, f"{subject}{path}")
        assert root.tag == f"{{{XNAT}}}{name}"
        locations = dict(zip(*[iter(root.attrib[SCHEMAS].split())] * 2, strict=True))
        assert locations[XNAT].endswith("/schemas/xnat/xnat.xsd")


@pytest.mark.rule("xml-order")
def test_elements_come_in_the_order_of_the_schema(api: Session, subject: str) -> None:
    names = [child.tag.partition("}")[2] for child in _xml(api, f"{subject}/experiments/S1_MRI")]
    order = ["date", "note", "resources", "subject_ID", "scans", "assessors"]
    assert [name for name in names if name in order] == order
    names = [child.tag.partition("}")[2] for child in _xml(api, f"{subject}/experiments/S1_MRI/scans/1")]
    order = ["image_session_ID", "frames", "file", "parameters"]
    assert [name for name in names if name in order] == order


@pytest.mark.rule("xml-values")
def test_values_are_attributes_elements_or_parts_of_nested_items(api: Session, subject: str) -> None:
    root = _xml(api, subject)
    assert (root.get("label"), root.get("group")) == ("S1", "G")
    demographics = root.find("xnat:demographics", NAMES)
    assert demographics is not None
    assert demographics.get(XSI_TYPE) == "xnat:demographicData"
    assert demographics.findtext("xnat:yob", namespaces=NAMES) == "1950"
    cohort = root.find("xnat:fields/xnat:field", NAMES)
    assert cohort is not None
    assert (cohort.get("name"), "".join(cohort.itertext()).strip()) == ("cohort", "A")
    scan = _xml(api, f"{subject}/experiments/S1_MRI/scans/1")
    assert scan.findtext("xnat:parameters/xnat:tr", namespaces=NAMES) == "2.3"
    resolution = scan.find("xnat:parameters/xnat:voxelRes", NAMES)
    assert resolution is not None
    assert resolution.get("x") == "1.5"


@pytest.mark.rule("xml-escaped-twice")
def test_text_from_a_query_is_escaped_twice(api: Session, subject: str) -> None:
    """It is stored as `P&lt;1`, and XML escapes that once more."""
    assert "<xnat:dcmPatientId>P&amp;lt;1<" in api.get(f"{subject}/experiments/S1_MRI", params={"format": "xml"}).text


@pytest.mark.rule("xml-nested")
def test_subject_has_its_experiments_with_their_scans_and_assessors(api: Session, subject: str) -> None:
    session = _xml(api, subject).find("xnat:experiments/xnat:experiment", NAMES)
    assert session is not None
    assert (session.get("label"), session.get(XSI_TYPE)) == ("S1_MRI", "xnat:mrSessionData")
    scan = session.find("xnat:scans/xnat:scan", NAMES)
    assert scan is not None
    assert (scan.get("ID"), scan.get("type"), scan.get(XSI_TYPE)) == ("1", "T1", "xnat:mrScanData")
    assessor = session.find("xnat:assessors/xnat:assessor", NAMES)
    assert assessor is not None
    assert (assessor.get("label"), assessor.get(XSI_TYPE)) == ("QC", "xnat:qcManualAssessorData")
    assert assessor.findtext("xnat:imageSession_ID", namespaces=NAMES) == session.get("ID")


@pytest.mark.rule("xml-resources")
def test_resources_have_their_catalog_and_what_it_holds(api: Session, subject: str) -> None:
    session = _xml(api, f"{subject}/experiments/S1_MRI")
    resource = session.find("xnat:scans/xnat:scan/xnat:file", NAMES)
    assert resource is not None
    assert resource.get(XSI_TYPE) == "xnat:resourceCatalog"
    wanted = {"label": "DICOM", "format": "DICOM", "content": "RAW", "file_count": "1", "file_size": "3"}
    assert {name: resource.get(name) for name in wanted} == wanted
    assert "/SCANS/1/DICOM/" in str(resource.get("URI"))
    assert str(resource.get("URI")).endswith("_catalog.xml")
    assert resource.findtext("xnat:tags/xnat:tag", namespaces=NAMES) == "t1"
    assert session.find("xnat:resources/xnat:resource[@label='NOTES']", NAMES) is not None
    assert session.find("xnat:assessors/xnat:assessor/xnat:out/xnat:file[@label='REPORT']", NAMES) is not None


@pytest.mark.rule("xml-sharing")
def test_shares_name_the_project_and_the_label_there(api: Session, xnat: XnatServer, subject: str) -> None:
    other = xnat.new_project()
    for path in (subject, f"{subject}/experiments/S1_MRI"):
        assert api.put(f"{path}/projects/{other}", params={"label": "Elsewhere"}).status_code == 200
        share = _xml(api, path).find("xnat:sharing/xnat:share", NAMES)
        assert share is not None
        assert (share.get("project"), share.get("label")) == (other, "Elsewhere")


@pytest.mark.rule("xml-hidden-fields")
def test_comments_have_the_keys_of_rows_unless_they_are_to_be_concealed(api: Session, subject: str) -> None:
    path = f"{subject}/experiments/S1_MRI/scans/1"
    assert '<!--hidden_fields[xnat_imageScanData_id="' in api.get(path, params={"format": "xml"}).text
    assert "<!--" not in api.get(path, params={"format": "xml", "concealHiddenFields": "true"}).text


@pytest.mark.rule("xml-private-experiments")
def test_what_may_not_be_read_is_left_out(xnat: XnatServer, api: Session, project: str, subject: str) -> None:
    other = xnat.new_project()
    api.put(f"{subject}/projects/{other}", params={"label": "S1"}).raise_for_status()
    reader = xnat.session(*xnat.new_user(other, "Collaborators"))
    shared = f"/data/projects/{other}/subjects/S1"
    assert "experiments/experiment" not in _children(item_of(reader, shared))
    assert _xml(reader, shared).find("xnat:experiments", NAMES) is None
    assert "experiments/experiment" in _children(item_of(api, shared))


@pytest.mark.rule("json-item")
def test_item_has_fields_meta_and_children(api: Session, subject: str) -> None:
    item = item_of(api, f"{subject}/experiments/S1_MRI/scans/1")
    assert item["meta"]["xsi:type"] == "xnat:mrScanData"
    assert item["meta"]["isHistory"] is False
    fields = item["data_fields"]
    assert (fields["ID"], fields["frames"], fields["parameters/tr"]) == ("1", 7, 2.3)
    assert isinstance(fields["xnat_imageScanData_id"], int)
    resource = _children(item)["file"][0]
    assert resource["meta"]["xsi:type"] == "xnat:resourceCatalog"
    assert {"label": "DICOM", "file_count": 1, "format": "DICOM"}.items() <= resource["data_fields"].items()


@pytest.mark.rule("json-children")
def test_items_of_a_session_are_children_by_their_path(api: Session, subject: str) -> None:
    children = _children(item_of(api, f"{subject}/experiments/S1_MRI"))
    assert {"scans/scan", "assessors/assessor", "resources/resource"} <= set(children)
    below = _children(item_of(api, subject))
    assert below["experiments/experiment"][0]["data_fields"]["label"] == "S1_MRI"
    assert below["demographics"][0]["data_fields"]["gender"] == "male"


@pytest.mark.rule("xml-round-trip")
def test_document_that_was_read_may_be_put_again(api: Session, subject: str) -> None:
    for path in (subject, f"{subject}/experiments/S1_MRI", f"{subject}/experiments/S1_MRI/scans/1"):
        before = api.get(path, params={"format": "xml"}).content
        answer = api.put(path, data=before, headers={"Content-Type": "text/xml"})
        assert answer.status_code in {200, 201}, answer.text
        assert api.get(path, params={"format": "xml"}).content == before
