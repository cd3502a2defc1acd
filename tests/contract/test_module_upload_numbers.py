"""Scans of a BIDS dataset never get the number of a scan that is there, whatever that one is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from module_runner import Modules
from study_files import bids_dataset, image

pytest_plugins = ["module_fixtures"]


@pytest.fixture
def session(project: str, modules: Modules) -> dict[str, str]:
    """A session that is there before the dataset comes."""
    key = {"project": project, "subject": "CC000001", "experiment": "CC000001_MR1"}
    modules.experiment(**key, xsi_type="xnat:mrSessionData")
    return key


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """One subject with a T1w and a task."""
    return bids_dataset(tmp_path / "data", 1)


def scans(result: dict[str, Any]) -> dict[str, str]:
    """The number of the scan that each image is in."""
    return {row["name"].rpartition("_")[2]: row["scan"] for row in result["files"] if row["resource"] == "NIFTI"}


def test_scans_of_one_series_are_all_in_use(session: dict[str, str], dataset: Path, modules: Modules) -> None:
    for number in ("10", "2"):
        modules.scan(**session, scan=number, type="scout", series_description="localizer", xsi_type="xnat:mrScanData")
    options = {"project": session["project"], "bids": str(dataset)}
    assert scans(modules.upload(**options)) == {"T1w.nii.gz": "11", "bold.nii.gz": "12"}
    assert not modules.upload(**options)["changed"]


def test_a_run_more_does_not_fall_on_a_scan_of_another_type(
    session: dict[str, str], dataset: Path, modules: Modules
) -> None:
    options = {"project": session["project"], "bids": str(dataset)}
    assert scans(modules.upload(**options)) == {"T1w.nii.gz": "1", "bold.nii.gz": "2"}
    modules.scan(**session, scan="3", type="CT", xsi_type="xnat:ctScanData")
    # In the order of the names it is the first, so that its number is that of a scan that is known.
    image(dataset / "sub-CC000001" / "anat" / "sub-CC000001_FLAIR.nii.gz", 77)
    done = scans(modules.upload(**options))
    assert done == {"T1w.nii.gz": "1", "bold.nii.gz": "2", "FLAIR.nii.gz": "4"}
    assert not modules.upload(**options)["changed"]
