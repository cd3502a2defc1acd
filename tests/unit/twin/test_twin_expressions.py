"""Expressions of clients come to an end: LIKE in lists and searches, regular expressions for paths of files."""

from __future__ import annotations

import re

import pytest
from xnat_twin.lists.criteria import like
from xnat_twin.search.criteria import at_commas
from xnat_twin.transfer.expressions import matching


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("a%", "abc", True),
        ("%b%", "abc", True),
        ("%c", "abcabc", True),
        ("%ab", "abcab", True),
        ("a%b%c", "aXbXbXc", True),
        ("a%b%c", "aXcXb", False),
        ("a%a", "a", False),
        ("%a%a%", "aa", True),
        ("%ab%ab%", "abab", True),
        ("%ab%b", "aab", False),
        ("%_b%", "b", False),
        ("%_b%", "ab", True),
        ("a_c", "ABC", True),
        ("a\\%", "a%", True),
        ("a\\%", "ab", False),
        ("%", "", True),
        ("", "", True),
        ("", "a", False),
        ("a%", "a\nb", True),
    ],
)
def test_like_is_that_of_sql(pattern: str, value: str, fits: bool) -> None:
    assert like(pattern)(value) is fits


def test_like_of_many_parts_does_not_try_all_ways() -> None:
    assert like("%a" * 30 + "%b")("a" * 1000) is False
    assert like("%a" * 30 + "%")("a" * 1000) is True


@pytest.mark.parametrize("beginning", ["sub/", "sub/.*b", "(sub|x)/[a-c]+\\.t.?t"])
def test_paths_are_matched_as_a_whole(beginning: str) -> None:
    assert matching(beginning, ["a.txt", "sub/b.txt", "xsub/b.txt", "sub/b.txt.bak"]) == [1, 3]


@pytest.mark.parametrize("beginning", ["(", "[", "a{99999999999}", "(" * 3000])
def test_what_is_no_expression_is_said_to_be_none(beginning: str) -> None:
    with pytest.raises(re.error):
        matching(beginning, ["a"])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("a,b", ["a", "b"]),
        (",", ["", ""]),
        ('"a,b",c', ['"a,b"', "c"]),
        ('a,"b', ['a,"b']),
        ('a,"b,c', ['a,"b', "c"]),
        ("a," * 300_000, ["a"] * 300_000 + [""]),
    ],
)
def test_lists_are_parted_at_commas_outside_of_quotation_marks(text: str, parts: list[str]) -> None:
    assert at_commas(text) == parts
