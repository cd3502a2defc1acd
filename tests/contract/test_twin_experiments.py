"""XNAT's contract, section 4: experiments."""

from __future__ import annotations

import re
from typing import Any

import pytest
from object_helpers import fields_of, rows_of
from xnat_twin.testing import Practice, Session, XnatServer

MR = {"xsiType": "xnat:mrSessionData"}


@pytest.fixture
def subject(project: str) -> str:
    return f"/data/projects/{project}/subjects/S1"


@pytest.mark.rule("experiment-put", "accession-id")
def test_new_is_201_existing_is_200_and_both_answer_the_accession_id(api: Session, subject: str) -> None:
    path = f"{subject}/experiments/E1"
    first, second = api.put(path, params=MR), api.put(path, params={"date": "2014-01-02"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert re.fullmatch(r"\w+_E\d{5,}", first.text)
    assert second.text == first.text
    assert fields_of(api, path)["date"] == "2014-01-02"


@pytest.mark.rule("experiment-creates-subject")
def test_subject_in_the_path_is_created(api: Session, subject: str) -> None:
    api.put(f"{subject}/experiments/E1", params=MR)
    assert api.get(subject).status_code == 200


@pytest.mark.rule("experiment-needs-type")
def test_new_experiment_without_a_type_is_417(api: Session, subject: str) -> None:
    answer = api.put(f"{subject}/experiments/E1")
    assert (answer.status_code, "Need PUT Contents" in answer.text) == (417, True)


@pytest.mark.rule("experiment-wrong-type")
@pytest.mark.parametrize(("xsi_type", "status"), [("xnat:noSuchData", 400), ("xnat:mrScanData", 422)])
def test_type_that_is_no_experiment_is_refused(api: Session, subject: str, xsi_type: str, status: int) -> None:
    assert api.put(f"{subject}/experiments/E1", params={"xsiType": xsi_type}).status_code == status


@pytest.mark.rule("experiment-needs-type")
def test_type_can_come_from_an_xpath_or_in_lower_case(api: Session, subject: str) -> None:
    api.put(f"{subject}/experiments/E1", params={"xnat:petSessionData/date": "2014-01-02"})
    api.put(f"{subject}/experiments/E2", params={"xsiType": "xnat:mrsessiondata"})
    rows = rows_of(api, f"{subject}/experiments")
    assert {row["label"]: row["xsiType"] for row in rows} == {"E1": "xnat:petSessionData", "E2": "xnat:mrSessionData"}


@pytest.mark.rule("experiment-keeps-type")
def test_existing_experiment_keeps_its_type(api: Session, subject: str) -> None:
    path = f"{subject}/experiments/E1"
    api.put(path, params=MR)
    assert api.put(path, params={"xsiType": "xnat:petSessionData", "note": "n"}).status_code == 200
    item = api.get(path, params={"format": "json"}).json()["items"][0]
    assert (item["meta"]["xsi:type"], item["data_fields"]["note"]) == ("xnat:mrSessionData", "n")


@pytest.mark.rule("experiment-moves")
def test_put_under_another_subject_moves_the_experiment(api: Session, project: str, subject: str) -> None:
    identifier = api.put(f"{subject}/experiments/E1", params={**MR, "visit_id": "v1", "protocol": "p"}).text
    other = f"/data/projects/{project}/subjects/S2"
    api.put(other).raise_for_status()
    answer = api.put(f"{other}/experiments/E1")
    assert (answer.status_code, answer.text) == (200, identifier)
    fields = fields_of(api, f"/data/experiments/{identifier}")
    assert fields["subject_ID"] == fields_of(api, other)["ID"]
    assert "protocol" not in fields


@pytest.mark.rule("experiment-stays")
def test_put_under_a_subject_that_does_not_exist_moves_nothing(api: Session, project: str, subject: str) -> None:
    identifier = api.put(f"{subject}/experiments/E1", params=MR).text
    assert api.put(f"/data/projects/{project}/subjects/none/experiments/E1").status_code == 200
    assert fields_of(api, f"/data/experiments/{identifier}")["subject_ID"] == fields_of(api, subject)["ID"]
    assert api.get(f"/data/projects/{project}/subjects/none", params={"format": "json"}).status_code == 404


@pytest.mark.rule("experiment-visit")
@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({}, (None, None)),
        ({"note": "n"}, (None, None)),
        ({"visit": "v1", "protocol": "p1"}, (None, None)),
        ({"visit": "v2"}, (None, None)),
        ({"protocol": "NULL"}, ("v1", None)),
    ],
)
def test_any_change_through_the_subject_clears_visit_and_protocol(
    api: Session, subject: str, change: dict[str, str], left: tuple[str | None, str | None]
) -> None:
    """Even under the subject that it belongs to; not so by its ID."""
    path = f"{subject}/experiments/E1"
    identifier = api.put(path, params={**MR, "visit": "v1", "protocol": "p1"}).text
    api.put(f"/data/experiments/{identifier}", params={"note": "other"}).raise_for_status()
    fields = fields_of(api, path)
    assert (fields.get("visit"), fields.get("protocol")) == ("v1", "p1")
    api.put(path, params=change).raise_for_status()
    fields = fields_of(api, path)
    assert (fields.get("visit"), fields.get("protocol")) == left


