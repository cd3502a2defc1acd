"""The files that are on the server, resource by resource, for many sessions with one request.

Reads only. Which sessions, and what to make of the files, is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from urllib.parse import unquote

from . import tables
from .address import Address, files_of_experiments, name_in_uri
from .errors import ConflictError, InputError, RequestError
from .plan import Listing, StoredFile
from .session import Session

# Characters of the IDs in one address; servers and proxies take 8 KB for all of it.
_LONGEST = 6000
_COLUMNS = ("Name", "Size", "URI", "collection", "file_tags", "file_format", "file_content", "cat_ID", "digest")
_IN_SESSION = re.compile(r"/experiments/([^/]+)(?:/scans/([^/]+))?/resources/[^/]+/files/", re.ASCII)
_Found = dict[Address, list[StoredFile]]


def of_sessions(
    session: Session, sessions: Mapping[str, Address], *, batch: int, filled: Collection[Address] = ()
) -> dict[Address, Listing]:
    """Return the files of sessions ({ID: address}) and of their scans, by resource; those of assessors are left out.

    Their URIs are to be read with full_uri: there may be very many of them, and most of the text is the same.
    XNAT says nothing about the sessions in such a request that it does not know, or that this account may not read.
    Those of `filled`, which somebody is about to send files to, are therefore looked at again if no file came for them.
    """
    found: _Found = {}
    seen: set[str] = set()
    collector = _Collector(found)
    for identifiers in batches(list(sessions), batch):
        path = files_of_experiments(identifiers)
        table = tables.read(session, path, f"list the files of {len(identifiers)} sessions", {"all": "true"})
        for identifier, owner, row in _of_scans(table, sessions):
            seen.add(identifier)
            if owner is not None:
                collector.add(owner, row)
    _check_readable(session, {key: of for key, of in sessions.items() if key not in seen and of in filled})
    return {resource: Listing(tuple(files)) for resource, files in found.items()}


def of_owner(session: Session, owner: Address) -> dict[Address, Listing]:
    """Return the files of a subject's or project's own resources; their URIs are to be read with full_uri."""
    found: _Found = {}
    collector = _Collector(found)
    table = tables.read(session, owner.files, f"list the files of the {owner}", {})
    for row in _rows(table):
        collector.add(owner, row)
    return {resource: Listing(tuple(files)) for resource, files in found.items()}


def full_uri(uri: str, name: str) -> str:
    """Return the URI of a file that is listed here: what ends in a slash is only the part before its name."""
    return uri + name if uri.endswith("/") else uri


def batches(identifiers: list[str], size: int) -> Iterator[list[str]]:
    """Cut a list of IDs so that each part fits into an address."""
    part: list[str] = []
    length = 0
    for identifier in identifiers:
        if part and (len(part) == size or length + len(identifier) >= _LONGEST):
            yield part
            part, length = [], 0
        part.append(identifier)
        length += len(identifier) + 1
    if part:
        yield part


def _check_readable(session: Session, silent: Mapping[str, Address]) -> None:
    """Raise RequestError if a session without files in the list has some after all, or cannot be read.

    One list of the resources of all of them tells which have any; only those are asked about one by one.
    """
    columns = ["ID", "xnat:imageSessionData/resources/resource/label", "xnat:imageScanData/file/label"]
    params = {"xsiType": "xnat:imageSessionData", "columns": ",".join(columns)}
    for project in sorted({of.project for of in silent.values()}):
        path = Address(project).experiments_in
        table = tables.read(session, path, f"list the resources of project {project}", params)
        at = table.columns(columns) if table else {}
        if table is None or len(at) < len(columns):
            continue
        filled = {row[at["ID"]] for row in table if any(row[at[column]] for column in columns[1:])}
        for identifier in sorted(filled & set(silent)):
            _look_at(session, identifier, silent[identifier])


def _look_at(session: Session, identifier: str, address: Address) -> None:
    path, doing = files_of_experiments([identifier]), f"list the files of the {address}"
    table = tables.read(session, path, doing, {"all": "true"})
    if table is None or any(True for _ in _rows(table)):
        said = "it is not there" if table is None else "and then did"
        raise RequestError(
            f"XNAT did not list the files of the {address} when asked for many sessions ({said} when asked for this "
            "one). Nothing was changed. Check that this account may read the session, then run again.",
            method="GET",
            path=path,
            status=404 if table is None else 200,
            answer="",
        )


class _Collector:
    """Turns rows into files, keeping one copy of what most of them share."""

    def __init__(self, found: _Found) -> None:
        self._found = found
        self._catalogs: dict[Address, str] = {}
        self._texts: dict[str, str] = {}
        self._tags: dict[str, frozenset[str]] = {"": frozenset()}
        self._resources: dict[tuple[Address, str], Address | None] = {}

    def add(self, owner: Address, row: Mapping[str, str]) -> None:
        """Take the file of a row. Raises ConflictError if its resource is there twice."""
        label = row["collection"]
        if not label:
            return
        key = owner, label
        if key not in self._resources:
            self._resources[key] = _address(owner, resource=label)
        resource = self._resources[key]
        if resource is None:
            return
        if self._catalogs.setdefault(resource, row["cat_ID"]) != row["cat_ID"]:
            # Two requests made it at the same time. XNAT picks one at random for every request.
            raise ConflictError(
                f"There are two resources named {label} in the {owner} (numbers {self._catalogs[resource]} and "
                f"{row['cat_ID']}). Ask an owner of the project to join or delete one of them; nothing was changed."
            )
        self._found.setdefault(resource, []).append(self._file(row))

    def _file(self, row: Mapping[str, str]) -> StoredFile:
        size, uri, tags = row["Size"], row["URI"], row["file_tags"]
        name = name_in_uri(uri) or row["Name"]
        if uri.endswith(f"/{name}"):
            # What is before the name is the same for all files of the resource, see full_uri.
            uri = self._once(uri[: -len(name)])
        if tags not in self._tags:
            self._tags[tags] = frozenset(tag for tag in tags.split(",") if tag)
        return StoredFile(
            name,
            int(size) if size.isdigit() else None,
            row["digest"].lower() or None,
            self._once(row["file_format"]),
            self._once(row["file_content"]),
            self._tags[tags],
            uri,
        )

    def _once(self, text: str) -> str:
        return self._texts.setdefault(text, text)


def _address(session: Address, scan: str | None = None, resource: str | None = None) -> Address | None:
    """The address below a session; None for a label that no address of ours can have, and so no study."""
    try:
        return replace(session, **({"scan": scan} if scan else {}), **({"resource": resource} if resource else {}))
    except InputError:
        return None


def _rows(table: tables.Table | None) -> Iterator[dict[str, str]]:
    if table is None:
        return
    positions = table.columns(_COLUMNS)
    for row in table:
        yield {name: row[positions[name]] if name in positions else "" for name in _COLUMNS}


def _of_scans(
    table: tables.Table | None, sessions: Mapping[str, Address]
) -> Iterator[tuple[str, Address | None, dict[str, str]]]:
    """Yield for each file of a session or scan: the session's ID, the holder's address, the row."""
    known: dict[tuple[str, str | None], Address | None] = {}
    for row in _rows(table):
        match = _IN_SESSION.search(row["URI"])
        if match is None or match[1] not in sessions:
            continue
        key = match[1], match[2]
        if key not in known:
            known[key] = _address(sessions[match[1]], unquote(match[2]) if match[2] else None)
        yield match[1], known[key], row
