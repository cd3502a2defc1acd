"""The endpoint of files: who asks for which resource, and deletion. Reference: FileList, CatalogUtils.

What a GET answers is in file_reading.py; upload.py takes files in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from falcon import Request, Response

from ..archive import path_inside
from ..catalog import ConcurrentModificationError, Entry
from ..errors import StatusError
from ..parents import resolve
from ..permissions import Access
from ..uploads import decoded
from .base import params_of
from .catalogs import find_resources, save_statistics
from .file_reading import FileReading
from .file_sources import find_sources
from .upload import FileUpload


class FileList(FileUpload):
    """`…/resources/LABEL/files[/PATH]`, and `…/files[/PATH]` for all resources of an object."""

    def on_get(self, req: Request, resp: Response, resource: str | None = None, path: str = "", **names: str) -> None:
        params = params_of(req)
        with self.reading(req) as finder:
            parents = resolve(finder, names, req.method)
            reading = FileReading(self.site, req, resp, parents, decoded(path))
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
        with self.reading(req) as finder:
            parents = resolve(finder, names, req.method)
            found = find_resources(finder, parents, resource) if resource else []
            if not found:
                raise StatusError(400, "Unable to determine resource, parent, or security.")
            if finder.access(parents.secured_by) < Access.DELETE:
                raise StatusError(403, "User account doesn't have permission to modify this session.")
            catalog = self.site.archive.catalog(found[0])
        doomed = entries_within(decoded(path), catalog.entries)
        if not doomed:
            if params_of(req).true("accept-not-found"):
                resp.status = 204
                return
            raise StatusError(404, "No matched files")
        catalog.entries = [entry for entry in catalog.entries if entry not in doomed]
        try:
            catalog.write(self.site.archive.disk, self.site.faults.take_interference())
        except ConcurrentModificationError as error:
            raise StatusError(500, str(error)) from error
        if not params_of(req).false("removeFiles"):
            for entry in doomed:
                self.site.archive.disk.remove(path_inside(catalog.folder, entry.uri))
        save_statistics(self.site.store, found[0].resource_id, catalog.entries)


def entries_within(path: str, entries: Sequence[Entry]) -> list[Entry]:
    """What deleting `path` deletes: every entry that *starts with* it; a `*` at the end makes it a whole-path regex.

    `a.txt` takes `a.txt.bak` along, and the empty path takes everything. Reference: findCatEntriesWithinPath.
    """
    pattern = None
    if path.endswith("*"):
        try:
            pattern = re.compile(path[:-1] + ".*")
        except re.error as error:
            raise StatusError(500, f"{error} near index {error.pos}") from error
    return [
        entry
        for entry in entries
        if entry.uri.startswith(path) or (pattern is not None and pattern.fullmatch(entry.uri))
    ]
