"""XNAT's contract, section 8: many files in one zip, tar or tar.gz, and where each of them is in it."""

from __future__ import annotations

import io
import tarfile
import tracemalloc
import zipfile

import pytest
from file_helpers import TEXT, zipped
from xnat_twin.testing import Session, XnatServer


@pytest.fixture
def filled(api: Session, session: str) -> str:
    """The session with scans 1 (T1 MPRAGE) and 2 (T2), each with a resource NIFTI; its own resource is REPORT."""
    scans = {"1": "T1 MPRAGE", "2": "T2"}
    for scan, kind in scans.items():
        api.put(f"{session}/scans/{scan}", params={"xsiType": "xnat:mrScanData", "type": kind}).raise_for_status()
    for path in ("scans/1/resources/NIFTI/files/sub/a.nii", "scans/2/resources/NIFTI/files/b.nii",
                 "resources/REPORT/files/r.txt"):  # fmt: skip
        api.put(f"{session}/{path}", data=path.encode(), headers=TEXT).raise_for_status()
    return session


def _names(api: Session, path: str, **params: str) -> list[str]:
    return sorted(zipped(api, path, **params).namelist())


@pytest.mark.rule("bulk-levels", "bulk-default-structure")
@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("{session}/scans/1/resources/NIFTI/files", ["S1_MRI/scans/1-T1_MPRAGE/resources/NIFTI/files/sub/a.nii"]),
        ("{session}/scans/1/files", ["S1_MRI/scans/1-T1_MPRAGE/resources/NIFTI/files/sub/a.nii"]),
        ("{session}/files", ["S1_MRI/resources/REPORT/files/r.txt"]),
        ("{subject}/files", ["S1/resources/R/files/of.txt"]),
        ("{project}/files", ["{id}/resources/R/files/of.txt"]),
    ],
)
def test_every_level_can_be_downloaded(api: Session, project: str, filled: str, path: str, names: list[str]) -> None:
    levels = {
        "session": filled,
        "subject": filled.partition("/experiments/")[0],
        "project": f"/data/projects/{project}",
    }
    for level in ("subject", "project"):
        api.put(f"{levels[level]}/resources/R/files/of.txt", data=b"x", headers=TEXT).raise_for_status()
    found = _names(api, path.format(**levels))
    assert found == [name.format(id=project) for name in names]


@pytest.mark.rule("bulk-scan-selectors")
@pytest.mark.parametrize(
    ("selector", "scans"),
    [("ALL", "12"), ("*", "12"), ("1,2", "12"), ("T2", "2"), ("T2,1", "12"), ("none", "")],
)
def test_scans_are_selected_by_all_id_or_type(api: Session, filled: str, selector: str, scans: str) -> None:
    answer = api.get(f"{filled}/scans/{selector}/files", params={"format": "zip"})
    if not scans:
        assert answer.status_code == 404
        return
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert sorted(name.split("/")[2].partition("-")[0] for name in names) == list(scans)


@pytest.mark.rule("bulk-label-of-several-scans")
def test_one_label_is_found_in_all_selected_scans(api: Session, filled: str) -> None:
    api.put(f"{filled}/scans/2/resources/OTHER/files/o", data=b"o", headers=TEXT).raise_for_status()
    names = _names(api, f"{filled}/scans/ALL/resources/NIFTI/files")
    assert [name.rpartition("/")[2] for name in names] == ["a.nii", "b.nii"]


@pytest.mark.rule("bulk-all")
def test_all_adds_the_scans_to_a_session(api: Session, filled: str) -> None:
    assert _names(api, f"{filled}/files", all="true") == [
        "S1_MRI/resources/REPORT/files/r.txt",
        "S1_MRI/scans/1/resources/NIFTI/files/sub/a.nii",
        "S1_MRI/scans/2/resources/NIFTI/files/b.nii",
    ]


@pytest.mark.rule("bulk-formats")
@pytest.mark.parametrize(
    ("form", "media_type"), [("zip", "application/zip"), ("tar", "application/x-tar"), ("tar.gz", "application/x-gtar")]
)
def test_archive_is_streamed_without_a_length(api: Session, filled: str, form: str, media_type: str) -> None:
    answer = api.get(f"{filled}/scans/ALL/files", params={"format": form})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == media_type
    assert "Content-Length" not in answer.headers
    assert answer.headers["Content-Disposition"] == f'attachment; filename="S1_MRI.{form}";'
    content = io.BytesIO(answer.content)
    if form == "zip":
        assert zipfile.ZipFile(content).testzip() is None
    else:
        with tarfile.open(fileobj=content) as archive:
            extracted = [archive.extractfile(member) for member in archive]
        assert all(one is not None for one in extracted)


@pytest.mark.rule("bulk-name")
def test_archive_is_named_by_the_session_subject_or_project(api: Session, project: str, filled: str) -> None:
    subject = filled.partition("/experiments/")[0]
    for path, name in ((filled, "S1_MRI"), (f"{filled}/scans/1", "S1_MRI"), (subject, "S1"),
                       (f"/data/projects/{project}", project)):  # fmt: skip
        api.put(f"{path}/resources/R/files/a", data=b"a", headers=TEXT).raise_for_status()
        answer = api.get(f"{path}/files", params={"format": "zip"})
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}.zip";'


