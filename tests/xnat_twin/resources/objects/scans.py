"""Scans of an image session. Reference: ScanResource, ScanList."""

from __future__ import annotations

from falcon import Request, Response

from xnat_twin.access.permissions import Access
from xnat_twin.datatypes import schema
from xnat_twin.documents.items import Submission
from xnat_twin.documents.views import scan_document
from xnat_twin.errors import StatusError
from xnat_twin.lists import objects as lists
from xnat_twin.lookup.finder import Finder, Names
from xnat_twin.params import Params
from xnat_twin.resources.base import params_of, send_table
from xnat_twin.resources.objects.nested import save_nested
from xnat_twin.resources.objects.saving import (
    MAY_NOT_MODIFY,
    Changes,
    Storing,
    check_label,
    flush_new,
    insufficient,
    merged_fields,
    refuse_tail,
    requested_type,
)
from xnat_twin.storage import removal
from xnat_twin.storage.store import Experiment, Scan, now

_OF_SESSION = {f"xnat:{code}SessionData": f"xnat:{code}ScanData" for code in ("mr", "pet", "ct")}


class ScanList(Storing):
    """`…/experiments/E/scans`."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            table = lists.scans(finder, params_of(req), list_session(finder, names))
        send_table(req, resp, table)

    def on_post(self, req: Request, resp: Response, **names: str) -> None:
        """The type of an MR, PET or CT session's scan need not be said. Reference: ScanList.handlePost"""
        document = self.read_document(req)
        with self.writing(req) as finder:
            session = list_session(finder, names)
            data_type = requested_type(finder, params_of(req), document, _OF_SESSION.get(session.xsi_type), "POST")
            if data_type.abstract or not finder.types.instance_of(data_type.name, schema.IMAGE_SCAN):
                raise StatusError(422, "Only Scan documents can be PUT to this address.")
            changes = self.changes(req, document, schema.IMAGE_SCAN, data_type.name)
            identifier = dict(changes).get("ID") or _free_id(finder, session)
            if finder.scan(session, identifier) is not None:
                raise StatusError(409, "Specified scan already exists.")
            finder.require(session.project, Access.EDIT, insufficient("create", "sessions"))
            scan = save_scan(finder, session, identifier, data_type.name, changes)
            save_nested(finder, scan, document, whole=False)
            self.note(req, finder, session, f"Added {data_type.name}")
        self.send_created(req, resp, identifier)


class OneScan(Storing):
    """`…/scans/ID`; found by ID alone, and not percent-decoded. PUT answers 200 with nothing in the body, always."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            self.send_item(req, resp, scan_document(finder, _find(finder, names)))

    def on_put(self, req: Request, resp: Response, **names: str) -> None:
        refuse_tail(names)  # sharing one scan is not covered
        document = self.read_document(req)
        fixed = self.site.flavour.scan_type_fixed
        with self.writing(req) as finder:
            session = finder.image_session(names)
            existing = finder.scan(session, names["scan"]) if session is not None else None
            stored = existing.xsi_type if existing is not None and fixed else None
            data_type = _requested_type(finder, params_of(req), document, stored)
            if session is None:
                raise StatusError(417, "Specified scan must reference a valid image session.")
            finder.require(session.project, Access.EDIT, insufficient("edit" if existing else "create", "sessions"))
            if existing is not None and existing.xsi_type != data_type and fixed:
                raise StatusError(409, "Specified xsiType differs from existing xsiType")
            changes = self.changes(req, document, schema.IMAGE_SCAN, data_type)
            identifier = dict(changes).get("ID") or names["scan"]  # the body wins over the address
            scan = save_scan(finder, session, identifier, data_type, changes)
            save_nested(finder, scan, document, whole=False)  # XNAT reads `allowDataDeletion` here, and drops it
            self.note(req, finder, session, f"{'Modified' if existing else 'Added'} {data_type}")

    def on_delete(self, req: Request, resp: Response, **names: str) -> None:
        with self.writing(req) as finder:
            found = _find(finder, names)
            refuse_tail(names)
            finder.require(found.project, Access.DELETE, MAY_NOT_MODIFY)
            self.note(req, finder, found.experiment, f"Removed {found.xsi_type}")
            folders = removal.delete_image(finder.session, self.site.archive, found)
        self.history(req).discard(*folders)  # whatever removeFiles says


def list_session(finder: Finder, names: Names) -> Experiment:
    """The session of a list of scans or reconstructions. 500 where XNAT looks for a label without a project to look in.

    Reference: ScanList, ReconList (constructors)
    """
    home = finder.home(names)
    if "project" in names and home is None:
        raise StatusError(500)
    if "subject" in names and finder.subject(home, names["subject"]) is None:
        raise StatusError(404)
    session = finder.image_session(names)
    if session is None:
        raise StatusError(404 if "project" in names else 500)
    return session


def save_scan(finder: Finder, session: Experiment, identifier: str, data_type: str, changes: Changes) -> Scan:
    """Create or change a scan. An ID with illegal characters fails late: 500."""
    scan = finder.scan(session, identifier)
    fields = merged_fields(finder.types, scan.fields if scan else {}, changes, data_type)
    check_label(identifier)
    if scan is None:
        scan = Scan(id=identifier, xsi_type=data_type, experiment=session, fields=fields, insert_user=finder.user.login)
        finder.session.add(scan)
        flush_new(finder, "Specified scan already exists.")
    else:
        scan.xsi_type, scan.fields, scan.last_modified = data_type, fields, now()
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
