"""xnat_upload from UK Biobank's archives and from tables: XNAT has what they say, and a second run is no change."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
from module_runner import Modules
from study_files import image
from xnat_twin.testing import Session

pytest_plugins = ["module_fixtures"]


def item(api: Session, path: str) -> dict[str, Any]:
    """The fields of an object, and of what is part of it under the names of the parts."""
    found = api.get(path, params={"format": "json"}).json()["items"][0]
    values: dict[str, Any] = dict(found["data_fields"])
    for child in found["children"]:
        values[child["field"]] = [part["data_fields"] for part in child["items"]]
    return values


def bulk_files(root: Path) -> Path:
    """Two visits of one participant and one of another, as UK Biobank delivers them."""
    content = image(root / "T1.nii.gz").read_bytes()
    (root / "bulk").mkdir()
    for name in ("1000001_20252_2_0", "1000001_20252_3_0", "1000002_20252_2_0"):
        with zipfile.ZipFile(root / "bulk" / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("T1/T1.nii.gz", content)
            archive.writestr("T1/transforms/T1.mat", "1 0 0")
    with zipfile.ZipFile(root / "bulk" / "1000001_20263_2_0.zip", "w") as archive:
        archive.writestr("FreeSurfer/stats/aseg.stats", "1")
    return root / "bulk"


def test_uk_biobank_arrives_with_its_table(project: str, tmp_path: Path, modules: Modules, api: Session) -> None:
    table = tmp_path / "ukb.csv"
    table.write_text(
        "eid,31-0.0,34-0.0,53-2.0,53-3.0,54-2.0,21003-2.0,20016-2.0\n"
        "1000001,0,1950,2016-05-03,2019-06-04,11025,65.5,7\n"
        "1000002,1,1948,2017-01-02,,11026,68,\n"
    )
    report = tmp_path / "report.json"
    folder = bulk_files(tmp_path)
    options = {"project": project, "biobank": [str(folder)], "biobank_options": {"table": str(table)}}
    sent = modules.upload(**options, report=str(report))
    names = {(row["session"], row["scan"], row["resource"], row["name"]) for row in sent["files"]}
    assert names == {
        ("1000001_2", "20252", "NIFTI", "T1/T1.nii.gz"),
        ("1000001_3", "20252", "NIFTI", "T1/T1.nii.gz"),
        ("1000002_2", "20252", "NIFTI", "T1/T1.nii.gz"),
        ("1000001_2", None, "UKB_20263", "1000001_20263_2_0.zip"),
    }
    for row in sent["files"]:
        archive = folder / "1000001_20263_2_0.zip"
        expected = archive if row["resource"] == "UKB_20263" else tmp_path / "T1.nii.gz"
        assert api.get(row["uri"]).content == expected.read_bytes()
    subject = item(api, f"/data/projects/{project}/subjects/1000001")
    assert [(part["gender"], part["yob"]) for part in subject["demographics"]] == [("female", 1950)]
    assert {(part["name"], part["field"]) for part in subject["fields/field"]} == {("20016-2_0", "7")}
    session = item(api, f"/data/projects/{project}/subjects/1000001/experiments/1000001_2")
    assert (session["date"], session["age"], session["acquisition_site"]) == ("2016-05-03", 65.5, "Cheadle")
    assert [(scan["ID"], scan["type"]) for scan in session["scans/scan"]] == [("20252", "T1")]
    assert modules.upload(**options)["changed"] is False
    again = modules.upload(manifest=str(report))
    assert (again["changed"], again["totals"]["same"]) == (False, 4)


def test_workbook_fills_project_and_describes_what_has_no_files(
    project: str, tmp_path: Path, modules: Modules, api: Session
) -> None:
    image(tmp_path / "a.nii.gz")
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in (
        ["path", "subject", "scan", "scan_type", "subject.handedness", "xnat:mrScanData/parameters/flip"],
        ["a.nii.gz", "007", 1, "T1", "left", 9],
        [None, "008", None, None, "right", None],
    ):
        book.active.append(line)
    book.save(tmp_path / "m.xlsx")
    options: dict[str, Any] = {
        "project": project,
        "manifest": str(tmp_path / "m.xlsx"),
        "defaults": {"session": "{subject}_MR1", "session_date": "2024-05-03", "resource": "NIFTI"},
    }
    modules.upload(**options)
    assert item(api, f"/data/projects/{project}/subjects/008")["demographics"][0]["handedness"] == "right"
    experiments = api.get(f"/data/projects/{project}/experiments", params={"format": "json"}).json()["ResultSet"]
    assert [row["label"] for row in experiments["Result"]] == ["007_MR1"]
    session = item(api, f"/data/projects/{project}/subjects/007/experiments/007_MR1")
    assert session["date"] == "2024-05-03"
    assert [(scan["ID"], scan["type"], scan["parameters/flip"]) for scan in session["scans/scan"]] == [("1", "T1", 9)]
    assert modules.upload(**options)["changed"] is False
