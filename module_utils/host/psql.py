"""XNAT's database, asked by psql as XNAT's own user, and the table in it that says which SQL was applied.

The password stands in a file for the moment, never on a command line. psql runs as an account without privileges, for a
script may hold commands to psql itself. What is applied and the row that says so are one transaction.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .account import Account
from .last_words import masked

# The options that every module of the database has.
SPEC: dict[str, dict[str, Any]] = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 5432},
    "database": {"type": "str", "required": True},
    "user": {"type": "str", "required": True},
    "database_password": {"type": "str", "required": True, "no_log": True},
    "sslmode": {"type": "str", "default": "verify-full"},
    "tls": {"type": "path", "default": ""},
    "account": {"type": "str", "required": True},
    "timeout": {"type": "int", "default": 3600},
}
TABLE = "dpuk_node.applied_sql"
LEDGER = (
    "CREATE SCHEMA dpuk_node;\n"
    f"CREATE TABLE {TABLE} (sha256 text PRIMARY KEY, name text NOT NULL,\n"
    "    applied_at timestamptz NOT NULL DEFAULT now());\n"
)
# Statements that would end the one transaction. `BEGIN` and `END` without a semicolon or inside functions stay.
_TRANSACTION = re.compile(rb"^\s*(BEGIN|COMMIT|START\s+TRANSACTION)(\s+(WORK|TRANSACTION))?\s*;\s*$", re.IGNORECASE)


class DatabaseError(Exception):
    """What psql said, for the person at the terminal."""


@dataclass(frozen=True)
class State:
    """What is in the database: XNAT's tables or not, the table of this project, and what it says was applied."""

    filled: bool
    ledger: bool
    applied: dict[str, str]  # key -> name


def quoted(text: str) -> str:
    """A text as a literal of SQL."""
    if "\x00" in text:
        raise DatabaseError("a text for the database holds a NUL")
    escaped = text.replace("'", "''")
    return f"E'{escaped}'".replace("\\", "\\\\") if "\\" in escaped else f"'{escaped}'"


def in_one_transaction(script: bytes) -> bytes:
    """The script without statements that begin or end a transaction."""
    return b"\n".join(line for line in script.split(b"\n") if not _TRANSACTION.match(line))


class Database:
    """One database."""

    def __init__(self, options: dict[str, Any]) -> None:
        """Nothing is asked yet. ``options`` are those of SPEC."""
        self._options = options
        self._account = Account.named(options["account"])

    def ask(self, query: str) -> list[list[str]]:
        """The rows of an answer, as text."""
        said = self._run(query.encode(), ["--tuples-only", "--no-align", "--field-separator=\t"])
        return [line.split("\t") for line in said.splitlines() if line]

    def state(self) -> State:
        """What is there."""
        tables = self.ask(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables "
            "WHERE table_name IN ('xdat_user', 'applied_sql');"
        )
        names = {row[0] for row in tables}
        ledger = TABLE in names
        rows = self.ask(f"SELECT sha256, name FROM {TABLE};") if ledger else []  # noqa: S608 - a constant
        return State(any(name.endswith(".xdat_user") for name in names), ledger, {row[0]: row[1] for row in rows})

    def apply(self, script: bytes, key: str, name: str, state: State) -> None:
        """Run a script and say so in the table, both or neither."""
        head = "" if state.ledger else LEDGER
        # First, so that whoever comes second is stopped before it changes anything.
        head += f"INSERT INTO {TABLE} (sha256, name) VALUES ({quoted(key)}, {quoted(name)});\n"  # noqa: S608 - quoted
        self._run(head.encode() + in_one_transaction(script) + b"\n", ["--single-transaction"])

    def _run(self, script: bytes, arguments: list[str]) -> str:
        options = self._options
        folder = Path(tempfile.mkdtemp(prefix="dpuk-psql-"))
        try:
            place = [str(options[name]) for name in ("host", "port", "database", "user", "database_password")]
            escaped = [re.sub(r"([\\:])", r"\\\1", part) for part in place]
            files = {"pgpass": (":".join(escaped) + "\n").encode(), "script.sql": script}
            for name, content in files.items():
                path = folder / name
                path.touch(0o600)
                path.write_bytes(content)
                self._account.own(path)
            log = folder.with_name(f"{folder.name}.log")
            self._account.own(folder)
            psql = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", *arguments, "--file=script.sql"]
            try:
                code = self._account.run(psql, folder, log, self._environment(folder), options["timeout"])
            except FileNotFoundError as error:
                raise DatabaseError("there is no psql on this host: install postgresql-client") from error
            said = log.read_text(encoding="utf-8", errors="replace")
            log.unlink()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if code != 0:
            where = f"{options['database']} at {options['host']}:{options['port']} as {options['user']}"
            lines = said.splitlines()
            words = [re.sub(r"^psql:script\.sql:\d+: ", "", line) for line in lines if "ERROR" in line] or lines
            why = "took too long" if code < 0 else masked("; ".join(words[-5:]), [options["database_password"]])
            raise DatabaseError(f"{where}: {why}")
        return said

    def _environment(self, folder: Path) -> dict[str, str]:
        options = self._options
        found = {
            "PGHOST": options["host"],
            "PGPORT": str(options["port"]),
            "PGDATABASE": options["database"],
            "PGUSER": options["user"],
            "PGPASSFILE": str(folder / "pgpass"),
            "PGSSLMODE": options["sslmode"],
            "PGCONNECT_TIMEOUT": "30",
            "PGOPTIONS": "-c client_min_messages=warning",
            "PGCLIENTENCODING": "UTF8",
        }
        if options["tls"]:
            tls = Path(options["tls"])
            files = {"PGSSLROOTCERT": "ca.crt", "PGSSLCERT": "database.crt", "PGSSLKEY": "database.key"}
            found |= {name: str(tls / file) for name, file in files.items() if (tls / file).exists()}
        return found
