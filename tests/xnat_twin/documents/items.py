"""One object as an item: typed fields, nested items, lists. And XNAT's item JSON.

Pure: built from plain fields (paths and typed values), not from database rows; views.py does that. XML is the
business of documents_out.py and documents_in.py. Reference: ItemJSONBuilder, FlattenedItem
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xnat_twin.datatypes.paths import segments
from xnat_twin.datatypes.schema import XSI_TYPE, Types
from xnat_twin.datatypes.values import FieldValue, json_value


@dataclass
class Document:
    """An item: its own values by path, and the items nested in it by the path that holds them.

    `hidden` are keys of the database; XML has them in comments only.
    """

    xsi_type: str
    data: dict[str, FieldValue]
    when: dt.datetime
    children: dict[str, list[Document]] = field(default_factory=dict)
    hidden: dict[str, int] = field(default_factory=dict)
    #: When a former state ended.
    ended: dt.datetime | None = None
    #: What the object was before.
    former: Callable[[], list[Document]] = list


class DocumentError(ValueError):
    """Not a document that this server can take; XNAT answers 422."""


@dataclass
class Submission:
    """A parsed document: its type and (path, text) for each field that it sets.

    `nested` are the objects inside, by the path that holds them: `scans/scan`, `resources/resource`, … `whole` are the
    items that it has in full, such as `demographics`.
    """

    xsi_type: str
    changes: list[tuple[str, str]] = field(default_factory=list)
    nested: dict[str, list[Submission]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)

    def value(self, path: str) -> str | None:
        """What the document says for `path`."""
        return next((text for name, text in self.changes if name == path), None)


def build(types: Types, xsi_type: str, fields: Mapping[str, FieldValue], when: dt.datetime) -> Document:
    """A document of stored `fields`, with nested items (`demographics`) and list entries (`fields/field`) set apart."""
    builder = _Builder(types, fields, when)
    document = Document(xsi_type, {}, when)
    for path, value in fields.items():
        builder.place(document, path, value)
    return document


class _Builder:
    """Puts stored paths to where they belong. Entries of lists come in the order in which they were stored."""

    def __init__(self, types: Types, fields: Mapping[str, FieldValue], when: dt.datetime) -> None:
        self._types = types
        self._fields = fields
        self._when = when
        self._nested: dict[str, Document] = {}

    def place(self, document: Document, path: str, value: FieldValue, above: str = "") -> None:
        """Store a value in the document, whose own place is `above`, or in an item nested in it."""
        known = self._types.names(document.xsi_type) if document.xsi_type in self._types else {}
        walked = ""
        for name, predicate in segments(path):
            element = known.get(name.lower())
            if element is None:
                break
            walked += f"/{name}"
            if element.item in self._types:
                start = f"{walked[1:]}{predicate}"
                child = self._child(document, f"{above}{start}", walked[1:], predicate[1:-1], element.item)
                rest = path[len(start) + 1 :]
                if rest and rest != XSI_TYPE:
                    self.place(child, rest, value, f"{above}{start}/")
                return
            known = {below.name.lower(): below for below in element.elements}
        document.data[path] = value

    def _child(self, document: Document, place: str, path: str, predicate: str, declared: str) -> Document:
        if place not in self._nested:
            xsi_type = str(self._fields.get(f"{place}/{XSI_TYPE}") or self._types.concrete(declared))
            self._nested[place] = child = Document(xsi_type, {}, self._when)
            name, equals, text = predicate.partition("=")
            if equals:
                child.data[name] = text
            entries = document.children.setdefault(path, [])
            entries.append(child)
            if xsi_type in self._types and self._types.value(xsi_type):  # XNAT has a row for it, and its key
                child.hidden[f"{xsi_type.replace(':', '_')}_id"] = len(entries)
        return self._nested[place]


def to_json(document: Document) -> dict[str, Any]:
    """The content of `{"items": [...]}`: values keep their type, unset fields are absent."""
    return {
        "children": [
            {"field": path, "items": [to_json(child) for child in children]}
            for path, children in document.children.items()
        ],
        "meta": {
            "isHistory": document.ended is not None,
            "xsi:type": document.xsi_type,
            "start_date": _java_date(document.when),
            **({"end_date": _java_date(document.ended)} if document.ended else {}),
        },
        "data_fields": {name: json_value(value) for name, value in document.data.items()} | document.hidden,
    }


def _java_date(moment: dt.datetime) -> str:
    return moment.strftime("%a %b %d %H:%M:%S UTC %Y")
