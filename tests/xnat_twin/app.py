"""The WSGI application: which path leads to which endpoint, and how exceptions become answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import falcon
from falcon import Request, Response

from .entry import NOT_ADMIN_PAGE
from .errors import ContainerError, StatusError, status_line
from .injection import SWITCH, InjectedFaults
from .middleware import Application, Login, RawPath, ReadToEnd
from .resources import (
    browse,
    catalogs,
    experiments,
    files,
    pages,
    practice,
    projects,
    scans,
    sharing,
    subjects,
)
from .resources.base import Endpoint
from .routes import add_entry_routes, add_module_routes, add_xapi_routes
from .site import Site

_log = logging.getLogger("xnat_twin")

_PROJECT = "/data/projects/{project}"
_SUBJECTS = (f"{_PROJECT}/subjects/{{subject}}", "/data/subjects/{subject}")
_EXPERIMENTS = (
    f"{_PROJECT}/subjects/{{subject}}/experiments/{{experiment}}",
    f"{_PROJECT}/experiments/{{experiment}}",
    "/data/experiments/{experiment}",
)
_SCANS = tuple(f"{path}/scans/{{scan}}" for path in _EXPERIMENTS)


def _routes(site: Site) -> Iterator[tuple[str, Endpoint]]:
    yield "/", pages.HomePage(site)
    yield "/app/template/Login.vm", pages.LoginPage(site)
    yield "/login", pages.LoginForm(site)
    yield "/app/action/LogoutUser", pages.Logout(site)
    for path in (NOT_ADMIN_PAGE, site.flavour.setup_page, site.flavour.password_page):
        yield path, pages.NoticePage(site)
    yield "/browse/projects/{project}", browse.ProjectPage(site)
    yield "/browse/projects/{project}/subjects/{subject}", browse.SubjectPage(site)
    yield "/browse/projects/{project}/experiments/{experiment}", browse.ExperimentPage(site)
    yield "/browse/projects/{project}/resources/{resource}", browse.ResourcePage(site)
    if site.allow_faults:
        yield f"{SWITCH}/faults", practice.FaultList(site)

    yield "/data/projects", projects.ProjectList(site)
    yield _PROJECT, projects.OneProject(site)
    yield f"{_PROJECT}/users", projects.ProjectUsers(site)
    yield f"{_PROJECT}/users/{{group}}/{{login}}", projects.ProjectMember(site)
    yield f"{_PROJECT}/{{tail:path}}", projects.ProjectSetting(site)

    for path in (f"{_PROJECT}/subjects", "/data/subjects"):
        yield path, subjects.SubjectList(site)
    for path in _SUBJECTS:
        yield path, subjects.OneSubject(site)
        yield f"{path}/projects/{{target}}", sharing.SubjectSharing(site)
        yield f"{path}/{{tail:path}}", subjects.OneSubject(site)
    for path in (f"{_PROJECT}/experiments", f"{_SUBJECTS[0]}/experiments", "/data/experiments"):
        yield path, experiments.ExperimentList(site)
    for path in _EXPERIMENTS:
        yield path, experiments.OneExperiment(site)
        yield f"{path}/projects/{{target}}", sharing.ExperimentSharing(site)
        yield f"{path}/scans", scans.ScanList(site)
        yield f"{path}/{{tail:path}}", experiments.OneExperiment(site)
    for path in _SCANS:
        yield path, scans.OneScan(site)
        yield f"{path}/{{tail:path}}", scans.OneScan(site)
    for path in (_PROJECT, *_SUBJECTS, *_EXPERIMENTS, *_SCANS):
        yield from _resource_routes(site, path)


def _resource_routes(site: Site, owner: str) -> Iterator[tuple[str, Endpoint]]:
    """The same below every object; `out/resources` is another spelling of `resources`."""
    listing = files.FileList(site)
    yield f"{owner}/files", listing
    yield f"{owner}/files/{{path:path}}", listing
    for path in (f"{owner}/resources", f"{owner}/out/resources"):
        yield path, catalogs.ResourceList(site)
        yield f"{path}/{{resource}}", catalogs.OneResource(site)
        yield f"{path}/{{resource}}/files", listing
        yield f"{path}/{{resource}}/files/{{path:path}}", listing
        yield f"{path}/{{resource}}/{{tail:path}}", catalogs.ResourceTail(site)


def create_app(site: Site) -> Application:
    """The application that serves `site`."""
    app = falcon.App(middleware=[Login(site)])
    app.add_error_handler(Exception, _unexpected)
    app.add_error_handler(falcon.HTTPError, _falcon_error)
    app.add_error_handler(StatusError, _status_error)
    add_entry_routes(app, site)
    add_module_routes(app, site)
    if site.flavour.xapi:
        add_xapi_routes(app, site)
    for path, endpoint in _routes(site):
        if site.flavour.xapi or not path.startswith("/xapi/"):
            app.add_route(path, endpoint)
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
    _status_error(req, resp, StatusError(500), params)
