"""DICOM passes through nginx to XNAT's receiver for the senders that are listed, and for nobody else.

The practice XNAT has no DICOM, so a small listener takes the receiver's place on 127.0.0.1:8104 and says what it gets.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from reach import Host, connects, program_text, python

from lab.settings import Lab

RECEIVED = "/tmp/dicom-received"  # noqa: S108 - of a container that is thrown away
LISTENER = f"""
import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        got = self.request.recv(1024)
        open({RECEIVED!r}, "ab").write(got)
        self.request.sendall(b"echo " + got)
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("127.0.0.1", 8104), Echo).serve_forever()
"""
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
def receiver(web: Host) -> Iterator[None]:
    """Something that listens where XNAT's receiver would."""
    web.run(f"rm -f {RECEIVED}")
    web.run("systemd-run --quiet --unit dicom-practice python3 -c %s", program_text(LISTENER))
    deadline = time.monotonic() + 30
    while not connects(web, "127.0.0.1", 8104):
        assert time.monotonic() < deadline
    yield
    web.run("systemctl stop dicom-practice")


def speak(host: Host, lab: Lab, word: str) -> str:
    """Say a word to the node's DICOM port; what came of it."""
    answer: str = python(host, SPEAK, lab.hosts["web"], word).stdout.strip()
    return answer


def test_a_listed_sender_reaches_the_receiver(monitor: Host, lab: Lab, web: Host) -> None:
    assert speak(monitor, lab, "from-the-scanner") == "echo from-the-scanner"
    assert "from-the-scanner" in web.file(RECEIVED).content_string


def test_another_machine_is_stopped_by_the_firewall(neighbour: Host, db: Host, lab: Lab) -> None:
    assert speak(neighbour, lab, "from-a-stranger") == "no way"
    assert speak(db, lab, "from-a-stranger") == "no way"


def test_another_machine_is_refused_by_nginx_itself(web: Host, neighbour: Host, lab: Lab) -> None:
    """With the firewall opened for a moment."""
    table = "inet dpuk_node input"
    web.run(f"nft insert rule {table} tcp dport 104 accept comment opened-by-a-test")
    try:
        assert speak(neighbour, lab, "from-behind-the-firewall") == "closed"
    finally:
        rules = web.run(f"nft --handle list chain {table}").stdout.splitlines()
        handles = [rule.rpartition(" ")[2] for rule in rules if "opened-by-a-test" in rule]
        web.run(f"nft delete rule {table} handle {handles[0]}")
    received = web.run(f"cat {RECEIVED}").stdout
    assert "from-behind" not in received
    assert "from-a-stranger" not in received


def test_the_receiver_itself_is_on_loopback(monitor: Host, lab: Lab) -> None:
    assert not connects(monitor, lab.hosts["web"], 8104)
