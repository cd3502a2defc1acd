"""Values in Java's properties files: read back as java.util.Properties does, they are what they were."""

from __future__ import annotations

import re

import pytest
from roles_tree import ROOT, load_module

java_property = load_module("filter_plugins/java_properties.py").java_property


def as_java_reads(line: str) -> str:
    """The value of a line: blanks after the = are skipped, then escapes are resolved, one UTF-16 unit each."""
    value = line.partition("=")[2].lstrip(" \t\f")
    letters = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}

    def resolve(found: re.Match[str]) -> str:
        return chr(int(found[1][1:], 16)) if len(found[1]) > 1 else letters.get(found[1], found[1])

    text = re.sub(r"\\(u[0-9a-f]{4}|.)", resolve, value)
    return text.encode("utf-16-be", "surrogatepass").decode("utf-16-be")


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "",
        " blank in front, blank behind ",
        'a\\b"c=d#e!f:g',
        "p'\"\\$%#!=:{}@/ ä€漢é;x y",
        "beyond the first plane \U0001f600",
        "tab\tnew line\nreturn\rfeed\fbackspace\bbell\a",
        "\\u0041 is no escape",
        "ends in a backslash\\",
    ],
)
def test_java_reads_what_was_written(value: str) -> None:
    written = java_property(value)
    assert written.isascii()
    assert written.isprintable()
    assert as_java_reads(f"key={written}") == value


def test_what_is_no_text_is_written_as_text() -> None:
    assert [java_property(value) for value in (5432, True)] == ["5432", "True"]


def test_every_template_of_properties_uses_it() -> None:
    """And none has its own way again."""
    templates = sorted(ROOT.glob("roles/*/templates/*.properties.j2"))
    assert len(templates) == 7
    for path in templates:
        text = path.read_text(encoding="utf-8")
        assert "java_property" in text, path
        assert "macro" not in text, path
