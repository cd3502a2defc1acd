"""What the tests of files share: headers, lists by path, archives to send, uploads that stop half-way."""

from __future__ import annotations

import http.client
import io
import tarfile
import time
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from object_helpers import rows_of
from xnat_twin.testing import Session, XnatServer

TEXT = {"Content-Type": "text/plain"}
BINARY = {"Content-Type": "application/octet-stream"}


def put(api: Session, path: str, body: bytes = b"x", /, **params: str) -> requests.Response:
    """Upload one small file."""
    return api.put(path, params=params, data=body, headers=BINARY)


def listed(api: Session, files: str, **params: str) -> dict[str, dict[str, str]]:
    """The rows of a list of files, by path below the resource."""
    return {row["URI"].partition("/files/")[2]: row for row in rows_of(api, files, **params)}


def names_of(api: Session, files: str) -> list[str]:
    """The last parts of all paths in a list of files, in order."""
    return sorted(row["Name"] for row in rows_of(api, files))


def zipped(api: Session, files: str, **params: str) -> zipfile.ZipFile:
    """All that a list of files would have, as one archive."""
    answer = api.get(files, params={"format": "zip", **params})
    answer.raise_for_status()
    return zipfile.ZipFile(io.BytesIO(answer.content))


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


def stored(xnat: XnatServer, project: str, name: str) -> Path:
    """Where the practice server has a file of a project."""
    return next(xnat.archive.glob(f"{project}/**/{name}"))


def raw_get(xnat: XnatServer, path: str) -> tuple[int, bytes]:
    """GET of a path exactly as it is written: `requests` would decode what need not be encoded."""
    with closing(_connection(xnat)) as connection:
        connection.request("GET", urlsplit(xnat.url).path + path, headers=_basic_auth(xnat))
        answer = connection.getresponse()
        return answer.status, answer.read()


@contextmanager
def half_sent(xnat: XnatServer, path: str, size: int) -> Iterator[http.client.HTTPConnection]:
    """An upload of `size` bytes that the server has begun to store, with the last half of them still to be sent.

    So the server has read the catalog. On a real XNAT that is only likely, as nobody can look at its disk.
    """
    with closing(_connection(xnat)) as connection:
        connection.putrequest("PUT", urlsplit(xnat.url).path + path)
        for name, value in {**BINARY, "Content-Length": str(size), **_basic_auth(xnat)}.items():
            connection.putheader(name, value)
        connection.endheaders(b"x" * (size - size // 2))
        if xnat.is_practice:
            project, name = path.split("/")[3], path.rpartition("/")[2]
            wait_until(lambda: any(xnat.archive.glob(f"{project}/**/{name}")))
        else:
            time.sleep(0.5)
        yield connection


def wait_until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    """Fails if it does not come true."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)


def _connection(xnat: XnatServer) -> http.client.HTTPConnection:
    server = urlsplit(xnat.url)
    kind = http.client.HTTPSConnection if server.scheme == "https" else http.client.HTTPConnection
    return kind(server.hostname or "", server.port, timeout=60)


def _basic_auth(xnat: XnatServer) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{xnat.admin}:{xnat.password}'.encode()).decode()}"}
