"""What is in a study, counted by subject: what hosts that share the work must know of each other. Sends nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from typing import Any

from .. import packages
from .study import Study


@dataclass(slots=True)
class _Count:
    sessions: set[str] = field(default_factory=set)
    files: int = 0
    bytes: int = 0


def summary(study: Study) -> dict[str, Any]:
    """Return the subjects in order of label, with sessions, files and bytes; totals; and what was left out.

    What belongs to no subject, as the tables of a BIDS dataset do, is counted in the totals alone.
    """
    subjects: dict[str, _Count] = {}
    for of in (*study.addresses("subject"), *study.addresses("experiment")):
        count = subjects.setdefault(str(of.subject), _Count())
        if of.experiment is not None:
            count.sessions.add(of.experiment)
    for file in study.files:
        if file.resource.subject is not None:
            count = subjects[file.resource.subject]
            count.files += 1
            count.bytes += file.local.size
    return {
        "subjects": [
            {"subject": label, "sessions": sorted(count.sessions), "files": count.files, "bytes": count.bytes}
            for label, count in sorted(subjects.items())
        ],
        "totals": {
            "subjects": len(subjects),
            "sessions": sum(len(count.sessions) for count in subjects.values()),
            "files": len(study.files),
            "project_files": sum(file.resource.subject is None for file in study.files),
            "bytes": sum(file.local.size for file in study.files),
        },
        "remarks": [asdict(remark) for remark in study.remarks],
    }


def missing_packages(study: Study) -> list[str]:
    """Name the packages, as pip calls them, that are not installed here and that uploading this study may need."""
    needed = ["requests"]
    if any(file.local.name.lower().endswith((".nii", ".nii.gz")) for file in study.files):
        needed += ["nibabel", "PIL"]
    return [packages.distribution(name) for name in needed if find_spec(name) is None]
