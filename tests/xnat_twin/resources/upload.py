"""Files into a resource: who may, which resource, what the answer says. Reference: FileList, ResourceModifierA.

How the bytes get from the request to the disk is in uploads.py.
"""

from __future__ import annotations

import errno
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from falcon import Request, Response

from ..catalog import Catalog, ConcurrentModificationError
from ..errors import StatusError
from ..params import Params
from ..parents import resolve
from ..permissions import Access
from ..remembered import Remembered
from ..site import Site
from ..store import Resource
from ..uploads import BrokenUploadError, Intake, bodies, decoded
from .base import Endpoint, send_text, user_of
from .catalogs import configure_resource, create_resource, find_target, is_configured, save_statistics


@dataclass(frozen=True)
class _Target:
    """Where an upload goes: the resource, None if it has to be made, and whether the caller may write there at all."""

    allowed: bool
    resource: Resource | None = None
    catalog: Path = Path()
    identifier: str = ""


class FileUpload(Endpoint):
    """PUT and POST, which are the same, of `…/files[/PATH]`."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._targets: Remembered[tuple[object, ...], _Target] = Remembered(site.store)

    def on_put(self, req: Request, resp: Response, resource: str | None = None, path: str = "", **names: str) -> None:
        params, name = _query(req), decoded(path)
        key = (user_of(req).login, resource, *names.items())
        target = self._targets.get(key, lambda: self._target(req, resource, names))
        if not target.allowed:
            send_text(resp, "")  # XNAT has no "else": 200, nothing in the body, nothing stored
            return
        files = bodies(req, params, name.rpartition("/")[2])
        first = next(files)  # raises before anything is created
        if target.resource is None or not is_configured(req, target.resource):
            resource_id, catalog = self._configured(req, resource, names)
        else:
            resource_id, catalog = target.resource.resource_id, Catalog.read(target.catalog, target.identifier)
        intake = Intake(
            catalog,
            self.site.archive.disk,
            user_of(req).login,
            overwrite=params.true("overwrite"),
            extract=params.true("extract"),
            checksums=self.site.preferences.true("checksums"),
            format=params.get("format"),
            content=params.get("content"),
            tags=params.listed("tags"),
        )
        with _failures():
            intake.take(first, name)
            for body in files:
                intake.take(body, name)
            catalog.write(self.site.archive.disk, self.site.faults.take_interference())
        if not params.false("update-stats"):
            save_statistics(self.site.store, resource_id, catalog.entries)
        if intake.duplicates:
            duplicates = ",".join(f'"{_json_text(one)}"' for one in intake.duplicates)
            send_text(resp, f'{{"duplicates":[{duplicates}]}}', content_type="text/html")
        else:
            send_text(resp, "")

    on_post = on_put

    def _target(self, req: Request, resource: str | None, names: Mapping[str, str]) -> _Target:
        with self.reading(req) as finder:
            parents = resolve(finder, names, req.method)
            found = find_target(finder, parents, resource)
            allowed = finder.access(parents.secured_by) >= Access.EDIT
            if found is None:
                return _Target(allowed)
            catalog = self.site.archive.catalog(found)
            return _Target(allowed, found, catalog.path, catalog.identifier)

    def _configured(self, req: Request, resource: str | None, names: Mapping[str, str]) -> tuple[int, Catalog]:
        """The resource to upload to, made or changed to what the request says of it, and its catalog as it is now."""
        with self.writing(req) as finder:
            parents = resolve(finder, names, req.method)
            target = find_target(finder, parents, resource)
            if target is None:
                target = create_resource(self.site, req, finder, parents, resource)
            configure_resource(req, target)
            return target.resource_id, self.site.archive.catalog(target)


def _query(req: Request) -> Params:
    """The parameters of the query string only: the body is a file, even if its type says form, as curl's does."""
    req.context.params = Params(req.query_string)
    return cast(Params, req.context.params)


@contextmanager
def _failures() -> Iterator[None]:
    """What goes wrong while files are stored is a 500."""
    try:
        yield
    except OSError as error:
        reason = "No space left on device" if error.errno == errno.ENOSPC else error.strerror
        raise StatusError(500, str(reason)) from error
    except (ConcurrentModificationError, BrokenUploadError) as error:
        raise StatusError(500, str(error)) from error
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise StatusError(500, f"Unable to extract the archive: {error}") from error


def _json_text(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
