"""Values of fields: from text to what is stored, and from there to XML and JSON.

Stored are strings, integers, floats and booleans; dates and times as XNAT writes them in tables.
Reference: XFTValidator, DateUtils, DBAction.ValueParser, XMLWriter.ValueParser, FlattenedItem.parseProperty
"""

from __future__ import annotations

import datetime as dt
import math
import re

from xnat_twin.datatypes.definitions import Element, Rule

FieldValue = str | int | float | bool

#: Java looks at the start of a text only, and takes the 31st of February for the 2nd or 3rd of March.
_DATES = (
    re.compile(r"\s*(?P<year>\d+)-(?P<month>\d+)-(?P<day>\d+)"),
    re.compile(r"\s*(?P<month>\d+)([/.])(?P<day>\d+)\2(?P<year>\d+)"),
    re.compile(r"\s*(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"),
)
_TIMES = (
    re.compile(r"\s*(?P<hours>\d+):(?P<minutes>\d+):(?P<seconds>\d+)"),
    re.compile(r"\s*(?P<hours>\d\d)(?P<minutes>\d\d)(?P<seconds>\d\d)"),
)
_DATE_TIMES = (
    re.compile(f"{_DATES[0].pattern}[ T]{_TIMES[0].pattern}" r"(\.(?P<milliseconds>\d+))?"),
    re.compile(r"\s*(?P<month>\d+)/(?P<day>\d+)/(?P<year>\d+)"),
    _DATES[0],
)
#: What may come after a date or time.
_AFTER = re.compile(r"([T ]\s*\d+:\d+\S*|\.\d+)?\s*")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LIMITS = {"integer": 2**31, "long": 2**63}
_NO_NUMBERS = {"nan": "NaN", "inf": "Infinity", "infinity": "Infinity", "-inf": "-Infinity", "-infinity": "-Infinity"}


class InvalidValueError(ValueError):
    """A value does not fit its field; XNAT answers 400."""


class UnstorableValueError(InvalidValueError):
    """A value that XNAT takes, but its database does not: 500."""


def parse_value(text: str, element: Element) -> FieldValue:
    """`text` as a value of the element. Raises InvalidValueError."""
    value = _parsed(text, element.kind)
    _check(value, element.rule)
    return value


def _parsed(text: str, kind: str) -> FieldValue:
    match kind:
        case "integer" | "long":
            if _INTEGER.fullmatch(text) and -_LIMITS[kind] <= int(text) < _LIMITS[kind]:
                return int(text)
        case "float" | "double":
            if text.lower() in _NO_NUMBERS:
                return _NO_NUMBERS[text.lower()]
            if _FLOAT.fullmatch(text):
                number = float(text)
                return number if math.isfinite(number) else _NO_NUMBERS[str(number)]
        case "boolean":
            if text.lower() in {"true", "false", "1", "0"}:
                return text.lower() in {"true", "1"}
        case "date":
            return str(_moment(text, kind, _DATES, strict=True).date())
        case "time":
            return str(_moment(text, kind, _TIMES, strict=True).time())
        case "dateTime":
            moment = _moment(text, kind, _DATE_TIMES)
            return f"{moment:%Y-%m-%d %H:%M:%S}.{f'{moment.microsecond:06}'.rstrip('0') or '0'}"
        case "anyURI":
            if ".." not in text:
                return text.replace("\\", "/")
        case _:
            markup = "<" in text and ">" in text
            if not (markup and "SCRIPT" in text.upper()):
                return text
            raise InvalidValueError("Use of '<' and '>' are not allowed in content.")
    raise InvalidValueError(f"{text!r}: Must Be A Valid {kind.capitalize()}")


def _moment(text: str, kind: str, patterns: tuple[re.Pattern[str], ...], *, strict: bool = False) -> dt.datetime:
    """What Java finds in a text. `strict` for what XNAT hands on as text, so that the database reads it as well."""
    text = text.replace("'", "")
    found = next((match for pattern in patterns if (match := pattern.match(text))), None)
    if found is None:
        raise InvalidValueError(f"{text!r}: Must Be A Valid Date")
    parts = {name: int(part or 0) for name, part in found.groupdict().items()}
    year, month, day = parts.pop("year", 1970), parts.pop("month", 1), parts.pop("day", 1)
    try:
        if strict and _AFTER.fullmatch(text, found.end()):
            return dt.datetime(
                year, month, day, parts.get("hours", 0), parts.get("minutes", 0), parts.get("seconds", 0)
            )
        if not strict:
            return dt.datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, 1) + dt.timedelta(days=day - 1, **parts)
    except (ValueError, OverflowError):
        pass
    raise UnstorableValueError(f"invalid input syntax for type {kind.lower()}: {text!r}")


def _check(value: FieldValue, rule: Rule) -> None:
    """Lengths count for texts, limits for numbers, a choice for both."""
    if isinstance(value, str):
        if rule.max_length is not None and len(value) > rule.max_length:
            raise InvalidValueError(f"Must Be Less Than {rule.max_length} Characters : Current Length ({len(value)})")
        if rule.values and value.lower() not in {one.lower() for one in rule.values}:
            raise InvalidValueError(f"{value!r}: Must Be one of {', '.join(rule.values)}")
        return
    if rule.minimum is not None and value < rule.minimum:
        raise InvalidValueError(f"Must Be More Than {rule.minimum:g}")
    if rule.maximum is not None and value > rule.maximum:
        raise InvalidValueError(f"Must Be Less Than {rule.maximum:g}")


def xml_text(value: FieldValue, kind: str) -> str:
    """A value in a document: booleans are 1 and 0, a moment has its T and no fractions, infinity is INF."""
    if isinstance(value, bool):
        return "1" if value else "0"
    text = str(value)
    if kind == "dateTime":
        return text.partition(".")[0].replace(" ", "T")
    if kind in {"float", "double"} and text.endswith("Infinity"):
        return text.replace("Infinity", "INF")
    return text


def json_value(value: FieldValue) -> FieldValue:
    """A value in an item's JSON: it keeps its type, but booleans are the words true and false."""
    return str(value).lower() if isinstance(value, bool) else value
