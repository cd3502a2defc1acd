"""Sharing: a subject or experiment that another project uses as well, or that is given to it (`primary=true`).

Without `label` an object has no label in the other project: lists show its own there, but no path finds it by that.
The answer is the table of the object's projects: its tag `<html xmlns=…` is one that pyxnat and XNATpy do not take for
an error page. Scans are not shared one by one here, and the site's "project_sharing" feature switch is not covered.
Reference: SubjectResource, SubjAssessmentResource, ExperimentResource, ExptAssessmentResource.
"""

from __future__ import annotations

from falcon import Request, Response

from xnat_twin.access.permissions import Access
from xnat_twin.datatypes import schema
from xnat_twin.errors import StatusError
from xnat_twin.lookup.finder import Finder, Names
from xnat_twin.resources.base import params_of, send_table, send_text
from xnat_twin.resources.objects.deleting import Deletion
from xnat_twin.resources.objects.experiment_saving import require_kind
from xnat_twin.resources.objects.saving import check_label, flush_new
from xnat_twin.resources.objects.subjects import projects_table
from xnat_twin.storage.store import OWNER_KEYS, SHARES, Experiment, Project, Subject

_SHARED, _MOVED = "Configured project sharing", "Modified project"
_MAY_NOT = "Specified user account has insufficient privileges for {} in this project."


class Sharing(Deletion):
    """What subjects and experiments have in common."""

    def share(
        self, req: Request, finder: Finder, item: Subject | Experiment, target: Project, label: str | None
    ) -> None:
        """Let another project use the object. 409 if the label is taken there, 403 without the right to create."""
        things = "subjects" if isinstance(item, Subject) else "experiments"
        _check_free(finder, item, target, label)
        may_not = f"Specified user account has insufficient create privileges for {things} in the {target.id} project."
        finder.require(target, Access.EDIT, may_not)
        self.note(req, finder, item, _SHARED)
        key = OWNER_KEYS[type(item)]
        share = SHARES[type(item)](project_id=target.project_id, label=label, **{key: getattr(item, key)})
        finder.session.add(share)
        flush_new(finder, f"Label already in use:{label}")

    def give(self, req: Request, finder: Finder, item: Subject | Experiment, target: Project, label: str) -> None:
        """Let the object belong to the other project; its files go along. 403 without the right to delete it here."""
        things = "subjects" if isinstance(item, Subject) else "experiments"
        finder.require(item.project, Access.DELETE, _MAY_NOT.format(things))
        if finder.namesake(item, target, label) not in (None, item):
            raise StatusError(409, "Specified label is already in use.")
        check_label(label)
        self.note(req, finder, item, _MOVED)
        before = self.site.archive.folder(item)
        if share := finder.share(item, target):
            finder.session.delete(share)
        item.project, item.label = target, label
        flush_new(finder, "Specified label is already in use.")
        self.site.archive.rename(before, self.site.archive.folder(item))


class SubjectSharing(Sharing):
    """`…/subjects/S/projects/P2`: shared a second time it is 409, unless that brings another label."""

    def on_put(self, req: Request, resp: Response, target: str, **names: str) -> None:
        label = params_of(req).get("label") or None
        with self.writing(req) as finder:
            found, other = finder.require_subject(names), finder.require_project(target)
            share = finder.share(found, other)
            relabelled = share is not None and label not in {None, share.label}
            if share is not None and relabelled:
                _check_free(finder, found, other, label)
                self.note(req, finder, found, _SHARED)
                share.label = label
            if params_of(req).true("primary"):
                if other is not found.project:
                    self.give(req, finder, found, other, label or found.label)
            elif not relabelled:
                if share is not None or other is found.project:
                    raise StatusError(409, f"Already assigned to project:{other.id}")
                self.share(req, finder, found, other, label)
            send_table(req, resp, projects_table(finder, found), otherwise="html")

    def on_delete(self, req: Request, resp: Response, **names: str) -> None:
        self.delete(req, names, Finder.require_subject)


class ExperimentSharing(Sharing):
    """`…/experiments/E/projects/P2`: shared a second time it is 409, even when a new label has just been saved.

    Below a subject and for an assessor of a session the answer is the table of its projects. Otherwise it is the ID,
    with 200 for an experiment that is named by its label in a project, and 201 for one that is named by its ID.
    """

    def find(self, finder: Finder, names: Names) -> Experiment:
        found = finder.require_experiment(names, "assessor" if "assessor" in names else "experiment")
        if "assessor" in names:
            require_kind(finder, found, schema.IMAGE_ASSESSOR)
        elif "subject" in names:
            require_kind(finder, found, schema.SUBJECT_ASSESSOR)
        return found

    def on_put(self, req: Request, resp: Response, target: str, **names: str) -> None:
        params = params_of(req)
        label = params.get("label") or None
        with self.writing(req) as finder:
            found, other = self.find(finder, names), finder.require_project(target)
            if other is found.project:
                raise StatusError(409, f"Already assigned to project:{other.id}")
            share = finder.share(found, other)
            if share is not None and label is not None:
                if share.label is None:
                    raise StatusError(500)  # a NullPointerException in XNAT
                share.label = label
            primary = params.get("primary") == "true"
            if primary:
                self._give(req, finder, found, other, label or found.label)
            elif share is None:
                self.share(req, finder, found, other, label)
                self._answer(req, resp, finder, found, names)
                return
        if not primary:
            raise StatusError(409, f"Already assigned to project:{target}")
        if "project" not in names:
            raise StatusError(500)  # after it was moved: XNAT then wants to know from which project of the path

    def _give(self, req: Request, finder: Finder, found: Experiment, other: Project, label: str) -> None:
        """Assessors stay in the old project unless `moveAssessors` names their IDs."""
        self.give(req, finder, found, other, label)
        for assessor in finder.assessors(found):
            if assessor.id in params_of(req).get("moveAssessors").split(","):
                assessor.project = other
        flush_new(finder, "Specified label is already in use.")

    def _answer(self, req: Request, resp: Response, finder: Finder, found: Experiment, names: Names) -> None:
        if "subject" in names or "assessor" in names:
            send_table(req, resp, projects_table(finder, found), otherwise="html")
            return
        labelled = finder.experiment_by_label(finder.home(names), names["experiment"])
        send_text(resp, found.id, 201 if labelled is None else 200)

    def on_delete(self, req: Request, resp: Response, **names: str) -> None:
        self.delete(req, names, self.find)


def _check_free(finder: Finder, item: Subject | Experiment, project: Project, label: str | None) -> None:
    """409 for a label that the other project has already."""
    if label and finder.namesake(item, project, label) is not None:
        raise StatusError(409, f"Label already in use:{label}")
