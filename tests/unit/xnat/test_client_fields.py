"""What was asked for is compared with what XNAT stores, whatever form the two come in."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.xnat import fields
from ansible.module_utils.xnat.errors import InputError

SUBJECT = {
    "data_fields": {"ID": "XNAT_S00001", "label": "S1", "project": "P1"},
    "meta": {"xsi:type": "xnat:subjectData", "isHistory": False},
    "children": [
        {
            "field": "demographics",
            "items": [{"children": [], "meta": {"xsi:type": "xnat:demographicData"}, "data_fields": {"yob": 1950}}],
        },
        {
            "field": "fields/field",
            "items": [
                {"children": [], "meta": {}, "data_fields": {"name": "Cohort", "field": "A &amp; B"}},
                {"children": [], "meta": {"isHistory": True}, "data_fields": {"name": "Cohort", "field": "old"}},
            ],
        },
        {"field": "experiments/experiment", "items": [{"children": [], "data_fields": {"label": "E1"}}]},
    ],
}


def test_flatten_keeps_own_values_and_leaves_other_objects_and_history_out() -> None:
    assert fields.flatten(SUBJECT) == {
        "ID": "XNAT_S00001",
        "label": "S1",
        "project": "P1",
        "demographics/yob": 1950,
        "fields/field[name=Cohort]/name": "Cohort",
        "fields/field[name=Cohort]/field": "A &amp; B",
    }


def test_flatten_numbers_repeated_parts_without_a_name() -> None:
    item = {"children": [{"field": "note", "items": [{"data_fields": {"t": 1}}, {"data_fields": {"t": 2}}]}]}
    assert fields.flatten(item) == {"note/t": 1, "note[2]/t": 2}


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("T1", "T1"),
        (176, "176"),
        ("176", 176),
        (2.3, "2.30"),
        (1950, 1950.0),
        (True, "true"),
        ("1", True),
        ("false", False),
        ("a &amp; &lt;b&gt; &quot;c&quot; &apos;d&apos;", "a & <b> \"c\" 'd'"),
        ("a & b", "a & b"),
        ("2024-05-01 00:00:00.0", "2024-05-01"),
        ("10:00:00", "10:00"),
        (None, ""),
        ("", ""),
    ],
)
def test_the_same_value_in_another_form_is_no_difference(stored: Any, wanted: Any) -> None:
    assert fields.same(stored, wanted)


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("T1", "T2"),
        ("7", "007"),
        (None, "x"),
        ("x", ""),
        ("2024-05-01", "2024-05-02"),
        ("true", "1"),
        ("maybe", True),
        (176, "177"),
        ("NaN", 1.0),
        ("10:00:01", "10:00"),
    ],
)
def test_another_value_is_a_difference(stored: Any, wanted: Any) -> None:
    assert not fields.same(stored, wanted)


def wanted(kind: str = "subject", stored: dict[str, Any] | None = None, **asked: Any) -> list[fields.Wanted]:
    xsi_type = {"subject": "xnat:subjectData", "experiment": "xnat:mrSessionData", "scan": "xnat:mrScanData"}[kind]
    found: list[fields.Wanted] = fields.wanted_values(
        kind, xsi_type, asked.pop("options", {}), asked.pop("fields", {}), stored or {}
    )
    return found


def test_options_become_xnats_parameters_and_none_is_not_asked_for() -> None:
    (value,) = wanted(options={"yob": 1950, "gender": None})
    assert (value.name, value.parameter, value.path, value.text) == ("yob", "yob", "demographics/yob", "1950")


def test_a_path_is_sent_as_it_is_and_compared_without_its_type() -> None:
    path = "xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/yob"
    (value,) = wanted(fields={path: 1950})
    assert value.parameter == path
    assert fields.differences([value], fields.flatten(SUBJECT)) == []


def test_a_custom_variable_keeps_the_case_it_is_stored_in() -> None:
    (value,) = wanted(fields={"cohort": "A & B"}, stored=fields.flatten(SUBJECT))
    assert value.parameter == "xnat:subjectData/fields/field[name=Cohort]/field"
    assert fields.differences([value], fields.flatten(SUBJECT)) == []
    (changed,) = wanted(fields={"cohort": "B"}, stored=fields.flatten(SUBJECT))
    assert fields.shown([changed], fields.flatten(SUBJECT)) == {"cohort": "A & B"}


def test_a_custom_value_of_a_scan_is_an_additional_parameter() -> None:
    (value,) = wanted("scan", fields={"coil_id": "32ch"})
    assert value.parameter == "xnat:mrScanData/parameters/addParam[name=coil_id]/addField"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": None}, "needs one value"),
        ({"a": [1]}, "needs one value"),
        ({"demographics/yob": 1}, "must start with a data type"),
        ({"xnat:subjectData/label": "x"}, "says which subject"),
        ({"xnat:subjectData/ID": "x"}, "says which subject"),
        ({"label": "x"}, "says which subject"),
        ({"a]b": "x"}, "not the name of a custom variable"),
        ({"a": "null"}, "Give an empty text to clear it"),
        ({"Cohort": "A", "cohort": "B"}, "'cohort' is the same value of the subject as 'Cohort'. Give it once"),
        ({"c": 1, "xnat:subjectData/fields/field[name=C]/field": 2}, "is the same value of the subject as 'c'"),
    ],
)
def test_fields_that_would_rename_or_mean_nothing_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        wanted(fields=given)


def test_an_option_and_a_path_that_mean_the_same_are_refused() -> None:
    with pytest.raises(InputError, match="is the same value of the subject as 'yob'"):
        wanted(
            options={"yob": 1950}, fields={"xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/yob": 1960}
        )


@pytest.mark.parametrize("text", ["2020-1-2", "02.01.2020", "01/02/2020", "20200102", "2020-02-30", "2020-W01-1"])
def test_a_date_in_another_form_is_refused_before_xnat_stores_it_in_its_own(text: str) -> None:
    with pytest.raises(InputError, match=f"^dob: '{text}' is not a date of the form YYYY-MM-DD"):
        wanted(options={"dob": text})


def test_time_is_sent_with_its_seconds_as_xnat_takes_no_other() -> None:
    for text in ("10:05", "10:05:00"):
        assert [value.text for value in wanted(options={"time": text}, kind="experiment")] == ["10:05:00"]


@pytest.mark.parametrize("text", ["36300", "9:05", "24:00", "10:05:61", "10:05:00.5"])
def test_a_time_that_yaml_made_a_number_is_explained(text: str) -> None:
    with pytest.raises(InputError, match=f"^time: '{text}' is not a time .* Put it in quotes"):
        fields.wanted_values("experiment", "xnat:mrSessionData", {"time": text}, {}, {})


def test_dates_and_times_may_be_cleared_and_variables_may_be_called_so() -> None:
    assert [value.text for value in wanted(options={"dob": ""}, fields={"date": "soon", "time": "noon"})] == [
        "NULL",
        "soon",
        "noon",
    ]


def test_booleans_are_sent_as_words() -> None:
    (value,) = wanted(fields={"consent": True})
    assert value.text == "true"


@pytest.mark.parametrize("name", ["mrScanData", "xnat:", "xnat:mr ScanData", "xnat:mrScanData/type"])
def test_a_malformed_data_type_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="not the name of a data type"):
        fields.check_xsi_type(name)


@pytest.mark.parametrize(
    ("kind", "option", "value", "good"),
    [
        ("subject", "age", "nan", "63"),
        ("subject", "age", "34.5", "-1"),
        ("subject", "yob", "about 1960", 1960),
        ("subject", "weight", "heavy", "1.5e2"),
        ("subject", "gender", "woman", "FEMALE"),
        ("subject", "gender", "w", "f"),
        ("subject", "handedness", "R", "right"),
        ("subject", "group", "x" * 256, "x" * 255),
        ("experiment", "note", "x" * 2501, "x" * 2500),
        ("experiment", "scanner", "x" * 256, ""),
        ("scan", "frames", "many", "100"),
        ("scan", "series_description", "x" * 256, "x"),
    ],
)
def test_values_that_xnat_would_refuse_are_refused_here(kind: str, option: str, value: Any, good: Any) -> None:
    assert len(fields.wanted_values(kind, "xnat:x", {option: good}, {}, {})) == 1
    with pytest.raises(InputError, match=f"^{option}: '{value[:10]}"):
        fields.wanted_values(kind, "xnat:x", {option: value}, {}, {})


def test_a_custom_variable_of_a_subject_has_255_characters_and_one_of_a_session_more() -> None:
    assert fields.wanted_values("subject", "xnat:subjectData", {}, {"age": "nan", "text": "x" * 255}, {})
    assert fields.wanted_values("experiment", "xnat:mrSessionData", {}, {"text": "x" * 3000}, {})
    with pytest.raises(InputError, match=r"text: 'xxx.* has 256 characters, and XNAT keeps 255 here"):
        fields.wanted_values("subject", "xnat:subjectData", {}, {"text": "x" * 256}, {})
