"""What is in a list: filters, joined types, custom variables, shared objects, and what the caller may read."""

from __future__ import annotations

import csv
import io

import pytest
from xnat_twin.testing import Practice, Session, XnatServer

MR = {"xsiType": "xnat:mrSessionData"}
PET = {"xsiType": "xnat:petSessionData"}


def _rows(http: Session, path: str, **params: str) -> list[dict[str, str]]:
    answer = http.get(path, params={"format": "csv", **params})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def _labels(http: Session, path: str, **params: str) -> set[str]:
    return {row["label"] for row in _rows(http, path, columns="label,ID", **params)}


@pytest.fixture
def cohort(api: Session, project: str) -> str:
    """Subjects AB1 (yob 1950), ab2 (1961) and XAB3, with sessions M1 (2020-03-01), M2 (2020-04-01, both MR) and P3."""
    path = f"/data/projects/{project}"
    for label, params in (("AB1", {"yob": "1950", "group": "a<b"}), ("ab2", {"yob": "1961"}), ("XAB3", {})):
        api.put(f"{path}/subjects/{label}", params=params).raise_for_status()
    for subject, label, params in (
        ("AB1", "M1", {**MR, "date": "2020-03-01", "note": "first"}),
        ("ab2", "M2", {**MR, "date": "2020-04-01"}),
        ("XAB3", "P3", {**PET, "date": "2021-04-01"}),
    ):
        api.put(f"{path}/subjects/{subject}/experiments/{label}", params=params).raise_for_status()
    return path


@pytest.mark.rule("table-filters", "table-filter-text")
def test_filters(api: Session, cohort: str) -> None:
    subjects, experiments = f"{cohort}/subjects", f"{cohort}/experiments"
    assert _labels(api, subjects, label="AB1") == {"AB1"}
    assert _labels(api, subjects, label="ab1") == _labels(api, subjects, label="NULL") == set()
    assert _labels(api, subjects, label="AB1,XAB3,none") == {"AB1", "XAB3"}
    assert _labels(api, subjects, label="AB1,ab2", yob="1961") == {"ab2"}
    assert _labels(api, subjects, group="a<b") == {"AB1"}
    assert _labels(api, experiments, **{"xnat:mrSessionData/note": "first"}) == {"M1"}
    assert _labels(api, experiments, **{"xnat:subjectData/label": "ab2", "note": "first"}) == set()
    assert _labels(api, experiments, subject_label="XAB3") == {"P3"}


@pytest.mark.rule("table-filter-wildcards")
@pytest.mark.parametrize(
    ("pattern", "labels"),
    [
        ("AB*", {"AB1", "ab2", "XAB3"}),
        ("%3", {"XAB3"}),
        ("A*1", {"AB1"}),
        ("a_2%", {"ab2"}),
        ("*", {"AB1", "ab2", "XAB3"}),
        ("XAB3,*1", {"AB1", "XAB3"}),
    ],
)
def test_wildcards_find_text_inside(api: Session, cohort: str, pattern: str, labels: set[str]) -> None:
    assert _labels(api, f"{cohort}/subjects", label=pattern) == labels


@pytest.mark.rule("table-filter-dates")
def test_dates(api: Session, cohort: str) -> None:
    path = f"{cohort}/experiments"
    assert _labels(api, path, date="03/01/2020") == _labels(api, path, date="20200301") == {"M1"}
    assert _labels(api, path, date="03/01/2020-04/01/2020") == {"M1", "M2"}
    assert _labels(api, path, date="04/01/2021,03/01/2020") == {"M1", "P3"}
    assert _labels(api, path, insert_date="01/01/2000-01/01/2100") == {"M1", "M2", "P3"}
    assert api.get("/data/experiments", params={"date": "2020-03-01"}).status_code == 500
    answer = api.get(path, params={"date": "2020-03-01"})
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.rule("table-filter-numbers")
def test_numbers(api: Session, cohort: str) -> None:
    path = f"{cohort}/subjects"
    assert _labels(api, path, yob="1950.0") == {"AB1"}
    assert _labels(api, path, yob="1950-1961") == {"AB1", "ab2"}
    assert _labels(api, path, yob="-1950") == set()
    assert api.get(path, params={"yob": "old"}).status_code == 500


