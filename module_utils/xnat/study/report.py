"""The report of an upload: one row per file, as a table that a manifest source reads again. Sends nothing."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from ..errors import InputError
from ..listings import full_uri
from . import output
from .engine import FileResult
from .study import Attributes, Study

# First what a manifest holds, then what became of the file.
COLUMNS = (
    "path",
    "project",
    "subject",
    "session",
    "session_type",
    "session_date",
    "scan",
    "scan_type",
    "xsi_type",
    "series_description",
    "quality",
    "resource",
    "name",
    "format",
    "content",
    "tags",
    "md5",
    "size",
    "action",
    "reason",
    "uri",
    "made",
)
ACTIONS = ("same", "sent", "replaced", "removed", "failed")
_SUFFIXES = {".csv": ",", ".tsv": "\t"}
_NOTHING = Attributes()


def check_path(path: str) -> str:
    """Return the path of a report if one can be written there. Raises InputError before anything else is done."""
    file = Path(path)
    if file.suffix.lower() not in {*_SUFFIXES, ".json"}:
        raise InputError(f"report: {path!r} must end in .csv, .tsv or .json, which says how it is written.")
    if not file.parent.is_dir():
        raise InputError(f"report: there is no folder {str(file.parent)!r} for it.")
    if not os.access(file.parent, os.W_OK):
        raise InputError(f"report: the folder {str(file.parent)!r} cannot be written to.")
    return path


def rows(study: Study, results: Iterable[FileResult]) -> Iterator[dict[str, Any]]:
    """Yield one row per file, with the names of COLUMNS. `size` in bytes, None where nothing is known."""
    for result in results:
        place, labels = result.resource, result.labels
        session = study.attributes.get(place.up_to("experiment"), _NOTHING) if place.experiment else _NOTHING
        scan = study.attributes.get(place.up_to("scan"), _NOTHING) if place.scan else _NOTHING
        yield {
            "path": result.path,
            "project": place.project,
            "subject": place.subject,
            "session": place.experiment,
            "session_type": session.xsi_type,
            "session_date": session.options.get("date"),
            "scan": place.scan,
            "scan_type": scan.options.get("type"),
            "xsi_type": scan.xsi_type,
            "series_description": scan.options.get("series_description"),
            "quality": scan.options.get("quality"),
            "resource": place.resource,
            "name": result.name,
            "format": labels.format if labels else None,
            "content": labels.content if labels else None,
            "tags": ",".join(labels.tags) if labels else None,
            "md5": result.md5,
            "size": result.size,
            "action": result.action,
            "reason": result.reason,
            "uri": full_uri(result.uri, result.name) if result.uri else None,
            "made": result.made,
        }


def write(path: str, table: Iterable[Mapping[str, Any]], totals: Mapping[str, Any], remarks: Sequence[Any]) -> None:
    """Write the report, row by row: whole or not at all. JSON holds totals and remarks too; a table only the files."""
    file = Path(path)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            if file.suffix.lower() == ".json":
                _write_json(stream, table, totals, remarks)
            else:
                _write_table(stream, table, _SUFFIXES[file.suffix.lower()])
        Path(name).chmod(0o640)
        Path(name).replace(file)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise InputError(f"report: {path} cannot be written: {error.strerror}.") from error


def _write_json(
    stream: TextIO, table: Iterable[Mapping[str, Any]], totals: Mapping[str, Any], remarks: Sequence[Any]
) -> None:
    for name, value in (("totals", dict(totals)), ("remarks", list(remarks))):
        stream.write(f'{"{" if name == "totals" else " "}"{name}": {json.dumps(value)},\n')
    stream.write(' "files": ')
    output.write_list(stream, table, indent="  ")
    stream.write("}\n")


def _write_table(stream: TextIO, table: Iterable[Mapping[str, Any]], delimiter: str) -> None:
    writer = csv.DictWriter(stream, COLUMNS, delimiter=delimiter, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for row in table:
        writer.writerow({name: "" if value is None else value for name, value in row.items()})


def totals(results: Sequence[FileResult], *, requests: int, sent_bytes: int, seconds: float) -> dict[str, Any]:
    """Count the files by what became of them. Bytes, seconds, and bytes per second."""
    counts = dict.fromkeys(ACTIONS, 0)
    for result in results:
        counts[result.action] += 1
    return {
        "files": len(results),
        **counts,
        "requests": requests,
        "bytes_sent": sent_bytes,
        "seconds": round(seconds, 3),
        "bytes_per_second": round(sent_bytes / seconds) if seconds else 0,
    }
