"""Subjects: lists and one subject. Reference: SubjectResource, ProjectSubjectList, SubjectListResource."""

from __future__ import annotations

from falcon import Request, Response
from sqlalchemy import select

from xnat_twin.access.permissions import Access
from xnat_twin.datatypes import schema
from xnat_twin.datatypes.fields import Fields
from xnat_twin.documents.items import Submission
from xnat_twin.documents.views import subject_document
from xnat_twin.errors import StatusError
from xnat_twin.lists import objects as lists
from xnat_twin.lists.tables import Table
from xnat_twin.lookup.finder import Finder
from xnat_twin.resources.base import params_of, send_table, send_text
from xnat_twin.resources.objects.deleting import Deletion
from xnat_twin.resources.objects.nested import save_nested
from xnat_twin.resources.objects.saving import (
    Changes,
    Storing,
    accession_id,
    check_label,
    flush_new,
    given_id,
    insufficient,
    merged_fields,
    refuse_tail,
    requested_type,
    without_items,
)
from xnat_twin.storage.store import Experiment, Item, Project, Subject, SubjectShare

_ONLY_SUBJECTS = "Only xnat:Subject documents can be PUT to this address."


class SubjectStoring(Storing):
    """What makes a new subject, here and where an experiment brings one along."""

    def submitted(self, req: Request) -> tuple[Submission | None, Changes]:
        """What a request says of a subject. 422 for a document about something else."""
        document = self.read_document(req)
        if document is not None and document.xsi_type != schema.SUBJECT:
            raise StatusError(422, _ONLY_SUBJECTS)
        return document, self.changes(req, document, schema.SUBJECT, schema.SUBJECT)

    def create_subject(
        self, req: Request, finder: Finder, project: Project, label: str | None, changes: Changes, action: str = ""
    ) -> Subject:
        """A new subject with the next accession number. A label that cannot be one fails late: 500, as in XNAT."""
        finder.require(project, Access.EDIT, insufficient("create", "subjects"))
        identifier = given_id(dict(changes), "Invalid character in subject label.")
        fields = merged_fields(finder.types, {}, changes, schema.SUBJECT)
        check_label(label)
        subject = Subject(
            id=identifier or accession_id(finder, self.site.preferences, "S"),
            label=label,
            project=project,
            fields=fields,
            insert_user=finder.user.login,
        )
        finder.session.add(subject)
        flush_new(finder, "Conflict: Duplicate subject label")
        if action:
            self.note(req, finder, subject, action)
        else:
            self.stored(req, finder, subject, is_new=True)
        return subject


class SubjectList(SubjectStoring):
    """`/data/projects/P/subjects` and `/data/subjects`."""

    def on_get(self, req: Request, resp: Response, project: str | None = None) -> None:
        with self.reading(req) as finder:
            home = finder.require_project(project) if project is not None else None
            table = lists.subjects(finder, params_of(req), home)
        send_table(req, resp, table)

    def on_post(self, req: Request, resp: Response, project: str | None = None) -> None:
        """Reference: ProjectSubjectList.handlePost; the site's list takes none."""
        if project is None:
            raise StatusError(405)
        document, changes = self.submitted(req)
        given = dict(changes)
        with self.writing(req) as finder:
            home = finder.require_project(project)
            owner = finder.project(given.get("project", "")) or home
            label = given.get("label")
            if finder.subject(None, given.get("ID", "")) or (label and finder.subject(owner, label)):
                raise StatusError(409, "Subject already exists.")
            subject = self.create_subject(req, finder, owner, label, changes)
            save_nested(finder, subject, document, whole=False)
            if owner is not home:
                finder.session.add(SubjectShare(subject_id=subject.subject_id, project_id=home.project_id))
        self.send_created(req, resp, subject.id)


