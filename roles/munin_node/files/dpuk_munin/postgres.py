"""Ask PostgreSQL a question, as the account that the plugin runs under, by the local socket.

env.PGHOST, env.PGPORT, env.PGUSER and env.PGDATABASE say where, as for every program of PostgreSQL's. It needs `psql`,
which comes with the server. It never writes.
"""

from __future__ import annotations

import subprocess

PATIENCE = 20  # seconds; munin waits a minute for a plugin
#: Statistics of checkpoints moved to a view of their own.
CHECKPOINTER = 170000


class UnansweredError(Exception):
    """PostgreSQL gave no answer; the message is what psql said."""


def ask(query: str) -> list[list[str]]:
    """The rows of an answer, as text; NULL is empty."""
    command = ["psql", "--no-psqlrc", "--no-password", "--no-align", "--tuples-only", "--quiet", "--field-separator=\t"]
    try:
        done = subprocess.run(
            [*command, "--command", query], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnansweredError(str(error)) from error
    if done.returncode != 0:
        raise UnansweredError(done.stderr.strip() or f"psql ended with {done.returncode}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def release() -> int:
    """The server's version as a number: 150008 for 15.8."""
    return int(ask("SHOW server_version_num")[0][0])


def numbers(names: list[str], before: str, since: str) -> tuple[dict[str, float | None], str]:
    """Name → value, from the one row that the query for servers before 17 or since answers; and why not, if not."""
    try:
        row = ask(since if release() >= CHECKPOINTER else before)[0]
        return {name: float(value) if value else None for name, value in zip(names, row, strict=True)}, ""
    except (UnansweredError, ValueError, IndexError) as error:
        return dict.fromkeys(names), f"PostgreSQL: {error}"
