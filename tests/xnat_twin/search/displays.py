"""Which display fields a data type has: those of display_fields.py that fit it, its own elements, and any XPath.

Values are for display_values.py. Reference: DisplayManager, SchemaElement.getDisplayFieldForXMLPath
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from xnat_twin.datatypes import schema
from xnat_twin.datatypes.schema import Types, UnknownTypeError
from xnat_twin.lists.origins import PathError, find, standard_path
from xnat_twin.search.display_fields import (
    ASSESSOR,
    IMAGE_ASSESSOR,
    LISTINGS,
    MR_SESSION,
    ORDERS,
    PROJECT,
    SESSION,
    SUBJECT,
    DisplayField,
)

_DOCUMENTS: dict[str, tuple[DisplayField, ...]] = {
    schema.PROJECT: PROJECT,
    schema.SUBJECT: SUBJECT,
    "xnat:mrSessionData": MR_SESSION,
    schema.IMAGE_SESSION: SESSION,
    schema.SUBJECT_ASSESSOR: ASSESSOR,
    schema.IMAGE_ASSESSOR: IMAGE_ASSESSOR,
    schema.EXPERIMENT: ASSESSOR[1:2] + ASSESSOR[3:],
}
#: Types whose documents name all that they have.
_COMPLETE = (schema.PROJECT, schema.SUBJECT, "xnat:mrSessionData")


def table_name(data_type: str) -> str:
    """`xnat:mrSessionData` -> `xnat_mrsessiondata`."""
    return data_type.replace(":", "_").lower()


def clean_name(text: str) -> str:
    """A text as part of a column's name. Reference: XftStringUtils.cleanColumnName"""
    kept = re.sub(r"[/@\[\]]", "", text).replace(":", "_col_").replace(",", "_com_")
    return re.sub(r"\W", "_", kept, flags=re.ASCII)


def has_display(types: Types, data_type: str) -> bool:
    """Whether one can search for objects of the type."""
    return data_type in types and types.resolve(data_type) in types.secured()


@lru_cache(maxsize=512)
def display_fields(types: Types, data_type: str) -> dict[str, DisplayField]:
    """The fields of a type by their IDs, in order. Raises UnknownTypeError."""
    name = types.resolve(data_type).name
    document = _document(types, name)
    code = table_name(name).partition("_")[2].removesuffix("sessiondata").upper()
    words = {"{type}": name, "{TABLE}": table_name(name).upper(), "{CODE}": code}

    def fill(text: str) -> str:
        for word, value in words.items():
            text = text.replace(word, value)
        return text

    filled = (
        replace(one, id=fill(one.id), header=fill(one.header), paths=tuple(fill(path) for path in one.paths))
        for one in document
    )
    found = {one.id: one for one in filled if _exists(types, name, one)}
    if name not in _COMPLETE:
        for one in _own_fields(types, name):
            found.setdefault(one.id, one)
    return found


def listing_of(types: Types, data_type: str) -> list[tuple[str, str]]:
    """(data type, field) for each column of a search that asks for none."""
    name = types.resolve(data_type).name
    columns = LISTINGS.get(_document(types, name), LISTINGS[ASSESSOR])
    own = [(name, one.id) for one in _own_fields(types, name)] if name not in _COMPLETE else []
    asked = [(owner or name, field) for owner, field in columns] + own
    return [(owner, field) for owner, field in asked if field in display_fields(types, owner)]


def order_of_listing(types: Types, data_type: str) -> tuple[str, bool]:
    """The field by which such a search is ordered, and whether the last come first."""
    return ORDERS.get(_document(types, types.resolve(data_type).name), ("DATE", True))


def field_named(types: Types, data_type: str, name: str) -> DisplayField | None:
    """A field by its ID, spelled as it is, or by an XPath, for which one is made if there is none.

    None if there is neither. Raises UnknownTypeError.
    """
    fields = display_fields(types, data_type)
    if name in fields:
        return fields[name]
    path = standard_path(name) if "/" in name or "." in name else f"{data_type}/{name}"
    try:
        origin = find(types, path.partition("/")[0], path)
    except (PathError, UnknownTypeError):
        return None
    for one in fields.values():
        if not one.made and [known.lower() for known in one.paths] == [path.lower()]:
            return one
    return DisplayField(clean_name(path).upper(), path.rpartition("/")[2], origin.xsd, (path,), searchable=True)


def type_of(types: Types, data_type: str, field: DisplayField) -> str:
    """The type of a field's values: what its document says, else that of its XPath, if it has only one."""
    if field.type:
        return field.type
    if len(field.paths) != 1:
        return "UNKNOWN"
    return find(types, data_type, field.paths[0]).xsd.rpartition(":")[2]


def _document(types: Types, data_type: str) -> tuple[DisplayField, ...]:
    return next((fields for kind, fields in _DOCUMENTS.items() if types.instance_of(data_type, kind)), ())


def _exists(types: Types, data_type: str, field: DisplayField) -> bool:
    """Whether the type has what the field shows."""
    try:
        for path in field.paths:
            find(types, data_type, path)
    except (PathError, UnknownTypeError):
        return False
    return True


def _own_fields(types: Types, data_type: str) -> Sequence[DisplayField]:
    """A searchable field for each element that the type does not inherit."""
    above = types.resolve(data_type).extends
    inherited = types.all_fields(above) if above else {}
    return [
        DisplayField(
            re.sub(r"\W", "_", path).upper(), path.rpartition("/")[2], "", (f"{data_type}/{path}",), searchable=True
        )
        for lower, (path, _) in types.all_fields(data_type).items()
        if lower not in inherited
    ]
