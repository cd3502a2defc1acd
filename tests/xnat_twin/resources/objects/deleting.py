"""DELETE of a subject or an experiment: out of one project, or for good. Reference: SecureResource.deleteItem.

In the project that an object belongs to it is deleted, in any other it is only no longer shared. Which project is meant
says the path: its end (`…/projects/P2`), else its beginning, else it is the one that the object belongs to.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from falcon import Request
from sqlalchemy import select

from xnat_twin.access.permissions import Access
from xnat_twin.errors import StatusError
from xnat_twin.lookup.finder import Finder, Names
from xnat_twin.resources.base import params_of
from xnat_twin.resources.objects.saving import Storing
from xnat_twin.storage import audit, removal
from xnat_twin.storage.store import Experiment, Project, Subject


class Deletion(Storing):
    """The ending that DELETE has in common for subjects and experiments."""

    def delete(self, req: Request, names: Names, find: Callable[[Finder, Names], Subject | Experiment]) -> None:
        """403 without the right to delete in the project, or if un-sharing would delete something."""
        archive = self.site.archive
        folders: list[Path] = []
        with self.writing(req) as finder:
            item = find(finder, names)
            project = _project(finder, item, names)
            self.note(req, finder, item, audit.removed(item), 403, None)
            _check(finder, item, project)
            if project is not item.project:
                removal.unshare(finder.session, item, project)
            elif isinstance(item, Subject):
                folders = removal.delete_subject(finder.session, archive, item)
            else:
                folders = removal.delete_experiment(finder.session, archive, item)
        if params_of(req).true("removeFiles"):
            self.history(req).discard(*folders)


def _project(finder: Finder, item: Subject | Experiment, names: Names) -> Project:
    tail = names.get("tail", "")
    if "target" in names:
        return finder.require_project(names["target"])
    if tail:
        raise StatusError(400, f"Illegal file path '{tail}' does not start with 'projects/'.")
    return finder.home(names) or item.project


def _check(finder: Finder, item: Subject | Experiment, project: Project) -> None:
    things = "subjects" if isinstance(item, Subject) else "experiments"
    has_it = finder.has(project, item)
    if isinstance(item, Subject) and not has_it:
        raise StatusError(403, f"Subject is not assigned to specified project {project.id}")
    if has_it:
        finder.require(project, Access.DELETE, f"User cannot delete {things} for project {project.id}")
    if project is item.project:
        return
    if isinstance(item, Subject):
        below = Experiment.subject_id == item.subject_id
    else:
        below = Experiment.session_id == item.experiment_id
    own = finder.session.scalar(select(Experiment.id).where(below, Experiment.project_id == project.project_id))
    if own is not None:
        raise StatusError(
            403,
            f"This operation would delete an experiment (rather than un-share).  Please modify experiment ({own}).",
        )
