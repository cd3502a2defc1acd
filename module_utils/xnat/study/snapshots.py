"""Preview images of NIFTI scans, where XNAT's pages look for them. XNAT itself makes them for DICOM alone.

Decides which are missing and which belong to a former image; pictures.py draws. Sends and removes nothing.

XNAT shows the file of the scan's resource SNAPSHOTS whose content is ORIGINAL, and in tables the one whose content is
THUMBNAIL; it states that both are GIF, whatever they are (SnapshotProvider, SnapshotGenerationApi), so they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ..address import Address
from ..plan import Labels, Listing, LocalFile
from . import pictures
from .metadata import largest_image, scans
from .study import PlannedFile, Remark, Study

RESOURCE = "SNAPSHOTS"
# Beginning of the name -> the content by which XNAT finds the picture.
_CONTENTS = {"montage": "ORIGINAL", "thumbnail": "THUMBNAIL"}
_OURS = re.compile(rf"({'|'.join(_CONTENTS)})-[0-9a-f]{{12}}\.gif")


def add(
    study: Study, listings: Mapping[Address, Listing], scratch: Path, md5: Callable[[LocalFile], str]
) -> tuple[Study, list[tuple[Address, str]]]:
    """Return the study with the pictures that are missing, and the (resource, name) of those of former images.

    The name of a picture carries the MD5 of its image, so that one which is there under that name need not be drawn
    again. Pictures that are not ours (XNAT's own, or the study's) are left as they are, and stand for the scan.
    """
    planned = list(study.files)
    remarks = list(study.remarks)
    stale: list[tuple[Address, str]] = []
    for scan, files in scans(study).items():
        image = largest_image([file for file in files if file.resource.resource != RESOURCE])
        if image is None or any(file.resource.resource == RESOURCE for file in files):
            continue
        resource = replace(scan, resource=RESOURCE)
        stored = listings.get(resource, Listing()).files
        mark = md5(image.local)[:12]
        wanted = {f"{kind}-{mark}.gif": content for kind, content in _CONTENTS.items()}
        stale += [(resource, file.name) for file in stored if _OURS.fullmatch(file.name) and file.name not in wanted]
        # Of what is there, anything of ours with this mark, and anything of others with this content.
        there = {file.name for file in stored if file.size != 0}
        of_others = {file.content for file in stored if not _OURS.fullmatch(file.name)}
        missing = {name: content for name, content in wanted.items() if name not in there and content not in of_others}
        if not missing:
            continue
        folder = scratch / "snapshots" / mark
        # Another scan may have the same image; its pictures are not to be touched any more.
        to_draw = {name for name in missing if not (folder / name).exists()}
        try:
            pictures.draw(image.local, *(folder / name if name in to_draw else None for name in wanted))
        except pictures.NotDrawableError as error:
            remarks.append(Remark(image.local.origin, f"There is no preview image, because it {error}."))
            continue
        planned += [_planned(resource, folder / name, content, image.local) for name, content in missing.items()]
    return replace(study, files=planned, remarks=remarks), stale


def _planned(resource: Address, path: Path, content: str, image: LocalFile) -> PlannedFile:
    status = path.stat()
    local = LocalFile(path.name, str(path), status.st_size, status.st_mtime_ns, made_from=image.origin)
    return PlannedFile(resource, local, Labels(format="GIF", content=content))
