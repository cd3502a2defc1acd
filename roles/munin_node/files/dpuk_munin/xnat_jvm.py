"""What goes on in XNAT's Java: heap, threads, requests, sessions, and its connections to the database.

env.url             Tomcat's page of figures: http://127.0.0.1:8079/ (role tomcat, figures.jsp)
env.timeout         seconds to wait for it (10)
env.account         the account that XNAT runs as (xnat)
env.database_port   the database's TCP port (5432)
env.pool_max        how many connections XNAT may have at most (40)

The page has the figures of Tomcat and of Java themselves, for every version of XNAT. XNAT's own page /metrics is not
asked: it is for people who are logged in, and knows neither sessions nor the pool. Connections to the database are
counted by the kernel's table; how many of them are at work is known where XNAT's pool tells (datasource.jmxName).
"""

from __future__ import annotations

import pwd
import re
from collections.abc import Iterable
from pathlib import Path

from .graph import Field, Graph
from .settings import SettingError, Settings
from .web import ask

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
ESTABLISHED = "01"
BYTES = "--base 1024 --lower-limit 0"


def measure(settings: Settings) -> list[Graph]:
    """Seven graphs. Without an answer all but the number of connections is unknown."""
    url = settings.required("url", "http://127.0.0.1:8079/")
    answer = ask(url, settings.number("timeout", 10))
    figures = parse(answer.text) if answer.status == 200 else {}
    said = "" if figures else f"{url}: {'no figures in the answer' if answer.status == 200 else answer.text}"
    return [
        _heap(figures, said),
        _heap_share(figures, said),
        _collections(figures, said),
        _threads(figures, said),
        _requests(figures, said),
        _sessions(figures, said),
        _pool(figures, settings),
    ]


def parse(text: str) -> dict[str, float]:
    """`name value` lines; what is no such line, or a value below 0 (Java's word for unknown), is left out."""
    found = {}
    for line in text.splitlines():
        if match := re.fullmatch(r"([a-z][a-z0-9_]*) (\d+(?:\.\d+)?(?:[eE]\d+)?)", line.strip()):
            found[match[1]] = float(match[2])
    return found


def connections(tables: Iterable[str], uid: int, port: int) -> int:
    """How many TCP connections an account has to a port, by the kernel's tables."""
    number = 0
    for table in tables:
        for line in table.splitlines()[1:]:
            words = line.split()
            if len(words) > 7 and words[3] == ESTABLISHED and words[7] == str(uid):
                number += int(words[2].rpartition(":")[2], 16) == port
    return number


def _heap(figures: dict[str, float], said: str) -> Graph:
    return Graph(
        name="xnat_jvm",
        title="XNAT's Java: heap",
        unit="bytes",
        category="xnat",
        info="Memory for Java's objects. Full of what cannot be thrown away, XNAT stops and systemd starts it again.",
        fields=[
            Field(
                "used",
                "in use",
                figures.get("heap_used"),
                "With what the next collection throws away.",
                draw="AREA",
                extra=said,
            ),
            Field(
                "kept",
                "after the last collection",
                figures.get("heap_kept"),
                "What could not be thrown away.",
                draw="LINE2",
            ),
            Field("committed", "taken from the system", figures.get("heap_committed")),
            Field("max", "most that it may take", figures.get("heap_max"), "tomcat_heap_max or tomcat_heap_percent."),
        ],
        arguments=BYTES,
        scale=True,
    )


def _heap_share(figures: dict[str, float], said: str) -> Graph:
    kept, most = figures.get("heap_kept"), figures.get("heap_max")
    return Graph(
        name="xnat_jvm_heap",
        title="XNAT's Java: heap that cannot be freed",
        unit="% of the most that it may take",
        category="xnat",
        info="What the last collection left, in per cent. Near 100 XNAT becomes slow, then stops: give it more heap.",
        fields=[Field("percent", "kept", 100 * kept / most if kept is not None and most else None, extra=said)],
        arguments="--base 1000 --lower-limit 0 --upper-limit 100",
    )


def _collections(figures: dict[str, float], said: str) -> Graph:
    return Graph(
        name="xnat_jvm_collections",
        title="XNAT's Java: time spent on freeing memory",
        unit="milliseconds in a second",
        category="xnat",
        info="While memory is freed nothing else is done, or more slowly. 1000 would be all of the time.",
        fields=[Field("time", "collections", figures.get("gc_milliseconds"), kind="DERIVE", extra=said)],
    )


def _threads(figures: dict[str, float], said: str) -> Graph:
    return Graph(
        name="xnat_jvm_threads",
        title="XNAT's Java: threads",
        unit="threads",
        category="xnat",
        info="All threads of Java, and those that Tomcat answers requests with. All of them busy: others wait.",
        fields=[
            Field("live", "all", figures.get("threads"), extra=said),
            Field("requests", "for requests", figures.get("request_threads")),
            Field("busy", "for requests, busy", figures.get("request_threads_busy")),
            Field("max", "for requests, at most", figures.get("request_threads_max")),
        ],
    )


def _requests(figures: dict[str, float], said: str) -> Graph:
    return Graph(
        name="xnat_jvm_requests",
        title="XNAT: requests",
        unit="requests per second",
        category="xnat",
        info="Requests that Tomcat has answered for XNAT, those through the front door and those of this host.",
        fields=[
            Field("requests", "all", figures.get("requests"), kind="DERIVE", extra=said),
            Field("errors", "failed", figures.get("request_errors"), "Answered with 400 or more.", kind="DERIVE"),
        ],
    )


def _sessions(figures: dict[str, float], said: str) -> Graph:
    return Graph(
        name="xnat_jvm_sessions",
        title="XNAT: sessions",
        unit="sessions",
        category="xnat",
        info="Sessions that Tomcat keeps: each browser and script that has logged in and neither left nor timed out.",
        fields=[Field("sessions", "sessions", figures.get("sessions"), extra=said)],
    )


def _pool(figures: dict[str, float], settings: Settings) -> Graph:
    account, port = settings.text("account", "xnat"), int(settings.number("database_port", 5432))
    try:
        uid = pwd.getpwnam(account).pw_uid
    except KeyError:
        raise SettingError(f"env.account: there is no account {account} on this host") from None
    opened = connections([path.read_text(encoding="ascii") for path in TABLES if path.exists()], uid, port)
    fields = [
        Field("open", "open", opened, f"TCP connections of the account {account} to port {port}.", draw="AREA"),
        Field("max", "at most", settings.number("pool_max", 40), "xnat_database_pool_size"),
    ]
    # Only where Java answers and its pool tells nothing is there nothing to tell.
    if not figures or "pool_active" in figures:
        fields.append(
            Field("active", "at work", figures.get("pool_active"), "All at work: requests wait for one.", draw="LINE2")
        )
    return Graph(
        name="xnat_jvm_pool",
        title="XNAT: connections to the database",
        unit="connections",
        category="xnat",
        info="XNAT's pool of connections to PostgreSQL.",
        fields=fields,
    )
