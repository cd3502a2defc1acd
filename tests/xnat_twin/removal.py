"""Deletes objects with everything below them, in the database only; their files are the archive's business."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from .store import OWNER_KEYS, Experiment, Membership, Owner, Project, Resource, Scan, Subject, SubjectShare


def is_shared_out(session: Session, project: Project) -> bool:
    """Whether another project uses a subject of this one; it cannot be deleted then."""
    query = (
        select(SubjectShare)
        .join(Subject, Subject.subject_id == SubjectShare.subject_id)
        .where(Subject.project_id == project.project_id)
    )
    return session.scalar(query.limit(1)) is not None


def delete_project(session: Session, project: Project) -> None:
    for subject in session.scalars(select(Subject).where(Subject.project_id == project.project_id)).all():
        delete_subject(session, subject)
    for membership in session.scalars(select(Membership).where(Membership.project_id == project.project_id)).all():
        session.delete(membership)
    _delete(session, project)


def delete_subject(session: Session, subject: Subject) -> None:
    for experiment in experiments_of(session, subject):
        delete_experiment(session, experiment)
    _delete(session, subject)


def experiments_of(session: Session, subject: Subject) -> Sequence[Experiment]:
    return session.scalars(select(Experiment).where(Experiment.subject_id == subject.subject_id)).all()


def delete_experiment(session: Session, experiment: Experiment) -> None:
    for scan in session.scalars(select(Scan).where(Scan.experiment_id == experiment.experiment_id)).all():
        delete_scan(session, scan)
    _delete(session, experiment)


def delete_scan(session: Session, scan: Scan) -> None:
    _delete(session, scan)


def _delete(session: Session, owner: Owner) -> None:
    key = OWNER_KEYS[type(owner)]
    for resource in session.scalars(select(Resource).where(getattr(Resource, key) == getattr(owner, key))).all():
        session.delete(resource)
    session.flush()
    session.delete(owner)
    session.flush()
