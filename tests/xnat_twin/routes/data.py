"""The paths of projects and all below them, down to files, and of searches. services.py has all others.

The same paths lie below several kinds of objects; what a path names is found by lookup/.
"""

from __future__ import annotations

import falcon
from falcon import Request, Response

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
from xnat_twin.resources.searching import saved_searches, search, search_elements
from xnat_twin.site import Site

App = falcon.App[Request, Response]

_PROJECT = "/data/projects/{project}"
_SUBJECTS = (f"{_PROJECT}/subjects/{{subject}}", "/data/subjects/{subject}")
#: Scans, reconstructions and assessors have no path through `/data/projects/P/experiments/E`.
_SESSIONS = (f"{_SUBJECTS[0]}/experiments/{{experiment}}", "/data/experiments/{experiment}")
_IN_PROJECT = f"{_PROJECT}/experiments/{{experiment}}"
#: How the path to what an assessor or reconstruction was made of goes on.
_INPUTS = "/in"


class Direction:
    """Middleware that gives handlers the path variable `direction` where the path is one to inputs."""

    def process_resource(self, req: Request, resp: Response, resource: object, params: dict[str, object]) -> None:
        if f"{_INPUTS}/" in (req.uri_template or ""):
            params["direction"] = "in"


def add_project_routes(app: App, site: Site) -> None:
    """Projects, and what they have besides data. Any other path below one is a setting, or refused."""
    app.add_route("/data/projects", projects.ProjectList(site))
    app.add_route(_PROJECT, projects.OneProject(site))
    members, member = project_members.ProjectUsers(site), project_members.ProjectMember(site)
    app.add_route(f"{_PROJECT}/users", members)
    app.add_route(f"{_PROJECT}/users/{{group}}", members)
    app.add_route(f"{_PROJECT}/users/{{group}}/{{login}}", member)
    app.add_route(f"{_PROJECT}/users/{{group}}/{{login}}/{{hidden}}", member)
    accessibility = project_settings.ProjectAccessibility(site)
    app.add_route(f"{_PROJECT}/accessibility", accessibility)
    app.add_route(f"{_PROJECT}/accessibility/{{level}}", accessibility)
    app.add_route(f"{_PROJECT}/{{tail:path}}", project_settings.ProjectSetting(site))
    app.add_route("/data/users/favorites/{kind}/{project}", favorites.UserFavorite(site))


def add_object_routes(app: App, site: Site) -> None:
    """Subjects, experiments, what sessions have, and the resources and files of all of them."""
    for path in (f"{_PROJECT}/subjects", "/data/subjects"):
        app.add_route(path, subjects.SubjectList(site))
    subject = subjects.OneSubject(site)
    for path in _SUBJECTS:
        app.add_route(path, subject)
        app.add_route(f"{path}/projects/{{target}}", sharing.SubjectSharing(site))
        app.add_route(f"{path}/{{tail:path}}", subject)
    for path in (f"{_PROJECT}/experiments", f"{_SUBJECTS[0]}/experiments", "/data/experiments"):
        app.add_route(path, experiments.ExperimentList(site))
    assessor, experiment = experiments.SubjectAssessor(site), experiments.OneExperiment(site)
    for path, one in ((_SESSIONS[0], assessor), (_SESSIONS[1], experiment), (_IN_PROJECT, experiment)):
        app.add_route(path, one)
        app.add_route(f"{path}/projects/{{target}}", sharing.ExperimentSharing(site))
        app.add_route(f"{path}/{{tail:path}}", one)
        _add_resource_routes(app, site, path)
    for path in _SESSIONS:
        _add_file_routes(app, site, path)
        _add_session_routes(app, site, path)
    for path in (_PROJECT, *_SUBJECTS):
        _add_resource_routes(app, site, path)
        _add_file_routes(app, site, path)
    app.add_route("/data/scanners", scan_types.ScannerList(site))
    for path in ("/data", _PROJECT):
        app.add_route(f"{path}/scan_types", scan_types.ScanTypeList(site))


def _add_session_routes(app: App, site: Site, session: str) -> None:
    """Scans, reconstructions and assessors; the resources of the latter two go `in` or `out`, which is the default."""
    lists = scans.ScanList(site), reconstructions.ReconstructionList(site), assessors.AssessorList(site)
    ones = scans.OneScan(site), reconstructions.OneReconstruction(site), assessors.OneAssessor(site)
    for kind, many, one in zip(("scan", "reconstruction", "assessor"), lists, ones, strict=True):
        path = f"{session}/{kind}s/{{{kind}}}"
        app.add_route(f"{session}/{kind}s", many)
        app.add_route(path, one)
        app.add_route(f"{path}/{{tail:path}}", one)
        for owner in [path] if kind == "scan" else [path, f"{path}/out", f"{path}{_INPUTS}"]:
            _add_resource_routes(app, site, owner)
            _add_file_routes(app, site, owner)
    app.add_route(f"{session}/assessors/{{assessor}}/projects/{{target}}", sharing.ExperimentSharing(site))


def _add_resource_routes(app: App, site: Site, owner: str) -> None:
    """The same below every object."""
    listing = files.FileList(site)
    path = f"{owner}/resources"
    app.add_route(path, catalogs.ResourceList(site))
    app.add_route(f"{path}/{{resource}}", catalogs.OneResource(site))
    app.add_route(f"{path}/{{resource}}/files", listing)
    app.add_route(f"{path}/{{resource}}/files/{{path:path}}", listing)
    app.add_route(f"{path}/{{resource}}/{{tail:path}}", catalogs.ResourceTail(site))


def _add_file_routes(app: App, site: Site, owner: str) -> None:
    """The files of all resources of an object."""
    listing = files.FileList(site)
    app.add_route(f"{owner}/files", listing)
    app.add_route(f"{owner}/files/{{path:path}}", listing)


def add_search_routes(app: App, site: Site) -> None:
    """`/data/search`: what can be searched for, searches, and those that are kept."""
    kept, saved = search.CachedSearchRows(site), saved_searches.SavedSearch(site)
    app.add_route("/data/search", search.Searches(site))
    app.add_route("/data/search/elements", search_elements.SearchElements(site))
    app.add_route("/data/search/elements/{names}", search_elements.SearchFields(site))
    app.add_route("/data/search/saved", saved_searches.SavedSearchList(site))
    app.add_route("/data/search/saved/{name}", saved)
    app.add_route("/data/search/saved/{name}/{tail:path}", saved)
    app.add_route("/data/search/{name}", kept)
    app.add_route("/data/search/{name}/{column}", kept, suffix="column")
