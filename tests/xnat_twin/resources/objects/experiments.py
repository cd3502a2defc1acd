"""Experiments: sessions and other assessors of a subject; by their ID image assessors as well.

Reference: SubjAssessmentResource (below a subject), ExperimentResource (all other paths), ProjSubExptList
"""

from __future__ import annotations

from falcon import Request, Response

from xnat_twin.datatypes import schema
from xnat_twin.datatypes.fields import type_of_xpath
from xnat_twin.documents.items import Submission
from xnat_twin.documents.views import experiment_document
from xnat_twin.errors import StatusError
from xnat_twin.lists import objects as lists
from xnat_twin.lists.tables import Table
from xnat_twin.lookup.finder import Finder, Names
from xnat_twin.resources.base import params_of, send_json, send_table, send_text
from xnat_twin.resources.objects.deleting import Deletion
from xnat_twin.resources.objects.experiment_saving import (
    ExperimentStoring,
    is_whole,
    require_kind,
    require_type,
    session_of,
)
from xnat_twin.resources.objects.saving import Changes, refuse_tail, requested_type
from xnat_twin.resources.objects.subjects import send_below
from xnat_twin.storage import audit
from xnat_twin.storage.store import Experiment, Project, Subject


class ExperimentList(ExperimentStoring):
    """`/data/projects/P/experiments`, `…/subjects/S/experiments` and `/data/experiments`."""

    def on_get(self, req: Request, resp: Response, project: str | None = None, subject: str | None = None) -> None:
        with self.reading(req) as finder:
            params = params_of(req)
            if project is None:
                table: Table | None = lists.experiments(finder, params)
            else:
                home = finder.require_project(project)
                owner = _subject(finder, home, subject) if subject is not None else None
                table = lists.project_experiments(finder, params, home, owner)
        send_table(req, resp, table)

    def on_post(self, req: Request, resp: Response, project: str | None = None, subject: str | None = None) -> None:
        """Reference: ProjSubExptList.handlePost; the site's list takes none."""
        if project is None:
            raise StatusError(405)
        document = self.read_document(req)
        with self.writing(req) as finder:
            home = finder.require_project(project)
            owner = _subject(finder, home, subject) if subject is not None else None
            data_type = requested_type(finder, params_of(req), document, need="POST")
            require_type(finder, data_type, schema.SUBJECT_ASSESSOR)
            changes = self.changes(req, document, schema.EXPERIMENT, data_type.name)
            given = dict(changes)
            target = finder.project(given.get("project", "")) or home
            if owner is None and "subject_ID" in given:
                owner = self.subject_for(req, finder, target, given["subject_ID"])
            if owner is None:
                raise StatusError(422, "Submitted experiment record must include the subject.")
            label = given.get("label")
            if finder.experiment_by_id(given.get("ID", "")) or (label and finder.experiment(target, label)):
                raise StatusError(409, "Specified experiment already exists.")
            place = target, owner, None
            created = self.create_experiment(req, finder, document, data_type, changes, place, label)
            self.share_at_once(finder, created, home)
        self.send_created(req, resp, created.id)


class ExperimentEndpoint(ExperimentStoring, Deletion):
    """GET and DELETE of an experiment, by label or accession ID; the subject in the path is not looked at."""

    def find(self, finder: Finder, names: Names) -> Experiment:
        return finder.require_experiment(names)

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            found = self.find(finder, names)
            tail = names.get("tail", "")
            if tail == "history":
                send_json(resp, audit.history(finder.session, found))
            elif not send_below(req, resp, finder, found, tail):
                self.send_item(req, resp, experiment_document(finder, found))

    def on_delete(self, req: Request, resp: Response, **names: str) -> None:
        self.delete(req, names, self.find)


class SubjectAssessor(ExperimentEndpoint):
    """`/data/projects/P/subjects/S/experiments/E`: image assessors fail with 500, as XNAT takes them for sessions."""

    def find(self, finder: Finder, names: Names) -> Experiment:
        found = super().find(finder, names)
        require_kind(finder, found, schema.SUBJECT_ASSESSOR)
        return found

    def on_put(self, req: Request, resp: Response, **names: str) -> None:
        document = self.read_document(req)
        with self.writing(req) as finder:
            home = finder.require_project(names["project"])
            existing = finder.experiment(home, names["experiment"])
            require_kind(finder, existing, schema.SUBJECT_ASSESSOR)
            if existing is None:
                created = self._create(req, finder, document, home, names)
                send_text(resp, created.id, 201)
            elif self._update(req, finder, document, existing, home, names):
                send_text(resp, existing.id)

    def _create(
        self, req: Request, finder: Finder, document: Submission | None, home: Project, names: dict[str, str]
    ) -> Experiment:
        """A new experiment; the subject in the path is created as well if it does not exist."""
        data_type = requested_type(finder, params_of(req), document)
        require_type(finder, data_type, schema.SUBJECT_ASSESSOR)
        refuse_tail(names)
        changes = self.changes(req, document, schema.EXPERIMENT, data_type.name)
        given = dict(changes)
        target = finder.project(given.get("project", "")) or home
        subject = finder.subject(home, names["subject"])
        if subject is None:
            subject = self.subject_for(req, finder, target, given.get("subject_ID") or names["subject"])
        label = given.get("label") or names["experiment"]
        created = self.create_experiment(req, finder, document, data_type, changes, (target, subject, None), label)
        self.share_at_once(finder, created, home)
        return created

    def _update(
        self,
        req: Request,
        finder: Finder,
        document: Submission | None,
        existing: Experiment,
        home: Project,
        names: dict[str, str],
    ) -> bool:
        """Change an experiment. False if the request was a rename, which answers with an empty body."""
        params = params_of(req)
        refuse_tail(names)
        # The stored type stays, whatever xsiType says; fields of another type are then unknown, hence ignored.
        changes = self.changes(req, document, schema.EXPERIMENT, existing.xsi_type)
        whole = is_whole(req, document)
        self.require_editable(finder, existing, dict(changes), whole)
        # A subject in the path that does not exist is neither made nor noticed: the experiment stays where it is.
        subject = finder.subject(home, names["subject"])
        moved = subject is not None
        if name := params.get("subject_ID"):
            subject = self.subject_for(req, finder, existing.project, name)
        if label := params.get("label"):  # then the request is a rename and nothing else
            self.rename(req, finder, existing, label)
            return False
        if subject is not None:
            moved |= self.move(finder, existing, subject)
        self.change_experiment(req, finder, document, existing, changes, whole=whole, forget_visit=moved)
        return True


