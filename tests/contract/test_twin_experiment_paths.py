"""XNAT's contract, section 4: the paths that lead to an experiment, and what is at their ends."""

from __future__ import annotations

import pytest
from object_helpers import fields_of, rows_of
from xnat_twin.testing import Session, XnatServer

MR = {"xsiType": "xnat:mrSessionData"}


@pytest.fixture
def subject(project: str) -> str:
    return f"/data/projects/{project}/subjects/S1"


@pytest.mark.rule("experiment-in-project")
def test_without_a_subject_in_the_path_only_xpaths_are_read(api: Session, project: str, subject: str) -> None:
    api.put(f"{subject}/experiments/E1", params=MR).raise_for_status()
    path = f"/data/projects/{project}/experiments/E1"
    assert api.put(path, params={"note": "a shortcut"}).status_code == 200
    assert "note" not in fields_of(api, path)
    assert api.put(path, params={"xnat:mrSessionData/note": "an XPath"}).status_code == 200
    assert fields_of(api, path)["note"] == "an XPath"


@pytest.mark.rule("experiment-by-id")
def test_fields_of_an_experiment_cannot_be_set_by_its_id_alone(api: Session, project: str, subject: str) -> None:
    """With an XPath XNAT begins a new object, which has no project, or in a project's path no subject."""
    identifier = api.put(f"{subject}/experiments/E1", params=MR).text
    note = {"xnat:mrSessionData/note": "n"}
    assert api.put(f"/data/experiments/{identifier}", params=note).status_code == 422
    assert api.put(f"/data/projects/{project}/experiments/{identifier}", params=note).status_code == 400
    assert api.put(f"{subject}/experiments/{identifier}", params=note).status_code == 200
    assert api.put(f"/data/experiments/{identifier}", params={"label": "E2"}).status_code == 200
    assert fields_of(api, f"/data/experiments/{identifier}")["label"] == "E2"


@pytest.mark.rule("experiment-create-in-project")
def test_experiment_can_be_made_without_a_subject_in_the_path(api: Session, project: str, subject: str) -> None:
    path = f"/data/projects/{project}/experiments/E1"
    answer = api.put(path, params={**MR, "subject_ID": "S1"})
    assert (answer.status_code, fields_of(api, path)["ID"]) == (201, answer.text)
    assert rows_of(api, f"{subject}/experiments")[0]["label"] == "E1"
    assert api.put(f"/data/projects/{project}/experiments/E2", params=MR).status_code == 400
    assert api.put("/data/experiments/E2", params=MR).status_code == 422


@pytest.mark.rule("experiment-get-anywhere")
def test_accession_id_leads_to_an_experiment_through_any_project(api: Session, xnat: XnatServer, subject: str) -> None:
    identifier = api.put(f"{subject}/experiments/E1", params=MR).text
    other = xnat.new_project()
    assert fields_of(api, f"/data/projects/{other}/experiments/{identifier}")["label"] == "E1"
    assert api.delete(f"/data/projects/{other}/experiments/{identifier}").status_code == 200
    assert api.get(f"/data/experiments/{identifier}").status_code == 200, "it was not there to be taken out"


@pytest.mark.rule("experiment-no-scans-in-project")
def test_scans_have_no_path_through_experiments_of_a_project(api: Session, project: str, scan: str) -> None:
    """XNAT has no such route: what follows the experiment is not looked at."""
    path = f"/data/projects/{project}/experiments/S1_MRI/scans"
    assert fields_of(api, path)["label"] == "S1_MRI"
    assert api.put(f"{path}/2", params={"xsiType": "xnat:mrScanData"}).status_code == 400


@pytest.mark.rule("state-flags", "state-text")
def test_flags_change_the_state_of_experiments(api: Session, project: str, session: str) -> None:
    api.put(session, params={"quarantine": "true"}).raise_for_status()
    by_label = f"/data/projects/{project}/experiments/S1_MRI"
    assert api.get(f"{by_label}/status").text == "quarantine"
    api.put(by_label, params={"activate": "true"}).raise_for_status()
    assert api.get(f"{session}/status").text == "active"


@pytest.mark.rule("state-quarantine-code")
def test_project_can_quarantine_what_is_stored(api: Session, project: str, subject: str) -> None:
    api.put(f"/data/projects/{project}/quarantine_code/1").raise_for_status()
    api.put(f"{subject}/experiments/E1", params=MR).raise_for_status()
    assert api.get(f"{subject}/experiments/E1/status").text == "quarantine"


