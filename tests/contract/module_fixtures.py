"""What the tests of modules share; a test file asks for it with `pytest_plugins = ["module_fixtures"]`.

Fixtures: `modules` (the modules as the administrator), and for files `key`, `folder` and `stored`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from ansible.module_utils.xnat.session import Session
from module_runner import SCAN, Modules
from xnat_twin.testing import XnatServer


@pytest.fixture
def modules(xnat: XnatServer) -> Modules:
    return Modules(xnat.url, xnat.admin, xnat.password, xnat.ca_path)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Method and path of each request of the modules that could change something, but for logging in and out."""
    seen: list[tuple[str, str]] = []
    send: Callable[..., requests.Response] = Session._once

    def once(session: Session, call: Any, login: Any = None) -> requests.Response:
        if call.method not in {"GET", "HEAD"} and call.path != "/data/JSESSION":
            seen.append((call.method, call.path))
        return send(session, call, login)

    monkeypatch.setattr(Session, "_once", once)
    return seen


@pytest.fixture
def key(project: str) -> dict[str, str]:
    return {"project": project, **SCAN, "resource": "NIFTI"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files, one of them empty, one in a folder with a space in its name."""
    for name, data in {"T1.nii.gz": b"image" * 1000, "empty.txt": b"", "more of it/a+b (1).txt": b"text"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


@pytest.fixture
def stored(xnat: XnatServer, project: str) -> Callable[..., dict[str, bytes]]:
    """Read the resource back by other means than the module's: {path: content}."""

    def read(label: str = "NIFTI", path: str = "subjects/s1/experiments/e1/scans/1") -> dict[str, bytes]:
        http = xnat.session()
        answer = http.get(
            f"{xnat.url}/data/projects/{project}/{path}/resources/{label}/files", params={"format": "json"}
        )
        if answer.status_code == 404:
            return {}
        rows = answer.json()["ResultSet"]["Result"]
        found = {}
        for row in rows:
            base, name = row["URI"].split("/files/", 1)
            found[name] = http.get(f"{xnat.url}{base}/files/{quote(name)}").content
        return found

    return read
