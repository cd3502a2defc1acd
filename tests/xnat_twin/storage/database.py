"""The database, SQLite or PostgreSQL: transactions for reading and writing. Its tables are in store.py."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Executable, create_engine, event, inspect, select
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.orm import Session

from xnat_twin.storage.store import Base, Counter

#: The tables that XNAT 1.6 makes itself; those of its data types come from its builder's SQL.
HIBERNATE = [table for table in Base.metadata.sorted_tables if table.name.startswith("xhbm_")]


class OlderDatabaseError(Exception):
    """The database was made by an older practice server and lacks what this one stores."""


class Store:
    """The database. `reading()`, `writing()` and `note()` each give one transaction; nothing else opens one."""

    def __init__(
        self, url: str | URL, connect_args: Callable[[], Mapping[str, Any]] | None = None, *, made: bool = False
    ) -> None:
        """Open it; `connect_args` is asked anew for each connection.

        Tables that are missing are made. In one that is `made` by SQL before, as 1.6 needs it, only Hibernate's are.
        """
        self.engine: Engine = create_engine(
            url,
            pool_size=20,  # one for each thread of the server
            pool_pre_ping=not str(url).startswith("sqlite"),
        )
        if connect_args is not None:
            event.listen(
                self.engine, "do_connect", lambda _dialect, _record, _words, names: names.update(connect_args())
            )
        #: SQLite has one writer at a time, and would let the others sleep and ask again: they queue here instead.
        self._turn: AbstractContextManager[object] = nullcontext()
        if self.engine.dialect.name == "sqlite":
            self._turn = threading.Lock()
            _configure_sqlite(self.engine)
        self._writer = self.engine.execution_options(write=True)
        #: Another object after each change. What was derived from the database while it was this one is still right.
        self.state = object()
        Base.metadata.create_all(self.engine, HIBERNATE if made else None)
        try:
            _refuse_older(self.engine)
        except OlderDatabaseError:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that changes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that is committed unless an exception leaves the block."""
        with self._turn, Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session
        self.state = object()

    def note(self, statement: Executable, values: Mapping[str, object]) -> None:
        """Carry out one statement that changes no more than what is only shown, such as counts; `state` stays."""
        with self._turn, self._writer.begin() as connection:
            connection.execute(statement, values)

    def close(self) -> None:
        self.engine.dispose()


def next_number(session: Session, name: str) -> int:
    """The next number of a counter; the row is locked until the transaction ends."""
    counter = session.scalar(select(Counter).where(Counter.name == name).with_for_update())
    if counter is None:
        counter = Counter(name=name, last=0)
        session.add(counter)
    counter.last += 1
    session.flush()
    return counter.last


def _refuse_older(engine: Engine) -> None:
    """`create_all` makes missing tables, not missing columns."""
    found = inspect(engine).get_multi_columns()
    existing = {name: {column["name"] for column in columns} for (_, name), columns in found.items()}
    missing = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name not in existing.get(table.name, ())
    ]
    if missing:
        raise OlderDatabaseError(
            f"made by an older practice server: {engine.url.render_as_string()} lacks {', '.join(missing)}. "
            "Start with another --data folder or an empty database."
        )


def _configure_sqlite(engine: Engine) -> None:
    """Real transactions, foreign keys, and readers that do not wait for a writer."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # sqlite3 must not begin transactions of its own
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=30000", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: upgrading a read transaction later can fail with "database is locked".
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
