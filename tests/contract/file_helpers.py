"""What the tests of files share: headers, lists by path, archives to send, a site with other settings."""

from __future__ import annotations

import http.client
import io
import tarfile
import zipfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from xnat_twin.testing import Session, XnatServer

TEXT = {"Content-Type": "text/plain"}
BINARY = {"Content-Type": "application/octet-stream"}


def put(api: Session, path: str, body: bytes = b"x", /, **params: str) -> requests.Response:
    """Upload one small file."""
    return api.put(path, params=params, data=body, headers=BINARY)


def listed(api: Session, files: str, **params: str) -> dict[str, dict[str, str]]:
    """The rows of a list of files, by path below the resource."""
    answer = api.get(files, params=params)
    answer.raise_for_status()
    return {row["URI"].partition("/files/")[2]: row for row in answer.json()["ResultSet"]["Result"]}


def zip_of(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tar_of(members: Mapping[str, bytes], mode: str = "w") -> bytes:
    """As `tar -C folder -c .` makes it: each path starts with `./`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@contextmanager
def setting(xnat: XnatServer, **settings: object) -> Iterator[None]:
    """The practice site with other settings for a while."""
    preferences = xnat.site.preferences
    before = {name: preferences[name] for name in settings}
    preferences.set(settings)
    try:
        yield
    finally:
        preferences.set(before)


def stored(xnat: XnatServer, project: str, name: str) -> Path:
    """Where the practice server has a file of a project."""
    return next(xnat.archive.glob(f"{project}/**/{name}"))


def raw_get(xnat: XnatServer, path: str) -> tuple[int, bytes]:
    """GET of a path exactly as it is written: `requests` would decode what need not be encoded."""
    server = urlsplit(xnat.url)
    kind = http.client.HTTPSConnection if server.scheme == "https" else http.client.HTTPConnection
    token = b64encode(f"{xnat.admin}:{xnat.password}".encode()).decode()
    connection = kind(server.hostname or "", server.port)
    try:
        connection.request("GET", server.path + path, headers={"Authorization": f"Basic {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
