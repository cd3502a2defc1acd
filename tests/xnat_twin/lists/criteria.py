"""Conditions that lists and searches put on objects: tests of single values, and groups of them.

filters.py makes them from query parameters, search/criteria.py from documents.
Reference: CriteriaCollection, SearchCriteria
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from xnat_twin.lists.origins import Origin
from xnat_twin.lists.query import Query, Value

_NUMBERS = frozenset({"integer", "int", "long", "short", "float", "double", "decimal", "nonNegativeInteger"})


class CriteriaError(ValueError):
    """Nothing that the database understands: XNAT's SQL fails."""


@dataclass(frozen=True)
class Test:
    """One value, or what is made of several, must match.

    `equals` are the texts of which a single one must be one, if that is all there is to it.
    """

    origins: tuple[Origin, ...]
    matches: Callable[..., bool]
    equals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """All, or any, of its conditions must hold. A group of none is no SQL."""

    conditions: tuple[Condition, ...]
    any: bool = False


Condition = Test | Group


def tests_of(condition: Condition) -> Iterator[Test]:
    if isinstance(condition, Test):
        yield condition
        return
    for below in condition.conditions:
        yield from tests_of(below)


def holds(condition: Condition, values: Mapping[Origin, Value]) -> bool:
    if isinstance(condition, Test):
        return condition.matches(*(values[origin] for origin in condition.origins))
    one_by_one = (holds(below, values) for below in condition.conditions)
    return any(one_by_one) if condition.any else all(one_by_one)


def in_sql(condition: Condition) -> tuple[list[tuple[Origin, tuple[str, ...]]], Condition | None]:
    """What of a condition the database can look for by itself, and the rest of it, which must hold as well."""
    equal: list[tuple[Origin, tuple[str, ...]]] = []
    rest: list[Condition] = []
    for one in condition.conditions if isinstance(condition, Group) and not condition.any else (condition,):
        while isinstance(one, Group) and len(one.conditions) == 1:
            one = one.conditions[0]
        if isinstance(one, Test) and one.equals and one.origins[0].is_column and not one.origins[0].place.many:
            equal.append((one.origins[0], one.equals))
        else:
            rest.append(one)
    return equal, Group(tuple(rest)) if rest else None


def numbers(session: Session, query: Query, condition: Condition) -> set[int]:
    """The objects that have a row for which the condition holds: one row must satisfy all of it."""
    origins = list(dict.fromkeys(origin for test in tests_of(condition) for origin in test.origins))
    rows = Query(query.entity, query.where, query.equal).rows(session, origins)
    return {number for number, values in rows if holds(condition, dict(zip(origins, values, strict=True)))}


def kind_of_value(xsd: str) -> str:
    """`string`, `number`, `date`, `dateTime`, `time` or `boolean`, for a type of XML schema."""
    kind = xsd.rpartition(":")[2]
    if kind in _NUMBERS:
        return "number"
    return kind if kind in {"date", "dateTime", "time", "boolean"} else "string"


def comparable(kind: str) -> Callable[[str], Value]:
    """What makes the text of a condition comparable with values of a kind. Raises CriteriaError."""

    def parse(text: str) -> Value:
        try:
            match kind:
                case "number":
                    return float(text)
                case "date":
                    return parse_date(text).isoformat()
                case "dateTime":
                    return parse_moment(text)
                case "time":
                    return dt.time.fromisoformat(text)
                case "boolean":
                    return text.lower() in {"true", "1"}
        except ValueError as error:
            raise CriteriaError(f"invalid input syntax for type {kind}: {text}") from error
        return text

    return parse


def parse_date(text: str, patterns: Sequence[str] = ("%Y-%m-%d", "%m/%d/%Y", "%m.%d.%Y", "%Y%m%d")) -> dt.date:
    """A date in a form that XNAT knows. Raises ValueError."""
    for pattern in patterns:
        try:
            return dt.datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    raise ValueError(text)


def parse_moment(text: str) -> dt.datetime:
    """A date, or a date and a time. Raises ValueError."""
    for pattern in ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"):
        try:
            return dt.datetime.strptime(text, pattern)
        except ValueError:
            continue
    return dt.datetime.combine(parse_date(text), dt.time())


def like(pattern: str) -> Callable[[Value], bool]:
    """SQL's LIKE without regard to case: `%` is anything, `_` one character, a backslash takes the next as it is."""
    pieces = [""]  # of the expression, as `%` divides it
    for part in re.findall(r"\\.|%|_|[^%_\\]+|\\$", pattern, re.DOTALL):
        if part == "%":
            pieces.append("")
        else:
            pieces[-1] += "." if part == "_" else re.escape(part[1:] if part[0] == "\\" else part)
    first, *middle = pieces
    last = f".*{middle.pop()}" if middle else ""
    # The first place where a piece fits is always right. (?>…) never tries another, which could take for ever.
    expression = first + "".join(f"(?>.*?{piece})" for piece in middle) + last
    wanted = re.compile(expression, re.DOTALL | re.IGNORECASE)
    return lambda value: value is not None and wanted.fullmatch(str(value)) is not None
