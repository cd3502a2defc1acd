"""Projects: the list and one project. Reference: ProjectResource, ProjectListResource, BaseXnatProjectdata."""

from __future__ import annotations

import re
from collections.abc import Mapping

from falcon import Request, Response
from sqlalchemy import delete, select

from xnat_twin.access.permissions import ACCESSIBILITY, Access
from xnat_twin.datatypes import schema
from xnat_twin.datatypes.fields import Fields
from xnat_twin.documents.items import Submission
from xnat_twin.documents.views import project_document
from xnat_twin.errors import StatusError
from xnat_twin.lists import objects as lists
from xnat_twin.lists import project_tables
from xnat_twin.lookup.finder import VALID_ID, Finder
from xnat_twin.resources.base import params_of, send_table, user_of
from xnat_twin.resources.objects.nested import save_nested
from xnat_twin.resources.objects.saving import Changes, Storing, flush_new, merged_fields
from xnat_twin.storage import removal
from xnat_twin.storage.store import Membership, Project, ProjectName, RetiredProject, now

_CONFLICT = "Requested new project conflicts with existing projects: "
_ALIAS = re.compile(r"aliases/alias(\[[^\]]*\]/alias)?")


class ProjectStoring(Storing):
    """What makes and changes a project."""

    def create_project(
        self, req: Request, finder: Finder, identifier: str, document: Submission | None, changes: Changes
    ) -> Project:
        """A new project, whose creator is its first owner. It is protected unless the request says otherwise."""
        defaults: Fields = {"name": identifier, "secondary_ID": identifier}
        fields = merged_fields(finder.types, defaults, changes, schema.PROJECT)
        names = _check_names(finder, None, identifier, fields)
        if finder.session.get(RetiredProject, identifier) is not None:
            raise StatusError(
                403, f"Project '{identifier}' was used in a previously deleted project and cannot be reused."
            )
        accessibility = self._accessibility(params_of(req).get("accessibility") or "protected")
        project = Project(
            id=identifier,
            key=identifier.lower(),
            fields=fields,
            accessibility=accessibility,
            prearchive_code=int(self.site.preferences["defaultProjectAutoArchiveSetting"]),
            insert_user=finder.user.login,
        )
        finder.session.add(project)
        flush_new(finder, _CONFLICT + identifier)
        _store_names(finder, project, names)
        owner = user_of(req).user_id
        finder.session.add(Membership(project_id=project.project_id, user_id=owner, group="Owners"))
        if self.site.registered is not None:
            self.site.registered.give(finder.session, project)
        save_nested(finder, project, document, whole=False)
        self.note(req, finder, project, "", 403, None)
        return project

    def require_creator(self, finder: Finder, message: str) -> None:
        """403 unless the caller may make projects."""
        allowed = finder.user.admin or self.site.preferences.true("uiAllowNonAdminProjectCreation")
        if finder.user.is_guest or not allowed:
            raise StatusError(403, message)

    def _accessibility(self, wanted: str) -> str:
        """What a new project gets: `private` on a site that has no others."""
        if not self.site.preferences.true("securityAllowNonPrivateProjects"):
            return "private"
        return check_accessibility(wanted)


class ProjectList(ProjectStoring):
    """`/data/projects`; some parameters lead to other tables (lists/project_tables.py)."""

    def on_get(self, req: Request, resp: Response) -> None:
        params = params_of(req)
        with self.reading(req) as finder:
            if "permissions" in params:
                table = project_tables.with_permission(finder, params)
            elif project_tables.is_filtered(params):
                table = project_tables.filtered(finder, params)
            else:
                table = lists.projects(finder, params)
        send_table(req, resp, table)

    def on_post(self, req: Request, resp: Response) -> None:
        document = self.read_document(req)
        changes = self.changes(req, document, schema.PROJECT, schema.PROJECT)
        identifier = dict(changes).get("ID", "")
        if not identifier:
            raise StatusError(417, "Requires XNAT ProjectData ID")
        _check_id(identifier)
        with self.writing(req) as finder:
            if finder.session.scalar(select(Project).where(Project.id == identifier)) is not None:
                raise StatusError(409, "Project already exists.")
            self.require_creator(finder, "User account doesn't have permission to edit this project.")
            self.create_project(req, finder, identifier, document, changes)
        self.send_created(req, resp, identifier)


