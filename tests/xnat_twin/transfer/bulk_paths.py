"""Where a file is inside a downloaded archive: `structure=` default, simplified, improved and legacy.

Paths are made by replacing text in URIs, which also hits the names of files; so does XNAT. Reference: RestFileUtils,
FileList.buildZipRepresentation, getImprovedPath and getSessionMaps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xnat_twin.storage.store import Experiment, Owner, Project, Reconstruction, Resource, Scan, Subject


@dataclass(frozen=True)
class Layout:
    """How the paths of one archive are made.

    `folders` are names for IDs (`session_mapping`): an archive begins with the folder of its session, subject or
    project. `types` adds its type to the ID of each scan or reconstruction that the request names. `tar` and
    `everything` (`all=true`) only matter to the structure `improved`.
    """

    structure: str
    folders: Mapping[str, str]
    types: Mapping[str, str] = field(default_factory=dict)
    tar: bool = False
    everything: bool = False

    def path(self, uri: str, file: Path, resource: Resource) -> str:
        """The path of a file whose URI in a list is `uri`."""
        if self.structure == "improved":
            return _improved_folder(resource, tar=self.tar, everything=self.everything) + uri.rpartition("/files/")[2]
        path = self._below_folder(str(file) if self.structure == "legacy" else uri)
        if resource.label:
            path = path.replace(f"/{resource.resource_id}/files/", f"/{resource.label}/files/")
        if self.structure in {"legacy", "simplified"}:
            return path.replace("/resources", "").replace("/files", "") if self.structure == "simplified" else path
        for identifier, with_type in self.types.items():
            path = path.replace(f"/{identifier}/", f"/{with_type}/")
        return path

    def _below_folder(self, path: str) -> str:
        """`path` from the ID of its session, subject or project on, with names for IDs; by name if no ID is in it."""
        start, folder = -1, ""
        for folder in self.folders:
            start = _position(path, folder)
            if start >= 0:
                break
        if start < 0:
            for folder in self.folders.values():
                start = path.find(f"/{folder}/") + 1 or -1
                if start >= 0:
                    break
        path = path[start:] if start >= 0 else folder + path
        for identifier, name in self.folders.items():
            path = path.replace(identifier, name)
        return path


def folders_of(owners: Sequence[Owner], *, with_project: bool, with_subject: bool) -> dict[str, str]:
    """The folder of each session, assessor, subject or project.

    For scans and reconstructions more can be put above it: `projectIncludedInPath` and `subjectIncludedInPath`.
    """
    folders = {}
    for owner in owners:
        if isinstance(owner, Scan | Reconstruction):
            session = owner.experiment
            above = [session.project.id] * with_project + [session.subject.label] * with_subject
            folders[session.id] = "/".join([*above, session.label])
        else:
            folders[owner.id] = owner.label
    return folders


def types_of(owners: Sequence[Owner]) -> dict[str, str]:
    """`ID-TYPE` by ID, for scans and reconstructions that have a type."""
    types = {one.id: str(one.fields.get("type", "")) for one in owners if isinstance(one, Scan | Reconstruction)}
    return {
        identifier: f"{identifier}-{re.sub('[^A-Za-z0-9_]', '_', name)}" for identifier, name in types.items() if name
    }


def _position(path: str, identifier: str) -> int:
    """Where the part of the path starts that is, begins with, or else ends with the identifier; -1 if none."""
    for wanted in (f"/{identifier}/", f"/{identifier}"):
        if (found := path.find(wanted)) >= 0:
            return found + 1
    found = path.find(f"{identifier}/")
    return path.rfind("/", 0, found) + 1 if found >= 0 else -1


def _improved_folder(resource: Resource, *, tar: bool, everything: bool) -> str:
    """`scans/ID_TYPE/LABEL/`; for a session's own resources `resources/ID_ /LABEL/`, with `all=true` without the ID."""
    identifier = description = ""
    match resource.owner:
        case Scan() | Reconstruction() as owner:
            category = "scans" if isinstance(owner, Scan) else "reconstructions"
            identifier, description = owner.id, str(owner.fields.get("type", ""))
        case Experiment(session_id=None) as experiment:
            category = "resources"
            if not everything:
                identifier, description = experiment.id, " "
        case Experiment() as assessor:
            category, identifier, description = "assessors", assessor.id, assessor.xsi_type
        case Project() | Subject():
            category = "resources"
    if identifier:
        typed = "_" + re.sub(r'[/\\:*?"<>|]', "_", description) if description and not tar else ""
        identifier += f"{typed}/"
    return f"{category}/{identifier}{resource.label or resource.resource_id}/"
