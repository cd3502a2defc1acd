"""XNAT's contract, section 7.1: which bodies are files, who may send them, and what is thrown away with a smile."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from file_helpers import BINARY, listed, put, zip_of
from xnat_twin.testing import Session, XnatServer


@pytest.fixture
def files(scan: str) -> str:
    return f"{scan}/resources/R/files"


@pytest.mark.rule("file-raw-body", "file-put-is-post", "file-new-is-200")
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_raw_body_of_a_known_type_is_the_file(api: Session, files: str, method: str) -> None:
    answer = api.request(method, f"{files}/a.bin", data=b"hello", headers=BINARY)
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert api.get(f"{files}/a.bin").content == b"hello"


@pytest.mark.rule("file-inbody")
@pytest.mark.parametrize("content_type", ["application/json", None])
def test_raw_body_of_another_type_needs_inbody(api: Session, files: str, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    refused = api.put(f"{files}/a.json", data=b"{}", headers=headers)
    assert refused.status_code == 400
    assert "a payload of 2 B to this service" in refused.text
    assert "inbody=true" in refused.text
    assert listed(api, files) == {}
    assert api.put(f"{files}/a.json", params={"inbody": "true"}, data=b"{}", headers=headers).status_code == 200
    assert api.get(f"{files}/a.json").content == b"{}"


@pytest.mark.rule("empty-upload")
def test_empty_raw_body_is_500(api: Session, files: str) -> None:
    answer = api.put(f"{files}/empty", data=b"", headers={**BINARY, "Content-Length": "0"})
    assert answer.status_code == 500
    assert listed(api, files) == {}


@pytest.mark.rule("empty-upload")
def test_no_body_at_all_is_400(api: Session, files: str) -> None:
    answer = api.put(f"{files}/empty")
    assert (answer.status_code, "request entity size of 0" in answer.text) == (400, True)


@pytest.mark.rule("chunked-body")
def test_chunked_body_without_a_length_is_500(api: Session, files: str) -> None:
    assert api.put(f"{files}/a", data=iter([b"hel", b"lo"]), headers=BINARY).status_code == 500


@pytest.mark.rule("chunked-body")
def test_chunked_zip_is_accepted(api: Session, files: str) -> None:
    packed, headers = zip_of({"a": b"x"}), {"Content-Type": "application/zip"}
    assert api.put(f"{files}/a.zip", data=iter([packed]), headers=headers).status_code == 200
    assert listed(api, files)["a.zip"]["Size"] == str(len(packed))


@pytest.mark.rule("file-multipart", "empty-file-as-multipart")
def test_multipart_takes_the_name_of_the_url_and_may_be_empty(api: Session, files: str) -> None:
    assert api.put(f"{files}/empty.txt", files={"f": ("other.txt", b"")}).status_code == 200
    assert listed(api, files)["empty.txt"]["Size"] == "0"
    assert api.get(f"{files}/empty.txt").content == b""


@pytest.mark.rule("file-multipart")
def test_multipart_without_a_name_in_the_url_keeps_the_names_of_its_parts(api: Session, files: str) -> None:
    parts = [("f", ("a.txt", b"a")), ("g", ("b.txt", b"b"))]
    assert api.post(files, files=parts).status_code == 200
    assert sorted(listed(api, files)) == ["a.txt", "b.txt"]


@pytest.mark.rule("file-multipart")
def test_multipart_may_have_any_number_of_parts(api: Session, files: str) -> None:
    parts = [(f"f{number}", (f"{number}.txt", b"x")) for number in range(100)]
    assert api.post(files, files=parts).status_code == 200
    assert len(listed(api, files)) == 100


@pytest.mark.rule("file-exists")
@pytest.mark.practice_xnat("a real server does not protect browsers")
def test_browser_does_not_run_names_of_files(api: Session, files: str) -> None:
    for _ in range(2):
        answer = put(api, f"{files}/a%20<img>")
    assert answer.json() == {"duplicates": ["a <img>"]}
    assert answer.headers["Content-Security-Policy"] == "sandbox"


@pytest.mark.rule("multipart-inbody")
def test_multipart_with_inbody_is_refused(api: Session, files: str) -> None:
    assert api.put(f"{files}/a", params={"inbody": "true"}, files={"f": ("a", b"a")}).status_code == 400


@pytest.mark.rule("file-exists")
def test_existing_file_is_200_with_duplicates_and_its_bytes_are_dropped(api: Session, files: str) -> None:
    put(api, f"{files}/a.txt", b"first")
    answer = put(api, f"{files}/a.txt", b"second")
    assert (answer.status_code, answer.json()) == (200, {"duplicates": ["a.txt"]})
    assert answer.headers["Content-Type"].startswith("text/html")
    assert api.get(f"{files}/a.txt").content == b"first"


@pytest.mark.rule("duplicate-is-on-the-disk")
def test_duplicate_test_looks_at_the_disk_and_not_at_the_catalog(api: Session, files: str) -> None:
    put(api, f"{files}/a.txt", b"first")
    api.delete(f"{files}/a.txt", params={"removeFiles": "false"}).raise_for_status()
    assert listed(api, files) == {}
    assert put(api, f"{files}/a.txt", b"second").json() == {"duplicates": ["a.txt"]}
    assert listed(api, files) == {}


@pytest.mark.rule("file-overwrite")
def test_overwrite_replaces_bytes_size_and_digest(api: Session, scan: str, files: str) -> None:
    put(api, f"{files}/a.txt", b"first")
    answer = put(api, f"{files}/a.txt", b"hello!", overwrite="true")
    assert (answer.status_code, answer.text) == (200, "")
    row = listed(api, files)["a.txt"]
    assert (row["Size"], row["digest"]) == ("6", "5a8dd3ad0756a93ded72b823b19dd877")
    assert "modifiedTime=" in api.get(f"{scan}/resources/R").text


@pytest.mark.rule("upload-by-reader")
def test_reader_gets_200_and_nothing_is_stored(api: Session, xnat: XnatServer, project: str, files: str) -> None:
    reader = xnat.session(*xnat.new_user(project, "Collaborators"))
    answer = put(reader, f"{files}/a.txt", b"lost")
    assert (answer.status_code, answer.text) == (200, "")
    assert listed(api, files) == {}


@pytest.mark.rule("member-upload")
def test_member_may_upload_and_overwrite(api: Session, xnat: XnatServer, project: str, files: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    put(member, f"{files}/a.txt", b"first")
    put(member, f"{files}/a.txt", b"second", overwrite="true")
    assert api.get(f"{files}/a.txt").content == b"second"


@pytest.mark.rule("upload-needs-its-object")
def test_stranger_gets_404(xnat: XnatServer, files: str) -> None:
    stranger = xnat.session(*xnat.new_user())
    assert put(stranger, f"{files}/a.txt").status_code == 404


@pytest.mark.rule("upload-needs-its-object")
def test_upload_below_a_missing_object_is_404(api: Session, project: str, session: str) -> None:
    missing = (
        f"{session}/scans/none",
        f"{session}x",
        f"/data/projects/{project}/subjects/none",
        "/data/projects/none-at-all",
    )
    for path in missing:
        assert put(api, f"{path}/resources/R/files/a").status_code == 404


@pytest.mark.rule("upload-makes-its-resource")
def test_missing_resource_is_created_with_what_the_upload_says(api: Session, scan: str, files: str) -> None:
    put(api, f"{files}/a.nii", format="NIFTI", content="T1", tags="raw,site=1", description="one image")
    resource = api.get(f"{scan}/resources").json()["ResultSet"]["Result"][0]
    assert (resource["label"], resource["format"], resource["content"]) == ("R", "NIFTI", "T1")
    row = listed(api, files)["a.nii"]
    assert (row["file_format"], row["file_content"], row["file_tags"]) == ("NIFTI", "T1", "raw,site=1")
    assert 'description="one image"' in api.get(f"{scan}/resources/R").text


@pytest.mark.rule("upload-relabels-its-resource")
def test_upload_also_relabels_a_resource_that_is_there(api: Session, scan: str, files: str) -> None:
    api.put(f"{scan}/resources/R", params={"format": "DICOM"})
    put(api, f"{files}/a.nii", format="NIFTI")
    assert api.get(f"{scan}/resources").json()["ResultSet"]["Result"][0]["format"] == "NIFTI"


@pytest.mark.rule("catalog-is-no-file")
def test_catalog_itself_cannot_be_overwritten(api: Session, files: str) -> None:
    put(api, f"{files}/a")
    answer = put(api, f"{files}/R_catalog.xml", overwrite="true")
    assert (answer.status_code, "XNAT cannot catalog" in answer.text) == (500, True)
    assert put(api, f"{files}/other_catalog.xml").text == ""
    assert sorted(listed(api, files)) == ["a", "other_catalog.xml"], "a new one is a file like others"


@pytest.mark.practice_xnat("changes a setting of the site")
@pytest.mark.rule("digests-only-with-checksums", "digests-later")
def test_digest_is_empty_while_checksums_are_off_and_filled_in_by_the_next_upload(
    api: Session, xnat: XnatServer, files: str
) -> None:
    with xnat.settings(checksums=False):
        put(api, f"{files}/off.txt", b"hello")
        assert listed(api, files)["off.txt"]["digest"] == ""
    put(api, f"{files}/on.txt")
    assert listed(api, files)["off.txt"]["digest"] == "5d41402abc4b2a76b9719d911017c592"


@pytest.mark.practice_xnat("changes a setting of the site")
@pytest.mark.rule("digest-of-the-old-content")
def test_file_that_is_overwritten_without_checksums_keeps_the_digest_of_what_it_was(
    api: Session, xnat: XnatServer, files: str
) -> None:
    put(api, f"{files}/a", b"hello")
    with xnat.settings(checksums=False):
        put(api, f"{files}/a", b"other", overwrite="true")
    row = listed(api, files)["a"]
    assert (row["digest"], api.get(f"{files}/a").content) == ("5d41402abc4b2a76b9719d911017c592", b"other")


@pytest.mark.practice_xnat("makes the server's disk full")
@pytest.mark.rule("full-disk")
def test_full_disk_is_500_and_leaves_a_part_that_counts_as_a_duplicate(
    api: Session, xnat: XnatServer, scan: str, files: str
) -> None:
    api.put(f"{scan}/resources/R")
    with xnat.faults.disk_full_after(1000):
        answer = put(api, f"{files}/big.bin", b"x" * 5000)
    assert (answer.status_code, "No space left on device" in answer.text) == (500, True)
    assert listed(api, files) == {}
    assert put(api, f"{files}/big.bin", b"x" * 5000).json() == {"duplicates": ["big.bin"]}
    assert listed(api, files) == {}
    put(api, f"{files}/big.bin", b"x" * 5000, overwrite="true")
    assert listed(api, files)["big.bin"]["Size"] == "5000"


@pytest.mark.practice_xnat("measures the memory of the server's own process")
@pytest.mark.rule("no-size-limit")
def test_bodies_are_never_held_in_memory(api: Session, files: str) -> None:
    size, piece = 64 * 2**20, b"\0" * 2**16

    def pieces() -> Iterator[bytes]:
        for _ in range(size // len(piece)):
            yield piece

    tracemalloc.start()  # traces the server, too: it is a thread of this process
    try:
        answer = api.put(f"{files}/big", data=_Sized(pieces(), size), headers=BINARY)
        assert answer.status_code == 200
        with api.get(f"{files}/big", stream=True) as download:
            assert sum(len(chunk) for chunk in download.iter_content(2**16)) == size
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size // 8


class _Sized:
    """Bytes from a generator as a file of known size."""

    def __init__(self, pieces: Iterator[bytes], size: int) -> None:
        self._pieces = pieces
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def read(self, _size: int = -1) -> bytes:
        return next(self._pieces, b"")
