"""The WSGI application: which path leads to which endpoint, and how exceptions become answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import falcon
from falcon import Request, Response

from xnat_twin.access.entry import NOT_ADMIN_PAGE
from xnat_twin.errors import ContainerError, StatusError, status_line
from xnat_twin.injection import SWITCH, InjectedFaults
from xnat_twin.middleware import Application, Login, RawPath, ReadToEnd
from xnat_twin.resources.administration import practice
from xnat_twin.resources.base import Endpoint
from xnat_twin.resources.files import catalogs, files
from xnat_twin.resources.objects import (
    assessors,
    experiments,
    favorites,
    project_members,
    project_settings,
    projects,
    reconstructions,
    scan_types,
    scans,
    sharing,
    subjects,
)
from xnat_twin.resources.pages import browse, pages
from xnat_twin.routes import add_entry_routes, add_module_routes, add_search_routes, add_xapi_routes
from xnat_twin.site import Site

_log = logging.getLogger("xnat_twin")

_PROJECT = "/data/projects/{project}"
_SUBJECTS = (f"{_PROJECT}/subjects/{{subject}}", "/data/subjects/{subject}")
#: Scans, reconstructions and assessors have no path through `/data/projects/P/experiments/E`.
_SESSIONS = (f"{_SUBJECTS[0]}/experiments/{{experiment}}", "/data/experiments/{experiment}")
_IN_PROJECT = f"{_PROJECT}/experiments/{{experiment}}"
#: How the path to what an assessor or reconstruction was made of goes on.
_INPUTS = "/in"


class _Direction:
    """Middleware that gives handlers the path variable `direction` where the path is one to inputs."""

    def process_resource(self, req: Request, resp: Response, resource: object, params: dict[str, object]) -> None:
        if f"{_INPUTS}/" in (req.uri_template or ""):
            params["direction"] = "in"


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
    yield from _project_routes(site)
    for path in (f"{_PROJECT}/subjects", "/data/subjects"):
        yield path, subjects.SubjectList(site)
    for path in _SUBJECTS:
        yield path, subjects.OneSubject(site)
        yield f"{path}/projects/{{target}}", sharing.SubjectSharing(site)
        yield f"{path}/{{tail:path}}", subjects.OneSubject(site)
    for path in (f"{_PROJECT}/experiments", f"{_SUBJECTS[0]}/experiments", "/data/experiments"):
        yield path, experiments.ExperimentList(site)
    for path, experiment in (
        (_SESSIONS[0], experiments.SubjectAssessor(site)),
        (_SESSIONS[1], experiments.OneExperiment(site)),
        (_IN_PROJECT, experiments.OneExperiment(site)),
    ):
        yield path, experiment
        yield f"{path}/projects/{{target}}", sharing.ExperimentSharing(site)
        yield f"{path}/{{tail:path}}", experiment
        yield from _resource_routes(site, path)
        if path != _IN_PROJECT:
            yield from _file_routes(site, path)
            yield from _session_routes(site, path)
    for path in (_PROJECT, *_SUBJECTS):
        yield from _resource_routes(site, path)
        yield from _file_routes(site, path)
    yield "/data/scanners", scan_types.ScannerList(site)
    for path in ("/data", _PROJECT):
        yield f"{path}/scan_types", scan_types.ScanTypeList(site)


def _project_routes(site: Site) -> Iterator[tuple[str, Endpoint]]:
    """What a project has besides data. Any other path below it is a setting, or refused."""
    members, member = project_members.ProjectUsers(site), project_members.ProjectMember(site)
    yield f"{_PROJECT}/users", members
    yield f"{_PROJECT}/users/{{group}}", members
    yield f"{_PROJECT}/users/{{group}}/{{login}}", member
    yield f"{_PROJECT}/users/{{group}}/{{login}}/{{hidden}}", member
    accessibility = project_settings.ProjectAccessibility(site)
    yield f"{_PROJECT}/accessibility", accessibility
    yield f"{_PROJECT}/accessibility/{{level}}", accessibility
    yield f"{_PROJECT}/{{tail:path}}", project_settings.ProjectSetting(site)
    yield "/data/users/favorites/{kind}/{project}", favorites.UserFavorite(site)


def _session_routes(site: Site, session: str) -> Iterator[tuple[str, Endpoint]]:
    """Scans, reconstructions and assessors; the resources of the latter two go `in` or `out`, which is the default."""
    lists = scans.ScanList(site), reconstructions.ReconstructionList(site), assessors.AssessorList(site)
    ones = scans.OneScan(site), reconstructions.OneReconstruction(site), assessors.OneAssessor(site)
    for kind, many, one in zip(("scan", "reconstruction", "assessor"), lists, ones, strict=True):
        path = f"{session}/{kind}s/{{{kind}}}"
        yield f"{session}/{kind}s", many
        yield path, one
        yield f"{path}/{{tail:path}}", one
        for owner in [path] if kind == "scan" else [path, f"{path}/out", f"{path}{_INPUTS}"]:
            yield from _resource_routes(site, owner)
            yield from _file_routes(site, owner)
    yield f"{session}/assessors/{{assessor}}/projects/{{target}}", sharing.ExperimentSharing(site)


def _resource_routes(site: Site, owner: str) -> Iterator[tuple[str, Endpoint]]:
    """The same below every object."""
    listing = files.FileList(site)
    path = f"{owner}/resources"
    yield path, catalogs.ResourceList(site)
    yield f"{path}/{{resource}}", catalogs.OneResource(site)
    yield f"{path}/{{resource}}/files", listing
    yield f"{path}/{{resource}}/files/{{path:path}}", listing
    yield f"{path}/{{resource}}/{{tail:path}}", catalogs.ResourceTail(site)


def _file_routes(site: Site, owner: str) -> Iterator[tuple[str, Endpoint]]:
    """The files of all resources of an object."""
    listing = files.FileList(site)
    yield f"{owner}/files", listing
    yield f"{owner}/files/{{path:path}}", listing


def create_app(site: Site) -> Application:
    """The application that serves `site`."""
    app = falcon.App(middleware=[Login(site)])
    # Without a body no type: xnatctl reads what is called JSON, and nothing is no JSON.
    app.resp_options.default_media_type = None  # type: ignore[assignment]  # falcon takes None for no default
    app.add_middleware(_Direction())
    app.add_error_handler(Exception, _unexpected)
    app.add_error_handler(falcon.HTTPError, _falcon_error)
    app.add_error_handler(StatusError, _status_error)
    add_entry_routes(app, site)
    add_search_routes(app, site)
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
