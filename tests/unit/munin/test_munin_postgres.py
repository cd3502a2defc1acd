"""The plugins that take the place of munin's own ask PostgreSQL rightly, before and since version 17."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from munin_protocol import Munin

OLD = {"SHOW server_version_num": "150008"}
NEW = {"SHOW server_version_num": "170005"}
PSQL = """#!{python}
import json, os, sys
answers = json.loads(open({answers!r}).read())
query = sys.argv[sys.argv.index("--command") + 1]
found = [answer for part, answer in answers.items() if part in query]
if os.environ.get("PGUSER") != "munin" or not found:
    sys.exit("psql: error: connection refused")
print(found[0])
"""


@pytest.fixture
def psql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A psql that knows answers by parts of queries, and only for munin."""
    import sys

    def knows(answers: dict[str, str]) -> None:
        (tmp_path / "answers").write_text(json.dumps(answers))
        program = tmp_path / "psql"
        program.write_text(PSQL.format(python=sys.executable, answers=str(tmp_path / "answers")))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        monkeypatch.setenv("PGUSER", "munin")

    return knows


@pytest.mark.parametrize(
    "answers",
    [
        OLD | {"checkpoints_timed, checkpoints_req FROM pg_stat_bgwriter": "12\t3"},
        NEW | {"num_timed, num_requested FROM pg_stat_checkpointer": "12\t3"},
    ],
)
def test_checkpoints(psql: Any, munin: Munin, answers: dict[str, str]) -> None:
    psql(answers)
    said = munin.values("postgres_checkpoints")
    assert (said.value("checkpoints_timed"), said.value("checkpoints_req")) == ("12", "3")
    assert munin.config("postgres_checkpoints").attribute("checkpoints_req", "type") == "DERIVE"
    assert munin.config("postgres_checkpoints").graphs[""]["graph_period"] == "minute"


@pytest.mark.parametrize(
    "answers",
    [
        OLD | {"buffers_backend, buffers_alloc FROM pg_stat_bgwriter": "1\t2\t3\t4"},
        NEW | {"CROSS JOIN pg_stat_checkpointer": "1\t2\t3\t4"},
    ],
)
def test_pages(psql: Any, munin: Munin, answers: dict[str, str]) -> None:
    psql(answers)
    said = munin.values("postgres_bgwriter")
    names = ("buffers_checkpoint", "buffers_clean", "buffers_backend", "buffers_alloc")
    assert [said.value(name) for name in names] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("answers", [{}, NEW, NEW | {"FROM pg_stat": "1"}, NEW | {"FROM pg_stat": "?\t?"}])
@pytest.mark.parametrize("plugin", ["postgres_checkpoints", "postgres_bgwriter"])
def test_without_an_answer_values_are_unknown(psql: Any, munin: Munin, answers: dict[str, str], plugin: str) -> None:
    """And say why; the configuration is whole."""
    psql(answers)
    fields = munin.values(plugin).fields[""]
    assert {field["value"] for field in fields.values()} == {"U"}
    assert all(field["extinfo"].startswith("PostgreSQL:") for field in fields.values())
    assert set(munin.config(plugin).fields[""]) == set(fields)


def test_standbys(psql: Any, munin: Munin) -> None:
    """Connected and near, connected for a moment, and gone."""
    psql({"pg_stat_replication": "hall\t1024\nhall\t4096\nattic\t\nstranger\t1"})
    said = munin.values("postgres_replication", standbys="hall attic Cellar-2")
    connected, behind = said.fields["postgres_replication"], said.fields["postgres_replication_behind"]
    assert {name: field["value"] for name, field in connected.items()} == {
        "standby_hall": "1",
        "standby_attic": "1",
        "standby_cellar_2": "0",
    }
    assert [field["value"] for field in behind.values()] == ["4096", "U", "U"]


def test_standbys_of_a_server_that_does_not_answer_are_unknown(psql: Any, munin: Munin) -> None:
    psql({})
    said = munin.values("postgres_replication", standbys="hall")
    assert said.value("standby_hall", "postgres_replication") == "U"


def test_a_standby_can_be_missed_and_another_be_far_behind(psql: Any, munin: Munin) -> None:
    """Each with a limit of its own."""
    psql({})
    said = munin.config("postgres_replication", standbys="hall", standby_hall_critical="1:", behind_hall_warning="1e9")
    assert said.attribute("standby_hall", "critical", "postgres_replication") == "1:"
    assert said.attribute("behind_hall", "critical", "postgres_replication_behind") == ""
    assert said.attribute("behind_hall", "warning", "postgres_replication_behind") == "1e9"
