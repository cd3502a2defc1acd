"""Check mode says of every source, file by file and value by value, what the run then does, and writes nothing."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from module_runner import Modules
from study_files import bids_dataset, image
from xnat_twin.testing import XnatServer

pytest_plugins = ["module_fixtures"]


@pytest.fixture
def new_project(project: str, xnat: XnatServer) -> Iterator[str]:
    """The ID of a project that is not there yet."""
    label = f"{project}_new"
    yield label
    xnat.session().delete(f"{xnat.url}/data/projects/{label}", params={"removeFiles": "true"})


def of_bids(folder: Path, seed: int) -> dict[str, Any]:
    root = bids_dataset(folder / "bids", 2, 2)
    image(root / "sub-CC000001" / "ses-1" / "anat" / "sub-CC000001_ses-1_T1w.nii.gz", seed)
    scans = ["filename\tacq_time", f"anat/sub-CC000001_ses-1_T1w.nii.gz\t2020-01-0{seed}T10:00:00"]
    (root / "sub-CC000001" / "ses-1" / "sub-CC000001_ses-1_scans.tsv").write_text("\n".join(scans))
    return {"bids": str(root)}


def of_biobank(folder: Path, seed: int) -> dict[str, Any]:
    (folder / "ukb").mkdir(exist_ok=True)
    for eid in (1000001, 1000002):
        with zipfile.ZipFile(folder / "ukb" / f"{eid}_20252_2_0.zip", "w") as archive:
            archive.write(image(folder / "T1.nii.gz", eid + seed), "T1/T1.nii.gz")
    (folder / "table.csv").write_text(f"eid,31-0.0,21003-2.0,other\n1000001,1,6{seed}.0,x{seed}\n1000002,0,70,\n")
    return {"biobank": [str(folder / "ukb")], "biobank_options": {"table": str(folder / "table.csv")}}


def of_manifest(folder: Path, seed: int) -> dict[str, Any]:
    rows = [["path", "subject", "session", "scan", "scan_type", "session_date", "subject.age", "session.note"]]
    for number in (1, 2):
        name = image(folder / f"{number}.nii.gz", seed * number).name
        rows.append([name, f"S{number}", f"S{number}_1", "1", "T1 <&>", f"2020-01-0{seed}", str(60 + seed), "a, 'b'"])
    rows.append(["", "S3", "", "", "", "", "70", ""])
    with (folder / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return {"manifest": str(folder / "manifest.csv")}


def of_pattern(folder: Path, seed: int) -> dict[str, Any]:
    for subject in ("S1", "S2"):
        image(folder / "tree" / subject / f"3-T1_{seed}.nii.gz", seed)
    defaults = {"session": "{subject}_MR1"}
    return {"root": str(folder / "tree"), "pattern": "{subject}/{scan}-{scan_type}_*.nii.gz", "defaults": defaults}


@pytest.mark.parametrize("source", [of_bids, of_biobank, of_manifest, of_pattern])
def test_check_mode_says_what_the_run_does(
    new_project: str, tmp_path: Path, modules: Modules, source: Callable[[Path, int], dict[str, Any]]
) -> None:
    for seed in (1, 2):
        options = {"project": new_project, "snapshots": True, **source(tmp_path, seed)}
        planned = modules.upload(**options, check=True)
        # Nothing was written by it: a second one says the same.
        assert modules.upload(**options, check=True)["diff"] == planned["diff"]
        done = modules.upload(**options)
        assert done["changed"]
        assert planned["changed"]
        assert done["diff"] == planned["diff"]
        without = {"md5", "uri"}
        plain = [
            [{key: row[key] for key in row if key not in without} for row in of["files"]] for of in (planned, done)
        ]
        assert plain[0] == plain[1]
        assert planned["remarks"] == done["remarks"]
        counted = ("files", "same", "sent", "replaced", "removed", "failed")
        assert [planned["totals"][name] for name in counted] == [done["totals"][name] for name in counted]
        again = modules.upload(**options)
        assert not again["changed"], json.dumps(again["diff"])
