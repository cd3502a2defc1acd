"""Copies without personal data and preview images are told by the file that they were made from."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from module_runner import ModuleFailedError, Modules, md5
from study_files import bids_dataset, image

pytest_plugins = ["module_fixtures"]


@pytest.fixture
def options(project: str, tmp_path: Path) -> dict[str, Any]:
    """A dataset with one sidecar that tells who somebody is."""
    root = bids_dataset(tmp_path / "data")
    path = root / "sub-CC000002" / "anat" / "sub-CC000002_T1w.json"
    path.write_text(json.dumps({"PatientName": "Doe^Jane", "EchoTime": 0.004}))
    return {"project": project, "bids": str(root), "snapshots": True, "phi": "strip"}


def told(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What was said of each file before it was sent."""
    return [{name: value for name, value in row.items() if name not in {"md5", "uri"}} for row in result["files"]]


def test_check_mode_says_of_copies_and_pictures_what_the_run_says(options: dict[str, Any], modules: Modules) -> None:
    for _ in range(2):
        planned = modules.upload(**options, check=True)
        done = modules.upload(**options)
        assert planned["changed"]
        assert told(planned) == told(done)
        assert planned["diff"] == done["diff"]
        assert "xnat-upload-" not in json.dumps(done)
        # The second time one image is another, so that its pictures are replaced.
        image(Path(options["bids"]) / "sub-CC000001" / "anat" / "sub-CC000001_T1w.nii.gz", 99)
    assert not modules.upload(**options)["changed"]


def test_the_report_of_a_run_with_copies_is_a_manifest(
    options: dict[str, Any], tmp_path: Path, modules: Modules, project: str
) -> None:
    report = tmp_path / "report.csv"
    modules.upload(**options, report=str(report))
    rows = {row["name"]: row for row in csv.DictReader(report.open())}
    copy = rows["sub-CC000002_T1w.json"]
    assert copy["path"] == f"{options['bids']}/sub-CC000002/anat/sub-CC000002_T1w.json"
    assert (copy["made"], copy["md5"]) == ("True", md5(b'{"EchoTime": 0.004}'))
    assert rows["sub-CC000002_T1w.nii.gz"]["made"] == "False"
    with pytest.raises(ModuleFailedError, match="PatientName"):
        modules.upload(manifest=str(report), project=project)
    again = modules.upload(manifest=str(report), project=project, phi="strip")
    assert again["changed"] is False
    assert again["totals"]["same"] == 9
