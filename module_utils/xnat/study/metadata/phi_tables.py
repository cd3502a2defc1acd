"""The columns of a text table (TSV, CSV) that look personal by their names, and the table with these emptied. Pure.

All other cells, and the ends of the lines, keep their bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .personal import is_personal, json_value

SUFFIXES = (".tsv", ".csv")
_ENCODINGS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_BYTE_ORDER_MARKS = "\ufeff\xef\xbb\xbf"
# BIDS writes n/a for "no value".
_NO_VALUE = {".tsv": "n/a", ".csv": ""}


def may_be_personal(start: bytes, name: str) -> bool:
    """Whether a table that begins so may have such a column; it is in the first line, whole or cut off."""
    return any(is_personal(column) for column in _header(_decoded(start), name))


def personal(content: bytes, name: str, subject: str) -> list[str]:
    """Return the names of the columns that look personal and have a value that does."""
    text = _decoded(content)
    columns = _header(text, name)
    found: dict[str, None] = {}
    for row, column, begin, end in _cells(text, name):
        if row and column < len(columns) and columns[column] not in found and is_personal(columns[column]):
            value = text[begin:end].strip().strip('"')
            if json_value(columns[column], value, subject):
                found[columns[column]] = None
    return list(found)


def without(content: bytes, name: str, columns: set[str]) -> bytes:
    """Return the table with these columns emptied, under their headers."""
    text = _decoded(content)
    emptied = {number for number, column in enumerate(_header(text, name)) if column in columns}
    parts, position = [], 0
    for row, column, begin, end in _cells(text, name):
        if row and column in emptied and text[begin:end].strip():
            parts += [text[position:begin], _NO_VALUE[_suffix(name)]]
            position = end
    return "".join([*parts, text[position:]]).encode(_encoding(content))


def _encoding(content: bytes) -> str:
    # Latin-1 has a character for each byte, and so gives back the bytes of UTF-8 as they were.
    return _ENCODINGS.get(content[:2], "latin-1")


def _decoded(content: bytes) -> str:
    return content.decode(_encoding(content), "replace")


def _suffix(name: str) -> str:
    return name.lower()[-len(SUFFIXES[0]) :]


def _separator(text: str, name: str) -> str:
    if _suffix(name) == ".tsv":
        return "\t"
    line = re.split(r"[\r\n]", text, maxsplit=1)[0]
    return max(",;\t", key=line.count)


def _header(text: str, name: str) -> list[str]:
    cells = (text[begin:end] for row, _, begin, end in _cells(text, name, lines=1) if row == 0)
    return [cell.lstrip(_BYTE_ORDER_MARKS).strip().strip('"') for cell in cells]


def _cells(text: str, name: str, lines: int | None = None) -> Iterator[tuple[int, int, int, int]]:
    """Yield (line, column, begin, end) of each cell, from 0; a cell in quotes may have several lines."""
    separator = _separator(text, name)
    quoted = r'"(?:[^"]|"")*"(?=' + separator + r"|[\r\n]|\Z)|" if _suffix(name) == ".csv" else ""
    form = re.compile(rf"({quoted}[^{separator}\r\n]*)({separator}|\r\n|\n|\r|\Z)")
    row = column = 0
    for match in form.finditer(text):
        yield row, column, match.start(1), match.end(1)
        if match.group(2) == separator:
            column += 1
        else:
            row, column = row + 1, 0
        if lines is not None and row >= lines:
            return
