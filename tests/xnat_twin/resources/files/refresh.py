"""`POST /data/services/refresh/catalog`: make catalogs agree with the files on the disk.

Reference: RefreshCatalog, DefaultCatalogService._refreshCatalog, CatalogUtils.refreshCatalog
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from falcon import Request, Response

from xnat_twin.access.permissions import Access
from xnat_twin.errors import StatusError
from xnat_twin.lookup.archive_uris import find_item
from xnat_twin.lookup.finder import project_of
from xnat_twin.params import Params
from xnat_twin.resources.base import Endpoint, params_of, user_of
from xnat_twin.resources.files.catalogs import save_statistics, write_catalog
from xnat_twin.storage.catalog import Catalog, Entry, created_time
from xnat_twin.storage.locks import locked
from xnat_twin.transfer.uploads import digest_of

_log = logging.getLogger("xnat_twin")
_OPERATIONS = ("append", "checksum", "delete", "populateStats")
_FAILED = "An error occurred trying to save the workflow for the refresh operation."


class RefreshCatalog(Endpoint):
    """Each `resource=` names an object by its archive URI; what is below it is refreshed."""

    #: How long to wait for another refresh of the same catalog. Whoever waited in vain does nothing and answers 200.
    patience = 30.0

    def on_get(self, req: Request, resp: Response) -> None:
        raise StatusError(404)  # allowed, but there is nothing to see

    def on_post(self, req: Request, resp: Response) -> None:
        params, login = params_of(req), user_of(req).login
        operations = wanted_operations(params, checksums=self.site.preferences.true("checksums"))
        for uri in params.all("resource"):
            with self.reading(req) as finder:
                item = find_item(finder, uri)
                finder.require(
                    project_of(item.security),
                    Access.EDIT,
                    f"The user {login} does not have permission to edit the resource {uri} for item {item.security.id}",
                )
                try:
                    found = item.resources(finder)
                except LookupError as error:
                    raise StatusError(500, _FAILED) from error
                catalogs = [(one.resource_id, self.site.archive.catalog(one).path) for one in found]
            for number, path in catalogs:
                with locked(path.with_name(f"{path.name}.refresh"), self.patience) as got:
                    if got:
                        self._refresh(number, path, operations, login)
                    else:
                        _log.error("Unable to obtain lock for catalog refresh: %s", path)

    def _refresh(self, number: int, path: Path, operations: Collection[str], login: str) -> None:
        catalog = Catalog.read(path, path.name.removesuffix("_catalog.xml"))
        files = _files(path)
        if files is None:
            _log.error("Multiple catalog files - not refreshing %s", path)
            return
        before = list(catalog.entries)
        on_disk = _refreshed(catalog, files, operations, login)
        if catalog.entries != before:
            try:
                write_catalog(self.site, catalog)
            except StatusError as error:
                raise StatusError(500, _FAILED) from error
        if "populateStats" in operations:
            save_statistics(self.site.store, number, on_disk)


def wanted_operations(params: Params, *, checksums: bool) -> Collection[str]:
    """What `options=a,b` and `a=true` ask for. Nothing asked for, or nothing that is known, is all of it.

    So `append=false` alone, or a misspelt option, deletes. Checksums are then only made if the site makes them.
    """
    options = {option for value in params.all("options") for option in value.split(",")}
    wanted = {one for one in _OPERATIONS if one in options or params.true(one)}
    return wanted or {one for one in _OPERATIONS if one != "checksum" or checksums}


def _refreshed(catalog: Catalog, files: Mapping[str, Path], operations: Collection[str], login: str) -> Sequence[Entry]:
    """Change the catalog's entries, and return those that have a file. What is known of a file is always corrected."""
    known = {entry.uri: entry for entry in catalog.entries}
    for name, file in files.items():
        digest = digest_of(file) if "checksum" in operations else ""
        entry = known.get(name)
        if entry is not None:
            known[name] = _corrected(entry, file, digest, login)
        elif "append" in operations:
            known[name] = Entry(name, file.name, file.stat().st_size, digest, created_time=created_time())
    if "delete" in operations:
        known = {name: entry for name, entry in known.items() if name in files}
    catalog.entries = list(known.values())
    return [entry for name, entry in known.items() if name in files]


def _corrected(entry: Entry, file: Path, digest: str, login: str) -> Entry:
    now = created_time()
    corrected = replace(
        entry,
        name=file.name,
        size=file.stat().st_size,
        digest=digest or entry.digest,
        created_by=entry.created_by or login,
        created_time=entry.created_time or now,
    )
    return entry if corrected == entry else replace(corrected, modified_by=login, modified_time=now)


def _files(catalog: Path) -> Mapping[str, Path] | None:
    """The files of a catalog's folder by their paths in it; None if there is another catalog among them."""
    found: dict[str, Path] = {}
    for folder, _, names in os.walk(catalog.parent):
        for file in (Path(folder, name) for name in sorted(names)):
            if file == catalog or file.name == f".{catalog.name}.new":
                continue
            if file.suffix == ".xml" and (file.name.endswith("_catalog.xml") or b"<cat:Catalog" in file.read_bytes()):
                return None
            if not file.name.startswith(".~lock-"):
                found[file.relative_to(catalog.parent).as_posix()] = file
    return found
