"""What is in a study, counted by subject: what hosts that share the work must know of each other. Sends nothing."""

from __future__ import annotations

from collections import Counter
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
    resources: Counter[str] = field(default_factory=Counter)


def summary(study: Study) -> dict[str, Any]:
    """Return the subjects in order of label, with sessions, files and bytes; totals; and what was left out.

    `resources` say how many files are in each, by session, scan and resource: what one host has and another has not.
    What belongs to no subject, as the tables of a BIDS dataset do, is counted apart, in `project_resources`.
    """
    of_project: Counter[str] = Counter()
    subjects: dict[str, _Count] = {}
    for of in (*study.addresses("subject"), *study.addresses("experiment")):
        count = subjects.setdefault(str(of.subject), _Count())
        if of.experiment is not None:
            count.sessions.add(of.experiment)
    for file in study.files:
        of = file.resource
        name = "/".join(part for part in (of.experiment, of.scan, of.resource) if part is not None)
        if of.subject is None:
            of_project[name] += 1
            continue
        count = subjects[of.subject]
        count.files += 1
        count.bytes += file.local.size
        count.resources[name] += 1
    return {
        "subjects": [
            {
                "subject": label,
                "sessions": sorted(count.sessions),
                "resources": dict(sorted(count.resources.items())),
                "files": count.files,
                "bytes": count.bytes,
            }
            for label, count in sorted(subjects.items())
        ],
        "project_resources": dict(sorted(of_project.items())),
        "totals": {
            "subjects": len(subjects),
            "sessions": sum(len(count.sessions) for count in subjects.values()),
            "files": len(study.files),
            "project_files": of_project.total(),
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
