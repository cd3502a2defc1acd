"""XNAT's contract, section 3: subjects."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from xnat_twin.testing import Session, XnatServer

CUSTOM = "xnat:subjectData/fields/field[name=cohort]/field"


def _fields(api: Session, path: str, child: str = "") -> dict[str, object]:
    item = api.get(path, params={"format": "json"}).json()["items"][0]
    if child:
        item = next(c for c in item["children"] if c["field"] == child)["items"][0]
    return dict(item["data_fields"])


@pytest.fixture
def subjects(project: str) -> str:
    return f"/data/projects/{project}/subjects"


def test_new_is_201_existing_is_200_and_both_answer_the_accession_id(api: Session, subjects: str) -> None:
    first, second = api.put(f"{subjects}/S1"), api.put(f"{subjects}/S1")
    assert (first.status_code, second.status_code) == (201, 200)
    assert re.fullmatch(r"\w+_S\d{5,}", first.text)
    assert first.text == second.text
    assert first.headers["Content-Type"].startswith("text/plain")


def test_accession_numbers_are_never_reused(api: Session, subjects: str) -> None:
    first = api.put(f"{subjects}/S1").text
    api.delete(f"{subjects}/S1")
    assert api.put(f"{subjects}/S1").text > first


def test_label_and_accession_id_name_the_same_subject(api: Session, subjects: str) -> None:
    identifier = api.put(f"{subjects}/S1").text
    assert _fields(api, f"{subjects}/S1") == _fields(api, f"{subjects}/{identifier}")
    assert _fields(api, f"/data/subjects/{identifier}")["label"] == "S1"


def test_values_have_the_type_of_their_field(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={"gender": "male", "yob": "1950", "weight": "70.5"})
    assert _fields(api, f"{subjects}/S1", "demographics") == {"gender": "male", "yob": 1950, "weight": 70.5}


def test_value_that_does_not_fit_its_field_is_400(api: Session, subjects: str) -> None:
    assert api.put(f"{subjects}/S1", params={"yob": "recently"}).status_code == 400


def test_fields_that_are_not_mentioned_stay_and_null_clears(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={"gender": "male", "yob": "1950", "handedness": "left"})
    api.put(f"{subjects}/S1", params={"yob": "1951", "handedness": "NULL"})
    assert _fields(api, f"{subjects}/S1", "demographics") == {"gender": "male", "yob": 1951}


def test_values_are_stored_xml_escaped(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={"group": 'a<b & "c"'})
    assert _fields(api, f"{subjects}/S1")["group"] == "a&lt;b &amp; &quot;c&quot;"


def test_custom_variable_is_a_list_entry(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={CUSTOM: "A"})
    assert _fields(api, f"{subjects}/S1", "fields/field") == {"name": "cohort", "field": "A"}
    api.put(f"{subjects}/S1", params={CUSTOM: "B"})
    assert _fields(api, f"{subjects}/S1", "fields/field")["field"] == "B"


def test_xpath_with_a_predicate_means_the_same_as_its_shortcut(api: Session, subjects: str) -> None:
    xpath = "xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/gender"
    api.put(f"{subjects}/S1", params={xpath: "female"})
    assert _fields(api, f"{subjects}/S1", "demographics")["gender"] == "female"


def test_unknown_parameters_are_ignored(api: Session, subjects: str) -> None:
    given = {"note": "subjects have none", "no_such": "x", "xnat:mrSessionData/date": "2020-01-01", "req_format": "qs"}
    assert api.put(f"{subjects}/S1", params=given).status_code == 201


def test_label_parameter_on_an_existing_subject_is_a_rename_and_nothing_else(api: Session, subjects: str) -> None:
    identifier = api.put(f"{subjects}/S1", params={"gender": "male"}).text
    answer = api.put(f"{subjects}/S1", params={"label": "S2", "gender": "female"})
    assert (answer.status_code, answer.text) == (200, "")
    assert _fields(api, f"{subjects}/S2")["ID"] == identifier
    assert _fields(api, f"{subjects}/S2", "demographics")["gender"] == "male"
    assert api.get(f"{subjects}/S1").status_code == 404


def test_same_label_as_parameter_also_hides_the_other_parameters(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={"gender": "male"})
    assert api.put(f"{subjects}/S1", params={"label": "S1", "gender": "female"}).status_code == 200
    assert _fields(api, f"{subjects}/S1", "demographics")["gender"] == "male"


def test_rename_to_a_label_in_use_is_409(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1")
    api.put(f"{subjects}/S2")
    assert api.put(f"{subjects}/S1", params={"label": "S2"}).status_code == 409


def test_label_with_illegal_characters_fails_late(api: Session, subjects: str) -> None:
    assert api.put(f"{subjects}/S.1").status_code == 500
    assert api.get(f"{subjects}/S.1").status_code == 404


def test_explicit_id_with_illegal_characters_is_417(api: Session, subjects: str) -> None:
    assert api.put(f"{subjects}/S1", params={"ID": "a.b"}).status_code == 417


def test_id_cannot_be_changed(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1")
    assert api.put(f"{subjects}/S1", params={"ID": "another"}).status_code == 400


def test_subject_of_a_missing_project_is_422_for_put_and_404_for_get(api: Session) -> None:
    assert api.put("/data/projects/no_such_project/subjects/S1").status_code == 422
    assert api.get("/data/projects/no_such_project/subjects/S1").status_code == 404


def test_path_after_a_subject_is_not_looked_at(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1")
    assert api.get(f"{subjects}/S1/bogus", params={"format": "json"}).json()["items"][0]["data_fields"]["label"] == "S1"


def test_change_of_a_path_after_a_subject_is_400(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1")
    assert api.put(f"{subjects}/S1/bogus").status_code == 400
    assert api.delete(f"{subjects}/S1/bogus").status_code == 400
    assert api.get(f"{subjects}/S1").status_code == 200


def test_delete_is_200_and_then_404(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1")
    assert [api.delete(f"{subjects}/S1").status_code for _ in range(2)] == [200, 404]


def test_list_has_its_columns_and_takes_others(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={"gender": "male"})
    row = api.get(subjects).json()["ResultSet"]["Result"][0]
    assert list(row) == ["ID", "project", "label", "insert_date", "insert_user", "URI"]
    assert row["URI"] == f"/data/subjects/{row['ID']}"
    lines = api.get(subjects, params={"format": "csv", "columns": "label,gender,no_such,xsiType"}).text.split("\n")
    assert lines[0] == "ID,label,gender,URI"
    assert lines[1].split(",")[1:3] == ["S1", "male"]


def test_list_can_be_filtered_sorted_and_paged(api: Session, subjects: str) -> None:
    for label in ("A2", "A1", "B1"):
        api.put(f"{subjects}/{label}")

    def labels(**params: str) -> list[str]:
        return [row["label"] for row in api.get(subjects, params=params).json()["ResultSet"]["Result"]]

    assert labels(label="A*", sortBy="label") == ["A1", "A2"]
    assert labels(label="A1,B1", sortBy="label", sortOrder="DESC") == ["B1", "A1"]
    assert labels(limit="1", offset="1") == ["A1"]
    assert "totalRecords" not in api.get(subjects, params={"limit": "1"}).json()["ResultSet"]


def test_xml_round_trip(api: Session, subjects: str) -> None:
    api.put(f"{subjects}/S1", params={"gender": "male", CUSTOM: "A"})
    document = api.get(f"{subjects}/S1", params={"format": "xml"}).content
    api.put(f"{subjects}/S1", params={"gender": "female", CUSTOM: "B"})
    assert api.put(f"{subjects}/S1", data=document, headers={"Content-Type": "text/xml"}).status_code == 200
    assert _fields(api, f"{subjects}/S1", "demographics")["gender"] == "male"
    assert _fields(api, f"{subjects}/S1", "fields/field")["field"] == "A"


def test_document_that_is_not_xml_is_422(api: Session, subjects: str) -> None:
    assert api.put(f"{subjects}/S1", data="<xnat:Subject", headers={"Content-Type": "text/xml"}).status_code == 422


def test_xml_with_data_deletion_is_the_whole_truth(api: Session, subjects: str, project: str) -> None:
    api.put(f"{subjects}/S1", params={"gender": "male", "group": "G"})
    document = f'<xnat:Subject project="{project}" label="S1" group="H" xmlns:xnat="http://nrg.wustl.edu/xnat"/>'
    headers = {"Content-Type": "text/xml"}
    api.put(f"{subjects}/S1", data=document, headers=headers)
    assert _fields(api, f"{subjects}/S1", "demographics")["gender"] == "male"
    api.put(f"{subjects}/S1", params={"allowDataDeletion": "true"}, data=document, headers=headers)
    assert not [
        c for c in api.get(f"{subjects}/S1?format=json").json()["items"][0]["children"] if c["field"] == "demographics"
    ]


def test_parallel_puts_of_one_label_make_one_subject(xnat: XnatServer, subjects: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: xnat.session().put(f"{subjects}/S1"), range(4)))
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert len(xnat.session().get(subjects).json()["ResultSet"]["Result"]) == 1
