"""Run other programs, and fail with one line that says what to do. Knows nothing of podman or Ansible."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class LabError(Exception):
    """Something the lab needs is missing or failed; the message is one line and says what to do."""


def have(program: str) -> bool:
    """Whether `program` is on the PATH."""
    return shutil.which(program) is not None


def run(
    command: Sequence[str | Path],
    *,
    advice: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    quiet: bool = True,
) -> str:
    """Run a command and return what it printed; raise LabError with its last line and `advice` if it fails.

    quiet: keep the output (returned, or shown in full if the command fails) instead of showing it as it comes.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT if quiet else None,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"{words[0]} is not installed. {advice}") from error
    if done.returncode != 0:
        output = (done.stdout or "").strip()
        if output:
            print(output)
        last = output.splitlines()[-1] if output else f"exit status {done.returncode}"
        raise LabError(f"`{' '.join(words[:3])} …` failed: {last}. {advice}")
    return done.stdout or ""


def succeeds(command: Sequence[str | Path]) -> bool:
    """Whether a command exits with 0; what it prints is dropped."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0
