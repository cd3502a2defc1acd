"""What a client sends becomes what XNAT stores: names, types, escaping."""

from __future__ import annotations

import pytest
from xnat_twin.datatypes import schema
from xnat_twin.datatypes.definitions import Element, Rule
from xnat_twin.datatypes.fields import changes_of, escape_parameter, locate, merge
from xnat_twin.datatypes.modules import installed_types
from xnat_twin.datatypes.shortcuts import WRITABLE
from xnat_twin.datatypes.values import InvalidValueError, UnstorableValueError, json_value, parse_value, xml_text
from xnat_twin.params import Params

TYPES = installed_types()


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
        ("xnat:subjectData.demographics.gender", schema.SUBJECT, schema.SUBJECT, "demographics/gender"),
        ("xnat:subjectData/fields/field[name=a.b]/field", schema.SUBJECT, schema.SUBJECT, None),
        ("alias", schema.PROJECT, schema.PROJECT, "aliases/alias[0]/alias"),
    ],
)  # fmt: skip
def test_name_leads_to_one_path_or_none(name: str, data_type: str, kind: str, path: str | None) -> None:
    place = locate(TYPES, name, data_type, WRITABLE[kind])
    assert (place.path if place else None) == path


@pytest.mark.parametrize("kind", list(WRITABLE))
def test_every_shortcut_is_a_field_of_some_type(kind: str) -> None:
    types = [one.name for one in TYPES if TYPES.instance_of(one.name, kind)]
    for shortcut in WRITABLE[kind]:
        assert any(locate(TYPES, shortcut, data_type, WRITABLE[kind]) for data_type in types), shortcut


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("176", "integer", 176),
        ("-1", "integer", -1),
        ("1.5", "integer", None),
        ("1_0", "integer", None),
        ("4294967296", "integer", None),
        ("4294967296", "long", 4294967296),
        ("2.5", "float", 2.5),
        (".5e1", "double", 5.0),
        ("NaN", "float", "NaN"),
        ("-INF", "float", "-Infinity"),
        ("1e999", "float", "Infinity"),
        ("2,5", "float", None),
        ("true", "boolean", True),
        ("0", "boolean", False),
        ("yes", "boolean", None),
        ("01/31/2014", "date", "2014-01-31"),
        ("01.31.2014", "date", "2014-01-31"),
        ("20140131", "date", "2014-01-31"),
        ("2014-1-31T10:00:00", "date", "2014-01-31"),
        ("31 January", "date", None),
        ("090500", "time", "09:05:00"),
        ("09:05:00.25", "time", "09:05:00"),
        ("09:05", "time", None),
        ("2020-01-01T01:02:03Z", "dateTime", "2020-01-01 01:02:03.0"),
        ("2020-01-01 01:02:03.25", "dateTime", "2020-01-01 01:02:03.025"),  # XNAT counts milliseconds
        ("2020-02-30", "dateTime", "2020-03-01 00:00:00.0"),
        ("yesterday", "dateTime", None),
        ("a\\b", "anyURI", "a/b"),
        ("a/../b", "anyURI", None),
        ("P1Y", "duration", "P1Y"),
        ("<SCRIPT>", "string", None),
    ],
)
def test_value_has_the_kind_of_its_field(text: str, kind: str, value: object) -> None:
    element = Element("e", "xnat", kind)
    if value is None:
        with pytest.raises(InvalidValueError):
            parse_value(text, element)
    else:
        assert (parse_value(text, element), type(parse_value(text, element))) == (value, type(value))


@pytest.mark.parametrize(("text", "kind"), [("2014-02-30", "date"), ("2014-01-31 noon", "date"), ("25:00:00", "time")])
def test_moment_may_be_one_for_xnat_but_not_for_its_database(text: str, kind: str) -> None:
    with pytest.raises(UnstorableValueError):
        parse_value(text, Element("e", "xnat", kind))


@pytest.mark.parametrize(
    ("rule", "kind", "fits", "does_not"),
    [
        (Rule(max_length=3), "string", "abc", "abcd"),
        (Rule(values=("male", "female")), "string", "Male", "man"),
        (Rule(minimum=0, maximum=30), "integer", "30", "31"),
        (Rule(minimum=0), "float", "0.5", "-0.1"),
    ],
)
def test_value_keeps_to_the_rule_of_its_field(rule: Rule, kind: str, fits: str, does_not: str) -> None:
    element = Element("e", "xnat", kind, rule=rule)
    assert str(parse_value(fits, element)) == fits
    with pytest.raises(InvalidValueError):
        parse_value(does_not, element)


