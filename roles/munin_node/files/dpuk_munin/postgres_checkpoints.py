"""How often PostgreSQL writes all changed pages to disk: because it is time, or because there is too much to write.

Takes the place of munin's own plugin of this name, which fails with PostgreSQL 17; the fields have its names.
"""

from __future__ import annotations

from .graph import Field, Graph
from .postgres import numbers
from .settings import Settings

BEFORE = "SELECT checkpoints_timed, checkpoints_req FROM pg_stat_bgwriter"
SINCE_17 = "SELECT num_timed, num_requested FROM pg_stat_checkpointer"


def measure(settings: Settings) -> list[Graph]:
    """One graph."""
    found, problem = numbers(["checkpoints_timed", "checkpoints_req"], BEFORE, SINCE_17)
    info = {
        "checkpoints_timed": ("timed", "Because checkpoint_timeout was over."),
        "checkpoints_req": (
            "requested",
            "Because max_wal_size was reached, or somebody asked. Many: raise max_wal_size.",
        ),
    }
    return [
        Graph(
            name="postgres_checkpoints",
            title="PostgreSQL checkpoints",
            unit="checkpoints per minute",
            category="PostgreSQL",
            info="How often PostgreSQL writes all changed pages to disk.",
            period="minute",
            fields=[
                Field(name, label, found[name], text, kind="DERIVE", extra=problem)
                for name, (label, text) in info.items()
            ],
        )
    ]
