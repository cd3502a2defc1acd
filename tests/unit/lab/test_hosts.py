"""What becomes of the lab's hosts between two runs: kept, started again, or all made anew."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab import hosts, image, keys, prepare
from lab import podman as podman_of_lab
from lab.command import LabError
from lab.settings import NEIGHBOUR, ROOT, TOPOLOGIES, Lab

IMAGE = "localhost/image:1"


class Podman:
    """As much of podman as hosts.py asks: containers by name with state, image and published port."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.containers: dict[str, dict[str, object]] = {}
        self.did: list[str] = []
        self.made: dict[str, Sequence[str]] = {}
        self.network: dict[str, object] = {"subnets": [{"subnet": "10.89.99.0/24"}], "internal": False}
        monkeypatch.setattr(image, "build", lambda _lab: IMAGE)
        monkeypatch.setattr(hosts, "run", self.run)
        monkeypatch.setattr(
            hosts, "succeeds", lambda command: command[1] == "network" or command[-1] in self.containers
        )
        for step in ("_admit", "_quicken"):
            monkeypatch.setattr(hosts, step, lambda _lab, _host: None)
        monkeypatch.setattr(podman_of_lab, "has_ipv6", lambda: False)

    def have(self, lab: Lab, **states: str) -> None:
        """Let these hosts exist, made for this lab, in these states; the neighbour runs."""
        for host, state in {**states, NEIGHBOUR: "running"}.items():
            ports = {"443/tcp": [{"HostPort": str(lab.https_port)}]} if host == lab.topology.front_door else None
            self.containers[lab.container(host)] = {
                "State": {"Status": state},
                "ImageName": IMAGE,
                "HostConfig": {"PortBindings": ports},
            }

    def run(self, command: Sequence[str], *, advice: str) -> str:
        """Answer what is asked, and write down what would change something."""
        assert advice
        verb, name = command[1], command[-1]
        if verb == "inspect":
            return json.dumps([self.containers[name]])
        if verb == "network" and command[2] == "inspect":
            return json.dumps([self.network])
        if verb == "exec":
            return "running"
        if verb == "run":
            name = command[command.index("--name") + 1]
            self.made[name.replace("dpuk-unit-", "")] = command
        what = " ".join(command[1:]) if verb == "network" else f"{verb} {name}"
        self.did.append(what.replace("dpuk-unit-", ""))
        return ""


@pytest.fixture
def lab() -> Lab:
    """A lab whose port is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return Lab(name="unit", subnet="10.89.99", https_port=port, debian="13")


@pytest.fixture
def podman(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Podman:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Podman(monkeypatch)


ANEW = ["run db", "run web", "run monitor", "run neighbour"]


def test_running_hosts_stay(lab: Lab, podman: Podman) -> None:
    podman.have(lab, db="running", web="running", monitor="running")
    hosts.up(lab)
    assert podman.did == []


def test_a_stopped_host_is_started_with_all_that_is_on_it(lab: Lab, podman: Podman) -> None:
    podman.have(lab, db="exited", web="running", monitor="paused")
    hosts.up(lab)
    assert podman.did == ["restart db", "restart monitor"]


def test_one_lost_host_makes_all_anew(lab: Lab, podman: Podman) -> None:
    """A new database under an old XNAT would answer every request with an error."""
    podman.have(lab, web="running", monitor="running")
    hosts.up(lab)
    assert podman.did == ["rm web", "rm monitor", "rm neighbour", *ANEW]


@pytest.mark.parametrize("change", ["cut off", "ipv6"])
def test_another_network_makes_all_anew(lab: Lab, podman: Podman, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    podman.have(lab, db="running", web="running", monitor="running")
    if change == "cut off":
        podman.network["internal"] = True
    else:
        monkeypatch.setattr(podman_of_lab, "has_ipv6", lambda: True)
    hosts.up(lab)
    assert podman.did[:5] == ["rm db", "rm web", "rm monitor", "rm neighbour", "network rm -f dpuk-unit"]
    assert podman.did[5].startswith("network create --subnet 10.89.99.0/24")
    assert ("fd00:10:89:99::/64" in podman.did[5]) is (change == "ipv6")


def test_a_node_of_one_host_is_cut_off_and_publishes_nothing(lab: Lab, podman: Podman) -> None:
    single = Lab(lab.name, lab.subnet, lab.https_port, "12", TOPOLOGIES["single"])
    podman.network["subnets"] = []
    hosts.up(single)
    assert podman.did[1:] == ["network create --internal --subnet 10.89.99.0/24 dpuk-unit", "run node", "run neighbour"]
    assert not [command for command in podman.made.values() if "--publish" in command]
    assert single.url == "https://10.89.99.14"


@pytest.mark.parametrize("change", ["port", "image"])
def test_another_port_or_image_makes_all_anew(lab: Lab, podman: Podman, change: str) -> None:
    made_for = lab if change == "image" else Lab(lab.name, lab.subnet, 9, lab.debian)
    podman.have(made_for, db="running", web="running", monitor="running")
    if change == "image":
        podman.containers["dpuk-unit-db"]["ImageName"] = "localhost/image:0"
    hosts.up(lab)
    assert podman.did == ["rm db", "rm web", "rm monitor", "rm neighbour", *ANEW]


def test_a_busy_port_is_told_before_any_host_is_made(lab: Lab, podman: Podman) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", lab.https_port))
        other.listen()
        with pytest.raises(LabError, match=f"Port {lab.https_port} is in use.*LAB_HTTPS_PORT="):
            hosts.up(lab)
    assert podman.did == []


def test_lost_passwords_of_living_hosts_are_not_replaced(
    lab: Lab, podman: Podman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XNAT takes the admin password at its first start only: a new one would be refused later and without a reason."""
    podman.have(lab, web="running")
    lost = ROOT / ".lab" / tmp_path.name / "secrets.yml"
    monkeypatch.setattr(keys, "SECRETS", lost)
    with pytest.raises(LabError, match=r"secrets\.yml is gone.*make demo-down && make demo"):
        prepare.files(lab)
    assert not lost.exists()
