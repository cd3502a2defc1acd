"""The server that contract tests talk to: the practice XNAT by default, any real XNAT when XNAT_URL is set.

Fixtures
--------
`xnat` (session scope)      an `XnatServer`, see its attributes and methods below
`project` (function scope)  the ID of a fresh, empty, private project; deleted afterwards

Markers
-------
`practice_xnat("reason")`   the test needs `xnat.faults` or another part of the practice server. With XNAT_URL set it is
                            deselected while collecting, and the reason is printed; it is never skipped.

Environment for a real server: XNAT_URL, XNAT_USER, XNAT_PASSWORD (an administrator), XNAT_CA_PATH if its certificate
is signed by a private authority.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from xnat_twin.faults import Faults
from xnat_twin.server import Server
from xnat_twin.site import Site

_numbers = itertools.count(1)
_RUN = secrets.token_hex(3)


@dataclass
class XnatServer:
    """Where the server is, who its administrator is, and a few things that most tests need.

    `url` has no trailing slash. `faults` makes the next requests go wrong (xnat_twin/faults.py) and `site` is the
    server's inside; both belong to the practice server only, and asking a real one for them is an error.
    """

    url: str
    admin: str
    password: str
    ca_path: str | None = None
    _site: Site | None = field(default=None, repr=False)

    @property
    def is_practice(self) -> bool:
        return self._site is not None

    @property
    def site(self) -> Site:
        if self._site is None:
            raise RuntimeError("a real XNAT has no inside: mark the test with practice_xnat(reason)")
        return self._site

    @property
    def faults(self) -> Faults:
        return self.site.faults

    @property
    def archive(self) -> Path:
        """The archive folder on disk (practice server only)."""
        return self.site.archive.root

    def session(self, user: str | None = None, password: str | None = None) -> requests.Session:
        """A logged-in `requests` session that keeps its cookie; the administrator's by default."""
        http = requests.Session()
        http.trust_env = False
        http.verify = self.ca_path or True
        http.auth = (user or self.admin, password or self.password)
        return http

    def new_id(self, prefix: str = "p") -> str:
        """A name that no other test and no earlier run has used: letters, digits and `_` only."""
        return f"{prefix}_{_RUN}_{next(_numbers)}"

    def new_user(self, project: str | None = None, group: str = "Members") -> tuple[str, str]:
        """Create an ordinary account and return (user, password); put it into a group of `project` if one is given.

        `group` is Owners, Members or Collaborators.
        """
        user, password = self.new_id("u"), secrets.token_urlsafe(12)
        admin = self.session()
        created = admin.post(
            f"{self.url}/xapi/users",
            json={
                "username": user,
                "password": password,
                "firstName": "Test",
                "lastName": "User",
                "email": f"{user}@example.org",
                "enabled": True,
                "verified": True,
            },
        )
        created.raise_for_status()
        if project is not None:
            admin.put(f"{self.url}/data/projects/{quote(project)}/users/{group}/{user}").raise_for_status()
        return user, password

    def new_project(self, accessibility: str = "private") -> str:
        """Create an empty project as the administrator and return its ID."""
        project = self.new_id()
        self.session().put(
            f"{self.url}/data/projects/{project}", params={"accessibility": accessibility}
        ).raise_for_status()
        return project


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "practice_xnat(reason): needs the practice XNAT; left out when XNAT_URL is set")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "XNAT_URL" not in os.environ:
        return
    reasons = {item: marker.args[0] for item in items if (marker := item.get_closest_marker("practice_xnat"))}
    items[:] = [item for item in items if item not in reasons]
    config.hook.pytest_deselected(items=list(reasons))
    for item, reason in reasons.items():
        print(f"left out on a real XNAT: {item.nodeid}: {reason}")


@pytest.fixture(scope="session")
def xnat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XnatServer]:
    """The server under test."""
    if "XNAT_URL" in os.environ:
        yield XnatServer(
            os.environ["XNAT_URL"].rstrip("/"),
            os.environ["XNAT_USER"],
            os.environ["XNAT_PASSWORD"],
            os.environ.get("XNAT_CA_PATH"),
        )
        return
    password = secrets.token_urlsafe(12)
    site = Site.open(tmp_path_factory.mktemp("xnat"), admin_password=password)
    with Server(site, port=0) as server:
        yield XnatServer(server.url, "admin", password, _site=site)


@pytest.fixture
def project(xnat: XnatServer) -> Iterator[str]:
    """A fresh private project of the administrator."""
    identifier = xnat.new_project()
    yield identifier
    xnat.session().delete(f"{xnat.url}/data/projects/{identifier}", params={"removeFiles": "true"})
