"""XNATpy against XNAT: projects, subjects, sessions, assessors, scans and their fields, shared, renamed and deleted."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["client_fixtures"]

Rows = Callable[..., list[dict[str, str]]]
exceptions: Any = importlib.import_module("xnat.exceptions")


@pytest.fixture
def other(xnat: XnatServer, api: Session) -> Iterator[str]:
    """The ID of another project."""
    identifier = xnat.new_project()
    yield identifier
    api.delete(f"/data/projects/{identifier}", params={"removeFiles": "true"})


@pytest.fixture
def subject(xnatpy: Any, project: str) -> Any:
    """Subject `S1`, made by XNATpy."""
    return xnatpy.classes.SubjectData(parent=xnatpy.projects[project], label="S1")


@pytest.fixture
def mr_session(xnatpy: Any, subject: Any) -> Any:
    """MR session `S1_MRI` of the subject, made by XNATpy."""
    return xnatpy.classes.MrSessionData(parent=subject, label="S1_MRI")


@pytest.fixture
def item(api: Session) -> Callable[[str], tuple[dict[str, Any], dict[str, dict[str, str]]]]:
    """`item(path)`: the fields of an object, and its custom variables."""

    def read(path: str) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
        [found] = api.get(path, params={"format": "json"}).json()["items"]
        lists: dict[str, dict[str, str]] = {}
        for child in found["children"]:
            for one in child["items"]:
                fields = one["data_fields"]
                if "name" in fields:
                    value = fields.get("field", fields.get("addField"))
                    lists.setdefault(child["field"], {})[fields["name"]] = value
                else:
                    found["data_fields"] |= {f"{child['field']}/{name}": value for name, value in fields.items()}
        return found["data_fields"], lists

    return read


Item = Callable[[str], tuple[dict[str, Any], dict[str, dict[str, str]]]]


def test_life_of_a_project(xnatpy: Any, xnat: XnatServer, api: Session, item: Item, project: str) -> None:
    """`project` stays: a site without one cannot list its subjects, which XNATpy does when it has deleted something."""
    identifier = xnat.new_id()
    mine = xnatpy.classes.ProjectData(parent=xnatpy.projects, id_=identifier, name=f"{identifier}_name")
    try:
        assert mine.id == identifier
        mine.description = "Made with XNATpy"
        mine.keywords = "practice"
        mine.pi.lastname = "Doe"
        mine.fields["site"] = "Oxford"
        fields, lists = item(f"/data/projects/{identifier}")
        assert fields["name"] == f"{identifier}_name"
        assert (fields["description"], fields["keywords"]) == ("Made with XNATpy", "practice")
        assert fields["PI/lastname"] == mine.pi.lastname == "Doe"
        assert lists["fields/field"] == {"site": "Oxford"}
        assert mine.fields["site"] == "Oxford"
        xnatpy.clearcache()
        assert xnatpy.projects[f"{identifier}_name"].id == identifier
    finally:
        mine.delete()
    assert api.get(f"/data/projects/{identifier}").status_code == 404
    xnatpy.clearcache()
    assert identifier not in xnatpy.projects


@pytest.mark.rule("xnatpy-id-in-answer")
def test_life_of_a_subject(xnatpy: Any, subject: Any, project: str, rows: Rows, item: Item) -> None:
    [row] = rows(f"/data/projects/{project}/subjects")
    assert (subject.id, subject.label) == (row["ID"], row["label"]) == (row["ID"], "S1")
    assert subject.uri.endswith(f"/subjects/{row['ID']}")
    assert isinstance(subject.insert_date, dt.datetime)
    demographics = subject.demographics
    demographics.gender = "female"
    demographics.dob = dt.date(1950, 2, 28)
    demographics.height = 170.5
    demographics.education = 12
    subject.group = "control & others"

    fields, _ = item(f"/data/projects/{project}/subjects/S1")
    assert (fields["demographics/gender"], fields["demographics/dob"]) == ("female", "1950-02-28")
    assert (fields["demographics/height"], fields["demographics/education"]) == (170.5, 12)
    assert fields["group"] == "control &amp; others"
    del demographics  # else the list gives it in place of the subject, whose address it has
    xnatpy.clearcache()
    again = xnatpy.projects[project].subjects["S1"]
    assert (again.demographics.gender, again.demographics.dob) == ("female", dt.date(1950, 2, 28))
    assert (again.demographics.height, again.demographics.education) == (170.5, 12)
    del again.demographics.gender
    assert "demographics/gender" not in item(f"/data/projects/{project}/subjects/S1")[0]

    subject.label = "S2"
    assert [row["label"] for row in rows(f"/data/projects/{project}/subjects")] == ["S2"]
    subject.delete()
    assert rows(f"/data/projects/{project}/subjects") == []
    with pytest.raises(exceptions.XNATObjectDestroyedError):
        assert subject.label


def test_life_of_a_session(xnatpy: Any, subject: Any, mr_session: Any, project: str, rows: Rows, item: Item) -> None:
    path = f"/data/projects/{project}/experiments"
    [row] = rows(path, columns="ID,label,xsiType,subject_label")
    assert (mr_session.id, mr_session.label) == (row["ID"], row["label"]) == (row["ID"], "S1_MRI")
    assert (row["xsiType"], row["subject_label"]) == ("xnat:mrSessionData", "S1")
    mr_session.date = dt.date(2024, 2, 29)
    mr_session.time = dt.time(13, 30, 0)
    mr_session.note = "slept"
    mr_session.age = 74.5
    mr_session.acquisition_site = "Oxford"
    mr_session.scanner.manufacturer = "Practice"
    fields, _ = item(f"{path}/S1_MRI")
    assert (fields["date"], fields["time"], fields["note"]) == ("2024-02-29", "13:30:00", "slept")
    assert (fields["age"], fields["acquisition_site"]) == (74.5, "Oxford")
    assert fields["scanner/manufacturer"] == "Practice"
    xnatpy.clearcache()
    again = xnatpy.projects[project].experiments["S1_MRI"]
    assert (again.date, again.time, again.age) == (dt.date(2024, 2, 29), dt.time(13, 30, 0), 74.5)
    assert again.subject.label == "S1"

    assert mr_session.status == "active"
    mr_session.quarantine()
    assert mr_session.status == "quarantine"
    mr_session.activate()
    mr_session.label = "S1_MR2"
    assert [row["label"] for row in rows(path)] == ["S1_MR2"]
    mr_session.delete()
    assert rows(path) == []


def test_second_session_of_one_label_is_refused_by_the_client(xnatpy: Any, subject: Any, mr_session: Any) -> None:
    """XNAT would change the session that exists, and move it if the subject is another."""
    xnatpy.clearcache()
    with pytest.raises(exceptions.XNATObjectAlreadyExistsError):
        xnatpy.classes.MrSessionData(parent=subject, label="S1_MRI")


def test_life_of_a_scan(xnatpy: Any, mr_session: Any, project: str, rows: Rows, item: Item) -> None:
    scan = xnatpy.classes.MrScanData(parent=mr_session, id="1", type="T1", series_description="T1 MPRAGE")
    path = f"/data/projects/{project}/subjects/S1/experiments/S1_MRI/scans"
    scan.quality = "usable"
    scan.frames = 176
    scan.parameters.tr = 2.3
    scan.parameters.voxel_res.x = 1.5
    scan.parameters.fov.x = 256
    scan.field_strength = "3.0"
    scan.fields["phase"] = "AP"
    [row] = rows(path)
    assert (row["ID"], row["type"], row["quality"]) == ("1", "T1", "usable")
    assert (row["series_description"], row["xsiType"]) == ("T1 MPRAGE", "xnat:mrScanData")
    fields, lists = item(f"{path}/1")
    assert (fields["frames"], fields["parameters/tr"], fields["fieldStrength"]) == (176, 2.3, "3.0")
    assert (fields["parameters/voxelRes/x"], fields["parameters/fov/x"]) == (1.5, 256)
    assert lists["parameters/addParam"] == {"phase": "AP"}

    mr_session.clearcache()
    again = mr_session.scans["1"]
    assert (again.frames, again.parameters.tr, again.parameters.voxel_res.x) == (176, 2.3, 1.5)
    assert mr_session.scans["T1"].id == "1"
    again.delete()
    assert rows(path) == []


def test_life_of_an_image_assessor(xnatpy: Any, mr_session: Any, project: str, rows: Rows, item: Item) -> None:
    assessor = xnatpy.classes.QcManualAssessorData(parent=mr_session, label="S1_QC")
    path = f"/data/projects/{project}/subjects/S1/experiments/S1_MRI/assessors"
    [row] = rows(path)
    assert (row["label"], row["xsiType"]) == ("S1_QC", "xnat:qcManualAssessorData")
    assert assessor.id == row["ID"]
    assessor.rater = "Jane"
    assessor.note = "blurred"
    fields, _ = item(f"{path}/S1_QC")
    assert (fields["rater"], fields["note"]) == ("Jane", "blurred")
    mr_session.clearcache()
    assert mr_session.assessors["S1_QC"].rater == "Jane"
    assessor.delete()
    assert rows(path) == []


@pytest.mark.rule("share-answer")
def test_subject_and_session_are_shared(
    xnatpy: Any, subject: Any, mr_session: Any, other: str, project: str, rows: Rows, api: Session
) -> None:
    subject.share(other, label="guest")
    mr_session.share(other, label="guest_MRI")
    assert [(row["ID"], row["label"]) for row in rows(f"/data/projects/{other}/subjects")] == [(subject.id, "guest")]
    assert [row["label"] for row in rows(f"/data/projects/{other}/experiments")] == ["guest_MRI"]
    xnatpy.clearcache()
    target = xnatpy.projects[other]
    assert target.subjects["guest"].id == subject.id
    assert target.experiments["guest_MRI"].label == "guest_MRI"
    with pytest.raises(exceptions.XNATResponseError, match="409"):
        mr_session.share(other, label="guest_MRI")
    for path in (f"experiments/S1_MRI/projects/{other}", f"subjects/S1/projects/{other}"):
        api.delete(f"/data/projects/{project}/{path}").raise_for_status()
