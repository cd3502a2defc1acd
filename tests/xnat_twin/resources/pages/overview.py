"""What the pages show: projects with their counts, the subjects and sessions of a project, files in numbers.

One query for each kind of thing on a page, none for a row. Permissions are those of access/permissions.py; the
pages check them before they ask here for anything below a project.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from xnat_twin.access.permissions import Access, everywhere
from xnat_twin.storage.store import (
    Experiment,
    ExperimentShare,
    Membership,
    Project,
    Reconstruction,
    Resource,
    Scan,
    Subject,
    SubjectShare,
    User,
)

_Chain = tuple[InstrumentedAttribute[Any], ...]
#: The ways from a resource to the experiment that it is part of, and to the project.
_TO_EXPERIMENT: tuple[_Chain, ...] = (
    (Resource.experiment,),
    (Resource.scan, Scan.experiment),
    (Resource.reconstruction, Reconstruction.experiment),
)


@dataclass(frozen=True)
class Files:
    """How many files, and how many bytes in all."""

    count: int = 0
    bytes: int = 0

    def __add__(self, other: Files) -> Files:
        return Files(self.count + other.count, self.bytes + other.bytes)


@dataclass(frozen=True)
class ProjectLine:
    """A project in the list of all."""

    project: Project
    subjects: int
    experiments: int
    files: Files


@dataclass(frozen=True)
class ExperimentLine:
    """An experiment in the list of a project or subject, under its label there."""

    experiment: Experiment
    label: str
    scans: int
    files: Files


def readable_projects(session: Session, user: User) -> Sequence[Project]:
    """Every project whose data the user may read, by ID."""
    query = select(Project).order_by(Project.key)
    if everywhere(user) < Access.READ:
        mine = select(Membership.project_id).where(Membership.user_id == user.user_id)
        query = query.where(or_(Project.accessibility == "public", Project.project_id.in_(mine)))
    return session.scalars(query).all()


def project_lines(session: Session, user: User) -> list[ProjectLine]:
    """The readable projects with counts; what is shared with a project counts there as well."""
    subjects = _counts(session, Subject.project_id, SubjectShare.project_id)
    experiments = _counts(session, Experiment.project_id, ExperimentShare.project_id)
    files = _files(session, Experiment.project_id, _TO_EXPERIMENT)
    for key, chain in ((Subject.project_id, (Resource.subject,)), (Project.project_id, (Resource.project,))):
        for number, found in _files(session, key, (chain,)).items():
            files[number] = files.get(number, Files()) + found
    return [
        ProjectLine(one, subjects.get(number, 0), experiments.get(number, 0), files.get(number, Files()))
        for one in readable_projects(session, user)
        for number in [one.project_id]
    ]


def _counts(session: Session, *keys: InstrumentedAttribute[int]) -> Mapping[int, int]:
    found: dict[int, int] = defaultdict(int)
    for key in keys:
        for number, count in session.execute(select(key, func.count()).group_by(key)):
            found[number] += count
    return found


def _files(
    session: Session,
    key: InstrumentedAttribute[int],
    chains: Sequence[_Chain],
    condition: ColumnElement[bool] | None = None,
) -> dict[int, Files]:
    """The files of all resources at the other end of `chains`, added up for each value of `key`."""
    found: dict[int, Files] = defaultdict(Files)
    for chain in chains:
        query = select(key, func.sum(Resource.file_count), func.sum(Resource.file_size)).select_from(Resource)
        for step in chain:
            query = query.join(step)
        if condition is not None:
            query = query.where(condition)
        for number, count, size in session.execute(query.group_by(key)):
            found[number] += Files(count, int(size))
    return found


def count_subjects(session: Session, project: Project) -> int:
    return session.scalar(select(func.count()).select_from(_subjects(project).subquery())) or 0


def subjects_of(session: Session, project: Project, offset: int, limit: int) -> list[tuple[Subject, str]]:
    """A part of the subjects of a project, its own and those shared with it, with their labels there."""
    query = _subjects(project).order_by("label_here").offset(offset).limit(limit)
    return [(subject, label) for subject, label in session.execute(query)]


def _subjects(project: Project) -> Any:
    here = and_(SubjectShare.subject_id == Subject.subject_id, SubjectShare.project_id == project.project_id)
    return (
        select(Subject, func.coalesce(SubjectShare.label, Subject.label).label("label_here"))
        .outerjoin(SubjectShare, here)
        .where(or_(Subject.project_id == project.project_id, SubjectShare.project_id.is_not(None)))
    )


def experiments_of(session: Session, project: Project, subjects: Sequence[Subject]) -> list[ExperimentLine]:
    """The experiments of these subjects that the project has or shares, without image assessors."""
    chosen = Experiment.subject_id.in_([subject.subject_id for subject in subjects])
    return _experiments(session, project, and_(chosen, Experiment.session_id.is_(None)))


def assessors_of(session: Session, project: Project, experiment: Experiment) -> list[ExperimentLine]:
    """The image assessors of a session that the project has or shares."""
    return _experiments(session, project, Experiment.session_id == experiment.experiment_id)


def experiments_without_subject(session: Session, project: Project) -> list[ExperimentLine]:
    """Experiments that a project has or shares while their subjects are elsewhere, without image assessors."""
    subjects = _subjects(project).with_only_columns(Subject.subject_id)
    chosen = and_(Experiment.session_id.is_(None), Experiment.subject_id.not_in(subjects))
    return _experiments(session, project, chosen)


def _experiments(session: Session, project: Project, chosen: ColumnElement[bool]) -> list[ExperimentLine]:
    """Those of the chosen experiments that the project has or shares, by label."""
    here = and_(
        ExperimentShare.experiment_id == Experiment.experiment_id, ExperimentShare.project_id == project.project_id
    )
    query = (
        select(Experiment, func.coalesce(ExperimentShare.label, Experiment.label).label("label_here"))
        .outerjoin(ExperimentShare, here)
        .where(chosen, or_(Experiment.project_id == project.project_id, ExperimentShare.project_id.is_not(None)))
        .order_by("label_here")
    )
    per_experiment = select(Scan.experiment_id, func.count()).join(Scan.experiment).group_by(Scan.experiment_id)
    scans = {row[0]: row[1] for row in session.execute(per_experiment.where(chosen))}
    files = _files(session, Experiment.experiment_id, _TO_EXPERIMENT, chosen)
    return [
        ExperimentLine(one, label, scans.get(one.experiment_id, 0), files.get(one.experiment_id, Files()))
        for one, label in session.execute(query)
    ]


def parts_of(session: Session, experiment: Experiment) -> tuple[Sequence[Scan], Sequence[Reconstruction]]:
    """The scans and the reconstructions of a session, in the order of their making."""
    number = experiment.experiment_id
    scans = select(Scan).where(Scan.experiment_id == number).order_by(Scan.scan_id)
    reconstructions = (
        select(Reconstruction).where(Reconstruction.experiment_id == number).order_by(Reconstruction.reconstruction_id)
    )
    return session.scalars(scans).all(), session.scalars(reconstructions).all()