@pytest.mark.rule("experiment-visit")
def test_visit_and_protocol_can_be_set_where_there_were_none(api: Session, subject: str) -> None:
    path = f"{subject}/experiments/E1"
    api.put(path, params=MR).raise_for_status()
    api.put(path, params={"visit": "v1", "protocol": "p1"}).raise_for_status()
    fields = fields_of(api, path)
    assert (fields.get("visit"), fields.get("protocol")) == ("v1", "p1")


@pytest.mark.rule("experiment-get")
def test_path_through_any_subject_finds_the_experiment(api: Session, project: str, subject: str) -> None:
    api.put(f"{subject}/experiments/E1", params=MR)
    assert fields_of(api, f"/data/projects/{project}/experiments/E1")["label"] == "E1"


@pytest.mark.rule("experiment-rename")
def test_label_parameter_is_a_rename_and_nothing_else(api: Session, subject: str) -> None:
    api.put(f"{subject}/experiments/E1", params={**MR, "note": "old"})
    answer = api.put(f"{subject}/experiments/E1", params={"label": "E2", "note": "new"})
    assert (answer.status_code, answer.text) == (200, "")
    assert fields_of(api, f"{subject}/experiments/E2")["note"] == "old"


@pytest.mark.rule("experiment-label-fixed")
def test_label_as_an_xpath_is_not_a_rename(api: Session, subject: str) -> None:
    api.put(f"{subject}/experiments/E1", params=MR)
    same = {"xnat:mrSessionData/label": "E1", "note": "n"}
    assert api.put(f"{subject}/experiments/E1", params=same).status_code == 200
    assert fields_of(api, f"{subject}/experiments/E1")["note"] == "n"
    assert api.put(f"{subject}/experiments/E1", params={"xnat:mrSessionData/label": "E2"}).status_code == 400


@pytest.mark.rule("experiment-rename-conflict")
def test_rename_to_a_label_in_use_is_409(api: Session, subject: str) -> None:
    for label in ("E1", "E2"):
        api.put(f"{subject}/experiments/{label}", params=MR)
    assert api.put(f"{subject}/experiments/E1", params={"label": "E2"}).status_code == 409


@pytest.mark.rule("experiment-label-characters")
def test_label_with_illegal_characters_fails_late(api: Session, subject: str) -> None:
    assert api.put(f"{subject}/experiments/E.1", params=MR).status_code == 500


@pytest.mark.rule("experiment-bad-value")
def test_bad_date_is_400(api: Session, subject: str) -> None:
    assert api.put(f"{subject}/experiments/E1", params={**MR, "date": "yesterday"}).status_code == 400


@pytest.mark.rule("experiment-needs-project")
def test_project_that_is_missing_is_404(api: Session) -> None:
    assert api.put("/data/projects/no_such_project/subjects/S/experiments/E", params=MR).status_code == 404


