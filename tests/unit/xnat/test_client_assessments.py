"""Values of the DPUK's assessments: what is taken, what it becomes, and that everything wrong is named at once."""

from __future__ import annotations

import pytest

from module_utils.xnat.assessments import ASSESSMENT, FIELDS, RISK_FACTORS, checked, known_type, type_of_field
from module_utils.xnat.errors import InputError
from module_utils.xnat.fields import wanted_values


@pytest.mark.parametrize(
    ("field", "given", "stored"),
    [
        ("DIAGNOSIS_AD", "yes", True),
        ("DIAGNOSIS_AD", "N", False),
        ("DIAGNOSIS_AD", 1, True),
        ("DIAGNOSIS_AD", False, False),
        ("MMSE", "30", 30),
        ("MMSE", 0, 0),
        ("MOCA", "17.0", 17),
        ("CDR", "0.5", 0.5),
        ("CDR", ".5", 0.5),
        ("CDR", "3", 3),
        ("CDR", 2.0, 2),
        ("MMSE", "", ""),
    ],
)
def test_values_of_an_assessment(field: str, given: object, stored: object) -> None:
    (found,) = checked(ASSESSMENT, {field: given}).values()
    assert (found, type(found) is bool) == (stored, type(stored) is bool)


@pytest.mark.parametrize("text", ["e3e4", "E3/E4", "ε4ε3", "34", "4/3", "e3 e4", "APOE e3/e4", "E4-E3", "e3|e4"])
def test_genotypes_are_written_in_one_way(text: str) -> None:
    assert checked(RISK_FACTORS, {"apoe": text}) == {f"{RISK_FACTORS}/APOE": "e3e4"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("DIAGNOSIS_AD", "maybe"),
        ("DIAGNOSIS_AD", 2),
        ("MMSE", 31),
        ("MMSE", "-1"),
        ("MMSE", "28.5"),
        ("MMSE", True),
        ("MMSE", None),
        ("MOCA", "good"),
        ("MOCA", "310"),
        ("CDR", 0.7),
        ("CDR", "0,5"),
        ("CDR", True),
        ("CDR", "nan"),
        ("APOE", "e1e4"),
        ("APOE", "e3"),
        ("APOE", "e3e4e4"),
    ],
)
def test_wrong_values_are_refused_with_their_name(field: str, value: object) -> None:
    xsi_type = type_of_field(field)
    assert xsi_type
    with pytest.raises(InputError, match=f"{field}: {value!r} is n"):
        checked(xsi_type, {field: value})


def test_everything_wrong_is_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        checked(ASSESSMENT, {"mmse": 31, "CDR": 4, "MOCCA": 20, "APOE": "e3e4", "DIAGNOSIS_AD": True})
    for words in (
        "MMSE: 31 is no whole number from 0 to 30",
        "CDR: 4 is none of 0, 0.5, 1, 2, 3",
        "MOCCA: is no field of dpuk:dpukAssessmentData (did you mean MOCA?)",
        f"APOE: is a field of {RISK_FACTORS}, not of {ASSESSMENT}",
    ):
        assert words in str(caught.value)
    assert "DIAGNOSIS_AD" not in str(caught.value)


def test_names_and_paths_in_any_case_mean_the_same() -> None:
    assert checked(ASSESSMENT, {"Mmse": "7"}) == checked(ASSESSMENT, {"DPUK:dpukassessmentdata/mmse": 7})
    with pytest.raises(InputError, match="given twice"):
        checked(ASSESSMENT, {"mmse": 7, f"{ASSESSMENT}/MMSE": 8})


def test_what_is_not_the_dpuks_stays_as_it_is() -> None:
    others = {
        "xnat:subjectAssessorData/age": 71,
        f"{ASSESSMENT}/note": "n",
        f"{ASSESSMENT}/fields/field[name=site]/field": "Oxford",
    }
    assert checked(ASSESSMENT, others) == others
    assert known_type("xnat:mrSessionData") is known_type(None) is None
    wanted = wanted_values("experiment", "xnat:mrSessionData", {}, {"mmse": "many"}, {})
    assert [value.value for value in wanted] == ["many"], "a custom variable of an MR session"


def test_the_client_sends_xnats_own_forms() -> None:
    given = {"diagnosis_ad": "yes", "cdr": "1"}
    wanted = wanted_values("experiment", "DPUK:DPUKASSESSMENTDATA", {}, given, {})
    sent = {value.parameter: value.text for value in wanted}
    assert sent.pop(f"{ASSESSMENT}/DIAGNOSIS_AD") == "true"
    assert {path: float(text) for path, text in sent.items()} == {f"{ASSESSMENT}/CDR": 1}
    assert {field for fields in FIELDS.values() for field in fields} >= {"DIAGNOSIS_LBD", "HAS_FAMILIAL_GENE"}