def test_booleans_are_digits_in_xml_and_words_in_json() -> None:
    assert [xml_text(value, "boolean") for value in (True, False)] == ["1", "0"]
    assert [json_value(value) for value in (True, False, 1)] == ["true", "false", 1]
    assert xml_text("2020-01-01 01:02:03.0", "dateTime") == "2020-01-01T01:02:03"
    assert xml_text("-Infinity", "float") == "-INF"


def test_merge_keeps_changes_and_clears() -> None:
    merged = merge(
        TYPES, {"note": "n", "frames": 1}, [("frames", "2"), ("note", "NULL"), ("type", "T1")], "xnat:mrScanData"
    )
    assert merged == {"frames": 2, "type": "T1"}


def test_null_clears_in_any_case_and_nothing_changes_nothing() -> None:
    assert merge(TYPES, {"note": "n", "type": "T1"}, [("note", "null"), ("type", "")], "xnat:mrScanData") == {
        "type": "T1"
    }


def test_entry_with_a_name_stays_when_its_value_is_cleared() -> None:
    stored = merge(TYPES, {}, [("fields/field[name=a]/field", "1"), ("fields/field[name=a]/name", "a")], schema.SUBJECT)
    assert stored == {"fields/field[name=a]/field": "1"}
    cleared = merge(TYPES, stored, [("fields/field[name=a]/field", "NULL")], schema.SUBJECT)
    assert cleared == {"fields/field[name=a]/name": "a"}
    assert merge(TYPES, cleared, [("fields/field[name=a]/field", "2")], schema.SUBJECT) == {
        "fields/field[name=a]/field": "2"
    }


def test_custom_variables_may_be_long_where_xnat_lets_them() -> None:
    long = "x" * 256
    stored = merge(TYPES, {}, [("fields/field[name=a]/field", long)], "xnat:mrSessionData")
    assert stored == {"fields/field[name=a]/field": long}
    with pytest.raises(InvalidValueError):
        merge(TYPES, {}, [("fields/field[name=a]/field", long)], schema.SUBJECT)


def _datum(**parts: str) -> list[tuple[str, str]]:
    path = "xnat:reconstructedImageData/computations/datum[name=volume]/"
    parameters = [(f"{path}{name}", text) for name, text in parts.items()]
    return changes_of(TYPES, parameters, schema.RECONSTRUCTED_IMAGE, {})


def test_entry_of_a_list_is_found_by_what_it_has() -> None:
    first = merge(TYPES, {}, _datum(value="5", source="scan"), schema.RECONSTRUCTED_IMAGE)
    assert first == {
        f"computations/datum[0]/{k}": v for k, v in {"name": "volume", "value": "5", "source": "scan"}.items()
    }
    second = merge(TYPES, first, _datum(value="6"), schema.RECONSTRUCTED_IMAGE)
    assert second == first | {"computations/datum[0]/value": "6"}


def test_nested_item_must_be_complete() -> None:
    with pytest.raises(InvalidValueError, match="xnat:computationData/source : Required Field"):
        merge(TYPES, {}, _datum(value="5"), schema.RECONSTRUCTED_IMAGE)
    assert merge(TYPES, {}, _datum(value="5"), schema.RECONSTRUCTED_IMAGE, complete=False)
    kept = merge(TYPES, {}, _datum(value="5", source="scan"), schema.RECONSTRUCTED_IMAGE)
    assert merge(TYPES, kept, _datum(source="NULL"), schema.RECONSTRUCTED_IMAGE)


def test_entry_of_a_document_is_added_unless_it_is_there() -> None:
    entry = [("aliases/alias[+0]/alias", "a"), ("aliases/alias[+1]/alias", "b")]
    stored = merge(TYPES, {"aliases/alias[0]/alias": "b"}, entry, schema.PROJECT)
    assert stored == {"aliases/alias[0]/alias": "b", "aliases/alias[1]/alias": "a"}
    assert merge(TYPES, stored, entry, schema.PROJECT) == stored


def test_escaping_is_done_once_for_each_character() -> None:
    assert escape_parameter("<&>\"'") == "&lt;&amp;&gt;&quot;&apos;"
    assert escape_parameter("é\t\r\n\x85 \u4e2d") == "é\t\r\n\x85 \u4e2d"
    assert escape_parameter("\0a\x01\x0b\x9f\ud800\uffffb") == "a&#1;&#11;&#159;b"


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
