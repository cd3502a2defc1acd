"""Values of fields: from text to what is stored, and from there to XML and JSON.

Stored are strings, integers, floats and booleans; dates and times as XNAT writes them in tables.
Reference: XFTValidator, DateUtils, DBAction.ValueParser, XMLWriter.ValueParser, FlattenedItem.parseProperty
"""

from __future__ import annotations

import datetime as dt
import math
import re

from .schema import Element, Rule

FieldValue = str | int | float | bool

_DATES = ("%Y-%m-%d", "%m/%d/%Y", "%m.%d.%Y", "%Y%m%d")
_TIMES = ("%H:%M:%S", "%H%M%S")
_DATE_TIMES = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%m/%d/%Y", "%Y-%m-%d")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LIMITS = {"integer": 2**31, "long": 2**63}
_NO_NUMBERS = {"nan": "NaN", "inf": "Infinity", "infinity": "Infinity", "-inf": "-Infinity", "-infinity": "-Infinity"}


class InvalidValueError(ValueError):
    """A value does not fit its field; XNAT answers 400."""


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
            return str(_moment(text, kind, _DATES).date())
        case "time":
            return str(_moment(text, kind, _TIMES).time())
        case "dateTime":
            moment = _moment(text.removesuffix("Z"), kind, _DATE_TIMES)
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


def _moment(text: str, kind: str, patterns: tuple[str, ...]) -> dt.datetime:
    for pattern in patterns:
        try:
            return dt.datetime.strptime(text, pattern)
        except ValueError:
            continue
    raise InvalidValueError(f"{text!r}: Must Be A Valid {kind.capitalize()}")


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
