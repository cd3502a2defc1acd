"""XNATpy against XNAT: resources and files at every level, in and out, and what XNAT does to them without a word."""

from __future__ import annotations

import importlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from xnat_twin.testing import Session

pytest_plugins = ["client_fixtures"]

Rows = Callable[..., list[dict[str, str]]]
Stored = Callable[[str], dict[str, bytes]]
exceptions: Any = importlib.import_module("xnat.exceptions")
CONTENT = {"a.txt": b"a", "sub/b.bin": bytes(range(256)) * 100}


@pytest.fixture
def mr_session(xnatpy: Any, project: str, session: str, scan: str) -> Any:
    """MR session `S1_MRI` with scan 1 of type T1."""
    return xnatpy.projects[project].experiments["S1_MRI"]


@pytest.fixture
def resource(mr_session: Any) -> Any:
    """The empty resource `R` of the scan."""
    return mr_session.scans["1"].create_resource("R")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of `CONTENT`."""
    top = tmp_path / "study"
    for name, data in CONTENT.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(data)
    return top


LEVELS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "project": ("", lambda project: project),
    "subject": ("/subjects/S1", lambda project: project.subjects["S1"]),
    "session": ("/experiments/S1_MRI", lambda project: project.experiments["S1_MRI"]),
    "scan": ("/subjects/S1/experiments/S1_MRI/scans/1", lambda project: project.experiments["S1_MRI"].scans["1"]),
    "assessor": (
        "/subjects/S1/experiments/S1_MRI/assessors/QC",
        lambda project: project.experiments["S1_MRI"].assessors["QC"],
    ),
}


@pytest.mark.rule("xnatpy-catalog")
@pytest.mark.parametrize("level", LEVELS)
def test_file_at_every_level(
    level: str, xnatpy: Any, project: str, scan: str, nifti: Path, tmp_path: Path, stored: Stored, rows: Rows
) -> None:
    if level == "assessor":
        session = xnatpy.projects[project].experiments["S1_MRI"]
        xnatpy.classes.QcManualAssessorData(parent=session, label="QC")
        xnatpy.clearcache()
    path, find = LEVELS[level]
    path = f"/data/projects/{project}{path}/resources"
    owner = find(xnatpy.projects[project])
    resource = owner.create_resource("NIFTI", format="NIFTI")
    [row] = rows(path)
    assert (resource.id, resource.label, resource.format) == (row["xnat_abstractresource_id"], "NIFTI", "NIFTI")

    resource.upload(str(nifti), "sub/T1.nii.gz", file_content="T1", file_format="NIFTI", file_tags="raw")
    assert stored(f"{path}/NIFTI") == {"sub/T1.nii.gz": nifti.read_bytes()}
    [row] = rows(f"{path}/NIFTI/files")
    assert (row["file_content"], row["file_format"], row["file_tags"]) == ("T1", "NIFTI", "raw")
    [file] = resource.files
    assert (file.path, file.name, int(file.size)) == ("sub/T1.nii.gz", "T1.nii.gz", nifti.stat().st_size)
    assert file.digest == row["digest"]
    copy = tmp_path / "copy"
    file.download(str(copy), verbose=False)
    assert copy.read_bytes() == nifti.read_bytes()
    with file.open() as remote:
        remote.seek(100)
        assert remote.read(10) == nifti.read_bytes()[100:110]

    resource.clearcache()
    assert (resource.file_count, resource.file_size) == (1, nifti.stat().st_size)
    resource.files[0].delete()
    assert stored(f"{path}/NIFTI") == {}
    resource.delete()
    assert rows(path) == []


def test_second_resource_of_one_label_is_an_error(mr_session: Any, resource: Any) -> None:
    with pytest.raises(exceptions.XNATResponseError, match="409"):
        mr_session.scans["1"].create_resource("R")


@pytest.mark.rule("file-exists")
def test_upload_of_an_existing_file_drops_the_bytes_and_says_nothing(resource: Any, scan: str, stored: Stored) -> None:
    resource.upload_data("first", "a.txt")
    resource.upload_data("second", "a.txt")
    assert stored(f"{scan}/resources/R") == {"a.txt": b"first"}
    resource.upload_data("second", "a.txt", overwrite=True)
    assert stored(f"{scan}/resources/R") == {"a.txt": b"second"}


@pytest.mark.rule("file-delete-prefix")
def test_delete_takes_every_file_whose_name_starts_so(resource: Any, scan: str, stored: Stored) -> None:
    for name in ("a.txt", "a.txt.bak", "b.txt"):
        resource.upload_data(name, name)
    resource.files["a.txt"].delete()
    assert stored(f"{scan}/resources/R") == {"b.txt": b"b.txt"}


@pytest.mark.rule("empty-upload")
def test_empty_file_is_an_error(resource: Any, scan: str, tmp_path: Path, stored: Stored) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(exceptions.XNATUploadError, match="500"):
        resource.upload(str(tmp_path / "empty"))
    assert stored(f"{scan}/resources/R") == {}


@pytest.mark.rule("file-name-decoding")
def test_name_with_a_space(resource: Any, scan: str, rows: Rows) -> None:
    resource.upload_data("text", "two words.txt")
    [row] = rows(f"{scan}/resources/R/files")
    assert row["Name"] == "two words.txt"


@pytest.mark.parametrize("method", ["per_file", "tar_memory", "tgz_memory", "tar_file", "tgz_file"])
def test_folder_goes_up(method: str, resource: Any, folder: Path, scan: str, stored: Stored) -> None:
    resource.upload_dir(str(folder), method=method)
    assert stored(f"{scan}/resources/R") == CONTENT


def test_folder_goes_up_with_the_resource_and_comes_down(
    mr_session: Any, folder: Path, tmp_path: Path, scan: str
) -> None:
    resource = mr_session.scans["1"].create_resource("R", data_dir=str(folder))
    target = tmp_path / "got"
    target.mkdir()
    resource.download_dir(str(target), verbose=False)
    found = {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert found == {f"S1_MRI/scans/1-T1/resources/R/files/{name}": data for name, data in CONTENT.items()}


def test_archive_is_extracted(resource: Any, tmp_path: Path, scan: str, stored: Stored) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        for name, data in CONTENT.items():
            writing.writestr(name, data)
    resource.upload_data(archive.getvalue(), "upload.zip", extract=True)
    assert stored(f"{scan}/resources/R") == CONTENT


def _members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_downloads_as_zip(xnatpy: Any, mr_session: Any, session: str, api: Session, tmp_path: Path) -> None:
    api.put(f"{session}/scans/2", params={"xsiType": "xnat:mrScanData", "type": "T2"}).raise_for_status()
    mr_session.clearcache()
    for scan in mr_session.scans.values():
        scan.create_resource("R").upload_data(f"scan {scan.id}", "image.nii")
    first, second = (f"S1_MRI/scans/{name}/resources/R/files/image.nii" for name in ("1-T1", "2-T2"))
    target = tmp_path / "all.zip"
    mr_session.download(str(target), verbose=False)
    assert _members(target) == {first: b"scan 1", second: b"scan 2"}
    mr_session.download(str(target), scan_filter="T2", verbose=False)
    assert _members(target) == {second: b"scan 2"}
    mr_session.scans["1"].download(str(target), verbose=False)
    assert _members(target) == {first: b"scan 1"}
    mr_session.scans["2"].resources["R"].download(str(target), verbose=False)
    assert _members(target) == {second: b"scan 2"}

    folder = tmp_path / "project"
    folder.mkdir()
    project = xnatpy.projects[session.split("/")[3]]
    project.download_dir(str(folder), verbose=False)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {f"{project.name}/S1/{first}", f"{project.name}/S1/{second}"}


@pytest.mark.rule("refresh-bad-uri")
def test_catalog_is_refreshed_by_the_session_but_not_by_the_resource(
    xnatpy: Any, mr_session: Any, resource: Any, scan: str, rows: Rows
) -> None:
    resource.upload_data("text", "a.txt")
    with pytest.raises(exceptions.XNATResponseError, match="400"):
        resource.refresh_catalog()
    xnatpy.services.refresh_catalog(mr_session, checksum=True, append=True, populate_stats=True)
    assert [row["Name"] for row in rows(f"{scan}/resources/R/files")] == ["a.txt"]
