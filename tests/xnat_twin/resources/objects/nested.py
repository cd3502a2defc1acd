"""Stores what a document has below its root: scans, reconstructions, assessors, experiments, resources, shares.

What a document does not name stays, unless it is to be the whole truth. Files are never touched: a resource that a
document names has none until a refresh of its catalog finds them, and those of what it leaves out stay on the disk.
Nested objects must name themselves, and shares are not asked for rights. Reference: DBAction.StoreMultipleRefs,
BaseXnatExperimentdata.preSave, FileUtils.ValidateUriAgainstRoot, PermissionsServiceImpl.canStoreItem
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy import delete

from xnat_twin.access.permissions import Access
from xnat_twin.datatypes import schema
from xnat_twin.documents.items import Submission
from xnat_twin.documents.views import resources_path
from xnat_twin.errors import StatusError
from xnat_twin.lookup.finder import Finder
from xnat_twin.resources.objects.saving import check_label, flush_new, merged_fields
from xnat_twin.storage import removal
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
    now,
)


def save_nested(finder: Finder, owner: Owner, document: Submission | None, *, whole: bool) -> None:
    """Store all that is below the root of a document about `owner`; `whole` removes what it does not have."""
    if document is not None:
        _Nested(finder, whole).below(owner, document)


@dataclass(frozen=True)
class _Nested:
    finder: Finder
    whole: bool

    def below(self, owner: Owner, document: Submission) -> None:
        for direction in ("out",) if resources_path(owner, "in") == resources_path(owner, "out") else ("in", "out"):
            self._resources(owner, document.nested.get(resources_path(owner, direction), []), direction)
        if isinstance(owner, Subject | Experiment):
            self._shares(owner, document.nested.get("sharing/share", []))
        if isinstance(owner, Subject):
            experiments = document.nested.get("experiments/experiment", [])
            self._experiments(experiments, removal.subject_assessors(self.finder.session, owner), owner, None)
        if isinstance(owner, Experiment) and self.finder.is_a(owner, schema.IMAGE_SESSION):
            self._images(Scan, owner, document.nested.get("scans/scan", []))
            self._images(Reconstruction, owner, document.nested.get("reconstructions/reconstructedImage", []))
            assessors = document.nested.get("assessors/assessor", [])
            self._experiments(assessors, self.finder.assessors(owner), owner.subject, owner)

    def _images(self, kind: type[Scan | Reconstruction], session: Experiment, documents: list[Submission]) -> None:
        """Scans or reconstructions. An existing one keeps its type, unless that is only "a scan"."""
        finder = self.finder
        selected = finder.scans if kind is Scan else finder.reconstructions
        existing: dict[str, Scan | Reconstruction] = {image.id: image for image in selected(session)}
        for document in documents:
            identifier = self._required(document, "ID")
            image = existing.pop(identifier, None)
            stored = image.fields if image is not None and not self.whole else {}
            known = image is not None and not finder.types.resolve(image.xsi_type).abstract
            xsi_type = image.xsi_type if image is not None and known else document.xsi_type
            fields = merged_fields(finder.types, stored, document.changes, xsi_type)
            if image is None:
                check_label(identifier)
                image = kind(id=identifier, experiment=session, insert_user=finder.user.login)
                finder.session.add(image)
            image.xsi_type, image.fields, image.last_modified = xsi_type, fields, now()
            finder.session.flush()
            self.below(image, document)
        for image in existing.values() if self.whole else ():
            removal.delete_image(finder.session, finder.archive, image)

    def _experiments(
        self, documents: list[Submission], below: Sequence[Experiment], subject: Subject, session: Experiment | None
    ) -> None:
        """Experiments of a subject or assessors of a session, by ID; one from elsewhere is moved here."""
        finder, left = self.finder, {experiment.id: experiment for experiment in below}
        for document in documents:
            identifier = self._required(document, "ID")
            found = finder.experiment_by_id(identifier)
            left.pop(identifier, None)
            project = self._project(document, found or session or subject)
            finder.require(project, Access.EDIT)
            stored = found.fields if found is not None and not self.whole else {}
            xsi_type = found.xsi_type if found is not None else document.xsi_type
            fields = merged_fields(finder.types, stored, document.changes, xsi_type)
            if found is None:
                label = document.value("label")
                check_label(identifier)
                if label is not None or session is None:
                    check_label(label)
                found = Experiment(
                    id=identifier,
                    label=label,
                    xsi_type=xsi_type,
                    project=project,
                    arc=project.current_arc,
                    insert_user=finder.user.login,
                )
                finder.session.add(found)
            found.subject, found.session, found.fields, found.last_modified = subject, session, fields, now()
            flush_new(finder, "Conflict: Duplicate experiment label")
            self.below(found, document)
        for experiment in left.values() if self.whole else ():
            removal.delete_experiment(finder.session, finder.archive, experiment)

    def _project(self, document: Submission, default: Subject | Experiment) -> Project:
        name = document.value("project")
        found = self.finder.project(name) if name else default.project
        if found is None:
            raise StatusError(500)  # XNAT's database misses it
        return found

    def _resources(self, owner: Owner, documents: list[Submission], direction: str) -> None:
        """Catalogs by label; their URIs must be inside of the owner's folder, or relative to it."""
        finder = self.finder
        existing = [one for one in finder.resources([owner], None) if one.direction == direction]
        for document in documents:
            fields = merged_fields(finder.types, {}, document.changes, document.xsi_type)
            uri, label = str(fields.get("URI") or ""), document.value("label")
            if finder.types.instance_of(document.xsi_type, "xnat:resource"):
                self._required(document, "URI")
                self._check_uri(owner, uri)
            resource = next((one for one in existing if one.label == label), None)
            if resource is None:
                resource = Resource(label=label, direction=direction, **{OWNER_KEYS[type(owner)]: _number(owner)})
                finder.session.add(resource)
            else:
                existing.remove(resource)
            for name in ("format", "content", "description", "file_count", "file_size"):
                if name in fields:
                    setattr(resource, name, fields[name])
            if tags := ",".join(_tags(fields)):
                resource.tags = tags
        for resource in existing if self.whole else ():
            finder.session.delete(resource)
        finder.session.flush()

    def _check_uri(self, owner: Owner, uri: str) -> None:
        """400 for data outside of the session, subject or project."""
        while isinstance(owner, Scan | Reconstruction) or (isinstance(owner, Experiment) and owner.session is not None):
            owner = owner.experiment if isinstance(owner, Scan | Reconstruction) else owner.session or owner
        folder = PurePosixPath(self.finder.archive.folder(owner).as_posix())
        if uri.startswith("/") and folder not in PurePosixPath(uri).parents:
            raise StatusError(400)

    def _shares(self, item: Subject | Experiment, documents: list[Submission]) -> None:
        kind, key = SHARES[type(item)], OWNER_KEYS[type(item)]
        named = []
        for document in documents:
            project = self.finder.project(document.value("project") or "")
            if project is None:
                raise StatusError(500)  # XNAT's database misses it
            named.append(project.project_id)
            share = self.finder.share(item, project)
            if share is None:
                share = kind(project_id=project.project_id, **{key: _number(item)})
                self.finder.session.add(share)
            share.label = document.value("label") or share.label
        flush_new(self.finder, "Label already in use")
        if self.whole:
            gone = delete(kind).where(getattr(kind, key) == _number(item), kind.project_id.not_in(named))
            self.finder.session.execute(gone)

    def _required(self, document: Submission, name: str) -> str:
        """An attribute without which XNAT does not take a nested object: 400."""
        value = document.value(name)
        if not value:
            raise StatusError(400, f"{document.xsi_type}/{name} : Required Field")
        return value


def _number(owner: Owner) -> int:
    number: int = getattr(owner, OWNER_KEYS[type(owner)])
    return number


def _tags(fields: Mapping[str, object]) -> Iterable[str]:
    """`a`, or `name=value`."""
    for path, value in fields.items():
        if path.startswith("tags/tag[") and path.endswith("]/tag"):
            name = fields.get(f"{path.removesuffix('/tag')}/name")
            yield f"{name}={value}" if name else str(value)
