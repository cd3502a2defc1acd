"""An upload from the request to the disk, in chunks: which files a body holds, and their way into a resource.

Nothing is held in memory. Files are written where they will stay, so a failed upload leaves its part behind, which
later counts as a duplicate; that is XNAT's behaviour. Reference: SecureResource, CatalogUtils.storeCatalogEntry.
"""

from __future__ import annotations

import hashlib
import math
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import unquote_plus

from falcon import Request

from xnat_twin.errors import StatusError
from xnat_twin.params import Params
from xnat_twin.storage.archive import path_inside
from xnat_twin.storage.catalog import Catalog, Entry, created_time
from xnat_twin.storage.disk import CHUNK
from xnat_twin.storage.history import History

#: Content types whose raw body XNAT takes as a file without being told `inbody=true`, and the name it makes up.
FILE_TYPES = {
    "text/plain": ".txt", "text/xml": ".xml", "text/csv": ".csv", "application/dicom": ".dcm",
    "application/zip": ".zip", "application/xar": ".xar", "application/x-gtar": ".tar.gz",
    "application/x-gzip": ".gzip", "application/octet-stream": "", "application/pdf": ".pdf",
    "application/vnd.ms-excel": ".xls", "application/vnd.ms-powerpoint": ".ppt", "application/x-tar": ".tar",
    "application/msword": ".doc", "image/bmp": ".bmp", "image/gif": ".gif", "image/x-icon": ".icon",
    "image/jpeg": ".jpeg", "image/png": ".png", "image/svg+xml": ".svg", "image/tiff": ".tiff",
    "video/x-msvideo": ".avi", "video/mp4": ".mp4", "video/mpeg": ".mpg", "video/quicktime": ".mov",
    "video/x-ms-wmv": ".wmv", "application/gzip": ".gzip",
}  # fmt: skip
#: Endings of files that `extract=true` unpacks; the second without tar, as XNAT 1.6.
ARCHIVES = (".tar.gz", ".tgz", ".tar", ".gz", ".zip", ".zar", ".xar")
#: Bytes of what a tar says of one file.
MAX_HEADER = 1024 * 1024
_LONG_HEADERS = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}
ZIP_ARCHIVES = (".zip", ".zar")


class Readable(Protocol):
    """A stream that gives at most `size` bytes, and none at its end."""

    def read(self, size: int = ..., /) -> bytes: ...


class BrokenUploadError(Exception):
    """The body ended before the length that was announced."""


@dataclass
class Body:
    """One file of a request. `length` is None if nobody said how long it will be."""

    name: str
    stream: Readable
    length: int | None = None
    #: The folder that the file goes into, whatever the path in the URL; only a folder on the server's disk has any.
    folder: str = ""

    def chunks(self) -> Iterator[bytes]:
        """The content. Raises BrokenUploadError if it is shorter than announced."""
        received = 0
        while chunk := self.stream.read(CHUNK if self.length is None else min(CHUNK, self.length - received)):
            received += len(chunk)
            yield chunk
        if self.length is not None and received < self.length:
            raise BrokenUploadError(f"{received} of {self.length} bytes were received")


def decoded(path: str) -> str:
    """A file's path as XNAT 1.8 and later take it from a URL: form-decoded, but only if it holds %20 or %2B."""
    return unquote_plus(path) if "%20" in path or "%2B" in path else path


