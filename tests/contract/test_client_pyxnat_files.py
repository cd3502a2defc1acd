"""pyxnat against XNAT: resources and files at every level, in and out, and what XNAT does to them without a word."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from client_runner import Clients
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["client_fixtures"]

Rows = Callable[..., list[dict[str, str]]]
Stored = Callable[[str], dict[str, bytes]]


@pytest.fixture
def scan_resource(pyxnat: Any, project: str, scan: str) -> Any:
    """Resource `R` of the scan, which does not exist yet."""
    return pyxnat.select.project(project).subject("S1").experiment("S1_MRI").scan("1").resource("R")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`a.txt` and `sub/b.bin` in a folder, whose name pyxnat leaves out."""
    top = tmp_path / "study"
    (top / "sub").mkdir(parents=True)
    (top / "a.txt").write_bytes(b"a")
    (top / "sub" / "b.bin").write_bytes(bytes(range(256)) * 100)
    return top


LEVELS = {
    "project": "/resources",
    "subject": "/subjects/S1/resources",
    "session": "/subjects/S1/experiments/S1_MRI/resources",
    "scan": "/subjects/S1/experiments/S1_MRI/scans/1/resources",
    "assessor": "/subjects/S1/experiments/S1_MRI/assessors/QC/resources",
    "assessor's output": "/subjects/S1/experiments/S1_MRI/assessors/QC/out/resources",
    "reconstruction's output": "/subjects/S1/experiments/S1_MRI/reconstructions/R1/out/resources",
}


@pytest.mark.parametrize("level", LEVELS)
def test_file_at_every_level(
    level: str, pyxnat: Any, project: str, scan: str, nifti: Path, tmp_path: Path, stored: Stored, rows: Rows
) -> None:
    session = pyxnat.select.project(project).subject("S1").experiment("S1_MRI")
    if "assessors" in LEVELS[level]:
        session.assessor("QC").create(assessors="xnat:qcManualAssessorData")
    if "reconstructions" in LEVELS[level]:
        session.reconstruction("R1").create()
    resource = pyxnat.select(f"/projects/{project}{LEVELS[level]}/R")
    file = resource.file("sub/T1.nii.gz")
    assert not file.exists()

    file.put(str(nifti), format="NIFTI", content="T1", tags="raw,scan=1")
    assert file.exists()
    path = f"/data/projects/{project}{LEVELS[level]}"
    assert stored(f"{path}/R") == {"sub/T1.nii.gz": nifti.read_bytes()}
    attributes = file.attributes()
    assert (attributes["Name"], attributes["path"]) == ("T1.nii.gz", "sub/T1.nii.gz")
    assert (file.format(), file.content(), int(file.size())) == ("NIFTI", "T1", nifti.stat().st_size)
    assert set(file.labels().split(",")) == {"raw", "scan=1"}
    assert attributes["digest"] in {"", hashlib.md5(nifti.read_bytes()).hexdigest()}  # noqa: S324
    assert file.last_modified()

    copy = tmp_path / "copy"
    assert file.get(str(copy)) == str(copy)
    assert copy.read_bytes() == nifti.read_bytes()
    assert [one.attributes()["path"] for one in resource.files()] == ["sub/T1.nii.gz"]
    file.delete()
    assert not file.exists()
    assert stored(f"{path}/R") == {}
    resource.delete()
    assert not resource.exists()
    assert rows(path) == []


@pytest.mark.rule("pyxnat-inputs")
def test_input_is_uploaded_to_a_resource_named_none(
    pyxnat: Any, project: str, session: str, stored: Stored, rows: Rows
) -> None:
    """XNAT makes an output of the resource that pyxnat creates; pyxnat looks for the input and does not find its ID."""
    assessor = pyxnat.select.project(project).subject("S1").experiment("S1_MRI").assessor("QC")
    assessor.create(assessors="xnat:qcManualAssessorData")
    path = f"{session}/assessors/QC"
    file = assessor.in_resource("R").file("a.txt")
    file.put("text")
    assert not file.exists()
    assert [row["label"] for row in rows(f"{path}/out/resources")] == ["R"]
    assert [row["label"] for row in rows(f"{path}/in/resources")] == ["None"]
    assert stored(f"{path}/in/resources/None") == {"a.txt": b"text"}


