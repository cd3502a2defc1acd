"""pyxnat against XNAT: it connects, and creates, lists, changes, shares and deletes objects.

Files are in test_client_pyxnat_files.py, searches in test_client_pyxnat_search.py. What it did is read back by other
means; rules of single calls are in the tests of the twin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from client_runner import Clients
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["client_fixtures"]

Rows = Callable[..., list[dict[str, str]]]


@pytest.fixture
def subject(pyxnat: Any, project: str) -> Any:
    """Subject `S1`, which does not exist yet."""
    return pyxnat.select.project(project).subject("S1")


@pytest.fixture
def other(xnat: XnatServer, api: Session) -> Iterator[str]:
    """The ID of another project."""
    identifier = xnat.new_project()
    yield identifier
    api.delete(f"/data/projects/{identifier}", params={"removeFiles": "true"})


@pytest.mark.rule("clients-version", "error-page-is-not-well-formed")
def test_version_is_asked_of_1_6_first_and_then_of_build_info(pyxnat: Any, api: Session) -> None:
    assert pyxnat.version() == api.get("/xapi/siteConfig/buildInfo").json()


def test_session_is_kept_and_closed(clients: Clients, project: str, xnat: XnatServer) -> None:
    with clients.pyxnat() as interface:
        assert interface.select.project(project).exists()
        key = interface._jsession.removeprefix("JSESSIONID=").strip("b'")
        anonymous = xnat.session()
        anonymous.auth = None
        anonymous.cookies["JSESSIONID"] = key
        assert anonymous.get(f"/data/projects/{project}").status_code == 200
    assert anonymous.get(f"/data/projects/{project}").status_code == 401


@pytest.mark.rule("pyxnat-wrong-password")
def test_wrong_password_looks_like_an_empty_site(clients: Clients, xnat: XnatServer, project: str) -> None:
    interface = clients.pyxnat(xnat.admin, "wrong")
    assert interface.select.projects().get() == []
    assert not interface.select.project(project).exists()


def test_life_of_a_project(pyxnat: Any, xnat: XnatServer, api: Session, rows: Rows) -> None:
    identifier = xnat.new_id()
    project = pyxnat.select.project(identifier)
    assert not project.exists()
    project.create(**{"xnat:projectData/name": identifier + "_name", "xnat:projectData/keywords": "practice"})
    try:
        assert project.exists()
        assert (project.id(), project.datatype(), project.parent()) == (identifier, "xnat:projectData", None)
        project.attrs.mset({"description": "From pyxnat & others", "pi_lastname": "Doe"})
        [row] = rows("/data/projects", ID=identifier, columns="ID,name,description,keywords,pi_lastname")
        assert row["name"] == identifier + "_name"
        assert (row["description"], row["keywords"]) == ("From pyxnat &amp; others", "practice")
        assert project.attrs.get("pi_lastname") == row["pi_lastname"] == "Doe"
        assert identifier in pyxnat.select.projects().get()
        assert pyxnat.select(f"/projects/{identifier}*").get() == [identifier]
        pyxnat.put(f"/data/projects/{identifier}", params={"alias": identifier + "_alias"}).raise_for_status()
        assert project.aliases() == [identifier + "_alias"]
    finally:
        project.delete()
    assert not project.exists()
    assert api.get(f"/data/projects/{identifier}").status_code == 404


def test_settings_of_a_project(pyxnat: Any, project: str, api: Session) -> None:
    mine = pyxnat.select.project(project)
    assert mine.accessibility() == b"private"
    mine.set_accessibility("protected")
    assert mine.accessibility() == b"protected"
    assert api.get(f"/data/projects/{project}/accessibility").text == "protected"
    assert (mine.prearchive_code(), mine.quarantine_code()) == (4, 0)
    mine.set_prearchive_code("0")
    assert mine.prearchive_code() == 0
    assert mine.current_arc() == b"arc001"


def test_users_of_a_project(pyxnat: Any, project: str, xnat: XnatServer, rows: Rows) -> None:
    user, _ = xnat.new_user()
    mine = pyxnat.select.project(project)
    mine.add_user(user, "collaborator")
    assert mine.collaborators() == [user]
    assert (mine.owners(), mine.members()) == ([xnat.admin], [])
    assert mine.user_role(user) == "collaborator"
    found = {row["login"]: row for row in rows(f"/data/projects/{project}/users")}
    assert {login: row["displayname"] for login, row in found.items()} == {xnat.admin: "Owners", user: "Collaborators"}
    mine.remove_user(user)
    assert mine.users() == [xnat.admin]
    assert user in pyxnat.manage.users()
    assert pyxnat.manage.users.email(user) == found[user]["email"]


def test_parents_are_made_with_the_child(pyxnat: Any, project: str, rows: Rows) -> None:
    """The example of pyxnat's documentation, with one type for each level."""
    scan = pyxnat.select(f"/project/{project}/subject/S1/experiment/E1/scan/SCAN")
    scan.create(experiments="xnat:petSessionData", scans="xnat:petScanData")
    assert scan.exists()
    [experiment] = rows(f"/data/projects/{project}/experiments", columns="label,xsiType,subject_label")
    assert (experiment["label"], experiment["xsiType"]) == ("E1", "xnat:petSessionData")
    assert experiment["subject_label"] == "S1"
    [found] = rows(f"/data/projects/{project}/subjects/S1/experiments/E1/scans")
    assert (found["ID"], found["xsiType"]) == ("SCAN", "xnat:petScanData")


