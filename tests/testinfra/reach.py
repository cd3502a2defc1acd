"""What tests of provisioned hosts do again and again: connect from a host, run a program on it, ask the node."""

from __future__ import annotations

import base64
import time
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
