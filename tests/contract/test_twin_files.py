"""XNAT's contract, sections 7.3 to 7.5: listing, downloading and deleting files."""

from __future__ import annotations

import hashlib

import pytest
from xnat_twin.testing import Session, XnatServer

COLUMNS = ["Name", "Size", "URI", "collection", "file_tags", "file_format", "file_content", "cat_ID", "digest"]


@pytest.fixture
def files(api: Session, scan: str) -> str:
    """A resource with `a.txt`, `a.txt.bak`, `sub/b.txt` and `sub/deep/c.txt`."""
    path = f"{scan}/resources/R/files"
    for name in ("a.txt", "a.txt.bak", "sub/b.txt", "sub/deep/c.txt"):
        api.put(f"{path}/{name}", data=name.encode(), headers={"Content-Type": "text/plain"}).raise_for_status()
    return path


def _paths(api: Session, path: str, **params: str) -> list[str]:
    rows = api.get(path, params=params).json()["ResultSet"]["Result"]
    return sorted(row["URI"].partition("/files/")[2] for row in rows)


def test_list_columns_and_no_total(api: Session, files: str) -> None:
    result = api.get(files, params={"columns": "Name"}).json()["ResultSet"]
    assert list(result["Result"][0]) == COLUMNS
    assert result["Columns"][0]["key"] == "URI"
    assert "totalRecords" not in result


def test_uris_of_a_list_have_ids_and_lead_to_the_files(api: Session, session: str, files: str) -> None:
    identifier = api.put(session).text
    row = api.get(f"/data/experiments/{identifier}/scans/1/files").json()["ResultSet"]["Result"][0]
    assert row["URI"].startswith(f"/data/experiments/{identifier}/scans/1/resources/{row['cat_ID']}/files/")
    assert hashlib.md5(api.get(row["URI"]).content).hexdigest() == row["digest"]  # noqa: S324


def test_csv_has_the_same_columns(api: Session, files: str) -> None:
    assert api.get(files, params={"format": "csv"}).text.split("\n")[0].split(",") == COLUMNS


def test_folder_is_listed_with_a_trailing_slash(api: Session, files: str) -> None:
    assert _paths(api, f"{files}/sub/") == ["sub/b.txt", "sub/deep/c.txt"]
    assert api.get(f"{files}/none/").json()["ResultSet"]["Result"] == []


def test_recursive_false_is_upside_down(api: Session, files: str) -> None:
    assert _paths(api, f"{files}/sub/", recursive="false") == ["sub/deep/c.txt"]


def test_list_is_filtered_by_format_and_content(api: Session, files: str) -> None:
    headers = {"Content-Type": "text/plain"}
    api.put(f"{files}/n.nii", params={"format": "NIFTI", "content": "T1"}, data=b"n", headers=headers)
    assert _paths(api, files, file_format="NIFTI") == ["n.nii"]
    assert _paths(api, files, file_content="NULL") == ["a.txt", "a.txt.bak", "sub/b.txt", "sub/deep/c.txt"]
    assert api.get(files, params={"file_format": "NIFTI", "index": "0"}).content == b"n"
    assert api.get(files, params={"index": "0"}).status_code == 404


def test_download_headers(api: Session, files: str) -> None:
    headers = api.get(f"{files}/a.txt").headers
    assert headers["Content-Length"] == "5"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Content-Disposition"] == 'attachment; filename="a.txt";'
    assert headers["Content-Type"].startswith("text/plain")
    assert "ETag" not in headers


def test_head_has_the_headers_of_get_and_no_body(api: Session, files: str) -> None:
    answer = api.head(f"{files}/a.txt")
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "5", b"")


@pytest.mark.parametrize(
    ("wanted", "status", "content"),
    [("bytes=1-3", 206, b".tx"), ("bytes=2-", 206, b"txt"), ("bytes=-3", 206, b"txt"), ("bytes=9-", 416, None),
     ("bytes=0-1,3-4", 501, None)],
)  # fmt: skip
def test_one_range_is_served(api: Session, files: str, wanted: str, status: int, content: bytes | None) -> None:
    answer = api.get(f"{files}/a.txt", headers={"Range": wanted})
    assert answer.status_code == status
    assert content is None or answer.content == content


def test_unchanged_file_is_304(api: Session, files: str) -> None:
    since = api.get(f"{files}/a.txt").headers["Last-Modified"]
    assert api.get(f"{files}/a.txt", headers={"If-Modified-Since": since}).status_code == 304


def test_missing_file_is_404_or_204(api: Session, files: str) -> None:
    answer = api.get(f"{files}/none")
    assert (answer.status_code, "Unable to find catalog entry for given uri." in answer.text) == (404, True)
    assert api.get(f"{files}/none", params={"accept-not-found": "true"}).status_code == 204


@pytest.mark.practice_xnat("deletes a file behind the server's back")
def test_file_that_is_only_in_the_catalog_is_listed_but_404(api: Session, xnat: XnatServer, files: str) -> None:
    next(xnat.archive.glob(f"{files.split('/')[3]}/**/a.txt")).unlink()
    assert "a.txt" in _paths(api, files)
    answer = api.get(f"{files}/a.txt")
    assert (answer.status_code, "Unable to find file." in answer.text) == (404, True)


def test_short_form_searches_all_resources(api: Session, scan: str, files: str) -> None:
    assert api.get(f"{scan}/files/a.txt").content == b"a.txt"


def test_delete_takes_everything_that_starts_with_the_name(api: Session, files: str) -> None:
    assert api.delete(f"{files}/a.txt").status_code == 200
    assert _paths(api, files) == ["sub/b.txt", "sub/deep/c.txt"]


def test_delete_of_a_folder_takes_its_files(api: Session, files: str) -> None:
    api.delete(f"{files}/sub")
    assert _paths(api, files) == ["a.txt", "a.txt.bak"]


def test_delete_without_a_name_takes_all(api: Session, files: str) -> None:
    assert api.delete(files).status_code == 200
    assert _paths(api, files) == []


def test_delete_with_a_star_at_the_end_is_a_regular_expression(api: Session, files: str) -> None:
    api.delete(f"{files}/.*deep*")
    assert _paths(api, files) == ["a.txt", "a.txt.bak", "sub/b.txt"]


def test_delete_of_nothing_is_404_and_of_no_resource_400(api: Session, scan: str, files: str) -> None:
    answer = api.delete(f"{files}/none")
    assert (answer.status_code, "No matched files" in answer.text) == (404, True)
    assert api.delete(f"{scan}/resources/none/files/a.txt").status_code == 400


def test_member_may_not_delete_files(xnat: XnatServer, project: str, files: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.delete(f"{files}/a.txt").status_code == 403


def test_delete_can_keep_the_bytes_which_then_count_as_a_duplicate(api: Session, files: str) -> None:
    api.delete(f"{files}/a.txt", params={"removeFiles": "false"})
    assert "a.txt" not in _paths(api, files)
    answer = api.put(f"{files}/a.txt", data=b"new", headers={"Content-Type": "text/plain"})
    assert answer.json() == {"duplicates": ["a.txt"]}


def test_counts_of_the_resource_follow(api: Session, scan: str, files: str) -> None:
    api.delete(f"{files}/a.txt")
    row = api.get(f"{scan}/resources").json()["ResultSet"]["Result"][0]
    assert (row["file_count"], row["file_size"]) == ("2", str(len("sub/b.txt") + len("sub/deep/c.txt")))
