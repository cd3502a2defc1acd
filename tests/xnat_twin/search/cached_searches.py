"""Results of searches that are kept for paging, in memory. XNAT keeps them as tables of its database.

Reference: MaterializedView
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from xnat_twin.lists.tables import Table
from xnat_twin.search.displays import clean_name

#: How many are kept; the oldest goes first.
_MOST = 200


@dataclass(frozen=True)
class CachedSearch:
    """One result, which only its user sees."""

    name: str
    login: str
    search_id: str
    table: Table


@dataclass
class CachedSearches:
    """All results of one site."""

    _found: dict[str, CachedSearch] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, login: str, search_id: str, table: Table) -> CachedSearch:
        with self._lock:
            moment = int(time.time() * 1000)
            while (name := f"_{clean_name(search_id)}_{clean_name(login)}_{moment}") in self._found:
                moment += 1
            kept = self._found[name] = CachedSearch(name, login, search_id, table)
            while len(self._found) > _MOST:
                del self._found[next(iter(self._found))]
        return kept

    def named(self, name: str) -> CachedSearch | None:
        return self._found.get(name)

    def of_search(self, search_id: str, login: str) -> CachedSearch | None:
        """What the user last found by a search with an ID of its own; `@…` has none."""
        with self._lock:
            found = [one for one in self._found.values() if (one.search_id, one.login) == (search_id, login)]
        return found[-1] if found and search_id and not search_id.startswith("@") else None
