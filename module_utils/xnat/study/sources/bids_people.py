"""What a participants table says of people, in the units and words of XNAT: demographics and custom variables.

Pure: reads no disk. A value that cannot be told for certain is not guessed: it stays, as it is, a custom variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ...fields import LONGEST_TEXT, TAKEN_NAMES
from ..metadata.personal import is_personal
from ..study import Attributes
from .bids_tables import Row, Table

# Which columns are which demographic value; the first one that a table has is taken.
COLUMNS: dict[str, tuple[str, ...]] = {
    "age": ("age", "age_years"),
    "yob": ("yob", "year_of_birth", "birth_year"),
    "gender": ("sex", "gender", "gender_text"),
    "handedness": ("handedness", "hand", "dominant_hand"),
    "weight": ("weight",),
    "height": ("height",),
    "education": ("education", "education_years", "years_of_education"),
    "race": ("race",),
    "ethnicity": ("ethnicity",),
    "group": ("group",),
}
# Besides those of which is_personal knows. In sidecars and other tables, `name` is that of a dataset or an electrode.
_NAMES_OF_PEOPLE = {"name", "initials", "address", "patient"}
_WORDS = {
    "gender": {"m": "male", "male": "male", "f": "female", "female": "female", "o": "other", "other": "other"},
    "handedness": {
        **dict.fromkeys(("r", "right", "right-handed", "right handed"), "right"),
        **dict.fromkeys(("l", "left", "left-handed", "left handed"), "left"),
        **dict.fromkeys(("a", "ambidextrous", "both", "mixed"), "ambidextrous"),
    },
}
# How much of the unit that XNAT's schema has (years, pounds, inches) one of the given unit is.
_UNITS: dict[str, dict[str, Decimal]] = {
    "age": {
        **dict.fromkeys(("", "y", "a", "yr", "year", "years"), Decimal(1)),
        **dict.fromkeys(("month", "months", "mo"), 1 / Decimal(12)),
        **dict.fromkeys(("week", "weeks", "wk"), 7 / Decimal("365.25")),
        **dict.fromkeys(("d", "day", "days"), 1 / Decimal("365.25")),
    },
    "weight": {
        **dict.fromkeys(("kg", "kilogram", "kilograms"), 1 / Decimal("0.45359237")),
        **dict.fromkeys(("g", "gram", "grams"), 1 / Decimal("453.59237")),
        **dict.fromkeys(("lb", "lbs", "pound", "pounds"), Decimal(1)),
    },
    "height": {
        **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1 / Decimal("0.0254")),
        **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre", "centimetres"), 1 / Decimal("2.54")),
        **dict.fromkeys(("mm",), 1 / Decimal("25.4")),
        **dict.fromkeys(("in", "inch", "inches"), Decimal(1)),
    },
}
_WHOLE = {"age": range(151), "yob": range(1850, 2101), "education": range(31)}


class People:
    """How the columns of one participants table become attributes of subjects."""

    def __init__(self, table: Table, descriptions: Mapping[str, Any], *, keep_phi: bool) -> None:
        """Decide column by column; `descriptions` is the content of participants.json."""
        self._descriptions = descriptions
        self._options: dict[str, str] = {}
        by_name = {column.lower(): column for column in table.columns if column != table.key}
        for option, names in COLUMNS.items():
            column = next((by_name[name] for name in names if name in by_name), None)
            # XNAT's schema has either the age or the year of birth.
            if column and not (option == "yob" and "age" in self._options.values()):
                self._options[column] = option
        self.hidden = sorted(
            column
            for name, column in by_name.items()
            if not keep_phi and (name in _NAMES_OF_PEOPLE or is_personal(column))
        )
        columns = [column for column in table.columns if column != table.key and column not in self.hidden]
        self._variables = variable_names(columns)
        self._not_understood: set[str] = set()
        self._too_long: set[str] = set()

    def attributes(self, row: Row) -> Attributes:
        """The attributes of the subject that this row is about."""
        found = Attributes()
        for column, text in row.values.items():
            if column in self.hidden:
                continue
            if len(text) > LONGEST_TEXT:
                self._too_long.add(column)
                continue
            option = self._options.get(column)
            value = self._value(column, option, text) if option else None
            if option and value is not None:
                found.options[option] = value
            elif option:
                self._not_understood.add(column)
            if value is None or (isinstance(value, int) and str(value) != text):
                # Nothing is lost: 24.6 is an age of 24 for XNAT.
                found.fields[self._variables[column]] = text
        return found

    def remarks(self) -> Iterator[tuple[str, str]]:
        """What was not taken over as it is: the column, and why."""
        for column in self.hidden:
            yield f"column {column!r}", "is not taken over, as it may tell who a person is"
        for column, name in self._variables.items():
            if column != name:
                yield f"column {column!r}", f"is the custom variable {name!r}, as XNAT has no such name"
        for column in sorted(self._not_understood):
            option = self._options[column]
            yield f"column {column!r}", f"has values that cannot be told as {option}; they stay custom variables"
        for column in sorted(self._too_long):
            reason = f"has values of more than {LONGEST_TEXT} characters, which XNAT cannot keep; they are left out"
            yield f"column {column!r}", reason

    def _value(self, column: str, option: str, text: str) -> Any:
        described = self._descriptions.get(column)
        if option in _WORDS:
            levels = described.get("Levels") if isinstance(described, Mapping) else None
            return _word(_WORDS[option], text, levels)
        units = str(described.get("Units") or "").lower() if isinstance(described, Mapping) else ""
        if option in {"race", "ethnicity", "group"}:
            return text
        number = _number(text)
        factor = _UNITS[option].get(units) if option in _UNITS else Decimal(1)
        if number is None or factor is None:
            return None
        if option in _WHOLE:
            whole = int(number * factor)
            return whole if number >= 0 and whole in _WHOLE[option] else None
        return str(round(number * factor, 2)) if number > 0 else None


def variable_names(columns: Iterable[str]) -> dict[str, str]:
    """Names of custom variables for columns: what XNAT cannot have becomes `_`, and no two differ by case only."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for column in columns:
        base = re.sub(r"[^A-Za-z0-9_. -]", "_", column)
        base = f"participant_{base}" if base.lower() in TAKEN_NAMES else base
        name, number = base, 2
        while name.lower() in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name.lower())
        names[column] = name
    return names


def _word(words: Mapping[str, str], text: str, levels: Any) -> str | None:
    if isinstance(levels, Mapping) and text in levels:
        level = levels[text]
        level = level.get("Description", level.get("LongName")) if isinstance(level, Mapping) else level
        if (word := words.get(str(level).strip().lower())) is not None:
            return word
    return words.get(text.lower())


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
