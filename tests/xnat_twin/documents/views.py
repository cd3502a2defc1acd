"""Objects of the database as items, with what is below them. What the user may not read is left out.

Each kind of thing is read at once for all that a document holds, never object by object.
Reference: XFTItem.getChildItems, PermissionsServiceImpl.secureItem
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import or_, select

from xnat_twin.datatypes import schema
from xnat_twin.documents.items import Document, build
from xnat_twin.lookup.finder import Finder
from xnat_twin.storage.archive import catalog_id
from xnat_twin.storage.former import former
from xnat_twin.storage.removal import subject_assessors
from xnat_twin.storage.store import (
    OWNER_KEYS,
    Experiment,
    ExperimentShare,
    Owner,
    Project,
    Reconstruction,
    Resource,
    Scan,
    Subject,
    SubjectShare,
)


def project_document(finder: Finder, project: Project) -> Document:
    document = build(finder.types, schema.PROJECT, {"ID": project.id, **project.fields}, project.last_modified)
    _Below(finder, resources=[project]).add_resources(document, project)
    return _with_past(finder, document, project)


def subject_document(finder: Finder, subject: Subject) -> Document:
    """A subject with its experiments, in full."""
    fields = {"ID": subject.id, "project": subject.project.id, "label": subject.label, **subject.fields}
    document = build(finder.types, schema.SUBJECT, fields, subject.last_modified)
    readable = [one for one in subject_assessors(finder.session, subject) if finder.may_read_item(one)]
    below = _Below(finder, readable, resources=[subject])
    shares = select(Project.id, SubjectShare.label).join(SubjectShare, SubjectShare.project_id == Project.project_id)
    for row in finder.session.execute(shares.where(SubjectShare.subject_id == subject.subject_id)):
        share = {"project": row.id, "label": row.label, "subject_ID": subject.id}
        _add(document, "sharing/share", [Document("xnat:projectParticipant", _given(share), document.when)])
    below.add_resources(document, subject)
    _add(document, "experiments/experiment", map(below.experiment, readable))
    return _with_past(finder, document, subject)


def experiment_document(finder: Finder, experiment: Experiment) -> Document:
    """A session with its scans, reconstructions and assessors, or another experiment."""
    return _with_past(finder, _Below(finder, [experiment]).experiment(experiment), experiment)


def scan_document(finder: Finder, scan: Scan) -> Document:
    return _with_past(finder, _Below(finder, resources=[scan]).scan(scan), scan)


def reconstruction_document(finder: Finder, reconstruction: Reconstruction) -> Document:
    document = _Below(finder, resources=[reconstruction]).reconstruction(reconstruction)
    return _with_past(finder, document, reconstruction)


def _with_past(finder: Finder, document: Document, item: Owner) -> Document:
    """The document of an object, which knows what the object was before if it is asked."""

    def past() -> list[Document]:
        found = []
        for one in former(finder.session, item):
            fields = {"ID": item.id} | one.fields
            found.append(replace(build(finder.types, document.xsi_type, fields, one.start), ended=one.end))
        return found

    document.former = past
    return document


class _Below:
    """What is below some experiments, and the resources of some other objects."""

    def __init__(self, finder: Finder, experiments: Sequence[Experiment] = (), resources: Sequence[Owner] = ()) -> None:
        self._finder = finder
        session, numbers = finder.session, [one.experiment_id for one in experiments]
        self._assessors, self._scans = defaultdict[int, list[Experiment]](list), defaultdict[int, list[Scan]](list)
        self._reconstructions = defaultdict[int, list[Reconstruction]](list)
        self._resources = defaultdict[Owner, list[Resource]](list)
        self._shares = defaultdict[int, list[tuple[str, str | None]]](list)
        if numbers:
            below = select(Experiment).where(Experiment.session_id.in_(numbers)).order_by(Experiment.experiment_id)
            for assessor in session.scalars(below):
                if assessor.session_id is not None and finder.may_read_item(assessor):
                    self._assessors[assessor.session_id].append(assessor)
                    numbers.append(assessor.experiment_id)
            for scan in session.scalars(select(Scan).where(Scan.experiment_id.in_(numbers)).order_by(Scan.scan_id)):
                self._scans[scan.experiment_id].append(scan)
            images = select(Reconstruction).where(Reconstruction.experiment_id.in_(numbers))
            for image in session.scalars(images.order_by(Reconstruction.reconstruction_id)):
                self._reconstructions[image.experiment_id].append(image)
            shares = select(ExperimentShare.experiment_id, Project.id, ExperimentShare.label).join(
                Project, Project.project_id == ExperimentShare.project_id
            )
            for share in session.execute(shares.where(ExperimentShare.experiment_id.in_(numbers))):
                self._shares[share.experiment_id].append((share.id, share.label))
        owners = defaultdict[type[Owner], list[int]](list, {Experiment: numbers})
        for groups in (self._scans.values(), self._reconstructions.values(), [resources]):
            for owner in (one for group in groups for one in group):
                owners[type(owner)].append(getattr(owner, OWNER_KEYS[type(owner)]))
        columns = [getattr(Resource, OWNER_KEYS[kind]).in_(found) for kind, found in owners.items() if found]
        if columns:
            for resource in session.scalars(select(Resource).where(or_(*columns)).order_by(Resource.resource_id)):
                self._resources[resource.owner].append(resource)

    def experiment(self, experiment: Experiment) -> Document:
        fields = {"ID": experiment.id, "project": experiment.project.id, "label": experiment.label}
        if experiment.session is not None:
            fields["imageSession_ID"] = experiment.session.id
        else:
            fields["subject_ID"] = experiment.subject.id
        types = self._finder.types
        document = build(types, experiment.xsi_type, fields | experiment.fields, experiment.last_modified)
        for project, label in self._shares[experiment.experiment_id]:
            share = _given({"project": project, "label": label})
            _add(document, "sharing/share", [Document("xnat:experimentData_share", share, document.when)])
        self.add_resources(document, experiment)
        _add(document, "scans/scan", map(self.scan, self._scans[experiment.experiment_id]))
        images = self._reconstructions[experiment.experiment_id]
        _add(document, "reconstructions/reconstructedImage", map(self.reconstruction, images))
        _add(document, "assessors/assessor", map(self.experiment, self._assessors[experiment.experiment_id]))
        return document

    def scan(self, scan: Scan) -> Document:
        fields = {"ID": scan.id, "image_session_ID": scan.experiment.id, "project": scan.project.id, **scan.fields}
        document = build(self._finder.types, scan.xsi_type, fields, scan.last_modified)
        document.hidden["xnat_imageScanData_id"] = scan.scan_id
        self.add_resources(document, scan)
        return document

    def reconstruction(self, image: Reconstruction) -> Document:
        fields = {"ID": image.id, "image_session_ID": image.experiment.id, **image.fields}
        document = build(self._finder.types, image.xsi_type, fields, image.last_modified)
        document.hidden["xnat_reconstructedImageData_id"] = image.reconstruction_id
        self.add_resources(document, image)
        return document

    def add_resources(self, document: Document, owner: Owner) -> None:
        for resource in self._resources[owner]:
            _add(document, resources_path(owner, resource.direction), [self._resource(resource, document.when)])

    def _resource(self, resource: Resource, when: dt.datetime) -> Document:
        fields: dict[str, str | int | None] = {
            "label": resource.label,
            "file_count": resource.file_count,
            "file_size": resource.file_size,
            "format": resource.format,
            "description": resource.description,
            "content": resource.content,
        }
        catalog = self._finder.archive.resource_folder(resource) / f"{catalog_id(resource)}_catalog.xml"
        document = Document(schema.RESOURCE_CATALOG, _given(fields | {"URI": str(catalog)}), when)
        for tag in filter(None, resource.tags.split(",")):
            name, equals, value = tag.partition("=")
            data = {"name": name, "tag": value} if equals else {"tag": name}
            _add(document, "tags/tag", [Document("xnat:abstractResource_tag", {**data}, when)])
        document.hidden["xnat_abstractResource_id"] = resource.resource_id
        return document


def resources_path(owner: Owner, direction: str) -> str:
    """Where documents have the resources of an object."""
    if isinstance(owner, Scan):
        return "file"
    if isinstance(owner, Reconstruction) or (isinstance(owner, Experiment) and owner.session is not None):
        return f"{direction}/file"
    return "resources/resource"


def _given(fields: dict[str, str | int | None]) -> dict[str, str | int | float | bool]:
    return {name: value for name, value in fields.items() if value not in {None, ""}}


def _add(document: Document, path: str, children: Iterable[Document]) -> None:
    for child in children:
        document.children.setdefault(path, []).append(child)
