"""What a client sends becomes what XNAT stores: names, types, escaping."""

from __future__ import annotations

import pytest
from xnat_twin import schema
from xnat_twin.fields import SHORTCUTS, InvalidValueError, canonical_path, escape_parameter, merge, parse_value
from xnat_twin.params import Params
from xnat_twin.schema import Types

TYPES = Types()


@pytest.mark.parametrize(
    ("name", "data_type", "kind", "path"),
    [
        ("gender", schema.SUBJECT, schema.SUBJECT, "demographics/gender"),
        (
            "xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/GENDER",
            schema.SUBJECT,
            schema.SUBJECT,
            "demographics/gender",
        ),
        (
            "xnat:subjectData/fields/field[name=My Field]/field",
            schema.SUBJECT,
            schema.SUBJECT,
            "fields/field[name=My Field]/field",
        ),
        ("note", schema.SUBJECT, schema.SUBJECT, None),
        ("note", schema.PROJECT, schema.PROJECT, "fields/field[name=note]/field"),
        ("xnat:experimentdata/date", "xnat:mrSessionData", schema.EXPERIMENT, "date"),
        ("xnat:petSessionData/tracer/name", "xnat:mrSessionData", schema.EXPERIMENT, None),
        ("tracer_name", "xnat:mrSessionData", schema.EXPERIMENT, None),
        ("tracer_name", "xnat:petSessionData", schema.EXPERIMENT, "tracer/name"),
        ("xnat:mrScanData/parameters/addParam[name=N]/addField", "xnat:mrScanData", schema.IMAGE_SCAN,
         "parameters/addParam[name=N]/addField"),
        ("no_such", "xnat:mrScanData", schema.IMAGE_SCAN, None),
    ],
)  # fmt: skip
def test_name_leads_to_one_path_or_none(name: str, data_type: str, kind: str, path: str | None) -> None:
    assert canonical_path(TYPES, name, data_type, SHORTCUTS[kind]) == path


@pytest.mark.parametrize("kind", list(SHORTCUTS))
def test_every_shortcut_is_a_field_of_some_type(kind: str) -> None:
    types = [one.name for one in TYPES if TYPES.instance_of(one.name, kind)]
    for shortcut in SHORTCUTS[kind]:
        assert any(canonical_path(TYPES, shortcut, data_type, SHORTCUTS[kind]) for data_type in types), shortcut


@pytest.mark.parametrize(
    ("text", "xsd", "value"),
    [
        ("176", "integer", 176),
        ("2.5", "float", 2.5),
        ("01/31/2014", "date", "2014-01-31"),
        ("9:05", "time", None),
        ("09:05", "time", "09:05:00"),
        ("1.5", "integer", None),
        ("x" * 256, "string", None),
        ("x" * 256, "text", "x" * 256),
    ],
)
def test_value_has_the_type_of_its_field(text: str, xsd: str, value: object) -> None:
    if value is None:
        with pytest.raises(InvalidValueError):
            parse_value(text, xsd)
    else:
        assert parse_value(text, xsd) == value


def test_merge_keeps_changes_and_clears() -> None:
    merged = merge(
        TYPES, {"note": "n", "frames": 1}, [("frames", "2"), ("note", "NULL"), ("type", "T1")], "xnat:mrScanData"
    )
    assert merged == {"frames": 2, "type": "T1"}


def test_escaping_is_done_once_for_each_character() -> None:
    assert escape_parameter("<&>\"'") == "&lt;&amp;&gt;&quot;&apos;"


def test_boolean_parameters_follow_xnats_odd_rules() -> None:
    params = Params("a=true&b=&c=false&d=0&e=FALSE&f=no")
    assert [name for name in "abcdefg" if params.true(name)] == ["a", "b", "f"]
    assert [name for name in "abcdefg" if params.false(name)] == ["c", "d", "e"]


def test_first_value_of_a_repeated_parameter_counts() -> None:
    params = Params("tags=a&tags=b")
    assert params.get("tags") == "a"
    assert params.all("tags") == ["a", "b"]


def test_password_is_read_as_sent() -> None:
    assert Params("password=a%26%3Cb").raw("password") == "a&<b"


def test_types_are_found_in_any_case_and_by_ancestor() -> None:
    assert TYPES.resolve("xnat:mrsessiondata").name == "xnat:mrSessionData"
    assert TYPES.instance_of("xnat:mrSessionData", "xnat:subjectAssessorData")
    assert not TYPES.instance_of("xnat:mrScanData", "xnat:experimentData")
    with pytest.raises(schema.UnknownTypeError):
        TYPES.resolve("dpuk:dpukAssessmentData")
