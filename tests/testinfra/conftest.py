"""The lab's hosts as testinfra sees them, and the node as a client on this machine sees it.

Which lab: LAB_NAME and its fellows in the environment, as `python -m lab exec` sets them. Each scenario of molecule has
its tests in the folder of its name.
"""

from __future__ import annotations

import pytest
import requests
import testinfra
from reach import Client, Host
from uptime import MEASURED

from lab import keys
from lab.settings import NEIGHBOUR, Lab


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long XNAT did not answer, for each time that a test has watched it."""
    if MEASURED:
        terminalreporter.section("how long XNAT did not answer")
    for line in MEASURED:
        terminalreporter.write_line(line)


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
def node(lab: Lab) -> Host:
    """The one host of a node that has only one."""
    return testinfra.get_host(f"podman://{lab.container('node')}")


@pytest.fixture(scope="session")
def monitor(lab: Lab) -> Host:
    """The third host: what a neighbour on the private network, with no business here, can reach."""
    return testinfra.get_host(f"podman://{lab.container('monitor')}")


@pytest.fixture(scope="session")
def neighbour(lab: Lab) -> Host:
    """A machine on the same network that is no part of the node: a stranger."""
    return testinfra.get_host(f"podman://{lab.container(NEIGHBOUR)}")


@pytest.fixture(scope="session")
def passwords() -> dict[str, str]:
    """The lab's passwords by variable name."""
    return keys.passwords()


@pytest.fixture
def client(lab: Lab, passwords: dict[str, str]) -> Client:
    """A client logged in as admin."""
    return _admin(lab, passwords)


@pytest.fixture(scope="module")
def admin(lab: Lab, passwords: dict[str, str]) -> Client:
    """The same for what lasts longer than a test."""
    return _admin(lab, passwords)


def _admin(lab: Lab, passwords: dict[str, str]) -> Client:
    session = requests.Session()
    session.trust_env = False  # no proxy and no netrc of this machine between the test and the node
    session.auth = ("admin", passwords["vault_xnat_admin_password"])
    session.verify = str(lab.directory / "ca.crt")
    return Client(lab.url, session)
