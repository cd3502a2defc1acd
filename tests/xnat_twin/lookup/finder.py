"""Finds the objects that a path names, as far as the user may see them. What he may not read does not exist (404)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, or_, select, true
from sqlalchemy.orm import Session

from xnat_twin.access.permissions import HIDDEN, OF_ACCESSIBILITY, OF_GROUP, Access, access, everywhere
from xnat_twin.datatypes import schema
from xnat_twin.datatypes.schema import Types
from xnat_twin.errors import StatusError
from xnat_twin.storage.archive import Archive
from xnat_twin.storage.store import (
    OWNER_KEYS,
    SHARES,
    Experiment,
    ExperimentShare,
    Membership,
    Owner,
    Project,
    ProjectName,
    Reconstruction,
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

_Shared = TypeVar("_Shared", Subject, Experiment)
_Image = TypeVar("_Image", Scan, Reconstruction)


# Statements of the look-ups that each request makes: building one takes longer than carrying it out.

_GROUPS = select(Membership.project_id, Membership.group).where(Membership.user_id == bindparam("user"))
_PROJECT_BY_ID = select(Project).where(Project.id == bindparam("name"))
_PROJECT_BY_ALIAS = select(Project).where(
    Project.project_id.in_(select(ProjectName.project_id).where(ProjectName.alias == bindparam("name")))
)


@cache
def _own(kind: type[_Shared]) -> Select[_Shared]:
    return select(kind).where(kind.project_id == bindparam("project"), kind.label == bindparam("label"))


@cache
def _guest(kind: type[_Shared]) -> Select[_Shared]:
    share, key = SHARES[kind], OWNER_KEYS[kind]
    shared = select(getattr(share, key)).where(
        share.project_id == bindparam("project"), share.label == bindparam("label")
    )
    return select(kind).where(getattr(kind, key).in_(shared))


@cache
def _by_accession_id(kind: type[_Shared]) -> Select[_Shared]:
    return select(kind).where(kind.id == bindparam("id"))


@cache
def _shares(kind: type[Subject | Experiment]) -> Select[int, str | None]:
    share = SHARES[kind]
    return select(share.project_id, share.label).where(getattr(share, OWNER_KEYS[kind]) == bindparam("number"))


@cache
def _of_session(kind: type[_Image]) -> Select[_Image]:
    return select(kind).where(kind.experiment_id == bindparam("session")).order_by(getattr(kind, OWNER_KEYS[kind]))


@cache
def _resources(key: str) -> Select[Resource]:
    return select(Resource).where(getattr(Resource, key) == bindparam("owner")).order_by(Resource.resource_id)


@dataclass(frozen=True)
class Finder:
    """Look-ups of one user in one transaction. Methods return None for what is absent or unreadable."""

    session: Session
    user: User
    types: Types
    archive: Archive

    # Rights

    @cached_property
    def groups(self) -> Mapping[int, str]:
        """The user's group in each project that he belongs to, by the project's number."""
        return {row.project_id: row.group for row in self.session.execute(_GROUPS, {"user": self.user.user_id})}

    def access(self, project: Project) -> Access:
        return access(self.user, None if self.user.admin else self.groups.get(project.project_id), project)

    def may_read(self, project: Project) -> bool:
        return self.access(project) >= Access.READ

    def require(self, project: Project, level: Access, message: str = "") -> None:
        """403 without this level in the project."""
        if self.access(project) < level:
            raise StatusError(403, message)

    def allowed(self, level: Access) -> ColumnElement[bool]:
        """The condition on `Project` under which the user has at least this level, for lists."""
        if everywhere(self.user) >= level:
            return true()
        mine = [number for number, group in self.groups.items() if OF_GROUP[group] >= level]
        everyone = [name for name, given in OF_ACCESSIBILITY.items() if given >= level]
        return or_(Project.accessibility.in_(everyone), Project.project_id.in_(mine))

    def may_read_item(self, item: Subject | Experiment) -> bool:
        """Whether the user may read the object through any of its projects, whichever the path goes through."""
        if item.status in HIDDEN and not self.user.admin and item.project_id not in self.groups:
            return False
        if self.may_read(item.project):
            return True
        return any(self.may_read(self.session.get_one(Project, number)) for number in self.shares(item))

    # Projects

    def project(self, identifier: str) -> Project | None:
        """By ID or alias. A protected project is seen by everyone; its data is not."""
        wanted = {"name": identifier}
        found = self.session.scalar(_PROJECT_BY_ID, wanted) or self.session.scalar(_PROJECT_BY_ALIAS, wanted)
        return found if found is not None and self.access(found) >= Access.PROJECT else None

    def require_project(self, identifier: str) -> Project:
        """404 for a project that the caller may not see."""
        found = self.project(identifier)
        if found is None:
            raise StatusError(404, f"Unable to identify project: {identifier}")
        return found

    def home(self, names: Names) -> Project | None:
        """The project that a path goes through, if it names one that the caller may see."""
        return self.project(names["project"]) if "project" in names else None

    # Subjects and experiments, which projects share

    def subject(self, project: Project | None, identifier: str) -> Subject | None:
        """By label in the project, its own or a shared one, else by accession ID, if the project has it."""
        return self._labelled(Subject, project, identifier) or self._in(project, Subject, identifier)

    def experiment(self, project: Project | None, identifier: str) -> Experiment | None:
        """As `subject`. The subject in a path is not looked at, as in XNAT."""
        return self.experiment_by_label(project, identifier) or self._in(project, Experiment, identifier)

    def experiment_by_label(self, project: Project | None, label: str) -> Experiment | None:
        return self._labelled(Experiment, project, label)

    def experiment_by_id(self, identifier: str) -> Experiment | None:
        return self._in(None, Experiment, identifier)

    def require_subject(self, names: Names) -> Subject:
        """The subject that a path names, by its accession ID in whatever project; 404 if there is none.

        Reference: SubjectResource.represent
        """
        home, identifier = self.home(names), names["subject"]
        found = self._in(None, Subject, identifier) or self._labelled(Subject, home, identifier)
        if found is None:
            hint = (
                "When searching by subject ID only, you must specify the accession number and not the subject label, "
                f"which is not unique across the XNAT system. {identifier} is not a known subject accession ID."
                if home is None
                else f"The project {home.id} does not contain a subject identifiable by the ID or label {identifier}."
            )
            raise StatusError(404, f"Unable to find the specified subject. {hint}")
        return found

    def require_experiment(self, names: Names, key: str = "experiment") -> Experiment:
        """As `require_subject`. Reference: ExperimentResource.represent, SubjAssessmentResource.represent"""
        found = self.experiment_by_id(names[key]) or self.experiment_by_label(self.home(names), names[key])
        if found is None or ("subject" in names and self.home(names) is None):
            raise StatusError(404, "Unable to find the specified experiment.")
        return found

    def image_session(self, names: Names) -> Experiment | None:
        """The session that the path to a scan or reconstruction goes through.

        500 for another experiment, which XNAT takes for a session: a ClassCastException.
        """
        found = self.experiment(self.home(names), names["experiment"])
        if found is not None and not self.is_a(found, schema.IMAGE_SESSION):
            raise StatusError(500)
        return found

    def is_a(self, experiment: Experiment, xsi_type: str) -> bool:
        return self.types.instance_of(experiment.xsi_type, xsi_type)

    def has(self, project: Project, item: Subject | Experiment) -> bool:
        """Whether an object belongs to a project or is shared with it."""
        return project.project_id in (item.project_id, *self.shares(item))

    def shares(self, item: Subject | Experiment) -> dict[int, str | None]:
        """The projects that an object is shared with, by number, and its label there."""
        number = getattr(item, OWNER_KEYS[type(item)])
        return {row.project_id: row.label for row in self.session.execute(_shares(type(item)), {"number": number})}

    def namesake(self, item: Subject | Experiment, project: Project, label: str) -> Subject | Experiment | None:
        """What a project has of the same kind as `item` under a label or accession ID; that may be `item` itself."""
        return self.subject(project, label) if isinstance(item, Subject) else self.experiment(project, label)

    def share(self, item: Subject | Experiment, project: Project) -> SubjectShare | ExperimentShare | None:
        """What says that an object is shared with a project, if it is."""
        if isinstance(item, Subject):
            return self.session.get(SubjectShare, (item.subject_id, project.project_id))
        return self.session.get(ExperimentShare, (item.experiment_id, project.project_id))

    def _labelled(self, kind: type[_Shared], project: Project | None, label: str) -> _Shared | None:
        if project is None:
            return None
        wanted = {"project": project.project_id, "label": label}
        found: _Shared | None = self.session.scalar(_own(kind), wanted) or self.session.scalar(_guest(kind), wanted)
        return found if found is not None and self.may_read_item(found) else None

    def _in(self, project: Project | None, kind: type[_Shared], identifier: str) -> _Shared | None:
        """By accession ID; with a project, only if that has the object."""
        found: _Shared | None = self.session.scalar(_by_accession_id(kind), {"id": identifier})
        if found is None or not self.may_read_item(found):
            return None
        return found if project is None or self.has(project, found) else None

    # Below an image session

    def scan(self, experiment: Experiment, identifier: str) -> Scan | None:
        """By ID alone."""
        return self._image(Scan, experiment, identifier)

    def reconstruction(self, experiment: Experiment, identifier: str) -> Reconstruction | None:
        """By ID alone."""
        return self._image(Reconstruction, experiment, identifier)

    def _image(self, kind: type[_Image], experiment: Experiment, identifier: str) -> _Image | None:
        query = select(kind).where(kind.experiment_id == experiment.experiment_id, kind.id == identifier)
        return self.session.scalar(query)

    def scans(self, experiment: Experiment, selector: str = "ALL") -> Sequence[Scan]:
        """By selector: `ALL` or `*`, else IDs **or types**, separated by commas; `NULL` is a scan without a type."""
        return self._selected(Scan, experiment, selector)

    def reconstructions(self, experiment: Experiment, selector: str = "ALL") -> Sequence[Reconstruction]:
        """As `scans`."""
        return self._selected(Reconstruction, experiment, selector)

    def _selected(self, kind: type[_Image], experiment: Experiment, selector: str) -> Sequence[_Image]:
        found: Sequence[_Image] = self.session.scalars(_of_session(kind), {"session": experiment.experiment_id}).all()
        if selector in {"ALL", "*"}:
            return found
        wanted = {part.replace("[COMMA]", ",") for part in selector.replace("[SLASH]", "/").split(",")}
        return [
            one
            for one in found
            if one.id in wanted or one.fields.get("type") in wanted or ("NULL" in wanted and not one.fields.get("type"))
        ]

    def assessors(self, session: Experiment) -> Sequence[Experiment]:
        """The image assessors of a session that the user may read."""
        query = select(Experiment).where(Experiment.session_id == session.experiment_id)
        found = self.session.scalars(query.order_by(Experiment.experiment_id))
        return [assessor for assessor in found if self.may_read_item(assessor)]

    # Resources

    def resources(self, owners: Sequence[Owner], direction: str | None = "out") -> list[Resource]:
        """All resources of these owners, oldest first; those in both directions, if `direction` is None.

        Only assessors and reconstructions have any that go `in`.
        """
        if not owners:
            return []
        if len(owners) == 1:
            key = OWNER_KEYS[type(owners[0])]
            found = self.session.scalars(_resources(key), {"owner": getattr(owners[0], key)})
        else:
            numbers: dict[str, list[int]] = {}
            for owner in owners:
                numbers.setdefault(key := OWNER_KEYS[type(owner)], []).append(getattr(owner, key))
            of_these = [getattr(Resource, key).in_(wanted) for key, wanted in numbers.items()]
            found = self.session.scalars(select(Resource).where(or_(*of_these)).order_by(Resource.resource_id))
        return [one for one in found if direction in {None, one.direction}]

    def numbered(self, identifier: str) -> Resource | None:
        """The resource with this number, wherever it is. 404 for a number of none, or of one that may not be read.

        Reference: XNATCatalogTemplate, whose 403 is lost: Restlet makes 404 of what fails before a request is handled.
        """
        number = number_of(identifier)
        if number is None:
            return None
        found = self.session.get(Resource, number)
        if found is None or not self.may_read(project_of(found.owner)):
            raise StatusError(404)
        return found

    def resource(self, owners: Sequence[Owner], identifier: str, direction: str | None = "out") -> Resource | None:
        """By label or number below these owners. 404 as in `numbered`."""
        self.numbered(identifier)
        for found in self.resources(owners, direction):
            if identifier in {found.label, str(found.resource_id)}:
                return found
        return None


def number_of(text: str) -> int | None:
    """A number that an object can have: what is larger than Java's int is taken for a name."""
    number = int(text) if re.fullmatch(r"[0-9]{1,10}", text) else None
    return number if number is not None and number < 2**31 else None


def project_of(owner: Owner) -> Project:
    return owner if isinstance(owner, Project) else owner.project
