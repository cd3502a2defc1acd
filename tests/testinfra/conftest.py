"""The lab's hosts as testinfra sees them, and the node as a client on this machine sees it.

Which lab: LAB_NAME and its fellows in the environment, as `python -m lab exec` sets them.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import testinfra

from lab import keys
from lab.settings import Lab

# testinfra has no types of its own; a host is what testinfra.get_host returns.
Host = Any


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab under test."""
    return Lab.from_environment()


@pytest.fixture(scope="session")
def db(lab: Lab) -> Host:
    """The host of PostgreSQL."""
    return testinfra.get_host(f"podman://{lab.container('db')}")


@pytest.fixture(scope="session")
def web(lab: Lab) -> Host:
    """The host of Tomcat, XNAT and nginx."""
    return testinfra.get_host(f"podman://{lab.container('web')}")


@pytest.fixture(scope="session")
def monitor(lab: Lab) -> Host:
    """The third host: what a neighbour on the private network, with no business here, can reach."""
    return testinfra.get_host(f"podman://{lab.container('monitor')}")


@pytest.fixture(scope="session")
def passwords() -> dict[str, str]:
    """The lab's passwords by variable name."""
    return keys.passwords()


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


@pytest.fixture
def client(lab: Lab, passwords: dict[str, str]) -> Client:
    """A client logged in as admin."""
    session = requests.Session()
    session.trust_env = False  # no proxy and no netrc of this machine between the test and the node
    session.auth = ("admin", passwords["vault_xnat_admin_password"])
    session.verify = str(lab.directory / "ca.crt")
    return Client(lab.url, session)


def connects(host: Host, address: str, port: int) -> bool:
    """Whether a TCP connection from a host to an address succeeds within 3 s."""
    program = (
        "import socket, sys\n"
        "try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()\n"
        "except OSError: sys.exit(1)\n"
    )
    return python(host, program, address, str(port)).rc == 0


def python(host: Host, program: str, *arguments: str) -> Any:
    """Run a Python program on a host; it travels encoded, so that no shell can read it differently."""
    encoded = base64.b64encode(program.encode()).decode()
    loader = f"import base64; exec(base64.b64decode('{encoded}'))"
    return host.run("python3 -c %s " + " ".join(["%s"] * len(arguments)), loader, *arguments)
