"""The values of the site settings, in the database and in memory. Unknown names are stored as well, as XNAT does.

Which settings there are is in site_settings.py; who may read or change them is decided by the endpoints.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from xnat_twin.configuration.site_settings import DEFAULTS, DURATIONS
from xnat_twin.storage.database import Store
from xnat_twin.storage.store import Preference

_SECONDS = {
    "second": 1,
    "sec": 1,
    "minute": 60,
    "min": 60,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
    "mon": 2592000,
    "month": 2592000,
    "year": 31557600,
}


class Preferences:
    """The settings of one site, kept in the database and in memory; one process owns them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guard = threading.Lock()
        self._initialized = False
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
        return _seconds(name, str(self._values[name]))

    @property
    def initialized(self) -> bool:
        """Whether the site was ever configured. Once true it stays true until a restart. Reference: XnatAppInfo."""
        self._initialized = self._initialized or self.true("initialized")
        return self._initialized

    def set(self, values: Mapping[str, Any]) -> None:
        """Store settings. Raises ValueError, and stores none, if one of them would stop the server from working."""
        typed = {name: _typed(name, value) for name, value in values.items()}
        for name in DURATIONS & typed.keys():
            _seconds(name, str(typed[name]))
        with self._guard, self._store.writing() as session:
            for name, value in typed.items():
                session.merge(Preference(name=name, value=value))
            self._values = {**self._values, **typed}


def _typed(name: str, value: Any) -> Any:
    """`value` in the type of the setting `name`; settings that XNAT does not know are text, lists or maps."""
    if isinstance(value, list | dict):
        return value
    text = str(value).lower() if isinstance(value, bool) else str(value)
    match DEFAULTS.get(name):
        case bool():
            return text.strip().lower() == "true"
        case int():
            try:
                return int(text)
            except ValueError as error:
                raise ValueError(f"site setting {name} is not a whole number: {value!r}") from error
        case _:
            return text


@lru_cache(maxsize=64)  # asked for with every request
def _seconds(name: str, value: str) -> int:
    match = re.fullmatch(r"\s*(\d+)\s*([a-z]+?)s?\s*", value.lower())
    if match is None or match[2] not in _SECONDS:
        raise ValueError(f"site setting {name} is not a duration: {value!r}")
    return int(match[1]) * _SECONDS[match[2]]
