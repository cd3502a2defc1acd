"""Run a playbook as a user would, show it as it goes, and read off the recap what it changed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.command import LabError
from lab.settings import ROOT, Lab

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_RECAP = re.compile(r"^(?P<host>\S+)\s+: ok=(?P<ok>\d+)\s+changed=(?P<changed>\d+)\s+unreachable=\d+\s+failed=\d+")


@dataclass(frozen=True)
class Recap:
    """What Ansible counted: tasks that were fine and tasks that changed something, summed over the hosts."""

    ok: int
    changed: int


def play(
    name: str,
    arguments: Sequence[str] = (),
    *,
    inventories: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    log: Path,
) -> Recap:
    """Run the playbook `name` on the lab's inventories, or others; keep what it printed in `log`.

    A failure raises LabError.
    """
    sources = [word for path in inventories or Lab.from_environment().inventories for word in ("-i", str(path))]
    command = [str(Path(sys.executable).with_name("ansible-playbook")), *sources, name, *arguments]
    settings = {**os.environ, "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false", "PYTHONUNBUFFERED": "1", **(env or {})}
    if sys.stdout.isatty():
        settings["ANSIBLE_FORCE_COLOR"] = "true"
    ok = changed = 0
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w") as record,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            plain = _COLOUR.sub("", line)
            record.write(plain)
            if found := _RECAP.match(plain):
                ok += int(found["ok"])
                changed += int(found["changed"])
    if process.returncode != 0:
        where = os.path.relpath(log)
        raise LabError(f"{name} failed; its output is in {where}. Mend what the last message says, then run again.")
    return Recap(ok=ok, changed=changed)
