"""One object as a document: XNAT's item JSON and item XML, and XNAT's XML back into changes.

Pure: built from plain fields (paths and typed values), not from database rows.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

from . import schema
from .fields import Fields, FieldValue
from .schema import Types

XNAT = "http://nrg.wustl.edu/xnat"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_LIST_PATH = re.compile(r"^(?P<list>.+?)\[\w+=(?P<key>[^\]]*)\]/\w+$")
_XSI_TYPE = f"{{{XSI}}}type"
#: Last parts of nested paths that XNAT's schema has as attributes of the element above.
_ATTRIBUTE_LEAVES = frozenset({"x", "y", "z", "units", "manufacturer", "model"})

ET.register_namespace("xnat", XNAT)
ET.register_namespace("xsi", XSI)


@dataclass
class Document:
    """An item: typed fields, and the items nested in it by the path that holds them."""

    xsi_type: str
    data: Fields
    when: dt.datetime
    children: dict[str, list[Document]] = field(default_factory=dict)


def build(types: Types, xsi_type: str, fields: Mapping[str, FieldValue], when: dt.datetime) -> Document:
    """A document of flat `fields`, with nested items (`demographics`) and list entries (`fields/field`) set apart."""
    document = Document(xsi_type, {}, when)
    nested = types.all_children(xsi_type)
    lists = types.all_lists(xsi_type)
    for path, value in fields.items():
        head, _, rest = path.partition("/")
        if match := _LIST_PATH.match(path):
            entry = lists[match["list"]]
            row = Document(entry.item_type, {entry.key: match["key"], entry.value: value}, when)
            document.children.setdefault(match["list"], []).append(row)
        elif path in lists:
            row = Document(lists[path].item_type, {lists[path].value: value}, when)
            document.children.setdefault(path, []).append(row)
        elif rest and head in nested:
            child = document.children.setdefault(head, [Document(nested[head], {}, when)])
            child[0].data[rest] = value
        else:
            document.data[path] = value
    return document


def to_json(document: Document) -> dict[str, Any]:
    """The content of `{"items": [...]}`: values keep their type, unset fields are absent."""
    return {
        "children": [
            {"field": path, "items": [to_json(child) for child in children]}
            for path, children in document.children.items()
        ],
        "meta": {
            "isHistory": False,
            "xsi:type": document.xsi_type,
            "start_date": document.when.strftime("%a %b %d %H:%M:%S UTC %Y"),
            "create_event_id": 1,
        },
        "data_fields": document.data,
    }


def to_xml(types: Types, document: Document) -> bytes:
    """The item as an XML document with XNAT's root element."""
    element = types.resolve(document.xsi_type).element
    root = ET.Element(_qualified(element.partition(":")[2]))
    _fill(types, root, document)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}'.encode()


def _qualified(name: str) -> str:
    return f"{{{XNAT}}}{name}"


def _fill(types: Types, element: ET.Element, document: Document) -> None:
    known = document.xsi_type in types
    attributes = types.all_attributes(document.xsi_type) if known else frozenset()
    for path, value in document.data.items():
        *above, leaf = path.split("/")
        if path in attributes:
            element.set(path, str(value))
        elif above and leaf in _ATTRIBUTE_LEAVES:
            _descend(element, above).set(leaf, str(value))
        else:
            _descend(element, [*above, leaf]).text = str(value)
    lists = types.all_lists(document.xsi_type) if known else {}
    for path, children in document.children.items():
        *above, leaf = path.split("/")
        holder = _descend(element, above)
        for child in children:
            below = ET.SubElement(holder, _qualified(leaf))
            if path in lists:
                entry = lists[path]
                if entry.key != entry.value:
                    below.set(entry.key, str(child.data[entry.key]))
                below.text = str(child.data[entry.value])
            else:
                below.set(_XSI_TYPE, child.xsi_type)
                _fill(types, below, child)


def _descend(element: ET.Element, path: list[str]) -> ET.Element:
    for name in path:
        found = element.find(_qualified(name))
        element = ET.SubElement(element, _qualified(name)) if found is None else found
    return element


class DocumentError(ValueError):
    """Not a document that this server can take; XNAT answers 422."""


@dataclass
class Submission:
    """A parsed document: its type, (path, text) for each field that it sets, and the scans inside it."""

    xsi_type: str
    changes: list[tuple[str, str]]
    scans: list[Submission] = field(default_factory=list)

    def value(self, path: str) -> str | None:
        """What the document says for `path`."""
        return next((text for name, text in self.changes if name == path), None)


def parse(types: Types, data: bytes) -> Submission:
    """Read an XNAT document. Raises DocumentError."""
    if b"<!DOCTYPE" in data:
        raise DocumentError("DOCTYPE is disallowed.")
    try:
        root = ET.fromstring(data)  # noqa: S314 (no DOCTYPE, hence no entities)
    except ET.ParseError as error:
        raise DocumentError(str(error)) from error
    namespace, _, name = root.tag.rpartition("}")
    if namespace != f"{{{XNAT}":
        raise DocumentError(f"Cannot find the declaration of element '{root.tag}'.")
    try:
        data_type = types.resolve_element(f"xnat:{name}")
    except schema.UnknownTypeError as error:
        raise DocumentError(f"Cannot find the declaration of element 'xnat:{name}'.") from error
    try:
        return _submission(types, root, data_type.name)
    except schema.UnknownTypeError as error:
        raise DocumentError(f"Cannot resolve '{error}' to a type definition.") from error


def _submission(types: Types, root: ET.Element, xsi_type: str) -> Submission:
    submission = Submission(xsi_type, [])
    _collect(types, root, [], submission)
    return submission


def _collect(types: Types, element: ET.Element, path: list[str], submission: Submission) -> None:
    lists = types.all_lists(submission.xsi_type)
    known = types.all_fields(submission.xsi_type)

    def add(name: str, text: str | None) -> None:
        if name.lower() in known and text and text.strip():
            submission.changes.append((known[name.lower()][0], text.strip()))

    for attribute, text in element.attrib.items():
        add("/".join([*path, attribute]), text)
    if path:
        add("/".join(path), element.text)
    for child in element:
        child_path = [*path, child.tag.rpartition("}")[2]]
        joined = "/".join(child_path)
        if joined == "scans/scan":
            submission.scans.append(_submission(types, child, child.get(_XSI_TYPE, schema.IMAGE_SCAN)))
        elif joined in lists:
            entry = lists[joined]
            key = child.get(entry.key)
            name = joined if key is None else f"{joined}[{entry.key}={key}]/{entry.value}"
            submission.changes.append((name, child.text or ""))
        else:
            _collect(types, child, child_path, submission)
