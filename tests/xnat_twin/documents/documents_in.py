"""An XML document as changes: what it sets, and the objects that it has below its root.

The document is read by the schema, in any order of elements; what the schema does not know is refused.
Nothing is stored here. Reference: SAXReader
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from xnat_twin.datatypes.definitions import Element
from xnat_twin.datatypes.schema import XSI_TYPE, Types, UnknownTypeError
from xnat_twin.documents.documents_out import XSI
from xnat_twin.documents.items import DocumentError, Submission

TOO_DEEP = "The document is nested too deeply."
_XSI_TYPE = f"{{{XSI}}}type"


def parse(types: Types, data: bytes) -> Submission:
    """Read an XNAT document. Raises DocumentError."""
    root, prefixes = read_tree(data)
    uri, _, name = root.tag.rpartition("}")
    try:
        data_type = types.resolve_element(f"{types.prefix_of(uri[1:])}:{name}")
        return _Reader(types, prefixes).submission(root, data_type.name)
    except RecursionError as error:
        raise DocumentError(TOO_DEEP) from error
    except UnknownTypeError as error:
        raise DocumentError(f"Invalid Element '{uri[1:]}:{name}': {error}") from error


def read_tree(data: bytes) -> tuple[ET.Element, Mapping[str, str]]:
    """Any XML without a DOCTYPE, and what its prefixes stand for. Raises DocumentError."""
    builder = _Builder()
    try:
        root = ET.fromstring(data, ET.XMLParser(target=builder))  # noqa: S314 (a DOCTYPE is refused, hence no entities)
    except (ET.ParseError, ValueError, LookupError) as error:  # LookupError: an encoding that nobody knows
        raise DocumentError(str(error)) from error
    return root, builder.prefixes


class _Builder(ET.TreeBuilder):
    """Builds the tree, remembers what prefixes stand for, and refuses a DOCTYPE before anything of it is used."""

    def __init__(self) -> None:
        super().__init__()
        self.prefixes: dict[str, str] = {}

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise DocumentError("DOCTYPE is disallowed.")

    def start_ns(self, prefix: str, uri: str) -> None:
        self.prefixes[prefix] = uri


class _Reader:
    def __init__(self, types: Types, prefixes: Mapping[str, str]) -> None:
        self._types = types
        self._prefixes = prefixes

    def submission(self, node: ET.Element, xsi_type: str) -> Submission:
        """An object of its own, with what is below it."""
        submission = Submission(xsi_type)
        self._content(submission, node, xsi_type, "", lenient=True)
        return submission

    def _content(
        self, submission: Submission, node: ET.Element, xsi_type: str, above: str, *, lenient: bool = False
    ) -> None:
        """What stands in an item of `xsi_type`, to be stored at `above`."""
        known = self._types.names(xsi_type)
        value = self._types.value(xsi_type)
        self._attributes(submission, node, known, above, lenient)
        if value is not None:
            _set(submission, f"{above}{value.name}", node.text)
        self._children(submission, node, known, above)

    def _children(self, submission: Submission, node: ET.Element, known: Mapping[str, Element], above: str) -> None:
        for number, child in enumerate(node):
            name = child.tag.rpartition("}")[2]
            element = known.get(name.lower())
            if element is None:
                if any(one.attrib or (one.text or "").strip() for one in child.iter()):
                    raise DocumentError(f"Invalid field '{above}{name}'")
            elif element.item in self._types:
                self._item(submission, child, element, above, number)
            else:
                path, below = f"{above}{element.name}", {one.name.lower(): one for one in element.elements}
                self._attributes(submission, child, below, f"{path}/", False)
                if element.kind:
                    _set(submission, path, child.text)
                self._children(submission, child, below, f"{path}/")

    def _item(self, submission: Submission, node: ET.Element, element: Element, above: str, number: int) -> None:
        """A nested item: an object of its own, an entry of a list, or the only one at its place."""
        path, usual = f"{above}{element.name}", self._types.concrete(element.item)
        apart = self._types.apart(element.item)
        xsi_type = self._type(node, element, element.item if apart else usual)
        if apart:
            submission.nested.setdefault(path, []).append(self.submission(node, xsi_type))
            return
        if element.many:
            path += f"[{self._entry(node, xsi_type, above, number)}]"
        else:
            submission.whole.add(path)
        if xsi_type != usual:
            submission.changes.append((f"{path}/{XSI_TYPE}", xsi_type))
        self._content(submission, node, xsi_type, f"{path}/")

    def _entry(self, node: ET.Element, xsi_type: str, above: str, number: int) -> str:
        """The name of a list's entry, else its number in the document."""
        key = self._types.key(xsi_type)
        if key is not None:
            text = node.get(key.name) if key.attribute else node.findtext(f"{{*}}{key.name}")
            if text and text.strip():
                return f"{key.name}={text.strip()}"
        return str(number) if "[+" in above else f"+{number}"

    def _type(self, node: ET.Element, element: Element, usual: str) -> str:
        """The type of a nested item: what its xsi:type says, else the usual one."""
        name = node.get(_XSI_TYPE)
        if name is None:
            return usual
        prefix, _, local = name.rpartition(":")
        known = self._types.prefix_of(self._prefixes[prefix]) if prefix in self._prefixes else prefix
        data_type = self._types.resolve(f"{known}:{local}")
        if not self._types.instance_of(data_type.name, element.item):
            raise DocumentError(f"Invalid Element '{element.name}': {data_type.name} is no {element.item}")
        return data_type.name

    def _attributes(
        self, submission: Submission, node: ET.Element, known: Mapping[str, Element], above: str, lenient: bool
    ) -> None:
        for name, text in node.attrib.items():
            element = known.get(name.lower())
            if element is not None and not element.item:
                _set(submission, f"{above}{element.name}", text)
            elif text and not name.startswith("{") and not lenient:
                raise DocumentError(f"Invalid attribute '{name}' of '{submission.xsi_type}/{above.rstrip('/')}'")


def _set(submission: Submission, path: str, text: str | None) -> None:
    if text and text.strip():
        submission.changes.append((path, text.strip()))
