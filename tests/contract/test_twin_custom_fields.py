"""Custom fields of 1.8.3 and later: at each level, by each path, and who may read and change them."""

from __future__ import annotations

import pytest
from xnat_twin.testing import Practice, Session, XnatServer

_API = "/xapi/custom-fields"


def _path(of: str) -> str:
    return f"{_API}{of.removeprefix('/data')}/fields"


@pytest.mark.rule("custom-fields", "custom-fields-some", "custom-fields-one")
@pytest.mark.parametrize(
    "where",
    [
        "projects/{p}",
        "projects/{p}/subjects/S1",
        "subjects/{s}",
        "projects/{p}/experiments/S1_MRI",
        "projects/{p}/subjects/{s}/experiments/{e}",
        "experiments/{e}",
        "projects/{p}/subjects/S1/experiments/S1_MRI/scans/1",
        "experiments/{e}/scans/1",
        "projects/{p}/experiments/{e}/assessors/QC",
        "experiments/{e}/assessors/QC",
    ],
)
def test_fields_of_any_object_are_set_one_by_one(api: Session, project: str, scan: str, where: str) -> None:
    session = scan.removesuffix("/scans/1")
    api.put(f"{session}/assessors/QC", params={"xsiType": "xnat:qcManualAssessorData"}).raise_for_status()
    item = api.get(session, params={"format": "json"}).json()["items"][0]["data_fields"]
    path = f"{_API}/{where.format(p=project, s=item['subject_ID'], e=item['ID'])}/fields"
    assert api.get(path).json() == {}
    assert api.put(path, json={"KEY1": "VAL 001"}).json() == {"KEY1": "VAL 001"}
    assert api.put(path, json={"key2": {"a": [1, None]}}).json() == {"KEY1": "VAL 001", "key2": {"a": [1, None]}}
    assert api.get(path, params={"fieldNames": "key2,absent"}).json() == {"key2": {"a": [1, None]}}
    assert api.get(f"{path}/KEY1").text == "VAL 001"
    assert api.get(f"{path}/key2").text == '{"a":[1,null]}'
    assert api.get(f"{path}/absent").status_code == 404
    assert api.delete(f"{path}/key2").json() == {"KEY1": "VAL 001"}
    assert api.delete(f"{path}/key2").status_code == 404
    assert api.get(path).json() == {"KEY1": "VAL 001"}


@pytest.mark.rule("custom-fields-null")
def test_a_null_cannot_be_deleted(api: Session, project: str) -> None:
    path = _path(f"/data/projects/{project}")
    api.put(path, json={"nothing": None}).raise_for_status()
    assert api.get(f"{path}/nothing").text == "null"
    assert api.delete(f"{path}/nothing").status_code == 404


@pytest.mark.rule("custom-fields-rights")
@pytest.mark.parametrize(("group", "subject", "home"), [("Collaborators", 403, 403), ("Members", 200, 403)])
def test_fields_are_changed_by_who_changes_the_object(
    xnat: XnatServer, project: str, session: str, group: str, subject: int, home: int
) -> None:
    http = xnat.session(*xnat.new_user(project, group))
    of_project, of_subject = _path(f"/data/projects/{project}"), _path(f"/data/projects/{project}/subjects/S1")
    assert (http.get(of_project).status_code, http.get(of_subject).status_code) == (200, 200)
    assert http.put(of_subject, json={"a": 1}).status_code == subject
    refused = http.put(of_project, json={"a": 1})
    assert (refused.status_code, refused.text) == (home, "")


@pytest.mark.rule("custom-fields-rights")
def test_fields_of_what_is_not_there_are_refused(xnat: XnatServer, api: Session, project: str, session: str) -> None:
    stranger = xnat.session(*xnat.new_user())
    api.put(f"/data/projects/{project}/accessibility/protected").raise_for_status()
    for path in (f"/data/projects/{project}", session, "/data/experiments/NOPE", "/data/projects/NOPE"):
        assert stranger.get(_path(path)).status_code == 403, path
    assert api.get(_path("/data/experiments/NOPE")).status_code == 404
    assert api.put(_path(f"/data/projects/{project}/subjects/NOPE"), json={}).status_code == 404


@pytest.mark.rule("custom-fields-in-the-path")
def test_fields_are_reached_through_the_objects_own_project_and_subject(
    xnat: XnatServer, api: Session, project: str, session: str
) -> None:
    other = xnat.new_project()
    api.put(f"{session}/projects/{other}", params={"label": "Guest"}).raise_for_status()
    api.put(f"/data/projects/{project}/subjects/S2").raise_for_status()
    assert api.get(_path(f"/data/projects/{project}/experiments/S1_MRI")).status_code == 200
    for path in (
        f"/data/projects/{other}/experiments/Guest",
        f"/data/projects/{project}/subjects/S2/experiments/S1_MRI",
        f"{session}/scans/NOPE",
        f"{session}/assessors/NOPE",
    ):
        assert api.get(_path(path)).status_code == 404, path


@pytest.mark.rule("custom-fields-justification")
@pytest.mark.practice_xnat("demands reasons")
def test_a_site_that_demands_a_reason_takes_no_custom_fields(xnat: XnatServer, api: Session, session: str) -> None:
    with xnat.settings(requireChangeJustification=True, showChangeJustification=True):
        assert api.put(_path(session), json={"a": 1}).status_code == 500
    assert api.get(_path(session)).json() == {}


@pytest.mark.rule("custom-fields-1-6")
def test_custom_fields_are_not_in_1_6(practice: Practice) -> None:
    old, new = practice(flavour="1.6"), practice(flavour="1.8")
    answers = [one.session().get(_path(f"/data/projects/{one.new_project()}")).status_code for one in (old, new)]
    assert answers == [404, 200]
