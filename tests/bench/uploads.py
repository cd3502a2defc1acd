"""Many small files at once: each uploader has a connection, a session and a scan of its own, as XNAT demands.

(Two writers to one catalog collide, which is a question of truth and not of speed.)
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .practice import BenchError, Client, Practice
from .report import Figure

_HEADERS = {"Content-Type": "application/octet-stream"}
_SAMPLE = 20


@dataclass(frozen=True)
class _Uploader:
    """One connection and the folder that it fills. No two files have the same bytes."""

    client: Client
    folder: str
    tail: bytes
    count: int

    def body(self, number: int) -> bytes:
        return f"{self.folder} {number:06}\n".encode() + self.tail

    def fill(self) -> None:
        """PUT all files, one after the other."""
        for number in range(self.count):
            path = f"{self.folder}/{number:06}.nii?inbody=true&format=NIFTI"
            answer = self.client.send("PUT", path, self.body(number), _HEADERS)
            if answer:
                raise BenchError(f"PUT {path} answers {answer!r}")

    def check(self) -> None:
        """Every file is listed with its size; the digests and the bytes of some are those that were sent."""
        rows = json.loads(self.client.send("GET", self.folder))["ResultSet"]["Result"]
        listed = {row["Name"]: (row["Size"], row["digest"]) for row in rows}
        sample = set(random.sample(range(self.count), min(_SAMPLE, self.count)))
        for number in range(self.count):
            name, body = f"{number:06}.nii", self.body(number)
            size, digest = listed.pop(name, ("not listed", ""))
            if size != str(len(body)):
                raise BenchError(f"{self.folder}/{name}: size {size} instead of {len(body)}")
            if number in sample and digest != hashlib.md5(body, usedforsecurity=False).hexdigest():
                raise BenchError(f"{self.folder}/{name}: digest {digest!r}")
            if number in sample and self.client.send("GET", f"{self.folder}/{name}") != body:
                raise BenchError(f"{self.folder}/{name}: other bytes came back")
        if listed:
            raise BenchError(f"{self.folder}: {sorted(listed)} were never sent")


def run(practice: Practice, *, uploaders: int = 8, files: int = 400, size: int = 200_000) -> list[Figure]:
    """The rate of `uploaders` that PUT `files` files of `size` bytes each, beside that of a single one."""
    alone = _measure(practice, "ALONE", 1, files, size)
    together = _measure(practice, "TOGETHER", uploaders, files, size)
    return [
        Figure(f"{uploaders} uploaders, files of {size // 1000} KB", together.rate, "requests/s", 300),
        Figure("    data", together.rate * size / 1e6, "MB/s"),
        Figure("    processor time of the server per request", together.server * 1000, "ms"),
        Figure("    processor time of the uploaders per request", together.clients * 1000, "ms"),
        Figure("1 uploader", alone.rate, "requests/s"),
        Figure(f"    {uploaders} uploaders : 1 uploader", together.rate / alone.rate, ""),
    ]


@dataclass(frozen=True)
class _Measured:
    """Requests per second, and seconds of processor time for one request."""

    rate: float
    server: float
    clients: float


def _measure(practice: Practice, project: str, count: int, files: int, size: int) -> _Measured:
    """Upload, and then look at everything that was stored."""
    uploaders = [_prepared(practice, project, number, files, size) for number in range(count)]
    requests = count * files
    with ThreadPoolExecutor(count) as pool:
        server, clients, started = practice.cpu_seconds, time.process_time(), time.perf_counter()
        list(pool.map(_Uploader.fill, uploaders))
        seconds = time.perf_counter() - started
        server, clients = practice.cpu_seconds - server, time.process_time() - clients
    for uploader in uploaders:
        uploader.check()
        uploader.client.close()
    return _Measured(requests / seconds, server / requests, clients / requests)


def _prepared(practice: Practice, project: str, number: int, files: int, size: int) -> _Uploader:
    """An uploader with a fresh scan and its resource."""
    client = practice.client()
    session = f"/data/projects/{project}/subjects/S{number}/experiments/S{number}_MR"
    resource = f"{session}/scans/1/resources/NIFTI"
    client.send("PUT", f"/data/projects/{project}")
    client.send("PUT", f"{session}?xsiType=xnat:mrSessionData")
    client.send("PUT", f"{session}/scans/1?xsiType=xnat:mrScanData&type=T1")
    client.send("PUT", f"{resource}?format=NIFTI")
    head = len(_Uploader(client, f"{resource}/files", b"", files).body(0))
    return _Uploader(client, f"{resource}/files", os.urandom(size)[head:], files)
