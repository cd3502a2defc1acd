"""What UK Biobank is set up with is checked before any host is touched, and no token is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from roles_tree import ROOT, load_module, read_yaml

biobank = load_module("roles/dpuk_biobank/filter_plugins/biobank_settings.py")

USUAL: str = read_yaml(ROOT / "roles/dpuk_biobank/defaults/main.yml")["dpuk_biobank_key_regex"]
KEY = "4321\n" + "987654321012345678901234"
GOOD: dict[str, Any] = {
    "key": {"xnat:subjectdata.label": "eid", "xnat:mrSessionData.label": "eid", "xnat:mrSessionData.date": "53-2.0"},
    "scans": [["DCM", "T1", "T1 structural", "20216-2.0"], ["NIFTI", "T1", "T1 structural", "20252"]],
}


FIELD = "xnat:subjectdata.demographics.handedness"


def problems(tmp_path: Path, content: Any) -> list[str]:
    """What is said of a JSON; text and bytes are written as they are."""
    path = tmp_path / "biobank.json"
    text = content if isinstance(content, (str, bytes)) else json.dumps(content)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    found: list[str] = biobank.biobank_config_problems(str(path))
    return found


def with_key(**more: Any) -> dict[str, Any]:
    """The good one with another entry in its key."""
    return {**GOOD, "key": {**GOOD["key"], "xnat:subjectdata/demographics/yob": "34-0.0", **more}}


@pytest.mark.parametrize("content", [GOOD, {**GOOD, "diag": {}}, with_key()])
def test_what_the_module_can_read_is_let_through(tmp_path: Path, content: Any) -> None:
    assert problems(tmp_path, content) == []


def test_the_labs_own_file_is_good() -> None:
    assert biobank.biobank_config_problems(str(ROOT / "tests/xnat_builder/biobank.json")) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no JSON: Expecting property name"),
        ("{\n  x", "Expecting property name enclosed in double quotes, line 2 column 3"),
        (b"\xff\xfe\xff", "is no text in UTF-8"),
        (json.dumps(GOOD).encode("utf-16"), "is no text in UTF-8"),
        (json.dumps(GOOD).encode("utf-8-sig"), "is no JSON: Unexpected UTF-8 BOM"),
        ("[]", "must be an object with key and scans"),
        ({"key": GOOD["key"]}, "must be an object with key and scans"),
        ({**GOOD, "scan": []}, "and nothing else"),
        ({**GOOD, "diag": []}, "diag must be an object"),
        ({**GOOD, "diag": {"F01": {}}}, "whose values are texts"),
        ({**GOOD, "key": []}, "key must be an object"),
        ({**GOOD, "key": {"xnat:subjectdata.label": "eid"}}, "key lacks xnat:mrSessionData.label"),
        (with_key(label="eid"), "key: 'label' is no field"),
        (with_key(**{FIELD: "31"}), f"{FIELD} is of column '31', which is neither eid nor like 31-0.0"),
        (with_key(**{FIELD: 31}), f"{FIELD} is of column 31"),
        (with_key(**{"xnat:subjectData.group": "eid"}), "xnat:subjectData.group is never read: fields begin with"),
        (with_key(**{"dpuk:dpukAssessmentData/DIAGNOSIS_AD": "41202-0.0"}), "DIAGNOSIS_AD is never read"),
        (with_key(**{"xnat:subjectdata/demographics/gender": "31-0.0"}), "or 0 and 1 are not translated"),
        (with_key(**{"xnat:mrSessionData/date": "53-2.0"}), "must be written xnat:mrSessionData.date"),
        ({**GOOD, "scans": []}, "scans must be a list that is not empty"),
        ({**GOOD, "scans": [["DCM", "T1", "T1"]]}, "row 1: must be four texts"),
        ({**GOOD, "scans": [["DCM", "T1", "T1", 20252]]}, "row 1: must be four texts"),
        ({**GOOD, "scans": [["DCM", ["T1"], "T1", "20252"]]}, "row 1: must be four texts"),
        ({**GOOD, "scans": [["DICOM", "T1", "T1", "20252"]]}, "row 1: kind is 'DICOM' and must be DCM or NIFTI"),
        ({**GOOD, "scans": [["DCM", "T1", "T1", "20216-2"]]}, "row 1: field is '20216-2'"),
        ({**GOOD, "scans": [*GOOD["scans"], GOOD["scans"][0]]}, "DCM of T1 is there twice"),
        ('{"key": {"xnat:a.b": "eid", "xnat:a.b": "eid"}, "scans": []}', "xnat:a.b is there twice"),
    ],
)
def test_what_it_cannot_read_is_refused_in_one_line(tmp_path: Path, content: Any, said: str) -> None:
    [found] = problems(tmp_path, content)
    assert said in found
    assert "\n" not in found
    assert "biobank.json" in found


def test_a_file_that_is_not_given_or_not_there_is_told() -> None:
    assert "dpuk_biobank_config_src is empty" in biobank.biobank_config_problems("")[0]
    assert "cannot be read: No such file" in biobank.biobank_config_problems("/nowhere/biobank.json")[0]


@pytest.mark.parametrize(
    ("token", "good"),
    [
        (KEY, True),
        (f"{KEY}\n", True),
        (KEY.replace("\n", "\r\n") + "\r\n", True),
        (f"{KEY}9", False),
        (KEY.replace("\n", " "), False),
        ("", False),
    ],
)
def test_a_token_has_the_form_that_the_node_asks_for(token: str, good: bool) -> None:
    found = biobank.biobank_token_problems({"memory": token}, USUAL)
    assert (found == []) is good
    assert all("memory" in problem and "98765" not in problem for problem in found)


@pytest.mark.parametrize(("pattern", "good"), [(USUAL, True), ("", False), ("(", False)])
def test_the_pattern_is_one(pattern: str, good: bool) -> None:
    assert (biobank.biobank_pattern_problems(pattern) == []) is good


@pytest.mark.parametrize(
    ("cache", "said"),
    [
        ("", ""),
        ("/data/xnat/cache/ukb-2.0", ""),
        ("cache", "is no path from / on"),
        ("/data/xnat/cache;reboot", "the module gives it to a shell"),
        ("/data/xnat/my cache", "is no path from / on"),
        ("/data/xnat/../cache", "is no path from / on"),
        ("/srv/cache", "is not below xnat_data (/data/xnat)"),
        ("/data/xnat2", "is not below xnat_data"),
        ("/data/xnat", "is not below xnat_data"),
    ],
)
def test_the_folder_of_what_was_fetched_is_one_that_xnat_writes_to(cache: str, said: str) -> None:
    found = biobank.biobank_cache_problems(cache, "/data/xnat")
    assert [said in problem for problem in found] == ([True] if said else [])
