"""Small BIDS datasets on the disk, for the tests of the source. Builds trees, checks nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.study.sources import bids
from ansible.module_utils.xnat.study.study import Study

DESCRIPTION = '{"Name": "test", "BIDSVersion": "1.9.0"}'


def make(root: Path, files: dict[str, Any]) -> Path:
    """Write files: a text as it is, an object as JSON, None as an image. dataset_description.json is always there."""
    for name, content in {"dataset_description.json": DESCRIPTION, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.write_bytes(b"image " + name.encode())
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
    return root


def read(root: Path, **options: Any) -> Study:
    """The dataset as a study of the project P, checked as every study is before it is sent."""
    study = bids.read(root, "P", bids.Options(**options))
    study.check()
    return study


def contents(study: Study) -> dict[str, list[str]]:
    """The names of the files by their resource, shown as `subject/session/scan:resource`."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in study.files:
        of = file.resource
        owner = "/".join(part for part in (of.subject, of.experiment, of.scan) if part)
        found[f"{owner}:{of.resource}"].append(file.local.name)
    return {owner: sorted(names) for owner, names in found.items()}


def scan(study: Study, session: str, series: str) -> Any:
    """The attributes of the scan of a session with that series_description."""
    return next(
        attributes
        for of, attributes in study.attributes.items()
        if of.scan and of.experiment == session and attributes.options["series_description"] == series
    )


def subject(study: Study, label: str) -> Any:
    """The attributes of a subject."""
    return study.attributes[Address("P", label)]


def session(study: Study, of: str, label: str) -> Any:
    """The attributes of a session."""
    return study.attributes[Address("P", of, label)]


def remarks(study: Study) -> dict[str, str]:
    """The remarks: what they are about, and why."""
    return {remark.about: remark.reason for remark in study.remarks}
