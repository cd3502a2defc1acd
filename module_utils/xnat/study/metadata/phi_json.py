"""The entries of a JSON text: which of them look personal, and the text without those. Pure.

Whatever stays keeps its characters, numbers and spaces. An entry is named by its path: `global.const.PatientName`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .personal import is_personal, json_value

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')
# The forms of a person's name in DICOM's JSON; there, a value stands beside the letters of its type.
_FORMS_OF_NAME = {"Alphabetic", "Ideographic", "Phonetic"}
_TYPE_OF_VALUE = "vr"


class _Pairs(list[tuple[str, Any]]):
    """An object with all its entries: Python keeps only the last of two with one name, and the file has both."""


def personal(text: str, subject: str) -> list[str]:
    """Return the paths of the entries that look personal, at any depth. Raises ValueError for what is not JSON."""
    try:
        return list(
            dict.fromkeys(_personal(json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_Pairs), subject))
        )
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _personal(value: Any, subject: str) -> Iterator[str]:
    left = [("", value)]
    while left:
        path, value = left.pop()
        entries: list[tuple[str, Any]] = []
        if isinstance(value, _Pairs):
            entries = list(value)
        elif isinstance(value, list):
            entries = [(str(number), part) for number, part in enumerate(value)]
        found = []
        for key, part in entries:
            if isinstance(value, _Pairs) and is_personal(key) and json_value(key, _told(part), subject):
                yield f"{path}{key}"
            else:
                found.append((f"{path}{key}.", part))
        left += reversed(found)


def _told(value: Any) -> Any:
    """The value that an entry has: that of an object of DICOM's JSON is inside it."""
    if isinstance(value, _Pairs):
        names = {name for name, _ in value}
        if names and names <= _FORMS_OF_NAME:
            return [_told(part) for _, part in value]
        return [_told(part) for name, part in value if name != _TYPE_OF_VALUE] if _TYPE_OF_VALUE in names else {}
    return [_told(part) for part in value] if isinstance(value, list) else value


@dataclass
class _Open:
    """An object or list whose end is not reached yet. `entries` are (path, where it begins, where it ends)."""

    is_object: bool
    path: str
    entries: list[tuple[str, int, int]] = field(default_factory=list)
    key: str | None = None
    begin: int = 0
    end: int = 0

    def meet(self, text: str, start: int, end: int) -> None:
        """Take a name or a value, or the beginning of one that holds others."""
        if self.key is None:
            self.begin = start
            self.key = str(json.loads(text)) if self.is_object else str(len(self.entries))
        self.end = end

    def finish(self) -> None:
        """Take the entry that was met."""
        if self.key is not None:
            self.entries.append((f"{self.path}{self.key}", self.begin, self.end))
        self.key = None

    def cuts(self, paths: set[str]) -> Iterator[tuple[int, int]]:
        """Where to cut so that these entries, and their commas, are gone."""
        kept: int | None = None
        for number, (path, begin, end) in enumerate(self.entries):
            if path not in paths:
                kept = end
            elif number + 1 < len(self.entries):
                yield begin, self.entries[number + 1][1]
            else:
                yield begin if kept is None else kept, end


def without(text: str, paths: set[str]) -> str:
    """Return a valid JSON text without the entries of these paths."""
    cuts: list[tuple[int, int]] = []
    within: list[_Open] = []
    for token in _TOKEN.finditer(text):
        mark, start, end = token.group(), token.start(), token.end()
        if mark in {"}", "]"}:
            closed = within.pop()
            closed.finish()
            cuts += closed.cuts(paths) if closed.is_object else ()
            if within:
                within[-1].end = end
        elif mark == ",":
            within[-1].finish()
        elif mark != ":":
            if within:
                within[-1].meet(mark, start, end)
            if mark in {"{", "["}:
                above = f"{within[-1].path}{within[-1].key}." if within else ""
                within.append(_Open(mark == "{", above))
    parts, position = [], 0
    for start, end in sorted(cuts):
        parts.append(text[position : max(start, position)])
        position = max(end, position)
    return "".join([*parts, text[position:]])
