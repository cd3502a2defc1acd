"""Scans of an image session. Reference: ScanResource, ScanList."""

from __future__ import annotations

from falcon import Request, Response

from .. import removal, schema
from ..errors import StatusError
from ..fields import type_of_xpath
from ..items import Submission
from ..lookup import Finder
from ..params import Params
from ..permissions import Access
from ..store import Experiment, Scan, now
from ..views import listing, scan_document, scan_row
from .base import Endpoint, params_of, send_table, send_text
from .subjects import check_label, flush_new, merged_fields, refuse_tail

_COLUMNS = ("xnat_imagescandata_id", "ID", "type", "quality", "xsiType", "note", "series_description", "URI")


class ScanList(Endpoint):
    """`…/experiments/E/scans`."""

    def on_get(
        self, req: Request, resp: Response, experiment: str, project: str | None = None, subject: str | None = None
    ) -> None:
        with self.reading(req) as finder:
            session = _session(finder, project, experiment)
            if session is None:
                raise StatusError(404, "Unable to find the specified image session.")
            rows = [scan_row(self.site.types, scan) for scan in finder.scans(session, "ALL")]
        table = listing(self.site.types, params_of(req), schema.IMAGE_SCAN, rows, _COLUMNS)
        table.title = "Scans"
        send_table(req, resp, table)

    def on_post(
        self, req: Request, resp: Response, experiment: str, project: str | None = None, subject: str | None = None
    ) -> None:
        document = self.read_document(req)
        with self.writing(req) as finder:
            session = _editable_session(finder, project, experiment)
            data_type = _requested_type(
                finder, params_of(req), document, session.xsi_type.replace("SessionData", "ScanData")
            )
            changes = [
                *(document.changes if document else []),
                *self.requested_changes(req, schema.IMAGE_SCAN, data_type),
            ]
            identifier = dict(changes).get("ID") or _free_id(finder, session)
            if finder.scan(session, identifier) is not None:
                raise StatusError(409, "Specified scan already exists.")
            save_scan(finder, session, identifier, data_type, changes)
            uri = f"/data/experiments/{session.id}/scans/{identifier}"
        resp.location = uri
        send_text(resp, uri, 201)


class OneScan(Endpoint):
    """`…/scans/ID`; found by ID alone, and not percent-decoded."""

    def on_get(
        self,
        req: Request,
        resp: Response,
        experiment: str,
        scan: str,
        project: str | None = None,
        subject: str | None = None,
        tail: str = "",
    ) -> None:
        with self.reading(req) as finder:
            self.send_item(req, resp, scan_document(finder, _find(finder, project, experiment, scan)))

    def on_put(
        self,
        req: Request,
        resp: Response,
        experiment: str,
        scan: str,
        project: str | None = None,
        subject: str | None = None,
        tail: str = "",
    ) -> None:
        refuse_tail(tail)  # sharing one scan is not covered
        document = self.read_document(req)
        with self.writing(req) as finder:
            session = _session(finder, project, experiment)
            existing = finder.scan(session, scan) if session is not None else None
            data_type = _requested_type(finder, params_of(req), document, existing.xsi_type if existing else None)
            if session is None:
                raise StatusError(417, "Specified scan must reference a valid image session.")
            if finder.access(session.project) < Access.EDIT:
                raise StatusError(
                    403, "Specified user account has insufficient edit privileges for sessions in this project."
                )
            if existing is not None and existing.xsi_type != data_type:
                raise StatusError(409, "Specified xsiType differs from existing xsiType")
            changes = [
                *(document.changes if document else []),
                *self.requested_changes(req, schema.IMAGE_SCAN, data_type),
            ]
            identifier = dict(changes).get("ID") or scan  # the body wins over the address
            save_scan(finder, session, identifier, data_type, changes)

    def on_delete(
        self,
        req: Request,
        resp: Response,
        experiment: str,
        scan: str,
        project: str | None = None,
        subject: str | None = None,
        tail: str = "",
    ) -> None:
        with self.writing(req) as finder:
            found = _find(finder, project, experiment, scan)
            refuse_tail(tail)
            if finder.access(found.project) < Access.DELETE:
                raise StatusError(403, "User account doesn't have permission to modify this session.")
            folder = self.site.archive.folder(found)
            removal.delete_scan(finder.session, found)
        self.site.archive.disk.remove(folder)  # whatever removeFiles says


def save_scan(
    finder: Finder, session: Experiment, identifier: str | None, data_type: str, changes: list[tuple[str, str]]
) -> Scan:
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


def _session(finder: Finder, project: str | None, experiment: str) -> Experiment | None:
    home = finder.project(project) if project is not None else None
    if project is not None and home is None:
        return None
    found = finder.experiment(home, experiment)
    return found if found is not None and finder.types.instance_of(found.xsi_type, schema.IMAGE_SESSION) else None


def _editable_session(finder: Finder, project: str | None, experiment: str) -> Experiment:
    session = _session(finder, project, experiment)
    if session is None:
        raise StatusError(404, "Specified image session doesn't exist.")
    if finder.access(session.project) < Access.EDIT:
        raise StatusError(
            403, "Specified user account has insufficient create privileges for sessions in this project."
        )
    return session


def _find(finder: Finder, project: str | None, experiment: str, scan: str) -> Scan:
    session = _session(finder, project, experiment)
    found = finder.scan(session, scan) if session is not None else None
    if found is None:
        raise StatusError(404, "Unable to find the specified scan.")
    return found


def _requested_type(finder: Finder, params: Params, document: Submission | None, stored: str | None) -> str:
    """The type that a request speaks of, else the stored one. 417 none, 400 not a scan or only "a scan"."""
    name = document.xsi_type if document else params.get("xsiType") or stored
    if not name:
        name = next((found for key, _ in params if (found := type_of_xpath(key))), "")
    if not name:
        raise StatusError(417, "Need PUT Contents")
    try:
        data_type = finder.types.resolve(name)
    except schema.UnknownTypeError as error:
        raise StatusError(400, f"Unknown data type: {name}") from error
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
