"""Values that searches make of an object's own values: texts for numbers, ages, codes. Nothing is read here.

display_fields.py says which field is made by which function, and of what. Reference: `Content` in XNAT's display
documents, which is SQL
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from decimal import Decimal

Value = object


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def _address(folder: str) -> Callable[..., Value]:
    return lambda identifier: None if identifier is None else f"/archive/{folder}/{identifier}"


def _first(count: int) -> Callable[..., Value]:
    """The beginning of a text."""
    return lambda value: None if value is None else str(value)[:count]


def _with_blank(first: Value, last: Value) -> Value:
    """Nothing if one is missing, as with all that SQL joins."""
    return None if first is None or last is None else f"{first} {last}"


def _first_given(*values: Value) -> Value:
    return next((value for value in values if value is not None), None)


def _gender_text(gender: Value) -> Value:
    return {"male": "M", "female": "F"}.get(str(gender), "U")


def _handedness_text(hand: Value) -> Value:
    name = str(hand).lower()
    return name[0].upper() if name in {"left", "right", "ambidextrous", "l", "r", "a"} else None


def _date(value: Value) -> dt.date | None:
    return dt.date.fromisoformat(str(value)[:10]) if value else None


def _year_of_birth(year: Value, birth: Value) -> Value:
    if year is not None:
        return math.floor(float(str(year)))
    born = _date(birth)
    return born.year if born else None


def _age_bracket(age: Value) -> Value:
    """Five years, or all from 90."""
    if age is None:
        return None
    low = int(float(str(age))) // 5 * 5
    return "90+" if low >= 90 else f"{low}-{low + 4}"


def _years(date: Value, birth: Value, year: Value) -> float | None:
    """Whole years between two days, or only the difference of the years."""
    day, born = _date(date), _date(birth)
    if day is None:
        return None
    if born is not None:
        return float(day.year - born.year - ((day.month, day.day) < (born.month, born.day)))
    return None if year is None else day.year - float(str(year))


def _age(own: Value, of_subject: Value, date: Value, birth: Value, year: Value) -> Value:
    """That of the experiment, else of the subject, else what the dates say."""
    given = _first_given(own, of_subject)
    age = float(str(given)) if given is not None else _years(date, birth, year)
    return None if age is None else math.floor(age)


def _general_age(own: Value, of_subject: Value, date: Value, birth: Value, year: Value) -> Value:
    """Without the subject's own age, to two places."""
    age = float(str(own)) if own is not None else _years(date, birth, year)
    return None if age is None else Decimal(f"{age:.2f}")


MADE: Mapping[str, Callable[..., Value]] = {
    "project_uri": _address("projects"),
    "subject_uri": _address("subjects"),
    "experiment_uri": _address("experiments"),
    "first_161": _first(161),
    "first_9": _first(9),
    "first_5": _first(5),
    "with_blank": _with_blank,
    "first_given": _first_given,
    "text": _text,
    "gender_text": _gender_text,
    "handedness_text": _handedness_text,
    "year_of_birth": _year_of_birth,
    "age_bracket": _age_bracket,
    "age": _age,
    "general_age": _general_age,
    "report_image": lambda: "/@WEBAPP/images/r.gif",
}
