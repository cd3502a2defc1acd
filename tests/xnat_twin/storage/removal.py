"""Deletes objects with everything below them, and takes shared ones out of a project; in the database only.

Each function that deletes returns the folders that then hold nothing anybody knows of; removing them is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from xnat_twin.storage.archive import Archive
from xnat_twin.storage.store import (
    OWNER_KEYS,
    SHARES,
    Experiment,
    Owner,
    Project,
    Reconstruction,
    Resource,
    Scan,
    Subject,
    SubjectShare,
)


def keeps_its_project(session: Session, project: Project) -> bool:
    """Whether another project uses a subject of this one, or has an experiment of one; it cannot be deleted then."""
    own = select(Subject.subject_id).where(Subject.project_id == project.project_id)
    shared = select(SubjectShare.subject_id).where(SubjectShare.subject_id.in_(own))
    foreign = select(Experiment.subject_id).where(
        Experiment.subject_id.in_(own), Experiment.project_id != project.project_id
    )
    return any(session.scalar(query.limit(1)) is not None for query in (shared, foreign))


def delete_project(session: Session, archive: Archive, project: Project) -> list[Path]:
    """With all that is its own; what others share with it stays theirs."""
    for subject in session.scalars(select(Subject).where(Subject.project_id == project.project_id)).all():
        delete_subject(session, archive, subject)
    folder = archive.folder(project)
    _delete(session, project)
    return [folder]


def delete_subject(session: Session, archive: Archive, subject: Subject) -> list[Path]:
    folders = [archive.folder(subject)]
    for experiment in subject_assessors(session, subject):
        folders += delete_experiment(session, archive, experiment)
    _delete(session, subject)
    return folders


def delete_experiment(session: Session, archive: Archive, experiment: Experiment) -> list[Path]:
    """A session with its scans, reconstructions and assessors; an assessor, whose inputs stay on the disk, as in XNAT.

    Reference: BaseXnatImagesessiondata.delete, BaseXnatImageassessordata.deleteFiles
    """
    number = experiment.experiment_id
    if experiment.session is not None:
        outputs = select(Resource).where(Resource.experiment_id == number, Resource.direction == "out")
        folders = [archive.resource_folder(resource) for resource in session.scalars(outputs)]
    else:
        folders = [archive.folder(experiment)]
    for scan in session.scalars(select(Scan).where(Scan.experiment_id == number)).all():
        _delete(session, scan)
    for image in session.scalars(select(Reconstruction).where(Reconstruction.experiment_id == number)).all():
        _delete(session, image)
    for assessor in session.scalars(select(Experiment).where(Experiment.session_id == number)).all():
        delete_experiment(session, archive, assessor)
    _delete(session, experiment)
    return folders


def delete_image(session: Session, archive: Archive, image: Scan | Reconstruction) -> list[Path]:
    """One scan or reconstruction."""
    if isinstance(image, Scan):
        folders = [archive.folder(image)]
    else:  # inputs stay on the disk, as in XNAT
        query = select(Resource).where(
            Resource.reconstruction_id == image.reconstruction_id, Resource.direction == "out"
        )
        folders = [archive.resource_folder(resource) for resource in session.scalars(query)]
    _delete(session, image)
    return folders


def unshare(session: Session, item: Subject | Experiment, project: Project) -> None:
    """Take a shared object, and what is below it, out of a project. Nothing, if the project does not have it."""
    if isinstance(item, Subject):
        below = subject_assessors(session, item)
    else:
        below = session.scalars(select(Experiment).where(Experiment.session_id == item.experiment_id)).all()
    for experiment in below:
        unshare(session, experiment, project)
    share, key = SHARES[type(item)], OWNER_KEYS[type(item)]
    number = getattr(item, key)
    session.execute(delete(share).where(getattr(share, key) == number, share.project_id == project.project_id))


def subject_assessors(session: Session, subject: Subject) -> Sequence[Experiment]:
    """The sessions and other experiments of a subject, without image assessors, in the order of their making."""
    query = select(Experiment).where(Experiment.subject_id == subject.subject_id, Experiment.session_id.is_(None))
    return session.scalars(query.order_by(Experiment.experiment_id)).all()


def _delete(session: Session, owner: Owner) -> None:
    key = OWNER_KEYS[type(owner)]
    session.execute(delete(Resource).where(getattr(Resource, key) == getattr(owner, key)))
    session.delete(owner)
    session.flush()
