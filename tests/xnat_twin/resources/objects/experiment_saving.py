"""Creating and changing experiments: what PUT and POST have in common, whichever way the path goes.

Reference: SubjAssessmentResource, ExperimentResource, ExptAssessmentResource
"""

from __future__ import annotations

from collections.abc import Mapping

from falcon import Request

from xnat_twin.access.permissions import Access
from xnat_twin.datatypes import schema
from xnat_twin.datatypes.definitions import DataType
from xnat_twin.datatypes.fields import Fields
from xnat_twin.documents.items import Submission
from xnat_twin.errors import StatusError
from xnat_twin.lookup.finder import Finder
from xnat_twin.resources.base import params_of
from xnat_twin.resources.objects.nested import save_nested
from xnat_twin.resources.objects.saving import (
    Changes,
    accession_id,
    check_label,
    flush_new,
    given_id,
    insufficient,
    merged_fields,
)
from xnat_twin.resources.objects.subjects import SubjectStoring
from xnat_twin.storage.store import Experiment, ExperimentShare, Project, Subject

#: What XNAT says of every document or type that does not fit, not only of subjects.
WRONG_TYPE = "Only xnat:Subject documents can be PUT to this address."
DUPLICATE = "Conflict: Duplicate experiment label"
_VISIT = ("visit", "protocol")


class ExperimentStoring(SubjectStoring):
    """What makes and changes sessions, other subject assessors, and image assessors."""

    def create_experiment(
        self,
        req: Request,
        finder: Finder,
        document: Submission | None,
        data_type: DataType,
        changes: Changes,
        place: tuple[Project, Subject, Experiment | None],
        label: str | None,
    ) -> Experiment:
        """A new experiment in a project, of a subject, and for an image assessor of a session."""
        project, subject, session = place
        finder.require(project, Access.EDIT, insufficient("create", "experiments"))
        if self.site.registered is not None:
            self.site.registered.require(project, data_type.name)
        if label is not None and finder.experiment(project, label) is not None:
            raise StatusError(409, DUPLICATE)
        identifier = given_id(dict(changes), "Invalid character in experiment label.")
        fields = merged_fields(finder.types, {}, changes, data_type.name)
        check_label(label)
        created = Experiment(
            id=identifier or accession_id(finder, self.site.preferences, "E"),
            label=label,
            xsi_type=data_type.name,
            project=project,
            subject=subject,
            session=session,
            arc=project.current_arc,
            fields=fields,
            insert_user=finder.user.login,
        )
        finder.session.add(created)
        flush_new(finder, DUPLICATE)
        self._finish(req, finder, created, document, is_new=True)
        return created

    def share_at_once(self, finder: Finder, experiment: Experiment, project: Project | None) -> None:
        """What says that it belongs to another project than that of the path is shared with the latter."""
        if project is not None and project is not experiment.project:
            finder.session.add(ExperimentShare(experiment_id=experiment.experiment_id, project_id=project.project_id))

    def require_editable(self, finder: Finder, existing: Experiment, given: Mapping[str, str], whole: bool) -> None:
        """409 for another project, and for a whole new truth (`allowDataDeletion`) that names none; 403."""
        default = None if whole else existing.project.id
        if given.get("project", default) != existing.project.id:
            raise StatusError(409, "Project must be modified through separate URI.")
        finder.require(existing.project, Access.EDIT, insufficient("edit", "experiments"))

    def change_experiment(
        self,
        req: Request,
        finder: Finder,
        document: Submission | None,
        existing: Experiment,
        changes: Changes,
        *,
        whole: bool,
        forget_visit: bool = False,
    ) -> None:
        """Merge the changes into an experiment, or let them be all that there is. 400 for another ID or label."""
        given = dict(changes)
        if given.get("ID", existing.id) != existing.id:
            raise StatusError(400, "ID cannot be modified")
        if given.get("label", existing.label) != existing.label:
            raise StatusError(400, "Label must be modified through separate URI.")
        stored: Fields = {} if whole else existing.fields
        fields = merged_fields(finder.types, stored, changes, existing.xsi_type)
        if forget_visit:
            _forget_visit(existing.fields, fields, given)
        existing.fields = fields
        self._finish(req, finder, existing, document, is_new=False, whole=whole)

    def subject_for(self, req: Request, finder: Finder, project: Project, name: str) -> Subject:
        """A subject of the project by label or ID, made if there is none."""
        found = finder.subject(project, name)
        return found or self.create_subject(req, finder, project, name, [], "Auto-created for experiment")

    def move(self, finder: Finder, experiment: Experiment, subject: Subject) -> bool:
        """Put an experiment and its assessors under another subject. False if it is there already."""
        if subject.subject_id == experiment.subject_id:
            return False
        for one in (experiment, *finder.assessors(experiment)):
            one.subject = subject
        return True

    def _finish(
        self,
        req: Request,
        finder: Finder,
        experiment: Experiment,
        document: Submission | None,
        *,
        is_new: bool,
        whole: bool = False,
    ) -> None:
        save_nested(finder, experiment, document, whole=whole)
        if experiment.session is None and experiment.project.quarantine_code == 1:
            experiment.status = "quarantine"
        self.stored(req, finder, experiment, is_new=is_new)


def require_type(finder: Finder, data_type: DataType, ancestor: str) -> None:
    """422 for a type that does not belong here, or of which there are no objects."""
    if data_type.abstract or not finder.types.instance_of(data_type.name, ancestor):
        raise StatusError(422, WRONG_TYPE)


def require_kind(finder: Finder, experiment: Experiment | None, ancestor: str) -> None:
    """500 for an experiment that the path takes for something else: a ClassCastException in XNAT."""
    if experiment is not None and not finder.is_a(experiment, ancestor):
        raise StatusError(500)


def is_whole(req: Request, document: Submission | None) -> bool:
    """Whether the request is all that there shall be: `allowDataDeletion`, with a document or a type to begin with."""
    params = params_of(req)
    return params.true("allowDataDeletion") and (document is not None or "xsiType" in params)


def session_of(finder: Finder, project: Project, given: Mapping[str, str]) -> Experiment:
    """The session that the fields of an image assessor name. 400 without one: XNAT's schema requires it."""
    name = given.get("imageSession_ID", "")
    found = finder.experiment_by_id(name) or finder.experiment_by_label(project, name)
    if found is None or not finder.is_a(found, schema.IMAGE_SESSION):
        raise StatusError(400, "Required Field: imageSession_ID")
    return found


def _forget_visit(before: Fields, after: Fields, given: Mapping[str, str]) -> None:
    """Clear visit and protocol, as XNAT does with every change through a subject's path, even if the subject stays.

    Both stay as asked for if the request sets one that was empty or clears one that was not (XNAT takes only that for
    intent); a request that changes one to another value loses it. SubjAssessmentResource.unsetOldVisitAndSubtype
    """
    for name in _VISIT:
        if (after.get(name) is not None) if before.get(name) is None else (given.get(name) == "NULL"):
            return
    for name in _VISIT:
        after.pop(name, None)
