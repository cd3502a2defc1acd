"""Site settings, with XNAT's names and defaults. Unknown names are stored as well, as XNAT does."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

from .store import Preference, Store

DEFAULTS: dict[str, Any] = {
    "initialized": False,
    "siteId": "XNAT",
    "siteUrl": "",
    "adminEmail": "you@yoursite.org",
    "archivePath": "/data/xnat/archive",
    "prearchivePath": "/data/xnat/prearchive",
    "cachePath": "/data/xnat/cache",
    "buildPath": "/data/xnat/build",
    "ftpPath": "/data/xnat/ftp",
    "pipelinePath": "/data/xnat/pipeline",
    "inboxPath": "/data/xnat/inbox",
    "requireLogin": True,
    "userRegistration": False,
    "emailVerification": True,
    "enableCsrfToken": True,
    "checksums": True,
    "backupDeletedToCache": False,
    "maintainFileHistory": False,
    "requireChangeJustification": False,
    "showChangeJustification": False,
    "uiAllowNonAdminProjectCreation": True,
    "securityAllowNonPrivateProjects": True,
    "sessionTimeout": "15 minutes",
    "concurrentMaxSessions": 1000,
    "aliasTokenTimeout": "2 days",
    "maxFailedLogins": 20,
    "zipExtensions": "zip,jar,rar,ear,gar,mrb",
    "zipCompressionMethod": 0,
    "defaultProjectAutoArchiveSetting": 4,
    "restrictUserListAccessToAdmins": False,
    "passwordComplexity": "^.*$",
    "enableDicomReceiver": True,
}

#: What anyone may read (through `/xapi/siteConfig/NAME`), logged in or not.
OPEN = frozenset({"siteId", "siteUrl", "siteHome", "siteLogoPath"})

DURATIONS = frozenset({"sessionTimeout", "aliasTokenTimeout"})
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


class Preferences:
    """The settings of one site, kept in the database and in memory; one process owns them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guard = threading.Lock()
        with store.reading() as session:
            self._values: dict[str, Any] = {p.name: p.value for p in session.query(Preference)}

    def initialise(self, given: Mapping[str, Any]) -> None:
        """Fill in what has never been set, from `given` and then from the defaults."""
        missing = {**DEFAULTS, **given}
        self.set({name: value for name, value in missing.items() if name not in self._values})

    def all(self) -> dict[str, Any]:
        return dict(self._values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def true(self, name: str) -> bool:
        return str(self._values.get(name, "")).lower() == "true"

    def seconds(self, name: str) -> int:
        """A duration such as `15 minutes`."""
        return _seconds(name, self._values[name])

    def set(self, values: Mapping[str, Any]) -> None:
        """Store settings. Raises ValueError, and stores none, if one of them would stop the server from working."""
        for name in DURATIONS & values.keys():
            _seconds(name, values[name])
        if "concurrentMaxSessions" in values:
            int(values["concurrentMaxSessions"])
        with self._guard, self._store.writing() as session:
            for name, value in values.items():
                session.merge(Preference(name=name, value=value))
            self._values = {**self._values, **values}


def _seconds(name: str, value: Any) -> int:
    match = re.fullmatch(r"\s*(\d+)\s*([a-z]+?)s?\s*", str(value).lower())
    if match is None or match[2] not in _SECONDS:
        raise ValueError(f"site setting {name} is not a duration: {value!r}")
    return int(match[1]) * _SECONDS[match[2]]
