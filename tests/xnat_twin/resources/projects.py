"""Projects: the list, one project, who may see it, who belongs to it.

Reference: ProjectResource, ProjectListResource, ProjectMemberResource.
"""

from __future__ import annotations

from collections.abc import Mapping

from falcon import Request, Response
from sqlalchemy import delete, select

from .. import lists, removal, schema
from ..errors import StatusError
from ..fields import Fields, InvalidValueError, merge
from ..items import Submission
from ..lookup import VALID_ID, Finder
from ..permissions import GROUPS, Access
from ..store import Membership, Project, ProjectName, RetiredProject, User, now
from ..tables import Table
from ..views import project_document
from .base import Endpoint, params_of, send_table, send_text, user_of
from .saving import flush_new

_ACCESSIBILITY = ("private", "protected", "public")


class ProjectList(Endpoint):
    """`/data/projects`."""

    def on_get(self, req: Request, resp: Response) -> None:
        with self.reading(req) as finder:
            table = lists.projects(finder, params_of(req))
        send_table(req, resp, table)

    def on_post(self, req: Request, resp: Response) -> None:
        document = self.read_document(req)
        if document is None or document.value("ID") is None:
            raise StatusError(417, "Need POST Contents")
        identifier = str(document.value("ID"))
        with self.writing(req) as finder:
            if finder.session.scalar(select(Project).where(Project.id == identifier)) is not None:
                raise StatusError(409, "Project already exists.")
            _save(self, req, finder, None, identifier, document)
        resp.location = f"/data/projects/{identifier}"
        send_text(resp, f"/data/projects/{identifier}", 201)


class OneProject(Endpoint):
    """`/data/projects/ID`, by ID or alias."""

    def on_get(self, req: Request, resp: Response, project: str) -> None:
        with self.reading(req) as finder:
            self.send_item(req, resp, project_document(finder, _visible(finder, project)))

    def on_put(self, req: Request, resp: Response, project: str) -> None:
        document = self.read_document(req)
        with self.writing(req) as finder:
            _save(self, req, finder, finder.project(project), project, document)

    def on_delete(self, req: Request, resp: Response, project: str) -> None:
        with self.writing(req) as finder:
            found = finder.project(project)
            if found is None:
                raise StatusError(400)
            if finder.access(found) < Access.DELETE:
                raise StatusError(403)
            if removal.keeps_its_project(finder.session, found):
                return  # XNAT says 200 and leaves everything as it is
            if not self.site.flavour.project_id_reuse:
                finder.session.add(RetiredProject(id=found.id))
            folders = removal.delete_project(finder.session, self.site.archive, found)
        if params_of(req).true("removeFiles"):
            for folder in folders:
                self.history(req).discard(folder)


class ProjectSetting(Endpoint):
    """`/data/projects/ID/{accessibility,prearchive_code,quarantine_code,current_arc}[/VALUE]`; anything else is 400."""

    def on_get(self, req: Request, resp: Response, project: str, tail: str) -> None:
        with self.reading(req) as finder:
            found = _visible(finder, project)
        settings = {
            "accessibility": found.accessibility,
            "prearchive_code": str(found.prearchive_code),
            "quarantine_code": str(found.quarantine_code),
            "current_arc": "arc001",
        }
        if tail not in settings:
            raise StatusError(400)
        send_text(resp, settings[tail])

    def on_put(self, req: Request, resp: Response, project: str, tail: str) -> None:
        name, _, value = tail.partition("/")
        with self.writing(req) as finder:
            found = _visible(finder, project)
            if finder.access(found) < Access.DELETE:
                raise StatusError(
                    403, f"User {finder.user.login} doesn't have permission to edit the project {project}"
                )
            match name:
                case "accessibility" if value in _ACCESSIBILITY:
                    found.accessibility = value
                case "prearchive_code" | "quarantine_code" if value.isdecimal():
                    setattr(found, name, int(value))
                case "current_arc" if value == "arc001":
                    pass
                case _:
                    raise StatusError(400)


class ProjectUsers(Endpoint):
    """`/data/projects/ID/users[/GROUP/LOGIN]`."""

    def on_get(self, req: Request, resp: Response, project: str) -> None:
        columns = ("GROUP_ID", "displayname", "login", "firstname", "lastname", "email")
        with self.reading(req) as finder:
            found = _visible(finder, project)
            query = (
                select(Membership.group, User)
                .join(User, User.user_id == Membership.user_id)
                .where(Membership.project_id == found.project_id)
                .order_by(User.login)
            )
            rows = [
                {
                    "GROUP_ID": f"{found.id}_{group.removesuffix('s').lower()}",
                    "displayname": group,
                    "login": user.login,
                    "firstname": user.first_name,
                    "lastname": user.last_name,
                    "email": user.email,
                }
                for group, user in finder.session.execute(query)
            ]
        send_table(req, resp, Table(columns, rows, "Projects Users"))