class OneExperiment(ExperimentEndpoint):
    """`/data/projects/P/experiments/E` and `/data/experiments/ID`: shortcuts do nothing here, only XPaths are read.

    An experiment is found by its label in the project. By its ID it is found where the request says nothing of its
    own: with a type or an XPath XNAT begins a new object, which then lacks project (422) or subject (400).
    """

    def on_put(self, req: Request, resp: Response, **names: str) -> None:
        refuse_tail(names)
        document, params = self.read_document(req), params_of(req)
        with self.writing(req) as finder:
            home = finder.require_project(names["project"]) if "project" in names else None
            existing = finder.experiment_by_label(home, names["experiment"])
            begins = document is not None or "xsiType" in params or any(type_of_xpath(name) for name, _ in params)
            if existing is None and not begins:
                existing = finder.experiment_by_id(names["experiment"])
            if existing is None:
                existing = self._named_inside(req, finder, document, home)
            if existing is None:
                send_text(resp, self._create(req, finder, document, home, names["experiment"]).id, 201)
            elif self._update(req, finder, document, existing):
                send_text(resp, existing.id)

    def _changes(self, req: Request, document: Submission | None, data_type: str) -> Changes:
        xpaths = {name for name, _ in params_of(req) if type_of_xpath(name)}
        found = self.requested_changes(req, schema.EXPERIMENT, data_type, xpaths)
        return [*(document.changes if document else []), *found]

    def _named_inside(
        self, req: Request, finder: Finder, document: Submission | None, home: Project | None
    ) -> Experiment | None:
        """The experiment that the fields themselves name, by ID, or by project and label."""
        given = dict(self._changes(req, document, requested_type(finder, params_of(req), document).name))
        project = finder.project(given.get("project", "")) or home
        if found := finder.experiment_by_id(given.get("ID", "")):
            return found
        return finder.experiment_by_label(project, given.get("label", ""))

    def _create(
        self, req: Request, finder: Finder, document: Submission | None, home: Project | None, name: str
    ) -> Experiment:
        data_type = requested_type(finder, params_of(req), document)
        require_type(finder, data_type, schema.EXPERIMENT)
        changes = self._changes(req, document, data_type.name)
        given = dict(changes) | {key: value for key, value in params_of(req) if key == "subject_ID" and value}
        project = finder.project(given.get("project", "")) or home
        if project is None:
            raise StatusError(422, "Submitted experiment record must include the project attribute.")
        session = None
        if finder.types.instance_of(data_type.name, schema.IMAGE_ASSESSOR):
            session = session_of(finder, project, given)
            subject = session.subject
        elif "subject_ID" in given:
            subject = self.subject_for(req, finder, project, given["subject_ID"])
        else:
            raise StatusError(400, "Required Field: subject_ID")  # XNAT's schema says so
        place = project, subject, session
        created = self.create_experiment(req, finder, document, data_type, changes, place, given.get("label") or name)
        self.share_at_once(finder, created, home)
        return created

    def _update(self, req: Request, finder: Finder, document: Submission | None, existing: Experiment) -> bool:
        params = params_of(req)
        changes = self._changes(req, document, existing.xsi_type)
        whole = is_whole(req, document)
        self.require_editable(finder, existing, dict(changes), whole)
        if existing.session_id is None and (name := params.get("subject_ID") or dict(changes).get("subject_ID")):
            self.move(finder, existing, self.subject_for(req, finder, existing.project, name))
        if label := params.get("label"):
            self.rename(req, finder, existing, label)
            return False
        self.change_experiment(req, finder, document, existing, changes, whole=whole)
        return True


def _subject(finder: Finder, project: Project, identifier: str) -> Subject:
    found = finder.subject(project, identifier)
    if found is None:
        raise StatusError(404, f"Unable to identify subject {identifier}")
    return found
