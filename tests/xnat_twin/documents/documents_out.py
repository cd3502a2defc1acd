"""An item as an XML document: elements in the order of the schema, each in the namespace of the type that declares it.

Reference: SAXWriter, ItemXMLRepresentation, XFT.GetAllSchemaLocations
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from xnat_twin.datatypes.definitions import Element
from xnat_twin.datatypes.schema import Types
from xnat_twin.datatypes.values import xml_text
from xnat_twin.documents.items import Document

XSI = "http://www.w3.org/2001/XMLSchema-instance"

_Attributes = list[tuple[str, str]]


def to_xml(types: Types, document: Document, site_url: str, *, hidden: bool = True) -> bytes:
    """The document with its root element. `hidden` writes the keys of the database into comments, as XNAT does."""
    writer = _Writer(types, hidden)
    schemas = types.schemas.values()
    spaces = {f"xmlns:{schema.prefix}": schema.uri for schema in schemas if schema.types} | {"xmlns:xsi": XSI}
    places = (f"{schema.uri} {site_url}/schemas/{schema.file}" for schema in schemas if schema.types)
    root = types.resolve(document.xsi_type)
    writer.item(root.element, document, root.name, [*spaces.items(), ("xsi:schemaLocation", " ".join(places))])
    return "\n".join(['<?xml version="1.0" encoding="UTF-8" standalone="yes"?>', *writer.lines, ""]).encode()


class _Writer:
    def __init__(self, types: Types, hidden: bool) -> None:
        self._types = types
        self._hidden = hidden
        self.lines: list[str] = []

    def item(self, name: str, document: Document, declared: str, further: _Attributes) -> None:
        """One item; it says its type if that is not the declared one."""
        if document.xsi_type not in self._types:  # its module is gone
            return
        elements = self._types.elements(document.xsi_type)
        attributes = self._attributes(document, elements, "") + further
        if document.xsi_type.lower() != declared.lower():
            attributes.append(("xsi:type", document.xsi_type))
        start = len(self.lines)
        if self._hidden and document.hidden:
            keys = ",".join(f'{key}="{number}"' for key, number in document.hidden.items())
            self.lines.append(f"<!--hidden_fields[{keys}]-->")
        value = self._types.value(document.xsi_type)
        text = xml_text(document.data[value.name], value.kind) if value and value.name in document.data else ""
        self._elements(document, elements, "")
        self._wrap(start, name, attributes, text)

    def _elements(self, document: Document, elements: Iterable[Element], above: str) -> None:
        for element in elements:
            name, path = f"{element.prefix}:{element.name}", f"{above}{element.name}"
            if element.attribute:
                continue
            if element.item in self._types:
                for child in document.children.get(path, []):
                    self.item(name, child, element.item, [])
                continue
            start = len(self.lines)
            attributes = self._attributes(document, element.elements, f"{path}/")
            text = xml_text(document.data[path], element.kind) if path in document.data else ""
            self._elements(document, element.elements, f"{path}/")
            if attributes or text or len(self.lines) > start or (element.required and element.kind):
                self._wrap(start, name, attributes, text)

    def _attributes(self, document: Document, elements: Iterable[Element], above: str) -> _Attributes:
        """The attributes that have a value; those that the schema requires are there without one as well."""
        found = ((element, document.data.get(f"{above}{element.name}")) for element in elements if element.attribute)
        return [
            (element.name, xml_text(value, element.kind) if value is not None else "")
            for element, value in found
            if value is not None or (element.required and not above)
        ]

    def _wrap(self, start: int, name: str, attributes: _Attributes, text: str) -> None:
        """Put a tag around all lines since `start`. A text stands on the line of its tag or of the comment before it.

        pyxnat finds the values of `addParam` by the line end before that comment.
        """
        inside = self.lines[start:]
        del self.lines[start:]
        tag = name + "".join(f" {key}={quoteattr(value)}" for key, value in attributes)
        if text and len(inside) <= 1:
            above = "".join(f"\n{line}" for line in inside)
            self.lines.append(f"<{tag}>{above}{escape(text)}</{name}>")
        elif inside:
            self.lines += [f"<{tag}>", *([escape(text)] if text else []), *inside, f"</{name}>"]
        else:
            self.lines.append(f"<{tag}/>")
