"""XNAT's contract, sections 7.3 and 7.5: lists of files, and their deletion."""

from __future__ import annotations

import hashlib

import pytest
from file_helpers import listed, put, stored
from xnat_twin.testing import Session, XnatServer

COLUMNS = ["Name", "Size", "URI", "collection", "file_tags", "file_format", "file_content", "cat_ID", "digest"]


@pytest.fixture
def files(api: Session, scan: str) -> str:
    """A resource with `a.txt`, `a.txt.bak`, `sub/b.txt` and `sub/deep/c.txt`."""
    path = f"{scan}/resources/R/files"
    for name in ("a.txt", "a.txt.bak", "sub/b.txt", "sub/deep/c.txt"):
        put(api, f"{path}/{name}", name.encode()).raise_for_status()
    return path


@pytest.mark.rule("file-list-columns")
def test_list_columns_and_no_total(api: Session, files: str) -> None:
    result = api.get(files, params={"columns": "Name"}).json()["ResultSet"]
    assert list(result["Result"][0]) == COLUMNS
    assert (result["Columns"], result["title"]) == ([{"key": "URI", "serverRoot": ""}], "Files")
    assert "totalRecords" not in result


@pytest.mark.rule("file-list-columns")
def test_csv_has_the_same_columns(api: Session, files: str) -> None:
    assert api.get(files, params={"format": "csv"}).text.split("\n")[0].split(",") == COLUMNS


@pytest.mark.rule("file-list-uris")
def test_uris_of_a_list_have_ids_and_lead_to_the_files(api: Session, session: str, files: str) -> None:
    identifier = api.put(session).text
    row = api.get(f"/data/experiments/{identifier}/scans/1/resources/R/files").json()["ResultSet"]["Result"][0]
    assert row["URI"].startswith(f"/data/experiments/{identifier}/scans/1/resources/{row['cat_ID']}/files/")
    assert row["Name"] == row["URI"].rpartition("/")[2]
    assert hashlib.md5(api.get(row["URI"]).content).hexdigest() == row["digest"]  # noqa: S324


@pytest.mark.rule("file-list-uris")
def test_named_resource_has_the_subject_in_its_uris_if_the_path_has_it(
    api: Session, project: str, session: str, files: str
) -> None:
    identifier = api.put(session).text
    subject = api.put(f"/data/projects/{project}/subjects/S1").text
    named, short = (
        api.get(path).json()["ResultSet"]["Result"][0]["URI"] for path in (files, f"{session}/scans/1/files")
    )
    assert named.startswith(f"/data/projects/{project}/subjects/{subject}/experiments/{identifier}/scans/1/resources/")
    assert short.startswith(f"/data/experiments/{identifier}/scans/1/resources/")


@pytest.mark.rule("file-list-levels")
def test_every_level_lists_its_files(api: Session, project: str, session: str, files: str) -> None:
    home, identifier = f"/data/projects/{project}", api.put(session).text
    subject = api.put(f"{home}/subjects/S1").text
    api.put(f"{session}/scans/2", params={"xsiType": "xnat:mrScanData", "type": "T2"}).raise_for_status()
    owners = {
        home: home,
        f"{home}/subjects/S1": f"{home}/subjects/{subject}",
        session: f"/data/experiments/{identifier}",
        f"{session}/scans/2": f"/data/experiments/{identifier}/scans/2",
    }
    for owner, uri in owners.items():
        put(api, f"{owner}/resources/X/files/x.txt").raise_for_status()
        (row,) = api.get(f"{owner}/files").json()["ResultSet"]["Result"]
        assert row["URI"] == f"{uri}/resources/{row['cat_ID']}/files/x.txt"
    assert len(api.get(f"{session}/scans/ALL/files").json()["ResultSet"]["Result"]) == 5
    everything = api.get(f"{session}/files", params={"all": "true"}).json()["ResultSet"]["Result"]
    assert len(everything) == 6


@pytest.mark.rule("missing-resource-is-empty")
def test_list_of_a_missing_resource_is_empty(api: Session, scan: str) -> None:
    listing = api.get(f"{scan}/resources/none/files")
    assert (listing.status_code, listing.json()["ResultSet"]["Result"]) == (200, [])


@pytest.mark.rule("folder-list")
def test_folder_is_listed_with_a_trailing_slash(api: Session, files: str) -> None:
    assert sorted(listed(api, f"{files}/sub/")) == ["sub/b.txt", "sub/deep/c.txt"]
    assert listed(api, f"{files}/none/") == {}


@pytest.mark.rule("recursive-false")
def test_recursive_false_is_upside_down(api: Session, files: str) -> None:
    assert list(listed(api, f"{files}/sub/", recursive="false")) == ["sub/deep/c.txt"]


@pytest.mark.rule("file-filters", "index")
def test_list_is_filtered_by_format_and_content(api: Session, files: str) -> None:
    put(api, f"{files}/n.nii", b"n", format="NIFTI", content="T1")
    put(api, f"{files}/o.nii", b"o", format="NIFTI", content="T2")
    assert sorted(listed(api, files, file_format="NIFTI")) == ["n.nii", "o.nii"]
    assert sorted(listed(api, f"{files}?file_content=T1&file_content=T2")) == ["n.nii", "o.nii"]
    assert sorted(listed(api, files, file_content="NULL")) == ["a.txt", "a.txt.bak", "sub/b.txt", "sub/deep/c.txt"]
    assert api.get(files, params={"file_format": "NIFTI", "index": "1"}).content == b"o"
    assert api.get(files, params={"file_format": "NIFTI", "index": "2"}).status_code == 404
    assert api.get(files, params={"index": "0"}).status_code == 404


