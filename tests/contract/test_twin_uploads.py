"""XNAT's contract, sections 7.1 and 7.2: what an upload stores, refuses, or throws away with a smile."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from xnat_twin.testing import Session, XnatServer

BINARY = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def files(scan: str) -> str:
    return f"{scan}/resources/R/files"


def _listed(api: Session, files: str) -> dict[str, dict[str, str]]:
    """Rows by path below the resource."""
    rows = api.get(files).json()["ResultSet"]["Result"]
    return {row["URI"].partition("/files/")[2]: row for row in rows}


@contextmanager
def _setting(xnat: XnatServer, **settings: object) -> Iterator[None]:
    """The site with other settings for a while."""
    before = {name: xnat.site.preferences[name] for name in settings}
    xnat.site.preferences.set(settings)
    try:
        yield
    finally:
        xnat.site.preferences.set(before)


def _zip(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return packed.getvalue()


def _tar(mode: str, **members: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            entry = tarfile.TarInfo("./" + name.replace("__", "/"))
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_raw_body_of_a_known_type_is_the_file(api: Session, files: str, method: str) -> None:
    answer = api.request(method, f"{files}/a.bin", data=b"hello", headers=BINARY)
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert api.get(f"{files}/a.bin").content == b"hello"


@pytest.mark.parametrize("content_type", ["application/json", None])
def test_raw_body_of_another_type_needs_inbody(api: Session, files: str, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    refused = api.put(f"{files}/a.json", data=b"{}", headers=headers)
    assert (refused.status_code, "inbody=true" in refused.text) == (400, True)
    assert _listed(api, files) == {}
    assert api.put(f"{files}/a.json", params={"inbody": "true"}, data=b"{}", headers=headers).status_code == 200
    assert api.get(f"{files}/a.json").content == b"{}"


def test_empty_raw_body_is_500(api: Session, files: str) -> None:
    answer = api.put(f"{files}/empty", data=b"", headers={**BINARY, "Content-Length": "0"})
    assert answer.status_code == 500
    assert _listed(api, files) == {}


def test_chunked_body_without_a_length_is_500(api: Session, files: str) -> None:
    assert api.put(f"{files}/a", data=iter([b"hel", b"lo"]), headers=BINARY).status_code == 500


def test_chunked_zip_is_accepted(api: Session, files: str) -> None:
    headers = {"Content-Type": "application/zip"}
    assert api.put(f"{files}/a.zip", data=iter([_zip(a=b"x")]), headers=headers).status_code == 200
    assert _listed(api, files)["a.zip"]["Size"] == str(len(_zip(a=b"x")))


def test_multipart_takes_the_name_of_the_url_and_may_be_empty(api: Session, files: str) -> None:
    assert api.put(f"{files}/empty.txt", files={"f": ("other.txt", b"")}).status_code == 200
    assert _listed(api, files)["empty.txt"]["Size"] == "0"
    assert api.get(f"{files}/empty.txt").content == b""


def test_multipart_without_a_name_in_the_url_keeps_the_names_of_its_parts(api: Session, files: str) -> None:
    parts = [("f", ("a.txt", b"a")), ("g", ("b.txt", b"b"))]
    assert api.post(files, files=parts).status_code == 200
    assert sorted(_listed(api, files)) == ["a.txt", "b.txt"]


def test_multipart_with_inbody_is_refused(api: Session, files: str) -> None:
    # The code asks for 406 and then overwrites it with the 400 of "no data".
    assert api.put(f"{files}/a", params={"inbody": "true"}, files={"f": ("a", b"a")}).status_code == 400


def test_existing_file_is_200_with_duplicates_and_unchanged(api: Session, files: str) -> None:
    api.put(f"{files}/a.txt", data=b"first", headers=BINARY)
    answer = api.put(f"{files}/a.txt", data=b"second", headers=BINARY)
    assert (answer.status_code, answer.json()) == (200, {"duplicates": ["a.txt"]})
    assert answer.headers["Content-Type"].startswith("text/html")
    assert api.get(f"{files}/a.txt").content == b"first"


def test_overwrite_replaces_bytes_size_and_digest(api: Session, files: str) -> None:
    api.put(f"{files}/a.txt", data=b"first", headers=BINARY)
    answer = api.put(f"{files}/a.txt", params={"overwrite": "true"}, data=b"hello!", headers=BINARY)
    assert (answer.status_code, answer.text) == (200, "")
    row = _listed(api, files)["a.txt"]
    assert (row["Size"], row["digest"]) == ("6", "5a8dd3ad0756a93ded72b823b19dd877")


def test_reader_gets_200_and_nothing_is_stored(api: Session, xnat: XnatServer, project: str, files: str) -> None:
    reader = xnat.session(*xnat.new_user(project, "Collaborators"))
    answer = reader.put(f"{files}/a.txt", data=b"lost", headers=BINARY)
    assert (answer.status_code, answer.text) == (200, "")
    assert _listed(api, files) == {}


def test_member_may_upload_and_overwrite(api: Session, xnat: XnatServer, project: str, files: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    member.put(f"{files}/a.txt", data=b"first", headers=BINARY)
    member.put(f"{files}/a.txt", params={"overwrite": "true"}, data=b"second", headers=BINARY)
    assert api.get(f"{files}/a.txt").content == b"second"


def test_stranger_gets_404(xnat: XnatServer, files: str) -> None:
    stranger = xnat.session(*xnat.new_user())
    assert stranger.put(f"{files}/a.txt", data=b"a", headers=BINARY).status_code == 404


def test_upload_below_a_missing_object_is_404(api: Session, session: str) -> None:
    assert api.put(f"{session}/scans/none/resources/R/files/a", data=b"a", headers=BINARY).status_code == 404


def test_missing_resource_is_created_with_what_the_upload_says(api: Session, scan: str, files: str) -> None:
    params = {"format": "NIFTI", "content": "T1", "tags": "raw,site=1"}
    api.put(f"{files}/a.nii", params=params, data=b"a", headers=BINARY)
    resource = api.get(f"{scan}/resources").json()["ResultSet"]["Result"][0]
    assert (resource["label"], resource["format"], resource["content"]) == ("R", "NIFTI", "T1")
    row = _listed(api, files)["a.nii"]
    assert (row["file_format"], row["file_content"], row["file_tags"]) == ("NIFTI", "T1", "raw,site=1")


def test_upload_also_relabels_a_resource_that_is_there(api: Session, scan: str, files: str) -> None:
    api.put(f"{scan}/resources/R", params={"format": "DICOM"})
    api.put(f"{files}/a.nii", params={"format": "NIFTI"}, data=b"a", headers=BINARY)
    assert api.get(f"{scan}/resources").json()["ResultSet"]["Result"][0]["format"] == "NIFTI"


def test_nested_path_is_kept_and_name_is_its_last_part(api: Session, files: str) -> None:
    api.put(f"{files}/sub/dir/a.txt", data=b"a", headers=BINARY)
    assert _listed(api, files)["sub/dir/a.txt"]["Name"] == "a.txt"


def test_name_is_decoded_only_if_it_holds_a_blank_or_a_plus(api: Session, files: str) -> None:
    for name in ("a%20b.txt", "%C3%A9.txt", "c%2Bd+e.txt"):
        api.put(f"{files}/{name}", data=b"a", headers=BINARY)
    assert sorted(_listed(api, files)) == ["%C3%A9.txt", "a b.txt", "c+d e.txt"]
    for name in ("a%20b.txt", "%C3%A9.txt", "c%2Bd+e.txt"):
        assert api.get(f"{files}/{name}").status_code == 200


@pytest.mark.parametrize("name", ["a%20/%2E%2E/%2E%2E/x", "%20/../../x%20"])
def test_path_cannot_leave_the_resource(api: Session, files: str, name: str) -> None:
    assert api.put(f"{files}/{name}", data=b"a", headers=BINARY).status_code == 400


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("u.zip", _zip(a=b"1", sub__b=b"22")),
        ("u.tar", _tar("w", a=b"1", sub__b=b"22")),
        ("u.tar.gz", _tar("w:gz", a=b"1", sub__b=b"22")),
        ("u.tgz", _tar("w:gz", a=b"1", sub__b=b"22")),
    ],
)
def test_archive_is_extracted_by_its_name(api: Session, files: str, name: str, packed: bytes) -> None:
    answer = api.put(f"{files}/ignored/{name}", params={"extract": "true"}, data=packed, headers=BINARY)
    assert (answer.status_code, answer.text) == (200, "")
    assert {path: row["Size"] for path, row in _listed(api, files).items()} == {"a": "1", "sub/b": "2"}
    assert api.get(f"{files}/sub/b").content == b"22"


def test_gz_is_one_file_without_its_ending(api: Session, files: str) -> None:
    packed = gzip.compress(b"nifti")
    api.put(f"{files}/a.nii.gz", params={"extract": "true"}, data=packed, headers=BINARY)
    assert api.get(f"{files}/a.nii").content == b"nifti"


def test_other_name_is_not_extracted(api: Session, files: str) -> None:
    api.put(f"{files}/a.bin", params={"extract": "true"}, data=_zip(a=b"1"), headers=BINARY)
    assert list(_listed(api, files)) == ["a.bin"]


def test_extraction_reports_files_that_are_there_and_keeps_them(api: Session, files: str) -> None:
    api.put(f"{files}/a", data=b"old", headers=BINARY)
    answer = api.put(f"{files}/u.zip", params={"extract": "true"}, data=_zip(a=b"new", b=b"b"), headers=BINARY)
    assert answer.json() == {"duplicates": ["a"]}
    assert sorted(_listed(api, files)) == ["a", "b"]
    assert api.get(f"{files}/a").content == b"old"


def test_broken_archive_is_500(api: Session, files: str) -> None:
    assert api.put(f"{files}/u.zip", params={"extract": "true"}, data=b"no zip", headers=BINARY).status_code == 500


def test_archive_cannot_write_outside_the_resource(api: Session, files: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../outside", b"x")
    answer = api.put(f"{files}/u.zip", params={"extract": "true"}, data=packed.getvalue(), headers=BINARY)
    assert answer.status_code >= 400
    assert _listed(api, files) == {}


def test_catalog_itself_cannot_be_overwritten(api: Session, scan: str, files: str) -> None:
    api.put(f"{files}/a.bin", data=b"x", headers=BINARY)
    answer = api.put(f"{files}/R_catalog.xml", params={"overwrite": "true"}, data=b"x", headers=BINARY)
    assert answer.status_code == 500


@pytest.mark.practice_xnat("changes a setting of the site")
@pytest.mark.rule("digests-only-with-checksums", "digests-later")
def test_digest_is_empty_while_checksums_are_off_and_filled_in_by_the_next_upload(
    api: Session, xnat: XnatServer, files: str
) -> None:
    with _setting(xnat, checksums=False):
        api.put(f"{files}/off.txt", data=b"hello", headers=BINARY)
        assert _listed(api, files)["off.txt"]["digest"] == ""
    api.put(f"{files}/on.txt", data=b"other", headers=BINARY)
    assert _listed(api, files)["off.txt"]["digest"] == "5d41402abc4b2a76b9719d911017c592"


@pytest.mark.practice_xnat("changes a setting of the site")
@pytest.mark.rule("digest-of-the-old-content")
def test_file_that_is_overwritten_without_checksums_keeps_the_digest_of_what_it_was(
    api: Session, xnat: XnatServer, files: str
) -> None:
    api.put(f"{files}/a", data=b"hello", headers=BINARY)
    with _setting(xnat, checksums=False):
        api.put(f"{files}/a", params={"overwrite": "true"}, data=b"other", headers=BINARY)
    row = _listed(api, files)["a"]
    assert (row["digest"], api.get(f"{files}/a").content) == ("5d41402abc4b2a76b9719d911017c592", b"other")


@pytest.mark.practice_xnat("makes the server's disk full")
def test_full_disk_is_500_and_leaves_a_part_that_counts_as_a_duplicate(
    api: Session, xnat: XnatServer, scan: str, files: str
) -> None:
    api.put(f"{scan}/resources/R")
    with xnat.faults.disk_full_after(1000):
        answer = api.put(f"{files}/big.bin", data=b"x" * 5000, headers=BINARY)
    assert (answer.status_code, "No space left on device" in answer.text) == (500, True)
    assert _listed(api, files) == {}
    assert api.put(f"{files}/big.bin", data=b"x" * 5000, headers=BINARY).json() == {"duplicates": ["big.bin"]}
    assert _listed(api, files) == {}
    api.put(f"{files}/big.bin", params={"overwrite": "true"}, data=b"x" * 5000, headers=BINARY)
    assert _listed(api, files)["big.bin"]["Size"] == "5000"


@pytest.mark.practice_xnat("measures the memory of the server's own process")
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
