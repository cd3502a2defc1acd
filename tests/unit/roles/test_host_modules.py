"""fresh_service and debian_packages decide rightly what there is to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.module_utils.host.systemd import started_at
from roles_tree import load_module

fresh_service = load_module("library/host/fresh_service.py")
debian_packages = load_module("library/host/debian_packages.py")

RUNNING = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled", "NeedDaemonReload": "no"}


@pytest.mark.parametrize(
    ("change", "newer", "refresh", "state", "actions"),
    [
        ({}, [], "restart", "running", []),
        ({}, ["/etc/x"], "restart", "running", ["restart"]),
        ({}, ["/etc/x"], "reload", "running", ["reload"]),
        ({}, [], "restart", "refreshed", ["restart"]),
        ({"ActiveState": "failed"}, [], "restart", "running", ["start"]),
        ({"ActiveState": "inactive"}, ["/etc/x"], "reload", "refreshed", ["start"]),
        ({"UnitFileState": "disabled"}, [], "restart", "running", ["enable"]),
        ({"UnitFileState": "static"}, [], "restart", "running", []),
        ({"NeedDaemonReload": "yes"}, ["/etc/x"], "restart", "running", ["daemon-reload", "restart"]),
    ],
)
def test_service_plan(change: dict[str, str], newer: list[str], refresh: str, state: str, actions: list[str]) -> None:
    """From what systemd says and which files are newer to the verbs, in order."""
    assert fresh_service.plan({**RUNNING, **change}, newer, refresh, state, True) == actions


def test_a_service_that_is_not_to_be_enabled_is_left_disabled() -> None:
    """Instances such as postgresql@17-main are enabled by their umbrella unit."""
    assert fresh_service.plan({**RUNNING, "UnitFileState": "disabled"}, [], "restart", "running", False) == []


def test_start_time_from_the_monotonic_clock() -> None:
    """60 s after boot, at a boot 100 s ago, was 40 s ago."""
    assert started_at({"ExecMainStartTimestampMonotonic": "60000000"}, 1000.0, 100.0) == 960.0
    assert started_at({"ExecMainStartTimestampMonotonic": "0"}, 1000.0, 100.0) == 0.0


def test_a_unit_without_a_known_process_counts_from_when_it_became_active() -> None:
    """Timers, and postfix on Debian 12: else every run would start them anew."""
    unknown = {"ExecMainStartTimestampMonotonic": "0", "ActiveEnterTimestampMonotonic": "60000000"}
    assert started_at(unknown, 1000.0, 100.0) == 960.0
    assert started_at({"ActiveEnterTimestampMonotonic": "60000000"}, 1000.0, 100.0) == 960.0


def test_only_later_files_count(tmp_path: Path) -> None:
    """Older ones and absent ones do not; a link counts by itself, not by what it points to."""
    old, new, link = tmp_path / "old", tmp_path / "new", tmp_path / "link"
    old.touch()
    new.touch()
    link.symlink_to(old)
    os.utime(old, (100, 100))
    os.utime(new, (300, 300))
    os.utime(link, (400, 400), follow_symlinks=False)
    names = [str(old), str(new), str(link), str(tmp_path / "absent")]
    assert fresh_service.newer_files(names, 200.0) == [str(new), str(link)]


def test_a_reload_is_seen_by_the_newest_child(tmp_path: Path) -> None:
    """A reloaded nginx keeps its main process and has new workers; names with blanks and brackets do not confuse."""
    for pid, parent, ticks in ((1, 0, 100), (20, 1, 5000), (21, 1, 9000), (22, 20, 9900)):
        (tmp_path / str(pid)).mkdir()
        after_name = ["S", str(parent), *["0"] * 17, str(ticks), "0"]
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (ng inx) x) {' '.join(after_name)}")
    assert fresh_service.newest_child_start(1, tmp_path, 1000.0, 100.0, 100) == 990.0
    assert fresh_service.newest_child_start(99, tmp_path, 1000.0, 100.0, 100) == 0.0


def test_missing_packages() -> None:
    """Half-installed, removed with files left, unknown, and of a named architecture."""
    out = "ii  nginx\niU  half\nrc  gone\nii  libc6:amd64\n"
    assert debian_packages.missing_packages(["nginx", "half", "gone", "never", "libc6"], out) == [
        "half",
        "gone",
        "never",
    ]


def test_a_package_run_of_another_program_is_waited_for(tmp_path: Path) -> None:
    """Until its lock is free, and not for ever."""
    lock = tmp_path / "lock"
    program = (
        "import fcntl, sys, time\n"
        "handle = open(sys.argv[1], 'a')\n"
        "fcntl.lockf(handle, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "time.sleep(1)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(lock)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert debian_packages.await_unlocked(lock, 0.1, 0.02) is False
        assert debian_packages.await_unlocked(lock, 30, 0.02) is True


def test_age_of_package_lists(tmp_path: Path) -> None:
    """No lists are infinitely old; else the folder's time counts, for the lists carry their server's."""
    assert debian_packages.lists_age(tmp_path / "absent", 1000.0) == float("inf")
    assert debian_packages.lists_age(tmp_path, 1000.0) == float("inf")
    lists = tmp_path / "x_Packages"
    lists.touch()
    os.utime(lists, (1, 1))
    os.utime(tmp_path, (900, 900))
    assert debian_packages.lists_age(tmp_path, 1000.0) == 100.0


def test_packages_that_are_not_to_be_had_are_named_with_the_reason() -> None:
    """As apt-get of Debian 12 and 13 says it."""
    unknown = "E: Unable to locate package nginx\nE: Package 'acl' has no installation candidate"
    assert debian_packages.explain(["nginx", "acl", "bash"], unknown, "").startswith(
        "Packages cannot be installed: nginx, acl, bash. Why: the host's package lists do not have nginx, acl. See "
    )
    unfetched = (
        "E: Failed to fetch http://archive.test/pool/n/nginx_1.22_amd64.deb  Could not resolve 'archive.test'\n"
        "E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?"
    )
    told = debian_packages.explain(["nginx"], unfetched, "E: Failed to fetch InRelease")
    assert "not downloaded: nginx_1.22_amd64.deb (Could not resolve 'archive.test');" in told
    assert "the lists could not be refreshed: E: Failed to fetch InRelease." in told
    assert "\n" not in told


def test_lists_that_cannot_be_fetched_are_told_in_the_networks_words() -> None:
    """Debian 12 says in its summary that a repository has no Release file any more, which is not what happened."""
    of_12 = (
        "E: The repository 'http://archive.test/debian bookworm Release' no longer has a Release file.\n"
        "Ign:1 http://archive.test/debian bookworm InRelease\n"
        "Err:2 http://archive.test/debian bookworm Release\n"
        "  Cannot initiate the connection to archive.test:80 (192.0.2.1). - connect (101: Network is unreachable)\n"
        "Reading package lists...\n"
    )
    assert debian_packages.reason(of_12).startswith("Cannot initiate the connection to archive.test:80")
    of_13 = "E: Failed to fetch http://archive.test/debian/InRelease  Could not resolve 'archive.test'\nE: Some"
    assert debian_packages.reason(of_13).endswith("Could not resolve 'archive.test'")
    assert debian_packages.reason("E: something else\nand more") == "E: something else"


def test_an_unknown_failure_is_told_in_apts_own_words() -> None:
    assert "Why: E: Broken packages." in debian_packages.explain(["nginx"], "E: Broken packages", "")
