"""XNAT's contract, section 7.1: tags, counts, files of the server's own disk, and what is kept of replaced ones."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from file_helpers import half_sent, listed, put, stored, wait_until, zip_of
from xnat_twin.testing import Session, XnatServer


@pytest.fixture
def files(scan: str) -> str:
    return f"{scan}/resources/R/files"


def _counted(api: Session, scan: str) -> str:
    return str(api.get(f"{scan}/resources").json()["ResultSet"]["Result"][0]["file_count"])


@pytest.mark.rule("file-tags")
def test_tags_parameter_is_one_tag_with_its_commas(api: Session, scan: str, files: str) -> None:
    put(api, f"{files}/a", tags="t1,k=v")
    assert "<cat:tag>t1,k=v</cat:tag>" in api.get(f"{scan}/resources/R").text
    assert listed(api, files)["a"]["file_tags"] == "t1,k=v"


@pytest.mark.rule("file-tags-again")
def test_overwriting_adds_the_tags_once_more(api: Session, files: str) -> None:
    put(api, f"{files}/a", tags="t")
    put(api, f"{files}/a", tags="t", overwrite="true")
    assert listed(api, files)["a"]["file_tags"] == "t,t"


@pytest.mark.rule("update-stats")
@pytest.mark.parametrize(("value", "count"), [("false", "1"), ("yes", "1"), ("", "1"), ("TRUE", "2"), ("1", "2")])
def test_counts_stand_still_with_any_other_update_stats_than_true(
    api: Session, scan: str, files: str, value: str, count: str
) -> None:
    put(api, f"{files}/a")
    put(api, f"{files}/b", **{"update-stats": value})
    assert _counted(api, scan) == count
    assert sorted(listed(api, files)) == ["a", "b"]


@pytest.mark.rule("update-stats")
def test_new_resource_is_counted_all_the_same(api: Session, scan: str, files: str) -> None:
    put(api, f"{files}/a", **{"update-stats": "false"})
    assert _counted(api, scan) == "1"


@pytest.mark.rule("event-parameters")
def test_event_parameters_are_taken_and_do_not_matter(api: Session, files: str) -> None:
    events = {f"event_{name}": "x" for name in ("reason", "action", "type", "comment")}
    assert put(api, f"{files}/a", **events).text == ""
    assert list(listed(api, files)) == ["a"]


@pytest.mark.rule("upload-cut-short")
def test_part_of_an_upload_that_broke_off_stays_and_counts_as_a_duplicate(
    api: Session, xnat: XnatServer, project: str, scan: str, files: str
) -> None:
    api.put(f"{scan}/resources/R").raise_for_status()
    with half_sent(xnat, f"{files}/cut.bin", 1_000_000):
        pass
    if xnat.is_practice:
        wait_until(lambda: stored(xnat, project, "cut.bin").stat().st_size == 500_000)
    else:
        time.sleep(0.5)
    assert listed(api, files) == {}
    assert put(api, f"{files}/cut.bin", b"whole").json() == {"duplicates": ["cut.bin"]}
    assert put(api, f"{files}/cut.bin", b"whole", overwrite="true").text == ""
    assert api.get(f"{files}/cut.bin").content == b"whole"


@pytest.fixture
def on_the_server(tmp_path: Path) -> Path:
    """A folder with `a.txt` and `sub/b.txt`, which the practice server can read."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_bytes(b"a")
    (tmp_path / "sub/b.txt").write_bytes(b"b")
    return tmp_path


@pytest.mark.practice_xnat("needs files on the server's own disk")
@pytest.mark.rule("reference")
def test_referenced_file_is_copied(api: Session, files: str, on_the_server: Path) -> None:
    answer = api.put(f"{files}/new.txt", params={"reference": str(on_the_server / "a.txt")})
    assert (answer.status_code, answer.text) == (200, "")
    assert api.get(f"{files}/new.txt").content == b"a"
    assert (on_the_server / "a.txt").exists()


@pytest.mark.practice_xnat("needs files on the server's own disk")
@pytest.mark.rule("reference")
def test_referenced_folder_comes_with_its_folders_and_duplicates_are_told(
    api: Session, files: str, on_the_server: Path
) -> None:
    assert api.put(files, params={"reference": str(on_the_server)}).text == ""
    assert sorted(listed(api, files)) == ["a.txt", "sub/b.txt"]
    again = api.put(files, params={"reference": str(on_the_server)})
    assert sorted(again.json()["duplicates"]) == ["a.txt", "sub/b.txt"]


@pytest.mark.rule("reference-missing")
def test_reference_to_nothing_is_500(api: Session, files: str) -> None:
    answer = api.put(f"{files}/a", params={"reference": "/no/such/file"})
    assert (answer.status_code, "The resource referenced does not exist: /no/such/file" in answer.text) == (500, True)


