"""Database rows as documents: one object with what is below it."""

from __future__ import annotations

from sqlalchemy import select

from . import items, schema
from .lookup import Finder
from .store import Experiment, Project, Resource, Scan, Subject


def project_document(finder: Finder, project: Project) -> items.Document:
    return items.build(finder.types, schema.PROJECT, {"ID": project.id, **project.fields}, project.insert_date)


def subject_document(finder: Finder, subject: Subject) -> items.Document:
    fields = {"ID": subject.id, "project": subject.project.id, "label": subject.label, **subject.fields}
    document = items.build(finder.types, schema.SUBJECT, fields, subject.insert_date)
    query = select(Experiment).where(Experiment.subject_id == subject.subject_id).order_by(Experiment.experiment_id)
    if experiments := [experiment_fields(finder, experiment) for experiment in finder.session.scalars(query)]:
        document.children["experiments/experiment"] = experiments
    _add_resources(finder, document, "resources/resource", subject)
    return document


def experiment_fields(finder: Finder, experiment: Experiment) -> items.Document:
    """The experiment alone, without what is below it."""
    fields = {
        "ID": experiment.id,
        "project": experiment.project.id,
        "label": experiment.label,
        "subject_ID": experiment.subject.id,
        **experiment.fields,
    }
    return items.build(finder.types, experiment.xsi_type, fields, experiment.insert_date)


def experiment_document(finder: Finder, experiment: Experiment) -> items.Document:
    document = experiment_fields(finder, experiment)
    if scans := [scan_document(finder, scan) for scan in finder.scans(experiment, "ALL")]:
        document.children["scans/scan"] = scans
    _add_resources(finder, document, "resources/resource", experiment)
    return document


def scan_document(finder: Finder, scan: Scan) -> items.Document:
    fields = {
        "ID": scan.id,
        "image_session_ID": scan.experiment.id,
        "xnat_imagescandata_id": scan.scan_id,
        **scan.fields,
    }
    document = items.build(finder.types, scan.xsi_type, fields, scan.insert_date)
    _add_resources(finder, document, "file", scan)
    return document


def _add_resources(finder: Finder, document: items.Document, path: str, owner: Subject | Experiment | Scan) -> None:
    if resources := finder.resources([owner]):
        document.children[path] = [
            items.Document("xnat:resourceCatalog", resource_fields(resource), document.when) for resource in resources
        ]


def resource_fields(resource: Resource) -> dict[str, str | int | float | bool]:
    fields: dict[str, str | int | float | bool] = {
        "xnat_abstractresource_id": resource.resource_id,
        "file_count": resource.file_count,
        "file_size": resource.file_size,
    }
    named = {"label": resource.label, "format": resource.format, "content": resource.content}
    return fields | {name: value for name, value in named.items() if value}
