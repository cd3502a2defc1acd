"""Whether the standbys of this PostgreSQL server follow it, and how far behind they are.

env.standbys   names of standbys, as they call themselves (application_name): hall cellar

One that is not connected counts 0 and its distance is unknown: that is what alarms are made of. Munin's own plugin asks
both servers, and so needs an account on the other one.
"""

from __future__ import annotations

import re

from .graph import Field, Graph
from .postgres import UnansweredError, ask
from .settings import Settings

QUERY = "SELECT application_name, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint FROM pg_stat_replication"


def measure(settings: Settings) -> list[Graph]:
    """Two graphs: connected, and how many bytes behind."""
    names = settings.required("standbys", "hall cellar").split()
    problem = ""
    behind: dict[str, list[float]] = {}
    try:
        for name, distance in ask(QUERY):
            # One that has just connected has no distance yet.
            behind.setdefault(name, []).extend([float(distance)] if distance else [])
    except (UnansweredError, ValueError) as error:
        problem = f"PostgreSQL: {error}"
    connected = [
        Field(
            field("standby", name),
            name,
            None if problem else int(name in behind),
            "1 when it is connected.",
            extra=problem,
        )
        for name in names
    ]
    distances = [
        Field(
            field("behind", name), name, max(behind.get(name) or [], default=None), "Bytes that it has still to replay."
        )
        for name in names
    ]
    return [
        Graph(
            name="postgres_replication",
            title="PostgreSQL standbys: connected",
            unit="1 = connected",
            category="PostgreSQL",
            info="Whether each standby follows this server.",
            fields=connected,
            arguments="--base 1000 --lower-limit 0 --upper-limit 1",
        ),
        Graph(
            name="postgres_replication_behind",
            title="PostgreSQL standbys: how far behind",
            unit="bytes",
            category="PostgreSQL",
            info="What each standby would lack if this server were gone now.",
            fields=distances,
            arguments="--base 1024 --lower-limit 0",
            scale=True,
        ),
    ]


def field(what: str, name: str) -> str:
    """A name as munin's fields may be called; another for each graph, so that each can have limits of its own."""
    return re.sub("[^a-z0-9_]", "_", f"{what}_{name.lower()}")
