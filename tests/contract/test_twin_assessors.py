"""XNAT's contract, section 4 and 6: image assessors, which belong to a session, and their inputs and outputs."""

from __future__ import annotations

import pytest
from file_helpers import TEXT
from object_helpers import fields_of, item_of, labels_of, rows_of
from xnat_twin.testing import Practice, Session, XnatServer

QC = {"xsiType": "xnat:qcManualAssessorData"}
MR = {"xsiType": "xnat:mrSessionData"}


@pytest.fixture
def assessor(api: Session, session: str) -> str:
    """`…/experiments/S1_MRI/assessors/A1`."""
    api.put(f"{session}/assessors/A1", params=QC).raise_for_status()
    return f"{session}/assessors/A1"


@pytest.mark.rule("assessor-put")
def test_new_is_201_existing_is_200_and_both_answer_the_id(api: Session, session: str) -> None:
    path = f"{session}/assessors/A1"
    first, second = api.put(path, params=QC), api.put(path, params={"note": "n"})
    assert (first.status_code, second.status_code, second.text) == (201, 200, first.text)
    assert fields_of(api, path)["note"] == "n"
    assert api.put(path).status_code == 200


@pytest.mark.rule("assessor-get", "experiment-by-id")
def test_assessor_is_an_experiment(api: Session, session: str, assessor: str) -> None:
    item = item_of(api, assessor)
    identifier = item["data_fields"]["ID"]
    assert item["meta"]["xsi:type"] == QC["xsiType"]
    assert item["data_fields"]["imageSession_ID"] == fields_of(api, session)["ID"]
    assert item_of(api, f"/data/experiments/{identifier}") == item
    assert item_of(api, f"{session}/assessors/{identifier}") == item
    assert fields_of(api, session, "assessors/assessor")["label"] == "A1"


@pytest.mark.rule("assessor-type")
@pytest.mark.parametrize(
    ("params", "status"), [({}, 417), (MR, 422), ({"xsiType": "xnat:noSuchData"}, 400), ({"note": "n"}, 417)]
)
def test_new_assessor_needs_the_type_of_one(api: Session, session: str, params: dict[str, str], status: int) -> None:
    assert api.put(f"{session}/assessors/A1", params=params).status_code == status


@pytest.mark.rule("assessor-needs-session")
def test_assessor_of_a_missing_session_is_400(api: Session, project: str, session: str) -> None:
    path = f"/data/projects/{project}/subjects/S1/experiments"
    assert api.put(f"{path}/none/assessors/A1", params=QC).status_code == 400
    session_id = {"xnat:qcManualAssessorData/imageSession_ID": "S1_MRI"}
    assert api.put(f"{path}/none/assessors/A1", params=QC | session_id).status_code == 201


@pytest.mark.rule("assessor-without-project")
def test_path_without_a_project_knows_no_labels(api: Session, project: str, session: str, assessor: str) -> None:
    path = f"/data/experiments/{item_of(api, session)['data_fields']['ID']}/assessors"
    identifier = fields_of(api, assessor)["ID"]
    assert api.get(f"{path}/A1").status_code == 404
    assert api.get(f"{path}/{identifier}").status_code == 200
    assert api.put(f"{path}/A2", params=QC).status_code == 422
    assert api.put(f"{path}/A2", params={**QC, "project": project}).status_code == 201
    assert api.put(f"{path}/{identifier}", params={"note": "n"}).status_code == 200


@pytest.mark.rule("assessor-fixed")
@pytest.mark.parametrize("params", [{"label": "A2"}, {"ID": "other"}])
def test_label_and_id_of_an_assessor_cannot_be_changed_here(
    api: Session, assessor: str, params: dict[str, str]
) -> None:
    assert api.put(assessor, params=params).status_code == 400


@pytest.mark.rule("assessor-moves")
def test_put_under_another_session_moves_the_assessor(api: Session, session: str, assessor: str) -> None:
    other = session.replace("subjects/S1/experiments/S1_MRI", "subjects/S2/experiments/S2_MRI")
    api.put(other, params=MR).raise_for_status()
    assert api.put(f"{other}/assessors/A1").text == fields_of(api, assessor)["ID"]
    assert (labels_of(api, f"{session}/assessors"), labels_of(api, f"{other}/assessors")) == ([], ["A1"])


