"""Image assessors of a session: `…/experiments/SESSION/assessors`.

They are experiments, and as such also at `/data/experiments/ID` (experiments.py).
Reference: ExptAssessmentResource, ProjSubExptAsstList
"""

from __future__ import annotations

from falcon import Request, Response

from xnat_twin.datatypes import schema
from xnat_twin.datatypes.definitions import DataType
from xnat_twin.documents.items import Submission
from xnat_twin.documents.views import experiment_document
from xnat_twin.errors import StatusError
from xnat_twin.lists import objects as lists
from xnat_twin.lookup.finder import Finder, Names
from xnat_twin.resources.base import params_of, send_table, send_text
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
from xnat_twin.storage.store import Experiment, Project


class AssessorStoring(ExperimentStoring):
    """What makes a new image assessor."""

    def create_assessor(
        self,
        req: Request,
        finder: Finder,
        document: Submission | None,
        data_type: DataType,
        changes: Changes,
        names: Names,
        session: Experiment | None,
    ) -> Experiment:
        """A new assessor of the session in the path, else of the one that its fields name."""
        given, home = dict(changes), finder.home(names)
        project = finder.project(given.get("project", "")) or home
        if project is None:
            raise StatusError(422, "Submitted subject record must include the project attribute.")
        session = session or session_of(finder, project, given)
        place = project, session.subject, session
        label = given.get("label") or names.get("assessor")
        created = self.create_experiment(req, finder, document, data_type, changes, place, label)
        self.share_at_once(finder, created, home)
        return created


class AssessorList(AssessorStoring):
    """`…/experiments/SESSION/assessors`."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            table = lists.assessors(finder, params_of(req), _session(finder, names), finder.home(names))
        send_table(req, resp, table)

    def on_post(self, req: Request, resp: Response, **names: str) -> None:
        document = self.read_document(req)
        with self.writing(req) as finder:
            session = _session(finder, names)
            data_type = requested_type(finder, params_of(req), document, need="POST")
            require_type(finder, data_type, schema.IMAGE_ASSESSOR)
            changes = self.changes(req, document, schema.IMAGE_ASSESSOR, data_type.name)
            given = dict(changes)
            project = finder.project(given.get("project", "")) or finder.home(names)
            known = finder.experiment_by_id(given.get("ID", ""))
            if known or finder.experiment_by_label(project, given.get("label", "")):
                raise StatusError(409, "Specified experiment already exists.")
            created = self.create_assessor(req, finder, document, data_type, changes, names, session)
        self.send_created(req, resp, created.id)


class OneAssessor(AssessorStoring, Deletion):
    """`…/experiments/SESSION/assessors/LABEL`: by accession ID anywhere, by label in the project of the path.

    A path without a project knows no label, so it finds nothing by one, and a new assessor needs `project`.
    """

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            found = _find(finder, names)
            if not send_below(req, resp, finder, found, names.get("tail", "")):
                self.send_item(req, resp, experiment_document(finder, found))

    def on_put(self, req: Request, resp: Response, **names: str) -> None:
        refuse_tail(names)
        document = self.read_document(req)
        with self.writing(req) as finder:
            home = finder.require_project(names["project"]) if "project" in names else None
            session = finder.experiment(home, names["experiment"])
            existing = finder.experiment(home, names["assessor"])
            require_kind(finder, existing, schema.IMAGE_ASSESSOR)
            whole = is_whole(req, document)
            if existing is None or whole:
                data_type = requested_type(finder, params_of(req), document, need="POST")
                require_type(finder, data_type, schema.IMAGE_ASSESSOR)
            else:
                data_type = finder.types.resolve(existing.xsi_type)
            changes = self.changes(req, document, schema.IMAGE_ASSESSOR, data_type.name)
            existing = existing or self._named_inside(finder, home, dict(changes))
            if session is not None and not finder.is_a(session, schema.IMAGE_SESSION):
                session = None
            if existing is None:
                created = self.create_assessor(req, finder, document, data_type, changes, names, session)
                send_text(resp, created.id, 201)
                return
            self.require_editable(finder, existing, dict(changes), whole)
            if session is not None:  # under another session it is moved
                existing.session, existing.subject = session, session.subject
            self.change_experiment(req, finder, document, existing, changes, whole=whole)
            send_text(resp, existing.id)

    def on_delete(self, req: Request, resp: Response, **names: str) -> None:
        self.delete(req, names, _find)

    def _named_inside(self, finder: Finder, home: Project | None, given: dict[str, str]) -> Experiment | None:
        """The assessor that the fields themselves name, by ID, or by project and label."""
        if found := finder.experiment_by_id(given.get("ID", "")):
            return found
        return finder.experiment_by_label(finder.project(given.get("project", "")) or home, given.get("label", ""))


def _session(finder: Finder, names: Names) -> Experiment:
    """The session of a list. Below a subject all of the path must be there."""
    home = finder.home(names)
    if "project" in names and home is None:
        raise StatusError(404, "Unable to find project.")
    if "subject" in names and finder.subject(home, names["subject"]) is None:
        raise StatusError(404, "Unable to find subject.")
    found = finder.experiment(home, names["experiment"])
    if found is None:
        raise StatusError(404, "Unable to find experiment.")
    return found


def _find(finder: Finder, names: Names) -> Experiment:
    found = finder.require_experiment(names, "assessor")
    require_kind(finder, found, schema.IMAGE_ASSESSOR)
    return found
