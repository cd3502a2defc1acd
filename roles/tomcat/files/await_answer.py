"""Keep systemd waiting until the web application answers; fail when Tomcat runs without it.

    await_answer.py URL SECONDS

Tomcat opens its port only when it has started its applications or given them up, and then stays, whatever became of
them. A 404 therefore means that the application failed: this fails too, and systemd starts the service again. A start
that merely takes long (an upgrade moves the database's schema) is left alone: after SECONDS systemd is told that the
service runs. An answer counts if the socket that listens there is this service's own: any user could listen there
before Tomcat does. It changes nothing.
"""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

# Beside this file; isolated Python does not look there by itself.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from listeners import PROC, listeners, outsider, unit_of


def this_service() -> str:
    """The unit that this very process is of; without one, its name."""
    own = PROC / "self"
    return unit_of((own / "cgroup").read_text(encoding="utf-8")) or (own / "comm").read_text(encoding="utf-8").strip()


def status_of(url: str, patience: float) -> int:
    """The status of an answer, or 0 when there is none (yet)."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=patience) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def main(url: str, seconds: float) -> int:
    """0: it answers, or needs longer; 1: there is no such application, or somebody else has its port."""
    deadline = time.monotonic() + seconds
    address, port, service = urlsplit(url).hostname or "", urlsplit(url).port or 80, this_service()
    former = ""
    while (left := deadline - time.monotonic()) > 0:
        sockets = listeners(port, address)
        stranger = outsider(sockets, [service])
        if stranger and stranger == former:
            print(f"Cannot serve: {address}:{port} is already in use by {stranger}, not by {service}.", file=sys.stderr)
            return 1
        former = stranger
        status = status_of(url, min(left, 30.0)) if sockets and not stranger else 0
        # Who has the socket afterwards had it all the time, if it is the same one.
        if status in (200, 404) and listeners(port, address) != sockets:
            status = 0
        if status == 200:
            return 0
        if status == 404:
            print(f"Tomcat runs, but the application failed to start: {url} answers 404.", file=sys.stderr)
            return 1
        time.sleep(0.5)
    print(f"{url} has not answered within {seconds:.0f} s and is given more time.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2])))
