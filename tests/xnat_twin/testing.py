"""The server as a test sees it: where it is, who its administrator is, and a session for each user.

Used by tests/contract/conftest.py for the practice XNAT and for a real one alike. Not part of the server.
"""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from .faults import Faults
from .site import Site

_numbers = itertools.count(1)
_RUN = secrets.token_hex(3)


class Session(requests.Session):
    """A session whose URLs are paths below one server; proxies and other settings of the environment are left out."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.trust_env = False
        self._url = url

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        path = url.decode() if isinstance(url, bytes) else url
        return super().request(method, self._url + path if path.startswith("/") else path, *args, **kwargs)


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

    def session(self, user: str | None = None, password: str | None = None) -> Session:
        """A `requests` session that logs in, keeps its cookie and takes paths; the administrator's by default."""
        http = Session(self.url)
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
            "/xapi/users",
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
            admin.put(f"/data/projects/{quote(project)}/users/{group}/{user}").raise_for_status()
        return user, password

    def new_project(self, accessibility: str = "private") -> str:
        """Create an empty project as the administrator and return its ID."""
        project = self.new_id()
        self.session().put(f"/data/projects/{project}", params={"accessibility": accessibility}).raise_for_status()
        return project
