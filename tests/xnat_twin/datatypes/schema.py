"""XNAT data types: which elements a type has, of which kind, and how they nest. definitions.py has what is read.

A type that is not among a site's `Types` is, as on a real server, not installed. Elements are inherited. Names are
looked up without regard to case, as XNAT does. Nothing here knows of values; see fields.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from xnat_twin.datatypes.definitions import DataType, Element, Schema, SchemaError
from xnat_twin.datatypes.paths import predicates_of, segments

PROJECT, SUBJECT, EXPERIMENT = "xnat:projectData", "xnat:subjectData", "xnat:experimentData"
SUBJECT_ASSESSOR, IMAGE_SESSION, IMAGE_SCAN = (
    "xnat:subjectAssessorData",
    "xnat:imageSessionData",
    "xnat:imageScanData",
)
IMAGE_ASSESSOR, RECONSTRUCTED_IMAGE = "xnat:imageAssessorData", "xnat:reconstructedImageData"
RESOURCE, RESOURCE_CATALOG = "xnat:abstractResource", "xnat:resourceCatalog"

#: Entries of lists that have rows of their own in the database.
_OBJECTS = (
    SUBJECT_ASSESSOR, IMAGE_SCAN, IMAGE_ASSESSOR, RECONSTRUCTED_IMAGE, RESOURCE,
    "xnat:projectParticipant", "xnat:experimentData_share", "xnat:imageScanData_share",
)  # fmt: skip
#: The last part of a stored path that says of which type a nested item is, where its element allows several.
XSI_TYPE = "xsi:type"


class ListField(NamedTuple):
    """A repeated element such as `fields/field`: each entry is found by `key` and holds `value`, where it has these."""

    item_type: str
    key: str
    value: str


class Place(NamedTuple):
    """Where a path leads: the path as it is stored, what is there, and (path, type) of nested items that it names."""

    path: str
    element: Element
    types: tuple[tuple[str, str], ...] = ()


class _Steps(NamedTuple):
    """Where a path leads, and the type of the nested item that is there, if one is."""

    path: str
    element: Element
    item: str
    types: tuple[tuple[str, str], ...]


class UnknownTypeError(LookupError):
    """The data type is not installed on this server."""


@dataclass
class _Memory:
    """What was already worked out; forgotten when a type is installed."""

    elements: dict[str, tuple[Element, ...]] = field(default_factory=dict)
    names: dict[str, dict[str, Element]] = field(default_factory=dict)
    fields: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    steps: dict[tuple[str, str], _Steps | None] = field(default_factory=dict)


class Types:
    """The data types that one site has installed."""

    def __init__(self, schemas: Iterable[Schema] = ()) -> None:
        self.schemas: dict[str, Schema] = {}
        self._types: dict[str, DataType] = {}
        self._by_element: dict[str, DataType] = {}
        self._memory = _Memory()
        for schema in schemas:
            self.install(schema)

    def install(self, schema: Schema) -> None:
        """Add the types of a schema; from now on objects of these types can be made.

        Raises SchemaError for a type that extends one which is not there.
        """
        names = {data_type.name.lower() for data_type in schema.types} | set(self._types)
        for data_type in schema.types:
            if data_type.extends and data_type.extends.lower() not in names:
                raise SchemaError(
                    f"{schema.name}: {data_type.name} extends {data_type.extends}, which is not installed"
                )
        # Requests of other threads may be going through these: they are replaced, never changed.
        self.schemas = self.schemas | {schema.name: schema}
        self._types = self._types | {one.name.lower(): one for one in schema.types}
        self._by_element = self._by_element | {one.element.lower(): one for one in schema.types}
        self._memory = _Memory()

    def remove(self, name: str) -> None:
        """Take away the types of a schema, which no other type may extend."""
        gone = self.schemas[name].types
        self.schemas = {other: schema for other, schema in self.schemas.items() if other != name}
        self._types = {key: one for key, one in self._types.items() if one not in gone}
        self._by_element = {key: one for key, one in self._by_element.items() if one not in gone}
        self._memory = _Memory()

    def prefix_of(self, uri: str) -> str:
        """The prefix that names of types from this namespace have. Raises UnknownTypeError."""
        for schema in self.schemas.values():
            if schema.uri == uri:
                return schema.prefix
        raise UnknownTypeError(uri)

    def __iter__(self) -> Iterator[DataType]:
        return iter(self._types.values())

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._types

    def resolve(self, name: str) -> DataType:
        """The type called `name`, in any case. Raises UnknownTypeError."""
        try:
            return self._types[name.lower()]
        except KeyError:
            raise UnknownTypeError(name) from None

    def resolve_element(self, element: str) -> DataType:
        """The type of the root element `element`, such as `xnat:MRSession`; a type's own name will do as well.

        Raises UnknownTypeError.
        """
        return self._by_element.get(element.lower()) or self.resolve(element)

    def lineage(self, name: str) -> Iterator[DataType]:
        """The type and its ancestors, nearest first."""
        data_type: DataType | None = self.resolve(name)
        while data_type is not None:
            yield data_type
            data_type = self.resolve(data_type.extends) if data_type.extends else None

    def instance_of(self, name: str, ancestor: str) -> bool:
        """Whether `name` is `ancestor` or extends it. An unknown type is an instance of nothing."""
        try:
            return any(t.name.lower() == ancestor.lower() for t in self.lineage(name))
        except UnknownTypeError:
            return False

    def secured(self) -> list[DataType]:
        """The types that rights are given for: projects, subjects, and every experiment that there can be."""
        return [
            one
            for one in self
            if one.name in {PROJECT, SUBJECT} or (not one.abstract and self.instance_of(one.name, EXPERIMENT))
        ]

    def concrete(self, name: str) -> str:
        """The type itself or, if there are no objects of it, the first installed one that extends it."""
        if not self.resolve(name).abstract:
            return self.resolve(name).name
        return next((t.name for t in self if not t.abstract and self.instance_of(t.name, name)), name)

    def elements(self, name: str) -> tuple[Element, ...]:
        """Everything that objects of the type have, in the order of documents: what is inherited comes first."""
        if name not in self._memory.elements:
            lineage = reversed(list(self.lineage(name)))
            self._memory.elements[name] = tuple(element for one in lineage for element in one.elements)
        return self._memory.elements[name]

    def value(self, name: str) -> Element | None:
        """The text that entries of the type have, if they have text."""
        return next((one.value for one in self.lineage(name) if one.value is not None), None)

    def keys(self, name: str) -> tuple[str, ...]:
        """What together tells entries of the type apart: elements, attributes or the text."""
        if name not in self:
            return ()
        value = self.value(name)
        return tuple(e.name for e in (*self.elements(name), *([value] if value else [])) if e.key)

    def key(self, name: str) -> Element | None:
        """What alone tells entries of the type apart, if it is one element or attribute and not the text."""
        keys = self.keys(name)
        return next((e for e in self.elements(name) if len(keys) == 1 and e.name == keys[0]), None)

    def item_at(self, name: str, path: str) -> str | None:
        """The type of what the element at `path` holds."""
        steps = self._steps(name, path)
        return steps.item if steps else None

    def all_fields(self, name: str) -> dict[str, tuple[str, str]]:
        """Lower-case path -> (path as XNAT spells it, XSD kind): all single values, also those of nested items."""
        if name not in self._memory.fields:
            paths = self._single(self.elements(name), "")
            self._memory.fields[name] = {path.lower(): (path, kind) for path, kind in paths}
        return self._memory.fields[name]

    def _single(self, elements: Iterable[Element], above: str) -> Iterator[tuple[str, str]]:
        for element in elements:
            path = f"{above}{element.name}"
            if element.many:
                continue
            if element.kind:
                yield path, element.kind
            below = self.elements(self.concrete(element.item)) if element.item in self else element.elements
            yield from self._single(below, f"{path}/")

    def all_lists(self, name: str) -> dict[str, ListField]:
        """Path -> repeated element, but for those inside nested items and those whose entries are objects."""
        lists = _repeated(self.elements(name), "")
        return {path: self._list_field(item) for path, item in lists if not self.apart(item)}

    def _list_field(self, item: str) -> ListField:
        keys, value = self.keys(item), self.value(item)
        return ListField(item, keys[0] if len(keys) == 1 else "", value.name if value else "")

    def apart(self, item: str) -> bool:
        """Whether entries of a list are objects of their own (scans, resources, …) and no fields of its owner."""
        return any(self.instance_of(item, one) for one in _OBJECTS)

    def locate(self, name: str, path: str) -> Place | None:
        """Where a path with or without predicates leads in objects of the type; None if that is nowhere."""
        steps = self._steps(name, path)
        if steps is None:
            return None
        value = self.value(steps.item) if steps.item else None
        if value is not None:  # a path to an entry means its text
            return Place(f"{steps.path}/{value.name}", value, steps.types)
        return Place(steps.path, steps.element, steps.types) if steps.element.kind else None

    def _steps(self, name: str, path: str) -> _Steps | None:
        known = self._memory.steps
        if (name, path) in known:
            return known[name, path]
        if len(known) > 20_000:  # paths hold what users type
            known = self._memory.steps = {}
        steps = known[name, path] = self._walk(name, path)
        return steps

    def _walk(self, name: str, path: str) -> _Steps | None:
        """Follow a path; None if there is nothing, or an object of its own."""
        names, walked, item, element = self.names(name), "", "", None
        types: list[tuple[str, str]] = []
        for segment, predicates in segments(path):
            element = names.get(segment.lower())
            if element is None or self.apart(element.item):
                return None
            walked += f"/{element.name}"
            asked = dict(predicates_of(predicates))
            wanted, item = asked.pop("@xsi:type", ""), ""
            if element.item in self:
                item = usual = self.concrete(element.item)
                if self.instance_of(wanted, element.item):
                    item = self.resolve(wanted).name
                if element.many:
                    walked += f"[{self._entry(item, asked)}]"
                if item != usual:
                    types.append((f"{walked[1:]}/{XSI_TYPE}", item))
            names = self.names(item) if item else {below.name.lower(): below for below in element.elements}
        return _Steps(walked[1:], element, item, tuple(types)) if element is not None else None

    def names(self, name: str) -> dict[str, Element]:
        """Lower-case name -> element, for the type with all that it inherits."""
        if name not in self._memory.names:
            found = {element.name.lower(): element for element in self.elements(name)}
            if (value := self.value(name)) is not None:
                found.setdefault(value.name.lower(), value)
            self._memory.names[name] = found
        return self._memory.names[name]

    def _entry(self, item: str, asked: Mapping[str, str]) -> str:
        """The predicate by which an entry of a list is stored: `name=cohort` where names differ, else its number.

        `?attribute=text` is left for those who know what is stored (fields.py).
        """
        key = self.key(item)
        for attribute, text in asked.items():
            if attribute:
                known = self.names(item).get(attribute.lower())
                name = known.name if known else attribute
                return f"{name}={text}" if key is not None and name == key.name else f"?{name}={text}"
        return asked.get("", "0")


def _repeated(elements: Iterable[Element], above: str) -> Iterator[tuple[str, str]]:
    """Path and type of the entries, for every repeated element."""
    for element in elements:
        if element.many:
            yield f"{above}{element.name}", element.item
        yield from _repeated(element.elements, f"{above}{element.name}/")
