"""The lists of objects: who may see them, what is in them, and what each does in its own way.

listing.py has what they share. Reference: the class that each function names
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, and_, or_, select

from xnat_twin.access.permissions import Access, everywhere
from xnat_twin.datatypes import schema
from xnat_twin.datatypes.shortcuts import ASSESSORS, EXPERIMENTS, PROJECTS, RECONSTRUCTIONS, SCANS, SUBJECTS
from xnat_twin.errors import StatusError
from xnat_twin.lists.listing import Kind, ListError, Listing, fields_table, listing
from xnat_twin.lists.tables import Row, Table
from xnat_twin.lookup.finder import Finder
from xnat_twin.params import Params
from xnat_twin.storage.store import (
    OWNER_KEYS,
    SHARES,
    Experiment,
    ExperimentShare,
    Project,
    Reconstruction,
    Scan,
    Subject,
    SubjectShare,
)

_PROJECTS = Kind(
    PROJECTS,
    schema.PROJECT,
    ("ID", "secondary_ID", "name", "description", "pi_firstname", "pi_lastname"),
    paged=False,
)
_SUBJECTS = Kind(SUBJECTS, schema.SUBJECT, ("ID", "project", "label", "insert_date", "insert_user"))
_EXPERIMENT_COLUMNS = ("ID", "project", "date", "xsiType", "label", "insert_date")
_SESSION_COLUMNS = {schema.IMAGE_ASSESSOR: ("session_ID", "session_label")}
_EXPERIMENTS = Kind(
    EXPERIMENTS,
    schema.EXPERIMENT,
    _EXPERIMENT_COLUMNS,
    {schema.SUBJECT_ASSESSOR: ("subject_ID", "subject_label")} | _SESSION_COLUMNS,
    shows_type=True,
)
_PROJECT_EXPERIMENTS = Kind(EXPERIMENTS, schema.SUBJECT_ASSESSOR, _EXPERIMENT_COLUMNS, shows_type=True)
_ASSESSORS = Kind(
    ASSESSORS,
    schema.IMAGE_ASSESSOR,
    ("ID", "project", "label", "date", "xsiType", "insert_date"),
    _SESSION_COLUMNS,
    filtered=False,
    paged=False,
)
_SCANS = Kind(
    SCANS,
    schema.IMAGE_SCAN,
    ("xnat_imagescandata_id", "ID", "type", "quality", "xsiType", "note", "series_description"),
    key="xnat_imagescandata_id",
    filtered=False,
    paged=False,
)
_RECONSTRUCTIONS = Kind(
    RECONSTRUCTIONS,
    schema.RECONSTRUCTED_IMAGE,
    ("xnat_reconstructedimagedata_id", "ID", "type", "baseScanType"),
    key="xnat_reconstructedimagedata_id",
    filtered=False,
    paged=False,
)


def projects(finder: Finder, params: Params) -> Table:
    """All projects that the user may see; pages are ignored, and filters are as well for all but administrators.

    `restrict=edit` or `delete` leaves out those that he may not change. Reference: ProjectListResource
    """
    if "fields" in params:
        return fields_table(_PROJECTS)
    level = Access.DELETE if params.get("restrict") in {"edit", "delete"} else Access.PROJECT
    kind = _PROJECTS if everywhere(finder.user) >= Access.DELETE else replace(_PROJECTS, filtered=False)
    return _table(finder, params, kind, [finder.allowed(level)], "/data/projects/")


def subjects(finder: Finder, params: Params, project: Project | None) -> Table:
    """Of a project, with those that are shared with it, by the labels that they have there; or of the whole site.

    Whoever may read no project at all gets 500 from the site's list.
    Reference: ProjectSubjectList, SubjectListResource
    """
    if "fields" in params:
        return fields_table(_SUBJECTS)
    if project is None:
        if finder.session.scalar(select(Project.project_id).where(finder.allowed(Access.READ)).limit(1)) is None:
            raise StatusError(500)
        return _table(finder, params, _SUBJECTS, readable(finder, Subject), "/data/subjects/")
    finder.require(project, Access.READ, f"Unable to read subjects for Project: {project.id}")
    found = _listing(finder, params, _SUBJECTS, _in_project(Subject, project))
    table = _or_500(found, "/data/subjects/")
    if (label := found.named("label")) and found.named("ID"):
        query = select(SubjectShare.subject_id, SubjectShare.label).where(SubjectShare.project_id == project.project_id)
        shared = {row.subject_id: row.label for row in finder.session.execute(query)}
        table.rows = [
            {**row, label: shared.get(number) or row[label]}
            for (number, _), row in zip(found.rows, table.rows, strict=True)
        ]
    return table


def experiments(finder: Finder, params: Params) -> Table:
    """Of the whole site, image assessors included. Reference: ExperimentListResource"""
    if "fields" in params:
        return fields_table(_EXPERIMENTS)
    title = "Matching experiments"
    found = _listing(finder, params, _EXPERIMENTS, readable(finder, Experiment))
    return _or_500(found, "/data/experiments/", title) if found.rows else found.raw_table(title)


def project_experiments(finder: Finder, params: Params, project: Project, subject: Subject | None) -> Table | None:
    """Subject assessors of a project, of one subject if there is one, with those that are shared with the project.

    None for what XNAT cannot make a table of, which is answered with 200. Reference: ProjSubExptList
    """
    if "fields" in params:
        return fields_table(_PROJECT_EXPERIMENTS)
    finder.require(project, Access.READ, f"Unable to read experiments for Project: {project.id}")
    where = _in_project(Experiment, project)
    if subject is not None:
        where.append(Experiment.subject_id == subject.subject_id)
    return _experiments(finder, params, _PROJECT_EXPERIMENTS, where, project)


def assessors(finder: Finder, params: Params, session: Experiment, project: Project | None) -> Table | None:
    """Image assessors of a session; filters and pages are ignored. Reference: ProjSubExptAsstList"""
    if "fields" in params:
        return fields_table(_ASSESSORS)
    where = [Experiment.session_id == session.experiment_id]
    return _experiments(finder, params, _ASSESSORS, where, project or session.project)


def scans(finder: Finder, params: Params, session: Experiment) -> Table:
    """Scans of a session; filters and pages are ignored, and without the column `ID` it fails. Reference: ScanList"""
    if "fields" in params:
        return fields_table(_SCANS)
    where = [Scan.experiment_id == session.experiment_id]
    return _table(finder, params, _SCANS, where, f"/data/experiments/{session.id}/scans/")


def reconstructions(finder: Finder, params: Params, session: Experiment) -> Table:
    """As `scans`. Reference: ReconList"""
    if "fields" in params:
        return fields_table(_RECONSTRUCTIONS)
    where = [Reconstruction.experiment_id == session.experiment_id]
    return _table(finder, params, _RECONSTRUCTIONS, where, f"/data/experiments/{session.id}/reconstructions/")


def _experiments(
    finder: Finder, params: Params, kind: Kind, where: list[ColumnElement[bool]], project: Project
) -> Table | None:
    """Shared ones have the label that they, and their subject, have in the project, and its ID.

    That is so where the ID of the listed type has a column under its own name: not for `xnat:imageSessionData`, whose
    column is `session_ID`.
    """
    try:
        found = listing(finder, params, kind, where)
        if not found.rows:
            return found.raw_table()
        table = found.table("/data/experiments/")
    except ListError:
        return None
    if found.named(f"{found.root}/ID") is None or found.named("label") is None:
        return table
    replaced = ("label",) if kind is _ASSESSORS else ("label", "subject_label", "project")
    shared = _shared(finder, project)
    rows: list[Row] = []
    for (number, _), row in zip(found.rows, table.rows, strict=True):
        seen = zip(replaced, shared.get(number, ()), strict=False)
        rows.append({**row, **{name: value for name, value in seen if value and name in row}})
    table.rows = rows
    return table


def _shared(finder: Finder, project: Project) -> dict[int, tuple[str | None, ...]]:
    """What shared experiments have in the project, by number: their label, that of their subject, the project's ID."""
    of_subject = and_(SubjectShare.subject_id == Experiment.subject_id, SubjectShare.project_id == project.project_id)
    query = (
        select(ExperimentShare.experiment_id, ExperimentShare.label, SubjectShare.label)
        .join(Experiment, Experiment.experiment_id == ExperimentShare.experiment_id)
        .outerjoin(SubjectShare, of_subject)
        .where(ExperimentShare.project_id == project.project_id)
    )
    return {number: (*labels, project.id) for number, *labels in finder.session.execute(query)}


