"""The practice XNAT's database: one that an older practice server made is refused in words that say so."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import BigInteger
from xnat_twin.__main__ import main
from xnat_twin.storage.database import OlderDatabaseError, Store
from xnat_twin.storage.store import Resource


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A data folder whose database lacks a column that subjects have today."""
    file = tmp_path / "xnat.sqlite"
    Store(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as database:
        database.execute("ALTER TABLE xnat_subject DROP COLUMN status")
    database.close()
    return tmp_path


def test_database_without_a_column_is_refused_by_name(older: Path) -> None:
    with pytest.raises(OlderDatabaseError, match=r"made by an older practice server: .*xnat_subject\.status"):
        Store(f"sqlite:///{older / 'xnat.sqlite'}")


def test_start_with_an_older_database_says_so_in_one_line(older: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "0", "--data", str(older)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_database_of_today_is_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        Store(f"sqlite:///{tmp_path / 'xnat.sqlite'}").close()


def test_a_resource_may_hold_more_than_an_integer_of_postgresql() -> None:
    """XNAT's is an xs:long; SQLite would not notice."""
    assert isinstance(Resource.__table__.c.file_size.type, BigInteger)