@pytest.mark.rule("assessor-at-subject")
def test_assessor_in_the_place_of_a_session_fails(api: Session, session: str, assessor: str) -> None:
    wrong = session.replace("S1_MRI", "A1")
    assert [api.get(wrong).status_code, api.put(wrong).status_code, api.delete(wrong).status_code] == [500] * 3
    assert api.get(f"{session}/assessors/S1_MRI").status_code == 500, "and the other way round"


@pytest.mark.rule("assessor-list")
def test_list_has_its_session(api: Session, project: str, session: str, assessor: str) -> None:
    row = rows_of(api, f"{session}/assessors")[0]
    assert row.keys() >= {"ID", "project", "label", "date", "xsiType", "insert_date", "URI"}
    fields = fields_of(api, session)
    assert (row["session_ID"], row["session_label"]) == (fields["ID"], "S1_MRI")
    assert row["URI"] == f"/data/experiments/{row['ID']}"


@pytest.mark.rule("assessor-in-experiments")
def test_assessors_are_in_lists_of_experiments_that_ask_for_them(api: Session, project: str, assessor: str) -> None:
    path = f"/data/projects/{project}/experiments"
    assert labels_of(api, path) == ["S1_MRI"]
    for xsi_type in ("xnat:qcManualAssessorData", "xnat:imageAssessorData"):
        assert labels_of(api, path, xsiType=xsi_type) == ["A1"]
    row = rows_of(api, "/data/experiments", xsiType="xnat:imageAssessorData", project=project)[0]
    assert (row["label"], row["session_label"]) == ("A1", "S1_MRI")


@pytest.mark.rule("assessor-list-missing")
def test_list_of_a_missing_session_is_404(api: Session, project: str, session: str) -> None:
    for path in (
        f"/data/projects/{project}/subjects/S1/experiments/none",
        f"/data/projects/{project}/subjects/none/experiments/S1_MRI",
        "/data/projects/none/subjects/S1/experiments/S1_MRI",
        "/data/experiments/none",
    ):
        assert api.get(f"{path}/assessors").status_code == 404


@pytest.mark.rule("assessor-post", "list-post")
def test_post_answers_the_address_of_the_new_assessor(api: Session, session: str) -> None:
    path = f"{session}/assessors"
    answer = api.post(path, params={**QC, "label": "A1"})
    assert answer.status_code in {200, 201}
    assert answer.text.endswith(f"{path}/{item_of(api, f'{path}/A1')['data_fields']['ID']}")
    assert api.post(path, params={**QC, "label": "A1"}).status_code == 409
    assert api.post(path).status_code == 417
    assert api.post(path, params=MR).status_code == 422


@pytest.mark.rule("assessor-delete")
def test_delete_is_200_and_then_404(api: Session, session: str, assessor: str) -> None:
    assert api.delete(f"{assessor}/bogus").status_code == 400
    assert [api.delete(assessor).status_code for _ in range(2)] == [200, 404]
    assert api.get(session).status_code == 200


@pytest.mark.rule("assessor-delete-by-id")
def test_assessor_can_be_deleted_by_its_id_alone(api: Session, session: str, assessor: str) -> None:
    path = f"/data/experiments/{item_of(api, assessor)['data_fields']['ID']}"
    assert [api.delete(path).status_code for _ in range(2)] == [200, 404]
    assert rows_of(api, f"{session}/assessors") == []


