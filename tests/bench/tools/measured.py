"""What a process costs: time, processor time with that of its children, and most memory.

Run as a program of its own (`python -I -S measured.py COMMAND...`), since what a process inherits counts as its own
memory: a small parent makes the figure that of the command. The last line that it prints is the figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Seconds, processor seconds of the process and its children, and the most memory of any of them in MB."""

    seconds: float
    processor: float
    memory: float


class CommandError(Exception):
    """The command failed; the message has what it printed last."""


def measure(command: list[str], environment: dict[str, str], folder: Path) -> tuple[Cost, str]:
    """Run the command in that folder. Returns what it cost and what it printed. Raises CommandError if it fails."""
    whole = [sys.executable, "-I", "-S", __file__, *command]
    done = subprocess.run(whole, env=environment, cwd=folder, capture_output=True, text=True)
    printed, _, figures = done.stdout.rstrip("\n").rpartition("\n")
    if done.returncode:
        raise CommandError(f"exit status {done.returncode}: {printed[-2000:]}{done.stderr[-2000:]}")
    return Cost(**json.loads(figures)), printed.rstrip("\n")


def _main(command: list[str]) -> int:
    started = time.perf_counter()
    process = os.fork()
    if process == 0:
        os.execvp(command[0], command)  # noqa: S606 - no shell, on purpose
    _, status, used = os.wait4(process, 0)
    seconds = time.perf_counter() - started
    figures = {"seconds": seconds, "processor": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss * 1024 / 1e6}
    print(f"\n{json.dumps(figures)}", flush=True)
    return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
