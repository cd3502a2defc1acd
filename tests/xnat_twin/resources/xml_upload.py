"""`/xapi/archive/upload/xml`: one project, subject or experiment from an XML document. Reference: CatalogApi.

The object is stored as a PUT of the document to its own address stores it; here are only what differs: the address is
read from the document, and whatever is wrong with it is a 500, as the exceptions have no status of their own.
"""

from __future__ import annotations

from io import BytesIO

from falcon import Request, Response

from .. import schema
from ..documents_in import parse
from ..errors import StatusError, XapiError
from ..items import DocumentError, Submission
from ..params import Params
from ..site import Site
from .base import media_type, read_body
from .experiments import SubjectAssessor
from .projects import OneProject
from .subjects import OneSubject
from .xapi import XapiEndpoint


class XmlUpload(XapiEndpoint):
    """PUT of the document, with `allowDataDeletion`; POST of it as the part `item` of a form."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._projects, self._subjects, self._experiments = OneProject(site), OneSubject(site), SubjectAssessor(site)

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
        req.context.params = Params(req.query_string)
        try:
            uri = self._put(req, resp, document)
        except StatusError as error:
            raise XapiError(500, f"There was an error in the request: {error.message}") from error
        resp.status, resp.content_type, resp.data = 200, "text/plain;charset=ISO-8859-1", uri.encode()

    def _put(self, req: Request, resp: Response, document: Submission) -> str:
        """Store it as its own address does, and return what it is called in the archive."""
        is_a = self.site.types.instance_of
        project, name = document.value("project") or "", document.value("label") or document.value("ID") or ""
        if is_a(document.xsi_type, schema.PROJECT):
            name = document.value("ID") or ""
            self._projects.on_put(req, resp, project=name)
            return f"/archive/projects/{name}"
        if is_a(document.xsi_type, schema.SUBJECT):
            self._subjects.on_put(req, resp, project=project, subject=name)
            return f"/archive/subjects/{_answer(resp)}"
        if is_a(document.xsi_type, schema.SUBJECT_ASSESSOR):
            subject = document.value("subject_ID") or ""
            self._experiments.on_put(req, resp, project=project, subject=subject, experiment=name)
            return f"/archive/experiments/{_answer(resp)}"
        raise StatusError(500, f"{document.xsi_type} cannot be stored by itself")


def _answer(resp: Response) -> str:
    return (resp.data or b"").decode()
