"""Where the bytes of a project are: the folder layout of an XNAT archive, and safe paths inside a resource.

`<archive>/<PROJECT>/<ARC>/<SESSION>/SCANS/<SCAN>/<RESOURCE>/…`, `…/<SESSION>/RESOURCES/<RESOURCE>/…`,
`<PROJECT>/subjects/<SUBJECT>/<RESOURCE>/…`, `<PROJECT>/resources/<RESOURCE>/…`.

What an assessor or a reconstruction has lies where whoever made the resource put it. A file upload that finds no
resource makes one in `…/<SESSION>/ASSESSORS/<ASSESSOR'S ID>/<in|out>/<RESOURCE>` and
`…/<SESSION>/PROCESSED/<RECONSTRUCTION>/<RESOURCE>` (DirectAssessResourceImpl, DirectReconResourceImpl). Creating the
resource by itself puts it in `…/<SESSION>/ASSESSORS/<ASSESSOR'S LABEL>/<RESOURCE>` and
`…/<SESSION>/ASSESSORS/PROCESSED/<RECONSTRUCTION>/<RESOURCE>` (DefaultCatalogService, since 1.7).
"""

from __future__ import annotations

from pathlib import Path

from xnat_twin.errors import StatusError
from xnat_twin.storage.catalog import UNWRITABLE, Catalog
from xnat_twin.storage.disk import Disk
from xnat_twin.storage.store import Experiment, Owner, Project, Reconstruction, Resource, Scan, Subject


class Archive:
    """The archive folder of one site."""

    def __init__(self, root: Path, quota: int | None = None) -> None:
        self.root = root
        self.disk = Disk(root, quota)

    def folder(self, owner: Owner) -> Path:
        """The folder that an object is known by; for most kinds it holds all that belongs to the object."""
        match owner:
            case Project():
                return self.root / owner.id
            case Subject():
                return self.root / owner.project.id / "subjects" / owner.label
            case Experiment() if owner.session is not None:
                return self.folder(owner.session) / "ASSESSORS" / owner.label
            case Experiment():
                return self.root / owner.project.id / owner.arc / owner.label
            case Reconstruction():
                return self.folder(owner.experiment) / "PROCESSED" / owner.id
            case Scan():
                return self.folder(owner.experiment) / "SCANS" / owner.id

    def resource_folder(self, resource: Resource) -> Path:
        name = resource.label or str(resource.resource_id)
        owner = resource.owner
        match owner:
            case Project():
                return self.folder(owner) / "resources" / name
            case Reconstruction() if resource.by_service:
                return self.folder(owner.experiment) / "ASSESSORS" / "PROCESSED" / owner.id / name
            case Experiment() if owner.session is not None and not resource.by_service:
                return self.folder(owner.session) / "ASSESSORS" / owner.id / resource.direction / name
            case Experiment() if owner.session is None:
                return self.folder(owner) / "RESOURCES" / name
            case _:
                return self.folder(owner) / name

    def catalog(self, resource: Resource) -> Catalog:
        """The resource's catalog as it is on disk now."""
        name = catalog_id(resource)
        return Catalog.read(self.resource_folder(resource) / f"{name}_catalog.xml", name)

    def rename(self, before: Path, after: Path) -> None:
        """Move the folder of an object that gets another label or project. 409 if something is in the way."""
        if not before.exists():
            return
        if after.exists() and any(after.iterdir()):
            raise StatusError(409, "File system destination contains pre-existing files")
        if after.exists():
            after.rmdir()
        after.parent.mkdir(parents=True, exist_ok=True)
        before.rename(after)


def catalog_id(resource: Resource) -> str:
    """The ID of a resource's catalog and the start of its file's name.

    It is the resource's label, except that the catalog service gives all catalogs of a scan or reconstruction its ID.
    """
    owner = resource.owner
    if resource.by_service and isinstance(owner, Scan | Reconstruction):
        return owner.id
    return resource.label or str(resource.resource_id)


def path_inside(folder: Path, name: str) -> Path:
    """The file called `name` below `folder`. 400 for a name that leads out of it or that no catalog can have."""
    parts = name.split("/")
    if not name or name.startswith("/") or UNWRITABLE.search(name) or any(part in {"..", "."} for part in parts):
        raise StatusError(400, f"Invalid file path: {name}")
    return folder.joinpath(*[part for part in parts if part])
