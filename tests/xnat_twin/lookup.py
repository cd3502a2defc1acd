"""Finds the objects that a path names, as far as the user may see them. What he may not read does not exist (404)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from .errors import StatusError
from .permissions import Access, access
from .store import OWNER_KEYS, Experiment, Owner, Project, Resource, Scan, Subject, User

#: What XNAT takes as a label or an ID.
VALID_ID = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Finder:
    """Look-ups of one user in one transaction. Methods return None for what is absent or unreadable."""

    session: Session
    user: User

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

    def subject(self, project: Project | None, identifier: str) -> Subject | None:
        """By label in the project, else by accession ID."""
        found = None
        if project is not None:
            found = self.session.scalar(
                select(Subject).where(Subject.project_id == project.project_id, Subject.label == identifier)
            )
        if found is None:
            found = self.session.scalar(select(Subject).where(Subject.id == identifier))
            if found is not None and project is not None and found.project_id != project.project_id:
                found = None
        return found if found is not None and self.may_read(found.project) else None

    def experiment(self, project: Project | None, identifier: str) -> Experiment | None:
        """By label in the project, else by accession ID; the subject in a path is not looked at, as in XNAT."""
        found = None
        if project is not None:
            found = self.session.scalar(
                select(Experiment).where(Experiment.project_id == project.project_id, Experiment.label == identifier)
            )
        if found is None:
            found = self.session.scalar(select(Experiment).where(Experiment.id == identifier))
            if found is not None and project is not None and found.project_id != project.project_id:
                found = None
        return found if found is not None and self.may_read(found.project) else None

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
