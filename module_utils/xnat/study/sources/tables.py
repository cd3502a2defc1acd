"""Rows of a table (CSV, TSV, XLSX, JSON, YAML) as texts, with the numbers that a person finds them by.

Knows no column by name and no XNAT. Values stay texts as far as the file keeps them: `007` is not 7 and `1` is not 1.0.
Large tables are read row by row.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from xml.etree.ElementTree import ParseError

from ... import packages
from ...errors import InputError
from ...plan import shortened

SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".json", ".yaml", ".yml")
_DELIMITERS = {".tsv": "\t", ".tab": "\t"}
_SNIFFED = ",;\t|"  # in order of preference where the first line does not tell
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_LISTS = ("files", "rows")  # where an object in a JSON or YAML file may hold its list of entries
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([^"]*)"')
_BLOCK = 1024 * 1024
_LEADING_ZEROS = re.compile(r"0{2,}")


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not empty. `number` is that of its (first) line, spreadsheet row, or entry, counted from 1.

    `values` has no entry for an empty cell.
    """

    number: int
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The names of the columns, and the rows, which can be read once."""

    path: str
    columns: tuple[str, ...]
    rows: Iterator[Row]


def read(path: str | Path, option: str = "manifest") -> Table:
    """Open a table; its kind goes by the end of its name. Raises InputError, for a wrong row when that is read.

    `option` is the option that names the file, for messages. Of a workbook, the first sheet is read.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"{option}: {file} is not a table that can be read: its name must end in one of {', '.join(SUFFIXES)}. "
            "Save an older spreadsheet as .xlsx."
        )
    try:
        if suffix in {".json", ".yaml", ".yml"}:
            return _from_entries(file, option, _json_entries if suffix == ".json" else _yaml_entries)
        if suffix in {".xlsx", ".xlsm"}:
            return _from_cells(file, option, _sheet(file, option))
        return _from_cells(file, option, _lines(file, option))
    except OSError as error:
        raise InputError(f"{option}: cannot read {file}: {error.strerror}.") from error


def _columns(names: list[str], where: str) -> None:
    """Refuse a header that names nothing, or a column twice."""
    named = [name for name in names if name]
    if not named:
        raise InputError(f"{where} has no header: its first row must hold the names of the columns.")
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise InputError(
            f"{where} has two columns of the name {shortened(list(map(repr, twice)))}. Rename one of them."
        )


def _from_cells(file: Path, option: str, lines: Iterator[tuple[int, list[str]]]) -> Table:
    """A table from lines of cells, the first of which that is not empty is the header."""
    where = f"{option}: {file}"
    names: list[str] = []
    for _, cells in lines:
        if any(cells) and not cells[0].lower().startswith("sep="):  # by which Excel is told the separator
            names = cells
            break
    _columns(names, where)

    def rows() -> Iterator[Row]:
        for number, cells in lines:
            if not any(cells):
                continue
            values = {name: cell for name, cell in zip(names, cells, strict=False) if cell}
            lost = values.pop("", None) or next(filter(None, cells[len(names) :]), None)
            if lost:
                raise InputError(
                    f"{where}, row {number}: {lost!r} stands in a column without a name. Name the column; in a text, "
                    "put quotes around a value that holds the separator."
                )
            yield Row(number, values)

    return Table(str(file), tuple(name for name in names if name), rows())