@pytest.mark.rule("experiment-by-id", "experiment-get")
def test_contextless_path_takes_the_id_only(api: Session, subject: str) -> None:
    identifier = api.put(f"{subject}/experiments/E1", params=MR).text
    assert api.put(f"/data/experiments/{identifier}", params={"note": "n"}).status_code == 200
    assert api.get("/data/experiments/E1").status_code == 404
    assert api.delete(f"/data/experiments/{identifier}").status_code == 200


@pytest.mark.rule("experiment-list", "experiment-list-subject")
def test_list_columns_and_spelling_of_subject_id(api: Session, project: str, subject: str) -> None:
    identifier = api.put(f"{subject}/experiments/E1", params={**MR, "date": "2014-01-02"}).text
    row = rows_of(api, f"/data/projects/{project}/experiments")[0]
    assert {"ID", "project", "date", "xsiType", "label", "insert_date", "URI"} <= set(row)
    assert row["URI"] == f"/data/experiments/{identifier}"
    params = {"columns": "ID,project,xnat:subjectAssessorData/subject_id", "format": "csv", "ID": identifier}
    header = api.get("/data/experiments", params=params).text.split("\n")[0]
    assert set(header.split(",")) == {"xnat:subjectassessordata/id", "subject_ID", "ID", "project", "xsiType", "URI"}


@pytest.mark.rule("experiment-list-type")
def test_list_filter_takes_an_abstract_type(api: Session, project: str, subject: str) -> None:
    api.put(f"{subject}/experiments/E1", params=MR)
    path = f"/data/projects/{project}/experiments"

    def count(xsi_type: str) -> int:
        return len(rows_of(api, path, xsiType=xsi_type))

    assert [count(f"xnat:{t}Data") for t in ("imageSession", "subjectAssessor", "petSession")] == [1, 1, 0]


@pytest.mark.rule("experiment-list-missing")
def test_list_of_an_unknown_subject_is_404(api: Session, subject: str) -> None:
    assert api.get(f"{subject}/experiments").status_code == 404


@pytest.mark.rule("experiment-delete")
def test_delete_is_200_and_then_404(api: Session, subject: str) -> None:
    api.put(f"{subject}/experiments/E1", params=MR)
    assert [api.delete(f"{subject}/experiments/E1").status_code for _ in range(2)] == [200, 404]


@pytest.mark.rule("experiment-xml")
def test_xml_round_trip_with_scans(api: Session, subject: str) -> None:
    path = f"{subject}/experiments/E1"
    api.put(path, params={**MR, "date": "2014-01-02", "pi_firstname": "Jane", "pi_lastname": "Smith"})
    scan = {"xsiType": "xnat:mrScanData", "type": "T1", "xnat:mrScanData/parameters/voxelRes/x": "1.5"}
    api.put(f"{path}/scans/1", params=scan)
    document = api.get(path, params={"format": "xml"}).content
    api.delete(path)
    document = re.sub(rb' ID="\w+_E\d+"', b"", document)
    assert api.put(path, data=document, headers={"Content-Type": "text/xml"}).status_code == 201
    assert fields_of(api, path)["date"] == "2014-01-02"
    assert fields_of(api, f"{path}/scans/1")["parameters/voxelRes/x"] == 1.5


@pytest.mark.rule("experiment-rename-files")
def test_rename_moves_the_files(api: Session, session: str) -> None:
    api.put(f"{session}/resources/R/files/a.txt", data=b"a", headers={"Content-Type": "text/plain"})
    api.put(session, params={"label": "renamed"})
    assert api.get(session.replace("S1_MRI", "renamed") + "/resources/R/files/a.txt").content == b"a"


