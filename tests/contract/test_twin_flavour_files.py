"""XNAT's contract, section 12: what XNAT 1.6 does otherwise with files, and that 1.8 does as later versions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from file_helpers import half_sent, listed, put, tar_of, zip_of
from xnat_twin.testing import Practice, Session, XnatServer

Files = Callable[[str], tuple[XnatServer, Session, str]]


@pytest.fixture
def files_of(practice: Practice) -> Files:
    """A maker of (server, administrator, path of files) for a version; the resource has `a` and `a.bak`."""

    def make(flavour: str) -> tuple[XnatServer, Session, str]:
        server = practice(flavour=flavour)
        api = server.session()
        session = f"/data/projects/{server.new_project()}/subjects/S1/experiments/S1_MRI"
        api.put(session, params={"xsiType": "xnat:mrSessionData"}).raise_for_status()
        path = f"{session}/resources/R/files"
        for name in ("a", "a.bak"):
            put(api, f"{path}/{name}", name.encode()).raise_for_status()
        return server, api, path

    return make


@pytest.mark.rule("delete-exactly-1-6")
def test_1_6_deletes_the_one_file_and_is_silent_about_none(files_of: Files) -> None:
    _, api, files = files_of("1.6")
    assert api.delete(f"{files}/a").status_code == 200
    assert list(listed(api, files)) == ["a.bak"]
    assert api.delete(f"{files}/a").status_code == 200
    nowhere = files.replace("/resources/R/", "/resources/none/")
    assert api.delete(f"{nowhere}/a").status_code == 200, "not even the resource has to be there"
    assert list(listed(api, files)) == ["a.bak"]


@pytest.mark.rule("delete-exactly-1-6")
def test_1_6_deletes_a_folder_with_a_slash_at_the_end_and_a_pattern(files_of: Files) -> None:
    _, api, files = files_of("1.6")
    for name in ("sub/x", "sub/y", "other"):
        put(api, f"{files}/{name}")
    api.delete(f"{files}/sub")
    assert len(listed(api, files)) == 5
    api.delete(f"{files}/sub/")
    assert sorted(listed(api, files)) == ["a", "a.bak", "other"]
    api.delete(f"{files}/a*")
    assert list(listed(api, files)) == ["other"]


@pytest.mark.rule("delete-exactly-1-6")
def test_1_6_does_not_delete_what_is_not_on_the_disk(files_of: Files) -> None:
    server, api, files = files_of("1.6")
    next(server.archive.glob(f"{files.split('/')[3]}/**/a")).unlink()
    answer = api.delete(f"{files}/a")
    assert (answer.status_code, "File missing" in answer.text) == (404, True)
    assert "a" in listed(api, files)


@pytest.mark.rule("file-delete-prefix")
def test_1_8_deletes_by_prefix(files_of: Files) -> None:
    _, api, files = files_of("1.8")
    assert api.delete(f"{files}/a").status_code == 200
    assert listed(api, files) == {}
    assert api.delete(f"{files}/a").status_code == 404


@pytest.mark.rule("name-as-sent-1-6", "file-name-decoding")
@pytest.mark.parametrize(("flavour", "name"), [("1.6", "x%20y%2Bz"), ("1.8", "x y+z")])
def test_names_are_decoded_since_1_8(files_of: Files, flavour: str, name: str) -> None:
    _, api, files = files_of(flavour)
    put(api, f"{files}/x%20y%2Bz", b"content")
    assert name in listed(api, files)
    assert api.get(f"{files}/x%20y%2Bz").content == b"content"


@pytest.mark.rule("extract-zip-only-1-6", "extract-by-name")
@pytest.mark.parametrize(("flavour", "names"), [("1.6", ["u.tar", "z"]), ("1.8", ["t", "z"])])
def test_1_6_unpacks_zip_only(files_of: Files, flavour: str, names: list[str]) -> None:
    _, api, files = files_of(flavour)
    put(api, f"{files}/u.zip", zip_of({"z": b"z"}), extract="true")
    put(api, f"{files}/u.tar", tar_of({"t": b"t"}), extract="true")
    assert sorted(set(listed(api, files)) - {"a", "a.bak"}) == names


@pytest.mark.rule("file-tags-1-6", "file-tags")
@pytest.mark.parametrize(("flavour", "tags"), [("1.6", "k=v,t1,t2"), ("1.8", "t1,k=v,t2")])
def test_1_6_takes_tags_apart_and_lists_fields_first(files_of: Files, flavour: str, tags: str) -> None:
    _, api, files = files_of(flavour)
    put(api, f"{files}/tagged", tags="t1,k=v,t2")
    assert listed(api, files)["tagged"]["file_tags"] == tags


@pytest.mark.rule("catalog-conflict-1-6", "catalog-conflict")
@pytest.mark.parametrize(("flavour", "status", "left"), [("1.6", 200, "slow"), ("1.8", 500, "quick")])
def test_second_of_two_writers_wins_in_1_6_and_the_entry_of_the_first_is_lost(
    files_of: Files, flavour: str, status: int, left: str
) -> None:
    server, api, files = files_of(flavour)
    with half_sent(server, f"{files}/slow", 20) as slow:
        put(api, f"{files}/quick").raise_for_status()
        slow.send(b"x" * 10)
        assert slow.getresponse().status == status
    assert sorted(set(listed(api, files)) - {"a", "a.bak"}) == [left]
    names = {file.name for file in server.archive.glob(f"{files.split('/')[3]}/**/R/*")}
    assert {"slow", "quick"} <= names, "both files are on the disk"
