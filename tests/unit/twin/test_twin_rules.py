"""The list of XNAT's rules: complete, each held by a test, and printed as the page in docs/."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs import xnat_rules
from docs.xnat_rules import ContractTest, Rule


def test_each_rule_is_held_by_a_test() -> None:
    assert xnat_rules.problems(xnat_rules.read_rules(), xnat_rules.read_tests()) == []


def test_page_is_up_to_date() -> None:
    """`make docs` was run."""
    written = xnat_rules.PAGE.read_text(encoding="utf-8")
    assert written == xnat_rules.page(xnat_rules.read_rules(), xnat_rules.read_tests())


def test_a_rule_without_a_test_an_unknown_and_a_double_one_are_found() -> None:
    rules = [Rule("files", name, "It does.", "FileList", "source") for name in ("held", "double", "double", "alone")]
    tests = [ContractTest("test_a.py", "test_it", ("held", "double", "nowhere"), practice=False)]
    assert xnat_rules.problems(rules, tests) == [
        "rule double is listed twice",
        "rule alone (files) has no test",
        "test_a.py::test_it names the unknown rule nowhere",
    ]


def test_marks_are_read_from_decorators_parameters_and_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import pytest\n"
        "pytestmark = [pytest.mark.rule('everywhere'), pytest.mark.practice_xnat('inside')]\n"
        "@pytest.mark.rule('a', 'b')\n"
        "@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.rule('c'))])\n"
        "def test_one(x): pass\n"
        "def helper(): pass\n"
    )
    tests = xnat_rules.read_tests(tmp_path)
    assert [(test.name, sorted(test.rules), test.practice) for test in tests] == [
        ("test_one", ["a", "b", "c", "everywhere"], True)
    ]


def test_a_test_that_starts_a_server_of_its_own_does_not_count_for_a_real_one(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import pytest\n"
        "@pytest.fixture\n"
        "def old(practice): return practice(flavour='1.6')\n"
        "@pytest.mark.rule('a')\n"
        "def test_old(old): pass\n"
        "@pytest.mark.rule('a')\n"
        "def test_new(xnat): pass\n"
    )
    assert [test.practice for test in xnat_rules.read_tests(tmp_path)] == [True, False]


def test_a_rule_without_its_basis_is_refused(tmp_path: Path) -> None:
    (tmp_path / "files.yml").write_text("- {id: a, rule: It does., source: FileList, basis: rumour}\n")
    with pytest.raises(ValueError, match=r"files\.yml.*basis"):
        xnat_rules.read_rules(tmp_path)


def test_page_says_who_holds_a_rule_and_how_it_is_known() -> None:
    rules = [Rule("files", "a", "One | two", "FileList", "inferred")]
    text = xnat_rules.page(rules, [ContractTest("test_twin_files.py", "test_twice", ("a",), practice=True)])
    assert r"| One \| two | FileList (**inferred**: nobody has seen it) |" in text
    assert "[twice](../tests/contract/test_twin_files.py) †" in text
    assert "1 of 1 rules are inferred" in text