@pytest.mark.rule("experiment-delete-files")
@pytest.mark.practice_xnat("looks at the server's disk")
def test_files_stay_on_disk_unless_they_are_to_be_removed(api: Session, xnat: XnatServer, session: str) -> None:
    api.put(f"{session}/resources/R/files/a.txt", data=b"a", headers={"Content-Type": "text/plain"})
    file = xnat.archive / session.split("/")[3] / "arc001" / "S1_MRI" / "RESOURCES" / "R" / "a.txt"
    assert file.read_bytes() == b"a"
    api.delete(session)
    assert file.exists()
    api.put(session, params=MR)
    api.delete(session, params={"removeFiles": "true"})
    assert not file.exists()


@pytest.mark.rule("experiment-shortcuts")
def test_shortcuts_of_sessions_are_stored(api: Session, subject: str) -> None:
    fields = {"date": "2014-01-02", "time": "10:11:12", "note": "n", "visit_id": "v", "operator": "o",
              "dcmAccessionNumber": "a", "dcmPatientId": "i", "dcmPatientName": "p", "session_type": "t",
              "modality": "MR", "coil": "c", "fieldStrength": "3T", "marker": "m"}  # fmt: skip
    path = f"{subject}/experiments/E1"
    more = {"studyInstanceUID": "1.2.3", "validation_status": "ok", "scanner": "Trio"}
    person = {"pi_firstname": "Jane", "pi_lastname": "Smith"}
    of_pet = {"stabilization": "s"}
    api.put(path, params=MR | fields | more | person | of_pet).raise_for_status()
    stored = fields_of(api, path)
    assert "stabilization" not in stored
    assert {name: stored[name] for name in fields} == fields
    assert (stored["UID"], stored["scanner"]) == ("1.2.3", "Trio")
    assert fields_of(api, path, "investigator")["lastname"] == "Smith"
    assert fields_of(api, path, "validation")["status"] == "ok"


@pytest.mark.rule("experiment-shortcuts-pet")
def test_shortcuts_of_pet_sessions_are_stored(api: Session, subject: str) -> None:
    path = f"{subject}/experiments/E1"
    given = {
        "tracer_name": "FDG",
        "tracer_dose": "5.5",
        "tracer_isotope": "110",
        "stabilization": "strap",
        "scan_start_time": "2014-01-02 10:11:12",
    }
    api.put(path, params={"xsiType": "xnat:petSessionData", **given}).raise_for_status()
    stored = fields_of(api, path)
    assert (stored["tracer/name"], stored["tracer/dose"]) == ("FDG", 5.5)
    assert (stored["tracer/isotope/half-life"], stored["stabilization"]) == (110.0, "strap")
    assert api.put(path, params={"tracer_isotope": "18F"}).status_code == 400
    api.put(path, params={"coil": "of an MR session"}).raise_for_status()
    assert "coil" not in fields_of(api, path)


@pytest.mark.rule("experiment-xpath")
def test_other_fields_are_set_by_xpath(api: Session, subject: str) -> None:
    path = f"{subject}/experiments/E1"
    api.put(path, params={**MR, "xnat:mrSessionData/acquisition_site": "Oxford", "xnat:mrSessionData/age": "70.5"})
    assert fields_of(api, path)["acquisition_site"] == "Oxford"
    custom = "xnat:mrSessionData/fields/field[name=cohort]/field"
    api.put(path, params={custom: "A"}).raise_for_status()
    assert fields_of(api, path, "fields/field")["field"] == "A"


@pytest.mark.rule("experiment-custom-type", "justification")
def test_assessor_of_a_subject_is_an_experiment_like_any_other(practice: Practice) -> None:
    server = practice(modules=("dpuk-datatypes",))
    api, subject = server.session(), f"/data/projects/{server.new_project()}/subjects/S1"
    kind = "dpuk:dpukAssessmentData"
    first = api.put(f"{subject}/experiments/A1", params={"xsiType": kind, f"{kind}/MMSE": "28"})
    second = api.put(f"{subject}/experiments/A1", params={f"{kind}/MMSE": "29"})
    assert (first.status_code, second.status_code, first.text) == (201, 200, second.text)
    rows = rows_of(api, f"{subject}/experiments")
    assert [row["xsiType"] for row in rows] == [kind]
    assert api.put(f"{subject}/experiments/A1/resources/R").status_code == 200
    assert api.get(f"{subject}/experiments/A1/scans").status_code == 500, "XNAT takes it for a session"
    assert api.delete(f"{subject}/experiments/A1").status_code == 200
    with server.settings(requireChangeJustification=True, showChangeJustification=True):
        assert api.put(f"{subject}/experiments/A2", params={"xsiType": kind}).status_code == 201


