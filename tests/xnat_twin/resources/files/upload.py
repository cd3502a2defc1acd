"""Files into a resource: who may, which resource, what the answer says. Reference: FileList, ResourceModifierA.

How the bytes get from the request to the disk is in transfer/uploads.py.
"""

from __future__ import annotations

import errno
import logging
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from json import dumps
from pathlib import Path
from typing import cast

from falcon import Request, Response

from xnat_twin.access.permissions import Access
from xnat_twin.errors import StatusError
from xnat_twin.lookup.finder import Names
from xnat_twin.lookup.parents import resolve
from xnat_twin.params import Params
from xnat_twin.resources.base import Endpoint, params_of, send_text, user_of
from xnat_twin.resources.files.catalogs import (
    configure_resource,
    create_resource,
    find_target,
    is_configured,
    save_statistics,
    write_catalog,
)
from xnat_twin.resources.files.reference import referenced_bodies, referenced_files
from xnat_twin.site import Site
from xnat_twin.storage import audit
from xnat_twin.storage.catalog import Catalog
from xnat_twin.storage.remembered import Remembered
from xnat_twin.storage.store import Resource
from xnat_twin.transfer.uploads import ARCHIVES, ZIP_ARCHIVES, Body, BrokenUploadError, Intake, bodies, decoded

_log = logging.getLogger("xnat_twin")
#: What Python's zipfile says of an encrypted file, an unknown compression, and names in no encoding.
_ODD_ZIPS = (RuntimeError, NotImplementedError, UnicodeDecodeError)
_ACTION = "Uploaded File"


@dataclass(frozen=True)
class _Target:
    """Where an upload goes: the resource, None if it has to be made, and whether the caller may write there at all."""

    allowed: bool
    item: audit.Audited
    resource: Resource | None = None
    catalog: Path = Path()
    identifier: str = ""


@dataclass(frozen=True)
class _Place:
    """What the URL says: the resource, if any, the path of the file, and the variables for the objects above."""

    resource: str | None
    path: str
    names: Names