@pytest.mark.rule("file-format-null")
def test_filter_for_no_format_finds_nothing(api: Session, files: str) -> None:
    assert listed(api, files, file_format="NULL") == {}


@pytest.mark.rule("repeatable-values-not-escaped")
def test_filter_is_not_escaped_as_what_is_stored_is(api: Session, files: str) -> None:
    put(api, f"{files}/x", content="A&B")
    assert listed(api, files)["x"]["file_content"] == "A&amp;B"
    assert listed(api, files, file_content="A&B") == {}
    assert list(listed(api, files, file_content="A&amp;B")) == ["x"]


@pytest.mark.rule("locator")
@pytest.mark.practice_xnat("knows where the server has its archive")
def test_locator_replaces_the_uri_by_a_path_on_the_server(
    api: Session, xnat: XnatServer, project: str, files: str
) -> None:
    file = stored(xnat, project, "b.txt")
    paths = {"absolutePath": str(file), "projectpath": str(file.relative_to(xnat.archive / project))}
    for locator, path in paths.items():
        result = api.get(files, params={"locator": locator}).json()["ResultSet"]
        column = {"projectpath": "projectPath"}.get(locator, locator)
        assert [row[column] for row in result["Result"] if row["Name"] == "b.txt"] == [path]
        assert "URI" not in result["Result"][0]
        assert result["Columns"] == [{"key": "URI", "serverRoot": ""}]


@pytest.mark.practice_xnat("changes and deletes files behind the server's back")
@pytest.mark.rule("list-is-the-catalog")
def test_list_says_what_the_catalog_says_and_not_the_disk(
    api: Session, xnat: XnatServer, project: str, files: str
) -> None:
    stored(xnat, project, "a.txt").unlink()
    stored(xnat, project, "b.txt").write_bytes(b"longer than before")
    assert (listed(api, files)["a.txt"]["Size"], listed(api, files)["sub/b.txt"]["Size"]) == ("5", "9")


@pytest.mark.rule("file-delete-prefix")
def test_delete_takes_everything_that_starts_with_the_name(api: Session, files: str) -> None:
    assert api.delete(f"{files}/a.txt").status_code == 200
    assert sorted(listed(api, files)) == ["sub/b.txt", "sub/deep/c.txt"]


@pytest.mark.rule("file-delete-prefix")
def test_delete_of_a_folder_takes_its_files(api: Session, files: str) -> None:
    api.delete(f"{files}/sub")
    assert sorted(listed(api, files)) == ["a.txt", "a.txt.bak"]


@pytest.mark.rule("file-delete-prefix")
def test_delete_without_a_name_takes_all(api: Session, files: str) -> None:
    assert api.delete(files).status_code == 200
    assert listed(api, files) == {}


@pytest.mark.rule("delete-by-pattern")
def test_delete_with_a_star_at_the_end_is_a_regular_expression(api: Session, files: str) -> None:
    api.delete(f"{files}/.*deep*")
    assert sorted(listed(api, files)) == ["a.txt", "a.txt.bak", "sub/b.txt"]


@pytest.mark.rule("delete-of-nothing")
def test_delete_of_nothing_is_404_and_of_no_resource_400(api: Session, scan: str, files: str) -> None:
    answer = api.delete(f"{files}/none")
    assert (answer.status_code, "No matched files" in answer.text) == (404, True)
    assert api.delete(f"{files}/none", params={"accept-not-found": "true"}).status_code == 204
    assert api.delete(f"{scan}/resources/none/files/a.txt").status_code == 400
    assert api.delete(f"{scan}/files/a.txt").status_code == 400


@pytest.mark.rule("member-may-not-delete")
def test_member_may_not_delete_files(xnat: XnatServer, project: str, files: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.delete(f"{files}/a.txt").status_code == 403


@pytest.mark.rule("delete-keeps-bytes")
def test_delete_can_keep_the_bytes_which_then_count_as_a_duplicate(api: Session, files: str) -> None:
    api.delete(f"{files}/a.txt", params={"removeFiles": "false"})
    assert "a.txt" not in listed(api, files)
    assert put(api, f"{files}/a.txt", b"new").json() == {"duplicates": ["a.txt"]}


@pytest.mark.rule("delete-empties-folder")
def test_folder_goes_with_its_last_file_and_its_name_is_free(api: Session, files: str) -> None:
    api.delete(f"{files}/sub/deep").raise_for_status()
    assert put(api, f"{files}/sub/deep", b"a file now").text == ""


@pytest.mark.rule("file-counts")
def test_counts_of_the_resource_follow(api: Session, scan: str, files: str) -> None:
    api.delete(f"{files}/a.txt")
    row = api.get(f"{scan}/resources").json()["ResultSet"]["Result"][0]
    assert (row["file_count"], row["file_size"]) == ("2", str(len("sub/b.txt") + len("sub/deep/c.txt")))


@pytest.mark.rule("expression-without-end")
@pytest.mark.practice_xnat("a real server would be busy for years")
def test_expression_without_end_is_given_up_and_keeps_nobody_waiting(api: Session, files: str) -> None:
    name = "a" * 60
    put(api, f"{files}/{name}").raise_for_status()
    for method in ("GET", "DELETE"):
        answer = api.request(method, f"{files}/(a+)+b*", params={"format": "zip"})
        assert answer.status_code == 500
    assert name in listed(api, files)
    assert api.delete(f"{files}/(a+)+*").status_code == 200
    assert name not in listed(api, files)
