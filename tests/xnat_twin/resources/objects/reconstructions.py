"""Reconstructed images of a session: `…/experiments/SESSION/reconstructions`. Reference: ReconResource, ReconList.

XNAT looks for a reconstruction by its ID in the whole site, so an ID that another session uses is taken.
"""

from __future__ import annotations

from falcon import Request, Response
from sqlalchemy import select

from xnat_twin.access.permissions import Access
from xnat_twin.datatypes import schema
from xnat_twin.documents.items import Submission
from xnat_twin.documents.views import reconstruction_document
from xnat_twin.errors import StatusError
from xnat_twin.lists import objects as lists
from xnat_twin.lookup.finder import Finder, Names
from xnat_twin.resources.base import params_of, send_table
from xnat_twin.resources.objects.nested import save_nested
from xnat_twin.resources.objects.saving import (
    MAY_NOT_MODIFY,
    Storing,
    check_label,
    flush_new,
    insufficient,
    merged_fields,
    refuse_tail,
    requested_type,
)
from xnat_twin.resources.objects.scans import list_session
from xnat_twin.storage import removal
from xnat_twin.storage.store import Reconstruction, now


class ReconstructionStoring(Storing):
    """What makes and changes a reconstruction."""

    def save(
        self, req: Request, finder: Finder, document: Submission | None, names: Names, *, may_exist: bool
    ) -> Reconstruction:
        """Create or change one. Its type is `xnat:reconstructedImageData` unless the request says otherwise."""
        data_type = requested_type(finder, params_of(req), document, schema.RECONSTRUCTED_IMAGE, need="POST")
        if not finder.types.instance_of(data_type.name, schema.RECONSTRUCTED_IMAGE):
            raise StatusError(422, "Only reconstruction documents can be PUT to this address.")
        refuse_tail(names)
        changes = self.changes(req, document, schema.RECONSTRUCTED_IMAGE, data_type.name)
        session = finder.image_session(names)
        if session is None:
            raise StatusError(417, "Specified reconstruction must reference a valid image session.")
        identifier = dict(changes).get("ID") or names.get("reconstruction") or "1"  # sic
        existing = _anywhere(finder, identifier)
        if existing is not None and not may_exist:
            raise StatusError(409, "Specified reconstruction already exists.")
        finder.require(session.project, Access.EDIT, insufficient("edit" if existing else "create", "sessions"))
        stored = existing.fields if existing is not None else {}
        fields = merged_fields(finder.types, stored, changes, data_type.name)
        check_label(identifier)
        self.note(req, finder, session, f"{'Modified' if existing else 'Added'} {data_type.name}")
        if existing is None:
            existing = Reconstruction(
                id=identifier,
                xsi_type=data_type.name,
                experiment=session,
                fields=fields,
                insert_user=finder.user.login,
            )
            finder.session.add(existing)
            flush_new(finder, "Specified reconstruction already exists.")
        else:  # of another session: it is moved
            existing.experiment, existing.fields, existing.last_modified = session, fields, now()
        save_nested(finder, existing, document, whole=False)  # as for a scan, whatever `allowDataDeletion` says
        return existing


class ReconstructionList(ReconstructionStoring):
    """`…/experiments/SESSION/reconstructions`."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            table = lists.reconstructions(finder, params_of(req), list_session(finder, names))
        send_table(req, resp, table)

    def on_post(self, req: Request, resp: Response, **names: str) -> None:
        document = self.read_document(req)
        with self.writing(req) as finder:
            list_session(finder, names)
            made = self.save(req, finder, document, names, may_exist=False)
        self.send_created(req, resp, made.id)


class OneReconstruction(ReconstructionStoring):
    """`…/experiments/SESSION/reconstructions/ID`: PUT answers 200 with nothing in the body, as for scans."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            self.send_item(req, resp, reconstruction_document(finder, _find(finder, names)))

    def on_put(self, req: Request, resp: Response, **names: str) -> None:
        document = self.read_document(req)
        with self.writing(req) as finder:
            self.save(req, finder, document, names, may_exist=True)

    def on_delete(self, req: Request, resp: Response, **names: str) -> None:
        """Files go with `removeFiles`, even if that is false; inputs stay on the disk."""
        with self.writing(req) as finder:
            found = _find(finder, names)
            refuse_tail(names)
            session = found.experiment
            finder.require(session.project, Access.DELETE, MAY_NOT_MODIFY)
            self.note(req, finder, session, f"Removed {found.xsi_type}")
            folders = removal.delete_image(finder.session, self.site.archive, found)
        if "removeFiles" in params_of(req):
            self.history(req).discard(*folders)


def _anywhere(finder: Finder, identifier: str) -> Reconstruction | None:
    """By ID, in whatever session that the user may read."""
    found = finder.session.scalar(select(Reconstruction).where(Reconstruction.id == identifier))
    return found if found is not None and finder.may_read(found.project) else None


def _find(finder: Finder, names: Names) -> Reconstruction:
    found = _anywhere(finder, names["reconstruction"])
    if found is None:
        raise StatusError(404, "Unable to find the specified reconstruction.")
    return found
