"""XNAT's tables of any length as rows of texts: saved to a file first, then read row by row.

Knows the form of the tables (CSV, the names of columns), not what is in them.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, cast

from .errors import ConnectError
from .fields import normalise
from .session import Answer, Session

# Bytes of an answer that are kept in memory before it goes to a file.
_IN_MEMORY = 256 * 1024
# XPathS that XNAT's lists of experiments show under a name that is not made of the path (XMLPathShortcuts).
_OTHER_NAMES = {
    "studyinstanceuid": "uid",
    "scan_start_time": "start_time_scan",
    "injection_start_time": "start_time_injection",
    "tracer_sa": "tracer/specificactivity",
    "tracer_isotope": "tracer/isotope/half-life",
    "tracer_transmissions_start": "tracer/transmissions_starttime",
    "session_project": "project",
    "pi_firstname": "investigator/firstname",
    "pi_lastname": "investigator/lastname",
}


class Table:
    """One table: the names of its columns, and its rows, which can be gone through once."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read the names of the columns; `stream` is at the start of a CSV."""
        self._rows = csv.reader(io.TextIOWrapper(stream, encoding="utf-8", newline=""))
        self.names: list[str] = next(self._rows, [])

    def __iter__(self) -> Iterator[list[str]]:
        """The rows, without the empty line that XNAT ends a table with. Raises ConnectError for half a row."""
        for row in self._rows:
            if len(row) == len(self.names):
                yield row
            elif row:
                raise ConnectError(f"A table of XNAT broke off in the row {','.join(row)[:60]!r}. Run again.")

    def columns(self, asked: Sequence[str]) -> dict[str, int]:
        """Return {column as it was asked for: its position}; those that XNAT left out are missing.

        XNAT names a column by a short name of its own for the XPath, if it has one, and else by the XPath in lower
        case; and it brings them in its own order.
        """
        by_name: dict[str, int] = {}
        for position, name in enumerate(self.names):
            by_name.setdefault(name.lower(), position)
        found: dict[str, int] = {}
        for column in asked:
            path = normalise(column)
            names = [column.lower(), path.replace("/", "_"), path.rpartition("/")[2]]
            names[1:1] = [name for name, other in _OTHER_NAMES.items() if other == path]
            known = [by_name[name] for name in names if name in by_name]
            found.update({column: known[0]} if known else {})
        return found


def read(session: Session, path: str, doing: str, params: Mapping[str, str]) -> Table | None:
    """GET one of XNAT's tables; None if there is none (404). `doing` completes the sentence "Cannot ..."."""
    target = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 (the table reads from it)
    if not session.save(path, doing, {**params, "format": "csv"}, target):
        return None
    target.seek(0)
    table = Table(target)
    if table.names and table.names[0].lstrip().startswith("<"):
        advice = "A web page came instead of a table: is url the address of an XNAT?"
        raise session.failure("GET", path, doing, Answer(200, table.names[0]), advice)
    return table
