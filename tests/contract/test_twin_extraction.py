"""XNAT's contract, sections 7.1 and 7.2: archives that are unpacked on arrival, and the names of files."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from file_helpers import listed, put, raw_get, tar_of, zip_of
from xnat_twin.testing import Session, XnatServer

MEMBERS = {"a": b"1", "sub/b": b"22"}


@pytest.fixture
def files(scan: str) -> str:
    return f"{scan}/resources/R/files"


@pytest.mark.rule("extract-by-name", "extract-to-the-root")
@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("u.zip", zip_of(MEMBERS)),
        ("u.ZIP", zip_of(MEMBERS)),
        ("u.zar", zip_of(MEMBERS)),
        ("u.xar", zip_of(MEMBERS)),
        ("u.tar", tar_of(MEMBERS)),
        ("u.tar.gz", tar_of(MEMBERS, "w:gz")),
        ("u.tgz", tar_of(MEMBERS, "w:gz")),
    ],
)
def test_archive_is_extracted_by_its_name_at_the_root_of_the_resource(
    api: Session, files: str, name: str, packed: bytes
) -> None:
    answer = put(api, f"{files}/ignored/{name}", packed, extract="true")
    assert (answer.status_code, answer.text) == (200, "")
    assert {path: row["Size"] for path, row in listed(api, files).items()} == {"a": "1", "sub/b": "2"}
    assert api.get(f"{files}/sub/b").content == b"22"


@pytest.mark.rule("extract-by-name")
def test_gz_is_one_file_without_its_ending(api: Session, files: str) -> None:
    put(api, f"{files}/a.nii.gz", gzip.compress(b"nifti"), extract="true")
    assert api.get(f"{files}/a.nii").content == b"nifti"


@pytest.mark.rule("extract-by-name")
def test_gz_of_several_parts_is_extracted_as_a_whole(api: Session, files: str) -> None:
    packed = gzip.compress(b"one") + gzip.compress(b"two")
    for name, rest in (("a", b""), ("b", b"\0" * 100), ("c", b"rest" * 200_000)):
        assert put(api, f"{files}/{name}.txt.gz", packed + rest, extract="true").text == ""
        assert api.get(f"{files}/{name}.txt").content == b"onetwo"


@pytest.mark.rule("extract-by-name")
def test_other_name_is_not_extracted(api: Session, files: str) -> None:
    put(api, f"{files}/a.bin", zip_of(MEMBERS), extract="true")
    assert list(listed(api, files)) == ["a.bin"]


@pytest.mark.rule("extract-link")
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_link_in_a_tar_becomes_an_empty_file(api: Session, files: str, kind: bytes) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        link = tarfile.TarInfo("scan.nii.gz")
        link.type, link.linkname = kind, "elsewhere/scan.nii.gz"
        archive.addfile(link)
    assert put(api, f"{files}/u.tgz", packed.getvalue(), extract="true").status_code == 200
    assert {path: row["Size"] for path, row in listed(api, files).items()} == {"scan.nii.gz": "0"}
    assert api.get(f"{files}/scan.nii.gz").content == b""


@pytest.mark.rule("extract-duplicates")
def test_extraction_reports_files_that_are_there_and_keeps_them(api: Session, files: str) -> None:
    put(api, f"{files}/a", b"old")
    answer = put(api, f"{files}/u.zip", zip_of({"a": b"new", "b": b"b"}), extract="true")
    assert answer.json() == {"duplicates": ["a"]}
    assert sorted(listed(api, files)) == ["a", "b"]
    assert api.get(f"{files}/a").content == b"old"


@pytest.mark.rule("not-catalogued")
def test_catalogs_and_lock_files_of_an_archive_are_stored_and_not_catalogued(api: Session, files: str) -> None:
    members = {"other_catalog.xml": b"<x/>", "sub/.~lock-a": b"", "a": b"a"}
    put(api, f"{files}/u.zip", zip_of(members), extract="true")
    assert list(listed(api, files)) == ["a"]
    again = put(api, f"{files}/u.zip", zip_of({"sub/.~lock-a": b""}), extract="true")
    assert again.json() == {"duplicates": ["sub/.~lock-a"]}


@pytest.mark.rule("broken-archive")
@pytest.mark.parametrize("name", ["u.zip", "u.tar", "u.tgz", "u.gz"])
def test_broken_archive_is_500(api: Session, files: str, name: str) -> None:
    assert put(api, f"{files}/{name}", b"no archive", extract="true").status_code == 500


@pytest.mark.rule("broken-archive")
def test_encrypted_zip_is_500_and_says_so(api: Session, files: str) -> None:
    packed = bytearray(zip_of({"a": b"x"}))
    packed[6] |= 1
    packed[packed.find(b"PK\x01\x02") + 8] |= 1
    answer = put(api, f"{files}/u.zip", bytes(packed), extract="true")
    assert answer.status_code == 500
    assert "encrypted" in answer.text


@pytest.mark.rule("catalog-in-an-archive")
@pytest.mark.practice_xnat("which files a catalog may name is this server's own rule")
def test_catalog_in_an_archive_leads_to_no_other_files(api: Session, scan: str, files: str) -> None:
    put(api, f"{files}/a", b"a")
    entries = "".join(f'<cat:entry URI="{uri}" name="x"/>' for uri in ("/etc/passwd", "../../secret", "a"))
    catalog = (
        f'<cat:Catalog xmlns:cat="http://nrg.wustl.edu/catalog"><cat:entries>{entries}</cat:entries></cat:Catalog>'
    )
    put(api, f"{files}/u.zip", zip_of({"R_catalog.xml": catalog.encode()}), extract="true", overwrite="true")
    assert list(listed(api, files)) == ["a"]
    assert b"passwd" not in api.get(files, params={"format": "zip"}).content
    assert api.delete(f"{scan}/resources/R").status_code == 200


@pytest.mark.rule("names-fit-into-xml")
@pytest.mark.practice_xnat("what a real server does with such names is not known")
def test_name_that_no_xml_can_hold_is_400_and_leaves_the_resource_intact(api: Session, files: str) -> None:
    put(api, f"{files}/a", b"a")
    assert put(api, f"{files}/%20%01b").status_code == 400
    assert put(api, f"{files}/u.zip", zip_of({"b\x01": b"x"}), extract="true").status_code == 400
    assert put(api, f"{files}/c", content="\x01", description="\x0b", tags="\x02").status_code == 200
    assert sorted(listed(api, files)) == ["a", "c"]


@pytest.mark.rule("path-stays-inside")
def test_archive_cannot_write_outside_the_resource(api: Session, files: str) -> None:
    answer = put(api, f"{files}/u.zip", zip_of({"../../outside": b"x"}), extract="true")
    assert answer.status_code >= 400
    assert listed(api, files) == {}


@pytest.mark.rule("path-stays-inside")
@pytest.mark.parametrize("name", ["a%20/%2E%2E/%2E%2E/x", "%20/../../x%20"])
def test_path_cannot_leave_the_resource(api: Session, files: str, name: str) -> None:
    assert put(api, f"{files}/{name}").status_code == 400


@pytest.mark.rule("nested-paths")
def test_nested_path_is_kept_and_name_is_its_last_part(api: Session, files: str) -> None:
    put(api, f"{files}/sub/dir/a.txt")
    assert listed(api, files)["sub/dir/a.txt"]["Name"] == "a.txt"


@pytest.mark.rule("file-name-decoding", "name-lookup")
def test_name_is_decoded_only_if_it_holds_a_blank_or_a_plus(api: Session, files: str) -> None:
    names = ("a%20b.txt", "%C3%A9.txt", "c%2Bd+e.txt", "%23x.txt")
    for name in names:
        put(api, f"{files}/{name}")
    assert sorted(listed(api, files)) == ["%23x.txt", "%C3%A9.txt", "a b.txt", "c+d e.txt"]
    for name in names:
        assert api.get(f"{files}/{name}").status_code == 200


@pytest.mark.rule("name-lookup")
def test_entry_is_also_found_by_its_decoded_name(api: Session, xnat: XnatServer, files: str) -> None:
    put(api, f"{files}/a.txt", b"plain")
    assert raw_get(xnat, f"{files}/%61.txt") == (200, b"plain")
