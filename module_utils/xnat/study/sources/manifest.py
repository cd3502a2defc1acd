"""A manifest: a table with one row per file (or folder, or pattern of files), or per object without files.

Columns are those of columns.py and `path`, `md5`, `size`. Sends nothing. The report of an upload is a manifest too.

`path`   a file, a folder (its files keep their paths below it) or a pattern; or `ARCHIVE.zip:MEMBER`. Without one,
         the row describes the scan, session or subject that it names.
`name`   the name in the resource; ending in `/`, the folder in the resource.
`md5`, `size`   what the file must be. The size is checked here, the MD5 when the file is read to be sent.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from ... import local
from ...address import check_file_name
from ...errors import InputError, refuse
from ...plan import LocalFile
from ..study import SNAPSHOTS, Study
from . import tables
from .columns import COLUMNS, MARKS, Builder, check_defaults, filled, of_assessment, targets

FILE_COLUMNS = ("path", "md5", "size")
REPORT_COLUMNS = ("action", "reason", "uri", "digest", "host", "made")  # what became of a file the last time
_GONE = {"removed", "deleted"}
_MD5 = re.compile(r"[0-9a-f]{32}")
_MEMBER = re.compile(r"(.+\.zip):(.+)", re.IGNORECASE)


def read(
    path: str | Path,
    root: Path | None = None,
    project: str | None = None,
    *,
    defaults: Mapping[str, object] | None = None,
    allow_empty: bool = False,
) -> Study:
    """Return the study that a manifest describes.

    Paths in it are relative to `root`, by default its own folder. `project` is where everything goes; without it, a
    column must say so. `defaults` fill columns that a row leaves empty, as templates over the others
    (`session: "{subject}_MR1"`), but make no session or scan for a row that describes a subject only. Files of 0
    bytes are refused unless `allow_empty`. Everything that is wrong in the rows becomes one InputError.
    """
    table = tables.read(path)
    where = f"manifest: {path}"
    given = check_defaults(defaults or {}, table.columns)
    of_file = [*FILE_COLUMNS, *REPORT_COLUMNS]
    targets(given, "defaults", FILE_COLUMNS)
    columns = targets(dict.fromkeys([*table.columns, *given]), where, of_file)
    scores = {name for name, target in columns.items() if of_assessment(target)}
    builder = Builder(project, columns)
    folder = root if root is not None else Path(path).parent
    problems = []
    sources: dict[tuple[object, str], int] = {}
    for row in table.rows:
        said = dict(row.values)
        if said.get("made", "").lower() == "true":
            # What was sent was a copy without personal data; size and MD5 are those of the copy.
            said = {name: value for name, value in said.items() if name not in {"md5", "size"}}
        values = filled(said, _for_row(given, said, scores))
        if reason := _left_out(values):
            builder.study.leave_out(f"{path}, row {row.number}", reason)
            continue
        try:
            before = len(builder.study.files)
            builder.add(values, _files(values, folder, allow_empty), _md5(values), set(values) - set(said))
            for file in builder.study.files[before:]:
                first = sources.setdefault(file.key, row.number)
                if first != row.number:
                    raise InputError(f"name: {file.local.name} of the {file.resource} comes from row {first} already.")
        except InputError as error:
            problems.append(f"row {row.number}: {error.message}")
    refuse(f"{where} has rows that cannot be used", problems)
    if not builder.study.files and not builder.study.attributes:
        raise InputError(f"{where} has no rows below its header.")
    return builder.finish()


def _for_row(defaults: Mapping[str, str], values: Mapping[str, str], scores: set[str]) -> Mapping[str, str]:
    """Return the defaults that a row takes. One without a file describes what it names, and nothing below that.

    A value in one of the columns `scores` is that of an assessment, though no column may say what this is called.
    """
    if "path" in values or "path" in defaults:
        return defaults
    below = {"scan", "resource", *MARKS}
    if "scan" not in values and scores.isdisjoint(values):
        below.add("session")
    return {name: template for name, template in defaults.items() if name not in below}


def _left_out(values: Mapping[str, str]) -> str | None:
    """Why a row of a report is none of a manifest."""
    action = values.get("action")
    if action in _GONE and "path" not in values:
        return f"the file was {action}"
    if action and values.get("resource") == SNAPSHOTS:
        return "preview images are made anew"
    return None


def _md5(values: Mapping[str, str]) -> str | None:
    md5 = values.get("md5", "").lower()
    if md5 and not _MD5.fullmatch(md5):
        raise InputError(f"md5: {md5!r} is not an MD5, which has 32 of the characters 0-9 and a-f.")
    return md5 or None


def _files(values: Mapping[str, str], folder: Path, allow_empty: bool) -> list[LocalFile]:
    """The files that a row names, with their names in the resource."""
    path = values.get("path")
    if path is None:
        told = [column for column in (*MARKS, "md5", "size", "resource") if column in values]
        if told:
            raise InputError(f"path: is missing, though the row says something about a file ({', '.join(told)}).")
        return []
    full, name = str(folder / path), values.get("name")
    member = _MEMBER.fullmatch(full)
    if member and not Path(full).exists():
        files = [_member(member.group(1), member.group(2), name)]
    else:
        try:
            files = local.collect([full], name, allow_empty=allow_empty)
        except InputError as error:
            # The options of a module are the columns of a row here.
            raise InputError(re.sub(r"\bsrc\b", "path", re.sub(r"\bdest\b", "name", error.message))) from error
    if len(files) > 1 and ("md5" in values or "size" in values):
        raise InputError(f"md5 and size: are those of one file, and {path} means {len(files)} files.")
    if (size := values.get("size")) is not None:
        if not size.isdecimal():
            raise InputError(f"size: {size!r} is not a number of bytes.")
        if int(size) != files[0].size:
            raise InputError(f"size: {path} has {files[0].size} bytes, and the manifest says {size}.")
    return files


def _member(archive: str, member: str, name: str | None) -> LocalFile:
    """A member of a zip archive. Its name in the resource is its path in the archive unless the row says otherwise."""
    try:
        status = Path(archive).stat()
        with zipfile.ZipFile(archive) as opened:
            size = opened.getinfo(member).file_size
    except OSError as error:
        raise InputError(f"path: cannot read {archive}: {error.strerror}.") from error
    except KeyError:
        raise InputError(f"path: {archive} has no member {member}.") from None
    except zipfile.BadZipFile as error:
        raise InputError(f"path: {archive} is not a zip archive that can be read ({error}).") from error
    base = member.rpartition("/")[2]
    called = member if name is None else name + base if name.endswith("/") else name
    return LocalFile(check_file_name(called, "name"), archive, size, status.st_mtime_ns, member)


__all__ = ["COLUMNS", "FILE_COLUMNS", "REPORT_COLUMNS", "read"]
