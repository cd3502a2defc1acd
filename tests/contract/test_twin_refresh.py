"""XNAT's contract, section 7.6: catalogs that are made to agree with the files on the disk again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import requests
from file_helpers import TEXT, names_of
from xnat_twin.resources.files.refresh import RefreshCatalog
from xnat_twin.storage.locks import locked
from xnat_twin.testing import Session, XnatServer

SERVICE = "/data/services/refresh/catalog"


@pytest.fixture
def files(api: Session, scan: str) -> str:
    """A resource with `kept.txt` in its catalog, and `lost.txt` that is on the disk only."""
    path = f"{scan}/resources/R/files"
    for name in ("kept.txt", "lost.txt"):
        api.put(f"{path}/{name}", data=name.encode(), headers=TEXT).raise_for_status()
    api.delete(f"{path}/lost.txt", params={"removeFiles": "false"}).raise_for_status()
    return path


def _refresh(api: Session, *uris: str, **params: str) -> requests.Response:
    return api.post(SERVICE, params=[*(("resource", uri) for uri in uris), *params.items()])


def _archive(path: str) -> str:
    return "/archive" + path.removeprefix("/data").partition("/resources/")[0]


def _folder(xnat: XnatServer, project: str) -> Path:
    return next(xnat.archive.glob(f"{project}/**/R_catalog.xml")).parent


@pytest.mark.rule("refresh-append")
def test_append_registers_what_is_on_the_disk(api: Session, files: str) -> None:
    answer = _refresh(api, _archive(files), options="append")
    assert (answer.status_code, answer.content) == (200, b"")
    assert names_of(api, files) == ["kept.txt", "lost.txt"]
    row = next(row for row in api.get(files).json()["ResultSet"]["Result"] if row["Name"] == "lost.txt")
    assert (row["Size"], row["digest"]) == ("8", ""), "no digest without checksum"


@pytest.mark.rule("refresh-checksum")
def test_checksum_fills_in_digests(api: Session, files: str) -> None:
    _refresh(api, _archive(files), append="true", checksum="true")
    row = next(row for row in api.get(files).json()["ResultSet"]["Result"] if row["Name"] == "lost.txt")
    assert row["digest"] == hashlib.md5(b"lost.txt").hexdigest()  # noqa: S324


@pytest.mark.practice_xnat("changes a file behind the server's back")
@pytest.mark.rule("refresh-checksum", "refresh-corrects")
def test_changed_file_gets_its_new_size_always_and_its_new_digest_with_checksum(
    api: Session, xnat: XnatServer, project: str, files: str
) -> None:
    (_folder(xnat, project) / "kept.txt").write_bytes(b"changed")

    def row() -> dict[str, str]:
        return next(row for row in api.get(files).json()["ResultSet"]["Result"] if row["Name"] == "kept.txt")

    _refresh(api, _archive(files), options="append")
    assert (row()["Size"], row()["digest"]) == ("7", hashlib.md5(b"kept.txt").hexdigest())  # noqa: S324
    _refresh(api, _archive(files), options="checksum")
    assert row()["digest"] == hashlib.md5(b"changed").hexdigest()  # noqa: S324


@pytest.mark.practice_xnat("deletes a file behind the server's back")
@pytest.mark.rule("refresh-delete")
def test_delete_drops_entries_without_a_file(api: Session, xnat: XnatServer, project: str, files: str) -> None:
    (_folder(xnat, project) / "kept.txt").unlink()
    _refresh(api, _archive(files), options="append")
    assert names_of(api, files) == ["kept.txt", "lost.txt"]
    _refresh(api, _archive(files), options="delete")
    assert names_of(api, files) == ["lost.txt"]


@pytest.mark.rule("refresh-stats")
def test_stats_follow_only_if_asked_for(api: Session, scan: str, files: str) -> None:
    def counted() -> str:
        return str(api.get(f"{scan}/resources").json()["ResultSet"]["Result"][0]["file_count"])

    _refresh(api, _archive(files), options="append")
    assert counted() == "1"
    _refresh(api, _archive(files), options="populateStats")
    assert counted() == "2"


@pytest.mark.practice_xnat("deletes a file behind the server's back")
@pytest.mark.rule("refresh-all-by-default")
@pytest.mark.parametrize("params", [{}, {"options": "bogus"}, {"append": "false"}])
def test_nothing_asked_for_is_everything_with_delete(
    api: Session, xnat: XnatServer, project: str, files: str, params: dict[str, str]
) -> None:
    (_folder(xnat, project) / "kept.txt").unlink()
    _refresh(api, _archive(files), **params)
    assert names_of(api, files) == ["lost.txt"]


@pytest.mark.rule("refresh-paths")
@pytest.mark.parametrize(
    "uri",
    [
        "/archive/projects/{project}/experiments/S1_MRI",
        "/archive/projects/{project}/subjects/S1/experiments/S1_MRI",
        "/archive/projects/{project}/subjects/S1/experiments/S1_MRI/scans/1",
        "/archive/projects/{project}/subjects/S1/experiments/S1_MRI/scans/1/resources/R",
        "/archive/experiments/{id}",
        "/archive/experiments/{id}/scans/1",
        "/archive/experiments/{id}/scans/1/resources/R",
        "/archive/experiments/{id}/scans/1/resources/R/files",
        "/data/archive/experiments/{id}",
    ],
)
def test_everything_below_the_uri_is_refreshed(api: Session, project: str, session: str, files: str, uri: str) -> None:
    answer = _refresh(api, uri.format(project=project, id=api.put(session).text), options="append")
    assert answer.status_code == 200
    assert names_of(api, files) == ["kept.txt", "lost.txt"]


@pytest.mark.rule("refresh-paths")
@pytest.mark.parametrize("uri", ["/archive/projects/{project}", "/archive/projects/{project}/subjects/S1"])
def test_subject_and_project_have_only_their_own_resources_refreshed(
    api: Session, project: str, files: str, uri: str
) -> None:
    assert _refresh(api, uri.format(project=project), options="append").status_code == 200
    assert names_of(api, files) == ["kept.txt"]


@pytest.mark.rule("refresh-several")
def test_several_resources_are_refreshed_one_after_the_other(api: Session, session: str, files: str) -> None:
    uris = [_archive(session), _archive(files)]
    assert _refresh(api, *uris, options="append").status_code == 200
    assert names_of(api, files) == ["kept.txt", "lost.txt"]
    assert _refresh(api).status_code == 200, "none at all is fine, too"


@pytest.mark.rule("refresh-bad-uri")
@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("nonsense", "Malformed URI"),
        ("/experiments/X", "Malformed URI"),
        ("/archive", "Invalid URI"),
        ("/archive/experiments/none", "Cannot locate archivable item"),
        ("/archive/projects/{project}/experiments/S1_MRI/scans/1", "Malformed URI"),
        ("/archive/projects/{project}/experiments/S1_MRI/resources/R/files/a.txt", "is a file"),
    ],
)
def test_malformed_or_unknown_uri_is_400(api: Session, project: str, session: str, uri: str, message: str) -> None:
    answer = _refresh(api, uri.format(project=project))
    assert (answer.status_code, message in answer.text) == (400, True)


@pytest.mark.rule("refresh-missing-scan")
def test_missing_scan_is_500_and_missing_resource_is_200(api: Session, session: str, files: str) -> None:
    base = _archive(session)
    assert _refresh(api, f"{base}/scans/none").status_code == 500
    assert _refresh(api, f"{base}/scans/1/resources/none").status_code == 200


@pytest.mark.rule("refresh-number")
def test_number_of_a_resource_that_has_a_label_names_nothing(api: Session, scan: str, files: str) -> None:
    number = api.get(f"{scan}/resources").json()["ResultSet"]["Result"][0]["xnat_abstractresource_id"]
    assert _refresh(api, f"{_archive(files)}/resources/{number}", options="append").status_code == 200
    assert names_of(api, files) == ["kept.txt"]


@pytest.mark.rule("refresh-rights")
@pytest.mark.parametrize("group", ["Collaborators", None])
def test_without_the_right_to_edit_it_is_403(
    xnat: XnatServer, project: str, session: str, files: str, group: str | None
) -> None:
    user = xnat.session(*(xnat.new_user(project, group) if group else xnat.new_user()))
    assert _refresh(user, _archive(files)).status_code == 403


@pytest.mark.practice_xnat("puts a second catalog behind the server's back")
@pytest.mark.rule("refresh-two-catalogs")
def test_second_catalog_in_the_folder_stops_the_refresh(
    api: Session, xnat: XnatServer, project: str, files: str
) -> None:
    (_folder(xnat, project) / "other.xml").write_text("<cat:Catalog/>")
    assert _refresh(api, _archive(files)).status_code == 200
    assert names_of(api, files) == ["kept.txt"]


@pytest.mark.practice_xnat("lets another writer win, once")
@pytest.mark.rule("refresh-conflict")
def test_catalog_that_changed_meanwhile_is_500(api: Session, xnat: XnatServer, files: str) -> None:
    xnat.faults.conflict_once()
    assert _refresh(api, _archive(files), options="append").status_code == 500


@pytest.mark.practice_xnat("holds the server's own lock")
@pytest.mark.rule("refresh-lock")
def test_lock_that_is_not_obtained_is_still_200(
    api: Session, xnat: XnatServer, project: str, files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RefreshCatalog, "patience", 0.1)
    catalog = _folder(xnat, project) / "R_catalog.xml"
    with locked(catalog.with_name("R_catalog.xml.refresh"), 1):
        assert _refresh(api, _archive(files), options="append").status_code == 200
    assert names_of(api, files) == ["kept.txt"]
