"""Where the bytes of a project are: the folder layout of an XNAT archive, and safe paths inside a resource.

`<archive>/<PROJECT>/arc001/<SESSION>/SCANS/<SCAN>/<RESOURCE>/…`, `…/<SESSION>/RESOURCES/<RESOURCE>/…`,
`…/<SESSION>/ASSESSORS/<ASSESSOR>/<in|out>/<RESOURCE>/…`,
`…/<SESSION>/PROCESSED/<RECONSTRUCTION>/<in|out>/<RESOURCE>/…`,
`<PROJECT>/subjects/<SUBJECT>/<RESOURCE>/…`, `<PROJECT>/resources/<RESOURCE>/…`.
"""

from __future__ import annotations

from pathlib import Path

from .catalog import Catalog
from .disk import Disk
from .errors import StatusError
from .store import Experiment, Owner, Project, Reconstruction, Resource, Scan, Subject


class Archive:
    """The archive folder of one site."""

    def __init__(self, root: Path, quota: int | None = None) -> None:
        self.root = root
        self.disk = Disk(root, quota)

    def folder(self, owner: Owner) -> Path:
        """The folder that holds everything of a project, subject, experiment or scan."""
        match owner:
            case Project():
                return self.root / owner.id
            case Subject():
                return self.root / owner.project.id / "subjects" / owner.label
            case Experiment() if owner.session is not None:
                return self.folder(owner.session) / "ASSESSORS" / owner.label
            case Experiment():
                return self.root / owner.project.id / "arc001" / owner.label
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
            case Reconstruction():
                return self.folder(owner) / resource.direction / name
            case Experiment() if owner.session is not None:
                return self.folder(owner) / resource.direction / name
            case Experiment():
                return self.folder(owner) / "RESOURCES" / name
            case _:
                return self.folder(owner) / name

    def catalog(self, resource: Resource) -> Catalog:
        """The resource's catalog as it is on disk now."""
        name = resource.label or str(resource.resource_id)
        return Catalog.read(self.resource_folder(resource) / f"{name}_catalog.xml", name)

    def rename(self, before: Path, after: Path) -> None:
        """Move the folder of an object that gets another label. 409 if something is in the way."""
        if not before.exists():
            return
        if after.exists() and any(after.iterdir()):
            raise StatusError(409, "Destination directory is not empty.")
        if after.exists():
            after.rmdir()
        after.parent.mkdir(parents=True, exist_ok=True)
        before.rename(after)


def path_inside(folder: Path, name: str) -> Path:
    """The file called `name` below `folder`. 400 for a name that leads out of it or that no file can have."""
    parts = name.split("/")
    if not name or name.startswith("/") or "\0" in name or any(part in {"..", "."} for part in parts):
        raise StatusError(400, f"Invalid file path: {name}")
    return folder.joinpath(*[part for part in parts if part])
