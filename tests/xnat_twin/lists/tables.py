"""List answers: rows as XNAT's JSON, CSV, XML or HTML tables. Pure; rows in, text chunks out.

Every value is text, nothing is null, and `totalRecords` is a quoted number. XML and HTML are not escaped as they should
be, which is why XNAT stores query values escaped. Reference: XFTTable, JSONTableRepresentation and its siblings
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

Value = object
Row = Mapping[str, Value]

#: Forms of a table, and the Content-Type of each: none names a character set.
MEDIA_TYPES = {
    "json": "application/json",
    "html": "text/html",
    "xml": "text/xml",
    "csv": "text/csv",
    "xlist": "text/html",
}
#: What `Accept` can choose, best first; CSV and xList need `format=`.
NEGOTIATED = {MEDIA_TYPES[form]: form for form in ("json", "html", "xml")}
#: What some tables offer instead.
ONLY_XML = {MEDIA_TYPES["xml"]: "xml"}

_LINE_END = re.compile(r"\r\n|\r|\n")
_ROWS_AT_ONCE = 256


@dataclass
class Table:
    """Named columns and rows. Everything else only appears where XNAT sets it.

    `properties` are further attributes beside `title` and `totalRecords`; one that starts with `{` is JSON as it is.
    """

    columns: Sequence[str]
    rows: Sequence[Row]
    title: str = ""
    column_properties: Sequence[Mapping[str, str]] = field(default_factory=list)
    total_records: bool = True
    properties: Mapping[str, str] = field(default_factory=dict)

    def cells(self, row: Row) -> list[str]:
        return [text(row.get(column)) for column in self.columns]

    def attributes(self) -> dict[str, str]:
        """What describes the table as a whole."""
        found = {"title": self.title} if self.title else {}
        if self.total_records:
            found["totalRecords"] = str(len(self.rows))
        return found | dict(self.properties)


def text(value: Value) -> str:
    """A cell: null is empty, booleans are XNAT's 1 and 0, numbers and times are written as Java writes them."""
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case float():
            return _java_double(value)
        case dt.datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}.{f'{value:%f}'.rstrip('0') or '0'}"
        case _:
            return str(value)


def _java_double(value: float) -> str:
    """`0.0001` is `1.0E-4` in Java."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' * (value < 0)}Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    first, *others = map(str, digits)
    return f"{'-' * sign}{first}.{''.join(others) or '0'}E{int(exponent) + len(others)}"


def form_of(
    requested: str, accepted: Callable[[Iterable[str]], str | None], offered: Mapping[str, str] = NEGOTIATED
) -> str | None:
    """The form that `format=` asks for, HTML for anything unknown; without it what `accepted` likes best of `offered`.

    None if it likes none of those that can be negotiated, even where `format=` asks for another.
    """
    preferred = accepted(offered)
    if preferred is None:
        return None
    if not requested:
        return offered[preferred]
    by_name = {media_type: form for form, media_type in MEDIA_TYPES.items() if form != "xlist"}
    name = requested.lower()
    return name if name in MEDIA_TYPES else by_name.get(name, "html")


def render(table: Table, form: str) -> Iterator[str]:
    """The table in `form` (a key of MEDIA_TYPES), piece by piece."""
    return {"json": _json, "csv": _csv, "xml": _xml, "html": _html, "xlist": _xlist}[form](table)


def _chunks(table: Table, write: Callable[[Row], str], between: str = "") -> Iterator[str]:
    """The rows, many at once: each piece costs a system call."""
    rows, first = iter(table.rows), True
    while some := list(itertools.islice(rows, _ROWS_AT_ONCE)):
        yield ("" if first else between) + between.join(map(write, some))
        first = False


def _json(table: Table) -> Iterator[str]:
    def write(row: Row) -> str:
        cells = {column: _json_text(row.get(column)) for column in table.columns}
        return encode(cells).replace("</", "<\\/")

    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    yield '{"ResultSet":{'
    if table.column_properties:
        yield f'"Columns":[{",".join(_json_properties(one) for one in table.column_properties)}],'
    yield '"Result":['
    yield from _chunks(table, write, ",")
    attributes = table.attributes()
    written = (f'"{name}": {_json_property(value)}' for name, value in attributes.items())
    yield "]" + (", " if attributes else "") + ",".join(written) + "}}"


def _json_text(value: Value) -> str:
    return f"{value:%H:%M:%S}.{value.microsecond // 1000:03}" if isinstance(value, dt.time) else text(value)


def _json_properties(properties: Mapping[str, str]) -> str:
    """One column's properties."""
    return "{" + ",".join(f'"{key}":{_json_property(value)}' for key, value in properties.items()) + "}"


