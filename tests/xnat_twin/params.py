"""Request parameters as XNAT reads them: the first value counts, values are XML-escaped, booleans have odd rules."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl

from xnat_twin.datatypes.fields import escape_parameter

#: Nothing has a longer name. To find out what an XPath means takes long if it is.
LONGEST_NAME = 2000


class Params:
    """The parameters of one query string or form. Unknown ones are simply never asked for."""

    def __init__(self, query: str) -> None:
        self._pairs = parse_qsl(query, keep_blank_values=True)
        self._raw = dict(reversed(self._pairs))
        self._first = {name: escape_parameter(self._raw[name]) for name, _ in self._pairs}

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """(name, first value) of each parameter, in order; without those too long to be a field's name."""
        return (pair for pair in self._first.items() if len(pair[0]) <= LONGEST_NAME)

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def get(self, name: str, default: str = "") -> str:
        return self._first.get(name, default)

    def raw(self, name: str) -> str:
        """The value as sent; only passwords are read this way."""
        return self._raw.get(name, "")

    def all(self, name: str) -> list[str]:
        """Every value of a parameter that may be repeated, as sent: XNAT does not escape these."""
        return [value for key, value in self._pairs if key == name]

    def listed(self, name: str) -> list[str]:
        """The parts of every value, which commas separate."""
        return [part.strip() for value in self.all(name) for part in value.split(",") if part.strip()]

    def true(self, name: str) -> bool:
        """Present with any value but `false` or `0`, even an empty one."""
        return name in self._first and self._first[name].lower() not in {"false", "0"}

    def false(self, name: str) -> bool:
        """Present as `false` or `0`."""
        return self._first.get(name, "").lower() in {"false", "0"}

    def updated(self, other: Params) -> Params:
        """These parameters with those of `other` on top."""
        merged = Params("")
        merged._pairs = [*other._pairs, *self._pairs]
        merged._first = {**self._first, **other._first}
        merged._raw = {**self._raw, **other._raw}
        return merged
