"""Columns of searches: their names, and what JSON tables say about them.

Reference: SearchResource.setColumnProperties, DisplayFieldWrapper
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xnat_twin.datatypes.schema import Types
from xnat_twin.search.display_fields import DisplayField
from xnat_twin.search.displays import clean_name, display_fields, table_name, type_of


@dataclass(frozen=True)
class Column:
    """A field of a type in an answer; `value` is what it was asked with."""

    data_type: str
    field: DisplayField
    value: str | None = None
    header: str = ""
    visible: bool | None = None

    @property
    def row_id(self) -> str:
        return self.field.id if self.value is None else f"{self.field.id}_{clean_name(self.value)}"

    def name(self, root: str) -> str:
        """The field's ID in lower case, after the type's table if it is not the one that is searched."""
        own = self.row_id.lower()
        return own if self.data_type == root else f"{table_name(self.data_type)}_{own}"


def properties(
    types: Types, root: str, columns: Sequence[Column], *, links: bool, lists: int = 0
) -> list[Mapping[str, str]]:
    """One entry for each column, and for those that only links need; `lists` are columns of lists that are compared."""
    found: dict[str, dict[str, str]] = {f"search_field{number}": {"header": ""} for number in range(lists)}
    for column in columns:
        field, name = column.field, column.name(root)
        own = {
            "element_name": column.data_type,
            "id": field.id if column.value is None else f"{field.id}={column.value}",
            "xPATH": f"{column.data_type}.{field.id}",
            "header": column.header or field.header or " ",
            "type": type_of(types, column.data_type, field),
        }
        if not (field.visible if column.visible is None else column.visible):
            own["visible"] = "false"
        if field.image:
            own["imgRoot"] = "/"
        found[name] = own
        if links and field.links:
            own |= {"clickable": "true", "linkProps": _link(types, root, column, found)}
    return [{"key": name, **own} for name, own in found.items()]


def _link(types: Types, root: str, column: Column, found: dict[str, dict[str, str]]) -> str:
    """Where the page leads to: JSON in which `@Field1` stands for the value of a column."""

    def insert(number: int, name: str) -> str:
        other = Column(column.data_type, display_fields(types, column.data_type)[name]).name(root)
        found.setdefault(other, {"xPATH": other if column.data_type == root else f"{column.data_type}.{other}"})
        return f'{{"name":"Field{number}","value":"{other}"}}'

    first, *others = column.field.links
    kind = column.data_type
    search = f"search_element/{kind}/search_field/{kind}.ID"
    parts = [
        ("HREF", f"/app/action/DisplayItemAction/search_value/@Field1/{search}", [first]),
        ("ONCLICK", f"return rpt('@Field1','{kind}','{kind}.ID');", [first]),
    ]
    if "INSERT_DATE" in others:
        parts.append(("TITLE", "Inserted: @Field1 (@Field2)", ["INSERT_DATE", "INSERT_USER"]))
    written = []
    for name, value, fields in parts:
        inserts = ",".join(insert(number, one) for number, one in enumerate(fields, 1))
        written.append(f'{{"name":"{name}","value":"{value}","inserts":[{inserts}]}}')
    return f"[{','.join(written)}]"
