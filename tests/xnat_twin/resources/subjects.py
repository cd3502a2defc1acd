"""Subjects: lists and one subject. Reference: SubjectResource, ProjectSubjectList, SubjectListResource."""

from __future__ import annotations

from falcon import Request, Response
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from .. import removal, schema
from ..errors import StatusError
from ..fields import Fields, InvalidValueError, merge
from ..lookup import VALID_ID, Finder
from ..permissions import Access
from ..preferences import Preferences
from ..schema import Types
from ..store import Owner, Project, Subject, SubjectShare, next_number, now
from ..tables import Table
from ..views import listing, subject_document, subject_row
from .base import Endpoint, params_of, send_table, send_text

_COLUMNS = ("ID", "project", "label", "insert_date", "insert_user", "URI")


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
        changes = [
            *(document.changes if document else []),
            *self.requested_changes(req, schema.SUBJECT, schema.SUBJECT),
        ]
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


class OneSubject(Endpoint):
    """`…/subjects/LABEL`, by label or accession ID. What follows in the path is not looked at by GET."""

    def on_get(self, req: Request, resp: Response, subject: str, project: str | None = None, tail: str = "") -> None:
        with self.reading(req) as finder:
            found = self._find(finder, project, subject)
            if tail == "status":
                send_text(resp, "active")
            elif tail == "projects":
                send_table(req, resp, projects_table(found.label, found.project))
            else:
                self.send_item(req, resp, subject_document(finder, found))

    def on_put(self, req: Request, resp: Response, subject: str, project: str | None = None, tail: str = "") -> None:
        refuse_tail(tail)
        document = self.read_document(req)
        if document is not None and document.xsi_type != schema.SUBJECT:
            raise StatusError(422, "Only xnat:Subject documents can be PUT to this address.")
        changes = [
            *(document.changes if document else []),
            *self.requested_changes(req, schema.SUBJECT, schema.SUBJECT),
        ]
        with self.writing(req) as finder:
            home = finder.project(project) if project is not None else None
            existing = finder.subject(home, subject)
            if existing is None:
                home = home or finder.project(dict(changes).get("project", ""))
                if home is None:
                    raise StatusError(422, "Submitted subject record must include the project attribute.")
                if finder.access(home) < Access.EDIT:
                    raise StatusError(
                        403, "Specified user account has insufficient create privileges for subjects in this project."
                    )
                label = dict(changes).get("label") or subject
                existing = finder.subject(home, label)
                if existing is None:
                    created = create_subject(finder, self.site.preferences, home, label, changes)
                    send_text(resp, created.id, 201)
                    return
            if finder.access(existing.project) < Access.EDIT:
                raise StatusError(
                    403, "Specified user account has insufficient edit privileges for subjects in this project."
                )
            if label := params_of(req).get("label"):  # then the request is a rename and nothing else
                self._rename(finder, existing, label)
                return
            for path, value in changes:
                if path == "ID" and value != existing.id:
                    raise StatusError(400, "ID cannot be modified")
                if path == "project" and value != existing.project.id:
                    raise StatusError(409, "Project must be modified through separate URI.")
            new_label = dict(changes).get("label", existing.label)
            if new_label != existing.label:
                self._rename(finder, existing, new_label)
            stored: Fields = {} if params_of(req).true("allowDataDeletion") and document else existing.fields
            existing.fields = merged_fields(finder.types, stored, changes, schema.SUBJECT)
            existing.last_modified = now()
            send_text(resp, existing.id)

    def on_delete(self, req: Request, resp: Response, subject: str, project: str | None = None, tail: str = "") -> None:
        refuse_tail(tail)
        with self.writing(req) as finder:
            found = self._find(finder, project, subject)
            home = finder.project(project) if project is not None else None
            if home is not None and home is not found.project:
                finder.unshare(found, home)
                return
            if finder.access(found.project) < Access.DELETE:
                raise StatusError(403, "User account doesn't have permission to delete this subject.")
            experiments = removal.experiments_of(finder.session, found)
            owners: list[Owner] = [found, *experiments]
            folders = [self.site.archive.folder(owner) for owner in owners]
            removal.delete_subject(finder.session, found)
        if params_of(req).true("removeFiles"):
            for folder in folders:
                self.site.archive.disk.remove(folder)

    def _find(self, finder: Finder, project: str | None, subject: str) -> Subject:
        home = finder.project(project) if project is not None else None
        found = None if project is not None and home is None else finder.subject(home, subject)
        if found is None:
            raise StatusError(404, "Unable to find the specified subject.")
        return found

    def _rename(self, finder: Finder, subject: Subject, label: str) -> None:
        if label == subject.label:
            return
        if finder.subject(subject.project, label) is not None:
            raise StatusError(409, "Specified label is already in use.")
        check_label(label)
        before = self.site.archive.folder(subject)
        subject.label = label
        finder.session.flush()
        self.site.archive.rename(before, self.site.archive.folder(subject))


def create_subject(
    finder: Finder, preferences: Preferences, project: Project, label: str, changes: list[tuple[str, str]]
) -> Subject:
    """A new subject with the next accession number. A label with illegal characters fails late: 500, as in XNAT."""
    identifier = dict(changes).get("ID")
    if identifier is not None and not VALID_ID.fullmatch(identifier):
        raise StatusError(417, "Invalid character in subject ID.")
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


def accession_id(finder: Finder, preferences: Preferences, letter: str) -> str:
    """`XNAT_S00001`: the site's ID without blanks and quotes, `-` as `_`, and a number that is never reused."""
    site = str(preferences["siteId"]).replace("-", "_")
    site = "".join(character for character in site if character not in " \"'")
    return f"{site}_{letter}{next_number(finder.session, letter):05d}"


def flush_new(finder: Finder, message: str) -> None:
    """Write what was added. 409 if someone else has just added the same."""
    try:
        finder.session.flush()
    except IntegrityError as error:
        raise StatusError(409, message) from error


def refuse_tail(tail: str) -> None:
    """400 for a change of something below an object that there is nothing below of."""
    if tail:
        raise StatusError(400)


def check_label(label: str) -> None:
    if not VALID_ID.fullmatch(label):
        raise StatusError(500)


#: Fields that have a column of their own.
_COLUMNS_OF_THEIR_OWN = frozenset({"ID", "project", "label", "subject_ID", "image_session_ID"})


def merged_fields(types: Types, stored: Fields, changes: list[tuple[str, str]], data_type: str) -> Fields:
    """`stored` with the changes, without those that are columns. 400 for a value that does not fit its field."""
    try:
        return merge(types, stored, [change for change in changes if change[0] not in _COLUMNS_OF_THEIR_OWN], data_type)
    except InvalidValueError as error:
        raise StatusError(400, str(error)) from error


def readable_project(finder: Finder, project: str) -> Project:
    """404 unless the caller may read the project's data."""
    found = finder.project(project)
    if found is None or not finder.may_read(found):
        raise StatusError(404, f"Unable to identify project: {project}")
    return found


def editable_project(finder: Finder, project: str, things: str) -> Project:
    """404 unless the caller may see the project, 403 unless he may create `things` in it."""
    found = finder.project(project)
    if found is None:
        raise StatusError(404, f"Unable to identify project: {project}")
    if finder.access(found) < Access.EDIT:
        raise StatusError(
            403, f"Specified user account has insufficient create privileges for {things} in this project."
        )
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
