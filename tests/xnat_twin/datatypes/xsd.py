"""Reads an XNAT schema (an XSD file) into data types.

Understood is what XNAT's own schemas are made of: named complex types that extend one another, elements and attributes,
simple types with facets, repeated elements, and the annotations of `schemas/xdat/xdat.xsd`. Nothing is validated: a
construct that is not understood is passed over. Reference: XFTSchema, XFTElement, XFTField.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

from xnat_twin.datatypes.definitions import DataType, Element, Rule, Schema, SchemaError

_XS = "{http://www.w3.org/2001/XMLSchema}"
_XDAT = "{http://nrg.wustl.edu/xdat}"
_PART = re.compile(r'^[ \t]*<xs:include schemaLocation="([^"]+)"/>\n', re.MULTILINE)
#: What XNAT stores of a text that no facet limits.
_LENGTH = 255


@cache
def load(path: Path) -> Schema:
    """The schema in a file, read once for each process. OSError or SchemaError if that cannot be done."""
    text = _PART.sub(lambda part: _body(path.parent / part[1]), path.read_text("utf-8"))
    folder = path.parent.name
    inside = path.parent.parent.name == "schemas" and folder != path.stem
    return read(text, f"{folder}/{path.stem}" if inside else path.stem)


def _body(path: Path) -> str:
    """What an included file has between its root tags."""
    text = path.read_text("utf-8")
    return text[text.index(">", text.index("<xs:schema")) + 2 : text.rindex("</xs:schema>")]


def read(text: str, name: str) -> Schema:
    """The schema in `text`. Raises SchemaError."""
    builder = _Prefixes()
    try:
        root = ET.fromstring(text.encode(), ET.XMLParser(target=builder))  # noqa: S314 (a file of the administrator's)
    except ET.ParseError as error:
        raise SchemaError(f"{name}: {error}") from error
    uri = root.get("targetNamespace", "")
    if root.tag != f"{_XS}schema" or not builder.prefixes.get(uri):
        raise SchemaError(f"{name}: no schema with a targetNamespace that has a prefix")
    return Schema(name, builder.prefixes[uri], uri, text, tuple(_Reader(builder.prefixes[uri], root).types()))


class _Prefixes(ET.TreeBuilder):
    """Remembers which prefix a namespace has."""

    def __init__(self) -> None:
        super().__init__()
        self.prefixes: dict[str, str] = {}

    def start_ns(self, prefix: str, uri: str) -> None:
        self.prefixes.setdefault(uri, prefix)


class _Reader:
    """One pass over a schema. Types of repeated elements without a name of their own are gathered on the way."""

    def __init__(self, prefix: str, root: ET.Element) -> None:
        self._prefix = prefix
        self._root = root
        self._gathered: list[DataType] = []
        self._roots = {element.get("type"): element.get("name", "") for element in root.findall(f"{_XS}element")}

    def types(self) -> Iterator[DataType]:
        for node in self._root.findall(f"{_XS}complexType"):
            name = f"{self._prefix}:{node.get('name')}"
            yield self._type(node, name, node.get("name", ""))
            yield from self._gathered
            self._gathered.clear()

    def _type(
        self, node: ET.Element, name: str, leaf: str, rule: Rule | None = None, keyed_by_value: bool = False
    ) -> DataType:
        simple, extends = node.find(f"{_XS}simpleContent"), None
        content, value = node, None
        if simple is not None:
            content = simple[0]
            value = Element(leaf, self._prefix, _kind(content), key=keyed_by_value, rule=rule or _rule(node))
        elif (derived := node.find(f"{_XS}complexContent/{_XS}extension")) is not None:
            content, extends = derived, derived.get("base")
        about = _annotation(node, "element")
        return DataType(
            name,
            f"{self._prefix}:{self._roots.get(name) or leaf}",
            extends,
            about.get("abstract") == "true",
            tuple(self._elements(content, name)),
            value,
            _documentation(node),
            (about.get("singular", ""), about.get("plural", "")),
        )

    def _elements(self, content: ET.Element, owner: str) -> Iterator[Element]:
        for node in content:
            if node.tag in {f"{_XS}sequence", f"{_XS}choice", f"{_XS}all"}:
                yield from self._elements(node, owner)
            elif node.tag in {f"{_XS}element", f"{_XS}attribute"} and node.get("name"):
                yield self._element(node, owner)

    def _element(self, node: ET.Element, owner: str) -> Element:
        name, declared = node.get("name", ""), node.get("type", "")
        attribute = node.tag == f"{_XS}attribute"
        many = node.get("maxOccurs", "1") != "1"
        field = _annotation(node, "field")
        key, rule = "unique" in field or "uniqueComposite" in field, _rule(node)
        inner, kind, item = node.find(f"{_XS}complexType"), "", ""
        below: tuple[Element, ...] = ()
        if declared and not declared.startswith("xs:"):
            item = declared
        elif inner is not None and many:
            item = f"{owner}_{name}"
            self._gathered.append(self._type(inner, item, name, rule, key))
        elif inner is not None:
            simple = inner.find(f"{_XS}simpleContent")
            kind = _kind(simple[0]) if simple is not None else ""
            below = tuple(self._elements(simple[0] if simple is not None else inner, owner))
        else:
            kind = declared.removeprefix("xs:") or _kind(node.find(f"{_XS}simpleType/{_XS}restriction"))
        if many and kind:
            item = f"{owner}_{name}"
            value = Element(name, self._prefix, kind, key=key, rule=rule)
            self._gathered.append(DataType(item, f"{self._prefix}:{name}", value=value))
            kind, key = "", False
        required = node.get("use") == "required" if attribute else node.get("minOccurs") != "0"
        text, key = _documentation(node), key and not many
        return Element(name, self._prefix, kind, item, many, attribute, required, key, rule, text, below)


def _kind(node: ET.Element | None) -> str:
    """The built-in type that a restriction or extension starts from."""
    base = node.get("base", "") if node is not None else ""
    return base.removeprefix("xs:") if base.startswith("xs:") else "string"


def _rule(node: ET.Element) -> Rule:
    facets: dict[str, list[str]] = {}
    for facet in node.iterfind(f"{_XS}simpleType/{_XS}restriction/*"):
        facets.setdefault(facet.tag.removeprefix(_XS), []).append(facet.get("value", ""))
    unlimited = _annotation(node, "sqlField").get("type") == "LONGVARCHAR"

    def number(name: str) -> float | None:
        return float(facets[name][0]) if name in facets else None

    length = number("maxLength")
    return Rule(
        None if unlimited else int(length) if length else _LENGTH,
        tuple(facets.get("enumeration", ())),
        number("minInclusive"),
        number("maxInclusive"),
    )


def _annotation(node: ET.Element, name: str) -> dict[str, str]:
    """The attributes of `xdat:NAME` in the annotation of a node."""
    found = node.find(f"{_XS}annotation/{_XS}appinfo//{_XDAT}{name}")
    return found.attrib if found is not None else {}


def _documentation(node: ET.Element) -> str:
    return " ".join(node.findtext(f"{_XS}annotation/{_XS}documentation", "").split())
