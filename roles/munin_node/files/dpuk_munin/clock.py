"""Whether this host's clock is kept right, and how far it is off: by chrony where that runs, else by systemd-timesyncd.

Certificates, logs and backups lean on the time. Containers have their host's clock and no such plugin.
"""

from __future__ import annotations

import re
import subprocess

from .graph import Field, Graph
from .settings import Settings

PATIENCE = 10  # seconds
UNITS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
#: Where chronyc -c tracking has what, counted from 0.
CORRECTION, LEAP = 4, 13


def measure(settings: Settings) -> list[Graph]:
    """Two graphs: kept right (1 or 0), and seconds off."""
    kept, offset, said = state()
    return [
        Graph(
            name="clock",
            title="Clock: kept right",
            unit="1 = synchronised",
            category="time",
            info="Whether a time server is followed.",
            fields=[Field("synchronised", "synchronised", kept, "1 when the clock follows a server.", extra=said)],
            arguments="--base 1000 --lower-limit 0 --upper-limit 1",
        ),
        Graph(
            name="clock_offset",
            title="Clock: how far off",
            unit="seconds",
            category="time",
            info="What the time server said, less this clock.",
            fields=[Field("offset", "offset", offset, "Seconds that this clock is behind.", extra=said)],
            arguments="--base 1000",
            scale=True,
        ),
    ]


def state() -> tuple[float | None, float | None, str]:
    """Synchronised (1 or 0), seconds off, and who says so."""
    tracking = said_by("chronyc", "-c", "tracking")
    if tracking is not None:
        return *of_chrony(tracking), "chrony"
    synchronised = said_by("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if synchronised is None:
        return None, None, "neither chrony nor systemd answers"
    offset = of_timesyncd(said_by("timedatectl", "timesync-status") or "")
    return float(synchronised.strip() == "yes"), offset, "systemd-timesyncd"


def said_by(*command: str) -> str | None:
    """What a program printed; nothing when it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def of_chrony(tracking: str) -> tuple[float | None, float | None]:
    """Synchronised and seconds off, from the line of `chronyc -c tracking`."""
    parts = tracking.strip().split(",")
    try:
        # What chrony has still to slew, positive when the clock is behind.
        return float(parts[LEAP] != "Not synchronised"), float(parts[CORRECTION])
    except (IndexError, ValueError):
        return None, None


def of_timesyncd(status: str) -> float | None:
    """Seconds off, from a line as `Offset: +1min 2.5s` or `Offset: -310us`."""
    found = re.search(r"^\s*Offset:\s*([+-]?)(.+)$", status, re.MULTILINE)
    if not found:
        return None
    words = re.findall(r"([0-9.]+)(us|µs|ms|s|min|h|d)\b", found[2])
    if not words:
        return None
    seconds = sum(float(number) * UNITS[unit] for number, unit in words)
    return -seconds if found[1] == "-" else seconds
