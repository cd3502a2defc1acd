"""What was found in the database, kept until the database changes. Nothing here can be older than the last change."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from xnat_twin.storage.database import Store

_Key = TypeVar("_Key", bound=Hashable)
_Found = TypeVar("_Found")
_MOST = 1000


class Remembered(Generic[_Key, _Found]):
    """Findings by key. They are shared by threads, hence for reading only, and no rows of an open transaction.

    Uploads ask for the same few objects thousands of times in a row, while only counts change (Store.note).
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._state: tuple[object, dict[_Key, _Found]] = (None, {})

    def get(self, key: _Key, find: Callable[[], _Found]) -> _Found:
        """The finding; `find` looks for it if it is not known. Exceptions are not remembered."""
        state, known = self._state
        if state is not self._store.state or len(known) >= _MOST:
            # Taken before `find` looks: a change during the search makes the finding void, not the other way round.
            state, known = self._state = (self._store.state, {})
        if key not in known:
            known[key] = find()
        return known[key]
