"""Criteria of searches: what a document asks for, as conditions of lists/criteria.py.

What names a display field is compared with its value; an XPath is compared with what is stored, by rules of its own.
Reference: XdatCriteria.buildDisplaySearchCriteria, DisplayCriteria, ElementCriteria (SearchCriteria)
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xnat_twin.lists.criteria import Condition, CriteriaError, Group, Test, comparable, kind_of_value, like
from xnat_twin.lists.origins import find, standard_path
from xnat_twin.lists.query import Value
from xnat_twin.lookup.finder import Finder
from xnat_twin.search.cells import cell_of
from xnat_twin.search.displays import display_fields
from xnat_twin.search.documents import Criteria, CriteriaSet

Matches = Callable[[Value], bool]

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SUM = re.compile(r"\s*[+-]?\d+(?:\.\d+)?(?:\s*[+-]\s*\d+(?:\.\d+)?)*\s*")


def conditions(finder: Finder, root: str, sets: Sequence[CriteriaSet]) -> Group | None:
    """What all sets together ask for. Raises CriteriaError, PathError and UnknownTypeError."""
    found = Group(tuple(_group(finder, root, one) for one in sets))
    if not any(map(_count, found.conditions)):
        return None
    _refuse_empty(found)
    return found


def _group(finder: Finder, root: str, one: CriteriaSet) -> Group:
    """A method that XNAT's SQL does not know, or none, does no harm to a single condition."""
    found: list[Condition] = [_test(finder, root, criteria) for criteria in one.criteria if not criteria.custom]
    found += [_group(finder, root, below) for below in one.sets]
    if len(found) > 1 and one.method not in {"AND", "OR"}:
        raise CriteriaError(f"syntax error at or near {one.method or None}")
    return Group(tuple(found), any=one.method == "OR")


def _count(condition: Condition) -> int:
    return sum(map(_count, condition.conditions)) if isinstance(condition, Group) else 1


def _refuse_empty(group: Group) -> None:
    """An empty set beside others is no SQL."""
    if not group.conditions:
        raise CriteriaError("syntax error at or near )")
    for below in group.conditions:
        if isinstance(below, Group):
            _refuse_empty(below)


def _test(finder: Finder, root: str, criteria: Criteria) -> Test:
    """By a display field, if one has exactly this name, else by an XPath."""
    element, _, path = standard_path(criteria.schema_field).partition("/")
    data_type = finder.types.resolve(element).name
    name, _, asked = path.partition("=")
    field = display_fields(finder.types, data_type).get(name)
    if field is None:
        origin = find(finder.types, root, f"{data_type}/{path}")
        return Test((origin,), _compare_path(criteria, kind_of_value(origin.xsd)))
    cell = cell_of(finder, root, data_type, field, asked)
    matches = _compare_field(criteria, cell.kind, quoted=cell.quoted)
    return Test(cell.origins, lambda *values: matches(cell.value(*values)))


def _compare_field(criteria: Criteria, kind: str, *, quoted: bool) -> Matches:
    """Reference: DisplayCriteria.getSQLClause"""
    comparison, text = criteria.comparison.strip(), criteria.value or ""
    found = _null_test(criteria, kind)
    if found is not None:
        return found
    if "LIKE" in comparison:
        return _like(comparison, text, kind)
    if not text.strip() and comparison == "=":
        return _is_empty(kind)
    if text.strip() == "*" and comparison != "!=":
        return _is_given
    if comparison == "BETWEEN":
        return _between(text, comparable(kind))
    parse = comparable(kind) if quoted or criteria.override else _number
    if comparison == "IN":
        wanted = [parse(one.strip("'\"")) for one in at_commas(text)]
        return lambda value: value is not None and value in wanted
    if comparison == "!=":
        excluded = parse(text)
        return lambda value: value is None or value != excluded
    return _compare(comparison, parse(text.strip("'") if criteria.override else text))


