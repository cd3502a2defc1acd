"""Who can reach what on the node's hosts, by IPv4 and IPv6: tried from other hosts, never read off the rules.

On each host a program listens on ports that nobody opened, so that what refuses is the firewall.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from reach import Host
from reach_firewall import LISTEN, answer_udp, listening, open_doors, open_ports, pings, talking

from lab import podman
from lab.settings import Lab

# Nobody opened these.
UNOPENED = [4950, 8090]
# Doors that were left open elsewhere: SSH, mail, web, DICOM, munin, PostgreSQL, debugger, Tomcat's three.
OF_INTEREST = [22, 25, 80, 104, 443, 4949, 5432, 8000, 8005, 8009, 8080, 8104, 8443]
PAGE = """
import socket, sys
with socket.create_connection((sys.argv[1], 80), 5) as wire:
    print("connected", flush=True)
    sys.stdin.readline()
    wire.sendall(b"GET / HTTP/1.0\\r\\nHost: web.dpuk.test\\r\\n\\r\\n")
    print(wire.recv(12).decode())
"""
FAMILIES = ["IPv4", "IPv6"] if podman.has_ipv6() else ["IPv4"]
each_family = pytest.mark.parametrize("family", FAMILIES)


def address(lab: Lab, host: str, family: str) -> str:
    """The address of a machine."""
    return lab.address6(host) if family == "IPv6" else lab.machines[host]


@pytest.fixture(scope="module")
def doors(lab: Lab, db: Host, web: Host, monitor: Host) -> Iterator[dict[str, set[int]]]:
    """Host → ports that something there listens on, while a program also listens on what nobody opened."""
    with ExitStack() as programs:
        for name in lab.hosts:
            programs.enter_context(talking(lab.container(name), LISTEN, str(UNOPENED)))
        yield {name: {*listening(host)} for name, host in {"db": db, "web": web, "monitor": monitor}.items()}


def test_a_stranger_finds_front_doors_and_nothing_else(neighbour: Host, doors: dict[str, set[int]], lab: Lab) -> None:
    """Of all ports that are listened on, and of those that such hosts are known for."""
    knocked = [
        (address(lab, name, family), port)
        for name, ports in doors.items()
        for family in FAMILIES
        for port in {*ports, *OF_INTEREST}
    ]
    expected = {
        (address(lab, name, family), port) for name in ("web", "monitor") for family in FAMILIES for port in (80, 443)
    }
    assert open_doors(neighbour, knocked) == expected


def test_the_doors_that_a_stranger_finds_shut_are_there(
    web: Host, db: Host, monitor: Host, doors: dict[str, set[int]], lab: Lab
) -> None:
    """Else the tests beside it would pass on hosts that run nothing: each host gets through to itself."""
    for name, host in {"db": db, "web": web, "monitor": monitor}.items():
        own = {(address(lab, name, family), port) for family in FAMILIES for port in UNOPENED}
        assert {22, *UNOPENED} <= doors[name]
        assert open_doors(host, own) == own
        assert answer_udp(host, own) == own


def test_udp_is_shut_to_a_stranger(neighbour: Host, doors: dict[str, set[int]], lab: Lab) -> None:
    knocked = [(address(lab, name, family), port) for name in doors for family in FAMILIES for port in UNOPENED]
    assert answer_udp(neighbour, knocked) == set()


def test_the_database_is_open_to_xnat_and_to_nobody_else(web: Host, monitor: Host, neighbour: Host, lab: Lab) -> None:
    assert [open_ports(host, lab.hosts["db"], [5432]) for host in (web, monitor, neighbour)] == [[5432], [], []]


def test_ssh_is_open_to_the_list_of_admins(web: Host, monitor: Host, neighbour: Host, lab: Lab) -> None:
    """The lab's inventory names the monitoring host."""
    doors = {(address(lab, "db", family), 22) for family in FAMILIES}
    assert [open_doors(host, doors) for host in (monitor, web, neighbour)] == [doors, set(), set()]


def test_the_distributions_own_firewall_cannot_flush_these_rules(db: Host) -> None:
    """Its service begins and ends with `flush ruleset`, for everybody's tables."""
    rules = db.run("nft list table inet dpuk_node").stdout
    assert "policy drop" in rules
    started = [db.run(f"systemctl {verb} nftables") for verb in ("start", "restart", "reload-or-restart")]
    assert [("masked" in done.stderr, done.rc != 0) for done in started] == [(True, True)] * 3
    db.run("systemctl stop nftables")
    assert db.run("nft list table inet dpuk_node").stdout == rules


@each_family
def test_hosts_answer_to_a_ping(neighbour: Host, lab: Lab, family: str) -> None:
    assert [name for name in lab.hosts if not pings(neighbour, address(lab, name, family))] == []


@each_family
def test_a_connection_outlives_new_rules(web: Host, lab: Lab, family: str) -> None:
    with talking(lab.container("neighbour"), PAGE, address(lab, "web", family)) as client:
        assert web.run("systemctl restart dpuk-firewall").rc == 0
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write("go on\n")
        client.stdin.flush()
        assert client.stdout.readline().strip() == "HTTP/1.1 301"
