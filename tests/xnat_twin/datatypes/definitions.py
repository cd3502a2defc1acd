"""What data types are made of: elements, rules for their values, types, and the schemas that define them.

Only what a schema says: schema.py knows what it means that one type extends another. xsd.py reads schemas.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """What a value must keep to, beyond being of its kind. `values` is a list to choose from, in any case."""

    max_length: int | None = None
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Element:
    """One element or attribute.

    `kind` is the XSD type of its own value, if it has one, `item` the type of what it holds; else it holds `elements`.
    A `key` tells the entries of a list apart.
    """

    name: str
    prefix: str
    kind: str = ""
    item: str = ""
    many: bool = False
    attribute: bool = False
    required: bool = False
    key: bool = False
    rule: Rule = Rule()
    documentation: str = ""
    elements: tuple[Element, ...] = ()


@dataclass(frozen=True)
class DataType:
    """One XNAT type and the root element of its documents. `value` is the text of a type that has text."""

    name: str
    element: str
    extends: str | None = None
    abstract: bool = False
    elements: tuple[Element, ...] = ()
    value: Element | None = None
    documentation: str = ""
    names: tuple[str, str] = ("", "")

    @property
    def prefix(self) -> str:
        return self.name.partition(":")[0]

    @property
    def singular(self) -> str:
        """What pages call one object of the type."""
        return self.names[0] or self.element.partition(":")[2]

    @property
    def plural(self) -> str:
        return self.names[1] or f"{self.singular}s"


@dataclass(frozen=True)
class Schema:
    """One schema: the name in `/xapi/schemas/NAME`, prefix and URI of its namespace, its text and its data types."""

    name: str
    prefix: str
    uri: str
    text: str
    types: tuple[DataType, ...] = ()

    @property
    def file(self) -> str:
        """Where the file is below `/schemas`: `xnat/xnat.xsd`."""
        return f"{self.name if '/' in self.name else f'{self.name}/{self.name}'}.xsd"


class SchemaError(ValueError):
    """Not a schema that data types can be read from."""
