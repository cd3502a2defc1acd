"""The inside of a zip file that was uploaded: its list (`listContents=true`) and single entries (`x.zip/inner.txt`).

Reference: FileList.handleSingleCatalog.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote_plus

from falcon import Request, Response

from xnat_twin.errors import StatusError
from xnat_twin.lists.tables import Table
from xnat_twin.resources.base import send_table
from xnat_twin.storage.disk import CHUNK
from xnat_twin.transfer.download import content_type, refuse_range


def split_zip(path: str, extensions: Sequence[str]) -> tuple[str, str]:
    """(path of the zip file, name of an entry in it); the entry is empty if the path names none.

    `.zip/` or `.zip!` anywhere divides the path, so files below a folder `data.zip` cannot be had by name. Capitals are
    accepted when looking for the place and not when dividing there; that, and no entry behind it, is a 500.
    """
    for extension in extensions:
        for end in ("!", "/"):
            divider = f".{extension}{end}"
            if divider.lower() in path.lower():
                parts = [part for part in path.split(divider) if part]
                if len(parts) < 2:
                    raise StatusError(500)
                return f"{parts[0]}.{extension}", parts[1]
    return path, ""


def looks_zipped(name: str, extensions: Sequence[str]) -> bool:
    """Whether the name *contains* an extension: `myzip.txt` does."""
    return any(extension in name.lower() for extension in extensions)


def send_contents(req: Request, resp: Response, file: Path) -> bool:
    """Answer with the names and sizes of a zip file's entries. False, and no answer, if it is empty."""
    with _opened(file) as archive:
        rows = [{"File Name": entry.filename, "Size": entry.file_size} for entry in archive.infolist()]
    if rows:
        properties = [{"key": "URI", "serverRoot": ""}]
        send_table(req, resp, Table(("File Name", "Size"), rows, "Files", properties, total_records=False))
    return bool(rows)


def send_inner(req: Request, resp: Response, file: Path, name: str) -> None:
    """Answer with one entry of a zip file, unpacked while it is sent: no length, no date, no name to save it under."""
    entry = unquote_plus(name)
    with _opened(file) as archive:
        if entry not in archive.NameToInfo:
            raise StatusError(404, "Unable to find file.")
    refuse_range(req)
    resp.content_type = content_type(name.lower())
    resp.set_header("Content-Security-Policy", "sandbox")  # a browser shows it, and must not run what was uploaded
    resp.stream = _unpacked(file, entry)


def _unpacked(file: Path, entry: str) -> Iterator[bytes]:
    with zipfile.ZipFile(file) as archive, archive.open(entry) as content:
        while chunk := content.read(CHUNK):
            yield chunk


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    """415 if it is no zip file, whatever its name says."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise StatusError(415, str(error)) from error
