"""Many small files at once: each uploader has a connection, a session and scans of its own, as XNAT demands.

Two writers to one catalog would collide, which is a question of truth and not of speed.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from .practice import BenchError, Client, Practice
from .report import Figure

_HEADERS = {"Content-Type": "application/octet-stream"}
_SAMPLE = 20
_PER_SCAN = 20


@dataclass(frozen=True)
class _Uploader:
    """One connection and the session that it fills, `per_scan` files to a scan. No two files have the same bytes."""

    client: Client
    session: str
    files: int
    per_scan: int
    size: int
    filling: bytes

    @property
    def requests(self) -> int:
        """How many `fill` sends: one for each file, and two for each scan."""
        return self.files + 2 * len(range(0, self.files, self.per_scan))

    def fill(self) -> None:
        """Make each scan with its resource, and PUT the files into it, one after the other."""
        for number in range(self.files):
            if number % self.per_scan == 0:
                self.client.send("PUT", f"{self._scan(number)}?xsiType=xnat:mrScanData&type=T1")
                self.client.send("PUT", f"{self._scan(number)}/resources/NIFTI?format=NIFTI")
            path = f"{self._path(number)}?inbody=true&format=NIFTI"
            if answer := self.client.send("PUT", path, self._body(number), _HEADERS):
                raise BenchError(f"PUT {path} answers {answer!r}")

    def check(self) -> None:
        """Every file is listed with its size; the digests and the bytes of some are those that were sent."""
        rows = json.loads(self.client.send("GET", f"{self.session}/scans/ALL/files"))["ResultSet"]["Result"]
        listed = {row["Name"]: (row["Size"], row["digest"]) for row in rows}
        sample = set(random.sample(range(self.files), min(_SAMPLE, self.files)))
        for number in range(self.files):
            path, body = self._path(number), self._body(number)
            size, digest = listed.pop(path.rpartition("/")[2], ("not listed", ""))
            if size != str(self.size):
                raise BenchError(f"{path}: size {size} instead of {self.size}")
            if number in sample and digest != hashlib.md5(body, usedforsecurity=False).hexdigest():
                raise BenchError(f"{path}: digest {digest!r}")
            if number in sample and self.client.send("GET", path) != body:
                raise BenchError(f"{path}: other bytes came back")
        if listed:
            raise BenchError(f"{self.session}: {sorted(listed)} were never sent")

    def _scan(self, number: int) -> str:
        return f"{self.session}/scans/{1 + number // self.per_scan}"

    def _path(self, number: int) -> str:
        return f"{self._scan(number)}/resources/NIFTI/files/{number:06}.nii"

    def _body(self, number: int) -> bytes:
        head = f"{self._path(number)}\n".encode()
        return head + self.filling[: self.size - len(head)]


def run(practice: Practice, *, uploaders: int = 8, files: int = 400, size: int = 200_000) -> list[Figure]:
    """The rate of `uploaders` that PUT `files` files of `size` bytes each, beside two other ways to send as many."""
    alone = _measure(practice, "ALONE", 1, files, files, size)
    together = _measure(practice, "TOGETHER", uploaders, files, files, size)
    in_scans = _measure(practice, "SCANS", uploaders, files, _PER_SCAN, size)
    return [
        Figure(f"{uploaders} uploaders, files of {size // 1000} KB", together.rate, "requests/s", 300),
        Figure("    data", together.rate * size / 1e6, "MB/s"),
        Figure("    processor time of the server per request", together.server * 1000, "ms"),
        Figure("    processor time of the uploaders per request", together.clients * 1000, "ms"),
        Figure(f"{uploaders} uploaders, a new scan for every {_PER_SCAN} files", in_scans.rate, "requests/s"),
        Figure("    new scans : one scan", in_scans.rate / together.rate, ""),
        Figure("1 uploader", alone.rate, "requests/s"),
        Figure(f"    {uploaders} uploaders : 1 uploader", together.rate / alone.rate, ""),
    ]


@dataclass(frozen=True)
class _Measured:
    """Requests per second, and seconds of processor time for one request."""

    rate: float
    server: float
    clients: float


def _measure(practice: Practice, project: str, count: int, files: int, per_scan: int, size: int) -> _Measured:
    """Upload, and then look at everything that was stored."""
    with ExitStack() as clients_to_close, ThreadPoolExecutor(count) as pool:
        uploaders = [_prepared(practice, project, number, files, per_scan, size) for number in range(count)]
        for uploader in uploaders:
            clients_to_close.callback(uploader.client.close)
        requests = sum(uploader.requests for uploader in uploaders)
        server, clients, started = practice.cpu_seconds, time.process_time(), time.perf_counter()
        list(pool.map(_Uploader.fill, uploaders))
        seconds = time.perf_counter() - started
        server, clients = practice.cpu_seconds - server, time.process_time() - clients
        for uploader in uploaders:
            uploader.check()
    return _Measured(requests / seconds, server / requests, clients / requests)


def _prepared(practice: Practice, project: str, number: int, files: int, per_scan: int, size: int) -> _Uploader:
    """An uploader with a fresh session."""
    client = practice.client()
    session = f"/data/projects/{project}/subjects/S{number}/experiments/S{number}_MR"
    client.send("PUT", f"/data/projects/{project}")
    client.send("PUT", f"{session}?xsiType=xnat:mrSessionData")
    return _Uploader(client, session, files, per_scan, size, os.urandom(size))
