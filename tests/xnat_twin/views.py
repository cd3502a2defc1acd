"""Database rows as documents: one object with what is below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from . import items, schema
from .fields import FieldValue
from .lookup import Finder
from .store import OWNER_KEYS, Experiment, Owner, Project, Reconstruction, Resource, Scan, Subject

#: The resources of several objects, by the kind and number of the object.
_Resources = Mapping[tuple[type[Owner], int], Sequence[Resource]]


def project_document(finder: Finder, project: Project) -> items.Document:
    document = items.build(finder.types, schema.PROJECT, {"ID": project.id, **project.fields}, project.insert_date)
    _add_resources(document, "resources/resource", project, _resources(finder, [project]))
    return document


def subject_document(finder: Finder, subject: Subject) -> items.Document:
    fields = {"ID": subject.id, "project": subject.project.id, "label": subject.label, **subject.fields}
    document = items.build(finder.types, schema.SUBJECT, fields, subject.insert_date)
    below = select(Experiment).where(Experiment.subject_id == subject.subject_id, Experiment.session_id.is_(None))
    found = finder.session.scalars(below.order_by(Experiment.experiment_id))
    _add(document, "experiments/experiment", [experiment_fields(finder, one) for one in found])
    _add_resources(document, "resources/resource", subject, _resources(finder, [subject]))
    return document


def experiment_fields(finder: Finder, experiment: Experiment) -> items.Document:
    """The experiment alone, without what is below it."""
    if experiment.session is not None:
        parent = {"imageSession_ID": experiment.session.id}
    else:
        parent = {"subject_ID": experiment.subject.id}
    fields = {"ID": experiment.id, "project": experiment.project.id, "label": experiment.label} | parent
    return items.build(finder.types, experiment.xsi_type, {**fields, **experiment.fields}, experiment.insert_date)


def experiment_document(finder: Finder, experiment: Experiment) -> items.Document:
    """With scans, reconstructions and assessors, if it is a session, and all their resources."""
    scans, images = finder.scans(experiment), finder.reconstructions(experiment)
    assessors = finder.assessors(experiment)
    resources = _resources(finder, [experiment, *scans, *images, *assessors])
    document = _with_files(experiment_fields(finder, experiment), experiment, resources)
    _add(document, "scans/scan", [_scan(finder, scan, resources) for scan in scans])
    _add(document, "reconstructions/reconstructedImage", [_image(finder, image, resources) for image in images])
    assessed = [_with_files(experiment_fields(finder, one), one, resources) for one in assessors]
    _add(document, "assessors/assessor", assessed)
    return document


def scan_document(finder: Finder, scan: Scan) -> items.Document:
    return _scan(finder, scan, _resources(finder, [scan]))


def reconstruction_document(finder: Finder, image: Reconstruction) -> items.Document:
    return _image(finder, image, _resources(finder, [image]))


def _scan(finder: Finder, scan: Scan, resources: _Resources) -> items.Document:
    fields = {
        "ID": scan.id,
        "image_session_ID": scan.experiment.id,
        "xnat_imagescandata_id": scan.scan_id,
        **scan.fields,
    }
    document = items.build(finder.types, scan.xsi_type, fields, scan.insert_date)
    _add_resources(document, "file", scan, resources)
    return document


def _image(finder: Finder, image: Reconstruction, resources: _Resources) -> items.Document:
    fields = {
        "ID": image.id,
        "image_session_ID": image.experiment.id,
        "xnat_reconstructedimagedata_id": image.reconstruction_id,
        **image.fields,
    }
    return _with_files(items.build(finder.types, image.xsi_type, fields, image.insert_date), image, resources)


def _with_files(document: items.Document, owner: Experiment | Reconstruction, resources: _Resources) -> items.Document:
    """Assessors and reconstructions have their resources as files that go in and out."""
    if isinstance(owner, Experiment) and owner.session_id is None:
        _add_resources(document, "resources/resource", owner, resources)
    else:
        for direction in ("in", "out"):
            _add_resources(document, f"{direction}/file", owner, resources, direction)
    return document


def _add(document: items.Document, path: str, children: list[items.Document]) -> None:
    if children:
        document.children[path] = children


def _add_resources(
    document: items.Document, path: str, owner: Owner, resources: _Resources, direction: str = "out"
) -> None:
    own = resources.get((type(owner), getattr(owner, OWNER_KEYS[type(owner)])), ())
    children = [
        items.Document("xnat:resourceCatalog", resource_fields(one), document.when)
        for one in own
        if one.direction == direction
    ]
    _add(document, path, children)


def _resources(finder: Finder, owners: Sequence[Owner]) -> _Resources:
    """All resources of these objects, found in one query."""
    found: dict[tuple[type[Owner], int], list[Resource]] = {}
    for resource in finder.resources(owners, None):
        kind, key = next((k, key) for k, key in OWNER_KEYS.items() if getattr(resource, key) is not None)
        found.setdefault((kind, getattr(resource, key)), []).append(resource)
    return found


def resource_fields(resource: Resource) -> dict[str, FieldValue]:
    fields: dict[str, FieldValue] = {
        "xnat_abstractresource_id": resource.resource_id,
        "file_count": resource.file_count,
        "file_size": resource.file_size,
    }
    named = {"label": resource.label, "format": resource.format, "content": resource.content}
    return fields | {name: value for name, value in named.items() if value}