@pytest.mark.rule("table-filter-empty")
def test_filter_without_a_value(api: Session, cohort: str) -> None:
    path = f"{cohort}/subjects"
    assert _labels(api, path, label="") == _labels(api, path, **{"xnat:subjectData/no": "x"}) == {"AB1", "ab2", "XAB3"}
    assert api.get(path, params={"label": "", "yob": "1950"}).status_code == 500


@pytest.mark.rule("table-custom-variables", "table-predicates-ignored")
def test_custom_variables(api: Session, cohort: str) -> None:
    session = f"{cohort}/subjects/AB1/experiments/M1"
    for name, value in (("one", "1"), ("two", "2")):
        api.put(session, params={f"xnat:mrSessionData/fields/field[name={name}]/field": value}).raise_for_status()
    name, value = "xnat:mrsessiondata/fields/field/name", "xnat:mrsessiondata/fields/field/field"
    rows = _rows(api, f"{cohort}/experiments", columns=f"label,{name},{value}")
    assert {(row["label"], row[name], row[value]) for row in rows} == {
        ("M1", "one", "1"), ("M1", "two", "2"), ("M2", "", ""),
    }  # fmt: skip
    assert _labels(api, f"{cohort}/experiments", **{name: "one", value: "1"}) == {"M1"}
    assert _labels(api, f"{cohort}/experiments", **{name: "one", value: "2"}) == set()
    one = "xnat:mrsessiondata/fields/field[name=one]/field"
    assert {row[one] for row in _rows(api, f"{cohort}/experiments", columns=one)} == {"1", "2", ""}


@pytest.mark.rule("table-joins")
def test_scans_and_their_resources_join_their_session(api: Session, cohort: str) -> None:
    session = f"{cohort}/subjects/AB1/experiments/M1"
    for scan in ("1", "2"):
        api.put(f"{session}/scans/{scan}", params={"xsiType": "xnat:mrScanData", "type": "T1"}).raise_for_status()
    for label in ("NIFTI", "DICOM"):
        api.put(f"{session}/scans/1/resources/{label}").raise_for_status()
    names = ["xnat:imagescandata/id", "xnat:imagescandata/type", "xnat:imagescandata/file/label"]
    columns = ",".join(["ID", "URI", "label", "subject_label", "project", "xnat:imagesessiondata/subject_id", *names])
    for path in (f"{cohort}/experiments", "/REST/experiments"):
        params = {"project": cohort.rpartition("/")[2], "xsiType": "xnat:imagesessiondata", "columns": columns}
        rows = _rows(api, path, **params)
        assert {(row["label"], row["subject_label"], *(row[name] for name in names)) for row in rows} == {
            ("M1", "AB1", "1", "T1", "NIFTI"),
            ("M1", "AB1", "1", "T1", "DICOM"),
            ("M1", "AB1", "2", "T1", ""),
            ("M2", "ab2", "", "", ""),
            ("P3", "XAB3", "", "", ""),
        }
        assert len(rows) == 5
    inside = [name.replace("imagescandata", "imagesessiondata/scans/scan") for name in names[:2]]
    rows = _rows(api, f"{cohort}/experiments", columns=f"label,{','.join(inside)}", **MR, label="M1")
    assert [(row[inside[0]], row[inside[1]]) for row in rows] == [("1", "T1"), ("2", "T1")]
    assert _labels(api, f"{cohort}/experiments", **{"xnat:imageScanData/type": "T1"}) == {"M1"}


