#!/usr/bin/python3
"""Count what is in folders, and keep it for the plugin xnat_storage.

    storage_state.py STATE NAME=FOLDER ...

STATE is a JSON file: `measured` (seconds since 1970), `seconds` (how long it took), `sizes` and `problems` by name, and
`history`, the sizes of a week. It is replaced in one step. A folder that cannot be counted whole has no size, and a
line in `problems` and in the journal; the exit status is 1 then.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

DAY = 86400.0
KEPT = 7 * DAY


@dataclass
class State:
    """What is known; empty when nothing is."""

    measured: float | None = None
    seconds: float = 0.0
    sizes: dict[str, float] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    history: list[tuple[float, dict[str, float]]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> State:
        """The state in a file; what is not as it was written counts as nothing."""
        try:
            told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                measured=float(told["measured"]),
                seconds=float(told["seconds"]),
                sizes={str(name): float(size) for name, size in told["sizes"].items()},
                problems={str(name): str(problem) for name, problem in told["problems"].items()},
                history=[
                    (float(moment), {str(name): float(size) for name, size in sizes.items()})
                    for moment, sizes in told["history"]
                ],
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def growth(self, name: str, period: float) -> float | None:
        """What came within a period, or since the first count if that is later."""
        if self.measured is None or name not in self.sizes:
            return None
        counted = [(moment, sizes[name]) for moment, sizes in self.history if name in sizes]
        before = [size for moment, size in counted if moment <= self.measured - period]
        if before:
            return self.sizes[name] - before[-1]
        return self.sizes[name] - counted[0][1] if counted else 0.0

    def next(self, now: float, seconds: float, sizes: dict[str, float], problems: dict[str, str]) -> State:
        """The state after another count. The future is left out: the clock was wrong then."""
        history = [(moment, known) for moment, known in self.history if now - KEPT <= moment < now]
        return State(now, seconds, sizes, problems, [*history, (now, sizes)])

    def write(self, path: Path) -> None:
        """Replace the file; everybody may read it."""
        handle, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            os.fchmod(file.fileno(), 0o644)
        Path(draft).replace(path)


def count(folder: str) -> tuple[float | None, str]:
    """The bytes of all files below a folder, or why they are not known."""
    done = subprocess.run(
        ["/usr/bin/du", "--bytes", "--summarize", "--", folder],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C"},
    )
    complaints = done.stderr.strip().splitlines()
    # XNAT goes on working meanwhile: a file that is gone is none.
    serious = [line for line in complaints if not line.endswith(": No such file or directory")]
    first = done.stdout.split("\t")[0].strip()
    if serious or not first.isdecimal():
        return None, (serious or complaints or [f"du said {done.stdout!r}"])[0]
    return float(first), ""


def main(words: list[str]) -> int:
    """Count, keep, complain."""
    path, sizes, problems = Path(words[0]), {}, {}
    began = time.monotonic()
    for word in words[1:]:
        name, _, folder = word.partition("=")
        size, problem = count(folder)
        if size is None:
            problems[name] = problem
            print(problem, file=sys.stderr)
        else:
            sizes[name] = size
    State.read(path).next(time.time(), time.monotonic() - began, sizes, problems).write(path)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
