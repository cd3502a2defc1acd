"""xnat_upload: a whole study arrives byte for byte, costs few requests, and a second run sends nothing."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from module_runner import ModuleFailedError, Modules, md5
from study_files import bids_dataset, image
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["module_fixtures"]


def stored_files(api: Session, project: str) -> dict[tuple[str, str, str, str], bytes]:
    """Everything in the sessions of a project, read back: {(session, scan, resource, name): content}."""
    found = {}
    rows = api.get("/data/experiments", params={"project": project, "columns": "ID,label", "format": "json"}).json()
    for row in rows["ResultSet"]["Result"]:
        files = api.get(f"/data/experiments/{row['ID']}/files", params={"all": "true", "format": "json"}).json()
        for file in files["ResultSet"]["Result"]:
            place, _, name = file["URI"].partition("/files/")
            scan = place.split("/scans/")[1].split("/")[0] if "/scans/" in place else ""
            found[row["label"], scan, file["collection"], name] = api.get(file["URI"]).content
    return found


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return bids_dataset(tmp_path / "study")


def test_bids_dataset_arrives_and_stays(project: str, dataset: Path, modules: Modules, api: Session) -> None:
    options: dict[str, Any] = {"project": project, "bids": str(dataset)}
    predicted = modules.upload(**options, check=True)
    assert stored_files(api, project) == {}
    sent = modules.upload(**options)
    assert sent["changed"] is predicted["changed"] is True
    assert sent["diff"] == predicted["diff"]
    assert [(row["path"], row["action"]) for row in sent["files"]] == [
        (row["path"], row["action"]) for row in predicted["files"]
    ]
    stored = stored_files(api, project)
    assert {place[:3] for place in stored} == {
        (f"CC00000{subject}_MR1", scan, resource)
        for subject in (1, 2)
        for scan, resource in (("1", "NIFTI"), ("1", "BIDS"), ("2", "NIFTI"))
    }
    for row in sent["files"]:
        data = Path(row["path"]).read_bytes()
        assert (row["action"], row["size"], row["md5"]) == ("sent", len(data), md5(data))
        assert api.get(row["uri"]).content == data
    again = modules.upload(**options)
    assert again["changed"] is False
    assert again["diff"] == {"before": "", "after": ""}
    assert again["totals"]["same"] == again["totals"]["files"] == sent["totals"]["sent"]
    assert again["totals"]["bytes_sent"] == 0
    assert modules.upload(**options, check=True)["changed"] is False


def test_attributes_of_header_sidecar_and_table_are_in_xnat(
    project: str, dataset: Path, modules: Modules, api: Session
) -> None:
    modules.upload(project=project, bids=str(dataset))
    base = f"/data/projects/{project}/subjects/CC000001"
    scan = api.get(f"{base}/experiments/CC000001_MR1/scans/1", params={"format": "json"}).json()["items"][0]
    values = scan["data_fields"]
    assert (values["type"], values["series_description"], values["quality"]) == ("T1w", "sub-CC000001_T1w", "usable")
    assert float(values["parameters/te"]) == 3.0
    assert float(values["parameters/voxelRes/z"]) == 2.0
    rest = api.get(f"{base}/experiments/CC000001_MR1/scans/2", params={"format": "json"}).json()["items"][0]
    assert float(rest["data_fields"]["parameters/tr"]) == 2000.0
    assert str(rest["data_fields"]["frames"]) == "7"
    subject = api.get(base, params={"format": "json"}).text
    assert '"gender":"female"' in subject.replace(" ", "")
    assert '"cohort"' in subject


def _sessions(result: dict[str, Any]) -> int:
    return len({row["session"] for row in result["files"] if row["session"]})


@pytest.mark.practice_xnat("counts every request of a project with nothing else in it")
def test_requests_are_as_few_as_they_can_be(project: str, tmp_path: Path, modules: Modules) -> None:
    for number in range(1, 8):
        image(tmp_path / f"S{number}" / "1.nii.gz", number)
        image(tmp_path / f"S{number}" / "2.nii.gz", 100 + number)
    options = {
        "project": project,
        "root": str(tmp_path),
        "pattern": "{subject}/{scan}.nii.gz",
        "defaults": {"session": "{subject}_MR1", "scan_type": "T1", "resource": "NIFTI"},
        "batch": 3,
    }
    login_and_logout, lists, one_of_each_batch = 2, 2, 3
    fresh = modules.upload(**options)
    resources = 2
    # Before anything is there nothing has files to be listed; afterwards every batch is listed to prove it.
    assert fresh["requests"] == login_and_logout + lists + 7 * (1 + resources) + one_of_each_batch
    again = modules.upload(**options)
    assert again["changed"] is False
    assert again["requests"] == login_and_logout + lists + one_of_each_batch
    image(tmp_path / "S1" / "1.nii.gz", 999)
    changed = modules.upload(**options)
    assert changed["totals"]["replaced"] == 1
    # No document shows here that this account may write, so the first file is looked at before others follow.
    sent, looked_at, proven = 1, 1, 1
    assert changed["requests"] == login_and_logout + lists + one_of_each_batch + sent + looked_at + proven


def test_report_is_a_manifest(project: str, dataset: Path, tmp_path: Path, modules: Modules) -> None:
    report = tmp_path / "report.csv"
    modules.upload(project=project, bids=str(dataset), report=str(report))
    rows = list(csv.DictReader(report.open()))
    assert {row["action"] for row in rows} == {"sent"}
    assert all(md5(Path(row["path"]).read_bytes()) == row["md5"] for row in rows)
    again = modules.upload(manifest=str(report))
    assert again["changed"] is False
    assert again["totals"]["same"] == len(rows)


@pytest.mark.parametrize("overwrite", ["different", "never", "always", "fail"])
def test_overwrite(project: str, tmp_path: Path, modules: Modules, api: Session, overwrite: str) -> None:
    first = image(tmp_path / "data" / "S1" / "a.nii.gz", 1).read_bytes()
    image(tmp_path / "data" / "S2" / "a.nii.gz", 2)
    options = {
        "project": project,
        "root": str(tmp_path / "data"),
        "pattern": "{subject}/{name}",
        "defaults": {"session": "{subject}_MR1", "scan": "1", "scan_type": "T1", "resource": "NIFTI"},
    }
    modules.upload(**options)
    second = image(tmp_path / "data" / "S1" / "a.nii.gz", 3).read_bytes()
    place = ("S1_MR1", "1", "NIFTI", "a.nii.gz")
    if overwrite == "fail":
        with pytest.raises(ModuleFailedError, match="overwrite is 'fail'"):
            modules.upload(**options, overwrite=overwrite)
        assert stored_files(api, project)[place] == first
        return
    result = modules.upload(**options, overwrite=overwrite)
    assert stored_files(api, project)[place] == (first if overwrite == "never" else second)
    assert result["totals"]["replaced"] == {"different": 1, "never": 0, "always": 2}[overwrite]


def test_mirror_deletes_last_and_within_its_bound(project: str, tmp_path: Path, modules: Modules, api: Session) -> None:
    for name in ("a", "b", "c"):
        image(tmp_path / "S1" / f"{name}.nii.gz", ord(name))
    options = {
        "project": project,
        "root": str(tmp_path),
        "pattern": "{subject}/{name}",
        "defaults": {"session": "{subject}_MR1", "scan": "1", "scan_type": "T1", "resource": "NIFTI"},
    }
    modules.upload(**options)
    (tmp_path / "S1" / "a.nii.gz").unlink()
    (tmp_path / "S1" / "b.nii.gz").unlink()
    assert modules.upload(**options)["changed"] is False
    with pytest.raises(ModuleFailedError, match="max_delete"):
        modules.upload(**options, mirror=True, max_delete=1)
    assert len(stored_files(api, project)) == 3
    predicted = modules.upload(**options, mirror=True, check=True)
    assert len(stored_files(api, project)) == 3
    result = modules.upload(**options, mirror=True)
    assert result["totals"]["removed"] == predicted["totals"]["removed"] == 2
    assert {place[3] for place in stored_files(api, project)} == {"c.nii.gz"}
    assert modules.upload(**options, mirror=True)["changed"] is False


def test_snapshots_are_made_once_and_again_when_the_image_changed(
    project: str, tmp_path: Path, modules: Modules, api: Session
) -> None:
    image(tmp_path / "S1" / "a.nii.gz", 1, (24, 24, 24))
    options = {
        "project": project,
        "root": str(tmp_path),
        "pattern": "{subject}/{name}",
        "defaults": {"session": "{subject}_MR1", "scan": "1", "scan_type": "T1", "resource": "NIFTI"},
        "snapshots": True,
    }
    modules.upload(**options)
    first = {place for place in stored_files(api, project) if place[2] == "SNAPSHOTS"}
    assert len(first) == 2
    listed = api.get(
        f"/data/projects/{project}/subjects/S1/experiments/S1_MR1/scans/1/resources/SNAPSHOTS/files",
        params={"format": "json"},
    ).json()
    assert {row["file_content"] for row in listed["ResultSet"]["Result"]} == {"ORIGINAL", "THUMBNAIL"}
    assert modules.upload(**options)["changed"] is False
    image(tmp_path / "S1" / "a.nii.gz", 2, (24, 24, 24))
    assert modules.upload(**options)["changed"] is True
    second = {place for place in stored_files(api, project) if place[2] == "SNAPSHOTS"}
    assert len(second) == 2
    assert not first & second
    assert modules.upload(**options)["changed"] is False


def test_account_that_may_only_read_is_told_so(
    project: str, tmp_path: Path, modules: Modules, xnat: XnatServer, api: Session
) -> None:
    image(tmp_path / "S1" / "a.nii.gz", 1)
    options = {
        "root": str(tmp_path),
        "pattern": "{subject}/{name}",
        "defaults": {"session": "{subject}_MR1", "scan": "1", "scan_type": "T1", "resource": "NIFTI"},
    }
    modules.upload(project=project, **options)
    image(tmp_path / "S1" / "b.nii.gz", 2)
    reader = Modules(xnat.url, *xnat.new_user(project, "Collaborators"), xnat.ca_path)
    with pytest.raises(ModuleFailedError, match="read but not edit"):
        reader.upload(project=project, **options)
    assert {place[3] for place in stored_files(api, project)} == {"a.nii.gz"}


@pytest.mark.practice_xnat("its password may stand in the name of a file")
def test_password_leaves_in_no_row(project: str, tmp_path: Path, modules: Modules, xnat: XnatServer) -> None:
    for name in ("a", f"b {xnat.password} c"):
        image(tmp_path / "S1" / f"{name}.nii.gz", 1)
    options = {
        "project": project,
        "root": str(tmp_path),
        "pattern": "{subject}/{name}",
        "defaults": {"session": "{subject}_MR1", "scan": "1", "scan_type": "T1", "resource": "NIFTI"},
    }
    result = modules.upload(**options)
    assert len(result["files"]) == 2
    assert [row["name"] for row in result["files"] if "****" in row["name"]] == ["b ******** c.nii.gz"]
    assert xnat.password not in str(result["files"])


def test_personal_data_stops_it_before_anything_is_sent(
    project: str, dataset: Path, modules: Modules, api: Session
) -> None:
    sidecar = next(dataset.glob("*/anat/*.json"))
    sidecar.write_text('{"PatientName": "Doe^Jane", "EchoTime": 0.003}')
    with pytest.raises(ModuleFailedError, match="PatientName") as failed:
        modules.upload(project=project, bids=str(dataset))
    assert "Jane" not in str(failed.value.result)
    assert stored_files(api, project) == {}
    modules.upload(project=project, bids=str(dataset), phi="strip")
    texts = [data for place, data in stored_files(api, project).items() if place[2] == "BIDS"]
    assert len(texts) == 2
    assert not any(b"Jane" in data for data in texts)
    assert any(b"EchoTime" in data for data in texts)
    assert modules.upload(project=project, bids=str(dataset), phi="strip")["changed"] is False
