"""What is remembered of the database is never older than its last change."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, update
from xnat_twin.storage.database import Store
from xnat_twin.storage.remembered import Remembered
from xnat_twin.storage.store import Counter


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'x.sqlite'}")


def _last(store: Store) -> int:
    with store.reading() as session:
        return session.scalar(select(Counter.last).where(Counter.name == "x")) or 0


def _set(store: Store, value: int) -> None:
    with store.writing() as session:
        session.merge(Counter(name="x", last=value))


def test_finding_is_kept_until_something_is_written(store: Store) -> None:
    found: Remembered[str, int] = Remembered(store)
    searches: list[None] = []

    def search() -> int:
        searches.append(None)
        return _last(store)

    assert [found.get("x", search) for _ in range(3)] == [0, 0, 0]
    assert len(searches) == 1
    store.note(update(Counter).where(Counter.name == "other").values(last=1), {})
    assert (found.get("x", search), len(searches)) == (0, 1)
    _set(store, 5)
    assert (found.get("x", search), len(searches)) == (5, 2)


def test_finding_that_was_overtaken_by_a_change_is_not_kept(store: Store) -> None:
    found: Remembered[str, int] = Remembered(store)

    def overtaken() -> int:
        before = _last(store)
        _set(store, 7)
        return before

    assert found.get("x", overtaken) == 0
    assert found.get("x", lambda: _last(store)) == 7


def test_change_that_is_rolled_back_changes_nothing(store: Store) -> None:
    _set(store, 1)
    state = store.state

    def fail() -> None:
        with store.writing() as session:
            session.merge(Counter(name="x", last=2))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.state is state
    assert _last(store) == 1


def test_exception_is_not_remembered(store: Store) -> None:
    found: Remembered[str, int] = Remembered(store)

    def fail() -> int:
        raise LookupError

    with pytest.raises(LookupError):
        found.get("x", fail)
    assert found.get("x", lambda: 3) == 3
