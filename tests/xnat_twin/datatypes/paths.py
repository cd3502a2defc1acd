"""Paths to fields, taken apart: names and predicates. What they lead to, schema.py knows."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SEGMENT = re.compile(r"([^/\[\]]+)((?:\[[^\]]*\])*)(?:/|$)")
_PREDICATE = re.compile(r"\[\s*([^\]]*?)\s*\]")


def segments(path: str) -> Iterator[tuple[str, str]]:
    """`a/b[c=d]/e` -> ("a", ""), ("b", "[c=d]"), ("e", ""). A path that is not of this form gives a name of nothing."""
    position = 0
    while match := _SEGMENT.match(path, position):
        yield match[1], match[2]
        position = match.end()
    if position != len(path):
        yield "", ""


def predicates_of(text: str) -> Iterator[tuple[str, str]]:
    """`[@xsi:type=x][name='n']` -> ("@xsi:type", "x"), ("name", "n"); a number -> ("", "3")."""
    for match in _PREDICATE.finditer(text):
        name, equals, value = match[1].partition("=")
        if equals:
            yield (name.lower() if name.startswith("@") else name), value.replace("'", "").strip()
        elif re.fullmatch(r"\+?\d+", name):
            yield "", str(int(name)) if name.isdecimal() else name
