"""XNAT's contract, section 3: subjects."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from object_helpers import fields_of, rows_of
from xnat_twin.testing import Practice, Session, XnatServer

CUSTOM = "xnat:subjectData/fields/field[name=cohort]/field"


@pytest.fixture
def subjects(project: str) -> str:
    return f"/data/projects/{project}/subjects"


@pytest.mark.rule("subject-put", "accession-id")
def test_new_is_201_existing_is_200_and_both_answer_the_accession_id(api: Session, subjects: str) -> None:
    first, second = api.put(f"{subjects}/S1"), api.put(f"{subjects}/S1")
    assert (first.status_code, second.status_code) == (201, 200)
    assert re.fullmatch(r"\w+_S\d{5,}", first.text)
    assert first.text == second.text
    assert first.headers["Content-Type"].startswith("text/plain")


@pytest.mark.rule("accession-numbers-never-reused")
def test_accession_numbers_are_never_reused(api: Session, subjects: str) -> None:
    first = api.put(f"{subjects}/S1").text
    api.delete(f"{subjects}/S1")
    assert api.put(f"{subjects}/S1").text > first


@pytest.mark.rule("subject-get")
def test_label_and_accession_id_name_the_same_subject(api: Session, subjects: str) -> None:
    identifier = api.put(f"{subjects}/S1").text
    assert fields_of(api, f"{subjects}/S1") == fields_of(api, f"{subjects}/{identifier}")
    assert fields_of(api, f"/data/subjects/{identifier}")["label"] == "S1"


@pytest.mark.rule("subject-shortcuts")
def test_values_have_the_type_of_their_field(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={"gender": "male", "yob": "1950", "weight": "70.5"})
    assert fields_of(api, f"{subjects}/S1", "demographics") == {"gender": "male", "yob": 1950, "weight": 70.5}


@pytest.mark.rule("subject-bad-value")
def test_value_that_does_not_fit_its_field_is_400(api: Session, subjects: str) -> None:
    assert api.put(f"{subjects}/S1", params={"yob": "recently"}).status_code == 400


@pytest.mark.rule("subject-fields-stay")
def test_fields_that_are_not_mentioned_stay_and_null_clears(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={"gender": "male", "yob": "1950", "handedness": "left"})
    api.put(f"{subjects}/S1", params={"yob": "1951", "handedness": "NULL"})
    assert fields_of(api, f"{subjects}/S1", "demographics") == {"gender": "male", "yob": 1951}


@pytest.mark.rule("values-are-stored-escaped")
def test_values_are_stored_xml_escaped(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={"group": 'a<b & "c"'})
    assert fields_of(api, f"{subjects}/S1")["group"] == "a&lt;b &amp; &quot;c&quot;"


@pytest.mark.rule("subject-custom-variable")
def test_custom_variable_is_a_list_entry(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={CUSTOM: "A"})
    entry = fields_of(api, f"{subjects}/S1", "fields/field")
    assert {name: entry[name] for name in ("name", "field")} == {"name": "cohort", "field": "A"}
    api.put(f"{subjects}/S1", params={CUSTOM: "B"})
    assert fields_of(api, f"{subjects}/S1", "fields/field")["field"] == "B"


@pytest.mark.rule("subject-xpath")
def test_xpath_with_a_predicate_means_the_same_as_its_shortcut(api: Session, subjects: str) -> None:
    xpath = "xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/gender"
    api.put(f"{subjects}/S1", params={xpath: "female"})
    assert fields_of(api, f"{subjects}/S1", "demographics")["gender"] == "female"


@pytest.mark.rule("unknown-parameters-are-ignored", "subject-has-no-note")
def test_unknown_parameters_are_ignored(api: Session, subjects: str) -> None:
    given = {"note": "subjects have none", "no_such": "x", "xnat:mrSessionData/date": "2020-01-01", "req_format": "qs"}
    assert api.put(f"{subjects}/S1", params=given).status_code == 201


@pytest.mark.rule("subject-rename")
def test_label_parameter_on_an_existing_subject_is_a_rename_and_nothing_else(api: Session, subjects: str) -> None:
    identifier = api.put(f"{subjects}/S1", params={"gender": "male"}).text
    answer = api.put(f"{subjects}/S1", params={"label": "S2", "gender": "female"})
    assert (answer.status_code, answer.text) == (200, "")
    assert fields_of(api, f"{subjects}/S2")["ID"] == identifier
    assert fields_of(api, f"{subjects}/S2", "demographics")["gender"] == "male"
    assert api.get(f"{subjects}/S1").status_code == 404


@pytest.mark.rule("subject-rename")
def test_same_label_as_parameter_also_hides_the_other_parameters(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={"gender": "male"})
    assert api.put(f"{subjects}/S1", params={"label": "S1", "gender": "female"}).status_code == 200
    assert fields_of(api, f"{subjects}/S1", "demographics")["gender"] == "male"


@pytest.mark.rule("subject-rename-conflict")
def test_rename_to_a_label_in_use_is_409(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1")
    api.put(f"{subjects}/S2")
    assert api.put(f"{subjects}/S1", params={"label": "S2"}).status_code == 409


@pytest.mark.rule("subject-label-characters")
def test_label_with_illegal_characters_fails_late(api: Session, subjects: str) -> None:
    assert api.put(f"{subjects}/S.1").status_code == 500
    assert api.get(f"{subjects}/S.1").status_code == 404


@pytest.mark.rule("subject-id-characters")
def test_explicit_id_with_illegal_characters_is_417(api: Session, subjects: str) -> None:
    assert api.put(f"{subjects}/S1", params={"ID": "a.b"}).status_code == 417


@pytest.mark.rule("subject-id-fixed")
def test_id_cannot_be_changed(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1")
    assert api.put(f"{subjects}/S1", params={"ID": "another"}).status_code == 400


@pytest.mark.rule("subject-needs-project")
def test_subject_of_a_missing_project_is_422_for_put_and_404_for_get(api: Session) -> None:
    assert api.put("/data/projects/no_such_project/subjects/S1").status_code == 422
    assert api.get("/data/projects/no_such_project/subjects/S1").status_code == 404


@pytest.mark.rule("path-after-object-ignored")
def test_path_after_a_subject_is_not_looked_at(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1")
    assert api.get(f"{subjects}/S1/bogus", params={"format": "json"}).json()["items"][0]["data_fields"]["label"] == "S1"


@pytest.mark.rule("path-after-object-refused")
def test_change_of_a_path_after_a_subject_is_400(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1")
    assert api.put(f"{subjects}/S1/bogus").status_code == 400
    assert api.delete(f"{subjects}/S1/bogus").status_code == 400
    assert api.get(f"{subjects}/S1").status_code == 200


@pytest.mark.rule("subject-delete")
def test_delete_is_200_and_then_404(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1")
    assert [api.delete(f"{subjects}/S1").status_code for _ in range(2)] == [200, 404]


@pytest.mark.rule("subject-list")
def test_list_has_its_columns_and_takes_others(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={"gender": "male"})
    row = rows_of(api, subjects)[0]
    assert list(row) == ["ID", "project", "label", "insert_date", "insert_user", "URI"]
    assert row["URI"] == f"/data/subjects/{row['ID']}"
    lines = api.get(subjects, params={"format": "csv", "columns": "label,gender,no_such,xsiType"}).text.split("\n")
    assert lines[0] == "ID,label,gender,URI"
    assert lines[1].split(",")[1:3] == ["S1", "male"]


@pytest.mark.rule("subject-list")
def test_list_can_be_filtered_sorted_and_paged(api: Session, subjects: str) -> None:
    for label in ("A2", "A1", "B1"):
        api.put(f"{subjects}/{label}")

    def labels(**params: str) -> list[str]:
        return [row["label"] for row in rows_of(api, subjects, **params)]

    assert labels(label="A*", sortBy="label") == ["A1", "A2"]
    assert labels(label="A1,B1", sortBy="label", sortOrder="DESC") == ["B1", "A1"]
    assert labels(limit="1", offset="1") == ["A1"]
    assert "totalRecords" not in api.get(subjects, params={"limit": "1"}).json()["ResultSet"]


@pytest.mark.rule("subject-xml")
def test_xml_round_trip(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={"gender": "male", CUSTOM: "A"})
    document = api.get(f"{subjects}/S1", params={"format": "xml"}).content
    api.put(f"{subjects}/S1", params={"gender": "female", CUSTOM: "B"})
    assert api.put(f"{subjects}/S1", data=document, headers={"Content-Type": "text/xml"}).status_code == 200
    assert fields_of(api, f"{subjects}/S1", "demographics")["gender"] == "male"
    assert fields_of(api, f"{subjects}/S1", "fields/field")["field"] == "A"


@pytest.mark.rule("subject-bad-xml")
def test_document_that_is_not_xml_is_422(api: Session, subjects: str) -> None:
    assert api.put(f"{subjects}/S1", data="<xnat:Subject", headers={"Content-Type": "text/xml"}).status_code == 422


@pytest.mark.rule("subject-xml")
def test_xml_is_merged_over_what_is_there(api: Session, subjects: str, project: str) -> None:
    api.put(f"{subjects}/S1", params={"gender": "male", "group": "G"})
    document = f'<xnat:Subject project="{project}" label="S1" group="H" xmlns:xnat="http://nrg.wustl.edu/xnat"/>'
    api.put(f"{subjects}/S1", data=document, headers={"Content-Type": "text/xml"})
    assert fields_of(api, f"{subjects}/S1")["group"] == "H"
    assert fields_of(api, f"{subjects}/S1", "demographics")["gender"] == "male"


@pytest.mark.rule("parallel-creation")
def test_parallel_puts_of_one_label_make_one_subject(xnat: XnatServer, subjects: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: xnat.session().put(f"{subjects}/S1"), range(4)))
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert len(rows_of(xnat.session(), subjects)) == 1


@pytest.mark.rule("subject-shortcuts")
def test_every_shortcut_is_stored(api: Session, subjects: str) -> None:
    plain = {"group": "G", "src": "S"}
    person = {"pi_firstname": "Jane", "pi_lastname": "Smith"}
    demographics = {"dob": "1950-02-03", "age": "70", "handedness": "left", "ses": "2", "education": "12",
                    "educationDesc": "d", "race": "r", "ethnicity": "e", "height": "170.5", "gestational_age": "39.5",
                    "post_menstrual_age": "41.5", "birth_weight": "3.5"}  # fmt: skip
    api.put(f"{subjects}/S1", params=plain | person | demographics).raise_for_status()
    assert fields_of(api, f"{subjects}/S1").items() >= plain.items()
    assert fields_of(api, f"{subjects}/S1", "investigator") == {"firstname": "Jane", "lastname": "Smith"}
    stored = fields_of(api, f"{subjects}/S1", "demographics")
    assert {name: str(stored[name]) for name in demographics} == demographics


@pytest.mark.rule("subject-put-by-id")
def test_subject_can_be_changed_by_its_id_alone(api: Session, subjects: str) -> None:
    identifier = api.put(f"{subjects}/S1").text
    answer = api.put(f"/data/subjects/{identifier}", params={"group": "G"})
    assert (answer.status_code, answer.text) == (200, identifier)
    assert fields_of(api, f"{subjects}/S1")["group"] == "G"
    assert api.put("/data/subjects/no_such_subject", params={"group": "G"}).status_code == 422


@pytest.mark.rule("subject-get-anywhere")
def test_accession_id_leads_to_a_subject_through_any_project(api: Session, xnat: XnatServer, subjects: str) -> None:
    identifier = api.put(f"{subjects}/S1").text
    other = xnat.new_project()
    assert fields_of(api, f"/data/projects/{other}/subjects/{identifier}")["label"] == "S1"
    assert api.delete(f"/data/projects/{other}/subjects/{identifier}").status_code == 403
    created = api.put(f"/data/projects/{other}/subjects/{identifier}")
    assert (created.status_code, created.text == identifier) == (201, False), "for PUT it is a label like any other"


@pytest.mark.rule("subject-get-missing")
def test_missing_subject_is_404_which_says_where_it_is_missing(api: Session, project: str, subjects: str) -> None:
    answer = api.get(f"{subjects}/none")
    assert answer.status_code == 404
    assert f"The project {project} does not contain a subject identifiable by the ID or label none." in answer.text
    assert "you must specify the accession number" in api.get("/data/subjects/none").text


@pytest.mark.rule("head-as-get")
def test_head_works_where_get_does(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1").raise_for_status()
    assert (api.head(f"{subjects}/S1").status_code, api.head(f"{subjects}/S1").content) == (200, b"")
    assert api.head(f"{subjects}/none").status_code == 404


@pytest.mark.rule("subject-type")
@pytest.mark.parametrize(
    ("xsi_type", "status"), [("xnat:subjectData", 201), ("xnat:mrSessionData", 422), ("xnat:noSuchData", 400)]
)
def test_new_subject_takes_no_other_type(api: Session, subjects: str, xsi_type: str, status: int) -> None:
    assert api.put(f"{subjects}/S1", params={"xsiType": xsi_type}).status_code == status


@pytest.mark.rule("subject-document-type")
def test_document_about_something_else_is_422(api: Session, subjects: str) -> None:
    document = '<xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat"/>'
    answer = api.put(f"{subjects}/S1", data=document, headers={"Content-Type": "text/xml"})
    assert answer.status_code == 422
    assert "Only xnat:Subject documents can be PUT to this address." in answer.text


@pytest.mark.rule("subject-other-project")
def test_project_of_a_subject_is_not_a_field(api: Session, xnat: XnatServer, subjects: str) -> None:
    api.put(f"{subjects}/S1").raise_for_status()
    answer = api.put(f"{subjects}/S1", params={"project": xnat.new_project()})
    assert (answer.status_code, "Project must be modified through separate URI." in answer.text) == (409, True)


@pytest.mark.rule("subject-rename-conflict")
@pytest.mark.practice_xnat("puts a file into the server's archive")
def test_rename_onto_files_that_are_there_is_409(api: Session, xnat: XnatServer, project: str, subjects: str) -> None:
    api.put(f"{subjects}/S1").raise_for_status()
    api.put(f"{subjects}/S1/resources/R").raise_for_status()
    folder = xnat.archive / project / "subjects" / "S2"
    folder.mkdir(parents=True)
    (folder / "left behind").touch()
    answer = api.put(f"{subjects}/S1", params={"label": "S2"})
    assert (answer.status_code, "pre-existing files" in answer.text) == (409, True)
    assert api.get(f"{subjects}/S1").status_code == 200


@pytest.mark.rule("subject-rename-files")
def test_rename_takes_the_files_along(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1").raise_for_status()
    file = "resources/R/files/a.txt"
    api.put(f"{subjects}/S1/{file}", data=b"a", headers={"Content-Type": "text/plain"}).raise_for_status()
    api.put(f"{subjects}/S1", params={"label": "S2"}).raise_for_status()
    assert api.get(f"{subjects}/S2/{file}").content == b"a"


@pytest.mark.rule("subject-rename-1-6")
def test_xnat_1_6_takes_the_label_for_one_field_among_others(practice: Practice) -> None:
    api, project = practice(flavour="1.6").session(), practice(flavour="1.6").new_project()
    path = f"/data/projects/{project}/subjects"
    identifier = api.put(f"{path}/S1").text
    assert api.put(f"{path}/S1", params={"label": "S2", "group": "G"}).text == identifier
    assert fields_of(api, f"{path}/S2")["group"] == "G"


@pytest.mark.rule("subject-list-missing")
def test_list_of_a_missing_project_is_404(api: Session) -> None:
    assert api.get("/data/projects/no_such_project/subjects").status_code == 404


@pytest.mark.rule("list-post", "subject-post")
def test_post_answers_the_address_of_the_new_subject(api: Session, xnat: XnatServer, subjects: str) -> None:
    document = '<xnat:Subject label="S1" group="G" xmlns:xnat="http://nrg.wustl.edu/xnat"/>'
    answer = api.post(subjects, data=document, headers={"Content-Type": "text/xml"})
    identifier = fields_of(api, f"{subjects}/S1")["ID"]
    assert answer.status_code in {200, 201}
    assert answer.text == answer.headers["Location"]
    assert answer.text.endswith(f"{subjects}/{identifier}")
    again = api.post(subjects, params={"label": "S1"})
    assert (again.status_code, "Subject already exists." in again.text) == (409, True)
    assert api.post(subjects, params={"group": "no label"}).status_code == 500
    assert api.post("/data/subjects", params={"label": "S2"}).status_code == 405


@pytest.mark.rule("subject-projects")
def test_projects_of_a_subject_are_a_table(api: Session, xnat: XnatServer, project: str, subjects: str) -> None:
    other = xnat.new_project()
    api.put(f"{subjects}/S1").raise_for_status()
    api.put(f"{subjects}/S1/projects/{other}", params={"label": "guest"}).raise_for_status()
    rows = rows_of(api, f"{subjects}/S1/projects", format="json")
    assert rows == [
        {"label": "S1", "ID": project, "Secondary_ID": project, "Name": project},
        {"label": "guest", "ID": other, "Secondary_ID": other, "Name": other},
    ]


@pytest.mark.rule("state-flags", "state-text")
@pytest.mark.parametrize(
    ("flags", "status"),
    [
        ({"quarantine": "true"}, "quarantine"),
        ({"quarantine": "true", "activate": "true"}, "quarantine"),
        ({"quarantine": "false"}, "active"),
        ({"_lock": ""}, "active"),
        ({"_obsolete": "true"}, "active"),
        ({"quarantine": "true", "_unlock": "true"}, "active"),
    ],
)
def test_flags_change_the_state(api: Session, subjects: str, flags: dict[str, str], status: str) -> None:
    api.put(f"{subjects}/S1", params=flags).raise_for_status()
    assert api.get(f"{subjects}/S1/status").text == status
    api.put(f"{subjects}/S1", params={"activate": "true"}).raise_for_status()
    assert api.get(f"{subjects}/S1/status").text == "active"


@pytest.mark.rule("subject-delete")
def test_delete_takes_what_is_below_along(api: Session, subjects: str) -> None:
    session = f"{subjects}/S1/experiments/E1"
    identifier = api.put(session, params={"xsiType": "xnat:mrSessionData"}).text
    api.put(f"{session}/scans/1", params={"xsiType": "xnat:mrScanData"}).raise_for_status()
    api.put(f"{session}/assessors/A1", params={"xsiType": "xnat:qcManualAssessorData"}).raise_for_status()
    api.delete(f"{subjects}/S1", params={"removeFiles": "true"}).raise_for_status()
    assert api.get(f"/data/experiments/{identifier}").status_code == 404


@pytest.mark.rule("justification", "justification-put", "justification-delete")
@pytest.mark.practice_xnat("changes site settings")
def test_site_can_demand_a_reason_for_every_change(api: Session, xnat: XnatServer, subjects: str) -> None:
    """Both settings must be on. XNAT refuses a DELETE with 403 and fails with 500 at a PUT."""
    api.put(f"{subjects}/S1").raise_for_status()
    with xnat.settings(requireChangeJustification=True):
        assert api.put(f"{subjects}/S1", params={"group": "G"}).status_code == 200
    with xnat.settings(requireChangeJustification=True, showChangeJustification=True):
        assert api.put(subjects.rpartition("/")[0], params={"note": "projects need none"}).status_code == 200
        assert api.put(f"{subjects}/S2").status_code == 500
        assert api.put(f"{subjects}/S1", params={"group": "H"}).status_code == 500
        renamed = api.put(f"{subjects}/S1", params={"label": "S3"})
        assert (renamed.status_code, "Justification required." in renamed.text) == (500, True)
        refused = api.delete(f"{subjects}/S1")
        assert (refused.status_code, "Justification required." in refused.text) == (403, True)
        assert fields_of(api, f"{subjects}/S1")["group"] == "G"
        assert api.put(f"{subjects}/S1", params={"group": "H", "event_reason": "why"}).status_code == 200
        assert api.delete(f"{subjects}/S1", params={"event_reason": "why"}).status_code == 200
