"""The images that every contender sends, the table that says where to, and the look at what has arrived."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.practice import BenchError, Client

RESOURCE = "NIFTI"
_SAMPLE = 5
_BLOCK = 1024 * 1024
_COLUMNS = ("path", "subject", "session", "scan", "scan_type", "resource")


@dataclass(frozen=True)
class Image:
    """A file and where it shall be."""

    path: Path
    subject: str
    session: str
    scan: str
    scan_type: str
    size: int
    md5: str

    @property
    def session_path(self) -> str:
        return f"subjects/{self.subject}/experiments/{self.session}"

    @property
    def resource_path(self) -> str:
        return f"{self.session_path}/scans/{self.scan}/resources/{RESOURCE}"

    @property
    def key(self) -> tuple[str, str]:
        """What XNAT says of the place: scan, and name of the file."""
        return self.scan, self.path.name


def small_images(folder: Path, sessions: int, scans: int, size: int) -> list[Image]:
    """Two NIFTI images of about `size` bytes for each scan of so many sessions; no two have the same bytes."""
    filling = os.urandom(size)
    found = []
    for number in range(sessions * scans * 2):
        session, scan = divmod(number // 2, scans)
        subject = f"S{session:05}"
        path = folder / subject / f"{subject}_{scan + 1}_{number % 2 + 1}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        body = _header() + number.to_bytes(8, "big") + filling[: size - 400]
        data = gzip.compress(body, compresslevel=0, mtime=0)  # what is random cannot be made smaller
        found.append(_written(data, path, subject, scan))
    return found


def tiny_files(folder: Path, sessions: int, scans: int, files: int) -> list[Image]:
    """So many small texts for each scan of so many sessions; no two have the same bytes."""
    found = []
    for number in range(sessions * scans * files):
        session, scan = divmod(number // files, scans)
        subject = f"S{session:05}"
        path = folder / subject / str(scan + 1) / f"{number:07}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = f"this is file {number}\n".encode()
        found.append(_written(data, path, subject, scan))
    return found


def _written(data: bytes, path: Path, subject: str, scan: int) -> Image:
    path.write_bytes(data)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return Image(path, subject, f"{subject}_MR", str(scan + 1), "T1", len(data), md5)


def large_image(folder: Path, size: int) -> list[Image]:
    """One image of that many bytes, not compressed."""
    folder.mkdir(parents=True, exist_ok=True)
    path, digest = folder / "large.nii", hashlib.md5(usedforsecurity=False)
    with path.open("wb") as file:
        for block in _blocks(size):
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())  # or the disk would still be busy with it while it is sent
    return [Image(path, "S", "S_MR", "1", "T1", size, digest.hexdigest())]


def write_table(images: Sequence[Image], path: Path) -> None:
    """Write the table that the contenders read; xnat_upload takes it as its manifest."""
    rows = [_COLUMNS, *((str(i.path), i.subject, i.session, i.scan, i.scan_type, RESOURCE) for i in images)]
    path.write_text("".join("\t".join(row) + "\n" for row in rows))


def check_arrived(client: Client, project: str, images: Sequence[Image]) -> None:
    """Each image is listed where it shall be, with its size and MD5, and nothing else is; some are read back.

    Raises BenchError.
    """
    sessions: dict[str, list[Image]] = {}
    for image in images:
        sessions.setdefault(image.session_path, []).append(image)
    rows = _rows(client, f"/data/projects/{project}/experiments")
    if {row["label"] for row in rows} != {image.session for image in images}:
        raise BenchError(f"{project}: {len(rows)} sessions are there, not the {len(sessions)} that were sent")
    for path, wanted in sessions.items():
        rows = _rows(client, f"/data/projects/{project}/{path}/scans/ALL/files")
        found = {
            (row["URI"].partition("/scans/")[2].partition("/")[0], row["Name"]): (row["Size"], row["digest"])
            for row in rows
            if row["collection"] == RESOURCE
        }
        if len(rows) != len(found) or found != {image.key: (str(image.size), image.md5) for image in wanted}:
            raise BenchError(f"{project}, {path}: {found} instead of {[image.path.name for image in wanted]}")
    for image in random.sample(images, min(_SAMPLE, len(images))):
        path = f"/data/projects/{project}/{image.resource_path}/files/{image.path.name}"
        answer, digest = client.request("GET", path), hashlib.md5(usedforsecurity=False)
        while block := answer.read(_BLOCK):
            digest.update(block)
        if digest.hexdigest() != image.md5:
            raise BenchError(f"{path}: other bytes came back than were sent")


def _rows(client: Client, path: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(client.send("GET", f"{path}?format=json"))["ResultSet"]["Result"]
    return rows


def _header() -> bytes:
    """Header of a NIFTI-1 file with one volume of 64 x 64 x 24 voxels of 16 bits, and the empty list of extensions."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, 64, 64, 24, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1, 2, 2, 3, 1, 1, 1, 1)
    struct.pack_into("<f", header, 108, 352)
    header[123] = 10  # millimetres and seconds
    header[344:348] = b"n+1\0"
    return bytes(header)


def _blocks(size: int) -> Iterator[bytes]:
    """A header and then blocks that all differ, so that a lost or a repeated one shows; `size` bytes in all."""
    tail = os.urandom(_BLOCK - 8)
    yield _header()
    for offset in range(352, size, _BLOCK):
        yield (offset.to_bytes(8, "big") + tail)[: size - offset]
