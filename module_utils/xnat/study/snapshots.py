"""Preview images of NIFTI scans, where XNAT's pages look for them. XNAT itself makes them for DICOM alone.

Decides which are missing and which belong to a former image; pictures.py draws. Sends and removes nothing.

XNAT shows the file of the scan's resource SNAPSHOTS whose content is ORIGINAL, and in tables the one whose content is
THUMBNAIL; it states that both are GIF, whatever they are (SnapshotProvider, SnapshotGenerationApi), so they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .. import local
from ..address import Address
from ..plan import Labels, Listing, LocalFile, StoredFile
from . import pictures
from .metadata import largest_image, scans
from .study import SNAPSHOTS, PlannedFile, Remark, Study

# Beginning of the name -> the content by which XNAT finds the picture.
_CONTENTS = {"montage": "ORIGINAL", "thumbnail": "THUMBNAIL"}
# What it is, of which image, and which picture: first digits of the MD5 of both.
_OURS = re.compile(rf"({'|'.join(_CONTENTS)})-([0-9a-f]{{12}})-([0-9a-f]{{8}})\.gif")


def add(
    study: Study, listings: Mapping[Address, Listing], scratch: Path, md5: Callable[[LocalFile], str]
) -> tuple[Study, list[tuple[Address, str]]]:
    """Return the study with the pictures that are missing, and the (resource, name) of those to be removed.

    The name of a picture tells its image and what the picture itself must be, so that one which is there and whole need
    not be drawn again. Pictures of former images are to be removed, and so are damaged ones. Pictures that are not ours
    (XNAT's own, or the study's) are left as they are, and stand for the scan.
    """
    planned = list(study.files)
    remarks = list(study.remarks)
    to_remove: list[tuple[Address, str]] = []
    for scan, files in scans(study).items():
        image = largest_image([file for file in files if file.resource.resource != SNAPSHOTS])
        if image is None or any(file.resource.resource == SNAPSHOTS for file in files):
            continue
        resource = replace(scan, resource=SNAPSHOTS)
        stored = listings.get(resource, Listing()).files
        mark = md5(image.local)[:12]
        whole = {file.name: _kind(file, mark) for file in stored if _kind(file, mark)}
        of_others = {file.content for file in stored if not _OURS.fullmatch(file.name)}
        missing = [kind for kind in _CONTENTS if kind not in whole.values() and _CONTENTS[kind] not in of_others]
        pictures_here: list[PlannedFile] = []
        try:
            pictures_here = _drawn(resource, image.local, scratch / "snapshots" / mark, missing, mark)
        except pictures.NotDrawableError as error:
            remarks.append(Remark(image.local.origin, f"There is no preview image, because it {error}."))
        planned += pictures_here
        kept = {*whole, *(file.local.name for file in pictures_here)}
        to_remove += [(resource, file.name) for file in stored if _OURS.fullmatch(file.name) and file.name not in kept]
    return replace(study, files=planned, remarks=remarks), to_remove


def _kind(stored: StoredFile, mark: str) -> str | None:
    """Which of our pictures of that image a stored file is; None if it is none, or not as it was drawn."""
    match = _OURS.fullmatch(stored.name)
    if match is None or match[2] != mark or stored.size == 0:
        return None
    return match[1] if stored.digest is None or stored.digest.startswith(match[3]) else None


def _drawn(resource: Address, image: LocalFile, folder: Path, kinds: Sequence[str], mark: str) -> list[PlannedFile]:
    """Draw these pictures, and return them as files of the resource. Raises NotDrawableError."""
    paths = {kind: folder / f"{kind}.gif" for kind in kinds}
    # Another scan may have the same image; its pictures are not to be touched any more.
    to_draw = {kind: path for kind, path in paths.items() if not path.exists()}
    if to_draw:
        pictures.draw(image, *(to_draw.get(kind) for kind in _CONTENTS))
    return [_planned(resource, path, f"{kind}-{mark}", _CONTENTS[kind], image) for kind, path in paths.items()]


def _planned(resource: Address, path: Path, begin: str, content: str, image: LocalFile) -> PlannedFile:
    status = path.stat()
    picture = LocalFile(path.name, str(path), status.st_size, status.st_mtime_ns, made_from=image.origin)
    named = replace(picture, name=f"{begin}-{local.md5(picture)[:8]}.gif", place=picture.path)
    return PlannedFile(resource, named, Labels(format="GIF", content=content))
