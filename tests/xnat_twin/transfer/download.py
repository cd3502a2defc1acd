"""One file from the disk to the client, streamed: headers, ranges, conditional requests.

Archives of several files are not here (bulk.py). Reference: FileList, SecureResource; RangeFilter in Restlet.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from falcon import Request, Response

from xnat_twin.errors import StatusError
from xnat_twin.storage.disk import CHUNK

_TYPES = {
    ".bmp": "image/bmp", ".gif": "image/gif", ".html": "text/html", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
    ".pdf": "application/pdf", ".png": "image/png", ".svg": "image/svg+xml", ".tiff": "image/tiff",
    ".txt": "text/plain", ".xml": "text/xml",
}  # fmt: skip
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def send_file(req: Request, resp: Response, path: Path) -> None:
    """Answer with the file. 404 if it is only in the catalog, 206 for one range, 304 if unchanged, 501 for several."""
    if not path.is_file():
        raise StatusError(404, "Unable to find file.")
    status = path.stat()
    modified = dt.datetime.fromtimestamp(int(status.st_mtime), dt.UTC)
    resp.content_type = content_type(path.name)
    resp.last_modified = modified
    resp.set_header("Cache-Control", "must-revalidate")
    attach(resp, path.name)
    since = req.if_modified_since
    if since is not None and modified <= (since if since.tzinfo else since.replace(tzinfo=dt.UTC)):
        resp.status = 304
        return
    start, end = _range(_wanted(req), status.st_size)
    if (start, end) != (0, status.st_size):
        resp.status = 206
        resp.set_header("Content-Range", f"bytes {start}-{end - 1}/{status.st_size}")
    resp.set_stream(read_file(path, start, end), end - start)


def content_type(name: str) -> str:
    """By the ending, in lower case only: `A.TXT` is `application/octet-stream`. Reference: buildMediaType."""
    return _TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")


def attach(resp: Response, name: str) -> None:
    """Let a browser save the answer as `name`; with the semicolon at the end that XNAT writes."""
    resp.set_header("Accept-Ranges", "bytes")
    latin = name.encode("iso-8859-1", "replace").decode("iso-8859-1").replace('"', "'")
    resp.set_header("Content-Disposition", f'attachment; filename="{latin}";')


def refuse_range(req: Request) -> None:
    """500 for a part of what has no known size (tables, archives); 501 for several parts of anything."""
    if header := _wanted(req):
        raise StatusError(501 if "," in header else 500)


def read_file(path: Path, start: int, end: int) -> Iterator[bytes]:
    """The bytes [start, end), in chunks."""
    with path.open("rb") as file:
        file.seek(start)
        while start < end and (chunk := file.read(min(CHUNK, end - start))):
            start += len(chunk)
            yield chunk


def _wanted(req: Request) -> str | None:
    """The Range header; only a GET has one."""
    return req.get_header("Range") if req.method == "GET" else None


def _range(header: str | None, size: int) -> tuple[int, int]:
    """[start, end) of the requested range; the whole file without one."""
    if header is None:
        return 0, size
    if "," in header:
        raise StatusError(501, "Multiple ranges are not supported.")
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[1] == match[2] == "":
        return 0, size
    if match[1] == "":
        return max(size - int(match[2]), 0), size
    start, end = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
    if start >= end:
        raise StatusError(416)
    return start, end
