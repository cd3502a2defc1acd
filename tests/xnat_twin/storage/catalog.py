"""A resource's catalog: the XML file beside its files that says which of them XNAT knows.

Each change reads the file, edits it and writes it back if it still is what was read: a writer that comes second loses
with ConcurrentModificationError, while its file is already on disk. That is XNAT's own rule and its own hazard. XNAT
compares MD5 sums; here it is the bytes, which says the same sooner.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote_plus
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from xnat_twin.storage.disk import Disk, read_bytes
from xnat_twin.storage.locks import locked

_log = logging.getLogger("xnat_twin")

NAMESPACE = "http://nrg.wustl.edu/catalog"
_CAT = f"{{{NAMESPACE}}}"
_LEADS_OUT = re.compile(r"^$|^/|(^|/)\.\.?(/|$)|\0")
_PLAIN = re.compile(r"[\w./: -]*")  # nothing to escape, as in nearly all values
#: What no XML can hold: a document with it could never be read again.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ENTRIES, _END = b"<cat:entries>", b"</cat:entries></cat:Catalog>"


@dataclass(frozen=True)
class _Document:
    """The bytes of a catalog file and what they say; `places` are the positions of the entries by their paths."""

    data: bytes
    identifier: str
    entries: tuple[Entry, ...]
    places: Mapping[str, int]

    @classmethod
    def parse(cls, data: bytes, identifier: str, before: _Document | None) -> _Document:
        """`data` as a document. If entries were only added to `before`, as uploads do, no others are parsed again."""
        if before is not None and before.data.endswith(_END) and data.endswith(_END):
            beginning, found, _ = before.data.partition(_ENTRIES)
            if found and data.startswith(before.data[: -len(_END)]):
                added = _parse_entries(beginning + found + data[len(before.data) - len(_END) :])[1]
                places = _places(added, before.places, len(before.entries))
                return cls(data, before.identifier, before.entries + added, places)
        own, entries = _parse_entries(data)
        return cls(data, identifier if own is None else own, entries, _places(entries))


class _Parsed:
    """The documents that were read last, by path. The file is read each time all the same: the disk decides."""

    def __init__(self, room: int) -> None:
        self._room = room  # bytes
        self._guard = threading.Lock()
        self._documents: OrderedDict[Path, _Document] = OrderedDict()

    def document(self, path: Path, data: bytes, identifier: str) -> _Document:
        """What `data`, just read from `path`, says."""
        with self._guard:
            before = self._documents.get(path)
        if before is not None and before.data == data:
            return before
        document = _Document.parse(data, identifier, before)
        with self._guard:
            self._room += len(self._documents.pop(path).data) if path in self._documents else 0
            self._documents[path] = document
            self._room -= len(data)
            while self._room < 0:
                self._room += len(self._documents.popitem(last=False)[1].data)
        return document


_parsed = _Parsed(room=8_000_000)  # takes about three times as much


class ConcurrentModificationError(Exception):
    """Someone else wrote the catalog since it was read."""


@dataclass(frozen=True)
class Entry:
    """One catalogued file. `uri` is its path below the resource; `digest` is an MD5 or empty, meaning unknown.

    Entries never change: one that does is replaced by another (`Catalog.put`). So requests can share them.
    """

    uri: str
    name: str
    size: int
    digest: str = ""
    format: str = ""
    content: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    metafields: Mapping[str, str] = field(default_factory=dict)
    created_by: str = ""
    created_time: str = ""
    created_event: str = ""
    modified_by: str = ""
    modified_time: str = ""

    @property
    def file_tags(self) -> str:
        """Meta fields and tags as file lists show them: `k=v,t1`."""
        return ",".join([*(f"{name}={value}" for name, value in self.metafields.items()), *self.tags])

    @cached_property
    def xml(self) -> str:
        """The element in the catalog's document; written once for all requests that share the entry."""
        return _entry_xml(self)


