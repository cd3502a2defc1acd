"""The endpoint of files: who asks for which resource, and deletion. Reference: FileList, CatalogUtils.

What a GET answers is in file_reading.py; upload.py takes files in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from falcon import Request, Response

from xnat_twin.access.permissions import Access
from xnat_twin.errors import StatusError
from xnat_twin.lookup.parents import resolve
from xnat_twin.resources.base import params_of
from xnat_twin.resources.files.catalogs import find_resources, save_statistics, write_catalog
from xnat_twin.resources.files.file_reading import FileReading, entries_matching
from xnat_twin.resources.files.file_sources import find_sources
from xnat_twin.resources.files.upload import FileUpload, file_path
from xnat_twin.resources.objects.saving import MAY_NOT_MODIFY
from xnat_twin.storage import audit
from xnat_twin.storage.archive import path_inside
from xnat_twin.storage.catalog import Catalog, Entry
from xnat_twin.storage.history import remove_if_empty
from xnat_twin.transfer.expressions import matching


class FileList(FileUpload):
    """`…/resources/LABEL/files[/PATH]`, and `…/files[/PATH]` for all resources of an object."""

    def on_get(self, req: Request, resp: Response, resource: str | None = None, path: str = "", **names: str) -> None:
        params = params_of(req)
        with self.reading(req) as finder:
            parents = resolve(finder, names, req.method)
            reading = FileReading(self.site, req, resp, parents, file_path(self.site, path))
            sources = find_sources(self.site, finder, parents, resource, everything=params.true("all"))
            try:
                if resource is not None and len(sources) == 1 and not reading.form:
                    reading.from_one(sources[0])
                else:
                    reading.from_several(sources)
            except StatusError as error:
                if error.status != 404 or not params.true("accept-not-found"):
                    raise
                resp.status = 204

    def on_delete(
        self, req: Request, resp: Response, resource: str | None = None, path: str = "", **names: str
    ) -> None:
        exact = not self.site.flavour.prefix_delete
        with self.reading(req) as finder:
            parents = resolve(finder, names, req.method)
            found = find_resources(finder, parents, resource) if resource else []
            if not found:
                if exact:
                    return
                raise StatusError(400, "Unable to determine resource, parent, or security.")
            finder.require(parents.secured_by, Access.DELETE, MAY_NOT_MODIFY)
            catalog = self.site.archive.catalog(found[0])
        wanted = file_path(self.site, path)
        doomed = entries_called(wanted, catalog) if exact else entries_within(wanted, catalog.entries)
        if not doomed and not exact:
            if not params_of(req).true("accept-not-found"):
                raise StatusError(404, "No matched files")
            resp.status = 204
        if doomed:
            audit.require(self.site.preferences, params_of(req), parents.security, "Removed File", message=None)
        missing = [entry for entry in doomed if exact and not path_inside(catalog.folder, entry.uri).is_file()]
        if len(doomed) > len(missing):
            self._delete(req, catalog, [entry for entry in doomed if entry not in missing])
            save_statistics(self.site.store, found[0].resource_id, catalog.entries)
        if missing:
            raise StatusError(404, "File missing")

    def _delete(self, req: Request, catalog: Catalog, doomed: Sequence[Entry]) -> None:
        """Take entries out of the catalog, and then their files and folders off the disk."""
        history = self.history(req)
        gone = {entry.uri for entry in doomed}
        catalog.entries = [entry for entry in catalog.entries if entry.uri not in gone]
        write_catalog(self.site, catalog)
        if history.is_maintained:
            history.keep(catalog, doomed)
        if params_of(req).false("removeFiles"):
            return
        for entry in doomed:
            file = path_inside(catalog.folder, entry.uri)
            history.disk.remove(file)
            remove_if_empty(history.disk, file.parent)


def entries_called(path: str, catalog: Catalog) -> list[Entry]:
    """The same before XNAT 1.8: the one file; below `folder/` all; with a `*` at the end those of the regex."""
    if entry := catalog.find(path):
        return [entry]
    if path.endswith("/"):
        return [entry for entry in catalog.entries if entry.uri.startswith(path)]
    return entries_matching(path, catalog.entries) if path.endswith("*") else []


def entries_within(path: str, entries: Sequence[Entry]) -> list[Entry]:
    """What deleting `path` deletes: every entry that *starts with* it; a `*` at the end makes it a whole-path regex.

    `a.txt` takes `a.txt.bak` along, and the empty path takes everything. Reference: findCatEntriesWithinPath.
    """
    described: Collection[int] = ()
    if path.endswith("*"):
        try:
            described = set(matching(path[:-1], [entry.uri for entry in entries]))
        except re.error as error:
            raise StatusError(500, f"{error} near index {error.pos}") from error
    return [entry for number, entry in enumerate(entries) if number in described or entry.uri.startswith(path)]
