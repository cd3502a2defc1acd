"""One large file in and out, each in two ways: how fast, and how much memory the server takes meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPResponse

from .practice import BenchError, Client, Practice
from .report import Figure

_BLOCK = 1024 * 1024
_MEMORY = 150  # MB
_SESSION = "/data/projects/LARGE/subjects/S/experiments/S_MR"
_BINARY = "application/octet-stream"
_PART = (
    b'--boundary\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n"
)
_END = b"\r\n--boundary--\r\n"


@dataclass(frozen=True)
class _Transfer:
    """Bytes per second, the most memory of the server in MB, and the MD5 of what went over the line."""

    speed: float
    memory: float
    digest: str


def run(practice: Practice, *, size: int = 4 * 1024**3) -> list[Figure]:
    """Upload and download `size` bytes; the MD5 of what was sent must come back each time."""
    with closing(practice.client()) as client:
        client.send("PUT", "/data/projects/LARGE")
        client.send("PUT", f"{_SESSION}?xsiType=xnat:mrSessionData")
        sent = _send(practice, client, "RAW", size, (b"", b""), _BINARY)
        form = _send(practice, client, "FORM", size, (_PART, _END), "multipart/form-data; boundary=boundary")
        received = _receive(practice, client, f"{_SESSION}/resources/RAW/files/large.bin", size)
        zipped = _receive(practice, client, f"{_SESSION}/resources/FORM/files?format=zip", size, zipped=True)
    if received.digest != sent.digest or zipped.digest != form.digest:
        raise BenchError("other bytes came back than were sent")
    name = f"{size / 1024**3:.3g} GB"
    figures = []
    ways = {"in": sent, "in, as multipart": form, "out": received, "out, as zip": zipped}
    for way, transfer in ways.items():
        figures.append(Figure(f"{name} {way}: most memory of the server", transfer.memory, "MB", _MEMORY, "most"))
        figures.append(Figure("    speed", transfer.speed / 1e6, "MB/s"))
    figures.append(Figure("    multipart : plain, speed", form.speed / sent.speed, ""))
    figures.append(Figure("    zip : plain, speed", zipped.speed / received.speed, ""))
    return figures


def _send(
    practice: Practice, client: Client, label: str, size: int, around: tuple[bytes, bytes], media_type: str
) -> _Transfer:
    """PUT a file, between the two ends of a form if there are any, and look at what the list says of it."""
    digest = hashlib.md5(usedforsecurity=False)

    def body() -> Iterator[bytes]:
        yield around[0]
        for block in _blocks(size):
            digest.update(block)
            yield block
        yield around[1]

    folder = f"{_SESSION}/resources/{label}/files"
    length = sum(map(len, around)) + size
    practice.forget_peak()
    started = time.perf_counter()
    headers = {"Content-Type": media_type, "Content-Length": str(length)}
    if answer := client.send("PUT", f"{folder}/large.bin", body(), headers):
        raise BenchError(f"PUT {folder}/large.bin answers {answer!r}")
    speed, memory = size / (time.perf_counter() - started), practice.peak_megabytes
    row = json.loads(client.send("GET", folder))["ResultSet"]["Result"][0]
    if (row["Size"], row["digest"]) != (str(size), digest.hexdigest()):
        raise BenchError(f"sent {size} bytes with the MD5 {digest.hexdigest()}; the list says {row}")
    return _Transfer(speed, memory, digest.hexdigest())


def _receive(practice: Practice, client: Client, path: str, size: int, *, zipped: bool = False) -> _Transfer:
    """GET a file, alone or as the only one in a zip."""
    digest, left = hashlib.md5(usedforsecurity=False), size
    practice.forget_peak()
    started = time.perf_counter()
    answer = client.request("GET", path)
    if zipped:
        _skip_header(answer)
    while block := answer.read(min(_BLOCK, left)):
        digest.update(block)
        left -= len(block)
    while answer.read(_BLOCK):  # the directory of a zip
        pass
    return _Transfer(size / (time.perf_counter() - started), practice.peak_megabytes, digest.hexdigest())


def _skip_header(answer: HTTPResponse) -> None:
    """Read up to the bytes of the first file in a zip, which is not compressed."""
    header = answer.read(30)
    method, name, extra = struct.unpack_from("<8xH16x2H", header)
    if method != 0:
        raise BenchError(f"the zip is compressed: method {method}")
    answer.read(name + extra)


def _blocks(size: int) -> Iterator[bytes]:
    """`size` bytes in blocks that all differ, so that a lost or a repeated one shows."""
    tail = os.urandom(_BLOCK - 8)
    for offset in range(0, size, _BLOCK):
        yield (offset.to_bytes(8, "big") + tail)[: size - offset]