class Catalog:
    """The entries of one catalog file, and the bytes that they were read from; None if there was no file."""

    def __init__(self, path: Path, identifier: str, entries: Iterable[Entry], data: bytes | None) -> None:
        self.path = path
        self.identifier = identifier
        self.entries = list(entries)
        self._data = data

    @property
    def folder(self) -> Path:
        return self.path.parent

    @classmethod
    def read(cls, path: Path, identifier: str) -> Catalog:
        """The catalog at `path`; an empty one if there is no file yet, or one that is no catalog.

        An archive can bring such a file. Whoever writes next repairs it.
        """
        data = read_bytes(path)
        if data is None:
            return cls(path, identifier, [], None)
        try:
            document = _parsed.document(path, data, identifier)
        except (ET.ParseError, ValueError, LookupError):  # no XML; no number; an encoding that nobody knows
            _log.exception("%s is no catalog", path)
            return cls(path, identifier, [], data)
        catalog = cls(path, document.identifier, document.entries, data)
        catalog._places = dict(document.places)
        return catalog

    def write(self, disk: Disk, interfere: Callable[[Path], None] | None = None, *, guarded: bool = True) -> None:
        """Write the catalog. Raises ConcurrentModificationError if the file changed since `read`, OSError if full.

        `interfere` is called just before the comparison; a test lets someone else write there (faults.py). Without
        `guarded` nothing is compared, and what others wrote since `read` is lost, as before XNAT 1.8.
        """
        data = self.to_xml().encode()
        with locked(self.path):
            if interfere is not None:
                interfere(self.path)
            current = read_bytes(self.path)
            if guarded and current is not None and current != self._data:
                raise ConcurrentModificationError(
                    f"Another thread or process modified {self.path} since I last read it or I don't have a previous "
                    "checksum to compare. To avoid overwriting changes, I'm throwing an exception."
                )
            disk.replace(self.path, data)
            self._data = data

    @property
    def entries(self) -> list[Entry]:
        """All entries, in the order in which they came."""
        return self._entries

    @entries.setter
    def entries(self, entries: Iterable[Entry]) -> None:
        self._entries = list(entries)
        self._places: dict[str, int] = {}

    def entry(self, uri: str) -> Entry | None:
        """The entry of the file with exactly this path."""
        place = self._place(uri)
        return None if place is None else self._entries[place]

    def find(self, name: str) -> Entry | None:
        """The entry whose path is `name`, as sent or form-decoded."""
        return self.entry(name) or self.entry(unquote_plus(name))

    def put(self, entry: Entry) -> None:
        """Add the entry, or put it in the place of the one with its path."""
        place = self._place(entry.uri)
        if place is None:
            self._places[entry.uri] = len(self._entries)
            self._entries.append(entry)
        else:
            self._entries[place] = entry

    def _place(self, uri: str) -> int | None:
        """Where the entry is: the first one, should a path be there twice."""
        if len(self._places) != len(self._entries):
            self._places = _places(self._entries)
        return self._places.get(uri)

    def to_xml(self) -> str:
        """The document as `GET …/resources/LABEL` answers it; clients look for exactly this prolog."""
        entries = "".join([entry.xml for entry in self.entries])
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<cat:Catalog ID={_quoted(self.identifier)} xmlns:cat="{NAMESPACE}"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"{_ENTRIES.decode()}{entries}{_END.decode()}"
        )


def created_time() -> str:
    """Now, as catalogs write it; clients take the text apart. Reference: BaseElement.ValueParser."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _parse_entries(data: bytes) -> tuple[str | None, tuple[Entry, ...]]:
    """The ID of a catalog and its entries.

    What leads out of the resource's folder is none of them: an archive can bring a catalog that was made to read there.
    """
    if b"<!DOCTYPE" in data:
        raise ValueError("DOCTYPE is disallowed.")
    root = ET.fromstring(data)  # noqa: S314 (a DOCTYPE is refused, hence no entities)
    entries = map(_parse_entry, root.iter(f"{_CAT}entry"))
    return root.get("ID"), tuple(entry for entry in entries if not _LEADS_OUT.search(entry.uri))


def _places(
    entries: Iterable[Entry], before: Mapping[str, int] = MappingProxyType({}), start: int = 0
) -> dict[str, int]:
    """Where each path is, the first one counts; of entries that follow others, whose places are known."""
    places = dict(before)
    for number, entry in enumerate(entries, start):
        places.setdefault(entry.uri, number)
    return places


def _parse_entry(element: ET.Element) -> Entry:
    fields = {field.get("name", ""): field.text or "" for field in element.iter(f"{_CAT}metaField")}
    return Entry(
        uri=element.get("URI", ""),
        name=element.get("name", ""),
        size=int(fields.pop("SIZE", "0")),
        digest=element.get("digest", ""),
        format=element.get("format", ""),
        content=element.get("content", ""),
        description=element.get("description", ""),
        tags=tuple(tag.text or "" for tag in element.iter(f"{_CAT}tag")),
        metafields=fields,
        created_by=element.get("createdBy", ""),
        created_time=element.get("createdTime", ""),
        created_event=element.get("createdEventId", ""),
        modified_by=element.get("modifiedBy", ""),
        modified_time=element.get("modifiedTime", ""),
    )


def _entry_xml(entry: Entry) -> str:
    attributes = {
        "URI": entry.uri,
        "ID": entry.uri,
        "name": entry.name,
        "description": entry.description,
        "format": entry.format,
        "content": entry.content,
        "digest": entry.digest,
        "createdBy": entry.created_by,
        "createdTime": entry.created_time,
        "createdEventId": entry.created_event,
        "modifiedBy": entry.modified_by,
        "modifiedTime": entry.modified_time,
        "cachePath": entry.uri,
    }
    opening = " ".join([f"{name}={_quoted(value)}" for name, value in attributes.items() if value])
    tags = "".join(f"<cat:tag>{_text(tag)}</cat:tag>" for tag in entry.tags)
    fields = "".join(
        f"<cat:metaField name={_quoted(name)}>{_text(value)}</cat:metaField>"
        for name, value in {**entry.metafields, "SIZE": str(entry.size)}.items()
    )
    return (
        f"<cat:entry {opening}>"
        + (f"<cat:tags>{tags}</cat:tags>" if tags else "")
        + f"<cat:metaFields>{fields}</cat:metaFields></cat:entry>"
    )


def _quoted(value: str) -> str:
    return f'"{value}"' if _PLAIN.fullmatch(value) else quoteattr(UNWRITABLE.sub("", value))


def _text(value: str) -> str:
    return UNWRITABLE.sub("", value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
