"""The server as a test sees it: where it is, who its administrator is, and a session for each user.

Used by tests/contract/conftest.py for the practice XNAT and for a real one alike. Not part of the server.
"""

from __future__ import annotations

import itertools
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import pytest
import requests

from xnat_twin.faults import Faults
from xnat_twin.site import Site

_numbers = itertools.count(1)
_RUN = secrets.token_hex(3)
_opened: list[Session] = []


def log_out() -> None:
    """Close all sessions that `XnatServer.session` opened."""
    while _opened:
        _opened.pop().close()


class Session(requests.Session):
    """A session whose URLs are paths below one server; proxies and other settings of the environment are left out."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.trust_env = False
        self.url = url

    def close(self) -> None:
        """Log out, if anybody logged in: after 1000 sessions of a user (concurrentMaxSessions) there are no more."""
        if "JSESSIONID" in self.cookies:
            self.auth = None
            with suppress(requests.RequestException):  # a test may have done anything to its server
                self.delete("/data/JSESSION", timeout=60)
        super().close()

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        path = url.decode() if isinstance(url, bytes) else url
        return super().request(method, self.url + path if path.startswith("/") else path, *args, **kwargs)


@contextmanager
def program(data: Path, *options: str, password: str) -> Iterator[Session]:
    """The administrator's session with a practice XNAT that runs as a process of its own until SIGTERM ends it."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "XNAT_TWIN_ADMIN_PASSWORD": password}
    command = [sys.executable, "-m", "xnat_twin", "--port", "0", "--data", str(data), *options]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            with Session(process.stdout.readline().split(" at ")[1].partition(",")[0]) as api:
                api.auth = ("admin", password)
                yield api
        finally:
            process.terminate()
        assert process.wait(timeout=20) == 0


class Practice(Protocol):
    """What the fixture `practice` gives: further practice servers, the same one for the same wishes."""

    def __call__(
        self,
        flavour: str = ...,
        modules: tuple[str, ...] = ...,
        schemas: tuple[Path, ...] = ...,
        *,
        initialized: bool = ...,
        name: str = ...,
    ) -> XnatServer: ...


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
    #: An existing ordinary account, for a server on which tests must not make any; None: make them.
    other: tuple[str, str] | None = field(default=None, repr=False)
    _site: Site | None = field(default=None, repr=False)
    _lent: bool = field(default=False, repr=False)

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

    @contextmanager
    def settings(self, **values: object) -> Iterator[None]:
        """Other site settings while the block runs (practice server only)."""
        preferences = self.site.preferences
        before = {name: preferences[name] for name in values}
        preferences.set(values)
        try:
            yield
        finally:
            preferences.set(before)

    def session(self, user: str | None = None, password: str | None = None) -> Session:
        """A `requests` session that logs in, keeps its cookie and takes paths; the administrator's by default."""
        http = Session(self.url)
        _opened.append(http)
        http.verify = self.ca_path or True
        http.auth = (user or self.admin, password or self.password)
        return http

    def new_id(self, prefix: str = "p") -> str:
        """A name that no other test and no earlier run has used: letters, digits and `_` only."""
        return f"{prefix}_{_RUN}_{next(_numbers)}"

    def new_user(self, project: str | None = None, group: str = "Members") -> tuple[str, str]:
        """An ordinary account (user, password), new here; in a group of `project` if one is given.

        `group` is Owners, Members or Collaborators. XNAT cannot delete accounts, so on a real server none is made: the
        one that the environment names is lent to one call per test, and a test that needs more is skipped.
        """
        admin = self.session()
        user, password = self._make_user(admin) if self.is_practice else self._lend_user()
        if project is not None:
            admin.put(f"/data/projects/{quote(project)}/users/{group}/{user}").raise_for_status()
        return user, password

    def _lend_user(self) -> tuple[str, str]:
        if self.other is None or self._lent:
            wanted = "XNAT_OTHER_USER and XNAT_OTHER_PASSWORD" if self.other is None else "two ordinary accounts"
            pytest.skip(f"needs {wanted}: no account is made on a real XNAT")
        self._lent = True
        return self.other

    def take_back_user(self) -> None:
        """The account may be lent again; called after each test."""
        self._lent = False

    def remove_projects(self) -> list[str]:
        """Delete every project of this run with its files, and return those that would not go.

        A project whose subjects another one shares is not deleted, whatever the answer says; its subjects are.
        """
        admin, files_too = self.session(), {"removeFiles": "true"}
        for project in self._projects_of_run(admin):
            admin.delete(f"/data/projects/{project}", params=files_too)
        for project in self._projects_of_run(admin):
            for subject in _column(admin, f"/data/projects/{project}/subjects", "ID"):
                admin.delete(f"/data/projects/{project}/subjects/{subject}", params=files_too)
        for project in self._projects_of_run(admin):
            admin.delete(f"/data/projects/{project}", params=files_too)
        return self._projects_of_run(admin)

    def _projects_of_run(self, admin: Session) -> list[str]:
        return sorted(one for one in _column(admin, "/data/projects", "ID") if f"_{_RUN}_" in one)

    def _make_user(self, admin: Session) -> tuple[str, str]:
        user, password = self.new_id("u"), secrets.token_urlsafe(12)
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
        return user, password

    def new_project(self, accessibility: str = "private") -> str:
        """Create an empty project as the administrator and return its ID."""
        project = self.new_id()
        self.session().put(f"/data/projects/{project}", params={"accessibility": accessibility}).raise_for_status()
        return project


def _column(http: Session, path: str, name: str) -> list[str]:
    answer = http.get(path, params={"format": "json", "columns": name})
    answer.raise_for_status()
    return [row[name] for row in answer.json()["ResultSet"]["Result"]]