@pytest.mark.rule("bulk-head")
def test_head_of_an_archive_has_its_headers(api: Session, filled: str) -> None:
    answer = api.head(f"{filled}/scans/1/files", params={"format": "zip"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="S1_MRI.zip";'


@pytest.mark.rule("range-of-unknown-size")
@pytest.mark.parametrize("params", [{"format": "zip"}, {"format": "json"}])
def test_part_of_an_archive_or_a_table_is_500(api: Session, filled: str, params: dict[str, str]) -> None:
    answer = api.get(f"{filled}/files", params=params, headers={"Range": "bytes=0-10"})
    assert answer.status_code == 500


@pytest.mark.rule("bulk-nothing")
def test_nothing_to_archive_is_404_or_204(api: Session, session: str) -> None:
    assert api.get(f"{session}/files", params={"format": "zip"}).status_code == 404
    assert api.get(f"{session}/files", params={"format": "zip", "accept-not-found": "true"}).status_code == 204


@pytest.mark.rule("bulk-missing-files")
@pytest.mark.practice_xnat("deletes a file behind the server's back")
def test_file_that_is_only_in_the_catalog_is_left_out_without_a_word(
    api: Session, xnat: XnatServer, project: str, filled: str
) -> None:
    next(xnat.archive.glob(f"{project}/**/b.nii")).unlink()
    assert len(_names(api, f"{filled}/scans/ALL/files")) == 1


@pytest.mark.rule("bulk-filters")
def test_filters_hold_for_an_archive_too(api: Session, filled: str) -> None:
    params = {"content": "T1"}
    api.put(f"{filled}/scans/2/resources/NIFTI/files/c", params=params, data=b"c", headers=TEXT).raise_for_status()
    names = _names(api, f"{filled}/scans/ALL/files", file_content="T1")
    assert names == ["S1_MRI/scans/2-T2/resources/NIFTI/files/c"]


@pytest.mark.rule("bulk-compression")
def test_compression_is_a_method_and_not_a_level(api: Session, filled: str) -> None:
    path = f"{filled}/scans/1/files"
    methods = {given: zipped(api, path, compression=given).infolist()[0].compress_type for given in ("0", "8")}
    assert methods == {"0": zipfile.ZIP_STORED, "8": zipfile.ZIP_DEFLATED}
    assert zipped(api, path).infolist()[0].compress_type == zipfile.ZIP_STORED, "the site's zipCompressionMethod is 0"
    assert api.get(path, params={"format": "zip", "compression": "fast"}).status_code == 400


@pytest.mark.rule("bulk-compression-levels")
def test_level_between_is_500(api: Session, filled: str) -> None:
    assert api.get(f"{filled}/files", params={"format": "zip", "compression": "5"}).status_code == 500


@pytest.mark.rule("bulk-stored-sizes")
def test_size_and_checksum_are_before_the_bytes(api: Session, filled: str) -> None:
    archive = zipped(api, f"{filled}/scans/1/files")
    assert archive.infolist()[0].flag_bits & 0x08 == 0, "no data descriptor: Java's ZipInputStream can read it"


@pytest.mark.rule("bulk-tar-mode")
def test_files_from_a_tar_cannot_be_read_by_their_owner(api: Session, filled: str) -> None:
    answer = api.get(f"{filled}/files", params={"format": "tar"})
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        assert [oct(member.mode) for member in archive] == ["0o60"]


@pytest.mark.rule("bulk-one-file")
def test_one_file_or_a_folder_can_be_archived_under_its_own_path(api: Session, filled: str) -> None:
    files = f"{filled}/scans/1/resources/NIFTI/files"
    api.put(f"{files}/sub/deep/c.nii", data=b"c", headers=TEXT).raise_for_status()
    assert _names(api, f"{files}/sub/a.nii") == ["a.nii"]
    assert _names(api, f"{files}/sub/") == ["sub/a.nii", "sub/deep/c.nii"]
    assert _names(api, f"{files}/sub/*") == ["sub/a.nii", "sub/deep/c.nii"]


@pytest.mark.rule("bulk-one-archive")
def test_file_that_is_such_an_archive_already_is_sent_as_it_is(api: Session, filled: str) -> None:
    api.put(f"{filled}/resources/REPORT/files/x.zip", data=b"not looked at", headers=TEXT).raise_for_status()
    answer = api.get(f"{filled}/resources/REPORT/files/x.zip", params={"format": "zip"})
    assert answer.content == b"not looked at"


@pytest.mark.practice_xnat("measures the memory of the server's own process")
@pytest.mark.rule("bulk-formats")
@pytest.mark.parametrize(("form", "compression"), [("zip", "0"), ("zip", "8"), ("tar.gz", "0")])
def test_archive_is_never_held_in_memory(api: Session, filled: str, form: str, compression: str) -> None:
    size = 48 * 2**20
    api.put(f"{filled}/resources/BIG/files/big", data=b"\0" * size, headers=TEXT).raise_for_status()
    tracemalloc.start()  # traces the server, too: it is a thread of this process
    try:
        params = {"format": form, "compression": compression}
        with api.get(f"{filled}/resources/BIG/files", params=params, stream=True) as download:
            for _ in download.iter_content(2**16):
                pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size // 8