class FileUpload(Endpoint):
    """PUT and POST, which are the same, of `…/files[/PATH]`."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._targets: Remembered[tuple[object, ...], _Target] = Remembered(site.store)

    def on_put(self, req: Request, resp: Response, resource: str | None = None, path: str = "", **names: str) -> None:
        params, place = _query(req), _Place(resource, file_path(self.site, path), names)
        key = (user_of(req).user_id, resource, *names.items())
        target = self._targets.get(key, lambda: self._target(req, place))
        if not target.allowed:
            send_text(resp, "")  # XNAT has no "else": 200, nothing in the body, nothing stored
            return
        if _counts(params):
            audit.require(self.site.preferences, params, target.item, _ACTION, message=None)
        reference = params.get("reference")
        files = referenced_bodies(reference) if reference else bodies(req, params, place.path.rpartition("/")[2])
        files = chain([next(files)], files)  # raises before anything is created
        answer: dict[str, object] = {}
        if reference and params.true("async"):
            answer["workflowId"] = self._later(req, names, lambda: self._store(req, place, target, files))
        elif duplicates := self._store(req, place, target, files):
            answer["duplicates"] = duplicates
        text = dumps(answer, ensure_ascii=False, separators=(",", ":")) if answer else ""
        send_text(resp, text, content_type="text/html" if answer else "text/plain")
        resp.set_header("Content-Security-Policy", "sandbox")  # the names in it are no page, whatever its type says

    on_post = on_put

    def _store(self, req: Request, place: _Place, target: _Target, files: Iterable[Body]) -> Sequence[str]:
        """Take the files into the resource; the names of those that are there already."""
        params = params_of(req)
        if target.resource is None or not is_configured(req, target.resource):
            resource_id, catalog = self._configured(req, place)
        else:
            resource_id, catalog = target.resource.resource_id, Catalog.read(target.catalog, target.identifier)
        intake = self._intake(req, catalog)
        with _failures():
            for body in files:
                intake.take(body, place.path)
            intake.finish()
            write_catalog(self.site, catalog)
        if _counts(params) or target.resource is None:
            save_statistics(self.site.store, resource_id, catalog.entries)
        return intake.duplicates

    def _intake(self, req: Request, catalog: Catalog) -> Intake:
        params, preferences, flavour = params_of(req), self.site.preferences, self.site.flavour
        tags, fields = params.all("tags"), dict[str, str]()
        if flavour.split_file_tags:
            parts = params.listed("tags")
            tags = [part for part in parts if "=" not in part]
            fields = dict(part.split("=", 1) for part in parts if "=" in part)
        return Intake(
            catalog,
            self.history(req),
            overwrite=params.true("overwrite"),
            extract=params.true("extract"),
            checksums=preferences.true("checksums"),
            format=params.get("format"),
            content=params.get("content"),
            description=params.get("description"),
            tags=[tag for tag in tags if tag],
            metafields=fields,
            archives=ARCHIVES if flavour.extract_tar else ZIP_ARCHIVES,
        )

    def _later(self, req: Request, names: Names, store: Callable[[], object]) -> int:
        """XNAT answers with a number and copies afterwards; here it is done before, and as silent about what fails.

        Nobody is told of duplicates, either. `notify` would send a mail.
        """
        params = params_of(req)
        if not _counts(params):
            raise StatusError(500, "Unexpected null workflow")
        with self.writing(req) as finder:
            item = resolve(finder, names, req.method).security
            event = audit.record(finder, self.site.preferences, params, item, _ACTION)
            finder.session.flush()
            number = event.event_id
        try:
            store()
        except StatusError:
            _log.exception("Unable to perform move operation on file.")
            return number
        if params.true("delete"):
            for file in referenced_files(params.get("reference")):
                file.unlink(missing_ok=True)
        return number

    def _target(self, req: Request, place: _Place) -> _Target:
        with self.reading(req) as finder:
            parents = resolve(finder, place.names, req.method)
            found = find_target(finder, parents, place.resource)
            allowed = finder.access(parents.secured_by) >= Access.EDIT
            if found is None:
                return _Target(allowed, parents.security)
            catalog = self.site.archive.catalog(found)
            return _Target(allowed, parents.security, found, catalog.path, catalog.identifier)

    def _configured(self, req: Request, place: _Place) -> tuple[int, Catalog]:
        """The resource to upload to, made or changed to what the request says of it, and its catalog as it is now."""
        with self.writing(req) as finder:
            parents = resolve(finder, place.names, req.method)
            target = find_target(finder, parents, place.resource)
            if target is None:
                target = create_resource(self.site, req, finder, parents, place.resource)
            configure_resource(req, target)
            return target.resource_id, self.site.archive.catalog(target)


def file_path(site: Site, path: str) -> str:
    """A file's path as this version of XNAT takes it from a URL."""
    return decoded(path) if site.flavour.decode_file_paths else path


def _query(req: Request) -> Params:
    """The parameters of the query string only: the body is a file, even if its type says form, as curl's does."""
    req.context.params = Params(req.query_string)
    return cast(Params, req.context.params)


def _counts(params: Params) -> bool:
    """Whether the number and size of the files are counted anew: with no other `update-stats` than `true` or `1`."""
    return params.get("update-stats", "true").lower() in {"true", "1"}


@contextmanager
def _failures() -> Iterator[None]:
    """What goes wrong while files are stored is a 500."""
    try:
        yield
    except OSError as error:
        reason = "No space left on device" if error.errno == errno.ENOSPC else error.strerror
        raise StatusError(500, str(reason)) from error
    except BrokenUploadError as error:
        raise StatusError(500, str(error)) from error
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, *_ODD_ZIPS) as error:
        raise StatusError(500, f"Unable to extract the archive: {error}") from error
