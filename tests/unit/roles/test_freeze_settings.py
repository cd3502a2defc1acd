"""What data freezes are set up with is checked before any host is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from role_assertions import admits, task_of
from roles_tree import ROOT, load_module

freeze = load_module("roles/dpuk_node_extras/filter_plugins/freeze_settings.py")

FIELDS = {"xnat:mrsessiondata/fieldstrength": True}
GOOD: dict[str, Any] = {
    "demographics": {"xnat:demographicData/age": True, "xnat:demographicData/dob": False},
    "sessionfilters": [{"datatype": "xnat:mrSessionData", "filtertype": "MRSessions", "fields": FIELDS}],
}


def problems(tmp_path: Path, content: Any) -> list[str]:
    """What is said of a JSON; text and bytes are written as they are."""
    path = tmp_path / "fields.json"
    path.write_bytes(
        content
        if isinstance(content, bytes)
        else (content if isinstance(content, str) else json.dumps(content)).encode()
    )
    found: list[str] = freeze.freeze_config_problems(str(path))
    return found


def with_filter(**changed: Any) -> dict[str, Any]:
    """The good one with another filter."""
    return {**GOOD, "sessionfilters": [{**GOOD["sessionfilters"][0], **changed}]}


def test_the_labs_own_files_are_good() -> None:
    folder = ROOT / "tests" / "xnat_builder" / "freeze"
    assert freeze.freeze_config_problems(str(folder / "payload-fields.json")) == []
    assert freeze.freeze_script_problems(str(folder / "anon.das")) == []


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        with_filter(filtertype="GENERICSessions", datatype="xnat:ctSessionData"),
        with_filter(fields={"xnat:petsessiondata/tracer/isotope/half-life": False}),
    ],
)
def test_what_the_module_can_read_is_let_through(tmp_path: Path, content: Any) -> None:
    assert problems(tmp_path, content) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        (b"\xff\xfe", "is no text in UTF-8: byte 0 is not"),
        ('{"demographics": {},}', "is no JSON: Illegal trailing comma"),
        ("<html>", "is no JSON: Expecting value, line 1 column 1"),
        ("[]", "must be an object with demographics and sessionfilters"),
        ({"demographics": GOOD["demographics"]}, "must be an object with demographics and sessionfilters"),
        ({**GOOD, "extra": 1}, "and nothing else"),
        ({**GOOD, "demographics": {}}, "demographics: must name fields"),
        ({**GOOD, "demographics": {"age": True}}, "demographics: 'age' is no XNAT path"),
        ({**GOOD, "demographics": {"xnat:demographicData/age": "yes"}}, 'age is "yes" and must be true or false'),
        ({**GOOD, "demographics": {"xnat:demographicData/age": 1}}, "age is 1 and must be true or false"),
        ({**GOOD, "sessionfilters": []}, "sessionfilters must be a list that is not empty"),
        ({**GOOD, "sessionfilters": GOOD["sessionfilters"] * 2}, "MRSessions is there twice"),
        ({**GOOD, "sessionfilters": ["MRSessions"]}, "number 1: must be an object with datatype"),
        (with_filter(filtertype="CTSessions"), "number 1: filtertype is 'CTSessions' and must be one of MRSessions"),
        (with_filter(datatype="xnat:petSessionData"), "MRSessions is for xnat:mrSessionData, and datatype is"),
        (with_filter(fields={}), "number 1 (MRSessions): must name fields"),
        ('{"demographics": {"xnat:a/b": true, "xnat:a/b": false}, "sessionfilters": []}', "xnat:a/b is there twice"),
    ],
)
def test_what_it_cannot_read_is_refused_in_one_line(tmp_path: Path, content: Any, said: str) -> None:
    [found] = problems(tmp_path, content)
    if "trailing comma" in said and "trailing comma" not in found:
        said = "is no JSON: "  # Python before 3.13 says it otherwise
    assert said in found
    assert "\n" not in found
    assert "fields.json" in found


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, {"demographics": {"age": 1}, "sessionfilters": [1, 2]})) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-(0010,0030)\n", ""),
        ('// why\n(0010,0010) := "x"\n', ""),
        ("\n", "is empty"),
        ("// only words\n\n", "has comments only"),
        ("<!DOCTYPE html>", "is a page of HTML or XML"),
        ("a\x00b", "holds a NUL"),
    ],
)
def test_a_script_is_a_text_with_something_in_it(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "anon.das"
    path.write_text(text)
    found = freeze.freeze_script_problems(str(path))
    assert [said in problem for problem in found] == ([True] if said else [])


def test_a_file_that_is_not_given_or_not_there_is_told() -> None:
    assert "dpuk_node_extras_script_src is empty" in freeze.freeze_script_problems("")[0]
    assert "cannot be read: No such file" in freeze.freeze_config_problems("/nowhere/fields.json")[0]


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("", True),
        ("https://hub.example.ac.uk", True),
        ("https://hub.example.ac.uk:8443/xnat", True),
        ("http://hub.example.ac.uk", False),
        ("https://hub.example.ac.uk/", False),
        ("hub.example.ac.uk", False),
        ("https://", False),
        ("https://a b", False),
        ("https://hub.example.ac.uk/?x=1", False),
    ],
)
def test_addresses_speak_tls_and_are_put_together_with_what_follows(address: str, good: bool) -> None:
    block = task_of("roles/dpuk_node_extras/tasks/preflight.yml", "Check the settings")["block"]
    assert admits(block[0], item={"name": "dpuk_node_extras_location", "value": address}) is good
