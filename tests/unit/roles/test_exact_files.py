"""exact_files leaves exactly the given files in a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from roles_tree import ROOT

FILES = {"plugin.py": "#!/usr/bin/python3\n", "graph.py": "ä = 1\n"}


def run(tmp_path: Path, files: dict[str, str], check: bool = False) -> dict[str, Any]:
    """Run the module as Ansible would; what it answered."""
    arguments = {"path": str(tmp_path / "made" / "folder"), "files": files, "executable": ["plugin.py"]}
    told = {**arguments, "_ansible_check_mode": check, "_ansible_remote_tmp": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(ROOT / "roles/munin_node/library/exact_files.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": told}),
        capture_output=True,
        text=True,
        check=False,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "made" / "folder"


def state(folder: Path) -> dict[str, tuple[str, str]]:
    return {
        file.name: (oct(file.stat().st_mode & 0o7777), file.read_text(encoding="utf-8")) for file in folder.iterdir()
    }


WANTED = {"plugin.py": ("0o755", FILES["plugin.py"]), "graph.py": ("0o644", FILES["graph.py"])}


def test_a_dry_run_makes_nothing_and_the_run_after_the_first_changes_nothing(tmp_path: Path, folder: Path) -> None:
    assert run(tmp_path, FILES, check=True)["written"] == ["graph.py", "plugin.py"]
    assert not folder.exists()
    assert run(tmp_path, FILES)["changed"]
    assert state(folder) == WANTED
    assert not run(tmp_path, FILES)["changed"]


def test_what_is_otherwise_is_put_right(tmp_path: Path, folder: Path) -> None:
    """Other content, other rights, a link in place of a file, one too many, a folder that others may write to."""
    run(tmp_path, {**FILES, "old.py": ""})
    (folder / "plugin.py").chmod(0o777)
    (folder / "graph.py").unlink()
    (folder / "graph.py").symlink_to("/etc/hostname")
    folder.chmod(0o777)
    answer = run(tmp_path, FILES)
    assert (answer["changed"], answer["written"], answer["removed"]) == (True, ["graph.py", "plugin.py"], ["old.py"])
    assert state(folder) == WANTED
    assert folder.stat().st_mode & 0o7777 == 0o755
    folder.chmod(0o775)
    assert run(tmp_path, FILES)["changed"]
    assert folder.stat().st_mode & 0o7777 == 0o755


def test_what_python_keeps_there_is_left(tmp_path: Path, folder: Path) -> None:
    run(tmp_path, FILES)
    (folder / "__pycache__").mkdir()
    assert not run(tmp_path, FILES)["changed"]


def test_a_path_is_no_name(tmp_path: Path) -> None:
    assert run(tmp_path, {"../x": ""})["failed"]