@pytest.mark.rule("table-joins", "table-cannot-join")
def test_other_joins(api: Session, cohort: str) -> None:
    column = "xnat:mrsessiondata/label"
    rows = _rows(api, f"{cohort}/subjects", columns=f"label,{column}", sortBy="label")
    assert [(row["label"], row[column]) for row in rows] == [("AB1", "M1"), ("XAB3", ""), ("ab2", "M2")]
    rows = _rows(api, f"{cohort}/experiments", columns="label,subject_label", sortBy="label")
    assert [row["subject_label"] for row in rows] == ["AB1", "ab2", "XAB3"]
    scans = f"{cohort}/subjects/AB1/experiments/M1/scans"
    api.put(f"{scans}/1", params={"xsiType": "xnat:mrScanData"}).raise_for_status()
    [row] = _rows(api, scans, columns="ID,xnat:mrSessionData/label,xnat:subjectData/label")
    assert (row["xnat:mrsessiondata/label"], row["xnat:subjectdata/label"]) == ("M1", "AB1")
    for params in ({"columns": "xnat:subjectData/label"}, {"xnat:subjectData/label": "AB1"}):
        assert api.get("/data/projects", params=params).status_code == 500
    assert api.get("/data/experiments", params={"xsiType": "xnat:subjectData"}).status_code == 500
    born = "xnat:demographicData/yob"
    rows = _rows(api, f"{cohort}/subjects", columns=f"label,{born}", sortBy="label")
    assert [row[born.lower()] for row in rows] == ["1950", "", "1961"]


@pytest.mark.rule("table-shared-labels", "table-readable-only")
def test_shared_objects_have_the_labels_of_their_project(api: Session, xnat: XnatServer, cohort: str) -> None:
    guest = xnat.new_project()
    for path, label in (("subjects/AB1", "S1"), ("subjects/AB1/experiments/M1", "E1")):
        api.put(f"{cohort}/{path}/projects/{guest}", params={"label": label}).raise_for_status()
    home = cohort.rpartition("/")[2]
    [subject] = _rows(api, f"/data/projects/{guest}/subjects")
    assert (subject["label"], subject["project"]) == ("S1", home)
    [row] = _rows(api, f"/data/projects/{guest}/experiments", columns="label,subject_label,project")
    assert (row["label"], row["subject_label"], row["project"]) == ("E1", "S1", guest)
    params = {"columns": "label,project", "xsiType": "xnat:imageSessionData"}
    [row] = _rows(api, f"/data/projects/{guest}/experiments", **params)
    assert (row["label"], row["project"]) == ("M1", home)
    reader = xnat.session(*xnat.new_user(guest, "Collaborators"))
    assert {row["label"] for row in _rows(reader, "/data/subjects")} >= {"AB1"}
    assert {row["label"] for row in _rows(reader, "/data/subjects", project=home)} == {"AB1"}
    assert {row["label"] for row in _rows(reader, "/data/experiments", project=home)} == {"M1"}
    shared = _rows(api, "/data/experiments", **{"xnat:experimentData/sharing/share/project": guest})
    assert {row["label"] for row in shared} == {"M1"}


@pytest.mark.rule("table-protected-project", "table-readable-only")
def test_stranger_sees_no_data_of_a_protected_project(api: Session, xnat: XnatServer, project: str) -> None:
    protected, public = xnat.new_project("protected"), xnat.new_project("public")
    for one in (protected, public, project):
        api.put(f"/data/projects/{one}/subjects/S1/experiments/E1", params=MR).raise_for_status()
    stranger = xnat.session(*xnat.new_user())
    for kind in ("subjects", "experiments"):
        answers = [stranger.get(f"/data/projects/{one}/{kind}").status_code for one in (protected, public, project)]
        assert answers == [403, 200, 404]
        seen = {row["project"] for row in _rows(stranger, f"/data/{kind}")}
        assert public in seen
        assert not {protected, project} & seen


@pytest.mark.practice_xnat("needs a site without public projects")
@pytest.mark.rule("table-site-needs-a-project")
def test_list_of_all_subjects_needs_a_project(practice: Practice) -> None:
    server = practice(name="no-public-project")
    stranger = server.session(*server.new_user())
    before = stranger.get("/data/subjects").status_code
    server.new_project("public")
    assert (before, stranger.get("/data/subjects").status_code) == (500, 200)
    assert stranger.get("/data/experiments").status_code == 200
