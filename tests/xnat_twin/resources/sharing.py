"""Sharing: a subject or experiment that another project uses as well.

Scans are not shared one by one here, and the site's "project_sharing" feature switch is not covered.
Reference: SubjectResource, SubjAssessmentResource, ExperimentResource.
"""

from __future__ import annotations

from falcon import Request, Response

from ..errors import StatusError
from ..lookup import Finder
from ..permissions import Access
from ..store import ExperimentShare, Project, Subject, SubjectShare
from ..views import experiment_document, subject_document
from .base import params_of, send_text
from .deleting import Deletion
from .saving import check_label, flush_new


class SubjectSharing(Deletion):
    """`…/subjects/S/projects/P2`."""

    def on_put(self, req: Request, resp: Response, target: str, **names: str) -> None:
        label = params_of(req).get("label") or None
        with self.writing(req) as finder:
            found, other = finder.require_subject(names), finder.require_project(target)
            share = finder.session.get(SubjectShare, (found.subject_id, other.project_id))
            if params_of(req).true("primary"):
                self._make_primary(finder, found, other, label or found.label, share)
            elif share is not None and label is not None and label != share.label:
                _check_free(finder.subject(other, label), label)
                share.label = label
            elif share is not None or other is found.project:
                raise StatusError(409, f"Already assigned to project:{other.id}")
            else:
                if label is not None:
                    _check_free(finder.subject(other, label), label)
                _may_create(finder, other, "subjects")
                share = SubjectShare(
                    subject_id=found.subject_id, project_id=other.project_id, label=label or found.label
                )
                finder.session.add(share)
                flush_new(finder, f"Label already in use:{label}")
            self.send_item(req, resp, subject_document(finder, found))

    def _make_primary(
        self, finder: Finder, subject: Subject, target: Project, label: str, share: SubjectShare | None
    ) -> None:
        """Give the subject to the other project; its experiments stay where they are."""
        message = "Specified user account has insufficient privileges for subjects in this project."
        finder.require(subject.project, Access.DELETE, message)
        check_label(label)
        before = self.site.archive.folder(subject)
        if share is not None:
            finder.session.delete(share)
        subject.project, subject.label = target, label
        flush_new(finder, f"Label already in use:{label}")
        self.site.archive.rename(before, self.site.archive.folder(subject))

    def on_delete(self, req: Request, resp: Response, **names: str) -> None:
        self.delete(req, names, Finder.require_subject)


class ExperimentSharing(Deletion):
    """`…/experiments/E/projects/P2`. Through `/data/experiments/ID` the answer is 201 and the ID."""

    def on_put(self, req: Request, resp: Response, target: str, **names: str) -> None:
        label = params_of(req).get("label") or None
        with self.writing(req) as finder:
            found, other = finder.require_experiment(names), finder.require_project(target)
            if other is found.project:
                raise StatusError(409, f"Already assigned to project:{other.id}")
            share = finder.session.get(ExperimentShare, (found.experiment_id, other.project_id))
            if share is None:
                if label is not None:
                    _check_free(finder.experiment(other, label), label)
                _may_create(finder, other, "experiments")
                number = found.experiment_id
                share = ExperimentShare(experiment_id=number, project_id=other.project_id, label=label or found.label)
                finder.session.add(share)
                flush_new(finder, f"Label already in use:{label}")
                if "project" not in names:
                    send_text(resp, found.id, 201)
                else:
                    self.send_item(req, resp, experiment_document(finder, found))
                return
            share.label = label or share.label
        # The new label has just been saved, and yet:
        raise StatusError(409, f"Already assigned to project:{target}")

    def on_delete(self, req: Request, resp: Response, **names: str) -> None:
        self.delete(req, names, Finder.require_experiment)


def _may_create(finder: Finder, project: Project, things: str) -> None:
    finder.require(
        project,
        Access.EDIT,
        f"Specified user account has insufficient create privileges for {things} in the {project.id} project.",
    )


def _check_free(taken: object, label: str) -> None:
    if taken is not None:
        raise StatusError(409, f"Label already in use:{label}")
