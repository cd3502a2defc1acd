"""What the files themselves say about their scans: NIFTI headers, sidecars, b-values. Sends nothing.

What the source has said already (a sidecar, a manifest) is never contradicted by a header.
"""

from __future__ import annotations

import json
import math
from typing import Any

from ...address import Address
from ...errors import InputError, refuse
from ...fields import ATTRIBUTES, DEFAULT_SCAN_TYPE, LONGEST_TEXT, SCAN_TYPE_OF_SESSION, normalise
from ...local import blocks
from ...plan import LocalFile
from ..study import Attributes, PlannedFile, Study
from . import nifti, sidecar
from .nifti import number

IMAGES = "NIFTI"  # label of the resource that images are in by custom
_MR = "xnat:mrScanData"
_B_VALUES = f"{_MR}/parameters/diffusion/bValues"


def describe(study: Study) -> None:
    """Add to every scan what the sidecar and the header of its image, and its b-values, say.

    A sidecar is the JSON file that lies beside the image under its name; those of BIDS the source has read, with what
    they inherit. What one says that looks personal is left out. Raises one InputError that names all broken files.
    """
    problems = []
    for scan, files in scans(study).items():
        known = study.attributes.get(scan)
        xsi_type = scan_type(study, scan)
        said = Attributes()
        try:
            if image := largest_image(files):
                said = nifti.attributes(image.local, xsi_type)
                if beside := _sidecar(image, files):
                    told = sidecar.attributes(_read_sidecar(beside.local), xsi_type, keep_phi=False)
                    # What a program has written down with its unit is more certain than a header.
                    header = _not_yet_said(said, told)
                    said = Attributes(None, {**header.options, **told.options}, {**header.fields, **told.fields})
            tables = sorted((file for file in files if _is_b_values(file.local.name)), key=lambda file: file.local.name)
            if tables and xsi_type == _MR and (values := b_values(tables[0].local)):
                said.fields[_B_VALUES] = values
        except InputError as error:
            problems.append(error.message)
            continue
        new = _not_yet_said(said, known)
        if new.options or new.fields:
            study.describe(scan, new)
    if len(problems) == 1:
        raise InputError(problems[0])
    refuse("These files are not what their names say", problems)


def scans(study: Study) -> dict[Address, list[PlannedFile]]:
    """Return the files of each scan, in the order of the study."""
    found: dict[Address, list[PlannedFile]] = {}
    owners: dict[Address, Address] = {}
    for file in study.files:
        if file.resource.scan is not None:
            owner = owners.get(file.resource)
            if owner is None:
                owner = owners[file.resource] = file.resource.owner
            found.setdefault(owner, []).append(file)
    return found


def largest_image(files: list[PlannedFile]) -> PlannedFile | None:
    """Return the image that stands for the scan: the largest in its resource NIFTI, else in any of its resources."""
    images = [file for file in files if nifti.is_nifti(file.local.name)]
    images = [file for file in images if file.resource.resource == IMAGES] or images
    return min(images, key=lambda file: (-file.local.size, file.local.name), default=None)


def _sidecar(image: PlannedFile, files: list[PlannedFile]) -> PlannedFile | None:
    """Return the JSON file beside an image, in its resource and under its name."""
    name = image.local.name
    stem = name[: -len(".nii.gz")] if name.lower().endswith(".gz") else name[: -len(".nii")]
    return next((file for file in files if file.resource == image.resource and file.local.name == f"{stem}.json"), None)


def _read_sidecar(file: LocalFile) -> dict[str, Any]:
    try:
        content = json.loads(b"".join(blocks(file)).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file.origin} is not a JSON file: {error}. Correct it, or leave it out.") from error
    return content if isinstance(content, dict) else {}


def scan_type(study: Study, scan: Address) -> str:
    """Return the data type that a scan gets: its own, or the one that belongs into its session."""
    own = study.attributes.get(scan)
    if own is not None and own.xsi_type:
        return own.xsi_type
    session = study.attributes.get(scan.up_to("experiment"))
    return SCAN_TYPE_OF_SESSION.get((session.xsi_type if session else None) or "", DEFAULT_SCAN_TYPE)


def b_values(file: LocalFile) -> str | None:
    """Return the different b-values of an FSL .bval file, ascending; None if XNAT has no room for so many."""
    try:
        numbers = {_finite(word) for word in b"".join(blocks(file)).split()}
        text = ",".join(str(value) for value in sorted(numbers))
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{file.origin} is not a list of b-values: {error}. Replace it, or give it another name than .bval."
        ) from error
    return text if 0 < len(text) <= LONGEST_TEXT else None


def _finite(word: bytes) -> int | float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(f"{value} is no b-value")
    return number(value)


def _is_b_values(name: str) -> bool:
    return name.lower().endswith((".bval", ".bvals")) or name.rsplit("/", 1)[-1].lower() == "bvals"


def _not_yet_said(new: Attributes, known: Attributes | None) -> Attributes:
    """Return the part of `new` that `known` is silent about, under whatever name it may have said it."""
    if known is None:
        return new
    paths = {name: path for name, (_, path) in ATTRIBUTES["scan"].items()}
    said = {normalise(paths.get(name, name)) for name in (*known.options, *known.fields)}
    return Attributes(
        options={name: value for name, value in new.options.items() if normalise(paths[name]) not in said},
        fields={name: value for name, value in new.fields.items() if normalise(name) not in said},
    )
