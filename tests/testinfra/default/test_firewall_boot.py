"""A host whose machine was rebooted has its firewall before anybody runs Ansible again.

In a file of its own: no program of another test may still run on the host when it goes down.
"""

from __future__ import annotations

from reach import Host
from reach_firewall import LISTEN, open_ports, talking

from lab import hosts
from lab.command import run
from lab.settings import Lab


def test_a_host_comes_up_shut(monitor: Host, neighbour: Host, lab: Lab) -> None:
    rules = monitor.run("nft list table inet dpuk_node").stdout
    assert "policy drop" in rules
    run(["podman", "stop", "-t", "2", lab.container("monitor")], advice="See podman's own message")
    hosts.up(lab)
    assert monitor.run("nft list table inet dpuk_node").stdout == rules
    with talking(lab.container("monitor"), LISTEN, "[4950, 8090]"):
        assert open_ports(monitor, lab.hosts["monitor"], [4950, 8090]) == [4950, 8090]
        assert open_ports(neighbour, lab.hosts["monitor"], [22, 4949, 4950, 8090]) == []
