"""Small datasets of real NIFTI images, made by the tests, and what a server should hold of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import nibabel
import numpy


def image(path: Path, seed: int = 1, shape: tuple[int, ...] = (8, 9, 10), repetition: float | None = None) -> Path:
    """Write a NIFTI image with bytes of its own; compressed without the time, so the same seed gives the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = numpy.random.default_rng(seed).integers(0, 1000, shape, dtype=numpy.int16)
    picture = nibabel.Nifti1Image(data, numpy.diag([1.0, 1.0, 2.0, 1.0]))
    picture.header.set_xyzt_units("mm", "sec")
    if repetition is not None:
        picture.header["pixdim"][4] = repetition
    path.write_bytes(gzip.compress(picture.to_bytes(), mtime=0))
    return path


def bids_dataset(root: Path, subjects: int = 2, sessions: int = 0) -> Path:
    """Write a BIDS dataset: a T1w and a task per session, sidecars, participants; without sessions as Cam-CAN is."""
    (root / "dataset_description.json").parent.mkdir(parents=True, exist_ok=True)
    (root / "dataset_description.json").write_text(json.dumps({"Name": "Study", "BIDSVersion": "1.9.0"}))
    (root / "task-rest_bold.json").write_text(json.dumps({"TaskName": "rest", "RepetitionTime": 2.0}))
    rows = ["participant_id\tage\tsex\thandedness\tcohort"]
    for number in range(1, subjects + 1):
        label = f"sub-CC{number:06}"
        rows.append(f"{label}\t{40 + number}\t{'MF'[number % 2]}\tR\tc{number % 3}")
        for session in range(1, sessions + 1) if sessions else (0,):
            folder = root / label / f"ses-{session}" if session else root / label
            stem = f"{label}_ses-{session}" if session else label
            seed = 100 * number + 10 * session
            image(folder / "anat" / f"{stem}_T1w.nii.gz", seed)
            sidecar = {"EchoTime": 0.003, "FlipAngle": 9, "MagneticFieldStrength": 3, "ProtocolName": "T1"}
            (folder / "anat" / f"{stem}_T1w.json").write_text(json.dumps(sidecar))
            image(folder / "func" / f"{stem}_task-rest_bold.nii.gz", seed + 1, (4, 5, 6, 7), 2.0)
    (root / "participants.tsv").write_text("\n".join(rows) + "\n")
    return root