class OneProject(ProjectStoring):
    """`/data/projects/ID`, by ID or alias. PUT answers 200 with nothing in the body, for new and for existing ones."""

    def on_get(self, req: Request, resp: Response, project: str) -> None:
        with self.reading(req) as finder:
            self.send_item(req, resp, project_document(finder, visible(finder, project)))

    def on_put(self, req: Request, resp: Response, project: str) -> None:
        document = self.read_document(req)
        changes = self.changes(req, document, schema.PROJECT, schema.PROJECT)
        with self.writing(req) as finder:
            found = finder.project(project)
            login = finder.user.login
            if found is None:
                self.require_creator(finder, f"User {login} doesn't have permission to create projects on this system")
            else:
                _require_editor(finder, found, project)
            if dict(changes).get("ID", project).lower() != project.lower():
                raise StatusError(
                    417, "The project ID for the REST call must match the value in submitted request body."
                )
            _check_id(project)
            if found is None:
                self.create_project(req, finder, project, document, changes)
            else:
                self._change(req, finder, found, document, changes)

    def _change(
        self, req: Request, finder: Finder, found: Project, document: Submission | None, changes: Changes
    ) -> None:
        params = params_of(req)
        # Only a new project is looked at for what is missing in it.
        fields = merged_fields(finder.types, found.fields, changes, schema.PROJECT, complete=False)
        names = _check_names(finder, found, found.id, fields)
        accessibility = params.get("accessibility")
        if accessibility and accessibility != found.accessibility:
            if not self.site.preferences.true("securityAllowNonPrivateProjects"):
                raise StatusError(403)
            found.accessibility = check_accessibility(accessibility)
        self.note(req, finder, found, "")
        found.fields, found.last_modified = fields, now()
        _store_names(finder, found, names)
        save_nested(finder, found, document, whole=False)  # XNAT deletes nothing here, even if it is told to

    def on_delete(self, req: Request, resp: Response, project: str) -> None:
        with self.writing(req) as finder:
            found = finder.project(project)
            if found is None:
                raise StatusError(400)
            finder.require(found, Access.DELETE)
            if removal.keeps_its_project(finder.session, found):
                return  # XNAT says 200 and leaves everything as it is
            if not self.site.flavour.project_id_reuse:
                finder.session.add(RetiredProject(id=found.id))
            if self.site.registered is not None:
                self.site.registered.take(finder.session, found.id)
            folders = removal.delete_project(finder.session, self.site.archive, found)
        if params_of(req).true("removeFiles"):
            for folder in folders:
                self.site.archive.disk.remove(folder)


def visible(finder: Finder, project: str) -> Project:
    """404 for a project that the caller may not see."""
    found = finder.project(project)
    if found is None:
        raise StatusError(404, "Unable to find the specified experiment.")  # sic: XNAT says so of projects as well
    return found


def _require_editor(finder: Finder, found: Project, name: str) -> None:
    """403 without the right; 409 for an alias, which XNAT then takes for the ID of a new project."""
    allowed = finder.access(found) >= Access.DELETE and (found.id == name or finder.user.admin)
    if not allowed:
        raise StatusError(403, f"User {finder.user.login} doesn't have permission to edit the project {name}")
    if found.id != name:
        raise StatusError(409, f"{_CONFLICT}Invalid Project Id: '{name.lower()}' is already being used.")


def check_accessibility(wanted: str) -> str:
    """403 for what a project cannot be."""
    if wanted not in ACCESSIBILITY:
        raise StatusError(403, f"Unknown accessibility: {wanted}")
    return wanted


def _check_id(identifier: str) -> None:
    if not VALID_ID.fullmatch(identifier):
        raise StatusError(417, "Invalid character in project ID.")


def _check_names(finder: Finder, project: Project | None, identifier: str, fields: Fields) -> Mapping[str, str | None]:
    """Every name of a project in lower case, and for an alias how it was given.

    409 if another project has one of them, whether as its ID, title, running title or alias, or if one of its own
    aliases is another of its names. Reference: BaseXnatProjectdata.validateProjectFields
    """
    titles = {
        "Project Id": identifier,
        "Project Title": fields.get("name"),
        "Running Title": fields.get("secondary_ID"),
    }
    elements = {kind: str(title).lower() for kind, title in titles.items() if title}
    aliases = {str(value).lower(): str(value) for path, value in fields.items() if _ALIAS.fullmatch(path)}
    query = select(ProjectName.name).where(ProjectName.name.in_({*elements.values(), *aliases}))
    if project is not None:
        query = query.where(ProjectName.project_id != project.project_id)
    taken = set(finder.session.scalars(query))
    conflicts = [f"Invalid Alias: '{alias}' is already being used." for alias in aliases if alias in taken]
    for kind, title in elements.items():
        if title in taken:
            conflicts.append(f"Invalid {kind}: '{title}' is already being used.")
        if title in aliases:
            conflicts.append(f"Invalid {kind}: '{title}' cannot be used as the {kind} and an alias.")
    if conflicts:
        raise StatusError(409, _CONFLICT + ", ".join(conflicts))
    return dict.fromkeys(elements.values()) | aliases


def _store_names(finder: Finder, project: Project, names: Mapping[str, str | None]) -> None:
    finder.session.execute(delete(ProjectName).where(ProjectName.project_id == project.project_id))
    for name, alias in names.items():
        finder.session.add(ProjectName(name=name, project_id=project.project_id, alias=alias))
    flush_new(finder, _CONFLICT + project.id)
