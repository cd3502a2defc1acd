"""Experiments: sessions and other assessors of a subject. Reference: SubjAssessmentResource, ExperimentResource."""

from __future__ import annotations

from collections.abc import Mapping

from falcon import Request, Response

from .. import lists, schema
from ..errors import StatusError
from ..fields import Fields
from ..items import Submission
from ..lookup import Finder
from ..params import Params
from ..permissions import Access
from ..store import Experiment, Project, Subject, now
from ..tables import Table
from ..views import experiment_document
from .base import Endpoint, params_of, send_table, send_text
from .deleting import Deletion
from .saving import accession_id, check_label, flush_new, given_id, merged_fields, refuse_tail, rename, requested_type
from .scans import save_scan
from .subjects import create_subject, editable_project, projects_table

_MAY_NOT = "Specified user account has insufficient {} privileges for experiments in this project."
_VISIT = ("visit", "protocol")


class ExperimentList(Endpoint):
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

    def on_post(self, req: Request, resp: Response, project: str, subject: str) -> None:
        document = self.read_document(req)
        label = (document.value("label") if document else None) or params_of(req).get("label")
        if not label:
            raise StatusError(417, "Need POST Contents")
        with self.writing(req) as finder:
            home = editable_project(finder, project, "experiments")
            owner = _subject(finder, home, subject)
            if finder.experiment(home, label) is not None:
                raise StatusError(409, "Specified experiment already exists.")
            experiment = OneExperiment(self.site).create(req, finder, document, home, owner.label, label)
        resp.location = f"/data/experiments/{experiment.id}"
        send_text(resp, f"/data/experiments/{experiment.id}", 201)


class OneExperiment(Deletion):
    """`…/experiments/LABEL`, by label or accession ID; the subject in the path only matters to PUT."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            found = finder.require_experiment(names)
            match names.get("tail"):
                case "status":
                    send_text(resp, "active")
                case "projects":
                    send_table(req, resp, projects_table(found.label, found.project))
                case _:
                    self.send_item(req, resp, experiment_document(finder, found))

    def on_put(self, req: Request, resp: Response, **names: str) -> None:
        refuse_tail(names)
        document = self.read_document(req)
        subject = names.get("subject")
        with self.writing(req) as finder:
            home = finder.require_project(names["project"]) if "project" in names else None
            existing = finder.experiment(home, names["experiment"])
            if existing is None:
                created = self.create(req, finder, document, home, subject, names["experiment"])
                send_text(resp, created.id, 201)
            elif self._update(req, finder, document, existing, subject):
                send_text(resp, existing.id)

    def on_delete(self, req: Request, resp: Response, **names: str) -> None:
        self.delete(req, names, Finder.require_experiment)

    def create(
        self,
        req: Request,
        finder: Finder,
        document: Submission | None,
        project: Project | None,
        subject: str | None,
        label: str,
    ) -> Experiment:
        """A new experiment; the subject is created as well if it does not exist."""
        data_type = _requested_type(finder, params_of(req), document)
        changes = self.changes(req, document, schema.EXPERIMENT, data_type)
        given = dict(changes)
        project = project or finder.project(given.get("project", ""))
        if project is None:
            raise StatusError(422, "Submitted experiment record must include the project attribute.")
        finder.require(project, Access.EDIT, _MAY_NOT.format("create"))
        owner_name = subject or given.get("subject_ID")
        if not owner_name:
            raise StatusError(422, "Submitted experiment record must include the subject.")
        label = given.get("label") or label
        if finder.experiment(project, label) is not None:
            raise StatusError(409, "Conflict: Duplicate experiment label")
        identifier = given_id(given, "Invalid character in experiment label.")
        fields = merged_fields(finder.types, {}, changes, data_type)
        owner = finder.subject(project, owner_name)
        if owner is None:
            owner = create_subject(finder, self.site.preferences, project, owner_name, [])
        check_label(label)
        created = Experiment(
            id=identifier or accession_id(finder, self.site.preferences, "E"),
            label=label,
            xsi_type=data_type,
            project=project,
            subject=owner,
            fields=fields,
            insert_user=finder.user.login,
        )
        finder.session.add(created)
        flush_new(finder, "Conflict: Duplicate experiment label")
        for scan in document.scans if document else []:
            save_scan(finder, created, scan.value("ID"), scan.xsi_type, scan.changes)
        return created

    def _update(
        self,
        req: Request,
        finder: Finder,
        document: Submission | None,
        existing: Experiment,
        subject: str | None,
    ) -> bool:
        """Change an experiment. False if the request was a rename, which answers with an empty body."""
        params = params_of(req)
        finder.require(existing.project, Access.EDIT, _MAY_NOT.format("edit"))
        # The stored type stays, whatever xsiType says; fields of another type are then unknown, hence ignored.
        changes = self.changes(req, document, schema.EXPERIMENT, existing.xsi_type)
        given = dict(changes)
        deletion = params.true("allowDataDeletion")
        if document is not None and deletion and given.get("project") is None:
            raise StatusError(409, "Project must be modified through separate URI.")
        if given.get("project", existing.project.id) != existing.project.id:
            raise StatusError(409, "Project must be modified through separate URI.")
        if label := params.get("label"):  # then the request is a rename and nothing else
            rename(finder, self.site.archive, existing, label)
            return False
        if given.get("ID", existing.id) != existing.id:
            raise StatusError(400, "ID cannot be modified")
        if given.get("label", existing.label) != existing.label:
            raise StatusError(400, "Label must be modified through separate URI.")
        stored: Fields = {} if document is not None and deletion else existing.fields
        fields = merged_fields(finder.types, stored, changes, existing.xsi_type)
        # A subject in the path that does not exist is neither made nor noticed: the experiment stays where it is.
        if subject is not None and (owner := finder.subject(existing.project, subject)) is not None:
            existing.subject = owner
            _forget_visit(existing.fields, fields, given)
        if name := params.get("subject_ID"):
            self._move(finder, existing, fields, given, name)
        existing.fields, existing.last_modified = fields, now()
        for scan in document.scans if document else []:
            save_scan(finder, existing, scan.value("ID"), scan.xsi_type, scan.changes)
        return True

    def _move(
        self, finder: Finder, experiment: Experiment, fields: Fields, given: Mapping[str, str], subject: str
    ) -> None:
        """Put the experiment under another subject of its project, which is made if it does not exist."""
        owner = finder.subject(experiment.project, subject)
        if owner is None:
            owner = create_subject(finder, self.site.preferences, experiment.project, subject, [])
        if owner.subject_id != experiment.subject_id:
            experiment.subject = owner
            _forget_visit(experiment.fields, fields, given)


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


def _subject(finder: Finder, project: Project | None, identifier: str) -> Subject:
    found = finder.subject(project, identifier)
    if found is None:
        raise StatusError(404, "Unable to identify subject")
    return found


def _requested_type(finder: Finder, params: Params, document: Submission | None) -> str:
    """The type of a new experiment. 422 for anything but a subject assessor."""
    data_type = requested_type(finder, params, document)
    if data_type.abstract or not finder.types.instance_of(data_type.name, schema.SUBJECT_ASSESSOR):
        raise StatusError(422, "Only xnat:Subject documents can be PUT to this address.")  # sic
    return data_type.name
