"""Files of a resource: list, download, delete; upload.py takes them in. Reference: FileList, CatalogUtils."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from falcon import Request, Response

from ..archive import path_inside
from ..catalog import Catalog, ConcurrentModificationError, Entry
from ..download import send_file
from ..errors import StatusError
from ..params import Params
from ..parents import Parents, resolve
from ..permissions import Access
from ..store import Resource
from ..tables import Table
from ..uploads import decoded
from .base import params_of, send_table
from .catalogs import find_resources, save_statistics
from .upload import FileUpload

_COLUMNS = ("Name", "Size", "URI", "collection", "file_tags", "file_format", "file_content", "cat_ID", "digest")
_BULK = frozenset({"zip", "tar", "tar.gz"})


class FileList(FileUpload):
    """`…/resources/LABEL/files[/PATH]`, and `…/files[/PATH]` for all resources of an object."""

    def on_get(self, req: Request, resp: Response, resource: str | None = None, path: str = "", **names: str) -> None:
        params = params_of(req)
        if params.get("format") in _BULK:
            raise StatusError(501, "Bulk downloads are not part of the practice XNAT yet; get the files one by one.")
        with self.reading(req) as finder:
            parents = resolve(finder, names, req.method)
            found = find_resources(finder, parents, resource) if resource else finder.resources(parents.owners)
            catalogs = [(one, self.site.archive.catalog(one)) for one in found]
        try:
            self._answer(req, resp, parents, catalogs, decoded(path))
        except StatusError as error:
            if error.status == 404 and params.true("accept-not-found"):
                resp.status = 204
                return
            raise

    def _answer(
        self,
        req: Request,
        resp: Response,
        parents: Parents,
        catalogs: Sequence[tuple[Resource, Catalog]],
        path: str,
    ) -> None:
        params = params_of(req)
        accepts = _filter(params)
        if "index" in params:
            matching = [(c, entry) for _, c in catalogs for entry in c.entries if accepts(entry)]
            index = int(params.get("index"))
            if ("file_content" not in params and "file_format" not in params) or index >= len(matching):
                raise StatusError(404, "Unable to find catalog entry for given uri.")
            catalog, entry = matching[index]
            send_file(req, resp, path_inside(catalog.folder, entry.uri))
            return
        for _, catalog in catalogs:
            if path and (found := catalog.find(path)):
                send_file(req, resp, path_inside(catalog.folder, found.uri))
                return
        if path and not path.endswith("/"):
            several = len(catalogs) != 1
            raise StatusError(404, "Unable to find file." if several else "Unable to find catalog entry for given uri.")
        rows = []
        for resource, catalog in catalogs:
            for entry in catalog.entries:
                if accepts(entry) and _in_folder(entry, path, recursive=not params.false("recursive")):
                    rows.append(self._row(params, parents, resource, catalog, entry))
        locator = _locator(params)
        properties = [{"key": "URI", "serverRoot": ""}] if locator == "URI" else []
        columns = [locator if column == "URI" else column for column in _COLUMNS]
        send_table(req, resp, Table(columns, rows, "Files", properties, total_records=False))

    def _row(
        self, params: Params, parents: Parents, resource: Resource, catalog: Catalog, entry: Entry
    ) -> dict[str, object]:
        scan = next((scan for scan in parents.scans if scan.scan_id == resource.scan_id), None)
        base = parents.base_uri
        if scan is not None and len(parents.scans) > 1 and parents.experiment is not None:
            base = f"/data/experiments/{parents.experiment.id}/scans/{scan.id}"
        file = catalog.folder / entry.uri
        return {
            "Name": entry.name,
            "Size": entry.size,
            "URI": f"{base}/resources/{resource.resource_id}/files/{entry.uri}",
            "absolutePath": file,
            "projectPath": file.relative_to(self.site.archive.root),
            "collection": resource.label,
            "file_tags": entry.file_tags,
            "file_format": entry.format,
            "file_content": entry.content,
            "cat_ID": resource.resource_id,
            "digest": entry.digest,
        }

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


def _filter(params: Params) -> Callable[[Entry], bool]:
    formats, contents = params.all("file_format"), params.all("file_content")

    def accepts(entry: Entry) -> bool:
        return (not formats or (entry.format or "NULL") in formats) and (
            not contents or (entry.content or "NULL") in contents
        )

    return accepts


def _in_folder(entry: Entry, folder: str, *, recursive: bool) -> bool:
    """Whether a list of `folder` shows the entry. `recursive=false` is upside down: it hides the direct files."""
    if not entry.uri.startswith(folder):
        return False
    return recursive or not folder or "/" in entry.uri[len(folder) + 1 :]


def _locator(params: Params) -> str:
    names = {"absolutepath": "absolutePath", "projectpath": "projectPath"}
    return names.get(params.get("locator").lower(), "URI")
