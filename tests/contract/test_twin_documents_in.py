"""XNAT's contract, section 0.5: XML documents that clients send, and what they change."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from object_helpers import item_of
from xnat_twin.testing import Session, XnatServer

NAMESPACES = 'xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
XML = {"Content-Type": "text/xml"}


def _document(root: str, attributes: str = "", content: str = "") -> str:
    return f"<xnat:{root} {NAMESPACES} {attributes}>{content}</xnat:{root}>"


def _put(api: Session, path: str, document: str, **params: str) -> requests.Response:
    return api.put(path, params=params, data=document, headers=XML)


def _below(api: Session, path: str) -> dict[str, list[dict[str, Any]]]:
    """The fields of the items in an object, by where they are."""
    return {
        child["field"]: [item["data_fields"] for item in child["items"]] for child in item_of(api, path)["children"]
    }


def _session_xml(api: Session, session: str, content: str = "", attributes: str = "") -> str:
    """A document of an existing session that says whose it is."""
    fields = item_of(api, session)["data_fields"]
    given = f'ID="{fields["ID"]}" project="{fields["project"]}" label="{fields["label"]}" {attributes}'
    before, mark, after = content.partition("<xnat:scans>")
    subject = f"<xnat:subject_ID>{fields['subject_ID']}</xnat:subject_ID>"
    return _document("MRSession", given, f"{before}{subject}{mark}{after}")


@pytest.fixture
def full_session(api: Session, xnat: XnatServer, session: str, scan: str) -> str:
    """A session that has fields, a scan, an assessor, a resource and a share."""
    api.put(session, params={"date": "2020-01-02", "note": "first"}).raise_for_status()
    api.put(f"{session}/assessors/QC", params={"xsiType": "xnat:qcManualAssessorData"}).raise_for_status()
    api.put(f"{session}/resources/NOTES").raise_for_status()
    api.put(f"{session}/projects/{xnat.new_project()}", params={"label": "Elsewhere"}).raise_for_status()
    return session


@pytest.mark.rule("xml-merge")
def test_what_a_document_does_not_say_stays(api: Session, full_session: str) -> None:
    document = _session_xml(api, full_session, "<xnat:note>second</xnat:note>")
    assert _put(api, full_session, document).status_code in {200, 201}
    fields = item_of(api, full_session)["data_fields"]
    assert (fields["note"], fields["date"]) == ("second", "2020-01-02")
    assert {"scans/scan", "assessors/assessor", "resources/resource", "sharing/share"} <= set(_below(api, full_session))


@pytest.mark.rule("xml-whole-experiment")
def test_document_of_an_experiment_is_the_whole_truth_where_data_may_be_deleted(
    api: Session, full_session: str
) -> None:
    document = _session_xml(api, full_session, "<xnat:note>second</xnat:note>")
    assert _put(api, full_session, document, allowDataDeletion="true").status_code in {200, 201}
    fields = item_of(api, full_session)["data_fields"]
    assert fields["note"] == "second"
    assert "date" not in fields
    gone = {"scans/scan", "assessors/assessor", "resources/resource", "sharing/share"}
    assert not gone & set(_below(api, full_session))


@pytest.mark.rule("xml-whole-scan")
def test_document_of_a_scan_takes_nothing_away(api: Session, scan: str) -> None:
    api.put(scan, params={"note": "n", "quality": "usable"}).raise_for_status()
    document = _document("MRScan", 'ID="1" type="T2"', "<xnat:quality>questionable</xnat:quality>")
    assert _put(api, scan, document).status_code == 200
    fields = item_of(api, scan)["data_fields"]
    assert (fields["type"], fields["quality"], fields["note"]) == ("T2", "questionable", "n")
    assert _put(api, scan, document, allowDataDeletion="true").status_code == 200
    assert item_of(api, scan)["data_fields"] == fields


@pytest.mark.rule("xml-whole-subject")
def test_document_of_a_subject_empties_only_the_items_that_it_has(api: Session, project: str) -> None:
    """It is read into the subject as it is stored, so what it does not mention is there in any case."""
    path = f"/data/projects/{project}/subjects/S1"
    api.put(path, params={"group": "G", "gender": "male", "yob": "1950"}).raise_for_status()
    api.put(f"{path}/experiments/E1", params={"xsiType": "xnat:mrSessionData"}).raise_for_status()
    attributes = f'project="{project}" label="S1" src="X"'
    assert _put(api, path, _document("Subject", attributes), allowDataDeletion="true").status_code == 200
    assert {"group": "G", "src": "X"}.items() <= item_of(api, path)["data_fields"].items()
    assert _below(api, path)["demographics"][0]["gender"] == "male"
    demographics = '<xnat:demographics xsi:type="xnat:demographicData"><xnat:yob>1951</xnat:yob></xnat:demographics>'
    document = _document("Subject", attributes, demographics)
    assert _put(api, path, document).status_code == 200
    assert {"gender": "male", "yob": 1951}.items() <= _below(api, path)["demographics"][0].items()
    assert _put(api, path, document, allowDataDeletion="true").status_code == 200
    assert "gender" not in _below(api, path)["demographics"][0]
    assert item_of(api, path)["data_fields"]["group"] == "G"
    assert "experiments/experiment" in _below(api, path)


@pytest.mark.rule("xml-whole-subject")
def test_document_of_a_subject_is_the_whole_truth_if_nothing_is_loaded(api: Session, project: str) -> None:
    path = f"/data/projects/{project}/subjects/S1"
    identifier = api.put(path, params={"group": "G", "gender": "male"}).text
    document = _document("Subject", f'ID="{identifier}" project="{project}" label="S1" src="X"')
    answer = _put(api, path, document, allowDataDeletion="true", loadExisting="false")
    assert answer.status_code == 200
    assert "group" not in item_of(api, path)["data_fields"]
    assert "demographics" not in _below(api, path)


@pytest.mark.rule("xml-whole-project")
def test_document_of_a_project_takes_nothing_away(api: Session, project: str) -> None:
    path = f"/data/projects/{project}"
    api.put(path, params={"description": "D", "pi_firstname": "A", "pi_lastname": "B"}).raise_for_status()
    document = _document("Project", f'ID="{project}"', f"<xnat:name>{project}</xnat:name>")
    assert _put(api, path, document, allowDataDeletion="true").status_code == 200
    assert item_of(api, path)["data_fields"]["description"] == "D"
    assert _below(api, path)["PI"][0]["lastname"] == "B"


@pytest.mark.rule("xml-lists")
def test_entries_of_a_list_are_found_again_by_their_content(api: Session, project: str) -> None:
    path = f"/data/projects/{project}"

    def investigator(name: str) -> str:
        inside = f"<xnat:firstname>A</xnat:firstname><xnat:lastname>{name}</xnat:lastname>"
        return f"<xnat:investigator>{inside}</xnat:investigator>"

    both = f"<xnat:investigators>{investigator('B')}{investigator('C')}</xnat:investigators>"
    for content in (both, both, f"<xnat:investigators>{investigator('C')}</xnat:investigators>"):
        assert _put(api, path, _document("Project", f'ID="{project}"', content)).status_code == 200
    found = _below(api, path)["investigators/investigator"]
    assert [entry["lastname"] for entry in found] == ["B", "C"]


_SCANS = (
    '<xnat:scans><xnat:scan ID="1" type="T1" xsi:type="xnat:mrScanData"><xnat:frames>7</xnat:frames>'
    "<xnat:parameters><xnat:tr>2.5</xnat:tr></xnat:parameters></xnat:scan>"
    '<xnat:scan ID="2" xsi:type="xnat:otherDicomScanData"/></xnat:scans>'
)


@pytest.mark.rule("xml-nested-in")
def test_scans_of_a_document_are_made_and_changed(api: Session, session: str) -> None:
    assert _put(api, session, _session_xml(api, session, _SCANS)).status_code in {200, 201}
    scan = item_of(api, f"{session}/scans/1")
    assert scan["meta"]["xsi:type"] == "xnat:mrScanData"
    assert {"type": "T1", "frames": 7, "parameters/tr": 2.5}.items() <= scan["data_fields"].items()
    assert item_of(api, f"{session}/scans/2")["meta"]["xsi:type"] == "xnat:otherDicomScanData"
    assert _put(api, session, _session_xml(api, session, _SCANS.replace("T1", "T2"))).status_code in {200, 201}
    assert [entry["type"] for entry in _below(api, session)["scans/scan"] if entry["ID"] == "1"] == ["T2"]


@pytest.mark.rule("xml-nested-in")
def test_subject_with_experiments_and_assessors_is_made_at_once(api: Session, xnat: XnatServer, project: str) -> None:
    session, assessor = xnat.new_id("E"), xnat.new_id("A")
    inside = f'<xnat:assessor ID="{assessor}" label="QC" project="{project}" xsi:type="xnat:qcManualAssessorData">'
    inside = f"{inside}<xnat:imageSession_ID>{session}</xnat:imageSession_ID></xnat:assessor>"
    start = f'<xnat:experiment ID="{session}" label="E1" project="{project}" xsi:type="xnat:mrSessionData">'
    experiment = f"{start}{_SCANS}<xnat:assessors>{inside}</xnat:assessors></xnat:experiment>"
    content = f"<xnat:experiments>{experiment}</xnat:experiments>"
    path = f"/data/projects/{project}/subjects/S1"
    answer = _put(api, path, _document("Subject", f'project="{project}" label="S1"', content))
    assert answer.status_code == 201
    made = item_of(api, f"/data/experiments/{session}")
    assert made["data_fields"]["subject_ID"] == answer.text
    assert {entry["ID"] for entry in _below(api, f"{path}/experiments/E1")["scans/scan"]} == {"1", "2"}
    assert item_of(api, f"{path}/experiments/E1/assessors/QC")["data_fields"]["ID"] == assessor


@pytest.mark.rule("xml-nested-ids")
@pytest.mark.parametrize(
    ("content", "status"),
    [
        ('<xnat:scans><xnat:scan type="T1" xsi:type="xnat:mrScanData"/></xnat:scans>', 400),
        ('<xnat:assessors><xnat:assessor label="QC" xsi:type="xnat:qcManualAssessorData"/></xnat:assessors>', 400),
    ],
)
def test_nested_objects_need_their_ids(api: Session, session: str, content: str, status: int) -> None:
    assert _put(api, session, _session_xml(api, session, content)).status_code == status


@pytest.mark.rule("xml-nested-ids")
def test_nested_experiment_needs_an_id_and_a_label(api: Session, xnat: XnatServer, project: str) -> None:
    path = f"/data/projects/{project}/subjects/S1"
    for given, status in (('label="E1"', 400), (f'ID="{xnat.new_id("E")}"', 500)):
        experiment = f'<xnat:experiment {given} project="{project}" xsi:type="xnat:mrSessionData"/>'
        content = f"<xnat:experiments>{experiment}</xnat:experiments>"
        answer = _put(api, path, _document("Subject", f'project="{project}" label="S1"', content))
        assert answer.status_code == status


@pytest.mark.rule("xml-resources-in")
def test_resources_of_a_document_are_made(api: Session, session: str) -> None:
    catalog = '<xnat:resource label="R" URI="R/c.xml" format="NIFTI" content="C" xsi:type="xnat:resourceCatalog">'
    tags = "<xnat:tags><xnat:tag>t1</xnat:tag></xnat:tags>"
    content = f"<xnat:resources>{catalog}{tags}</xnat:resource></xnat:resources>"
    for _ in range(2):
        assert _put(api, session, _session_xml(api, session, content)).status_code in {200, 201}
    (row,) = api.get(f"{session}/resources", params={"format": "json"}).json()["ResultSet"]["Result"]
    assert (row["label"], row["format"], row["content"], row["tags"]) == ("R", "NIFTI", "C", "t1")


@pytest.mark.rule("xml-resources-in")
def test_resource_elsewhere_is_refused(api: Session, session: str) -> None:
    for uri in ("/etc/passwd", "../../x.xml"):
        resource = f'<xnat:resource label="R" URI="{uri}" xsi:type="xnat:resourceCatalog"/>'
        answer = _put(api, session, _session_xml(api, session, f"<xnat:resources>{resource}</xnat:resources>"))
        assert answer.status_code == 400


@pytest.mark.rule("xml-refused")
@pytest.mark.parametrize(
    "document",
    [
        "<xnat:Subject",
        "no document",
        '<?xml version="1.0" encoding="nope"?><a/>',
        f"<!DOCTYPE x [<!ENTITY e 'e'>]>{_document('Subject', 'label=&quot;S1&quot;')}".replace("&quot;", '"'),
        _document("NoSuchThing"),
        '<Subject xmlns="http://nrg.wustl.edu/nosuch"/>',
        _document("Subject", content="<xnat:colour>red</xnat:colour>"),
        _document("Subject", content="<xnat:demographics><xnat:colour>red</xnat:colour></xnat:demographics>"),
    ],
)
def test_document_that_cannot_be_read_is_422(api: Session, project: str, document: str) -> None:
    path = f"/data/projects/{project}/subjects/S1"
    assert _put(api, path, document).status_code == 422
    assert api.get(path).status_code == 404


@pytest.mark.rule("xml-lenient")
def test_unknown_attributes_of_the_root_and_empty_elements_are_passed_over(api: Session, project: str) -> None:
    path = f"/data/projects/{project}/subjects/S1"
    document = _document("Subject", f'colour="red" ID="" project="{project}" label="S1" group="G"', "<xnat:colour/>")
    assert _put(api, path, document).status_code == 201
    assert item_of(api, path)["data_fields"]["group"] == "G"


@pytest.mark.rule("xml-values-in")
@pytest.mark.parametrize("content", ["<xnat:date>yesterday</xnat:date>", "<xnat:time>noon</xnat:time>"])
def test_value_that_does_not_fit_is_400_and_nothing_is_stored(api: Session, session: str, content: str) -> None:
    assert _put(api, session, _session_xml(api, session, f"{content}<xnat:note>n</xnat:note>")).status_code == 400
    assert "note" not in item_of(api, session)["data_fields"]


@pytest.mark.rule("xml-values-in")
def test_value_that_does_not_fit_in_a_nested_scan_is_400(api: Session, session: str) -> None:
    document = _session_xml(api, session, f"<xnat:note>n</xnat:note>{_SCANS.replace('7', 'many')}")
    assert _put(api, session, document).status_code == 400
    assert "note" not in item_of(api, session)["data_fields"]
    assert "scans/scan" not in _below(api, session)
