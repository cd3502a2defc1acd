"""One practice XNAT: its database, settings, sessions, archive and faults, opened together.

Everything that a request handler needs hangs on this object; there are no globals.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import URL

from .archive import Archive
from .auth import Sessions, hash_password
from .faults import Faults
from .flavour import DEFAULT_FLAVOUR, Flavour
from .modules import installed_types
from .preferences import Preferences
from .schema import Types
from .store import Store, User
from .xnat_home import XnatHome, tls_arguments


@dataclass
class Site:
    """The parts of a running server. `open` is the way to make one."""

    store: Store
    preferences: Preferences
    sessions: Sessions
    archive: Archive
    faults: Faults
    flavour: Flavour
    version: str
    modules: frozenset[str]
    types: Types
    allow_faults: bool = False
    started: float = field(default_factory=time.time)

    @classmethod
    def open(
        cls,
        data: Path,
        *,
        database: str | URL | None = None,
        admin_password: str | None = None,
        home: XnatHome | None = None,
        flavour: Flavour = DEFAULT_FLAVOUR,
        version: str | None = None,
        modules: Collection[str] = (),
        quota: int | None = None,
        allow_faults: bool = False,
    ) -> Site:
        """Open what is below `data`, or make it.

        The database is `database`, else the one of `home`, else SQLite in `data`. On an empty database the account
        `admin` is made: with `admin_password`, else the `defaultAdminPassword` of `home`, else `admin`, as XNAT does.
        `flavour` decides how it behaves, `version` only what it claims to be; `modules` are names of `MODULES`.
        `allow_faults` opens the switch for faults on demand (resources/practice.py).
        A site with a home folder starts uninitialised unless its prefs-init.ini says otherwise.
        """
        data.mkdir(parents=True, exist_ok=True)
        arguments: dict[str, Any] = {}
        if database is None and home is not None:
            database, arguments = home.database, tls_arguments(home)
        store = Store(database or f"sqlite:///{data / 'xnat.sqlite'}", arguments)
        archive = Archive(home.archive if home else data / "archive", quota)
        preferences = Preferences(store)
        given = dict(home.preferences) if home else {"initialized": True}
        preferences.initialise({"archivePath": str(archive.root), **given})
        _create_admin(store, admin_password or (home and home.admin_password) or "admin", preferences)
        return cls(
            store,
            preferences,
            Sessions(preferences),
            archive,
            Faults(archive.disk),
            flavour,
            version or flavour.version,
            frozenset(modules),
            installed_types(modules),
            allow_faults,
        )

    def close(self) -> None:
        self.store.close()


def _create_admin(store: Store, password: str, preferences: Preferences) -> None:
    with store.writing() as session:
        if session.scalar(select(User.user_id).limit(1)) is None:
            session.add(
                User(
                    login="admin",
                    password=hash_password(password),
                    first_name="Admin",
                    last_name="Admin",
                    email=str(preferences["adminEmail"]),
                    admin=True,
                )
            )
