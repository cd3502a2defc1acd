"""lab/bootstrap.sh replaces .venv by a complete one, or leaves the one that is there. No network, no real Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# Stands for Python 3.11: knows how to make a .venv, whose own Python installs as PIP says.
PYTHON = """#!/bin/sh
[ "$1 $2" = "-m venv" ] || exit 0
for word; do folder=$word; done
mkdir -p "$folder/bin"
printf '#!/bin/sh\\n[ "$1" = -c ] && exit 0\\n%s\\n' "$PIP" > "$folder/bin/python"
chmod +x "$folder/bin/python"
echo new > "$folder/mark"
"""
NO_NETWORK = "exit 1"
KILLED = 'kill -KILL "$PPID"'
INTERRUPTED = 'kill -INT "$PPID"; sleep 1; exit 1'
TERMINATED = 'kill -TERM "$PPID"; exit 0'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A clone with a .venv of other versions."""
    here = tmp_path / "clone"
    (here / "lab").mkdir(parents=True)
    for name in ("lab/bootstrap.sh", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, here / name)
    (here / ".venv").mkdir()
    (here / ".venv" / "mark").write_text("old\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3.11").write_text(PYTHON)
    (tmp_path / "bin" / "python3.11").chmod(0o755)
    return here


def bootstrap(tree: Path, pip: str) -> subprocess.CompletedProcess[str]:
    """Run it where installing packages ends in a certain way."""
    path = f"{tree.parent / 'bin'}:{os.environ['PATH']}"
    settings = {**os.environ, "PATH": path, "PIP": pip}
    # What runs in the background of a shell is started deaf to this signal, and cannot change that for what it starts.
    hearing = ["env", "--default-signal=INT"]
    return subprocess.run(
        [*hearing, tree / "lab" / "bootstrap.sh"], env=settings, capture_output=True, text=True, timeout=60, check=False
    )


def venvs(tree: Path) -> dict[str, str]:
    """What is called .venv..., and which one it is."""
    return {path.name: (path / "mark").read_text().strip() for path in tree.glob(".venv*")}


def test_a_complete_one_takes_the_place_of_the_old(tree: Path) -> None:
    done = bootstrap(tree, "exit 0")
    assert done.returncode == 0, done.stderr
    assert venvs(tree) == {".venv": "new"}
    again = bootstrap(tree, NO_NETWORK)
    assert (again.returncode, again.stdout) == (0, ""), "nothing had changed"


@pytest.mark.parametrize(("pip", "status"), [(NO_NETWORK, 1), (INTERRUPTED, 130), (TERMINATED, 143)])
def test_one_that_works_is_kept_when_the_new_one_fails(tree: Path, pip: str, status: int) -> None:
    done = bootstrap(tree, pip)
    assert done.returncode == status, done.stderr
    assert ("See whether this machine reaches PyPI" in done.stderr) is (pip == NO_NETWORK)
    assert venvs(tree) == {".venv": "old"}


def test_a_run_that_was_killed_is_made_good_by_the_next(tree: Path) -> None:
    assert bootstrap(tree, KILLED).returncode < 0
    assert bootstrap(tree, NO_NETWORK).returncode == 1
    assert venvs(tree) == {".venv": "old"}
    assert bootstrap(tree, "exit 0").returncode == 0
    assert venvs(tree) == {".venv": "new"}


def test_a_link_to_one_that_others_use_leaves_theirs_alone(tree: Path) -> None:
    theirs = tree.parent / "theirs"
    (tree / ".venv").rename(theirs)
    (tree / ".venv").symlink_to(theirs)
    assert bootstrap(tree, NO_NETWORK).returncode == 1
    assert (tree / ".venv").is_symlink()
    assert bootstrap(tree, "exit 0").returncode == 0
    assert venvs(tree) == {".venv": "new"}
    assert (theirs / "mark").read_text() == "old\n"


def test_without_one_a_failure_leaves_none_that_counts_as_complete(tree: Path) -> None:
    shutil.rmtree(tree / ".venv")
    assert bootstrap(tree, NO_NETWORK).returncode == 1
    assert bootstrap(tree, "exit 0").returncode == 0
    assert venvs(tree) == {".venv": "new"}
