"""Progress is written whole, seldom, for each process, by many threads, and never in the way of a transfer."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.xnat import progress
from ansible.module_utils.xnat.progress import VARIABLE, Progress


@dataclass(frozen=True)
class Ended:
    action: str


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "progress.json"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write at every event."""
    monkeypatch.setattr(progress, "_INTERVAL", 0)


def test_without_the_variable_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    told = Progress()
    told.start(2, 10)
    told.sent(10)
    told.done(Ended("sent"))
    told.end()
    assert list(tmp_path.iterdir()) == []


def test_the_file_has_the_sums(file: Path) -> None:
    told = Progress()
    told.start(2, 100)
    assert (read(file)["files_total"], read(file)["bytes_total"], read(file)["ended"]) == (2, 100, False)
    told.start(1, 50)
    told.sent(130)
    told.sent(-30)
    for action in ("sent", "sent", "failed"):
        told.done(Ended(action))
    told.end()
    state = read(file)
    assert state.pop("started") > 0
    assert state == {
        "files": 3,
        "files_total": 3,
        "bytes": 100,
        "bytes_total": 150,
        "actions": {"sent": 2, "failed": 1},
        "ended": True,
    }
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_gets_one_file_per_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    Progress().end()
    assert [path.name for path in tmp_path.iterdir()] == [f"{os.getpid()}.json"]


def test_it_is_written_a_few_times_a_second_at_most(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    told = Progress()
    told.start(1, 1000)
    seen = []
    for _ in range(1000):
        now[0] += 0.001
        told.sent(1)
        seen.append(read(file)["bytes"])
    assert 3 <= len(set(seen)) <= 6
    told.end()
    assert read(file)["bytes"] == 1000


@pytest.mark.usefixtures("always")
def test_many_threads_lose_nothing_and_a_reader_never_sees_half(file: Path) -> None:
    told = Progress()
    told.start(400, 400)

    def work() -> None:
        for _ in range(100):
            told.sent(1)
            told.done(Ended("sent"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert read(file)["bytes_total"] == 400
    for thread in threads:
        thread.join()
    told.end()
    assert (read(file)["bytes"], read(file)["actions"]) == (400, {"sent": 400})


@pytest.mark.usefixtures("always")
def test_a_folder_that_is_gone_stops_no_transfer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.setenv(VARIABLE, str(folder))
    told = Progress()
    told.start(1, 1)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    told.sent(1)
    told.end()
    assert not folder.exists()


def test_nothing_reaches_the_modules_output(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told = Progress()
    told.start(1, 1)
    told.end()
    assert capfd.readouterr() == ("", "")