def _compare_path(criteria: Criteria, kind: str) -> Matches:
    """A text of LIKE is looked for **inside** the value; null is not unequal to anything.

    Reference: SearchCriteria.getSQLClause
    """
    comparison, text = criteria.comparison.strip(), criteria.value or ""
    found = _null_test(criteria, kind)
    if found is not None:
        return found
    if "like" in comparison.lower():
        inside = text if criteria.override else text.replace("*", "%").strip("'%")
        return _like(comparison.upper(), inside if criteria.override else f"%{inside}%", kind)
    if not text.strip() and comparison == "=" and kind == "string":
        return _is_empty(kind)
    if text.strip() == "*":
        return _is_given
    if kind != "string":
        try:
            return _compare(comparison, comparable(kind)(text.strip("'")))
        except CriteriaError:
            if comparison == "=":
                raise
            return _never  # XNAT compares with null instead
    return _compare(comparison, text.strip("'") if criteria.override else text)


def _null_test(criteria: Criteria, kind: str) -> Matches | None:
    """IS, IS NOT, IS NULL and IS NOT NULL: an empty text is null as well."""
    comparison, text = criteria.comparison.strip(), (criteria.value or "").strip().upper()
    if not comparison.startswith("IS") or "FROM" in comparison:
        return None
    empty = _is_empty(kind)
    if comparison in {"IS NOT", "IS NOT NULL"} or (comparison == "IS" and text == "NOT NULL"):
        return lambda value: not empty(value)
    if comparison in {"IS", "IS NULL"}:
        return empty
    raise CriteriaError(f"syntax error at or near {comparison}")


def _is_empty(kind: str) -> Matches:
    return lambda value: value is None or (kind == "string" and value == "")


def _is_given(value: Value) -> bool:
    return value is not None


def _never(value: Value) -> bool:
    return False


def _like(comparison: str, pattern: str, kind: str) -> Matches:
    """Without regard to case. SQL only knows it for texts."""
    if kind != "string" or comparison not in {"LIKE", "NOT LIKE"}:
        raise CriteriaError(f"function lower({kind}) does not exist")
    matches = like(pattern)
    if comparison == "LIKE":
        return matches
    return lambda value: value is not None and not matches(value)


def _between(text: str, parse: Callable[[str], Value]) -> Matches:
    """Both ends belong to it."""
    parts = re.split(r" AND ", text, maxsplit=1, flags=re.IGNORECASE)
    if len(parts) == 1:
        raise CriteriaError("BETWEEN clauses require an AND to separate values")
    low, high = (parse(part.strip("'\"")) for part in parts)
    return lambda value: value is not None and low <= value <= high  # type: ignore[operator]


def _compare(comparison: str, wanted: Value) -> Matches:
    compare = _OPERATORS.get(comparison)
    if compare is None:
        raise CriteriaError(f"syntax error at or near {comparison}")
    return lambda value: value is not None and compare(value, wanted)


def _number(text: str) -> Value:
    """Numbers go into the SQL as they are: `1955-01-01` is 1953. Raises CriteriaError."""
    if not _SUM.fullmatch(text):
        raise CriteriaError(f"column {text} does not exist")
    return sum(float(part.replace(" ", "")) for part in re.findall(r"[+-]?\s*\d+(?:\.\d+)?", text))


def at_commas(text: str) -> list[str]:
    """The parts of a list. A comma counts if the quotation marks after it make pairs; one look at each is enough."""
    parts: list[list[str]] = [[]]
    ahead = text.count('"')
    for number, piece in enumerate(text.split(",")):
        if number and ahead % 2 == 0:
            parts.append([])
        parts[-1].append(piece)
        ahead -= piece.count('"')
    return [",".join(pieces) for pieces in parts]


def array_of(text: str) -> list[str]:
    """The texts of an SQL array: `'{"a","b"}'`. Raises CriteriaError."""
    match = re.fullmatch(r"\s*'\{(.*)\}'\s*", text, re.DOTALL)
    if match is None:
        raise CriteriaError(f"syntax error at or near {text}")
    parts = [part.strip() for part in at_commas(match[1])] if match[1].strip() else []
    return [part[1:-1] if part.startswith('"') else part for part in parts]
