"""Files of a resource: upload, list, download, delete. Reference: FileList, CatalogUtils."""

from __future__ import annotations

import errno
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from urllib.parse import unquote_plus

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
from ..uploads import BrokenUploadError, Intake, bodies
from .base import Endpoint, params_of, send_table, send_text, user_of
from .catalogs import configure_resource, create_resource, find_resources

_COLUMNS = ("Name", "Size", "URI", "collection", "file_tags", "file_format", "file_content", "cat_ID", "digest")
_BULK = frozenset({"zip", "tar", "tar.gz"})


class FileList(Endpoint):
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

    def on_put(self, req: Request, resp: Response, resource: str | None = None, path: str = "", **names: str) -> None:
        with self.reading(req) as finder:
            parents = resolve(finder, names, req.method)
            allowed = finder.access(parents.secured_by) >= Access.EDIT
        if not allowed:  # XNAT has no "else": 200, nothing in the body, nothing stored
            send_text(resp, "")
            return
        params = params_of(req)
        files = bodies(req, params, decoded(path).rpartition("/")[2])
        first = next(files)  # raises before anything is created
        target, catalog = self._target(req, resource, names)
        intake = Intake(
            catalog,
            self.site.archive.disk,
            user_of(req).login,
            overwrite=params.true("overwrite"),
            extract=params.true("extract"),
            checksums=self.site.preferences.true("checksums"),
            format=params.get("format"),
            content=params.get("content"),
            tags=[tag.strip() for value in params.all("tags") for tag in value.split(",") if tag.strip()],
        )
        try:
            intake.take(first, decoded(path))
            for body in files:
                intake.take(body, decoded(path))
            catalog.write(self.site.archive.disk, self.site.faults.take_interference())
        except OSError as error:
            reason = "No space left on device" if error.errno == errno.ENOSPC else error.strerror
            raise StatusError(500, str(reason)) from error
        except (ConcurrentModificationError, BrokenUploadError) as error:
            raise StatusError(500, str(error)) from error
        except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise StatusError(500, f"Unable to extract the archive: {error}") from error
        self._update_statistics(req, target, catalog)
        if intake.duplicates:
            names_json = ",".join(f'"{_json_text(name)}"' for name in intake.duplicates)
            send_text(resp, f'{{"duplicates":[{names_json}]}}', content_type="text/html")
        else:
            send_text(resp, "")

    on_post = on_put

    def _target(self, req: Request, resource: str | None, names: dict[str, str]) -> tuple[int, Catalog]:
        """The resource to upload to, created if it is not there, and its catalog as it is before the upload."""
        with self.writing(req) as finder:
            parents = resolve(finder, names, req.method)
            if resource is None:
                found = finder.resources(parents.owners)[:1]
            else:
                found = find_resources(finder, parents, resource)
            target = found[0] if found else create_resource(self.site, req, finder, parents.owners[0], resource)
            configure_resource(req, target)
            return target.resource_id, self.site.archive.catalog(target)

    def _update_statistics(self, req: Request, resource_id: int, catalog: Catalog) -> None:
        if params_of(req).false("update-stats"):
            return
        with self.writing(req) as finder:
            resource = finder.session.get(Resource, resource_id)
            if resource is not None:  # deleted during the upload
                resource.file_count = len(catalog.entries)
                resource.file_size = sum(entry.size for entry in catalog.entries)

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
        self._update_statistics(req, found[0].resource_id, catalog)


def decoded(path: str) -> str:
    """A file's path as XNAT 1.8 and later take it from a URL: form-decoded, but only if it holds %20 or %2B."""
    return unquote_plus(path) if "%20" in path or "%2B" in path else path


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


def _json_text(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
