"""What all endpoints share: who asks, with which parameters, and how text, tables and items are answered.

No XNAT rule about a particular object lives here.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from json import dumps
from typing import Any, cast

from falcon import Request, Response

from xnat_twin.datatypes.fields import changes_of
from xnat_twin.datatypes.shortcuts import WRITABLE
from xnat_twin.documents import items
from xnat_twin.documents.documents_in import parse
from xnat_twin.documents.documents_out import to_xml
from xnat_twin.errors import StatusError
from xnat_twin.lists import tables
from xnat_twin.lookup.finder import Finder
from xnat_twin.params import Params
from xnat_twin.site import Site
from xnat_twin.storage.history import History
from xnat_twin.storage.store import User
from xnat_twin.transfer.download import refuse_range

#: XNAT documents describe one object; a larger body is not one.
MAX_DOCUMENT = 16 * 1024 * 1024


class Endpoint:
    """A falcon resource of one site. HEAD is answered wherever GET is, with the same headers."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in [name for name in dir(cls) if name.startswith("on_get")]:
            if not hasattr(cls, name.replace("on_get", "on_head", 1)):
                setattr(cls, name.replace("on_get", "on_head", 1), getattr(cls, name))

    @contextmanager
    def reading(self, req: Request) -> Iterator[Finder]:
        """A read-only transaction in the name of the caller."""
        with self.site.store.reading() as session:
            yield Finder(session, user_of(req), self.site.types, self.site.archive)

    @contextmanager
    def writing(self, req: Request) -> Iterator[Finder]:
        """A transaction in the name of the caller that is committed at the end of the block."""
        with self.site.store.writing() as session:
            yield Finder(session, user_of(req), self.site.types, self.site.archive)

    def history(self, req: Request) -> History:
        """Where files go that this request replaces or deletes."""
        return History(self.site.preferences, self.site.archive.disk, user_of(req).login)

    def read_document(self, req: Request) -> items.Submission | None:
        """The XML document in the body, if there is one. 422 if it cannot be used."""
        params = params_of(req)
        data = b""
        if (
            media_type(req) in {"text/xml", "application/xml"}
            or params.get("req_format") == "xml"
            or params.true("inbody")
        ):
            data = read_body(req)
        elif media_type(req) == "multipart/form-data" and params.get("req_format") != "form":
            data = xml_part(req)
        if not data:
            return None
        try:
            return parse(self.site.types, data)
        except items.DocumentError as error:
            raise StatusError(422, f"An error occurred parsing the XML: {error}") from error

    def requested_changes(
        self, req: Request, kind: str, data_type: str, names: Container[str] | None = None
    ) -> list[tuple[str, str]]:
        """(stored path, text) for each parameter (of `names`) that names a field of `data_type`; others are ignored."""
        parameters = [(name, value) for name, value in params_of(req) if names is None or name in names]
        return changes_of(self.site.types, parameters, data_type, WRITABLE[kind])

    def changes(
        self, req: Request, document: items.Submission | None, kind: str, data_type: str
    ) -> list[tuple[str, str]]:
        """All that a request wants to change: its document first, its parameters on top."""
        return [*(document.changes if document else []), *self.requested_changes(req, kind, data_type)]

    def send_item(self, req: Request, resp: Response, document: items.Document) -> None:
        """One object. Only HTML and XML are offered by content negotiation; JSON needs `format=json`."""
        form = params_of(req).get("format")
        if form == "json":
            former = document.former() if params_of(req).true("includeHistory") else []
            send_json(resp, {"items": [items.to_json(one) for one in (document, *former)]})
        elif form == "xml" or (form == "" and "xml" in req.accept and "html" not in req.accept):
            resp.content_type = "text/xml; charset=UTF-8"
            site = str(self.site.preferences["siteUrl"] or req.prefix)
            hidden = not params_of(req).true("concealHiddenFields")
            resp.data = to_xml(self.site.types, document, site, hidden=hidden)
        elif form == "" and not (req.client_accepts("text/html") or req.client_accepts("text/xml")):
            raise StatusError(406)
        else:
            rows = "".join(f"<tr><td>{escape(k)}</td><td>{escape(str(v))}</td></tr>" for k, v in document.data.items())
            resp.content_type = "text/html; charset=UTF-8"
            resp.text = f"<html><body><h3>{escape(document.xsi_type)}</h3><table>{rows}</table></body></html>"


def user_of(req: Request) -> User:
    """The caller. 401 if he did not log in (a few open paths let such requests through)."""
    user = cast(User | None, req.context.user)
    if user is None:
        raise StatusError(401)
    return user


def params_of(req: Request) -> Params:
    """The parameters of the query string, together with those of a form in the body."""
    if not hasattr(req.context, "params"):
        params = Params(req.query_string)
        if is_form(req, params):
            params = Params(read_body(req).decode("utf-8", "replace")).updated(params)
        req.context.params = params
    return cast(Params, req.context.params)


def media_type(req: Request) -> str:
    return (req.content_type or "").partition(";")[0].strip().lower()


def is_form(req: Request, params: Params) -> bool:
    if media_type(req) == "application/x-www-form-urlencoded":
        return True
    return params.get("req_format") == "form" and media_type(req) != "multipart/form-data"


def read_body(req: Request) -> bytes:
    """A small body as a whole. 400 if it is too large for what can be asked for here."""
    data: bytes = req.env["wsgi.input"].read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise StatusError(400, f"The document is larger than {MAX_DOCUMENT} bytes.")
    return data


def xml_part(req: Request) -> bytes:
    """The last file of a multipart form whose name ends in `.xml`; empty if there is none."""
    data = b""
    for part in req.get_media():
        if (part.filename or "").endswith(".xml"):
            data = part.get_data()
    return data


def send_text(resp: Response, text: str, status: int = 200, content_type: str = "text/plain") -> None:
    """Plain text, in ISO-8859-1 as Restlet writes it: other characters are lost."""
    resp.status = status
    resp.content_type = f"{content_type}; charset=ISO-8859-1"
    resp.data = text.encode("iso-8859-1", "replace")


def send_json(resp: Response, value: Any, status: int = 200) -> None:
    resp.status = status
    resp.content_type = "application/json"
    resp.data = dumps(value).encode()


def send_table(
    req: Request,
    resp: Response,
    table: tables.Table | None,
    otherwise: str | None = None,
    *,
    offered: Mapping[str, str] = tables.NEGOTIATED,
    ordered: bool = False,
) -> None:
    """A list, sorted as asked for, streamed without a length; nothing at all, with 200, for a table that XNAT lost.

    `otherwise` is the form of a table that is part of an item, where JSON is not what comes first; `offered` are the
    forms that `Accept` can choose. One that is `ordered` already is not sorted again.
    """
    params = params_of(req)
    form = tables.form_of(params.get("format") or otherwise or "", req.client_prefers, offered)
    if form is None:
        raise StatusError(406)
    if table is None:
        send_text(resp, "", content_type=tables.MEDIA_TYPES[form])
        return
    if "sortBy" in params and not ordered:
        descending = params.get("sortOrder").upper() == "DESC" and form != "xlist"
        tables.sort_rows(table, params.get("sortBy"), descending=descending)
    refuse_range(req)
    resp.content_type = tables.MEDIA_TYPES[form]
    if form == "html":  # XNAT escapes nothing in it; at least no browser runs it
        resp.set_header("Content-Security-Policy", "sandbox")
    resp.stream = (chunk.encode() for chunk in tables.render(table, form))
