"""A systemd unit as it is now, and what it said about itself. Nothing here starts or stops anything."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from .last_words import last_words


def parse_properties(text: str) -> dict[str, str]:
    """``KEY=VALUE`` lines of systemctl show."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def started_at(properties: Mapping[str, str], now: float, monotonic: float) -> float:
    """Wall-clock second at which the service's main process started; 0 when it never did.

    Timers and watches on paths have no process, and systemd does not know that of some daemons (postfix before Debian
    13): theirs is when they became active, if that was asked for.
    """
    names = ("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    micros = next(filter(None, (int(properties.get(name) or 0) for name in names)), 0)
    return now - (monotonic - micros / 1e6) if micros else 0.0


class Unit:
    """One unit, asked through an Ansible module."""

    def __init__(self, module: Any, name: str) -> None:
        """Nothing is asked yet."""
        self.name = name
        self._module = module

    def properties(self, *names: str) -> dict[str, str]:
        """What ``systemctl show`` says."""
        command = ["systemctl", "show", self.name, "--property=" + ",".join(names)]
        code, out, err = self._module.run_command(command)
        if code != 0:
            self._module.fail_json(msg=f"{' '.join(command)} answered {code}: {err.strip()}")
        return parse_properties(out)

    def started(self, properties: Mapping[str, str]) -> float:
        """Wall-clock second of the last start; needs the property ExecMainStartTimestampMonotonic."""
        return started_at(properties, time.time(), time.clock_gettime(time.CLOCK_MONOTONIC))

    def why(self, logs: Iterable[str] = (), secrets_in: Iterable[str] = ()) -> str:
        """What went wrong with its last start, for an admin: systemd's word and the lines that tell."""
        found = self.properties("ActiveState", "SubState", "Result", "NRestarts", "ExecMainStartTimestampMonotonic")
        moment = self.started(found)

        def journal() -> str:
            command = ["journalctl", f"--unit={self.name}", f"--since=@{moment:.6f}", "--output=cat"]
            _, out, _ = self._module.run_command([*command, "--quiet", "--no-pager", "--lines=2000"])
            return str(out)

        state = f"{found.get('ActiveState')} ({found.get('SubState')}), result {found.get('Result')}"
        lines = last_words(journal, logs, moment, secrets_in)
        if not lines:
            return f"systemd says {state}. There is nothing in its journal: journalctl -u {self.name} -n 100"
        return "\n  ".join([f"systemd says {state}. What it said since that start:", *lines])
