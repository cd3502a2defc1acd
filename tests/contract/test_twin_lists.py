"""Every list, as CSV and as JSON: its own columns, and those that are asked for. pyxnat wants CSV of all of them."""

from __future__ import annotations

import csv
import io

import pytest
from object_helpers import rows_of
from xnat_twin.testing import Session, XnatServer

_EXPERIMENT = "ID,project,date,xsiType,label,insert_date"
_RESOURCE = (
    "xnat_abstractresource_id,label,element_name,category,cat_id,cat_desc,file_count,file_size,tags,content,format"
)


@pytest.fixture
def full(api: Session, project: str) -> str:
    """A project with S1, E1, scan 1, assessor A1, resource R and a reconstruction of the project's name."""
    path = f"/data/projects/{project}"
    session = f"{path}/subjects/S1/experiments/E1"
    qc = "xnat:qcManualAssessorData"
    for below, params in (
        (f"{path}/subjects/S1", {"gender": "female"}),
        (session, {"xsiType": "xnat:mrSessionData", "date": "2020-01-31"}),
        (f"{session}/scans/1", {"xsiType": "xnat:mrScanData", "type": "T1"}),
        (f"{session}/assessors/A1", {"xsiType": qc, f"{qc}/rater": "me", "date": "2020-02-01"}),
        (f"{session}/reconstructions/{project}", {"type": "mean"}),
        (f"{session}/resources/R", {}),
    ):
        api.put(below, params=params).raise_for_status()
    api.put(f"{session}/resources/R/files/a.txt", params={"inbody": "true"}, data=b"a").raise_for_status()
    return path


SESSION = "{project}/subjects/S1/experiments/E1"
LISTS = {
    "projects": ("/data/projects", "ID,secondary_ID,name,description,pi_firstname,pi_lastname,URI"),
    "subjects": ("/data/subjects", "ID,project,label,insert_date,insert_user,URI"),
    "experiments": ("/data/experiments", f"{_EXPERIMENT},URI"),
    "subjects of a project": ("{project}/subjects", "ID,project,label,insert_date,insert_user,URI"),
    "experiments of a project": ("{project}/experiments", f"xnat:subjectassessordata/id,{_EXPERIMENT},URI"),
    "experiments of a subject": ("{project}/subjects/S1/experiments", f"xnat:subjectassessordata/id,{_EXPERIMENT},URI"),
    "scans": (f"{SESSION}/scans", "xnat_imagescandata_id,ID,type,quality,xsiType,note,series_description,URI"),
    "assessors": (
        f"{SESSION}/assessors",
        "xnat:imageassessordata/id,ID,project,label,date,xsiType,insert_date,session_ID,session_label,URI",
    ),
    "reconstructions": (f"{SESSION}/reconstructions", "xnat_reconstructedimagedata_id,ID,type,baseScanType,URI"),
    "files": (
        f"{SESSION}/resources/R/files",
        "Name,Size,URI,collection,file_tags,file_format,file_content,cat_ID,digest",
    ),
}


def _csv(api: Session, path: str, **params: str) -> tuple[list[str], list[dict[str, str]]]:
    answer = api.get(path, params={"format": "csv", **params})
    assert answer.status_code == 200, answer.text
    reader = csv.DictReader(io.StringIO(answer.content.decode()))
    rows = list(reader)
    return list(reader.fieldnames or []), rows


@pytest.mark.rule("table-default-columns", "table-csv")
@pytest.mark.parametrize("kind", list(LISTS))
def test_default_columns_in_csv_and_json(api: Session, full: str, kind: str) -> None:
    path, columns = LISTS[kind]
    header, rows = _csv(api, path.format(project=full))
    assert header == columns.split(",")
    assert rows
    assert rows == api.get(path.format(project=full), params={"format": "json"}).json()["ResultSet"]["Result"]


