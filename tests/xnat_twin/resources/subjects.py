"""Subjects: lists and one subject. Reference: SubjectResource, ProjectSubjectList, SubjectListResource."""

from __future__ import annotations

from falcon import Request, Response
from sqlalchemy import or_, select

from .. import schema
from ..errors import StatusError
from ..fields import Fields
from ..lookup import Finder
from ..permissions import Access
from ..preferences import Preferences
from ..store import Project, Subject, SubjectShare, now
from ..tables import Table
from ..views import listing, subject_document, subject_row
from .base import Endpoint, params_of, send_table, send_text
from .deleting import Deletion
from .saving import Changes, accession_id, check_label, flush_new, given_id, merged_fields, refuse_tail, rename

_COLUMNS = ("ID", "project", "label", "insert_date", "insert_user", "URI")
_MAY_NOT = "Specified user account has insufficient {} privileges for subjects in this project."


class SubjectList(Endpoint):
    """`/data/projects/P/subjects` and `/data/subjects`."""

    def on_get(self, req: Request, resp: Response, project: str | None = None) -> None:
        with self.reading(req) as finder:
            query = select(Subject).order_by(Subject.subject_id)
            if project is not None:
                home = readable_project(finder, project)
                guests = select(SubjectShare.subject_id).where(SubjectShare.project_id == home.project_id)
                query = query.where(or_(Subject.project_id == home.project_id, Subject.subject_id.in_(guests)))
                labels = {s.subject_id: finder.shares(s).get(home.project_id) for s in finder.session.scalars(query)}
                rows = [subject_row(self.site.types, s, labels[s.subject_id]) for s in finder.session.scalars(query)]
            else:
                rows = [
                    subject_row(self.site.types, s) for s in finder.session.scalars(query) if finder.may_read(s.project)
                ]
        table = listing(self.site.types, params_of(req), schema.SUBJECT, rows, _COLUMNS)
        table.title = "Subjects"
        send_table(req, resp, table)

    def on_post(self, req: Request, resp: Response, project: str) -> None:
        document = self.read_document(req)
        changes = self.changes(req, document, schema.SUBJECT, schema.SUBJECT)
        label = dict(changes).get("label")
        if not label:
            raise StatusError(417, "Need POST Contents")
        with self.writing(req) as finder:
            found = editable_project(finder, project, "subjects")
            if finder.subject(found, label) is not None:
                raise StatusError(409, "Subject already exists.")
            subject = create_subject(finder, self.site.preferences, found, label, changes)
        resp.location = f"/data/projects/{project}/subjects/{subject.id}"
        send_text(resp, f"/data/projects/{project}/subjects/{subject.id}", 201)


class OneSubject(Deletion):
    """`…/subjects/LABEL`, by label or accession ID. What follows in the path is not looked at by GET."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            found = finder.require_subject(names)
            match names.get("tail"):
                case "status":
                    send_text(resp, "active")
                case "projects":
                    send_table(req, resp, projects_table(found.label, found.project))
                case _:
                    self.send_item(req, resp, subject_document(finder, found))

    def on_put(self, req: Request, resp: Response, **names: str) -> None:
        refuse_tail(names)
        document = self.read_document(req)
        if document is not None and document.xsi_type != schema.SUBJECT:
            raise StatusError(422, "Only xnat:Subject documents can be PUT to this address.")
        changes = self.changes(req, document, schema.SUBJECT, schema.SUBJECT)
        given = dict(changes)
        with self.writing(req) as finder:
            home = finder.home(names)
            existing = finder.subject(home, names["subject"])
            if existing is None:
                home = home or finder.project(given.get("project", ""))
                if home is None:
                    raise StatusError(422, "Submitted subject record must include the project attribute.")
                finder.require(home, Access.EDIT, _MAY_NOT.format("create"))
                label = given.get("label") or names["subject"]
                existing = finder.subject(home, label)
                if existing is None:
                    created = create_subject(finder, self.site.preferences, home, label, changes)
                    send_text(resp, created.id, 201)
                    return
            finder.require(existing.project, Access.EDIT, _MAY_NOT.format("edit"))
            if label := params_of(req).get("label"):  # then the request is a rename and nothing else
                rename(finder, self.site.archive, existing, label)
                return
            if given.get("ID", existing.id) != existing.id:
                raise StatusError(400, "ID cannot be modified")
            if given.get("project", existing.project.id) != existing.project.id:
                raise StatusError(409, "Project must be modified through separate URI.")
            rename(finder, self.site.archive, existing, given.get("label", existing.label))
            stored: Fields = {} if params_of(req).true("allowDataDeletion") and document else existing.fields
            existing.fields = merged_fields(finder.types, stored, changes, schema.SUBJECT)
            existing.last_modified = now()
            send_text(resp, existing.id)

    def on_delete(self, req: Request, resp: Response, **names: str) -> None:
        self.delete(req, names, Finder.require_subject)


def create_subject(finder: Finder, preferences: Preferences, project: Project, label: str, changes: Changes) -> Subject:
    """A new subject with the next accession number. A label with illegal characters fails late: 500, as in XNAT."""
    identifier = given_id(dict(changes), "Invalid character in subject ID.")
    fields = merged_fields(finder.types, {}, changes, schema.SUBJECT)
    check_label(label)
    subject = Subject(
        id=identifier or accession_id(finder, preferences, "S"),
        label=label,
        project=project,
        fields=fields,
        insert_user=finder.user.login,
    )
    finder.session.add(subject)
    flush_new(finder, f"Conflict: Duplicate subject label {label}")
    return subject


def readable_project(finder: Finder, project: str) -> Project:
    """404 unless the caller may read the project's data."""
    found = finder.require_project(project)
    if not finder.may_read(found):
        raise StatusError(404, f"Unable to identify project: {project}")
    return found


def editable_project(finder: Finder, project: str, things: str) -> Project:
    """404 unless the caller may see the project, 403 unless he may create `things` in it."""
    found = finder.require_project(project)
    message = f"Specified user account has insufficient create privileges for {things} in this project."
    finder.require(found, Access.EDIT, message)
    return found


def projects_table(label: str, project: Project) -> Table:
    """The projects that an object belongs to."""
    row = {
        "label": label,
        "ID": project.id,
        "Secondary_ID": project.fields.get("secondary_ID"),
        "Name": project.fields.get("name"),
    }
    return Table(("label", "ID", "Secondary_ID", "Name"), [row], "Projects")
