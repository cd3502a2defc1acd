"""What tests of provisioned hosts do again and again: connect from a host, run a program on it, ask the node."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

# testinfra has no types of its own; a host is what testinfra.get_host returns.
Host = Any

# The lab's names; they differ on purpose, see its inventory.
DATABASE = "xnat_db"
USER = "xnat_app"


@dataclass(frozen=True)
class Client:
    """An HTTPS client on this machine that trusts the lab's CA and knows the admin account."""

    url: str
    session: requests.Session

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET a path of the node; redirects are not followed."""
        return self.session.get(f"{self.url}{path}", timeout=60, allow_redirects=False, **options)

    def put(self, path: str, **options: Any) -> requests.Response:
        """PUT to a path of the node."""
        return self.session.put(f"{self.url}{path}", timeout=600, allow_redirects=False, **options)


def connects(host: Host, address: str, port: int) -> bool:
    """Whether a TCP connection from a host to an address succeeds within 3 s."""
    program = (
        "import socket, sys\n"
        "try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()\n"
        "except OSError: sys.exit(1)\n"
    )
    status: int = python(host, program, address, str(port)).rc
    return status == 0


def python(host: Host, program: str, *arguments: str) -> Any:
    """Run a Python program on a host, with arguments."""
    return host.run("python3 -c %s " + " ".join(["%s"] * len(arguments)), program_text(program), *arguments)


def program_text(program: str) -> str:
    """A Python program as one line without quotes in it, so that no shell on the way can read it differently."""
    encoded = base64.b64encode(program.encode()).decode()
    return f"import base64; exec(base64.b64decode('{encoded}'))"


def query(db: Host, statement: str, port: str = "5432") -> str:
    """Ask PostgreSQL on db itself, over its socket as its administrator."""
    done = db.run("runuser -u postgres -- psql -XAtq -p %s -d %s -c %s", port, DATABASE, statement)
    assert done.rc == 0, done.stderr
    answer: str = done.stdout.strip()
    return answer


def access_log(web: Host, until: str) -> list[str]:
    """The lines of Tomcat's access log, once one holds `until`: Tomcat writes them some seconds late."""
    for _ in range(60):
        lines: list[str] = web.run("cat /var/lib/tomcat/logs/access*.log").stdout.splitlines()
        if any(until in line for line in lines):
            return lines
        time.sleep(1)
    raise AssertionError(f"{until} is not in Tomcat's access log")


# Takes the place of XNAT's DICOM receiver, which the practice XNAT has not: notes what it gets, and says it again.
_RECEIVER = """
import socketserver, sys
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        got = self.request.recv(1024)
        open(sys.argv[1], "ab").write(got)
        self.request.sendall(b"echo " + got)
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("127.0.0.1", 8104), Echo).serve_forever()
"""


@contextmanager
def practice_receiver(web: Host) -> Iterator[str]:
    """A listener on 127.0.0.1:8104 while the block runs; gives the file that has what it got.

    It is XNAT's user's, as the real one: somebody else's would be refused there.
    """
    file = "/tmp/dicom-received"  # noqa: S108 - of a container that is thrown away
    web.run(f"rm -f {file}; touch {file}; chown xnat {file}")
    web.run(f"systemd-run --quiet --unit dicom-practice --uid xnat python3 -c %s {file}", program_text(_RECEIVER))
    deadline = time.monotonic() + 30
    while not connects(web, "127.0.0.1", 8104):
        assert time.monotonic() < deadline, web.run("journalctl -u dicom-practice -n 5").stdout
    try:
        yield file
    finally:
        web.run("systemctl stop dicom-practice")
