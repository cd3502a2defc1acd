"""Whether the ports that scanners send images to can be connected to.

env.targets   NAME=ADDRESS:PORT words: receiver=127.0.0.1:8104 front=127.0.0.1:104
env.timeout   seconds for each (5)

`receiver` is XNAT's own, `front` the front door's, which is up even when nothing is behind it: hence both. A connection
is made and ended; nothing is sent, so no device's log fills with refused associations.
"""

from __future__ import annotations

import socket
import time

from .graph import Field, Graph
from .settings import SettingError, Settings

EXAMPLE = "receiver=127.0.0.1:8104 front=127.0.0.1:104"
LABELS = {"receiver": "XNAT's receiver", "front": "front door"}


def measure(settings: Settings) -> list[Graph]:
    """Two graphs: open (1 or 0), and the seconds that it took."""
    patience = settings.number("timeout", 5)
    opened: list[Field] = []
    took: list[Field] = []
    for name, target in settings.pairs("targets", EXAMPLE).items():
        address, port = parts(target)
        seconds, problem = connect(address, port, patience)
        label, said = LABELS.get(name, name), f"{target}: {problem or 'open'}"
        opened.append(Field(name, label, 0 if problem else 1, f"{target}: 1 when it accepts a connection.", extra=said))
        took.append(Field(name, label, seconds, f"{target}: until the connection was there.", extra=said))
    return [
        Graph(
            name="dicom_port",
            title="DICOM: ports that accept connections",
            unit="1 = open",
            category="xnat",
            info="The ports that scanners send images to.",
            fields=opened,
            arguments="--base 1000 --lower-limit 0 --upper-limit 1",
        ),
        Graph(
            name="dicom_port_time",
            title="DICOM: time to connect",
            unit="seconds",
            category="xnat",
            info="How long it takes to be connected to the ports that scanners send images to.",
            fields=took,
        ),
    ]


def parts(target: str) -> tuple[str, int]:
    """ADDRESS:PORT taken apart; an IPv6 address is in brackets."""
    address, _, port = target.rpartition(":")
    if not address or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingError(f"env.targets: {target} is not ADDRESS:PORT, as in: {EXAMPLE}")
    return address.strip("[]"), int(port)


def connect(address: str, port: int, patience: float) -> tuple[float | None, str]:
    """How long it took, or why not."""
    began = time.monotonic()
    try:
        socket.create_connection((address, port), patience).close()
    except OSError as error:
        return None, str(error)
    return time.monotonic() - began, ""
