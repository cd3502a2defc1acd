"""plugin_links leaves exactly the named links in munin's folder of plugins."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from roles_tree import ROOT, load_module

plugin_links = load_module("roles/munin_node/library/plugin_links.py")


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    """A folder of plugins as a distribution has it."""
    folder = tmp_path / "stock"
    folder.mkdir()
    for name in ("cpu", "if_", "if_err_", "postgres_connections_", "postgres_connections_db", "nginx_status"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


def run(tmp_path: Path, check: bool = False, **options: Any) -> dict[str, Any]:
    """Run the module as Ansible would; what it answered."""
    arguments = {"path": str(tmp_path / "plugins"), "_ansible_check_mode": check, "_ansible_remote_tmp": str(tmp_path)}
    told = json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, **options}})
    done = subprocess.run(
        [sys.executable, str(ROOT / "roles/munin_node/library/plugin_links.py")],
        input=told,
        capture_output=True,
        text=True,
        check=False,
    )
    answer: dict[str, Any] = json.loads(done.stdout or done.stderr)
    return answer


@pytest.mark.parametrize(
    ("name", "plugin"),
    [
        ("cpu", "cpu"),
        ("if_eth0", "if_"),
        ("if_err_eth0", "if_err_"),
        ("if_err", "if_"),
        ("postgres_connections_ALL", "postgres_connections_"),
        ("postgres_connections_db", "postgres_connections_db"),
        ("if_", "if_"),
        ("cpu_load", None),
        ("nginx_statu", None),
    ],
)
def test_a_link_leads_to_the_plugin_of_its_name(stock: Path, name: str, plugin: str | None) -> None:
    """Or to the one for many things, whose name ends in _; the longest one that fits."""
    assert plugin_links.plugin_of(name, None, [stock]) == (stock / plugin if plugin else None)


def test_our_own_come_first(stock: Path, tmp_path: Path) -> None:
    (tmp_path / "cpu.py").touch()
    assert plugin_links.plugin_of("cpu", tmp_path, [stock]) == tmp_path / "plugin.py"


def test_the_folder_holds_what_is_named_and_nothing_else(stock: Path, tmp_path: Path) -> None:
    """What the package linked goes, what somebody bent comes back; the next run changes nothing."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "nginx_status").symlink_to(stock / "nginx_status")
    (folder / "cpu").symlink_to("/nowhere")
    (folder / "somebodys").write_text("#!/bin/sh\n")
    own = {"name": "own", "source": "/bin/true"}
    options: dict[str, Any] = {"folders": [str(stock)], "names": ["cpu", "if_eth0"], "links": [own]}
    predicted = run(tmp_path, check=True, **options)
    assert sorted(path.name for path in folder.iterdir()) == ["cpu", "nginx_status", "somebodys"]
    done = run(tmp_path, **options)
    assert {path.name: str(path.readlink()) for path in folder.iterdir()} == {
        "cpu": str(stock / "cpu"),
        "if_eth0": str(stock / "if_"),
        "own": "/bin/true",
    }
    for answer in (predicted, done):
        assert (answer["changed"], answer["added"], answer["removed"]) == (
            True,
            ["cpu", "if_eth0", "own"],
            ["nginx_status", "somebodys"],
        )
        assert "somebodys -> (no link)\n" in answer["diff"]["before"]
    assert not run(tmp_path, **options)["changed"]


def test_what_is_no_plugin_is_refused_by_name_before_anything_is_removed(stock: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "cpu").symlink_to(stock / "cpu")
    (stock / "if_").chmod(0o644)
    answer = run(
        tmp_path, folders=[str(stock)], names=["cup", "if_eth0"], links=[{"name": "own", "source": "/nowhere"}]
    )
    assert answer["failed"]
    assert "cup, if_eth0, own" in answer["msg"]
    assert [path.name for path in folder.iterdir()] == ["cpu"]


def test_a_dry_run_knows_no_plugins_before_the_package_is_there(tmp_path: Path) -> None:
    answer = run(tmp_path, check=True, folders=["/nowhere"], names=["cpu"])
    assert (answer["changed"], answer["added"]) == (True, ["cpu"])
    assert not (tmp_path / "plugins").exists()


def test_a_folder_among_the_plugins_is_left_to_the_admin(tmp_path: Path) -> None:
    (tmp_path / "plugins" / "old").mkdir(parents=True)
    assert "plugins/old is a folder" in run(tmp_path)["msg"]