@pytest.mark.rule("table-lists-of-a-session")
def test_lists_of_a_session_have_columns_of_their_own_and_of_what_they_belong_to(api: Session, full: str) -> None:
    session = SESSION.format(project=full)
    qc = "xnat:qcManualAssessorData"
    columns = f"ID,URI,label,xsiType,session_label,xnat:mrSessionData/date,{qc}/rater"
    _, [row] = _csv(api, f"{session}/assessors", columns=columns)
    assert (row["label"], row["xsiType"], row["session_label"]) == ("A1", qc, "E1")
    assert (row["xnat:mrsessiondata/date"], row[f"{qc.lower()}/rater"]) == ("2020-01-31", "me")
    assert row["URI"] == f"/data/experiments/{row['ID']}"
    _, [row] = _csv(api, f"{session}/scans", columns="ID,type,xnat:subjectData/demographics/gender,quality")
    assert (row["ID"], row["type"], row["xnat:subjectdata/demographics/gender"]) == ("1", "T1", "female")
    assert row["URI"].endswith("/scans/1")
    _, [row] = _csv(api, f"{session}/reconstructions", columns="ID,type,xnat:imageSessionData/label")
    assert (row["type"], row["xnat:imagesessiondata/label"]) == ("mean", "E1")
    _, [row] = _csv(api, f"{full}/experiments", xsiType="xnat:mrSessionData", columns=f"label,{qc}/label,{qc}/rater")
    assert (row["label"], row[f"{qc.lower()}/label"], row[f"{qc.lower()}/rater"]) == ("E1", "A1", "me")
    for kind, name, xpath in (
        ("scans", "quality", "xnat:imageScanData/quality"),
        ("assessors", "session_label", "xnat:imagesessiondata/label"),
        ("reconstructions", "baseScanType", "xnat:reconstructedImageData/baseScanType"),
    ):
        header, fields = _csv(api, f"{session}/{kind}", fields="true")
        assert header == ["key", "xpath"]
        assert {"key": name, "xpath": xpath} in fields


_DAX = (
    "project,xnat:imagesessiondata/sharing/share/project,subject_label,session_label,session_type,"
    "xnat:imagesessiondata/note,xnat:imagesessiondata/date,tracer_name,xnat:imagesessiondata/acquisition_site,"
    "xnat:imagesessiondata/label,xnat:imageSessionData/dcmPatientId,xnat:imagescandata/id,xnat:imagescandata/type,"
    "xnat:imagescandata/quality,xnat:imagescandata/frames,xnat:imagescandata/file/label"
)


@pytest.mark.rule("table-dax")
def test_scans_of_all_sessions_as_dax_asks_for_them(api: Session, xnat: XnatServer, full: str, project: str) -> None:
    """A row for each resource of each scan; shared sessions by a filter of their own, with their own project."""
    session, other = SESSION.format(project=full), xnat.new_project()
    for label in ("NIFTI", "DICOM"):
        api.put(f"{session}/scans/1/resources/{label}").raise_for_status()
    api.put(f"{session}/scans/2", params={"xsiType": "xnat:mrScanData", "frames": "3"}).raise_for_status()

    def scans(**wanted: str) -> list[dict[str, str]]:
        params = {"xsiType": "xnat:imagesessiondata", "columns": _DAX, "format": "json", **wanted}
        return rows_of(api, "/REST/experiments", **params)

    rows = scans(project=project)
    assert {(row["xnat:imagescandata/id"], row["xnat:imagescandata/file/label"]) for row in rows} == {
        ("1", "NIFTI"),
        ("1", "DICOM"),
        ("2", ""),
    }
    assert {row["session_label"] for row in rows} == {row["subject_label"].replace("S", "E") for row in rows} == {"E1"}
    assert {row["xnat:imagesessiondata/date"] for row in rows} == {"2020-01-31"}
    share = "xnat:imagesessiondata/sharing/share/project"
    assert scans(**{share: other}) == []
    api.put(f"{session}/projects/{other}").raise_for_status()
    shared = scans(**{share: other})
    assert {row["project"] for row in shared} == {project}
    assert len(shared) == len(rows)
