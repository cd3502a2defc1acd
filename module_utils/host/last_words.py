"""Why a service did not start: the lines of its journal and of its own logs that tell, with secrets masked.

A start that fails leaves hundreds of lines. Those that report an error are shown, the last of each log first of all,
and none from before this start. It only reads.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

LINES = 8  # of each log
LOGS = 4  # besides the journal
TAIL = 256 * 1024  # bytes
WIDTH = 400  # characters of a line

_TELLS = re.compile(
    r"\b(ERROR|SEVERE|FATAL|CRITICAL|Exception|Error)\b|\w(Exception|Error)\b|Caused by|"
    r"(?i:cannot|could not|failed|denied|refused|no space left|out of memory|already in use|not found)"
)
# Lines of a stack trace say where, and the lines above them say what.
_TRACE = re.compile(r"^\s*(at |\.\.\. \d+ |File \")")
_DATED = re.compile(r"^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)")
# What belongs to the dated line above it.
_CONTINUES = re.compile(r"^(\s|Caused by|at |\.\.\.|[\w.$]+(Exception|Error)\b)")
_LABEL = r"[\w.-]*(?:password|passwd|passphrase|secret|token)[\w.-]*"
_ASSIGNED = re.compile(rf"(?i)\b({_LABEL}[\"']?\s*[=:]\s*)(?![\s=:])\S+")
_IN_URL = re.compile(r"//[^/\s:@]+:[^/\s@]+@")
_VALUE = re.compile(rf"(?im)^\s*{_LABEL}\s*[=:]\s*(.+?)\s*$")


def secrets_of(files: Iterable[str]) -> list[str]:
    """The values of passwords and their like in properties files and their like, the longest first."""
    found: set[str] = set()
    for name in files:
        try:
            text = Path(name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for value in _VALUE.findall(text):
            # Files of properties escape some characters; what is logged may be either.
            found |= {value, re.sub(r"\\(.)", r"\1", value)}
    return sorted((value for value in found if len(value) >= 4), key=len, reverse=True)


def masked(line: str, secrets: Iterable[str]) -> str:
    """The line without any of these secrets, and without what looks like one."""
    for secret in secrets:
        line = line.replace(secret, "***")
    return _IN_URL.sub("//***@", _ASSIGNED.sub(r"\1***", line))


def since(lines: list[str], moment: float) -> list[str]:
    """The lines that were written after a moment, told by the dates at their beginning; undated ones are kept."""
    kept, old = [], False
    for line in lines:
        if dated := _DATED.match(line):
            # A log's clock is the host's and is read to the second.
            old = datetime.fromisoformat(f"{dated[1]} {dated[2]}").timestamp() < int(moment)
        elif not _CONTINUES.match(line):
            old = False
        if not old:
            kept.append(line)
    return kept


def telling(lines: list[str], most: int = LINES) -> list[str]:
    """The last lines that report an error, each once; a long one is cut in its middle, for its end names the cause."""
    found: dict[str, None] = {}
    for line in lines:
        if _TELLS.search(line) and not _TRACE.match(line):
            found.pop(line, None)
            found[line] = None
    last = [line.rstrip() for line in list(found)[-most:]]
    return [line if len(line) <= WIDTH else f"{line[: WIDTH // 4]} ... {line[-WIDTH * 3 // 4 :]}" for line in last]


def last_words(
    journal: Callable[[], str], logs: Iterable[str], moment: float, secrets_in: Iterable[str] = ()
) -> list[str]:
    """Lines ``LOG: TEXT`` about what went wrong since a moment.

    ``journal`` gives the unit's journal since then, ``logs`` are patterns of file names, and the values of passwords in
    the files ``secrets_in`` are masked.
    """
    secrets = secrets_of(secrets_in)
    said = journal().splitlines()
    words = [f"journal: {line}" for line in telling(said) or [line.rstrip() for line in said[-LINES:]]]
    shown = 0
    for name, tail in _written(logs, moment):
        if shown == LOGS:
            break
        if lines := telling(since(tail, moment)):
            words += [f"{name}: {line}" for line in lines]
            shown += 1
    return [masked(line, secrets) for line in words]


def _written(patterns: Iterable[str], moment: float) -> list[tuple[str, list[str]]]:
    """Names and last lines of the logs that were written since a moment, the newest first."""
    found = []
    for folder, pattern in {(Path(pattern).parent, Path(pattern).name) for pattern in patterns}:
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            names = [name for name in os.listdir(handle) if fnmatch.fnmatchcase(name, pattern)]  # noqa: PTH208 - an open folder
            found += [log for name in names if (log := _read(handle, name, moment)) is not None]
        finally:
            os.close(handle)
    return [(name, lines) for _, name, lines in sorted(found, reverse=True)]


def _read(folder: int, name: str, moment: float) -> tuple[float, str, list[str]] | None:
    """When a log was written, its name and its last lines; None when it is old, or is none.

    The service may put into its folder what it likes, and root reads here: a link would lead to another's file, a pipe
    would never end. So neither is opened, and a file counts that is the folder's owner's.
    """
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.fstat(folder).st_uid or about.st_mtime < int(moment):
            return None
        text = os.pread(handle, TAIL, max(0, about.st_size - TAIL))
    except OSError:
        return None
    finally:
        os.close(handle)
    return about.st_mtime, name, text.decode(errors="replace").splitlines()
