"""`/xapi/archive/upload/xml`: one project, subject, experiment or scan from an XML document.

The object is stored as a PUT of the document to its own address stores it. Here is only what differs: the address is
read from the document, an existing object is found by its ID alone, the document is the whole truth wherever data may
be deleted, and whatever is wrong is a 500, as the exceptions have no status of their own.
Reference: CatalogApi.uploadXml, DefaultCatalogService.insertXmlObject
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from falcon import Request, Response

from xnat_twin.datatypes import schema
from xnat_twin.documents.documents_in import parse
from xnat_twin.documents.items import DocumentError, Submission
from xnat_twin.errors import StatusError, XapiError
from xnat_twin.lookup.finder import Finder
from xnat_twin.params import Params
from xnat_twin.resources.administration.xapi import XapiEndpoint
from xnat_twin.resources.base import media_type, read_body
from xnat_twin.resources.objects.experiments import SubjectAssessor
from xnat_twin.resources.objects.projects import OneProject
from xnat_twin.resources.objects.scans import OneScan
from xnat_twin.resources.objects.subjects import OneSubject
from xnat_twin.site import Site
from xnat_twin.storage.store import Experiment, Project, Subject

_Find = Callable[[Finder, Project | None, str], Subject | Experiment | None]


class XmlUpload(XapiEndpoint):
    """PUT of the document, with `allowDataDeletion`; POST of it as the part `item` of a form."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._projects, self._subjects = OneProject(site), OneSubject(site)
        self._experiments, self._scans = SubjectAssessor(site), OneScan(site)

    def on_put(self, req: Request, resp: Response) -> None:
        self.someone(req, resp)
        if media_type(req) not in {"text/plain", "application/xml"}:
            raise XapiError(415)
        if "allowDataDeletion" not in Params(req.query_string):
            raise XapiError(500, "There was an error in the request: allowDataDeletion is not present")
        self._store(req, resp, read_body(req))

    def on_post(self, req: Request, resp: Response) -> None:
        self.someone(req, resp)
        if media_type(req) != "multipart/form-data":
            raise XapiError(415)
        self._store(req, resp, next((part.get_data() for part in req.get_media() if part.name == "item"), b""))

    def _store(self, req: Request, resp: Response, data: bytes) -> None:
        if not data.strip():
            raise StatusError(204)
        try:
            document = parse(self.site.types, data)
        except DocumentError as error:
            message = f"An error occurred processing the submitted XML: {error}"
            raise XapiError(500, f"There was an error in the request: {message}") from error
        req.env["wsgi.input"], req.content_type, req.method = BytesIO(data), "application/xml", "PUT"
        try:
            uri = self._put(req, resp, document)
        except StatusError as error:
            raise XapiError(500, f"There was an error in the request: {error.message}") from error
        resp.status, resp.content_type, resp.data = 200, "text/plain;charset=ISO-8859-1", uri.encode()

    def _put(self, req: Request, resp: Response, document: Submission) -> str:
        """Store it as its own address does, and return what it is called in the archive."""
        is_a = self.site.types.instance_of
        project, name = document.value("project") or "", document.value("ID") or ""
        if is_a(document.xsi_type, schema.PROJECT):
            req.context.params = self._params(req, "&accessibility=private" if self._is_new_project(req, name) else "")
            self._projects.on_put(req, resp, project=name)
            return f"/archive/projects/{name}"
        if is_a(document.xsi_type, schema.SUBJECT):
            req.context.params = self._params(req, "&loadExisting=false")
            name = self._name(req, document, Finder.subject)
            self._subjects.on_put(req, resp, project=project, subject=name)
            return f"/archive/subjects/{_answer(resp)}"
        req.context.params = self._params(req)
        if is_a(document.xsi_type, schema.SUBJECT_ASSESSOR):
            name, subject = self._name(req, document, Finder.experiment), document.value("subject_ID") or ""
            self._experiments.on_put(req, resp, project=project, subject=subject, experiment=name)
            return f"/archive/experiments/{_answer(resp)}"
        if is_a(document.xsi_type, schema.IMAGE_SCAN):
            return self._put_scan(req, resp, document.value("image_session_ID") or "", name)
        raise StatusError(500, f"{document.xsi_type} cannot be stored by itself")

    def _params(self, req: Request, more: str = "") -> Params:
        return Params(f"{req.query_string}{more}")

    def _is_new_project(self, req: Request, name: str) -> bool:
        with self.reading(req) as finder:
            return finder.project(name) is None

    def _name(self, req: Request, document: Submission, find: _Find) -> str:
        """What the object is called in its address: its ID if there is one, else its label, which must be free."""
        identifier, label = document.value("ID") or "", document.value("label") or ""
        with self.reading(req) as finder:
            project = finder.project(document.value("project") or "")
            existing = find(finder, project, identifier) if identifier else None
            namesake = find(finder, project, label) if label else None
            if namesake is not None and namesake is not existing:
                raise StatusError(409, "Conflict: Duplicate label")
        return label if existing is None else identifier

    def _put_scan(self, req: Request, resp: Response, session: str, name: str) -> str:
        """An existing scan is replaced with its files, and only if data may be deleted."""
        with self.reading(req) as finder:
            found = finder.image_session({"experiment": session})
            taken = found is not None and finder.scan(found, name) is not None
        if taken and not req.context.params.true("allowDataDeletion"):
            raise StatusError(400, f"Cannot insert scan into session {session}: ID {name} in use")
        if taken:
            self._scans.on_delete(req, resp, experiment=session, scan=name)
        self._scans.on_put(req, resp, experiment=session, scan=name)
        return f"/archive/experiments/{session}/scans/{name}"


def _answer(resp: Response) -> str:
    return (resp.data or b"").decode()
