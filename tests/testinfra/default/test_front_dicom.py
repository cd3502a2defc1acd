"""DICOM passes through nginx to XNAT's receiver for the senders that are listed, and for nobody else.

The practice XNAT has no DICOM, so a small listener takes the receiver's place on 127.0.0.1:8104 and says what it gets.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from reach import Host, connects, practice_receiver, python

from lab.settings import Lab

# What came back, or why nothing did. A connection that nginx refuses is accepted and closed again.
SPEAK = """
import socket, sys
try:
    wire = socket.create_connection((sys.argv[1], 104), 3)
    wire.settimeout(5)
    wire.sendall(sys.argv[2].encode())
    print(wire.recv(1024).decode() or "closed")
except TimeoutError: print("no way")
except OSError: print("closed")
"""


@pytest.fixture(scope="module", autouse=True)
def received(web: Host) -> Iterator[str]:
    """The file that has what the receiver's understudy got."""
    with practice_receiver(web) as file:
        yield file


def speak(host: Host, lab: Lab, word: str) -> str:
    """Say a word to the node's DICOM port; what came of it."""
    answer: str = python(host, SPEAK, lab.hosts["web"], word).stdout.strip()
    return answer


def test_a_listed_sender_reaches_the_receiver(monitor: Host, lab: Lab, web: Host, received: str) -> None:
    assert speak(monitor, lab, "from-the-scanner") == "echo from-the-scanner"
    assert "from-the-scanner" in web.file(received).content_string


def test_another_machine_is_stopped_by_the_firewall(neighbour: Host, db: Host, lab: Lab) -> None:
    assert speak(neighbour, lab, "from-a-stranger") == "no way"
    assert speak(db, lab, "from-a-stranger") == "no way"


def test_another_machine_is_refused_by_nginx_itself(web: Host, neighbour: Host, lab: Lab, received: str) -> None:
    """With the firewall opened for a moment."""
    table = "inet dpuk_node input"
    web.run(f"nft insert rule {table} tcp dport 104 accept comment opened-by-a-test")
    try:
        assert speak(neighbour, lab, "from-behind-the-firewall") == "closed"
    finally:
        rules = web.run(f"nft --handle list chain {table}").stdout.splitlines()
        handles = [rule.rpartition(" ")[2] for rule in rules if "opened-by-a-test" in rule]
        web.run(f"nft delete rule {table} handle {handles[0]}")
    got = web.file(received).content_string
    assert "from-behind" not in got
    assert "from-a-stranger" not in got


def test_the_receiver_itself_is_on_loopback(monitor: Host, lab: Lab) -> None:
    assert not connects(monitor, lab.hosts["web"], 8104)
