"""XNAT's documents of any data type: read, made fit for another server, and compared. Pure: sends nothing.

A document is taken as it is but for the names of `structure.py`. Namespaces are those of the document; a data type in
`xsi:type` is a prefix there, which is kept with its namespace. XNAT's comments (`hidden_fields`) are keys of its
database and are left out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree as ET

from ..errors import InputError
from . import structure
from .structure import Fate

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE = f"{{{_XSI}}}type"
_SCHEMA_LOCATION = f"{{{_XSI}}}schemaLocation"
_ATTRIBUTES = {rule.name: rule for rule in structure.ATTRIBUTES}
_ELEMENTS = {rule.name: rule for rule in structure.ELEMENTS}
_TRUTH = {"true": "1", "false": "0"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Left:
    """A value that a copy leaves out of its document."""

    path: str
    value: str
    fate: Fate


@dataclass(frozen=True)
class Difference:
    """A value that one of two documents has otherwise; None where it has none."""

    path: str
    source: str | None
    target: str | None


@dataclass
class Document:
    """One object's document: its root, and prefix -> namespace of all that it declares."""

    root: ET.Element
    namespaces: dict[str, str] = field(default_factory=dict)

    @property
    def identifier(self) -> str:
        """The ID on its own server; empty if there is none."""
        return self.root.get("ID", "")


def read(text: bytes, what: str) -> Document:
    """Take a document apart. Raises InputError, naming `what` was read, if it is none."""
    namespaces: dict[str, str] = {}
    root: ET.Element | None = None
    try:
        for event, found in ET.iterparse(io.BytesIO(text), events=("start-ns", "start")):  # noqa: S314 - XNAT's own
            if event == "start-ns":
                prefix, uri = found
                namespaces.setdefault(prefix, uri)
            elif root is None:
                root = found
    except ET.ParseError as error:
        raise InputError(f"{what}: XNAT's answer is no XML document ({error}).") from error
    if root is None:
        raise InputError(f"{what}: XNAT's answer is an empty document.")
    return Document(root, namespaces)


def fit(document: Document, project: str, identifiers: Mapping[str, str]) -> tuple[bytes, list[Left]]:
    """The document for the target, and all that was left out of it.

    `identifiers` has the target's ID of each object by the source's. A reference to an object that it does not have is
    left out, for it would name a stranger on the target. The document given stays as it is.
    """
    left: list[Left] = []
    root = _copied(document.root, "", identifiers, left, root=True)
    if document.root.get("project") is not None:
        root.set("project", project)
    for prefix, uri in document.namespaces.items():
        if prefix and not re.fullmatch(r"ns\d+|xml", prefix):
            ET.register_namespace(prefix, uri)
    used = {uri for name in _names(root) if (uri := name[1:].partition("}")[0]) and name.startswith("{")}
    for prefix, uri in document.namespaces.items():
        # A prefix that only values of xsi:type use is not declared by itself.
        if prefix and uri not in used and any(kind.startswith(f"{prefix}:") for kind in _types(root)):
            root.set(f"xmlns:{prefix}", uri)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)), left


def differences(source: Document, target: Document) -> list[Difference]:
    """What differs between an object and its copy, but for what `structure.py` names."""
    there, here = _leaves(source), _leaves(target)
    paths = [*there, *(path for path in here if path not in there)]
    return [
        Difference(path, there.get(path), here.get(path))
        for path in paths
        if not _same(there.get(path), here.get(path))
    ]


def _copied(
    element: ET.Element, path: str, identifiers: Mapping[str, str], left: list[Left], *, root: bool = False
) -> ET.Element:
    copy = ET.Element(element.tag)
    local = _local(element.tag)
    for name, value in element.attrib.items():
        rule = _ATTRIBUTES.get(name)
        if name == _SCHEMA_LOCATION:
            continue
        if rule is None or (name == "ID" and local in structure.NAMED_BY_ID) or not _is_object(element, root=root):
            copy.set(name, value)
        elif rule.fate is not Fate.REPLACED:
            left.append(Left(f"{path}@{name}", value, rule.fate))
    copy.text = _text(element) or None
    for child in element:
        name = _local(child.tag)
        below = f"{path}{_step(element, child)}"
        rule = _ELEMENTS.get(name)
        if rule is not None and not _is_value(child, rule):
            left.append(Left(below, _text(child), rule.fate))
            continue
        made = _copied(child, f"{below}/", identifiers, left)
        if name in structure.REFERENCES:
            mapped = identifiers.get(_text(child))
            if mapped is None:
                left.append(Left(below, _text(child), Fate.LOST))
                continue
            made.text = mapped
        copy.append(made)
    return copy


def _is_object(element: ET.Element, *, root: bool) -> bool:
    """Whether an element is one of XNAT's objects with an ID and a project of its own."""
    return root or _local(element.tag) in structure.NAMED_BY_ID


def _is_value(element: ET.Element, rule: structure.Rule) -> bool:
    """Whether a name of the table stands for a plain value here: a custom type may call a text `file` or `in`."""
    return rule.fate is Fate.APART and len(element) == 0 and not element.attrib and bool(_text(element))


def _text(element: ET.Element) -> str:
    """The text of an element, which XNAT puts behind its comments."""
    return (element.text or "").strip()


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _step(parent: ET.Element, child: ET.Element) -> str:
    """A child's name, with what tells it apart from others of that name: an attribute, or else its number."""
    name = _local(child.tag)
    key = next((key for key in structure.KEYS if child.get(key) is not None), None)
    if key is not None:
        return f"{name}[{key}={child.get(key)}]"
    same = [other for other in parent if other.tag == child.tag]
    return name if len(same) == 1 else f"{name}[{same.index(child) + 1}]"


def _leaves(document: Document) -> dict[str, str]:
    """Path -> value of all that belongs to the object itself."""
    found: dict[str, str] = {}

    def walk(element: ET.Element, path: str, *, root: bool = False) -> None:
        for name, value in element.attrib.items():
            skipped = name == _SCHEMA_LOCATION or (
                name in _ATTRIBUTES
                and _is_object(element, root=root)
                and not (name == "ID" and _local(element.tag) in structure.NAMED_BY_ID)
            )
            if not skipped:
                # A scan has a type of its own, beside its data type.
                found[f"{path}@{'xsi:type' if name == _TYPE else _local(name)}"] = value
        text = _text(element)
        if text and len(element) == 0:
            found[path.rstrip("/")] = text
        for child in element:
            name = _local(child.tag)
            rule = _ELEMENTS.get(name)
            if name not in structure.REFERENCES and (rule is None or _is_value(child, rule)):
                walk(child, f"{path}{_step(element, child)}/")

    walk(document.root, "", root=True)
    return found


def _same(one: str | None, other: str | None) -> bool:
    """Whether two values are the same to XNAT, whose versions write booleans and numbers in different ways."""
    if one is None or other is None or one == other:
        return one == other
    first, second = (_TRUTH.get(value.lower(), value) for value in (one, other))
    if first == second:
        return True
    if not (_NUMBER.fullmatch(first) and _NUMBER.fullmatch(second)):
        return False
    try:
        return Decimal(first) == Decimal(second)
    except InvalidOperation:
        return False


def _names(root: ET.Element) -> Iterator[str]:
    for element in root.iter():
        yield element.tag
        yield from element.attrib


def _types(root: ET.Element) -> Iterator[str]:
    for element in root.iter():
        kind = element.get(_TYPE)
        if kind:
            yield kind
