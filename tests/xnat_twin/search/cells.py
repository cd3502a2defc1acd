"""How a display field becomes a value of a row: what it reads, and what is made of it.

What is looked up in other tables takes one query for each field. displays.py has the fields, lists/query.py reads.
Reference: DisplayField.getSQLContent, SQLQueryField
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import inspect

from xnat_twin.lists.criteria import kind_of_value
from xnat_twin.lists.origins import Origin, find
from xnat_twin.lists.query import Value
from xnat_twin.lookup.finder import Finder
from xnat_twin.search.display_fields import DisplayField
from xnat_twin.search.display_tables import LOOKED_UP, Asked
from xnat_twin.search.display_values import MADE
from xnat_twin.search.displays import type_of

#: What a field that asks for a value is asked with if none is given.
NOTHING = "NULL"


@dataclass(frozen=True)
class Cell:
    """The value of a field in a row; `kind` is the database's, and XNAT quotes what `quoted` ones are compared to."""

    origins: tuple[Origin, ...]
    value: Callable[..., Value]
    kind: str
    quoted: bool


def cell_of(finder: Finder, root: str, data_type: str, field: DisplayField, asked: str | None) -> Cell:
    """The cell of a field of `data_type` in rows of `root`. Raises PathError if no way leads from one to the other."""
    types = finder.types
    quoted = kind_of_value(type_of(types, data_type, field)) != "number"
    made = "string" if quoted else "number"
    if field.looked_up:
        place = find(types, root, f"{data_type}/ID").place
        number = Origin(place, str(inspect(place.entity).primary_key[0].name))
        values = LOOKED_UP[field.made](Asked(finder, place.entity, asked or NOTHING))
        return Cell((number,), values.get, made, quoted)
    origins = tuple(find(types, root, path) for path in field.paths)
    if field.made and field.made != "first_given":
        return Cell(origins, MADE[field.made], made, quoted)
    return Cell(origins, MADE.get(field.made, _same), kind_of_value(origins[0].xsd), quoted)


def _same(value: Value) -> Value:
    return value


def origins_of(cells: Sequence[Cell]) -> list[Origin]:
    """All that these cells read, each once."""
    return list(dict.fromkeys(origin for cell in cells for origin in cell.origins))