class ProjectMember(Endpoint):
    """`/data/projects/ID/users/GROUP/LOGIN`."""

    def on_put(self, req: Request, resp: Response, project: str, group: str, login: str) -> None:
        with self.writing(req) as finder:
            found = _administered(finder, project)
            name = _group(found, group)
            user = finder.session.scalar(select(User).where(User.login == login))
            if user is not None:  # an unknown one would be invited by e-mail, which is also a 200
                finder.session.merge(Membership(project_id=found.project_id, user_id=user.user_id, group=name))

    def on_delete(self, req: Request, resp: Response, project: str, group: str, login: str) -> None:
        with self.writing(req) as finder:
            found = _administered(finder, project)
            _group(found, group)
            users = select(User.user_id).where(User.login == login)
            finder.session.execute(
                delete(Membership).where(Membership.project_id == found.project_id, Membership.user_id.in_(users))
            )


def _visible(finder: Finder, project: str) -> Project:
    found = finder.project(project)
    if found is None:
        raise StatusError(404, "Unable to find the specified experiment.")  # sic: XNAT says so of projects as well
    return found


def _administered(finder: Finder, project: str) -> Project:
    found = _visible(finder, project)
    if finder.access(found) < Access.DELETE:
        raise StatusError(403)
    return found


def _group(project: Project, group: str) -> str:
    for name in GROUPS:
        if group in {name, f"{project.id}_{name.removesuffix('s').lower()}"}:
            return name
    raise StatusError(404)


def _save(
    endpoint: Endpoint,
    req: Request,
    finder: Finder,
    existing: Project | None,
    identifier: str,
    document: Submission | None,
) -> None:
    params, user = params_of(req), user_of(req)
    preferences = endpoint.site.preferences
    if user.is_guest:
        raise StatusError(403)
    if existing is None and not user.admin and not preferences.true("uiAllowNonAdminProjectCreation"):
        raise StatusError(403, f"User {user.login} doesn't have permission to create projects on this system")
    if existing is not None and finder.access(existing) < Access.DELETE:
        raise StatusError(403, f"User {user.login} doesn't have permission to edit the project {identifier}")
    changes = [
        *(document.changes if document else []),
        *endpoint.requested_changes(req, schema.PROJECT, schema.PROJECT),
    ]
    if any(path == "ID" and value.lower() != identifier.lower() for path, value in changes):
        raise StatusError(417, "The project ID for the REST call must match the value in submitted request body.")
    if not VALID_ID.fullmatch(identifier):
        raise StatusError(417, "Invalid character in project ID.")
    if existing is None and finder.session.get(RetiredProject, identifier) is not None:
        raise StatusError(403, f"Project '{identifier}' was used in a previously deleted project and cannot be reused.")
    stored = existing.fields if existing else {"name": identifier, "secondary_ID": identifier}
    try:
        fields = merge(finder.types, stored, [(path, value) for path, value in changes if path != "ID"], schema.PROJECT)
    except InvalidValueError as error:
        raise StatusError(400, str(error)) from error
    names = _names(identifier, fields)
    if conflicts := _conflicts(finder, existing, names):
        raise StatusError(409, f"Requested new project conflicts with existing projects: {', '.join(conflicts)}")
    accessibility = params.get("accessibility") or (existing.accessibility if existing else "protected")
    if accessibility not in _ACCESSIBILITY:
        raise StatusError(403, f"Unknown accessibility: {accessibility}")
    if accessibility != "private" and not preferences.true("securityAllowNonPrivateProjects"):
        raise StatusError(403)
    if existing is not None:
        existing.fields, existing.accessibility, existing.last_modified = fields, accessibility, now()
        _store_names(finder, existing, names)
        return
    project = Project(
        id=identifier,
        key=identifier.lower(),
        fields=fields,
        accessibility=accessibility,
        prearchive_code=int(preferences["defaultProjectAutoArchiveSetting"]),
        insert_user=user.login,
    )
    finder.session.add(project)
    flush_new(finder, f"Requested new project conflicts with existing projects: {identifier}")
    _store_names(finder, project, names)
    finder.session.add(Membership(project_id=project.project_id, user_id=user.user_id, group="Owners"))


def _names(identifier: str, fields: Fields) -> dict[str, str | None]:
    """Every name of a project in lower case, and for an alias how it was given."""
    titles = (str(fields.get(name) or "") for name in ("name", "secondary_ID"))
    names: dict[str, str | None] = {title.lower(): None for title in (identifier, *titles) if title}
    aliases = (str(value) for path, value in fields.items() if path.startswith("aliases/") and path.endswith("/alias"))
    return names | {alias.lower(): alias for alias in aliases}


def _conflicts(finder: Finder, project: Project | None, names: Mapping[str, str | None]) -> list[str]:
    """Which of these names another project has."""
    query = select(ProjectName.name).where(ProjectName.name.in_(names))
    if project is not None:
        query = query.where(ProjectName.project_id != project.project_id)
    return sorted(finder.session.scalars(query))


def _store_names(finder: Finder, project: Project, names: Mapping[str, str | None]) -> None:
    finder.session.execute(delete(ProjectName).where(ProjectName.project_id == project.project_id))
    for name, alias in names.items():
        finder.session.add(ProjectName(name=name, project_id=project.project_id, alias=alias))
    flush_new(finder, f"Requested new project conflicts with existing projects: {project.id}")