def _in_project(kind: type[Subject | Experiment], project: Project) -> list[ColumnElement[bool]]:
    """Those that belong to the project, and those that are shared with it."""
    share, key = SHARES[kind], OWNER_KEYS[kind]
    guests = select(getattr(share, key)).where(share.project_id == project.project_id)
    return [or_(kind.project_id == project.project_id, getattr(kind, key).in_(guests))]


def readable(finder: Finder, kind: type[Subject | Experiment]) -> list[ColumnElement[bool]]:
    """Those that one of the user's projects has."""
    if everywhere(finder.user) >= Access.READ:
        return []
    share, key = SHARES[kind], OWNER_KEYS[kind]
    mine = select(Project.project_id).where(finder.allowed(Access.READ))
    guests = select(getattr(share, key)).where(share.project_id.in_(mine))
    return [or_(kind.project_id.in_(mine), getattr(kind, key).in_(guests))]


def _listing(finder: Finder, params: Params, kind: Kind, where: Sequence[ColumnElement[bool]]) -> Listing:
    try:
        return listing(finder, params, kind, where)
    except ListError as error:
        raise StatusError(500) from error


def _or_500(found: Listing, address: str, title: str = "") -> Table:
    try:
        return found.table(address, title)
    except ListError as error:
        raise StatusError(500) from error


def _table(finder: Finder, params: Params, kind: Kind, where: Sequence[ColumnElement[bool]], address: str) -> Table:
    return _or_500(_listing(finder, params, kind, where), address)