def test_input_is_read_and_deleted(
    pyxnat: Any, project: str, session: str, api: Session, tmp_path: Path, rows: Rows
) -> None:
    reconstruction = pyxnat.select.project(project).subject("S1").experiment("S1_MRI").reconstruction("R1")
    reconstruction.create()
    path = f"{session}/reconstructions/R1/in/resources"
    api.put(f"{path}/R/files/a.txt", params={"inbody": "true"}, data=b"text").raise_for_status()
    resource = reconstruction.in_resource("R")
    assert resource.exists()
    assert reconstruction.in_resources().get() == [resource.id()]
    file = resource.file("a.txt")
    file.get(str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == b"text"
    resource.delete()
    assert rows(path) == []


def test_recipe_of_the_dpuk_post(pyxnat: Any, project: str, nifti: Path, rows: Rows, stored: Stored) -> None:
    """Subject, session, scan and resource are made by the upload; spaces keep "U U U" out of the form."""
    session = pyxnat.select.project(project).subject("sub001").experiment("sub001_MRI")
    file = session.scan("1").resource("NIFTI").file(nifti.name)
    assert not file.exists()
    file.put(str(nifti), format=" ", content=" ", tags=" ")
    session.scan("1").attrs.set("type", "T1")

    path = f"/data/projects/{project}/subjects/sub001/experiments/sub001_MRI/scans"
    assert [(row["ID"], row["type"], row["xsiType"]) for row in rows(path)] == [("1", "T1", "xnat:mrScanData")]
    assert stored(f"{path}/1/resources/NIFTI") == {nifti.name: nifti.read_bytes()}
    [row] = rows(f"{path}/1/resources/NIFTI/files")
    assert "U" not in (row["file_format"], row["file_content"], row["file_tags"])


def test_resource_and_its_attributes(scan_resource: Any, scan: str, rows: Rows) -> None:
    assert not scan_resource.exists()
    scan_resource.create(format="NIFTI", content="T1")
    assert scan_resource.exists()
    scan_resource.file("a.txt").put("some text")
    [row] = rows(f"{scan}/resources")
    assert (scan_resource.id(), scan_resource.label()) == (row["xnat_abstractresource_id"], "R")
    attributes = scan_resource.attributes()
    assert (attributes["label"], attributes["file_count"], attributes["file_size"]) == ("R", "1", "9")
    assert scan_resource.parent().id() == "1"
    by_number = scan_resource.parent().resource(row["xnat_abstractresource_id"])
    assert by_number.file("a.txt").exists()


@pytest.mark.rule("file-exists")
def test_put_of_an_existing_file_drops_the_bytes_and_says_nothing(
    scan_resource: Any, scan: str, stored: Stored
) -> None:
    file = scan_resource.file("a.txt")
    file.put("first")
    file.put("second")
    assert stored(f"{scan}/resources/R") == {"a.txt": b"first"}
    file.put("second", overwrite=True)
    assert stored(f"{scan}/resources/R") == {"a.txt": b"second"}


@pytest.mark.rule("upload-by-reader")
def test_put_of_a_reader_stores_nothing_and_says_nothing(
    clients: Clients, xnat: XnatServer, project: str, scan: str, scan_resource: Any, stored: Stored
) -> None:
    scan_resource.create()
    with clients.pyxnat(*xnat.new_user(project, "Collaborators")) as reader:
        mine = reader.select.project(project).subject("S1").experiment("S1_MRI").scan("1").resource("R")
        mine.file("a.txt").put("text")
        assert not mine.file("a.txt").exists()
    assert stored(f"{scan}/resources/R") == {}


@pytest.mark.rule("file-delete-prefix")
def test_delete_takes_every_file_whose_name_starts_so(scan_resource: Any, scan: str, stored: Stored) -> None:
    for name in ("a.txt", "a.txt.bak", "b.txt"):
        scan_resource.file(name).put(name)
    scan_resource.file("a.txt").delete()
    assert stored(f"{scan}/resources/R") == {"b.txt": b"b.txt"}


def test_folder_goes_up_as_a_zip_and_comes_back(
    scan_resource: Any, scan: str, folder: Path, tmp_path: Path, stored: Stored
) -> None:
    content = {"a.txt": b"a", "sub/b.bin": bytes(range(256)) * 100}
    scan_resource.put_dir(str(folder))
    assert stored(f"{scan}/resources/R") == content

    (tmp_path / "got").mkdir()
    members = scan_resource.get(str(tmp_path / "got"), extract=True)
    top = tmp_path / "got" / "R"
    assert {Path(one).relative_to(top).as_posix() for one in members} == set(content)
    assert {name: (top / name).read_bytes() for name in content} == content
    (tmp_path / "zipped").mkdir()
    zipped = scan_resource.get(str(tmp_path / "zipped"), extract=False)
    with zipfile.ZipFile(zipped) as archive:
        assert sorted(archive.read(name) for name in archive.namelist()) == sorted(content.values())


def test_zip_is_extracted_or_kept(scan_resource: Any, scan: str, tmp_path: Path, stored: Stored) -> None:
    archive = tmp_path / "many.zip"
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("x/a.txt", "a")
        writing.writestr("b.txt", "b")
    scan_resource.put_zip(str(archive))
    assert stored(f"{scan}/resources/R") == {"x/a.txt": b"a", "b.txt": b"b"}
    scan_resource.put_zip(str(archive), extract=False)
    assert stored(f"{scan}/resources/R")["many.zip"] == archive.read_bytes()


def test_list_of_files_is_put_at_once(scan_resource: Any, scan: str, folder: Path, stored: Stored) -> None:
    scan_resource.put([str(folder / "a.txt"), str(folder / "sub" / "b.bin")])
    assert set(stored(f"{scan}/resources/R")) == {"a.txt", "sub/b.bin"}


def test_scans_are_downloaded_together_or_by_type(
    pyxnat: Any, project: str, session: str, scan: str, api: Session, tmp_path: Path
) -> None:
    api.put(f"{session}/scans/2", params={"xsiType": "xnat:mrScanData", "type": "T2"}).raise_for_status()
    scans = pyxnat.select.project(project).subject("S1").experiment("S1_MRI").scans()
    for one in scans:
        one.resource("NIFTI").file("image.nii").put(f"scan {one.id()}")
    found = {}
    for types in ("ALL", "T2"):
        with zipfile.ZipFile(scans.download(str(tmp_path), type=types)) as archive:
            found[types] = {name: archive.read(name) for name in archive.namelist()}
    first, second = (f"S1_MRI/scans/{name}/resources/NIFTI/files/image.nii" for name in ("1-T1", "2-T2"))
    assert found == {"ALL": {first: b"scan 1", second: b"scan 2"}, "T2": {second: b"scan 2"}}
