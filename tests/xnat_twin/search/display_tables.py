"""Values that searches take from other tables: counts, people, shares. One query for a column, none per row.

display_fields.py says which field is looked up by which function here; each gives values by the number of the object.
Reference: the `SQLView` and `SubQuery` of XNAT's display documents
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from xnat_twin.lists.query import entries_of
from xnat_twin.lists.tables import text
from xnat_twin.lookup.finder import Finder
from xnat_twin.storage.store import (
    OWNER_KEYS,
    SHARES,
    Base,
    Experiment,
    ExperimentShare,
    Favorite,
    Membership,
    Project,
    Scan,
    Subject,
    SubjectShare,
    User,
    Workflow,
    now,
)

Value = object
Values = Mapping[int, Value]


@dataclass(frozen=True)
class Asked:
    """Whose values are asked for: of the objects in one table; `value` is what the field was asked with."""

    finder: Finder
    entity: type[Base]
    value: str = ""

    @property
    def shared(self) -> type[Subject | Experiment]:
        return Subject if self.entity is Subject else Experiment

    @property
    def share(self) -> type[SubjectShare | ExperimentShare]:
        return SHARES[self.shared]

    @property
    def key(self) -> str:
        return OWNER_KEYS[self.shared]


def _together(pairs: Iterable[tuple[int, str]], around: str) -> dict[int, str]:
    """All texts of one object in a row, without any of the characters of `around` before and after them."""
    found: dict[int, str] = defaultdict(str)
    for number, part in pairs:
        found[number] += part
    return {number: joined.strip(around) for number, joined in found.items()}


# Projects


def _investigators(asked: Asked) -> Values:
    found = {}
    for number, fields in asked.finder.session.execute(select(Project.project_id, Project.fields)):
        first = _name({path.removeprefix("PI/"): value for path, value in fields.items() if path.startswith("PI/")})
        others = [_name(entry) for entry in entries_of(fields, "investigators/investigator")]
        found[number] = (first or "") + "".join(f" <br/> {name}" for name in others if name)
    return found


def _name(person: Mapping[str, Value]) -> str | None:
    if "lastname" not in person or "firstname" not in person:
        return None
    return f"{person['lastname']}, {person['firstname']}"


def _accessibility(asked: Asked) -> Values:
    query = select(Project.project_id, Project.accessibility)
    return dict(asked.finder.session.execute(query).all())


def _accessibility_image(asked: Asked) -> Values:
    images = {"public": "globe", "protected": "key", "private": "key"}
    return {number: f"/@WEBAPPimages/{images[str(name)]}.gif" for number, name in _accessibility(asked).items()}


def _people(group: str | None) -> Callable[[Asked], Values]:
    """Logins, parted by the tag of a line's end, as web pages show them; those of one group, or of all."""

    def found(asked: Asked) -> Values:
        query = select(Membership.project_id, User.login).join(User, User.user_id == Membership.user_id)
        if group is not None:
            query = query.where(Membership.group == group)
        return _logins(asked.finder.session.execute(query.order_by(User.login)))

    return found


def _logins(rows: Iterable[tuple[int, str]]) -> Values:
    return _together(((number, f" {login} <br/>") for number, login in rows), "<br/>")


def _favorites(asked: Asked) -> Values:
    query = select(Favorite.project_id, User.login).join(User, User.user_id == Favorite.user_id)
    return _logins(asked.finder.session.execute(query.order_by(User.login)))


def _role(asked: Asked) -> Values:
    """The group of the user with this number."""
    query = select(Membership.project_id, Membership.group).where(Membership.user_id == _number(asked.value))
    return dict(asked.finder.session.execute(query).all())


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else -1


def _last_workflow(asked: Asked) -> Values:
    return _latest(asked, None)


def _last_accessed(asked: Asked) -> Values:
    """When the user with this number last changed something in the project: XNAT has notes of visits to its pages."""
    return _latest(asked, asked.value)


def _latest(asked: Asked, user: str | None) -> Values:
    query = select(Project.project_id, func.max(Workflow.when)).join(Workflow, Workflow.project == Project.id)
    if user is not None:
        query = query.join(User, User.login == Workflow.user).where(User.user_id == _number(user))
    rows = asked.finder.session.execute(query.group_by(Project.project_id))
    return {number: text(when) for number, when in rows}


def _recent_users(asked: Asked) -> Values:
    """Who did so in the last month."""
    query = (
        select(Project.project_id, Workflow.user)
        .join(Workflow, Workflow.project == Project.id)
        .where(Workflow.when > now() - dt.timedelta(days=30))
    )
    return _logins(asked.finder.session.execute(query.distinct().order_by(Workflow.user)))


def _column(name: str) -> Callable[[Asked], Values]:
    def found(asked: Asked) -> Values:
        return dict(asked.finder.session.execute(select(Project.project_id, getattr(Project, name))).all())

    return found


def _sessions(data_type: str) -> Callable[[Asked], Values]:
    """How many of a type the project has, with those that are shared with it under a label; nothing for none."""

    def found(asked: Asked) -> Values:
        session = asked.finder.session
        own = select(Experiment.project_id).where(Experiment.xsi_type == data_type)
        guests = (
            select(ExperimentShare.project_id)
            .join(Experiment, Experiment.experiment_id == ExperimentShare.experiment_id)
            .where(Experiment.xsi_type == data_type, ExperimentShare.label.is_not(None))
        )
        return Counter([*session.scalars(own), *session.scalars(guests)])

    return found


