"""Scans of an image session. Reference: ScanResource, ScanList."""

from __future__ import annotations

from falcon import Request, Response

from .. import lists, removal, schema
from ..errors import StatusError
from ..items import Submission
from ..lookup import Finder, Names
from ..params import Params
from ..permissions import Access
from ..store import Experiment, Scan, now
from ..views import scan_document
from .base import Endpoint, params_of, send_table, send_text
from .saving import Changes, check_label, flush_new, merged_fields, refuse_tail, requested_type

_MAY_NOT = "Specified user account has insufficient {} privileges for sessions in this project."


class ScanList(Endpoint):
    """`…/experiments/E/scans`."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            session = finder.image_session(names)
            if session is None:
                raise StatusError(404, "Unable to find the specified image session.")
            table = lists.scans(finder, params_of(req), session)
        send_table(req, resp, table)

    def on_post(self, req: Request, resp: Response, **names: str) -> None:
        document = self.read_document(req)
        with self.writing(req) as finder:
            session = finder.image_session(names)
            if session is None:
                raise StatusError(404, "Specified image session doesn't exist.")
            finder.require(session.project, Access.EDIT, _MAY_NOT.format("create"))
            default = session.xsi_type.replace("SessionData", "ScanData")
            data_type = _requested_type(finder, params_of(req), document, default)
            changes = self.changes(req, document, schema.IMAGE_SCAN, data_type)
            identifier = dict(changes).get("ID") or _free_id(finder, session)
            if finder.scan(session, identifier) is not None:
                raise StatusError(409, "Specified scan already exists.")
            save_scan(finder, session, identifier, data_type, changes)
            uri = f"/data/experiments/{session.id}/scans/{identifier}"
        resp.location = uri
        send_text(resp, uri, 201)


class OneScan(Endpoint):
    """`…/scans/ID`; found by ID alone, and not percent-decoded."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            self.send_item(req, resp, scan_document(finder, _find(finder, names)))

    def on_put(self, req: Request, resp: Response, **names: str) -> None:
        refuse_tail(names)  # sharing one scan is not covered
        document = self.read_document(req)
        with self.writing(req) as finder:
            session = finder.image_session(names)
            existing = finder.scan(session, names["scan"]) if session is not None else None
            data_type = _requested_type(finder, params_of(req), document, existing.xsi_type if existing else None)
            if session is None:
                raise StatusError(417, "Specified scan must reference a valid image session.")
            finder.require(session.project, Access.EDIT, _MAY_NOT.format("edit"))
            if existing is not None and existing.xsi_type != data_type:
                raise StatusError(409, "Specified xsiType differs from existing xsiType")
            changes = self.changes(req, document, schema.IMAGE_SCAN, data_type)
            identifier = dict(changes).get("ID") or names["scan"]  # the body wins over the address
            save_scan(finder, session, identifier, data_type, changes)

    def on_delete(self, req: Request, resp: Response, **names: str) -> None:
        with self.writing(req) as finder:
            found = _find(finder, names)
            refuse_tail(names)
            finder.require(found.project, Access.DELETE, "User account doesn't have permission to modify this session.")
            folders = removal.delete_image(finder.session, self.site.archive, found)
        for folder in folders:
            self.site.archive.disk.remove(folder)  # whatever removeFiles says


def save_scan(finder: Finder, session: Experiment, identifier: str | None, data_type: str, changes: Changes) -> Scan:
    """Create or change a scan. An ID with illegal characters fails late: 500, as in XNAT."""
    identifier = identifier or _free_id(finder, session)
    scan = finder.scan(session, identifier)
    fields = merged_fields(finder.types, scan.fields if scan else {}, changes, data_type)
    check_label(identifier)
    if scan is None:
        scan = Scan(id=identifier, xsi_type=data_type, experiment=session, fields=fields, insert_user=finder.user.login)
        finder.session.add(scan)
        flush_new(finder, "Specified scan already exists.")
    else:
        scan.fields, scan.last_modified = fields, now()
    return scan


def _free_id(finder: Finder, session: Experiment) -> str:
    taken = {scan.id for scan in finder.scans(session, "ALL")}
    return next(str(number) for number in range(1, len(taken) + 2) if str(number) not in taken)


def _find(finder: Finder, names: Names) -> Scan:
    session = finder.image_session(names)
    found = finder.scan(session, names["scan"]) if session is not None else None
    if found is None:
        raise StatusError(404, "Unable to find the specified scan.")
    return found


def _requested_type(finder: Finder, params: Params, document: Submission | None, stored: str | None) -> str:
    """The type that a request speaks of, else the stored one. 400 for what is no scan, or only "a scan"."""
    data_type = requested_type(finder, params, document, stored)
    if not finder.types.instance_of(data_type.name, schema.IMAGE_SCAN):
        raise StatusError(
            400,
            f"Only Scan documents can be PUT to this address. Expected: xnat:imageScanData Received: {data_type.name}",
        )
    if data_type.abstract:
        raise StatusError(
            400,
            "Multiple scan modalities can be associated here.  Please retry with the specification of a particular "
            "modality (i.e. ?xsiType=xnat:mrScanData).",
        )
    return data_type.name
