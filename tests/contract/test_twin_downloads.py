"""XNAT's contract, section 7.4: one file or a part of it; files of several resources; insides of zip files."""

from __future__ import annotations

import pytest
from file_helpers import listed, put, stored, zip_of
from xnat_twin.testing import Session, XnatServer


@pytest.fixture
def files(api: Session, scan: str) -> str:
    """A resource with `a.txt` and `sub/b.txt`, whose content is their path."""
    path = f"{scan}/resources/R/files"
    for name in ("a.txt", "sub/b.txt"):
        put(api, f"{path}/{name}", name.encode()).raise_for_status()
    return path


@pytest.mark.rule("download-headers")
def test_download_headers(api: Session, files: str) -> None:
    headers = api.get(f"{files}/a.txt").headers
    assert headers["Content-Length"] == "5"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Cache-Control"] == "must-revalidate"
    assert headers["Content-Disposition"] == 'attachment; filename="a.txt";'
    assert "Last-Modified" in headers
    assert not {"ETag", "Content-MD5", "Digest"} & set(headers)


@pytest.mark.rule("download-type")
@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.xml", "text/xml"), ("a.jpeg", "image/jpeg"), ("a.nii.gz", "application/octet-stream"),
     ("A.TXT", "application/octet-stream")],
)  # fmt: skip
def test_type_comes_from_the_ending_in_small_letters(api: Session, files: str, name: str, media_type: str) -> None:
    put(api, f"{files}/{name}").raise_for_status()
    assert api.get(f"{files}/{name}").headers["Content-Type"].partition(";")[0] == media_type


@pytest.mark.rule("download-head")
def test_head_has_the_headers_of_get_and_no_body(api: Session, files: str) -> None:
    answer = api.head(f"{files}/a.txt")
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "5", b"")


@pytest.mark.rule("head-has-no-range")
def test_head_does_not_know_ranges(api: Session, files: str) -> None:
    answer = api.head(f"{files}/a.txt", headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "5")