class OneSubject(SubjectStoring, Deletion):
    """`…/subjects/LABEL`, by label or accession ID. What follows in the path is not looked at by GET."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            found = finder.require_subject(names)
            if not send_below(req, resp, finder, found, names.get("tail", "")):
                self.send_item(req, resp, subject_document(finder, found))

    def on_put(self, req: Request, resp: Response, **names: str) -> None:
        refuse_tail(names)
        document, changes = self.submitted(req)
        given = dict(changes)
        with self.writing(req) as finder:
            home = finder.home(names)
            existing = finder.subject(home, names["subject"])
            owner = finder.project(given.get("project", "")) or home or (existing.project if existing else None)
            if owner is None:
                raise StatusError(422, "Submitted subject record must include the project attribute.")
            label = given.get("label") or (names["subject"] if owner is home else None)
            if existing is None:
                _require_subject_type(finder, req)
                existing = finder.subject(None, given.get("ID", "")) or (label and finder.subject(owner, label)) or None
            if existing is None:
                created = self.create_subject(req, finder, owner, label, changes)
                save_nested(finder, created, document, whole=False)
                send_text(resp, created.id, 201)
            elif self._update(req, finder, existing, document, changes):
                send_text(resp, existing.id)

    def on_delete(self, req: Request, resp: Response, **names: str) -> None:
        self.delete(req, names, Finder.require_subject)

    def _update(
        self, req: Request, finder: Finder, existing: Subject, document: Submission | None, changes: Changes
    ) -> bool:
        """Change a subject. False if the request was a rename, which answers with an empty body.

        A document is read into the subject as it is stored, so even with `allowDataDeletion` it takes nothing away but
        what it has inside of an item such as `demographics`; with `loadExisting=false` it is the whole truth.
        """
        params, given = params_of(req), dict(changes)
        if given.get("project", existing.project.id) != existing.project.id:
            raise StatusError(409, "Project must be modified through separate URI.")
        finder.require(existing.project, Access.EDIT, insufficient("edit", "subjects"))
        if (label := params.get("label")) and self.site.flavour.subject_rename:
            self.rename(req, finder, existing, label)  # then the request is a rename and nothing else
            return False
        if given.get("ID", existing.id) != existing.id:
            raise StatusError(400, "ID cannot be modified")
        whole = document is not None and params.true("allowDataDeletion") and params.false("loadExisting")
        stored: Fields = {} if whole else existing.fields
        if document is not None and params.true("allowDataDeletion"):
            stored = without_items(stored, document.whole)
        fields = merged_fields(finder.types, stored, changes, schema.SUBJECT)
        self.rename(req, finder, existing, given.get("label", existing.label))
        existing.fields = fields
        save_nested(finder, existing, document, whole=whole)
        self.stored(req, finder, existing, is_new=False)
        return True


def _require_subject_type(finder: Finder, req: Request) -> None:
    """400 for an unknown `xsiType` of a new subject, 422 for that of something else."""
    if params_of(req).get("xsiType"):
        data_type = requested_type(finder, params_of(req), None)
        if not finder.types.instance_of(data_type.name, schema.SUBJECT):
            raise StatusError(422, _ONLY_SUBJECTS)


def send_below(req: Request, resp: Response, finder: Finder, item: Subject | Experiment, tail: str) -> bool:
    """What GET answers for `…/status` and `…/projects`. False for any other path, which is not looked at."""
    if tail == "status":
        send_status(resp, item)
    elif tail.startswith("projects"):
        send_table(req, resp, projects_table(finder, item), otherwise="html")
    else:
        return False
    return True


def send_status(resp: Response, item: Item) -> None:
    """`quarantine` or `active`, which is also what locked and obsolete objects are. Reference: returnStatus"""
    send_text(resp, "quarantine" if item.status == "quarantine" else "active", content_type="text/html")


def projects_table(finder: Finder, item: Subject | Experiment) -> Table:
    """The projects that an object belongs to or is shared with, and its label in each; none if none was given there."""
    shares = finder.shares(item)
    found = finder.session.scalars(select(Project).where(Project.project_id.in_(shares)).order_by(Project.id))
    rows = [
        {
            "label": label,
            "ID": project.id,
            "Secondary_ID": project.fields.get("secondary_ID"),
            "Name": project.fields.get("name"),
        }
        for label, project in [(item.label, item.project), *((shares[one.project_id], one) for one in found)]
    ]
    return Table(("label", "ID", "Secondary_ID", "Name"), rows, total_records=False)
