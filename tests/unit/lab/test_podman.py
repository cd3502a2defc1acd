"""Which settings podman needs on which machine, and what is said when it is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab import podman
from lab.command import LabError

ALL_CAPABILITIES = "CapEff:\t000001ffffffffff\n"
NO_SYS_RESOURCE = "CapEff:\t000001fffeffffff\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose files are all missing until a test makes them; root, and no CONTAINERS_CONF."""
    real = Path
    monkeypatch.setattr(podman, "Path", lambda name: tmp_path / real(name).relative_to("/"))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(podman, "CONFIGURATION", tmp_path / "containers.conf")
    monkeypatch.delenv("CONTAINERS_CONF", raising=False)
    _file(tmp_path, "proc/self/status", ALL_CAPABILITIES)
    return tmp_path


def _file(machine: Path, name: str, text: str = "") -> None:
    (machine / name).parent.mkdir(parents=True, exist_ok=True)
    (machine / name).write_text(text)


def test_an_ordinary_machine_keeps_podmans_own_settings(machine: Path) -> None:
    _file(machine, "sys/fs/cgroup/cgroup.controllers")
    (machine / "run/systemd/system").mkdir(parents=True)
    _file(machine, "usr/lib/cni/bridge")
    assert podman.differences() == {}
    podman.configure()
    assert "CONTAINERS_CONF" not in os.environ
    assert not podman.CONFIGURATION.exists()


def test_hybrid_cgroups_without_systemd_get_runc_and_cgroupfs(machine: Path) -> None:
    assert podman.differences()["engine"] == [
        'runtime = "runc"',
        'cgroup_manager = "cgroupfs"',
        'events_logger = "file"',
    ]


def test_limits_are_lowered_only_where_raising_is_not_permitted(machine: Path) -> None:
    assert "containers" not in podman.differences()
    _file(machine, "proc/self/status", NO_SYS_RESOURCE)
    (line,) = podman.differences()["containers"]
    assert ':4096"' in line


def test_the_settings_are_written_and_given_to_children(machine: Path) -> None:
    podman.configure()
    assert os.environ["CONTAINERS_CONF"] == str(podman.CONFIGURATION)
    assert "[engine]\nruntime" in podman.CONFIGURATION.read_text()


def test_a_configuration_that_the_user_named_is_left_alone(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINERS_CONF", "/mine.conf")
    podman.configure()
    assert os.environ["CONTAINERS_CONF"] == "/mine.conf"
    assert not podman.CONFIGURATION.exists()


def test_without_root_the_message_says_exactly_what_to_type(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(podman, "have", lambda _program: False)
    with pytest.raises(LabError, match=r"Type: sudo apt-get install podman netavark .*mmdebstrap.*uidmap"):
        podman.ensure()


@pytest.mark.parametrize(("kernel", "rules", "there"), [(True, True, True), (True, False, False), (False, True, False)])
def test_ipv6_is_used_where_kernel_and_rules_have_it(
    machine: Path, monkeypatch: pytest.MonkeyPatch, kernel: bool, rules: bool, there: bool
) -> None:
    if kernel:
        _file(machine, "proc/net/if_inet6")
    monkeypatch.setattr(podman, "succeeds", lambda _command: rules)
    assert podman.has_ipv6() is there
