"""Who writes PostgreSQL's changed pages to disk: checkpoints and the background writer should, sessions should not.

Takes the place of munin's own plugin of this name, which fails with PostgreSQL 17; the fields have its names.
"""

from __future__ import annotations

from .graph import Field, Graph
from .postgres import numbers
from .settings import Settings

BEFORE = "SELECT buffers_checkpoint, buffers_clean, buffers_backend, buffers_alloc FROM pg_stat_bgwriter"
SINCE_17 = (
    "SELECT c.buffers_written, b.buffers_clean, "
    "(SELECT coalesce(sum(writes), 0)::bigint FROM pg_stat_io"
    " WHERE backend_type = 'client backend' AND object = 'relation'), b.buffers_alloc "
    "FROM pg_stat_bgwriter b CROSS JOIN pg_stat_checkpointer c"
)
FIELDS = {
    "buffers_checkpoint": ("checkpoints", "Pages that checkpoints wrote."),
    "buffers_clean": ("background writer", "Pages that the background writer wrote."),
    "buffers_backend": ("sessions", "Pages that sessions had to write themselves: many mean that they wait for disks."),
    "buffers_alloc": ("allocated", "Pages that were read into memory."),
}


def measure(settings: Settings) -> list[Graph]:
    """One graph."""
    found, problem = numbers(list(FIELDS), BEFORE, SINCE_17)
    return [
        Graph(
            name="postgres_bgwriter",
            title="PostgreSQL pages written",
            unit="pages per second",
            category="PostgreSQL",
            info="Who writes changed pages (8 KiB) to disk, and how many are read into memory.",
            fields=[
                Field(name, label, found[name], text, kind="DERIVE", extra=problem)
                for name, (label, text) in FIELDS.items()
            ],
        )
    ]