# Subjects and experiments


def _projects(asked: Asked) -> Values:
    """The own project and those that it is shared with, each in angle brackets; a subject's begin with a comma."""
    entity, share, key = asked.shared, asked.share, asked.key
    number = getattr(entity, key)
    own = select(number, Project.id).join(Project, Project.project_id == entity.project_id)
    guests = select(getattr(share, key), Project.id).join(Project, Project.project_id == share.project_id)
    session = asked.finder.session
    rows = [*session.execute(own), *session.execute(guests.order_by(Project.id))]
    return _together(((one, f",<{project}>") for one, project in rows), "" if entity is Subject else ",")


def _label_in_project(asked: Asked) -> Values:
    """The label in the project that is asked for: the own one or that of a share, or the ID if the share has none."""
    entity, share, key = asked.shared, asked.share, asked.key
    number = getattr(entity, key)
    of_project = Project.id == asked.value
    own = select(number, entity.label).join(Project, Project.project_id == entity.project_id).where(of_project)
    guests = (
        select(number, func.coalesce(share.label, entity.id))
        .join(share, getattr(share, key) == number)
        .join(Project, Project.project_id == share.project_id)
        .where(of_project)
    )
    session = asked.finder.session
    return dict([*session.execute(own), *session.execute(guests)])


def _labels(asked: Asked) -> Values:
    """All labels of a subject that is shared."""
    query = select(Subject.subject_id, Subject.label, SubjectShare.label).join(
        SubjectShare, SubjectShare.subject_id == Subject.subject_id
    )
    rows = asked.finder.session.execute(query.order_by(SubjectShare.label)).all()
    own = {number: label for number, label, _ in rows}
    others = _together(((number, f"{label}, ") for number, _, label in rows if label), ", ")
    return {number: f"{own[number]}, {shared}" for number, shared in others.items()}


def _custom_variable(asked: Asked) -> Values:
    entity, key = asked.shared, asked.key
    path = f"fields/field[name={asked.value}]/field"
    value = entity.fields[path].as_string()
    query = select(getattr(entity, key), value).where(value.is_not(None))
    return dict(asked.finder.session.execute(query).all())


def _assessors(asked: Asked) -> Values:
    """How many experiments of a type a subject has."""
    return _count_by_subject(asked, asked.value)


def _mr_sessions(asked: Asked) -> Values:
    return _count_by_subject(asked, "xnat:mrSessionData")


def _count_by_subject(asked: Asked, data_type: str) -> Values:
    query = select(Experiment.subject_id, func.count()).where(Experiment.xsi_type == data_type)
    return dict(asked.finder.session.execute(query.group_by(Experiment.subject_id)).all())


# Scans of sessions


def _scan_types(asked: Asked) -> Values:
    """Each type of scan and how often it is there."""
    rows = sorted(_count_scans(asked, "type"), key=lambda row: (row[0], row[1] or ""))
    return _together(((number, f"{kind}({count}), ") for number, kind, _, count in rows if kind), ", ")


def _scans(first: str, second: str = "", wanted: str = "", *, inside: bool = False) -> Callable[[Asked], Values]:
    """How many scans have a text (`wanted`, else the one that is asked for) as one of two fields, or inside of it."""

    def found(asked: Asked) -> Values:
        searched = wanted or asked.value
        counts: dict[int, int] = Counter()
        for number, *values, count in _count_scans(asked, first, second or first):
            if any(value is not None and (searched in value if inside else searched == value) for value in values):
                counts[number] += count
        return counts

    return found


def _count_scans(asked: Asked, first: str, second: str = "") -> Sequence[tuple[int, str | None, str | None, int]]:
    """(session, both fields, how many scans have them)."""
    one, two = (Scan.fields[name].as_string() for name in (first, second or first))
    each = select(Scan.experiment_id, one.label("one"), two.label("two")).subquery()
    query = select(each.c.experiment_id, each.c.one, each.c.two, func.count()).group_by(*each.c)
    return asked.finder.session.execute(query).all()


LOOKED_UP: Mapping[str, Callable[[Asked], Values]] = {
    "project_invs": _investigators,
    "project_access": _accessibility,
    "project_access_img": _accessibility_image,
    "project_users": _people(None),
    "project_owners": _people("Owners"),
    "project_members": _people("Members"),
    "project_collabs": _people("Collaborators"),
    "project_last_workflow": _last_workflow,
    "project_last_access": _recent_users,
    "project_fav": _favorites,
    "user_role": _role,
    "last_accessed": _last_accessed,
    "proj_mr_count": _sessions("xnat:mrSessionData"),
    "proj_ct_count": _sessions("xnat:ctSessionData"),
    "proj_pet_count": _sessions("xnat:petSessionData"),
    "proj_ut_count": _sessions("xnat:utSessionData"),
    "proj_quarantine": _column("quarantine_code"),
    "proj_prearchive_code": _column("prearchive_code"),
    "mr_count": _mr_sessions,
    "projects": _projects,
    "label_in_project": _label_in_project,
    "count_of_type": _assessors,
    "custom_variable": _custom_variable,
    "add_ids": _labels,
    "scan_counts": _scan_types,
    "dti_count": _scans("series_description", "type", "DTI", inside=True),
    "scans_of_type": _scans("type"),
    "scans_of_series": _scans("series_description"),
    "scans_like_type": _scans("type", inside=True),
    "scans_like_series": _scans("series_description", inside=True),
}
