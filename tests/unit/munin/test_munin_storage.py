"""xnat_storage and the program that counts for it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from dpuk_munin import storage_state
from dpuk_munin.storage_state import DAY, State
from munin_protocol import Munin


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder with a file of 3 MiB in another."""
    (tmp_path / "archive" / "p1").mkdir(parents=True)
    (tmp_path / "archive" / "p1" / "scan").write_bytes(b"x" * (3 << 20))
    return tmp_path / "archive"


def env(tmp_path: Path, archive: Path) -> dict[str, object]:
    """plugin-conf for one folder."""
    return {"folders": f"archive={archive}", "state": tmp_path / "state.json"}


def test_bytes_are_those_of_the_files(munin: Munin, tmp_path: Path, archive: Path) -> None:
    assert storage_state.main([str(tmp_path / "state.json"), f"archive={archive}"]) == 0
    said = munin.values("xnat_storage", **env(tmp_path, archive))
    folders = sum(folder.stat().st_size for folder in (archive, archive / "p1"))
    # Newer ones of du count folders as nothing.
    assert int(said.value("archive", "xnat_storage")) - (3 << 20) in (0, folders)
    assert said.value("archive", "xnat_storage_growth") == "0"
    assert 0 <= float(said.value("age", "xnat_storage_age")) < 0.1


def test_growth_is_what_came_between_two_counts(munin: Munin, tmp_path: Path, archive: Path) -> None:
    words = [str(tmp_path / "state.json"), f"archive={archive}"]
    storage_state.main(words)
    (archive / "p1" / "more").write_bytes(b"x" * 1000)
    storage_state.main(words)
    said = munin.values("xnat_storage", **env(tmp_path, archive))
    assert said.value("archive", "xnat_storage_growth") == "1000"


def test_growth_of_a_day_looks_a_day_back_and_no_further() -> None:
    state = State()
    for hour in range(24 * 9):  # nine days, 10 bytes an hour
        state = state.next(1e9 + hour * 3600, 1, {"archive": 10.0 * hour}, {})
    assert state.growth("archive", DAY) == 240
    assert len(state.history) <= 7 * 24 + 1
    assert state.growth("cache", DAY) is None


def test_a_clock_that_was_wrong_leaves_nothing_behind() -> None:
    state = State().next(5e9, 1, {"archive": 7.0}, {}).next(1e9, 1, {"archive": 9.0}, {})
    assert [moment for moment, _ in state.history] == [1e9]
    assert state.growth("archive", DAY) == 0


def test_free_space_is_what_the_file_system_says(munin: Munin, tmp_path: Path, archive: Path) -> None:
    said = munin.values("xnat_storage", **env(tmp_path, archive))
    found = os.statvfs(archive)
    room = float(found.f_bavail * found.f_frsize)
    assert float(said.value("archive", "xnat_storage_free")) == pytest.approx(room, rel=0.2)


def test_folders_on_one_file_system_are_one_line(munin: Munin, tmp_path: Path, archive: Path) -> None:
    (tmp_path / "cache").mkdir()
    said = munin.config(
        "xnat_storage", folders=f"archive={archive} cache={tmp_path / 'cache'} ftp=/proc", state="/none"
    )
    assert said.attribute("archive", "label", "xnat_storage_free") == "archive, cache"
    assert sorted(said.fields["xnat_storage_free"]) == ["archive", "ftp"]


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"measured": 1}', '{"measured": "x", "seconds": 1}'])
def test_without_a_count_sizes_are_unknown(munin: Munin, tmp_path: Path, archive: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "state.json").write_text(content)
    said = munin.values("xnat_storage", **env(tmp_path, archive))
    assert said.value("archive", "xnat_storage") == "U"
    assert said.value("archive", "xnat_storage_growth") == "U"
    assert said.value("age", "xnat_storage_age") == "U"
    assert said.value("archive", "xnat_storage_free") != "U"
    assert "state.json" in said.attribute("archive", "extinfo", "xnat_storage")


def test_an_old_count_says_its_age(munin: Munin, tmp_path: Path, archive: Path) -> None:
    State().next(time.time() - 2 * DAY, 1, {"archive": 7.0}, {}).write(tmp_path / "state.json")
    said = munin.values("xnat_storage", **env(tmp_path, archive))
    assert float(said.value("age", "xnat_storage_age")) == pytest.approx(48, abs=0.1)


def test_a_folder_that_cannot_be_counted_whole_has_no_size(
    munin: Munin, tmp_path: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state.json"
    assert storage_state.main([str(state), f"archive={archive}", f"cache={tmp_path / 'gone'}"]) == 1
    assert str(tmp_path / "gone") in capsys.readouterr().err
    said = munin.values("xnat_storage", folders=f"archive={archive} cache={tmp_path / 'gone'}", state=state)
    assert said.value("archive", "xnat_storage") != "U"
    assert said.value("cache", "xnat_storage") == "U"
    assert "gone" in said.attribute("cache", "extinfo", "xnat_storage")


@pytest.mark.parametrize(
    ("complaint", "counted"),
    [
        ("/usr/bin/du: cannot access '/a/x': No such file or directory", True),  # removed meanwhile
        ("/usr/bin/du: cannot read directory '/a/x': Permission denied", False),
    ],
)
def test_files_that_go_meanwhile_do_no_harm_and_forbidden_ones_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaint: str, counted: bool
) -> None:
    du = tmp_path / "du"
    du.write_text(f'#!/bin/sh\necho "{complaint}" >&2\necho "77	/a"\nexit 1\n')
    du.chmod(0o755)
    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda words, **rest: real([str(du), *words[1:]], **rest))
    size, problem = storage_state.count("/a")
    assert (size, problem) == ((77.0, "") if counted else (None, complaint))


def test_the_file_is_replaced_whole_and_readable(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    State().next(1e9, 1, {"archive": 1.0}, {}).write(file)
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [file]
    assert State.read(file) == State().next(1e9, 1, {"archive": 1.0}, {})
    assert json.loads(file.read_text())["sizes"] == {"archive": 1.0}
