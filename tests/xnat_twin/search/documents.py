"""Documents of searches, `xdat:bundle`: read as leniently as XNAT does, and written.

What a search finds is for engine.py. Reference: security.xsd (stored_search), SAXReader
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from xnat_twin.documents.documents_in import TOO_DEEP, read_tree
from xnat_twin.documents.documents_out import XSI
from xnat_twin.documents.items import DocumentError

NAMESPACE = "http://nrg.wustl.edu/security"

_TRUE = {"1", "true"}

#: What can stand in each element, in any order.
_CONTENT = {
    "bundle": "root_element_name search_field search_where sort_by allowed_user allowed_groups",
    "search_field": "element_name field_ID sequence type header value",
    "search_where": "criteria child_set",
    "child_set": "criteria child_set",
    "criteria": "schema_field comparison_type custom_search value",
    "sort_by": "element_name field_ID",
    "allowed_user": "login",
    "allowed_groups": "groupID",
}
#: Attributes, by the element that has them; those of the root are not checked.
_ATTRIBUTES = {
    "search_field": "visible",
    "search_where": "method",
    "child_set": "method",
    "criteria": "override_value_formatting",
}
_BOOLEAN = re.compile("true|false|0|1", re.IGNORECASE)
_VALUES = {
    "sequence": re.compile(r"[+-]?\d+"),
    "visible": _BOOLEAN,
    "override_value_formatting": _BOOLEAN,
    "secure": _BOOLEAN,
    "allow-diff-columns": _BOOLEAN,
}


@dataclass(frozen=True)
class SearchField:
    """One column. A field that asks for a value has it in `value` or after the ID."""

    element_name: str
    field_id: str
    sequence: int = 0
    type: str = ""
    header: str = ""
    value: str | None = None
    visible: bool | None = None


@dataclass(frozen=True)
class Criteria:
    """One condition, as it is written. `custom` ones are not looked at."""

    schema_field: str
    comparison: str
    value: str | None
    override: bool = False
    custom: str = ""


@dataclass(frozen=True)
class CriteriaSet:
    """Conditions that must all hold, or any of them: `AND` or `OR`, which a single one does not need."""

    method: str = ""
    criteria: tuple[Criteria, ...] = ()
    sets: tuple[CriteriaSet, ...] = ()


@dataclass(frozen=True)
class Search:
    """A document. Only `root` and `fields` are needed to search."""

    root: str
    fields: tuple[SearchField, ...] = ()
    where: tuple[CriteriaSet, ...] = ()
    sort_by: tuple[str, str] | None = None
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    id: str = ""
    description: str | None = None
    layered_sequence: str | None = None
    allow_diff_columns: bool = True
    secure: bool = True
    brief_description: str | None = None
    tag: str | None = None


def parse(data: bytes) -> Search:
    """Read a document; what is missing is empty. Raises DocumentError for what XNAT has no place for."""
    root = read_tree(data)[0]
    try:
        return _search(root)
    except RecursionError as error:
        raise DocumentError(TOO_DEEP) from error


def _search(root: ET.Element) -> Search:
    if root.tag != f"{{{NAMESPACE}}}bundle":
        raise DocumentError(f"{root.tag} is not a search")
    _check(root, "bundle")
    sort = root.find("{*}sort_by")
    sort_by = (_text(sort, "element_name"), _text(sort, "field_ID")) if sort is not None else ("", "")
    return Search(
        _text(root, "root_element_name"),
        tuple(sorted(map(_field, root.iterfind("{*}search_field")), key=lambda one: one.sequence)),
        tuple(_set(node) for node in root.iterfind("{*}search_where")),
        sort_by if all(sort_by) else None,
        tuple(_text(node, "login") for node in root.iterfind("{*}allowed_user")),
        tuple((node.text or "").strip() for node in root.iterfind("{*}allowed_groups/{*}groupID")),
        root.get("ID", ""),
        root.get("description"),
        root.get("layeredSequence"),
        root.get("allow-diff-columns", "1").lower() in _TRUE,
        root.get("secure", "1").lower() in _TRUE,
        root.get("brief-description") or None,
        root.get("tag") or None,
    )


def _check(node: ET.Element, name: str) -> None:
    """Raises DocumentError for unknown elements with a text, unknown attributes, and values of the wrong kind."""
    for attribute, value in node.attrib.items():
        if name != "bundle" and value and not attribute.startswith("{") and attribute != _ATTRIBUTES.get(name):
            raise DocumentError(f"Invalid attribute '{attribute}' of '{name}'")
        _check_value(attribute, value)
    _check_value(name, (node.text or "").strip())
    known = _CONTENT.get(name, "").split()
    for child in node:
        child_name = child.tag.rpartition("}")[2]
        if child_name in known:
            _check(child, child_name)
        elif any((one.text or "").strip() for one in child.iter()):
            raise DocumentError(f"Invalid field '{child_name}'")


def _check_value(name: str, value: str) -> None:
    if value and name in _VALUES and not _VALUES[name].fullmatch(value):
        raise DocumentError(f"Invalid value for '{name}'")


def _text(node: ET.Element, child: str) -> str:
    return (node.findtext(f"{{*}}{child}") or "").strip()


def _optional(node: ET.Element, child: str) -> str | None:
    """An empty element is none."""
    return node.findtext(f"{{*}}{child}") or None


def _field(node: ET.Element) -> SearchField:
    visible, sequence = node.get("visible"), _text(node, "sequence")
    return SearchField(
        _text(node, "element_name"),
        _text(node, "field_ID"),
        int(sequence or 0),
        _text(node, "type"),
        _text(node, "header"),
        _optional(node, "value"),
        None if visible is None else visible.lower() in _TRUE,
    )


def _set(node: ET.Element) -> CriteriaSet:
    criteria = tuple(
        Criteria(
            _text(one, "schema_field"),
            one.findtext("{*}comparison_type") or "=",
            _optional(one, "value"),
            one.get("override_value_formatting", "").lower() in _TRUE,
            _text(one, "custom_search"),
        )
        for one in node.iterfind("{*}criteria")
    )
    return CriteriaSet(node.get("method", ""), criteria, tuple(map(_set, node.iterfind("{*}child_set"))))


def to_xml(search: Search) -> bytes:
    """The document of a search. Reference: ItemXMLRepresentation"""
    attributes = {
        "ID": search.id,
        "description": search.description,
        "layeredSequence": search.layered_sequence,
        "allow-diff-columns": str(int(search.allow_diff_columns)),
        "secure": str(int(search.secure)),
        "brief-description": search.brief_description,
        "tag": search.tag,
        "xmlns:xdat": NAMESPACE,
        "xmlns:xsi": XSI,
    }
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', *_wrapped("bundle", attributes, _lines(search)), ""]
    return "\n".join(lines).encode()


def _lines(search: Search) -> Iterator[str]:
    yield from _leaf("root_element_name", search.root)
    for one in search.fields:
        visible = None if one.visible is None else str(int(one.visible))
        values = {"element_name": one.element_name, "field_ID": one.field_id, "sequence": str(one.sequence)}
        values |= {"type": one.type, "header": one.header, "value": one.value or ""}
        yield from _wrapped("search_field", {"visible": visible}, _leaves(values))
    for where in search.where:
        yield from _set_lines("search_where", where)
    if search.sort_by is not None:
        yield from _wrapped(
            "sort_by", {}, _leaves(dict(zip(("element_name", "field_ID"), search.sort_by, strict=True)))
        )
    for login in search.users:
        yield from _wrapped("allowed_user", {}, _leaf("login", login))
    if search.groups:
        yield from _wrapped("allowed_groups", {}, (line for group in search.groups for line in _leaf("groupID", group)))


def _set_lines(name: str, one: CriteriaSet) -> Iterator[str]:
    inside: list[str] = []
    for criteria in one.criteria:
        values = {"schema_field": criteria.schema_field, "comparison_type": criteria.comparison}
        values |= {"custom_search": criteria.custom, "value": criteria.value or ""}
        attributes = {"override_value_formatting": str(int(criteria.override))}
        inside += _wrapped("criteria", attributes, _leaves(values))
    for below in one.sets:
        inside += _set_lines("child_set", below)
    yield from _wrapped(name, {"method": one.method or None}, iter(inside))


def _wrapped(name: str, attributes: Mapping[str, str | None], inside: Iterator[str]) -> Iterator[str]:
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items() if value is not None)
    yield f"<xdat:{name}{written}>"
    yield from inside
    yield f"</xdat:{name}>"


def _leaves(values: Mapping[str, str]) -> Iterator[str]:
    """Elements for those that have a value."""
    for name, value in values.items():
        if value:
            yield from _leaf(name, value)


def _leaf(name: str, value: str) -> Iterator[str]:
    yield f"<xdat:{name}>{escape(value)}</xdat:{name}>"
