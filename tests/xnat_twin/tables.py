"""List answers: rows as XNAT's JSON, CSV or XML tables. Pure; rows in, text chunks out.

Every value is a string, nothing is null, and `totalRecords` is a quoted number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from xml.sax.saxutils import escape as xml_escape

Value = object
Row = Mapping[str, Value]

MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv",
    "xml": "text/xml; charset=UTF-8",
    "html": "text/html; charset=UTF-8",
}


@dataclass
class Table:
    """Named columns and rows. `column_properties` and `title` only appear where XNAT sets them."""

    columns: Sequence[str]
    rows: Sequence[Row]
    title: str = ""
    column_properties: Sequence[Mapping[str, str]] = field(default_factory=list)
    total_records: bool = True

    def cells(self, row: Row) -> list[str]:
        return [text(row.get(column)) for column in self.columns]


def text(value: Value) -> str:
    """A cell: null is empty, booleans are XNAT's 1 and 0."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def render(table: Table, form: str) -> Iterator[str]:
    """The table in `form` (a key of MEDIA_TYPES), piece by piece."""
    return {"json": _json, "csv": _csv, "xml": _xml, "html": _html}[form](table)


def _json(table: Table) -> Iterator[str]:
    yield '{"ResultSet":{'
    if table.column_properties:
        yield f'"Columns":{json.dumps(list(table.column_properties))},'
    yield '"Result":['
    for number, row in enumerate(table.rows):
        cells = dict(zip(table.columns, table.cells(row), strict=True))
        yield ("," if number else "") + json.dumps(cells, ensure_ascii=False, separators=(",", ":"))
    yield f'], "title": {json.dumps(table.title)}'
    if table.total_records:
        yield f',"totalRecords": "{len(table.rows)}"'
    yield "}}"


def _csv(table: Table) -> Iterator[str]:
    yield ",".join(_csv_cell(column) for column in table.columns) + "\n"
    for row in table.rows:
        yield ",".join(_csv_cell(cell) for cell in table.cells(row)) + "\n"


def _csv_cell(cell: str) -> str:
    cell = cell.replace("\r", "").replace("\n", "")
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"') else cell


def _xml(table: Table) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    total = f' totalRecords="{len(table.rows)}"' if table.total_records else ""
    yield f'<ResultSet title="{xml_escape(table.title)}"{total}><results><columns>'
    for column in table.columns:
        yield f"<column>{xml_escape(column)}</column>"
    yield "</columns><rows>"
    for row in table.rows:
        yield "<row>" + "".join(f"<cell>{xml_escape(cell)}</cell>" for cell in table.cells(row)) + "</row>"
    yield "</rows></results></ResultSet>"


def _html(table: Table) -> Iterator[str]:
    yield f"<html><head><title>{escape(table.title)}</title></head><body><table><tr>"
    for column in table.columns:
        yield f"<th>{escape(column)}</th>"
    yield "</tr>"
    for row in table.rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in table.cells(row)) + "</tr>"
    yield "</table></body></html>"


def sort_rows(rows: Sequence[Row], columns: str, *, descending: bool) -> list[Row]:
    """Rows ordered by `columns` (comma separated), as `sortBy` and `sortOrder` ask."""
    names = [name for name in columns.split(",") if name]
    return sorted(rows, key=lambda row: tuple(text(row.get(name)) for name in names), reverse=descending)
