"""One practice XNAT: its database, settings, sessions, archive and faults, opened together.

Everything that a request handler needs hangs on this object; there are no globals.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import URL

from xnat_twin.access.auth import authenticate, hash_password
from xnat_twin.access.element_security import RegisteredTypes
from xnat_twin.access.sessions import ServerSession, Sessions
from xnat_twin.configuration.database_tls import connect_arguments
from xnat_twin.configuration.deployed import Deployed
from xnat_twin.configuration.dicom_receivers import create_first
from xnat_twin.configuration.notifications import Notifications
from xnat_twin.configuration.plugin_jars import Plugin, read_plugins
from xnat_twin.configuration.preferences import Preferences
from xnat_twin.configuration.site_settings import NEEDED_TO_START
from xnat_twin.configuration.xnat_home import XnatHome
from xnat_twin.datatypes.modules import MODULES, installed_types
from xnat_twin.datatypes.new_types import load_created
from xnat_twin.datatypes.schema import Types
from xnat_twin.faults import Faults
from xnat_twin.flavour import DEFAULT_FLAVOUR, Flavour
from xnat_twin.search.cached_searches import CachedSearches
from xnat_twin.storage.archive import Archive
from xnat_twin.storage.database import Store
from xnat_twin.storage.store import User


@dataclass
class Site:
    """The parts of a running server. `open` is the way to make one."""

    store: Store
    preferences: Preferences
    notifications: Notifications
    sessions: Sessions
    archive: Archive
    faults: Faults
    flavour: Flavour
    version: str
    modules: frozenset[str]
    types: Types
    #: Where schemas of data types are kept that were made at run time.
    schema_folder: Path
    allow_faults: bool = False
    #: What a builder of 1.6 has deployed, and the data types that may be used in it.
    deployed: Deployed | None = None
    registered: RegisteredTypes | None = None
    #: The plugins of its home folder, by ID.
    plugins: Mapping[str, Plugin] = field(default_factory=dict)
    cached_searches: CachedSearches = field(default_factory=CachedSearches)
    started: float = field(default_factory=time.time)

    @classmethod
    def open(
        cls,
        data: Path,
        *,
        database: str | URL | None = None,
        admin_password: str | None = None,
        home: XnatHome | None = None,
        deployed: Deployed | None = None,
        flavour: Flavour = DEFAULT_FLAVOUR,
        version: str | None = None,
        modules: Collection[str] = (),
        schemas: Collection[Path] = (),
        quota: int | None = None,
        allow_faults: bool = False,
        initialized: bool = True,
    ) -> Site:
        """Open what is below `data`, or make it.

        The database is `database`, else the one of `home`, else SQLite in `data`. On an empty database the account
        `admin` is made: with `admin_password`, else the `defaultAdminPassword` of `home`, else `admin`, as XNAT does.
        `flavour` decides how it behaves, `version` only what it claims to be; `modules` are names of `MODULES`,
        `schemas` files with further data types.
        `allow_faults` opens the switch for faults on demand (resources/administration/practice.py).
        A site with a home folder starts uninitialised unless its prefs-init.ini has all that XNAT needs, and even if
        that file says `initialized=true`. `initialized` is for sites without one.
        A `deployed` site makes neither tables nor accounts: SQL and StoreXML did that before its first start.
        """
        plugins = read_plugins(home.path / "plugins") if home and not deployed else {}
        modules = {*modules, *(name for name in plugins if name in MODULES)}
        types = installed_types(modules, (*schemas, *(deployed.schemas if deployed else ())))
        load_created(types, data / "schemas")
        data.mkdir(parents=True, exist_ok=True)
        arguments: Callable[[], dict[str, Any]] | None = None
        if database is None and home is not None:
            database, arguments = home.database, partial(connect_arguments, home.database, home.tls)
        store = Store(database or f"sqlite:///{data / 'xnat.sqlite'}", arguments, made=deployed is not None)
        archive = Archive(home.archive if home else data / "archive", quota)
        preferences = Preferences(store)
        given = dict(home.preferences) if home else {"initialized": initialized}
        cache = (archive.root.parent / "cache").resolve()
        preferences.initialise({"archivePath": str(archive.root), "cachePath": str(cache), **given})
        if home is not None:
            preferences.set(home.overrides)  # at every start, over whatever was stored
        if home is not None and deployed is None and (given or home.overrides):
            complete = all(preferences[name] for name in NEEDED_TO_START)
            preferences.set({"initialized": complete})  # at every start. Reference: SiteConfigPreferences
        if deployed is None:
            _create_accounts(store, admin_password or (home and home.admin_password) or "admin", preferences)
        notifications = Notifications(store)
        notifications.initialise(home.notifications if home else {}, str(preferences["adminEmail"]))
        if home is not None:
            notifications.set(home.notification_overrides)
        create_first(store)
        return cls(
            store,
            preferences,
            notifications,
            Sessions(preferences),
            archive,
            Faults(archive.disk),
            flavour,
            version or flavour.version,
            frozenset({*modules, *(deployed.modules if deployed else ())}),
            types,
            data / "schemas",
            allow_faults,
            deployed,
            RegisteredTypes(store) if deployed else None,
            plugins,
        )

    def log_in(self, name: str, password: str) -> tuple[User, ServerSession]:
        """The user of a name and password, or of an alias token, in a new session. Raises BadCredentialsError."""
        user = authenticate(self.store, self.preferences, name, password)
        return user, self.sessions.open(user.login)

    def close(self) -> None:
        self.store.close()


def _create_accounts(store: Store, password: str, preferences: Preferences) -> None:
    """The two accounts that every XNAT starts with; nobody can log in as the guest."""
    email = str(preferences["adminEmail"])
    with store.writing() as session:
        if session.scalar(select(User.user_id).limit(1)) is None:
            admin = User(login="admin", first_name="Admin", last_name="Admin", email=email, admin=True)
            admin.password = hash_password(password)
            session.add(admin)
            session.add(User(login="guest", password="", first_name="XNAT", last_name="Guest", email=email))