def test_parents_are_made_with_ids_and_attributes_of_their_own(pyxnat: Any, project: str, xnat: XnatServer) -> None:
    """As in pyxnat's own tests."""
    subject_id, experiment_id = xnat.new_id("S"), xnat.new_id("E")
    experiment = pyxnat.select.project(project).subject("S1").experiment("E1")
    experiment.create(
        **{
            "experiment": "xnat:mrSessionData",
            "ID": experiment_id,
            "xnat:mrSessionData/age": "42",
            "xnat:subjectData/investigator/lastname": "doe",
            "xnat:subjectData/investigator/firstname": "john",
            "xnat:subjectData/ID": subject_id,
        }
    )
    subject = experiment.parent()
    assert (experiment.id(), subject.id()) == (experiment_id, subject_id)
    assert experiment.attrs.get("xnat:mrSessionData/age") == "42.0"
    experiment.attrs.set("xnat:mrSessionData/age", "26")
    assert experiment.attrs.get("xnat:mrSessionData/age") == "26.0"
    fields = ["xnat:subjectData/investigator/firstname", "xnat:subjectData/investigator/lastname"]
    assert subject.attrs.mget(fields) == ["john", "doe"]


@pytest.mark.rule("table-xsitype-column")
def test_life_of_a_subject(subject: Any, project: str, api: Session, rows: Rows) -> None:
    assert not subject.exists()
    subject.create(gender="female", **{"xnat:subjectData/src": "practice"})
    path = f"/data/projects/{project}/subjects"
    [row] = rows(path, columns="ID,label,gender,src")
    assert (subject.id(), subject.label()) == (row["ID"], row["label"]) == (row["ID"], "S1")
    assert (row["gender"], row["src"]) == ("female", "practice")
    assert subject.datatype() == "xnat:subjectData"
    before = subject.parent().last_modified()[row["ID"]]

    subject.attrs.set("age", "26")
    subject.attrs.mset({"handedness": "left", "xnat:subjectData/group": "control"})
    [row] = rows(path, columns="age,handedness,group,gender")
    assert (row["age"], row["handedness"], row["group"], row["gender"]) == ("26", "left", "control", "female")
    assert subject.attrs.get("age") == "26"
    assert subject.attrs.mget(["handedness", "gender"]) == ["left", "female"]
    assert subject.parent().last_modified()[row["ID"]] != before

    subject.delete()
    assert not subject.exists()
    assert api.get(f"{path}/S1").status_code == 404


@pytest.mark.rule("list-entry-keys")
def test_life_of_a_session_and_its_scan(subject: Any, project: str, api: Session, rows: Rows) -> None:
    experiment = subject.experiment("E1")
    experiment.create(experiments="xnat:mrSessionData", date="2024-02-29")
    scan = experiment.scan("1")
    scan.create(type="T1")
    assert (experiment.datatype(), scan.datatype()) == ("xnat:mrSessionData", "xnat:mrScanData")
    experiment.attrs.set("xnat:experimentData/note", "slept")
    scan.attrs.mset({"series_description": "T1 MPRAGE", "quality": "usable", "xnat:mrScanData/parameters/tr": "2.3"})
    scan.set_param("foo", "foostring")
    scan.set_param("bar", "1")

    path = f"/data/projects/{project}/subjects/S1/experiments"
    [row] = rows(path, columns="ID,label,date,note")
    assert (row["ID"], row["label"]) == (experiment.id(), experiment.label()) == (row["ID"], "E1")
    assert (row["date"], row["note"]) == ("2024-02-29", "slept")
    [row] = rows(f"{path}/E1/scans", columns="ID,type,series_description,quality,xnat:mrScanData/parameters/tr")
    assert (row["ID"], row["type"], row["series_description"], row["quality"]) == ("1", "T1", "T1 MPRAGE", "usable")
    assert float(row["xnat:mrscandata/parameters/tr"]) == 2.3
    assert scan.attrs.get("type") == "T1"
    assert scan.params() == ["foo", "bar"]
    assert scan.get_params() == ["foostring", "1"]
    assert scan.get_param("bar") == "1"
    assert b"MPRAGE" in scan.get()
    assert experiment.xpath("//xnat:scan/@ID") == ["1"]

    experiment.trigger(pipelines=True, fix_types=True, scan_headers=False)
    scan.delete()
    assert not scan.exists()
    experiment.delete()
    assert not experiment.exists()
    assert api.get(f"{path}/E1").status_code == 404