@pytest.mark.rule("experiment-moves")
def test_subject_id_as_a_parameter_moves_too_and_makes_subjects(api: Session, project: str, subject: str) -> None:
    identifier = api.put(f"{subject}/experiments/E1", params=MR).text
    api.put(f"{subject}/experiments/E1", params={"subject_ID": "S2"}).raise_for_status()
    moved = fields_of(api, f"/data/experiments/{identifier}")["subject_ID"]
    assert moved == fields_of(api, f"/data/projects/{project}/subjects/S2")["ID"]


@pytest.mark.rule("experiment-label-unique")
def test_label_is_unique_in_the_project(api: Session, project: str, subject: str) -> None:
    first = api.put(f"{subject}/experiments/E1", params=MR).text
    other = f"/data/projects/{project}/subjects/S2"
    api.put(other).raise_for_status()
    assert api.put(f"{other}/experiments/E1", params=MR).text == first
    answer = api.put(f"{other}/experiments/E2", params={**MR, "xnat:mrSessionData/label": "E1"})
    assert (answer.status_code, "Conflict: Duplicate experiment label" in answer.text) == (409, True)


@pytest.mark.rule("experiment-other-project")
def test_project_of_an_experiment_is_not_a_field(api: Session, xnat: XnatServer, subject: str) -> None:
    path = f"{subject}/experiments/E1"
    api.put(path, params=MR).raise_for_status()
    answer = api.put(path, params={"project": xnat.new_project()})
    assert (answer.status_code, "Project must be modified through separate URI." in answer.text) == (409, True)
    assert api.put(path, params={"ID": "another"}).status_code == 400


@pytest.mark.rule("experiment-data-deletion")
def test_whole_new_truth_must_name_its_project(api: Session, project: str, subject: str) -> None:
    path = f"{subject}/experiments/E1"
    api.put(path, params={**MR, "note": "old"}).raise_for_status()
    xml = '<xnat:MRSession {}label="E1" xmlns:xnat="http://nrg.wustl.edu/xnat"><xnat:date>2014-01-02</xnat:date></xnat:MRSession>'
    options: dict[str, Any] = {"params": {"allowDataDeletion": "true"}, "headers": {"Content-Type": "text/xml"}}
    assert api.put(path, data=xml.format(""), **options).status_code == 409
    assert api.put(path, data=xml.format(f'project="{project}" '), **options).status_code == 200
    fields = fields_of(api, path)
    assert (fields["date"], "note" in fields) == ("2014-01-02", False)


@pytest.mark.rule("experiment-bad-value")
@pytest.mark.parametrize("params", [{"xnat:mrSessionData/delay": "long"}, {"modality": "x" * 256}])
def test_value_that_does_not_fit_is_400(api: Session, subject: str, params: dict[str, str]) -> None:
    assert api.put(f"{subject}/experiments/E1", params={**MR, **params}).status_code == 400


@pytest.mark.rule("experiment-id-characters")
def test_id_with_illegal_characters_is_417(api: Session, subject: str) -> None:
    assert api.put(f"{subject}/experiments/E1", params={**MR, "ID": "a.b"}).status_code == 417


@pytest.mark.rule("experiment-extras")
@pytest.mark.parametrize("name", ["fixScanTypes", "pullDataFromHeaders", "triggerPipelines"])
def test_bare_put_with_an_extra_is_200(api: Session, session: str, name: str) -> None:
    before = fields_of(api, session)
    answer = api.put(session, params={name: "true"})
    assert (answer.status_code, answer.text) == (200, before["ID"])
    assert fields_of(api, session) == before
