"""XNAT's contract, section 0.4: fields and their values, as parameters name and give them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from object_helpers import fields_of, item_of
from xnat_twin.testing import Session, XnatServer

SESSION = "xnat:mrSessionData"
SCAN = "xnat:mrScanData"
PROVENANCE = "xnat:qcManualAssessorData/provenance/processStep"


def _entries(api: Session, path: str, field: str) -> list[dict[str, Any]]:
    found = [child["items"] for child in item_of(api, path)["children"] if child["field"] == field]
    return [item["data_fields"] for item in found[0]] if found else []


def _custom(name: str, root: str = SESSION) -> str:
    return f"{root}/fields/field[name={name}]/field"


@pytest.mark.rule("value-kinds")
def test_values_have_the_kind_of_their_field(api: Session, scan: str) -> None:
    given = {"frames": "176", "parameters/tr": "2.50", "parameters/flip": "9", "note": "176"}
    api.put(scan, params={f"{SCAN}/{name}": value for name, value in given.items()}).raise_for_status()
    fields = fields_of(api, scan)
    wanted = {"frames": 176, "parameters/tr": 2.5, "parameters/flip": 9, "note": "176"}
    assert {name: fields[name] for name in wanted} == wanted


@pytest.mark.rule("value-booleans")
@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("TRUE", True), ("false", False), ("0", False)]
)
def test_booleans_are_words_in_json_and_digits_in_xml(api: Session, scan: str, text: str, value: bool) -> None:
    api.put(scan, params={f"{SCAN}/dcmValidation/status": text}).raise_for_status()
    assert fields_of(api, scan)["dcmValidation/status"] == ("true" if value else "false")
    document = api.get(scan, params={"format": "xml"}).text
    assert f'<xnat:dcmValidation status="{int(value)}"' in document


@pytest.mark.rule("value-kinds")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("frames", "1.5"), ("frames", "many"), ("frames", "4294967296"), ("parameters/tr", "2,5"),
        ("dcmValidation/status", "yes"), ("quality", "x" * 256),
    ],
)  # fmt: skip
def test_value_that_does_not_fit_is_400_and_changes_nothing(api: Session, scan: str, name: str, text: str) -> None:
    before = fields_of(api, scan)
    assert api.put(scan, params={f"{SCAN}/{name}": text, "note": "n"}).status_code == 400
    assert fields_of(api, scan) == before


@pytest.mark.rule("value-dates")
def test_dates_and_times_have_several_forms(api: Session, session: str) -> None:
    for text in ("2014-01-31", "01/31/2014", "01.31.2014", "20140131"):
        api.put(session, params={"date": "NULL"}).raise_for_status()
        api.put(session, params={"date": text, "time": "10:20:30"}).raise_for_status()
        assert fields_of(api, session)["date"] == "2014-01-31"
    assert fields_of(api, session)["time"] == "10:20:30"
    assert api.put(session, params={"date": "31 January"}).status_code == 400
    assert api.put(session, params={"time": "10:20"}).status_code == 400


@pytest.mark.rule("value-dates")
def test_day_that_does_not_exist_fails_in_the_database(api: Session, session: str) -> None:
    assert api.put(session, params={"date": "2014-02-30"}).status_code == 500
    assert "date" not in fields_of(api, session)


@pytest.mark.rule("value-choices")
def test_choices_do_not_mind_case(api: Session, project: str) -> None:
    path = f"/data/projects/{project}/subjects/S1"
    assert api.put(path, params={"gender": "Female"}).status_code == 201
    assert api.put(path, params={"gender": "woman"}).status_code == 400
    assert _entries(api, path, "demographics")[0]["gender"] == "Female"


@pytest.mark.rule("value-script")
def test_text_with_a_script_is_400(api: Session, session: str) -> None:
    document = (
        '<xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat" label="S1_MRI"><xnat:note>&lt;script&gt;</xnat:note>'
        "</xnat:MRSession>"
    )
    answer = api.put(session, data=document, headers={"Content-Type": "text/xml"})
    assert answer.status_code == 400
    assert "note" not in fields_of(api, session)


@pytest.mark.rule("value-null")
def test_null_clears_a_field_in_any_case(api: Session, scan: str) -> None:
    for word in ("NULL", "null", "Null"):
        api.put(scan, params={"note": "n", f"{SCAN}/frames": "7"}).raise_for_status()
        api.put(scan, params={"note": word, f"{SCAN}/frames": word}).raise_for_status()
        assert not {"note", "frames"} & set(fields_of(api, scan))


@pytest.mark.rule("field-names")
def test_names_of_fields_do_not_mind_case_and_unknown_ones_are_ignored(api: Session, scan: str) -> None:
    given = {f"{SCAN}/PARAMETERS/TR": "2.5", f"{SCAN}/colour": "red", f"{SCAN}/parameters/nosuch": "1", "colour": "red"}
    assert api.put(scan, params=given).status_code == 200
    fields = fields_of(api, scan)
    assert fields["parameters/tr"] == 2.5
    assert "red" not in fields.values()


@pytest.mark.rule("field-names")
def test_field_may_be_named_by_a_type_that_is_extended(api: Session, scan: str, session: str) -> None:
    api.put(scan, params={"xnat:imageScanData/note": "a"}).raise_for_status()
    assert fields_of(api, scan)["note"] == "a"
    api.put(session, params={"xnat:experimentData/note": "b", "xnat:petSessionData/note": "c"}).raise_for_status()
    assert fields_of(api, session)["note"] == "b"


@pytest.mark.rule("custom-variables")
def test_custom_variables_are_entries_by_name(api: Session, session: str) -> None:
    api.put(session, params={_custom("cohort"): "A", _custom("site 1"): "B"}).raise_for_status()
    api.put(session, params={_custom("cohort"): "C"}).raise_for_status()
    found = {entry["name"]: entry["field"] for entry in _entries(api, session, "fields/field")}
    assert found == {"cohort": "C", "site 1": "B"}
    document = api.get(session, params={"format": "xml", "concealHiddenFields": "true"}).text
    assert '<xnat:field name="cohort">C</xnat:field>' in document


@pytest.mark.rule("custom-variables-shorthand")
def test_custom_variable_needs_no_last_step(api: Session, session: str) -> None:
    api.put(session, params={f"{SESSION}/fields/field[name=cohort]": "A"}).raise_for_status()
    assert [entry["field"] for entry in _entries(api, session, "fields/field")] == ["A"]


@pytest.mark.rule("custom-variables-cleared")
def test_custom_variable_that_is_cleared_keeps_its_name(api: Session, session: str) -> None:
    api.put(session, params={_custom("cohort"): "A"}).raise_for_status()
    api.put(session, params={_custom("cohort"): "NULL"}).raise_for_status()
    (entry,) = _entries(api, session, "fields/field")
    assert entry["name"] == "cohort"
    assert "field" not in entry


@pytest.mark.rule("custom-variables-dot")
def test_custom_variable_with_a_dot_in_its_name_is_ignored(api: Session, session: str) -> None:
    assert api.put(session, params={_custom("a.b"): "A"}).status_code == 200
    assert _entries(api, session, "fields/field") == []


@pytest.mark.rule("list-entries")
def test_additional_parameters_are_entries_by_name(api: Session, scan: str) -> None:
    for value in ("1", "2"):
        name = f"{SCAN}/parameters/addParam[name=EchoTrain]/addField"
        api.put(scan, params={name: value}).raise_for_status()
    (entry,) = _entries(api, scan, "parameters/addParam")
    assert (entry["name"], entry["addField"]) == ("EchoTrain", "2")


@pytest.mark.rule("list-entries")
def test_entries_without_a_name_go_by_their_number(api: Session, session: str) -> None:
    path = f"{session}/assessors/QC"
    step = {"timestamp": "2020-01-02T03:04:05", "user": "u", "machine": "m", "platform": "p"}
    given = {
        f"{PROVENANCE}[{number}]/{name}": value
        for number, program in enumerate(("first", "second"))
        for name, value in {"program": program, **step}.items()
    }
    api.put(path, params={"xsiType": "xnat:qcManualAssessorData", **given}).raise_for_status()
    api.put(path, params={f"{PROVENANCE}[1]/program": "other"}).raise_for_status()
    root = ET.fromstring(api.get(path, params={"format": "xml"}).content)  # noqa: S314
    assert [step.findtext("{*}program") for step in root.iterfind(".//{*}processStep")] == ["first", "other"]


@pytest.mark.rule("value-required")
def test_nested_item_needs_what_its_type_requires(api: Session, xnat: XnatServer, session: str) -> None:
    assert api.put(session, params={"pi_lastname": "Smith"}).status_code == 400
    assert api.put(session, params={"pi_firstname": "Jane", "pi_lastname": "Smith"}).status_code in {200, 201}
    assert api.put(session, params={"pi_lastname": "Jones"}).status_code in {200, 201}
    assert api.put(session, params={"pi_lastname": "NULL"}).status_code in {200, 201}, "NULL counts as something"
    assert api.put(session, params={"note": "n"}).status_code == 400, "but it is not there the next time"
    path = f"/data/projects/{xnat.new_id()}"
    assert api.put(path, params={"pi_lastname": "Smith"}).status_code == 400
    api.put(path).raise_for_status()
    assert api.put(path, params={"pi_lastname": "Smith"}).status_code == 200, "is looked at in new projects only"


@pytest.mark.rule("field-types")
def test_item_may_be_given_its_type(api: Session, project: str) -> None:
    path = f"/data/projects/{project}/subjects/S1"
    name = "xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/yob"
    api.put(path, params={name: "1950"}).raise_for_status()
    (child,) = [child for child in item_of(api, path)["children"] if child["field"] == "demographics"]
    assert child["items"][0]["meta"]["xsi:type"] == "xnat:demographicData"
    assert child["items"][0]["data_fields"]["yob"] == 1950
