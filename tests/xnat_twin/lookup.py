"""Finds the objects that a path names, as far as the user may see them. What he may not read does not exist (404)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from .errors import StatusError
from .permissions import Access, access
from .schema import Types
from .store import (
    OWNER_KEYS,
    Experiment,
    ExperimentShare,
    Owner,
    Project,
    Resource,
    Scan,
    Subject,
    SubjectShare,
    User,
)

#: What XNAT takes as a label or an ID.
VALID_ID = re.compile(r"[A-Za-z0-9_-]+")

#: The variables of a path: `project`, `subject`, `experiment`, …, as far as the path has them.
Names = Mapping[str, str]

_Labelled = TypeVar("_Labelled", Subject, Experiment)


@dataclass(frozen=True)
class Finder:
    """Look-ups of one user in one transaction. Methods return None for what is absent or unreadable."""

    session: Session
    user: User
    types: Types

    def access(self, project: Project) -> Access:
        return access(self.session, self.user, project)

    def may_read(self, project: Project) -> bool:
        return self.access(project) >= Access.READ

    def project(self, identifier: str) -> Project | None:
        """By ID or alias. A protected project is seen by everyone; its data is not."""
        found = self.session.scalar(select(Project).where(Project.id == identifier))
        if found is None:
            aliased = self.session.scalars(select(Project)).all()
            found = next((p for p in aliased if p.fields.get("aliases/alias") == identifier), None)
        return found if found is not None and self.access(found) >= Access.PROJECT else None

    def require_project(self, identifier: str) -> Project:
        """404 for a project that the caller may not see."""
        found = self.project(identifier)
        if found is None:
            raise StatusError(404, f"Unable to identify project: {identifier}")
        return found

    def require(self, project: Project, level: Access, message: str = "") -> None:
        """403 without this level in the project."""
        if self.access(project) < level:
            raise StatusError(403, message)

    def subject(self, project: Project | None, identifier: str) -> Subject | None:
        """By label in the project, its own or a shared one, else by accession ID."""
        return self._labelled(Subject, SubjectShare, project, identifier)

    def experiment(self, project: Project | None, identifier: str) -> Experiment | None:
        """As `subject`. The subject in a path is not looked at, as in XNAT."""
        return self._labelled(Experiment, ExperimentShare, project, identifier)

    def require_subject(self, names: Names) -> Subject:
        """The subject that a path names. 404 if there is none, or no such project."""
        home = self.home(names)
        found = None if home is None and "project" in names else self.subject(home, names["subject"])
        if found is None:
            raise StatusError(404, "Unable to find the specified subject.")
        return found

    def find_experiment(self, names: Names) -> Experiment | None:
        """The experiment that a path names."""
        home = self.home(names)
        return None if home is None and "project" in names else self.experiment(home, names["experiment"])

    def require_experiment(self, names: Names) -> Experiment:
        """404 if there is none, or no such project."""
        found = self.find_experiment(names)
        if found is None:
            raise StatusError(404, "Unable to find the specified experiment.")
        return found

    def home(self, names: Names) -> Project | None:
        """The project that a path goes through, if it names one that the caller may see."""
        return self.project(names["project"]) if "project" in names else None

    def _labelled(
        self,
        kind: type[_Labelled],
        share: type[SubjectShare | ExperimentShare],
        project: Project | None,
        identifier: str,
    ) -> _Labelled | None:
        found: _Labelled | None = None
        if project is not None:
            key = OWNER_KEYS[kind]
            own = select(kind).where(kind.project_id == project.project_id, kind.label == identifier)
            shared = (
                select(kind)
                .join(share, getattr(share, key) == getattr(kind, key))
                .where(share.project_id == project.project_id, share.label == identifier)
            )
            found = self.session.scalar(own) or self.session.scalar(shared)
        found = found or self.session.scalar(select(kind).where(kind.id == identifier))
        return found if found is not None and self._may_read_in(project, found) else None

    def shares(self, item: Subject | Experiment) -> dict[int, str | None]:
        """The projects that an object is shared with, by number, and its label there."""
        query = (
            select(SubjectShare.project_id, SubjectShare.label).where(SubjectShare.subject_id == item.subject_id)
            if isinstance(item, Subject)
            else select(ExperimentShare.project_id, ExperimentShare.label).where(
                ExperimentShare.experiment_id == item.experiment_id
            )
        )
        return {row.project_id: row.label for row in self.session.execute(query)}

    def unshare(self, item: Subject | Experiment, project: Project) -> None:
        """Take a shared object out of a project. 403 without the right to delete there."""
        message = "User account doesn't have permission to remove this object from the project."
        self.require(project, Access.DELETE, message)
        share: SubjectShare | ExperimentShare | None
        if isinstance(item, Subject):
            share = self.session.get(SubjectShare, (item.subject_id, project.project_id))
        else:
            share = self.session.get(ExperimentShare, (item.experiment_id, project.project_id))
        if share is not None:
            self.session.delete(share)

    def _may_read_in(self, project: Project | None, item: Subject | Experiment) -> bool:
        """Whether the user may read the object through the given project, or through any of its projects."""
        if project is not None and project.project_id == item.project_id:
            return self.may_read(project)
        shares = self.shares(item)
        if project is not None:
            return project.project_id in shares and self.may_read(project)
        projects = [item.project, *(self.session.get_one(Project, number) for number in shares)]
        return any(self.may_read(one) for one in projects)

    def scan(self, experiment: Experiment, identifier: str) -> Scan | None:
        """By ID alone."""
        return self.session.scalar(
            select(Scan).where(Scan.experiment_id == experiment.experiment_id, Scan.id == identifier)
        )

    def scans(self, experiment: Experiment, selector: str) -> Sequence[Scan]:
        """By selector: `ALL` or `*`, else IDs **or types**, separated by commas; `NULL` is a scan without a type."""
        query = select(Scan).where(Scan.experiment_id == experiment.experiment_id).order_by(Scan.scan_id)
        scans = self.session.scalars(query).all()
        if selector in {"ALL", "*"}:
            return scans
        wanted = {part.replace("[COMMA]", ",") for part in selector.replace("[SLASH]", "/").split(",")}
        return [
            scan
            for scan in scans
            if scan.id in wanted
            or scan.fields.get("type") in wanted
            or ("NULL" in wanted and not scan.fields.get("type"))
        ]

    def resources(self, owners: Sequence[Owner]) -> list[Resource]:
        """All resources of these owners, oldest first."""
        if not owners:
            return []
        columns = [getattr(Resource, OWNER_KEYS[type(o)]) == getattr(o, OWNER_KEYS[type(o)]) for o in owners]
        return list(self.session.scalars(select(Resource).where(or_(*columns)).order_by(Resource.resource_id)))

    def resource(self, owners: Sequence[Owner], identifier: str) -> Resource | None:
        """By label below these owners, else by number wherever it is. 403 if the number is someone else's."""
        below = self.resources(owners)
        for resource in below:
            if identifier in {resource.label, str(resource.resource_id)}:
                return resource
        if not identifier.isdecimal():
            return None
        resource_by_number = self.session.get(Resource, int(identifier))
        if resource_by_number is not None and not self.may_read(project_of(resource_by_number.owner)):
            raise StatusError(
                403,
                f"The user {self.user.login} requested 1 resources by ID (i.e. not by qualified resource label) but "
                f"was denied access to all of them: {identifier}",
            )
        return resource_by_number

    def project_conflicts(self, project: Project | None, values: Sequence[str]) -> list[str]:
        """Which of the IDs, names and aliases in `values` a project other than `project` has, whatever their case."""
        wanted = {value.lower() for value in values if value}
        taken = set()
        for other in self.session.scalars(select(Project)).all():
            if other is not project:
                names = [other.id, *(str(other.fields.get(f, "")) for f in ("name", "secondary_ID", "aliases/alias"))]
                taken |= {name.lower() for name in names if name}
        return sorted(wanted & taken)


def project_of(owner: Owner) -> Project:
    return owner if isinstance(owner, Project) else owner.project
