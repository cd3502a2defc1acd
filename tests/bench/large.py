"""One large file in and out again: how fast, and how much memory the server takes meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator

from .practice import BenchError, Practice
from .report import Figure

_BLOCK = 1024 * 1024
_MEMORY = 150  # MB


def run(practice: Practice, *, size: int = 4 * 1024**3) -> list[Figure]:
    """Upload and download `size` bytes; both must have the MD5 of what was sent."""
    client = practice.client()
    session = "/data/projects/LARGE/subjects/S/experiments/S_MR"
    client.send("PUT", "/data/projects/LARGE")
    client.send("PUT", f"{session}?xsiType=xnat:mrSessionData")
    path = f"{session}/resources/RAW/files/large.bin"
    sent, received = hashlib.md5(usedforsecurity=False), hashlib.md5(usedforsecurity=False)

    def body() -> Iterator[bytes]:
        for block in _blocks(size):
            sent.update(block)
            yield block

    practice.forget_peak()
    started = time.perf_counter()
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
    if answer := client.send("PUT", path, body(), headers):
        raise BenchError(f"PUT {path} answers {answer!r}")
    seconds_in, memory_in = time.perf_counter() - started, practice.peak_megabytes

    practice.forget_peak()
    started = time.perf_counter()
    download = client.request("GET", path)
    while block := download.read(_BLOCK):
        received.update(block)
    seconds_out, memory_out = time.perf_counter() - started, practice.peak_megabytes

    row = json.loads(client.send("GET", f"{session}/resources/RAW/files"))["ResultSet"]["Result"][0]
    if (row["Size"], row["digest"], received.digest()) != (str(size), sent.hexdigest(), sent.digest()):
        raise BenchError(f"{path}: sent {size} bytes, MD5 {sent.hexdigest()}; came back {received.hexdigest()}: {row}")
    client.send("DELETE", path)
    client.close()
    name = f"{size / 1024**3:.3g} GB"
    return [
        Figure(f"{name} in: most memory of the server", memory_in, "MB", _MEMORY, "most"),
        Figure("    speed", size / seconds_in / 1e6, "MB/s"),
        Figure(f"{name} out: most memory of the server", memory_out, "MB", _MEMORY, "most"),
        Figure("    speed", size / seconds_out / 1e6, "MB/s"),
    ]


def _blocks(size: int) -> Iterator[bytes]:
    """`size` bytes in blocks that all differ, so that a lost or a repeated one shows."""
    tail = os.urandom(_BLOCK - 8)
    for offset in range(0, size, _BLOCK):
        yield (offset.to_bytes(8, "big") + tail)[: size - offset]