def bodies(req: Request, params: Params, name: str) -> Iterator[Body]:
    """The files in a request, one after the other. 400 or 500, as XNAT answers, if there is none that it can take."""
    content_type = (req.content_type or "").partition(";")[0].strip().lower()
    multipart = content_type == "multipart/form-data"
    size = req.content_length if req.content_length is not None else (-1 if _is_chunked(req) else 0)
    if (params.true("inbody") or content_type in FILE_TYPES) and not multipart:
        if size < 1 and content_type != "application/zip":
            raise StatusError(
                500,
                "In-body File posts must include the file directly as the body of the message. In this case, the "
                f"request entity size is {size} but the media type is not application/zip (i.e. streaming compressed "
                "upload).",
            )
        fallback = "upload" + FILE_TYPES.get(content_type, ".unsupported")
        yield Body(name or fallback, req.env["wsgi.input"], req.content_length)
        return
    if multipart and not params.true("inbody"):
        found = False
        for part in req.get_media():
            if part.filename is None:
                part.stream.exhaust()
                continue
            found = True
            yield Body(part.filename.rpartition("\\")[2], part.stream)
        if found:
            return
    if content_type == "application/x-www-form-urlencoded":  # XNAT takes it for multipart; its parser does not
        raise StatusError(
            500,
            "the request doesn't contain a multipart/form-data or multipart/mixed stream, content type header is "
            "application/x-www-form-urlencoded",
        )
    if size == 0:
        raise StatusError(
            400,
            f"You tried to {req.method} to this service, but didn't provide any data (found request entity size of 0). "
            "Please check the format of your service request.",
        )
    raise StatusError(
        400,
        f"You tried to {req.method} a payload of {_format_size(size)} to this service, but didn't provide any data. "
        f"If you think you sent data to upload, you can try to {req.method} with the query-string parameter "
        "inbody=true or use multipart/form-data encoding.",
    )


def _format_size(size: int) -> str:
    """`46 B`, `1.5 KB`. Reference: CatalogUtils.formatSize"""
    power = int(math.log(size, 1024)) if size >= 1024 else 0
    return f"{size / 1024**power:.1f} {'KMGTPE'[power - 1]}B" if power else f"{size} B"


def _is_chunked(req: Request) -> bool:
    return "chunked" in (req.get_header("Transfer-Encoding") or "").lower()


@dataclass
class Intake:
    """Where files of one request go, and what is written about them in the catalog."""

    catalog: Catalog
    history: History
    overwrite: bool = False
    extract: bool = False
    checksums: bool = True
    format: str = ""
    content: str = ""
    description: str = ""
    tags: Sequence[str] = ()
    metafields: Mapping[str, str] = field(default_factory=dict)
    archives: tuple[str, ...] = ARCHIVES
    duplicates: list[str] = field(default_factory=list)

    def take(self, body: Body, name: str) -> None:
        """Store one file as `name` (its own if empty), or the files inside it if it is an archive to extract."""
        base = body.name.replace("\\", "/").rpartition("/")[2]
        if self.extract and base.lower().endswith(self.archives):
            for member, chunks in _members(base, body):
                self._store(member, chunks, extracted=True)
        else:
            self._store(body.folder + base if body.folder else name.removeprefix("/") or base, body.chunks)

    def finish(self) -> None:
        """Give a digest to every file of the catalog that has none, as XNAT does whenever it writes one."""
        if not self.checksums:
            return
        for entry in [entry for entry in self.catalog.entries if not entry.digest]:
            file = path_inside(self.catalog.folder, entry.uri)
            if file.is_file():
                self.catalog.put(replace(entry, digest=digest_of(file)))

    def _store(self, name: str, chunks: Callable[[], Iterator[bytes]], *, extracted: bool = False) -> None:
        path = path_inside(self.catalog.folder, name)
        special = path.name.endswith("_catalog.xml") or path.name.startswith(".~lock-")
        if special and not extracted and path.is_file():
            raise StatusError(500, f"XNAT cannot catalog {path.name}")
        if path.exists():  # the disk decides, not the catalog
            if not self.overwrite:
                self.duplicates.append(name)
                return
            self._keep(path, name, extracted=extracted)
        digest = hashlib.md5(usedforsecurity=False)
        size = self.history.disk.write(path, _hashed(chunks(), digest.update))
        if extracted and special:
            return
        self._catalogue(name, size, digest.hexdigest() if self.checksums else "")

    def _keep(self, path: Path, name: str, *, extracted: bool) -> None:
        """Put what is replaced into the history: what an archive replaces always, else what the catalog knows."""
        if not path.is_file():
            return
        if extracted:
            self.history.move(path)
        elif self.history.is_maintained and (entry := self.catalog.entry(name)):
            self.history.keep(self.catalog, [entry])

    def _catalogue(self, name: str, size: int, digest: str) -> None:
        """Enter the file, or what is new about it. An entry keeps its creator and what this request does not say.

        That goes for the digest, too: without checksums the one of the old content stays. Tags are added once more.
        """
        user, now = self.history.user, created_time()
        entry = self.catalog.entry(name)
        if entry is None:
            entry = Entry(name, name.rpartition("/")[2], 0, created_by=user, created_time=now)
        else:
            entry = replace(entry, modified_by=user, modified_time=now)
        self.catalog.put(
            replace(
                entry,
                size=size,
                digest=digest or entry.digest,
                format=self.format or entry.format,
                content=self.content or entry.content,
                description=self.description or entry.description,
                tags=(*entry.tags, *self.tags),
                metafields={**entry.metafields, **self.metafields},
            )
        )


