"""The XML documents that make or change a session with its scans, or a subject, from values by path.

Pure: sends nothing. What was read in XNAT's source about such a document: XNAT does not validate it, reads elements in
any order, by their names without the namespace, and takes an attribute and an element of one name for the same value
(SAXReader); so a path can be written without knowing the schema: each of its parts is an element. Text and elements in
one place cannot go together, so there the deeper ones are attributes, as they are in every schema. The root may be
called by the name of its data type; where the namespace of a type is not the usual one, XNAT looks for the name in all
that it knows (GenericWrapperElement.GetElement, XFTMetaManager.FindElement). What is not mentioned stays as it is, and
an element without text is ignored: a value is cleared by the word NULL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast
from xml.etree import ElementTree as ET

from .. import fields
from ..address import Address
from ..fields import Wanted

_XNAT = "http://nrg.wustl.edu/xnat"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE = f"{{{_XSI}}}type"
# Names of schemas whose namespace is not http://nrg.wustl.edu/ and the name.
_NAMESPACES = {"prov": "http://www.nbirn.net/prov", "cat": "http://nrg.wustl.edu/catalog"}
_PART = re.compile(r"([^\[/]+)((?:\[[^\]]*\])*)")
_PREDICATE = re.compile(r"\[(@?)([\w:]+)=[\"']?([^\]\"']*)[\"']?\]")
# A part of an abstract type, and the type that XNAT has for it.
_CONCRETE = {"demographics": "xnat:demographicData"}
# Characters that no XML may hold.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Part:
    """A subject, session or scan in a document: its data type, and the values to set."""

    address: Address
    xsi_type: str
    values: Sequence[Wanted]


def subject(part: Part, *, new: bool) -> bytes:
    """Return the document of a subject. One that is there may belong to another project, under another label."""
    address = part.address
    return _bytes(_root(part, {"project": address.project, "label": str(address.subject)} if new else {}))


def session(part: Part, scans: Iterable[Part]) -> bytes:
    """Return the document of a session with the scans that are new or differ."""
    address = part.address
    root = _root(part, {"project": address.project, "label": str(address.experiment)})
    holder: ET.Element | None = None
    for scan in scans:
        if holder is None:
            holder = ET.SubElement(root, _name("scans"))
        element = ET.SubElement(holder, _name("scan"), {_TYPE: _type(scan.xsi_type), "ID": str(scan.address.scan)})
        _fill(element, "scan", scan)
    return _bytes(root)


def _root(part: Part, attributes: dict[str, str]) -> ET.Element:
    root = ET.Element(str(_type(part.xsi_type)), attributes)
    _fill(root, part.address.kind, part)
    return root


def _fill(element: ET.Element, kind: str, part: Part) -> None:
    # Deeper paths last: whether a place has a text is known before what is below it is written.
    for wanted in sorted(part.values, key=lambda value: _path(kind, value).count("/")):
        _set(element, _path(kind, wanted), _FORBIDDEN.sub("", wanted.text))


def _path(kind: str, wanted: Wanted) -> str:
    """The path of a value below its object, in the spelling of the schema."""
    option = fields.ATTRIBUTES[kind].get(wanted.name)
    if option is not None and ":" not in wanted.parameter:
        return option[1]
    return wanted.parameter.partition("/")[2]


def _set(element: ET.Element, path: str, text: str) -> None:
    parts = [(match[1], match[2]) for match in _PART.finditer(path)]
    for number, (name, predicates) in enumerate(parts):
        last = number == len(parts) - 1
        if last and (element.text or _is_entry(element, name)):
            if _is_entry(element, name):
                element.text = text
            else:
                element.set(name, text)
            return
        element = _child(element, name, predicates)
    element.text = text


def _is_entry(element: ET.Element, name: str) -> bool:
    """Whether `name` stands for the text of a named entry itself, as the last step of `fields/field[name=x]/field`."""
    local = element.tag.rpartition("}")[2]
    return "name" in element.attrib and name.lower() in {local.lower(), "addfield"}


def _child(element: ET.Element, name: str, predicates: str) -> ET.Element:
    """The child of that name and with these predicates, made if it is not there."""
    wanted: dict[str, str] = {}
    if name.lower() in _CONCRETE:
        wanted[_TYPE] = _type(_CONCRETE[name.lower()])
    for _, key, value in _PREDICATE.findall(predicates):
        wanted.update({_TYPE: _type(value)} if key == "xsi:type" else {key: value})
    for child in element.findall(_name(name)):
        if all(child.get(key) == value for key, value in wanted.items()):
            return child
    return ET.SubElement(element, _name(name), wanted)


def _type(xsi_type: str) -> str:
    """The name of a data type, which as a value of an attribute declares the prefix of its schema."""
    prefix, _, local = xsi_type.partition(":")
    uri = _NAMESPACES.get(prefix, f"http://nrg.wustl.edu/{prefix}")
    ET.register_namespace(prefix, uri)
    return cast("str", ET.QName(uri, local))  # ElementTree writes it as prefix:local


def _name(local: str) -> str:
    return f"{{{_XNAT}}}{local}"


def _bytes(root: ET.Element) -> bytes:
    ET.register_namespace("xnat", _XNAT)
    ET.register_namespace("xsi", _XSI)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
