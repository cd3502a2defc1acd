"""pyxnat against XNAT: searches, also saved ones, fields and schemas of data types, and what it prints of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["client_fixtures"]

Rows = Callable[..., list[dict[str, str]]]


@pytest.fixture
def cohort(pyxnat: Any, project: str) -> str:
    """Subjects S1 (female, 1950), S2 (male, 1960), each with an MR session, S1's with a scan; the project's ID."""
    mine = pyxnat.select.project(project)
    for name, gender, year in (("S1", "female", "1950"), ("S2", "male", "1960")):
        mine.subject(name).create(gender=gender, yob=year)
        mine.subject(name).experiment(f"{name}_MRI").create(date=f"{year}-01-31")
    mine.subject("S1").experiment("S1_MRI").scan("1").create(type="T1", frames="176", quality="usable")
    return project


def test_types_and_fields_can_be_discovered(pyxnat: Any, cohort: str) -> None:
    types = pyxnat.inspect.datatypes()
    assert {"xnat:projectData", "xnat:subjectData", "xnat:mrSessionData"} <= set(types)
    fields = pyxnat.inspect.datatypes("xnat:subjectData")
    assert {"xnat:subjectData/DOB", "xnat:subjectData/PROJECT", "xnat:subjectData/GENDER_TEXT"} <= set(fields)
    assert "xnat:mrSessionData/INSERT_DATE" in pyxnat.inspect.datatypes("xnat:mrSessionData", "*")


def test_subjects_are_searched(pyxnat: Any, cohort: str, rows: Rows) -> None:
    ids = {row["label"]: row["ID"] for row in rows(f"/data/projects/{cohort}/subjects")}
    columns = ["xnat:subjectData/PROJECT", "xnat:subjectData/SUBJECT_ID", "xnat:subjectData/GENDER_TEXT"]
    mine = ("xnat:subjectData/PROJECT", "=", cohort)

    found = pyxnat.select("xnat:subjectData", columns).where([mine, "AND"])
    assert {(row["subject_id"], row["gender_text"]) for row in found.data} == {(ids["S1"], "F"), (ids["S2"], "M")}
    older = pyxnat.select("xnat:subjectData", columns).where([mine, ("xnat:subjectData/DOB", "<", "1955-01-01"), "AND"])
    assert [row["subject_id"] for row in older.data] in ([], [ids["S1"]])
    one = pyxnat.select("xnat:subjectData", columns).where(
        [mine, [("xnat:subjectData/SUBJECT_ID", "LIKE", f"*{ids['S2'][-4:]}"), "OR"], "AND"]
    )
    assert [row["subject_id"] for row in one.data] == [ids["S2"]]
    assert all(row["project"] == cohort for row in found.data)


def test_sessions_are_searched(pyxnat: Any, cohort: str, rows: Rows) -> None:
    [wanted] = [row for row in rows(f"/data/projects/{cohort}/experiments") if row["label"] == "S2_MRI"]
    found = pyxnat.select("xnat:mrSessionData", ["xnat:mrSessionData/SESSION_ID", "xnat:mrSessionData/PROJECT"]).where(
        [("xnat:mrSessionData/PROJECT", "=", cohort), ("xnat:mrSessionData/LABEL", "=", "S2_MRI"), "AND"]
    )
    assert [row["session_id"] for row in found.data] == [wanted["ID"]]


def test_collection_is_narrowed_by_a_search(pyxnat: Any, cohort: str, rows: Rows) -> None:
    """To those with an MR session; pyxnat takes a single hit for a list of letters, hence two."""
    pyxnat.select.project(cohort).subject("S3").create()
    ids = {row["label"]: row["ID"] for row in rows(f"/data/projects/{cohort}/subjects")}
    here = ("xnat:mrSessionData/PROJECT", "=", cohort)
    found = pyxnat.select(f"/projects/{cohort}/subjects").where([here, "AND"])
    assert set(found.get()) == {ids["S1"], ids["S2"]}


@pytest.fixture
def saved(pyxnat: Any, xnat: XnatServer, cohort: str) -> Iterator[str]:
    """The name of a saved search for the subjects of the project."""
    name = xnat.new_id("search")
    columns = ["xnat:subjectData/PROJECT", "xnat:subjectData/SUBJECT_ID"]
    pyxnat.manage.search.save(
        name, "xnat:subjectData", columns, [("xnat:subjectData/PROJECT", "=", cohort), "AND"], description="ours"
    )
    yield name
    if name in pyxnat.manage.search.saved():
        pyxnat.manage.search.delete(name)


def test_search_is_saved_run_and_deleted(pyxnat: Any, saved: str, cohort: str, api: Session) -> None:
    assert saved in pyxnat.manage.search.saved()
    assert (saved, "ours") in pyxnat.manage.search.saved(with_description=True)
    assert {row["project"] for row in pyxnat.manage.search.get(saved).data} == {cohort}
    query = pyxnat.manage.search.get(saved, "query")
    assert query["row"] == "xnat:subjectData"
    assert query["constraints"] == [("xnat:subjectData/PROJECT", "=", cohort), "AND"]
    pyxnat.manage.search.delete(saved)
    assert saved not in pyxnat.manage.search.saved()
    assert api.get(f"/data/search/saved/{saved}").status_code == 404


def test_schema_names_the_attributes(pyxnat: Any, project: str) -> None:
    mine = pyxnat.select.project(project)
    assert mine.attrs() == []
    pyxnat.manage.schemas.add("xapi/schemas/xnat")
    assert list(pyxnat.manage.schemas()) == ["xnat"]
    assert {"xnat:projectData/name", "xnat:projectData/description", "xnat:projectData/fields/field"} <= set(
        mine.attrs()
    )


@pytest.mark.rule("pyxnat-prints-by-search")
def test_printed_objects_tell_of_their_content(pyxnat: Any, cohort: str, xnat: XnatServer) -> None:
    mine = pyxnat.select.project(cohort)
    text = str(mine)
    assert text.startswith(f"<Project Object> {cohort} `{cohort}` (private) 2 subjects 2 MR experiments")
    assert f"(owner: {xnat.admin})" in text
    subject = mine.subject("S1")
    assert str(subject).startswith(f"<Subject Object> {subject.id()} `S1` (project: {cohort}) (")
    assert "Gender: F" in str(subject)
    experiment = subject.experiment("S1_MRI")
    assert str(experiment).startswith(f"<Experiment Object> {experiment.id()} `S1_MRI` (subject: {subject.id()} `S1`) ")
    assert f"(project: {cohort}) 1 scan 0 resource (" in str(experiment)
    scan = experiment.scan("1")
    assert str(scan).startswith("<Scan Object> 1 (`T1` 176 frames) usable ")
    scan.resource("NIFTI").file("a.nii").put("text")
    assert str(scan.resource("NIFTI")).endswith("`NIFTI` (1 files 4.00 B)")


def test_printed_objects_that_do_not_exist(pyxnat: Any, project: str) -> None:
    mine = pyxnat.select.project(project)
    assert str(mine.subject("NONE")) == "<Subject Object> NONE"
    assert str(mine.subject("NONE").experiment("NO")) == "<Experiment Object> NO"
    assert str(pyxnat.select.project("NONE")) == "<Project Object> NONE"