def digest_of(file: Path) -> str:
    """The MD5 of a file, as catalogs have it."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _hashed(chunks: Iterator[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for chunk in chunks:
        update(chunk)
        yield chunk


class _Header(tarfile.TarInfo):
    """A header of a tar. tarfile takes long names and notes into memory, of which gzip makes little to send."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size > MAX_HEADER and self.type in _LONG_HEADERS:
            raise tarfile.ReadError("a header is too long")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return found


def _members(name: str, body: Body) -> Iterator[tuple[str, Callable[[], Iterator[bytes]]]]:
    """(path, content) of each file in an archive, whose kind is told by its name."""
    lower = name.lower()
    if lower.endswith((".tar.gz", ".tgz", ".tar")):
        mode = "r|" if lower.endswith(".tar") else "r|gz"
        with tarfile.open(fileobj=_ChunkReader(body.chunks()), mode=mode, errors="replace", tarinfo=_Header) as archive:  # type: ignore[call-overload]
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    yield _clean(member.name), _reader(content)
                elif not member.isdir():  # a link has no bytes of its own, and XNAT asks for nothing else
                    yield _clean(member.name), lambda: iter(())
    elif lower.endswith(".gz"):
        yield name[: -len(".gz")], lambda: _gunzipped(body.chunks())
    else:  # a zip's directory is at its end, so the whole has to be on disk first
        with tempfile.TemporaryFile() as spool:
            for chunk in body.chunks():
                spool.write(chunk)
            with zipfile.ZipFile(spool) as zipped:
                for info in zipped.infolist():
                    if not info.is_dir():
                        with zipped.open(info) as content:
                            yield _clean(info.filename), _reader(content)


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a gzip file; of one that has several parts, as bgzip makes them, that of all."""
    unpack = zlib.decompressobj(wbits=31)  # 31: with a gzip header
    for chunk in chunks:
        rest = chunk
        while rest:
            if unpack.eof:
                if not rest.startswith(b"\x1f"):  # no further part: Java does not mind
                    for _ in chunks:
                        """The rest is nothing."""
                    return
                unpack = zlib.decompressobj(wbits=31)
            yield unpack.decompress(rest, CHUNK)
            rest = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
    if not unpack.eof:
        raise EOFError("the compressed file ends too early")


def _clean(member: str) -> str:
    return "/".join(part for part in member.split("/") if part not in {"", "."})


def _reader(stream: IO[bytes]) -> Callable[[], Iterator[bytes]]:
    return lambda: iter(lambda: stream.read(CHUNK), b"")


class _ChunkReader:
    """An iterator of chunks as a stream, for the readers of archives."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size or size < 0:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._rest += chunk
        cut = len(self._rest) if size < 0 else size
        data, self._rest = self._rest[:cut], self._rest[cut:]
        return data