def _json_property(value: str) -> str:
    """Not escaped; what starts with a bracket is JSON already."""
    return value if value[:1] in {"{", "["} else f'"{value}"'


def _csv(table: Table) -> Iterator[str]:
    yield ",".join(_csv_cell(column) for column in table.columns) + "\n"
    yield from _chunks(table, lambda row: ",".join(_csv_cell(_one_line(cell)) for cell in table.cells(row)) + "\n")


def _csv_cell(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\r\n') else cell


def _one_line(cell: str) -> str:
    return _LINE_END.sub(" ", cell) if "\n" in cell or "\r" in cell else cell


def _xml(table: Table) -> Iterator[str]:
    """`&` is not escaped: a value that was not stored escaped makes the document unreadable."""

    def write(row: Row) -> str:
        cells = (_one_line(cell).replace(">", "&gt;").replace("<", "&lt;") for cell in table.cells(row))
        return "<row>" + "".join(f"<cell>{cell}</cell>" for cell in cells) + "</row>\n"

    yield "<ResultSet" + "".join(f' {name}="{value}"' for name, value in table.attributes().items()) + ">"
    properties = {one["key"]: one for one in table.column_properties}
    yield "<results><columns>"
    for column in table.columns:
        own = properties.get(column, {})
        yield "<column" + "".join(f' {k}="{v}"' for k, v in own.items() if k != "key") + f">{column}</column>"
    yield "</columns>\n<rows>"
    yield from _chunks(table, write)
    yield "</rows></results></ResultSet>"


def _html(table: Table, cell: str = "<td>{}</td>", head: str = "<th>{}</th>") -> Iterator[str]:
    """Nothing is escaped."""
    even = itertools.cycle((" odd", " even"))
    roots = {one["key"]: one["serverRoot"] for one in table.column_properties if "serverRoot" in one}

    def write(row: Row) -> str:
        cells = zip(table.columns, map(_one_line, table.cells(row)), strict=True)
        linked = (f"<a href='{roots[name]}{value}'>{value}</a>" if name in roots else value for name, value in cells)
        return f'<tr class="x_rs_tr_data{next(even)}">\n' + "".join(cell.format(value) for value in linked) + "</tr>"

    yield '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en"><body>'
    yield '<table class="x_rs_t" cellpadding="0" cellspacing="0">\n'
    yield '<thead class="x_rs_thead">\n<tr class="x_rs_tr_head">'
    yield "".join(head.format(column) for column in table.columns)
    yield '</tr>\n</thead>\n<tbody id="dataRows">\n'
    yield from _chunks(table, write)
    yield "</tbody>\n</table></body></html>"


def _xlist(table: Table) -> Iterator[str]:
    """HTML without the tags of its cells, which only holds together where the values bring them along."""
    return _html(table, "{}", "{}")


def sort_rows(table: Table, columns: str, *, descending: bool) -> None:
    """Order the rows by `columns` (comma separated, in any case) as `sortBy` asks, empty values last.

    `DESC` turns the whole table around, also when none of the columns is there and nothing was sorted.
    """
    known = {name.lower(): name for name in reversed(table.columns)}
    names = [known[name.lower()] for name in columns.split(",") if name.lower() in known]
    rows = sorted(table.rows, key=lambda row: [order_of(row.get(name)) for name in names])
    table.rows = rows[::-1] if descending else rows


def order_of(value: Value) -> tuple[bool, float, str]:
    """For sorting: numbers by size, all else by its text, nothing at the end."""
    number = float(value) if isinstance(value, int | float) else 0.0
    return value is None, number, "" if number else text(value)
