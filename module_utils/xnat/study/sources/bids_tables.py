"""The tables of a BIDS dataset: participants, sessions and scans, as attributes of subjects, sessions and scans.

Reads text that it is given, no disk. What a value means that XNAT has a field for is for bids_people.py to decide.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import InputError, refuse
from ..metadata.personal import FIRST_TRUE_YEAR

# BIDS writes n/a; XNAT refuses the word NULL, because it clears a value with it.
_NO_VALUE = {"", "n/a", "null"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: its number in the file, and its values without those that are none."""

    line: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: where it is, its columns in their order, and its rows by the value of the key column."""

    path: str
    columns: tuple[str, ...]
    key: str
    rows: Mapping[str, Row]


def read_table(path: str, text: str, key: str, *, or_first: bool = False) -> Table:
    """Read a TSV file whose rows are told apart by the column `key`, or by the first one if it has none so named.

    Raises InputError with the file and the line for whatever is not a table of BIDS.
    """
    # Not splitlines, which knows line ends inside a cell that no editor shows as such.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines or not lines[0].strip():
        raise InputError(f"bids: {path}, line 1: the names of the columns are missing.")
    columns = tuple(name.strip() for name in lines[0].split("\t"))
    if len(columns) == 1 and "," in lines[0]:
        raise InputError(f"bids: {path}, line 1: the columns are separated by commas. BIDS separates them by tabs.")
    if not all(columns) or len(set(columns)) != len(columns):
        raise InputError(f"bids: {path}, line 1: a column has no name, or two have the same: {', '.join(columns)}.")
    if key not in columns:
        if not or_first:
            raise InputError(f"bids: {path}, line 1: there is no column {key!r}.")
        key = columns[0]
    rows: dict[str, Row] = {}
    problems = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != len(columns):
            problems.append(f"line {number}: has {len(cells)} values for {len(columns)} columns.")
            continue
        values = dict(zip(columns, cells, strict=True))
        label = values.pop(key)
        if label.lower() in _NO_VALUE:
            problems.append(f"line {number}: has no {key}.")
        elif label in rows:
            problems.append(f"line {number}: {label!r} is already in line {rows[label].line}. Keep one row for each.")
        else:
            rows[label] = Row(number, {name: value for name, value in values.items() if value.lower() not in _NO_VALUE})
    if len(problems) == 1:
        raise InputError(f"bids: {path}, {problems[0]}")
    refuse(f"bids: {path} has lines that cannot be used", problems)
    return Table(path, columns, key, rows)


def read_json(path: str, text: str) -> dict[str, Any]:
    """Read a JSON object. Raises InputError with the file and the line."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"bids: {path}, line {error.lineno}: is not JSON: {error.msg}.") from error
    except RecursionError as error:
        raise InputError(f"bids: {path}: is nested too deeply to be read.") from error
    if not isinstance(content, dict):
        raise InputError(f"bids: {path}: holds a {type(content).__name__}, not an object with names and values.")
    return content


def acquired(table: Table, row: Row) -> dt.date | None:
    """When the row's session or scan was acquired: a moment, or a date if no time is given; None if unknown."""
    text = row.values.get("acq_time")
    if text is None:
        return None
    try:
        # Python 3.10 reads neither Z nor fractions of other than three or six digits.
        digits = re.sub(r"(?<=[.])[0-9]+", lambda found: found[0][:6].ljust(6, "0"), text)
        moment = dt.datetime.fromisoformat(re.sub(r"Z$", "+00:00", digits))
    except ValueError as error:
        raise InputError(
            f"bids: {table.path}, line {row.line}: acq_time {text!r} is not of the form 2019-05-17T10:05:00."
        ) from error
    # As the clock there showed it, whether or not a time zone is given: it is compared and shown, not converted.
    return moment.replace(tzinfo=None) if ":" in text else moment.date()


def date_of(moment: dt.date, *, shifted: bool) -> str | None:
    """The date as XNAT takes it; None for one that was shifted to hide the true one, unless it is asked for."""
    day = moment.date() if isinstance(moment, dt.datetime) else moment
    return day.isoformat() if shifted or day.year >= FIRST_TRUE_YEAR else None


def time_of(moment: dt.date) -> str | None:
    """The time of day as XNAT takes it; None if the table gave none."""
    return f"{moment:%H:%M:%S}" if isinstance(moment, dt.datetime) else None