@pytest.mark.practice_xnat("needs files on the server's own disk")
@pytest.mark.rule("reference-async")
def test_later_upload_answers_with_a_number_and_is_silent_about_duplicates(
    api: Session, files: str, on_the_server: Path
) -> None:
    params = {"reference": str(on_the_server), "async": "true", "delete": "true", "notify": "a@example.org"}
    put(api, f"{files}/a.txt", b"old")
    answer = api.put(files, params=params)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert list(answer.json()) == ["workflowId"]
    assert sorted(listed(api, files)) == ["a.txt", "sub/b.txt"]
    assert api.get(f"{files}/a.txt").content == b"old"
    assert not (on_the_server / "sub/b.txt").exists()
    assert api.put(files, params={**params, "reference": str(on_the_server), "update-stats": "0"}).status_code == 500


@pytest.mark.practice_xnat("looks at the server's cache")
@pytest.mark.rule("history-of-overwritten")
@pytest.mark.parametrize("maintained", [True, False])
def test_overwritten_file_goes_to_the_history_only_if_that_is_maintained(
    api: Session, xnat: XnatServer, project: str, files: str, maintained: bool
) -> None:
    put(api, f"{files}/sub/a.txt", b"old")
    with xnat.settings(maintainFileHistory=maintained):
        put(api, f"{files}/sub/a.txt", b"new", overwrite="true")
    kept = _cached(xnat, f".history/**/{project}/**/a.txt")
    assert [file.read_bytes() for file in kept] == ([b"old"] if maintained else [])
    catalogs = _cached(xnat, f".history/**/{project}/**/R_catalog.xml")
    assert [str(kept[0]) in one.read_text() for one in catalogs] == ([True] if maintained else [])


@pytest.mark.practice_xnat("looks at the server's cache")
@pytest.mark.rule("history-of-extraction")
def test_what_an_archive_overwrites_always_goes_to_the_history(
    api: Session, xnat: XnatServer, project: str, files: str
) -> None:
    put(api, f"{files}/b.txt", b"old")
    put(api, f"{files}/u.zip", zip_of({"b.txt": b"new"}), extract="true", overwrite="true")
    assert [file.read_bytes() for file in _cached(xnat, f".history/**/{project}/**/b.txt")] == [b"old"]
    assert _cached(xnat, f".history/**/{project}/**/R_catalog.xml") == []


@pytest.mark.practice_xnat("looks at the server's cache")
@pytest.mark.rule("history-of-deleted")
def test_deleted_file_goes_to_the_history_even_if_its_bytes_are_to_be_kept(
    api: Session, xnat: XnatServer, project: str, files: str
) -> None:
    put(api, f"{files}/a.txt", b"old")
    with xnat.settings(maintainFileHistory=True):
        api.delete(f"{files}/a.txt", params={"removeFiles": "false"}).raise_for_status()
    assert [file.read_bytes() for file in _cached(xnat, f".history/**/{project}/**/a.txt")] == [b"old"]
    assert put(api, f"{files}/a.txt", b"new").text == "", "nothing is in the way"


@pytest.mark.practice_xnat("looks at the server's cache")
@pytest.mark.rule("backup-of-deleted")
@pytest.mark.parametrize("backup", [True, False])
def test_deleted_resource_goes_to_the_cache_only_if_that_is_wanted(
    api: Session, xnat: XnatServer, project: str, scan: str, files: str, backup: bool
) -> None:
    put(api, f"{files}/a.txt", b"old")
    with xnat.settings(backupDeletedToCache=backup):
        api.delete(f"{scan}/resources/R").raise_for_status()
    kept = _cached(xnat, f"DELETED/**/{project}/**/a.txt")
    assert [file.read_bytes() for file in kept] == ([b"old"] if backup else [])


@pytest.mark.rule("delete-of-a-resource-keeps-strangers")
def test_uncatalogued_file_survives_its_resource_and_is_in_the_way_of_the_next(
    api: Session, scan: str, files: str
) -> None:
    put(api, f"{files}/a.txt", b"old")
    put(api, f"{files}/b.txt", b"old")
    api.delete(f"{files}/a.txt", params={"removeFiles": "false"}).raise_for_status()
    api.delete(f"{scan}/resources/R").raise_for_status()
    assert put(api, f"{files}/b.txt", b"new").text == ""
    assert put(api, f"{files}/a.txt", b"new").json() == {"duplicates": ["a.txt"]}


def _cached(xnat: XnatServer, pattern: str) -> list[Path]:
    return list(Path(str(xnat.site.preferences["cachePath"])).glob(pattern))


@pytest.mark.practice_xnat("changes settings of the site")
@pytest.mark.rule("file-justification")
def test_site_can_demand_a_reason_for_files_which_update_stats_avoids(
    api: Session, xnat: XnatServer, scan: str, files: str
) -> None:
    api.put(f"{scan}/resources/R").raise_for_status()
    with xnat.settings(requireChangeJustification=True, showChangeJustification=True):
        answer = put(api, f"{files}/a")
        assert (answer.status_code, "Justification required." in answer.text) == (500, True)
        assert put(api, f"{files}/a", event_reason="because").text == ""
        assert put(api, f"{files}/b", **{"update-stats": "false"}).text == ""
        assert api.delete(f"{files}/a").status_code == 500
        assert api.delete(f"{files}/a", params={"event_reason": "because"}).status_code == 200
        resource = {"resource": f"/archive{scan.removeprefix('/data')}"}
        assert api.post("/data/services/refresh/catalog", params=resource).status_code == 200
    assert list(listed(api, files)) == ["b"]
