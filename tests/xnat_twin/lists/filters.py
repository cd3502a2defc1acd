"""Filters of lists: query parameters that name a shortcut or an XPath become conditions.

Reference: QueryOrganizerResource.processQueryCriteria
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xnat_twin.datatypes.schema import Types, UnknownTypeError
from xnat_twin.lists.criteria import Condition, CriteriaError, Group, Test, comparable, kind_of_value, like, parse_date
from xnat_twin.lists.origins import JoinError, Origin, PathError, find
from xnat_twin.lists.query import Value
from xnat_twin.params import Params

#: Dates of filters: a hyphen parts two dates, so a date in ISO's form is none.
_DATES = ("%m/%d/%Y", "%m.%d.%Y", "%Y%m%d")


def filters(types: Types, root: str, shortcuts: Mapping[str, str], params: Params) -> Group | None:
    """What the parameters ask for, all of it at once; None if nothing. Raises CriteriaError and JoinError.

    `xsiType` is no filter: it chooses the type that is listed. A filter without a value, or by a field that does not
    exist, is ignored while it is the only one, and breaks XNAT's SQL beside others.
    """
    asked = [(xpath, value) for name, value in params if (xpath := _xpath(name, shortcuts)) is not None]
    groups = [_filter(types, root, xpath, value) for xpath, value in asked]
    if not any(group.conditions for group in groups):
        return None
    if not all(group.conditions for group in groups):
        raise CriteriaError("syntax error at or near AND")
    return Group(tuple(groups))


def _xpath(name: str, shortcuts: Mapping[str, str]) -> str | None:
    return None if name == "xsiType" else name if "/" in name else shortcuts.get(name)


def _filter(types: Types, root: str, xpath: str, value: str) -> Group:
    """Any of the values between commas will do."""
    try:
        origin = find(types, root, xpath)
    except JoinError:
        raise
    except (PathError, UnknownTypeError):
        return Group(())
    values = value.split(",") if value.strip() else []
    kind = kind_of_value(origin.xsd)
    if kind == "string":
        return _strings(origin, values)
    tests: list[Condition] = [Test((origin,), _between(kind, one)) for one in values]
    return Group(tuple(tests), any=True)


def _strings(origin: Origin, values: list[str]) -> Group:
    """Exact and with regard to case; a wildcard anywhere makes it a search for the text **inside** the value."""
    exact = tuple(one for one in values if "*" not in one and "%" not in one)
    tests: list[Condition] = [Test((origin,), like(_inside(one))) for one in values if "*" in one or "%" in one]
    if exact:
        wanted = frozenset(one for one in exact if one.upper() != "NULL")
        tests.append(Test((origin,), lambda value: value is not None and str(value) in wanted, tuple(sorted(wanted))))
    return Group(tuple(tests), any=True)


def _inside(pattern: str) -> str:
    return "%" + pattern.replace("*", "%").strip("'%") + "%"


def _between(kind: str, text: str) -> Callable[[Value], bool]:
    """A value, or two with a hyphen between and both included. Raises CriteriaError."""
    parse = _date(kind) if kind in {"date", "dateTime"} else comparable(kind)
    first, hyphen, last = (text, "", "") if kind == "boolean" else text.partition("-")
    if kind == "number" and hyphen and not (first.strip() and last.strip()):
        return lambda value: False  # nothing is more than NULL
    low, high = parse(first), parse(last if hyphen else first)
    return lambda value: value is not None and low <= value <= high  # type: ignore[operator]


def _date(kind: str) -> Callable[[str], Value]:
    parse = comparable(kind)

    def parse_without_hyphens(text: str) -> Value:
        try:
            return parse(parse_date(text, _DATES).isoformat())
        except ValueError as error:
            raise CriteriaError(f"invalid input syntax for a date: {text}") from error

    return parse_without_hyphens
