"""What the tests of other people's clients share; a test file asks for it with `pytest_plugins = ["client_fixtures"]`.

Fixtures: `xnatpy` (a connection), `pyxnat` (an interface) and `shell` (runs a script with curl), each as the
administrator; `nifti` (a file to upload); `stored` and `rows`, which look at the server by other means than the client.
"""

from __future__ import annotations

import gc
import gzip
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from client_runner import Clients
from xnat_twin.testing import Session, XnatServer


@pytest.fixture(scope="session")
def direct(xnat: XnatServer) -> Iterator[None]:
    """No proxy and no `.netrc` between client and server, and the server's own certificate authority."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            environment.delenv(name)
        environment.setenv("NO_PROXY", "*")
        environment.setenv("NETRC", os.devnull)
        if xnat.ca_path:
            environment.setenv("REQUESTS_CA_BUNDLE", xnat.ca_path)
            environment.setenv("CURL_CA_BUNDLE", xnat.ca_path)
        yield


@pytest.fixture
def clients(xnat: XnatServer, direct: None) -> Clients:
    return Clients(xnat)


@pytest.fixture
def xnatpy(clients: Clients) -> Iterator[Any]:
    """A connection of XNATpy, as the administrator."""
    with clients.xnatpy() as connection:
        yield connection
    del connection
    gc.collect()  # with each deletion XNATpy reads every list again that is still in memory, of any connection


@pytest.fixture
def pyxnat(clients: Clients) -> Iterator[Any]:
    """An interface of pyxnat, as the administrator."""
    with clients.pyxnat() as interface:
        yield interface


@pytest.fixture
def shell(xnat: XnatServer, direct: None, tmp_path: Path) -> Callable[..., str]:
    """Run a bash script in a folder of its own; variables: `url`, `user`, `password` and those that are given."""

    def run(script: str, **variables: str | Path) -> str:
        environment = {
            **os.environ,
            "url": xnat.url,
            "user": xnat.admin,
            "password": xnat.password,
            **{name: str(value) for name, value in variables.items()},
        }
        done = subprocess.run(
            ["bash", "-eu", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"exit status {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def nifti(tmp_path: Path) -> Path:
    """`T1.nii.gz`: bytes that are no text, larger than one block of any client."""
    path = tmp_path / "T1.nii.gz"
    path.write_bytes(gzip.compress(random.Random(1).randbytes(1_000_000), mtime=0))  # noqa: S311 - no secret
    return path


@pytest.fixture
def rows(api: Session) -> Callable[..., list[dict[str, str]]]:
    """`rows("/data/projects", columns="ID")`: the rows of a list."""

    def read(path: str, **parameters: str) -> list[dict[str, str]]:
        answer = api.get(path, params={"format": "json", **parameters})
        answer.raise_for_status()
        found: list[dict[str, str]] = answer.json()["ResultSet"]["Result"]
        return found

    return read


@pytest.fixture
def stored(api: Session, rows: Callable[..., list[dict[str, str]]]) -> Callable[[str], dict[str, bytes]]:
    """`stored("/data/experiments/E/resources/R")`: path and content of each file."""

    def read(resource: str) -> dict[str, bytes]:
        return {row["URI"].partition("/files/")[2]: api.get(row["URI"]).content for row in rows(f"{resource}/files")}

    return read