def test_life_of_an_image_assessor(subject: Any, project: str, rows: Rows) -> None:
    experiment = subject.experiment("E1")
    assessor = experiment.assessor("E1_QC")
    assert not assessor.exists()
    assessor.create(experiments="xnat:petSessionData", assessors="xnat:qcAssessmentData")
    assert (assessor.datatype(), experiment.datatype()) == ("xnat:qcAssessmentData", "xnat:petSessionData")
    assessor.attrs.set("xnat:experimentData/note", "blurred")
    [row] = rows(f"/data/projects/{project}/subjects/S1/experiments/E1/assessors", columns="ID,label,xsiType,note")
    assert (row["ID"], row["label"], row["xsiType"]) == (assessor.id(), "E1_QC", "xnat:qcAssessmentData")
    assert row["note"] == "blurred"
    assert [one.label() for one in experiment.assessors()] == ["E1_QC"]
    assessor.delete()
    assert rows(f"/data/projects/{project}/subjects/S1/experiments/E1/assessors") == []


def test_life_of_a_reconstruction(subject: Any, project: str, rows: Rows) -> None:
    reconstruction = subject.experiment("E1").reconstruction("R1")
    reconstruction.create()
    assert reconstruction.exists()
    assert reconstruction.datatype() == "xnat:reconstructedImageData"
    [row] = rows(f"/data/projects/{project}/subjects/S1/experiments/E1/reconstructions")
    assert row["ID"] == "R1"
    reconstruction.delete()
    assert not reconstruction.exists()


def test_listing(pyxnat: Any, project: str, subject: Any, rows: Rows) -> None:
    for name in ("S1", "S2", "T1"):
        subject.parent().subject(name).experiment(f"{name}_MRI").scan("1").create()
    ids = {row["label"]: row["ID"] for row in rows(f"/data/projects/{project}/subjects")}
    mine = pyxnat.select.project(project)
    assert set(mine.subjects().get()) == set(ids.values())
    assert {one.label() for one in pyxnat.select(f"/projects/{project}/subjects")} == set(ids)
    assert mine.subjects(ids["S2"]).get() == [ids["S2"]]
    assert {one.label() for one in mine.experiments()} == {"S1_MRI", "S2_MRI", "T1_MRI"}
    assert [one.label() for one in subject.experiments()] == ["S1_MRI"]
    assert mine.experiment("S2_MRI").label() == "S2_MRI"
    assert len(list(pyxnat.select(f"/projects/{project}//scans"))) == 3
    assert subject.children() == ["experiments", "resources"]
    assert pyxnat.inspect.subject_values(project) == list(ids.values())

    table = pyxnat.array.experiments(project_id=project, experiment_label="T1_MRI")
    assert [(one["subject_ID"], one["project"]) for one in table.data] == [(ids["T1"], project)]
    assert len(pyxnat.array.mrsessions(project_id=project, subject_label="S2").data) == 1
    scans = pyxnat.array.mrscans(project_id=project, columns=["xnat:mrScanData/type"])
    assert [one["xnat:mrscandata/id"] for one in scans.data] == ["1"] * 3


@pytest.mark.rule("share-answer")
def test_subject_and_session_are_shared_and_unshared(pyxnat: Any, project: str, subject: Any, other: str) -> None:
    experiment = subject.experiment("E1")
    experiment.create()
    target = pyxnat.select.project(other)
    for mine, find in ((subject, target.subject), (experiment, target.experiment)):
        assert not find("guest").exists()
        assert mine.shares().get() == [project]
        mine.share(other, label="guest")
        assert find("guest").exists()
        assert find("guest").id() == mine.id()
        assert set(mine.shares().get()) == {project, other}
    for mine in (experiment, subject):
        mine.unshare(other)
        assert mine.shares().get() == [project]
    assert not target.subject("guest").exists()


def test_document_is_put_and_got(subject: Any, project: str, tmp_path: Any, rows: Rows) -> None:
    subject.create()
    document = tmp_path / "session.xml"
    document.write_text(
        '<xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><xnat:date>2024-02-29</xnat:date>'
        '<xnat:scans><xnat:scan ID="1" type="T1" xsi:type="xnat:mrScanData"><xnat:quality>usable</xnat:quality>'
        "</xnat:scan></xnat:scans></xnat:MRSession>"
    )
    experiment = subject.experiment("E1")
    experiment.create(xml=str(document))
    assert experiment.exists()
    [scan] = rows(f"/data/projects/{project}/subjects/S1/experiments/E1/scans")
    assert (scan["ID"], scan["quality"]) == ("1", "usable")
    assert experiment.xpath("//xnat:date/text()") == ["2024-02-29"]