@pytest.mark.rule("delete-right")
def test_member_may_change_but_not_delete(xnat: XnatServer, project: str, assessor: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.put(assessor, params={"note": "n"}).status_code == 200
    assert member.delete(assessor).status_code == 403


@pytest.mark.rule("assessor-share")
def test_assessors_are_shared_like_sessions(api: Session, xnat: XnatServer, assessor: str) -> None:
    other = xnat.new_project()
    assert api.put(f"{assessor}/projects/{other}", params={"label": "guest"}).status_code == 200
    assert api.put(f"{assessor}/projects/{other}").status_code == 409
    rows = rows_of(api, f"{assessor}/projects", format="json")
    assert [row["label"] for row in rows] == ["A1", "guest"]
    assert labels_of(api, f"/data/projects/{other}/experiments", xsiType="xnat:imageAssessorData") == ["guest"]
    assert api.delete(f"{assessor}/projects/{other}").status_code == 200
    assert api.get(assessor).status_code == 200


@pytest.mark.rule("state-flags", "state-text")
def test_flags_change_the_state_of_assessors(api: Session, assessor: str) -> None:
    api.put(assessor, params={"quarantine": "true"}).raise_for_status()
    assert api.get(f"{assessor}/status").text == "quarantine"


@pytest.mark.rule("assessor-xml")
def test_document_of_an_assessor_can_be_put_back(api: Session, assessor: str) -> None:
    api.put(assessor, params={"note": "as it was", "xnat:qcManualAssessorData/rater": "R"}).raise_for_status()
    document = api.get(assessor, params={"format": "xml"}).content
    api.put(assessor, params={"note": "changed"}).raise_for_status()
    assert api.put(assessor, data=document, headers={"Content-Type": "text/xml"}).status_code == 200
    fields = fields_of(api, assessor)
    assert (fields["note"], fields["rater"]) == ("as it was", "R")


@pytest.mark.rule("resource-out-is-default", "file-list-uris")
def test_outputs_are_what_is_meant_without_a_direction(api: Session, assessor: str) -> None:
    api.put(f"{assessor}/resources/R/files/a.txt", data=b"a", headers=TEXT).raise_for_status()
    number = rows_of(api, f"{assessor}/out/resources")[0]["xnat_abstractresource_id"]
    assert rows_of(api, f"{assessor}/resources")[0]["xnat_abstractresource_id"] == number
    assert api.get(f"{assessor}/out/resources/R/files/a.txt").content == b"a"
    assert api.get(f"{assessor}/files/a.txt").content == b"a"
    uri = rows_of(api, f"{assessor}/resources/R/files")[0]["URI"]
    assert uri.endswith(f"/assessors/{item_of(api, assessor)['data_fields']['ID']}/out/resources/{number}/files/a.txt")
    assert api.get(uri).content == b"a"
    identifier = fields_of(api, assessor)["ID"]
    assert api.get(f"/data/experiments/{identifier}/resources/R/files/a.txt").content == b"a"


@pytest.mark.rule("resource-in")
def test_inputs_are_kept_apart(api: Session, assessor: str) -> None:
    api.put(f"{assessor}/in/resources/I/files/a.txt", data=b"in", headers=TEXT).raise_for_status()
    api.put(f"{assessor}/resources/O/files/a.txt", data=b"out", headers=TEXT).raise_for_status()
    assert labels_of(api, f"{assessor}/in/resources") == ["I"]
    assert labels_of(api, f"{assessor}/resources") == ["O"]
    assert api.get(f"{assessor}/in/resources/I/files/a.txt").content == b"in"
    assert api.get(f"{assessor}/in/files/a.txt").content == b"in"
    assert rows_of(api, f"{assessor}/in/resources/I/files")[0]["URI"].count("/in/resources/") == 1
    assert [fields_of(api, assessor, f"{way}/file")["label"] for way in ("in", "out")] == ["I", "O"]
    assert api.delete(f"{assessor}/in/resources/I").status_code == 200
    assert labels_of(api, f"{assessor}/in/resources") == []


@pytest.mark.rule("resource-in-by-put")
def test_resource_that_is_put_into_the_inputs_becomes_an_output(api: Session, assessor: str) -> None:
    """Since 1.7; and uploads to the inputs then find it there, for they look for its label everywhere."""
    assert api.put(f"{assessor}/in/resources/I").status_code == 200
    assert (labels_of(api, f"{assessor}/in/resources"), labels_of(api, f"{assessor}/resources")) == ([], ["I"])
    api.put(f"{assessor}/in/resources/I/files/a.txt", data=b"a", headers=TEXT).raise_for_status()
    assert api.get(f"{assessor}/resources/I/files/a.txt").content == b"a"


@pytest.mark.rule("resource-in-by-put-1-6")
def test_xnat_1_6_puts_inputs_where_they_belong(practice: Practice) -> None:
    server = practice(flavour="1.6")
    api, subject = server.session(), f"/data/projects/{server.new_project()}/subjects/S1"
    api.put(f"{subject}/experiments/E1", params=MR).raise_for_status()
    assessor = f"{subject}/experiments/E1/assessors/A1"
    api.put(assessor, params=QC).raise_for_status()
    assert api.put(f"{assessor}/in/resources/I").status_code == 200
    assert (labels_of(api, f"{assessor}/in/resources"), labels_of(api, f"{assessor}/resources")) == (["I"], [])


@pytest.mark.rule("archive-assessors")
@pytest.mark.practice_xnat("looks at the server's disk")
def test_folder_of_a_resource_depends_on_how_it_was_made(
    api: Session, xnat: XnatServer, project: str, assessor: str
) -> None:
    folder = xnat.archive / project / "arc001" / "S1_MRI" / "ASSESSORS"
    identifier = fields_of(api, assessor)["ID"]
    api.put(f"{assessor}/resources/PUT").raise_for_status()
    for way, name in (("resources", "PUT"), ("resources", "UP"), ("in/resources", "IN")):
        api.put(f"{assessor}/{way}/{name}/files/a.txt", data=b"a", headers=TEXT).raise_for_status()
    assert (folder / "A1" / "PUT" / "a.txt").exists()
    assert (folder / identifier / "out" / "UP" / "a.txt").exists()
    assert (folder / identifier / "in" / "IN" / "a.txt").exists()


@pytest.mark.rule("assessor-delete-files")
@pytest.mark.practice_xnat("looks at the server's disk")
def test_deletion_removes_outputs_if_asked_to_and_never_inputs(
    api: Session, xnat: XnatServer, project: str, assessor: str
) -> None:
    folder = xnat.archive / project / "arc001" / "S1_MRI" / "ASSESSORS" / fields_of(api, assessor)["ID"]
    for way in ("in", "out"):
        api.put(f"{assessor}/{way}/resources/R/files/a.txt", data=b"a", headers=TEXT).raise_for_status()
    api.delete(assessor, params={"removeFiles": "true"}).raise_for_status()
    assert (folder / "in" / "R" / "a.txt").exists()
    assert not (folder / "out" / "R").exists()


@pytest.mark.rule("assessor-leftovers")
def test_files_that_an_assessor_left_behind_count_as_duplicates(api: Session, assessor: str) -> None:
    """Without `removeFiles` they stay in the folder of its label, where a new one of that label finds them."""
    for _ in range(2):
        api.put(assessor, params=QC).raise_for_status()
        api.put(f"{assessor}/resources/R").raise_for_status()
        answer = api.put(f"{assessor}/resources/R/files/a.txt", data=b"a", headers=TEXT)
        api.delete(assessor).raise_for_status()
    assert answer.json() == {"duplicates": ["a.txt"]}


@pytest.mark.rule("resource-wrong-parent")
def test_get_below_a_missing_assessor_shows_the_subjects_resources(api: Session, project: str, session: str) -> None:
    api.put(f"/data/projects/{project}/subjects/S1/resources/OF_SUBJECT").raise_for_status()
    wrong = f"{session}/assessors/none"
    assert labels_of(api, f"{wrong}/resources") == ["OF_SUBJECT"]
    for answer in (api.head(f"{wrong}/resources"), api.put(f"{wrong}/resources/R")):
        assert answer.status_code == 404
    identifier = fields_of(api, session)["ID"]
    assert api.get(f"/data/experiments/{identifier}/assessors/none/resources").status_code == 404


@pytest.mark.rule("assessor-selectors")
def test_assessors_are_selected_by_label_type_or_all(api: Session, session: str, assessor: str) -> None:
    api.put(f"{session}/assessors/A2", params={"xsiType": "xnat:mrAssessorData"}).raise_for_status()
    for name in ("A1", "A2"):
        api.put(f"{session}/assessors/{name}/resources/{name}").raise_for_status()
    path = f"/data/experiments/{item_of(api, session)['data_fields']['ID']}/assessors"

    def labels(selector: str) -> list[str]:
        return sorted(labels_of(api, f"{path}/{selector}/resources"))

    assert labels("ALL") == labels("*") == labels("A1,A2") == ["A1", "A2"]
    assert (labels("A2"), labels("xnat:qcManualAssessorData")) == (["A2"], ["A1"])
    assert api.put(f"{path}/ALL/resources/R").status_code == 404