def _lines(file: Path, option: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) of a text."""
    with file.open("rb") as stream:
        start = stream.read(4)
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark)), "utf-8")
    try:
        with file.open(encoding=encoding, newline="") as text:
            delimiter = _DELIMITERS.get(file.suffix.lower()) or _delimiter(text)
            reader = csv.reader(text, delimiter=delimiter, strict=True)
            before = 0
            for cells in reader:
                yield before + 1, [cell.strip() for cell in cells]
                before = reader.line_num
    except UnicodeError as error:
        _wrong_encoding(file, option, error)
    except csv.Error as error:
        raise InputError(
            f"{option}: {file}, row {before + 1}: {error}. A value that holds a quote needs quotes around it, and each "
            "quote in it doubled."
        ) from error
    except OSError as error:
        raise InputError(f"{option}: cannot read {file} to its end: {error.strerror}.") from error


def _delimiter(text: io.TextIOWrapper) -> str:
    """Return what separates the most columns in the first line that is not empty, and go back to the start."""
    line = next((line for line in text if line.strip() and not line.lower().startswith("sep=")), "")
    text.seek(0)

    def columns(delimiter: str) -> int:
        return len(next(csv.reader([line], delimiter=delimiter), []))

    return max(_SNIFFED, key=columns)


def _wrong_encoding(file: Path, option: str, error: UnicodeError) -> NoReturn:
    number = 0
    with file.open("rb") as stream:
        for number, line in enumerate(stream, 1):  # noqa: B007 (the last one is named)
            try:
                line.decode()
            except UnicodeDecodeError:
                break
    raise InputError(
        f"{option}: {file} is not text in UTF-8, as line {number} shows. Save it again as 'CSV UTF-8', or as .xlsx."
    ) from error


def _sheet(file: Path, option: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (row number, cells) of the first sheet of a workbook."""
    openpyxl = packages.load("openpyxl", f"reading {file}")
    try:
        # Results of formulas are read; the formulas themselves only to notice one that has no result stored.
        values = openpyxl.load_workbook(file, read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(file, read_only=True, data_only=False)
        _check_merged(file, option, values)
    except (OSError, InputError):
        raise
    except Exception as error:  # openpyxl raises what zipfile, its XML parser and itself think of
        raise _no_workbook(file, option, error) from error
    try:
        sheet, sources = values.worksheets[0], formulas.worksheets[0]
        for each in (sheet, sources):
            each.reset_dimensions()  # some programs write wrong ones, and cells beyond them would be lost
        for number, (cells, texts) in enumerate(zip(sheet.iter_rows(), sources.iter_rows(), strict=True), 1):
            line = []
            for column, (cell, source) in enumerate(zip(cells, texts, strict=True), 1):
                where = f"{option}: {file}, row {number}, column {column}"
                if cell.data_type == "e":
                    raise InputError(f"{where} holds the error {cell.value}. Correct it in the spreadsheet.")
                if cell.value is None and source.value is not None:
                    raise InputError(
                        f"{where} holds a formula without a stored result. Open and save the file in a spreadsheet "
                        "program, or replace the formula by its value."
                    )
                line.append(_cell_text(cell.value, str(cell.number_format or "")))
            yield number, line
    except (ParseError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError) as error:
        raise _no_workbook(file, option, error) from error
    finally:
        values.close()
        formulas.close()


def _no_workbook(file: Path, option: str, error: Exception) -> InputError:
    return InputError(
        f"{option}: {file} is not a workbook that can be read ({error}). If it has a password, save it without."
    )


def _check_merged(file: Path, option: str, book: Any) -> None:
    """Refuse cells that are merged with others: only the first of them holds the value that all seem to have."""
    with zipfile.ZipFile(file) as archive, archive.open(book.worksheets[0]._worksheet_path) as content:
        before = b""
        while block := content.read(_BLOCK):
            if match := _MERGED.search(before + block):
                raise InputError(
                    f"{option}: {file} has cells that are merged ({match[1].decode()}), and only the first of them "
                    "holds the value. Undo that, and write the value into each of them."
                )
            before = block[-100:]


def _cell_text(value: Any, number_format: str) -> str:
    """The value of a cell as a text, as the person means it: whole numbers without point, dates as YYYY-MM-DD."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        at_midnight = value.time() == dt.time()
        return value.date().isoformat() if at_midnight else value.isoformat(timespec="seconds")
    if isinstance(value, dt.time):
        return value.isoformat(timespec="seconds")
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.15g}"  # a spreadsheet shows no more digits than these
    if isinstance(value, (int, float)):
        # A format of zeros alone is how a spreadsheet shows a number as the code 0042.
        width = len(number_format) if _LEADING_ZEROS.fullmatch(number_format) else 0
        return str(int(value)).zfill(width)
    return str(value).strip()


def _from_entries(file: Path, option: str, load: Callable[[Path, str], Any]) -> Table:
    """A table from a list of entries, each of which names its values."""
    where = f"{option}: {file}"
    content = load(file, option)
    if isinstance(content, Mapping):
        content = next((content[name] for name in _LISTS if name in content), content)
    if not isinstance(content, list) or not all(isinstance(entry, Mapping) for entry in content):
        raise InputError(
            f"{where} must hold a list of entries like {{path: ..., subject: ...}}, or have it under 'files'."
        )
    rows = []
    for number, entry in enumerate(content, 1):
        values = {
            str(name).strip(): _entry_text(value, f"{where}, row {number}: {name}") for name, value in entry.items()
        }
        rows.append(Row(number, {name: value for name, value in values.items() if value}))
    columns = tuple(dict.fromkeys(str(name).strip() for entry in content for name in entry))
    _columns(list(columns), where)
    return Table(str(file), columns, (row for row in rows if row.values))


def _entry_text(value: Any, where: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and not any(isinstance(part, (list, dict)) for part in value):
        return ",".join(_entry_text(part, where) for part in value)
    if isinstance(value, (list, dict)):
        raise InputError(f"{where} must be one value, or a list of texts.")
    return str(value).strip()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of a JSON file; Python would take the last of two values without a word."""
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{twice[0]!r} is given twice in one entry")
    return dict(pairs)


def _json_entries(file: Path, option: str) -> Any:
    try:
        # Numbers stay as they are written.
        return json.loads(
            file.read_bytes().decode("utf-8-sig"), parse_int=str, parse_float=str, object_pairs_hook=_unique
        )
    except UnicodeDecodeError as error:
        _wrong_encoding(file, option, error)
    except ValueError as error:
        raise InputError(f"{option}: {file} is not valid JSON: {error}.") from error
    except RecursionError as error:
        raise InputError(f"{option}: {file} is nested too deeply to be a list of entries.") from error


def _yaml_entries(file: Path, option: str) -> Any:
    packages.load("yaml", f"reading {file}")
    import yaml

    class Loader(yaml.SafeLoader):
        """Safe, and without YAML's ideas of numbers and dates, by which 007 is 7 and 10:05:00 is 36300."""

        yaml_implicit_resolvers = {  # noqa: RUF012 (as in PyYAML)
            first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            _unique([(str(self.construct_object(key)), None) for key, _ in node.value])
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(file.read_bytes().decode("utf-8-sig"), Loader)  # noqa: S506 (a SafeLoader)
    except UnicodeDecodeError as error:
        _wrong_encoding(file, option, error)
    except RecursionError as error:
        raise InputError(f"{option}: {file} is nested too deeply to be a list of entries.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{option}: {file} is not valid YAML: {' '.join(str(error).split())}.") from error