@pytest.mark.rule("state-locked")
@pytest.mark.parametrize("flag", ["_lock", "_obsolete"])
def test_resources_of_a_locked_experiment_cannot_be_deleted(api: Session, session: str, flag: str) -> None:
    api.put(f"{session}/resources/R").raise_for_status()
    api.put(session, params={flag: "true"}).raise_for_status()
    assert api.delete(f"{session}/resources/R").status_code == 403
    assert api.put(session, params={"note": "can still be changed"}).status_code == 200
    api.put(session, params={"_unlock": "true"}).raise_for_status()
    assert api.delete(f"{session}/resources/R").status_code == 200


@pytest.mark.rule("experiment-history", "event-parameters")
def test_history_tells_what_was_done_and_why(api: Session, xnat: XnatServer, session: str) -> None:
    why = {"event_reason": "found later", "event_action": "Correction", "event_type": "PROCESS"}
    api.put(session, params={"note": "n", **why}).raise_for_status()
    events = api.get(f"{session}/history").json()["events"]
    assert [event["event_action"].split()[0] for event in events] == ["Added", "Correction"]
    last = events[-1]
    assert (last["event_reason"], last["event_user"], last["event_type"]) == ("found later", xnat.admin, "PROCESS")
    assert set(last) >= {"event_id", "event_date", "event_category", "event_status", "changesets"}


@pytest.mark.rule("experiment-projects")
def test_projects_of_an_experiment_are_a_table(api: Session, xnat: XnatServer, project: str, session: str) -> None:
    other = xnat.new_project()
    api.put(f"{session}/projects/{other}").raise_for_status()
    rows = rows_of(api, f"{session}/projects", format="json")
    assert [(row["ID"], row["label"]) for row in rows] == [(project, "S1_MRI"), (other, "")]


@pytest.mark.rule("list-post", "experiment-post")
def test_post_answers_the_address_of_the_new_experiment(api: Session, project: str, subject: str) -> None:
    path = f"{subject}/experiments"
    assert api.post(path, params={**MR, "label": "E1"}).status_code == 404, "the subject is not made here"
    api.put(subject).raise_for_status()
    assert api.post(path).status_code == 417
    answer = api.post(path, params={**MR, "label": "E1"})
    assert answer.status_code in {200, 201}
    assert answer.text == answer.headers["Location"]
    assert answer.text.endswith(f"{path}/{fields_of(api, f'{path}/E1')['ID']}")
    again = api.post(path, params={**MR, "label": "E1"})
    assert (again.status_code, "Specified experiment already exists." in again.text) == (409, True)
    project_path = f"/data/projects/{project}/experiments"
    assert api.post(project_path, params={**MR, "label": "E2"}).status_code == 422
    assert api.post(project_path, params={**MR, "label": "E2", "subject_ID": "S2"}).status_code in {200, 201}
    assert api.post("/data/experiments", params=MR).status_code == 405


@pytest.mark.rule("experiment-get-missing")
def test_missing_experiment_is_404(api: Session, project: str, subject: str) -> None:
    for path in (f"{subject}/experiments/none", f"/data/projects/{project}/experiments/none", "/data/experiments/none"):
        answer = api.get(path)
        assert (answer.status_code, "Unable to find the specified experiment." in answer.text) == (404, True)


@pytest.mark.rule("delete-right")
def test_member_may_not_delete_an_experiment(xnat: XnatServer, project: str, session: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.delete(session).status_code == 403
    assert member.put(session, params={"note": "n"}).status_code == 200


@pytest.mark.rule("path-after-object-refused", "path-after-object-ignored")
def test_path_after_an_experiment(api: Session, session: str) -> None:
    assert fields_of(api, f"{session}/bogus")["label"] == "S1_MRI"
    assert api.put(f"{session}/bogus").status_code == 400
    assert api.delete(f"{session}/bogus").status_code == 400


@pytest.mark.rule("justification-put", "justification-delete")
@pytest.mark.practice_xnat("changes site settings")
def test_experiments_and_scans_can_need_a_reason(api: Session, xnat: XnatServer, session: str, scan: str) -> None:
    with xnat.settings(requireChangeJustification=True, showChangeJustification=True):
        assert api.put(session, params={"note": "n"}).status_code == 500
        assert api.put(scan, params={"note": "n"}).status_code == 500
        assert api.delete(scan).status_code == 500
        refused = api.delete(session)
        assert (refused.status_code, "Justification required." in refused.text) == (403, True)
        assert api.put(scan, params={"note": "n", "event_reason": "why"}).status_code == 200
        assert api.delete(session, params={"event_reason": "why"}).status_code == 200
