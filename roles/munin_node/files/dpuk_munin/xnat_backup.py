"""Age and size of the last backup that was verified.

env.status   the file that tells of it (/var/lib/dpuk/backup/status.json)

Whatever makes backups writes that file, and replaces it in one step when a backup has been verified:

    {"finished": 1798675200, "verified": 1798678800, "bytes": 123456789}

finished   when that backup was complete, in seconds since 1970 (UTC)
verified   when it was proved that it can be restored, in the same seconds
bytes      its size

Age is counted from `finished`: to that moment one can go back. Without the file, or with one that makes no sense,
age and size are unknown and `missing` is 1, so that there is something to warn of before the first backup.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

from .graph import Field, Graph
from .settings import Settings

#: Clocks of two hosts may differ so much, in seconds.
TOLERANCE = 300


@dataclass(frozen=True)
class Backup:
    """What the file tells; without a backup only why there is none."""

    finished: float | None = None
    size: float | None = None
    problem: str = ""


def measure(settings: Settings) -> list[Graph]:
    """Two graphs: age with `missing`, and size."""
    path = settings.text("status", "/var/lib/dpuk/backup/status.json")
    now = time.time()
    backup = read(Path(path), now)
    age = None if backup.finished is None else max(0.0, now - backup.finished) / 86400
    said = backup.problem
    if backup.finished is not None:
        said = f"the last verified backup is of {time.strftime('%Y-%m-%d %H:%M', time.gmtime(backup.finished))} UTC"
    return [
        Graph(
            name="xnat_backup",
            title="Backup: age of the last verified one",
            unit="days",
            category="backup",
            info="To this moment one can go back. Unknown when there is no verified backup; then `missing` is 1.",
            fields=[
                Field("age", "age in days", age, "Since that backup was complete.", extra=said),
                Field("missing", "no verified backup", int(age is None), "1 when none is known.", extra=said),
            ],
        ),
        Graph(
            name="xnat_backup_size",
            title="Backup: size of the last verified one",
            unit="bytes",
            category="backup",
            info="A backup that is much smaller than the one before has lost something.",
            fields=[Field("size", "size", backup.size, "Bytes that it takes.", extra=said)],
            arguments="--base 1024 --lower-limit 0",
            scale=True,
        ),
    ]


def read(path: Path, now: float) -> Backup:
    """The backup that a file tells of, if what it says can be true."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return Backup(problem=f"{path}: {error.strerror or error}")
    except ValueError:
        return Backup(problem=f"{path}: it is not JSON")
    if not isinstance(told, dict):
        return Backup(problem=f"{path}: it is no object")
    finished, verified, size = (_amount(told.get(name)) for name in ("finished", "verified", "bytes"))
    if finished is None or verified is None or size is None:
        return Backup(problem=f"{path}: finished, verified and bytes must be numbers")
    if not 0 < finished <= verified <= now + TOLERANCE:
        return Backup(problem=f"{path}: not finished before verified, or one of them is in the future")
    return Backup(finished=finished, size=size)


def _amount(value: object) -> float | None:
    """A number that may be an amount; True and False are numbers to Python, but not here."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(value)
