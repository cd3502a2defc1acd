"""The WSGI application: its parts put together, and how exceptions become answers. routes/ has the paths."""

from __future__ import annotations

import logging

import falcon
from falcon import Request, Response
from falcon.media import MultipartFormHandler

from xnat_twin.errors import ContainerError, StatusError, XapiError, status_line
from xnat_twin.injection import InjectedFaults
from xnat_twin.middleware import Application, Login, RawPath, ReadToEnd
from xnat_twin.resources.base import MAX_DOCUMENT
from xnat_twin.routes import add_routes
from xnat_twin.routes.data import Direction
from xnat_twin.site import Site

_log = logging.getLogger("xnat_twin")


def create_app(site: Site) -> Application:
    """The application that serves `site`."""
    app = falcon.App(middleware=[Login(site)])
    # Without a body no type: xnatctl reads what is called JSON, and nothing is no JSON.
    app.resp_options.default_media_type = None  # type: ignore[assignment]  # falcon takes None for no default
    forms = MultipartFormHandler()
    forms.parse_options.max_body_part_count = 0  # no limit, as in XNAT
    forms.parse_options.max_body_part_buffer_size = MAX_DOCUMENT
    app.req_options.media_handlers[falcon.MEDIA_MULTIPART] = forms
    app.add_middleware(Direction())
    app.add_error_handler(Exception, _unexpected)
    app.add_error_handler(falcon.HTTPError, _falcon_error)
    app.add_error_handler(StatusError, _status_error)
    add_routes(app, site)
    return RawPath(ReadToEnd(InjectedFaults(app, site)))


def _status_error(req: Request, resp: Response, error: StatusError, params: object) -> None:
    resp.status = status_line(error.status, error.message)
    resp.stream = None
    if error.status not in {204, 302, 304}:
        resp.content_type = error.content_type
        resp.data = error.body()


def _falcon_error(req: Request, resp: Response, error: falcon.HTTPError, params: object) -> None:
    for name, value in dict(error.headers or {}).items():
        resp.set_header(name, value)
    kind = StatusError if req.path.startswith("/data/") else ContainerError
    _status_error(req, resp, kind(error.status_code), params)


def _unexpected(req: Request, resp: Response, error: Exception, params: object) -> None:
    _log.exception("%s %s failed", req.method, req.path)
    kind = XapiError if req.path.startswith("/xapi/") else StatusError
    _status_error(req, resp, kind(500), params)