@pytest.mark.rule("one-range")
@pytest.mark.parametrize(("wanted", "content"), [("bytes=1-3", b".tx"), ("bytes=2-", b"txt"), ("bytes=-3", b"txt")])
def test_one_range_is_served(api: Session, files: str, wanted: str, content: bytes) -> None:
    answer = api.get(f"{files}/a.txt", headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (206, content)
    assert answer.headers["Content-Range"].endswith("/5")


@pytest.mark.rule("several-ranges")
def test_several_ranges_are_501(api: Session, files: str) -> None:
    assert api.get(f"{files}/a.txt", headers={"Range": "bytes=0-1,3-4"}).status_code == 501


@pytest.mark.rule("range-behind-the-end")
def test_range_behind_the_end_is_416(api: Session, files: str) -> None:
    assert api.get(f"{files}/a.txt", headers={"Range": "bytes=9-"}).status_code == 416


@pytest.mark.rule("unmodified-file")
def test_unchanged_file_is_304(api: Session, files: str) -> None:
    since = api.get(f"{files}/a.txt").headers["Last-Modified"]
    assert api.get(f"{files}/a.txt", headers={"If-Modified-Since": since}).status_code == 304
    assert api.get(f"{files}/a.txt", headers={"If-Modified-Since": "Tue, 01 Jan 2019 00:00:00 GMT"}).status_code == 200


@pytest.mark.rule("missing-file", "accept-not-found")
def test_missing_file_is_404_or_204(api: Session, files: str) -> None:
    answer = api.get(f"{files}/none")
    assert (answer.status_code, "Unable to find catalog entry for given uri." in answer.text) == (404, True)
    assert api.get(f"{files}/none", params={"accept-not-found": "true"}).status_code == 204


@pytest.mark.practice_xnat("deletes a file behind the server's back")
@pytest.mark.rule("missing-file")
def test_file_that_is_only_in_the_catalog_is_listed_but_404(
    api: Session, xnat: XnatServer, project: str, files: str
) -> None:
    stored(xnat, project, "a.txt").unlink()
    assert "a.txt" in listed(api, files)
    answer = api.get(f"{files}/a.txt")
    assert (answer.status_code, "Unable to find file." in answer.text) == (404, True)


@pytest.mark.rule("short-form")
def test_short_form_finds_the_file_of_the_only_resource(api: Session, scan: str, files: str) -> None:
    assert api.get(f"{scan}/files/a.txt").content == b"a.txt"
    answer = api.get(f"{scan}/files/none")
    assert (answer.status_code, "Unable to find file." in answer.text) == (404, True)


@pytest.mark.rule("short-form-of-several")
def test_short_form_looks_into_one_of_several_resources_only(api: Session, scan: str, files: str) -> None:
    put(api, f"{scan}/resources/X/files/of_x", b"x")
    put(api, f"{scan}/resources/Y/files/of_y", b"y")
    found = [api.get(f"{scan}/files/{name}").status_code for name in ("a.txt", "of_x", "of_y")]
    assert sorted(found) == [200, 404, 404]


@pytest.mark.rule("short-form-folders")
def test_short_form_has_no_lists_of_folders(api: Session, scan: str, files: str) -> None:
    put(api, f"{files}/sub/c.txt", b"c")
    assert api.get(f"{scan}/files/sub/").status_code == 404
    api.delete(f"{files}/sub/c.txt")
    assert api.get(f"{scan}/files/sub/").content == b"sub/b.txt", "but gives the only file of one"


@pytest.mark.rule("index-of-several")
def test_short_form_needs_no_filter_for_an_index(api: Session, scan: str, files: str) -> None:
    assert api.get(f"{scan}/files", params={"index": "1"}).content == b"sub/b.txt"
    assert api.get(f"{scan}/files", params={"index": "2"}).status_code == 404
    assert api.get(f"{scan}/files", params={"index": "one"}).status_code == 500


@pytest.fixture
def packed(api: Session, files: str) -> str:
    """`data.zip` in the same resource, with `in.txt` and `a b/deep.xml`."""
    path = f"{files}/data.zip"
    put(api, path, zip_of({"in.txt": b"inside", "a b/deep.xml": b"<x/>"})).raise_for_status()
    return path


@pytest.mark.rule("zip-contents")
def test_contents_of_a_zip_file_are_listed(api: Session, packed: str) -> None:
    result = api.get(packed, params={"listContents": "true"}).json()["ResultSet"]
    assert result["Result"] == [{"File Name": "in.txt", "Size": "6"}, {"File Name": "a b/deep.xml", "Size": "4"}]
    assert api.get(packed).content.startswith(b"PK")


@pytest.mark.rule("zip-contents")
def test_contents_of_an_empty_zip_file_are_an_empty_list_of_files(api: Session, files: str) -> None:
    put(api, f"{files}/empty.zip", zip_of({}))
    assert api.get(f"{files}/empty.zip", params={"listContents": "true"}).json()["ResultSet"]["Result"] == []


@pytest.mark.rule("zip-by-name")
def test_name_that_contains_zip_is_taken_for_one_and_is_415(api: Session, files: str) -> None:
    put(api, f"{files}/myzip.txt", b"no zip")
    assert api.get(f"{files}/myzip.txt", params={"listContents": "true"}).status_code == 415
    assert api.get(f"{files}/a.txt", params={"listContents": "true"}).content == b"a.txt"


@pytest.mark.rule("zip-entry")
@pytest.mark.parametrize("divider", ["/", "!"])
def test_entry_of_a_zip_file_is_a_path_behind_it(api: Session, packed: str, divider: str) -> None:
    answer = api.get(f"{packed}{divider}in.txt")
    assert (answer.status_code, answer.content) == (200, b"inside")
    assert answer.headers["Content-Type"].partition(";")[0] == "text/plain"
    assert not {"Content-Length", "Content-Disposition", "Last-Modified"} & set(answer.headers)
    assert api.get(f"{packed}{divider}a%20b/deep.xml").content == b"<x/>"


@pytest.mark.rule("zip-entry")
@pytest.mark.practice_xnat("a real server does not protect browsers")
def test_browser_does_not_run_an_entry_of_a_zip_file(api: Session, packed: str) -> None:
    assert api.get(f"{packed}/in.txt").headers["Content-Security-Policy"] == "sandbox"


@pytest.mark.rule("zip-entry", "accept-not-found")
def test_missing_entry_is_404_or_204(api: Session, packed: str) -> None:
    assert api.get(f"{packed}/none").status_code == 404
    assert api.get(f"{packed}!/in.txt").status_code == 404
    assert api.get(f"{packed}/none", params={"accept-not-found": "true"}).status_code == 204


@pytest.mark.rule("zip-entry-oddities")
def test_capitals_and_nothing_behind_the_zip_file_are_500(api: Session, files: str, packed: str) -> None:
    put(api, f"{files}/DATA.ZIP", zip_of({"in.txt": b"inside"}))
    assert api.get(f"{files}/DATA.ZIP/in.txt").status_code == 500
    assert api.get(f"{packed}/").status_code == 500


@pytest.mark.rule("zip-folder")
def test_file_in_a_folder_that_is_called_like_a_zip_file_cannot_be_had_by_name(api: Session, files: str) -> None:
    put(api, f"{files}/old.zip/a.txt")
    assert "old.zip/a.txt" in listed(api, files)
    assert api.get(f"{files}/old.zip/a.txt").status_code == 404


@pytest.mark.practice_xnat("changes a setting of the site")
@pytest.mark.rule("zip-extensions")
def test_site_says_which_endings_are_zip_files(api: Session, xnat: XnatServer, files: str) -> None:
    put(api, f"{files}/data.xar", zip_of({"in.txt": b"inside"}))
    assert api.get(f"{files}/data.xar/in.txt").status_code == 404
    with xnat.settings(zipExtensions="zip, xar"):
        assert api.get(f"{files}/data.xar/in.txt").content == b"inside"
