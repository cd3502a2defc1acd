"""XNAT's contract, section 11: `/xapi/archive/upload/xml`, one object from an XML document."""

from __future__ import annotations

import pytest
import requests
from xnat_twin.testing import Session, XnatServer

UPLOAD = "/xapi/archive/upload/xml"
KEEP = {"allowDataDeletion": "false"}
NAMESPACES = 'xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def _put(http: Session, document: str, content_type: str = "application/xml", **params: str) -> requests.Response:
    return http.put(UPLOAD, params=params or KEEP, data=document, headers={"Content-Type": content_type})


def _subject(project: str, gender: str, start: str = "", identifier: str = "") -> str:
    demographics = f'<xnat:demographics xsi:type="xnat:demographicData"><xnat:gender>{gender}</xnat:gender>'
    inside = f"{demographics}</xnat:demographics>"
    return f'{start}<xnat:Subject {NAMESPACES} ID="{identifier}" project="{project}" label="S1">{inside}</xnat:Subject>'


@pytest.mark.rule("xml-upload")
def test_subject_and_session_are_made_and_changed(api: Session, project: str) -> None:
    answer = _put(api, _subject(project, "male"))
    assert answer.status_code == 200
    subject = answer.text.removeprefix("/archive/subjects/")
    assert api.get(f"/data/projects/{project}/subjects/{subject}").status_code == 200
    again = _put(api, _subject(project, "female", identifier=subject), "text/plain")
    assert again.text == f"/archive/subjects/{subject}"
    assert _put(api, _subject(project, "male")).status_code == 500, "a new subject, whose label is taken"
    item = api.get(f"/data/projects/{project}/subjects/S1", params={"format": "json"}).json()["items"][0]
    assert item["children"][0]["items"][0]["data_fields"]["gender"] == "female"
    session = (
        f'<xnat:MRSession {NAMESPACES} project="{project}" label="S1_MRI"><xnat:date>2024-05-01</xnat:date>'
        f"<xnat:subject_ID>{subject}</xnat:subject_ID></xnat:MRSession>"
    )
    made = _put(api, session)
    assert made.status_code == 200
    assert made.text.startswith("/archive/experiments/")
    found = api.get(f"/data/projects/{project}/experiments/S1_MRI", params={"format": "json"}).json()["items"][0]
    assert (found["data_fields"]["date"], found["data_fields"]["subject_ID"]) == ("2024-05-01", subject)


@pytest.mark.rule("xml-upload-whole")
def test_document_is_the_whole_truth_where_data_may_be_deleted(api: Session, project: str) -> None:
    address = f"/data/projects/{project}/subjects/S1"
    subject = api.put(address, params={"group": "G", "gender": "male"}).text
    fields = f'ID="{subject}" project="{project}" label="S1" src="X"'
    document = f"<xnat:Subject {NAMESPACES} {fields}/>"
    assert _put(api, document).status_code == 200
    item = api.get(address, params={"format": "json"}).json()["items"][0]
    assert (item["data_fields"]["group"], item["data_fields"]["src"]) == ("G", "X")
    assert _put(api, document, allowDataDeletion="true").status_code == 200
    item = api.get(address, params={"format": "json"}).json()["items"][0]
    assert "group" not in item["data_fields"]
    assert "demographics" not in {child["field"] for child in item["children"]}


@pytest.mark.rule("xml-upload-scan")
def test_scan_is_added_to_its_session_and_replaced_with_its_files(api: Session, project: str) -> None:
    address = f"/data/projects/{project}/subjects/S1/experiments/E1"
    session = api.put(address, params={"xnat:mrSessionData/date": "2020-01-01"}).text
    document = (
        f'<xnat:MRScan {NAMESPACES} ID="1" type="T1"><xnat:image_session_ID>{session}</xnat:image_session_ID>'
        "</xnat:MRScan>"
    )
    made = _put(api, document)
    assert (made.status_code, made.text) == (200, f"/archive/experiments/{session}/scans/1")
    file = f"{address}/scans/1/resources/R/files/a.txt?inbody=true"
    assert api.put(file, data=b"a").status_code == 200
    assert _put(api, document).status_code == 500
    assert _put(api, document, allowDataDeletion="true").status_code == 200
    assert api.get(file).status_code == 404
    assert api.get(f"{address}/scans/1").status_code == 200
    assert _put(api, document.replace(session, "nosuch")).status_code == 500


@pytest.mark.rule("xml-upload-private")
def test_new_project_is_private(xnat: XnatServer, api: Session) -> None:
    name = xnat.new_id()
    document = f'<xnat:Project {NAMESPACES} ID="{name}"><xnat:name>{name}</xnat:name></xnat:Project>'
    assert _put(api, document).text == f"/archive/projects/{name}"
    assert api.get(f"/data/projects/{name}/accessibility").text == "private"


@pytest.mark.rule("xml-upload")
def test_document_comes_as_a_part_of_a_form_as_well(api: Session, project: str) -> None:
    answer = api.post(UPLOAD, files={"item": ("s.xml", _subject(project, "male").encode())})
    assert answer.status_code == 200
    assert answer.text.startswith("/archive/subjects/")


@pytest.mark.rule("xml-upload-500")
def test_document_that_cannot_be_used_is_500(api: Session, project: str) -> None:
    assert _put(api, _subject(project, "male", '<!DOCTYPE x [<!ENTITY e "e">]>')).status_code == 500
    assert _put(api, "<xnat:Subject").status_code == 500
    assert _put(api, _subject("nosuch_project", "male")).status_code == 500
    assert _put(api, _subject(project, "male"), inbody="true").status_code == 500  # without allowDataDeletion
    assert api.get(f"/data/projects/{project}/subjects/S1").status_code == 404


@pytest.mark.rule("xml-upload-204")
def test_no_document_is_204_and_other_types_415(api: Session, project: str) -> None:
    assert _put(api, " ").status_code == 204
    assert _put(api, _subject(project, "male"), "application/json").status_code == 415


@pytest.mark.rule("xml-upload-500")
def test_who_may_not_make_the_object_is_told_so_with_500(xnat: XnatServer, project: str) -> None:
    reader = xnat.session(*xnat.new_user(project, "Collaborators"))
    assert _put(reader, _subject(project, "male")).status_code == 500
    assert requests.put(f"{xnat.url}{UPLOAD}").status_code == 401
