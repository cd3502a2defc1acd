"""Data types that are made at run time, by `POST /xapi/datatypes/create` of XNAT 1.10: a schema is written and kept.

Real servers keep these schemas in their database; here they are files in the data folder, read again at each start.
A file is called by the number of the schema and its prefix: `7-asthma.xsd`.
Which prefix and namespace XNAT gives them is not known to us.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from xnat_twin.datatypes.definitions import Schema
from xnat_twin.datatypes.schema import Types
from xnat_twin.datatypes.xsd import read

#: What may be extended.
BASES = ("subjectAssessorData", "imageAssessorData", "abstractProjectAsset")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_SCHEMA = """<?xml version="1.0" encoding="UTF-8"?>
<xs:schema targetNamespace="http://nrg.wustl.edu/{prefix}" xmlns:{prefix}="http://nrg.wustl.edu/{prefix}"
    xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:xdat="http://nrg.wustl.edu/xdat" xmlns:xs="http://www.w3.org/2001/XMLSchema"
    elementFormDefault="qualified" attributeFormDefault="unqualified">
  <xs:import namespace="http://nrg.wustl.edu/xnat" schemaLocation="../xnat/xnat.xsd"/>
  <xs:element name="{name}" type="{prefix}:{complex_type}"/>
  <xs:complexType name="{complex_type}">
    <xs:annotation>
      <xs:appinfo><xdat:element singular={singular} plural={plural}/></xs:appinfo>
      <xs:documentation>{documentation}</xs:documentation>
    </xs:annotation>
    <xs:complexContent><xs:extension base="xnat:{extends}"/></xs:complexContent>
  </xs:complexType>
</xs:schema>
"""


@dataclass(frozen=True)
class CreatedSchema:
    """A schema that was made at run time, by its number."""

    number: int
    path: Path

    @property
    def name(self) -> str:
        return self.path.stem.partition("-")[2]

    @property
    def schema(self) -> Schema:
        return read(self.path.read_text("utf-8"), self.name)


class NewTypeError(ValueError):
    """No data type can be made of what was asked for."""


def create(types: Types, folder: Path, number: int, *, name: str, singular: str, plural: str, extends: str) -> str:
    """Install a data type that extends another, keep it in `folder`, and return its name. Raises NewTypeError.

    `number` is the one of its schema.
    """
    if not _NAME.fullmatch(name):
        raise NewTypeError(f"Invalid data type name: {name}")
    if extends not in BASES:
        raise NewTypeError(f"The data type {extends} can not be extended. Allowed: {', '.join(BASES)}")
    prefix, complex_type = name.lower(), f"{name[0].lower()}{name[1:]}Data"
    if prefix in types.schemas or f"{prefix}:{complex_type}" in types:
        raise NewTypeError(f"A data type {name} already exists.")
    text = _SCHEMA.format(
        prefix=prefix,
        name=name,
        complex_type=complex_type,
        singular=quoteattr(singular),
        plural=quoteattr(plural),
        documentation=escape(singular),
        extends=extends,
    )
    types.install(read(text, prefix))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number}-{prefix}.xsd").write_text(text, "utf-8")
    return f"{prefix}:{complex_type}"


def created(folder: Path) -> list[CreatedSchema]:
    """The schemas that were made, oldest first."""
    return sorted(_found(folder), key=lambda one: one.number)


def _found(folder: Path) -> Iterator[CreatedSchema]:
    for path in folder.glob("*-*.xsd"):
        number = path.stem.partition("-")[0]
        if number.isdecimal():
            yield CreatedSchema(int(number), path)


def load_created(types: Types, folder: Path) -> None:
    """Install what was created before."""
    for one in created(folder):
        types.install(one.schema)


def remove(types: Types, one: CreatedSchema) -> None:
    """Forget a schema and its types."""
    types.remove(one.name)
    one.path.unlink()
