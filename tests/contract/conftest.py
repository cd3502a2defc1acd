"""The server that contract tests talk to: the practice XNAT by default, any real XNAT when XNAT_URL is set.

Fixtures
--------
`xnat` (session scope)      a `xnat_twin.testing.XnatServer`: url, admin, password, faults, and ways to make sessions,
                            users, projects and unique names
`practice` (session scope)   makes further practice servers: `practice(flavour="1.6", modules=("dpuk-datatypes",))`
`api` (function scope)      a fresh session of the administrator that takes paths: `api.get("/data/projects")`
`project` (function scope)  the ID of a fresh, empty, private project; deleted afterwards
`session`, `scan`           paths of a fresh MR session `S1_MRI` (subject `S1`) in that project, and of its scan `1`

Markers
-------
`practice_xnat("reason")`   the test needs `xnat.faults` or another part of the practice server. With XNAT_URL set it is
                            deselected while collecting, and the reason is printed; it is never skipped.

Environment for a real server: XNAT_URL, XNAT_USER, XNAT_PASSWORD (an administrator), XNAT_CA_PATH if its certificate
is signed by a private authority, XNAT_OTHER_USER and XNAT_OTHER_PASSWORD (an ordinary account without projects; without
it the tests of what others may do are skipped). Only projects are created there, with names that no one else has, and
all of them are removed at the end; a project that would not go is an error.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from xnat_twin.flavour import DEFAULT_FLAVOUR, FLAVOURS
from xnat_twin.server import Server
from xnat_twin.site import Site
from xnat_twin.testing import Practice, Session, XnatServer, log_out


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rule(*ids): the rules of xnat_twin/rules that this test holds")
    config.addinivalue_line("markers", "practice_xnat(reason): needs the practice XNAT; left out when XNAT_URL is set")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "XNAT_URL" not in os.environ:
        return
    reasons = {item: marker.args[0] for item in items if (marker := item.get_closest_marker("practice_xnat"))}
    of_their_own = [item for item in items if "practice" in getattr(item, "fixturenames", ())]
    reasons |= dict.fromkeys(of_their_own, "starts a practice server of its own")
    items[:] = [item for item in items if item not in reasons]
    config.hook.pytest_deselected(items=list(reasons))
    print(f"{len(reasons)} tests are left out on a real XNAT; -v lists them with their reasons")
    if config.get_verbosity() > 0:
        for item, reason in reasons.items():
            print(f"  {item.nodeid}: {reason}")


@pytest.fixture(scope="session")
def xnat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XnatServer]:
    """The server under test."""
    if "XNAT_URL" in os.environ:
        real = XnatServer(
            os.environ["XNAT_URL"].rstrip("/"),
            os.environ["XNAT_USER"],
            os.environ["XNAT_PASSWORD"],
            os.environ.get("XNAT_CA_PATH"),
            (os.environ["XNAT_OTHER_USER"], os.environ["XNAT_OTHER_PASSWORD"])
            if "XNAT_OTHER_USER" in os.environ
            else None,
        )
        yield real
        left = real.remove_projects()
        assert not left, f"projects of this run that could not be removed from {real.url}: {', '.join(left)}"
        return
    password = secrets.token_urlsafe(12)
    site = Site.open(tmp_path_factory.mktemp("xnat"), admin_password=password, allow_faults=True)
    with Server(site, port=0) as server:
        yield XnatServer(server.url, "admin", password, _site=site)


@pytest.fixture(scope="session")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    """A maker of practice servers of another flavour or with modules; the same wishes give the same server.

    `schemas` are files with further data types. `name` gives a server that nobody else has. One that is not
    `initialized` has never been configured.
    """
    with ExitStack() as servers:

        @cache
        def make(
            flavour: str = DEFAULT_FLAVOUR.name,
            modules: tuple[str, ...] = (),
            schemas: tuple[Path, ...] = (),
            *,
            initialized: bool = True,
            name: str = "",
        ) -> XnatServer:
            password = secrets.token_urlsafe(12)
            folder = tmp_path_factory.mktemp(f"practice{name}")
            site = Site.open(
                folder,
                admin_password=password,
                flavour=FLAVOURS[flavour],
                modules=modules,
                schemas=schemas,
                allow_faults=True,
                initialized=initialized,
            )
            server = servers.enter_context(Server(site, port=0))
            return XnatServer(server.url, "admin", password, _site=site)

        yield make


@pytest.fixture(autouse=True)
def _tidy(xnat: XnatServer) -> Iterator[None]:
    """Each test logs out, and may borrow the ordinary account of a real server anew."""
    yield
    log_out()
    xnat.take_back_user()


@pytest.fixture
def no_faults_left(xnat: XnatServer) -> Iterator[None]:
    """Faults that a test set and did not use up are forgotten after it."""
    yield
    xnat.faults.clear()


@pytest.fixture
def project(xnat: XnatServer) -> Iterator[str]:
    """A fresh private project of the administrator."""
    identifier = xnat.new_project()
    yield identifier
    xnat.session().delete(f"/data/projects/{identifier}", params={"removeFiles": "true"})


@pytest.fixture
def api(xnat: XnatServer) -> Iterator[Session]:
    """The administrator."""
    with xnat.session() as http:
        yield http


@pytest.fixture
def session(api: Session, project: str) -> str:
    """`/data/projects/…/experiments/S1_MRI`."""
    path = f"/data/projects/{project}/subjects/S1/experiments/S1_MRI"
    api.put(path, params={"xsiType": "xnat:mrSessionData"}).raise_for_status()
    return path


@pytest.fixture
def scan(api: Session, session: str) -> str:
    """`/data/projects/…/experiments/S1_MRI/scans/1`, of type T1."""
    path = f"{session}/scans/1"
    api.put(path, params={"xsiType": "xnat:mrScanData", "type": "T1"}).raise_for_status()
    return path
