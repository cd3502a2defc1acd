"""XNAT's contract, section 6: resource folders and their catalogs."""

from __future__ import annotations

import pytest
from xnat_twin.testing import Session, XnatServer

COLUMNS = ["xnat_abstractresource_id", "label", "element_name", "category", "cat_id", "cat_desc", "file_count",
           "file_size", "tags", "content", "format"]  # fmt: skip
TEXT = {"Content-Type": "text/plain"}


def _rows(api: Session, owner: str, **params: str) -> list[dict[str, str]]:
    return list(api.get(f"{owner}/resources", params=params).json()["ResultSet"]["Result"])


def test_new_is_200_and_empty_existing_is_409_and_unchanged(api: Session, scan: str) -> None:
    first = api.put(f"{scan}/resources/NIFTI", params={"format": "NIFTI", "content": "T1"})
    assert (first.status_code, first.text) == (200, "")
    second = api.put(f"{scan}/resources/NIFTI", params={"format": "OTHER"})
    assert (second.status_code, "Specified resource already exists." in second.text) == (409, True)
    assert _rows(api, scan)[0]["format"] == "NIFTI"


@pytest.mark.parametrize("level", ["project", "subject", "session", "scan"])
def test_every_level_has_resources(api: Session, project: str, scan: str, level: str) -> None:
    owner = {
        "project": f"/data/projects/{project}",
        "subject": f"/data/projects/{project}/subjects/S1",
        "session": scan.removesuffix("/scans/1"),
        "scan": scan,
    }[level]
    assert api.put(f"{owner}/resources/R").status_code == 200
    assert api.put(f"{owner}/resources/R/files/a.txt", data=b"a", headers=TEXT).status_code == 200
    row = _rows(api, owner)[0]
    assert (row["label"], row["file_count"], row["file_size"]) == ("R", "1", "1")


def test_list_columns(api: Session, scan: str) -> None:
    api.put(f"{scan}/resources/R", params={"tags": "a,b"})
    row = _rows(api, scan, columns="label")[0]
    assert list(row) == COLUMNS
    assert (row["element_name"], row["category"], row["cat_id"], row["tags"]) == (
        "xnat:resourceCatalog", "scans", "1", "a,b"
    )  # fmt: skip


def test_all_adds_the_resources_of_scans(api: Session, session: str, scan: str) -> None:
    api.put(f"{session}/resources/S")
    api.put(f"{scan}/resources/R")
    assert [row["label"] for row in _rows(api, session)] == ["S"]
    assert [row["label"] for row in _rows(api, session, all="true")] == ["S", "R"]


def test_resource_is_its_catalog_whatever_the_format(api: Session, scan: str) -> None:
    api.put(f"{scan}/resources/R/files/a.txt", params={"tags": "t"}, data=b"a", headers=TEXT)
    for form in ("json", "xml", "csv"):
        document = api.get(f"{scan}/resources/R", params={"format": form}).text
        assert document.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<cat:Catalog ')
        assert '<cat:entry URI="a.txt" ID="a.txt" name="a.txt"' in document
        assert "<cat:tag>t</cat:tag>" in document


def test_number_can_stand_for_the_label(api: Session, scan: str) -> None:
    api.put(f"{scan}/resources/R")
    number = _rows(api, scan)[0]["xnat_abstractresource_id"]
    assert api.get(f"{scan}/resources/{number}").status_code == 200
    assert api.put(f"{scan}/resources/{number}").status_code == 409


def test_missing_resource_is_404_and_its_file_list_empty(api: Session, scan: str) -> None:
    assert api.get(f"{scan}/resources/none").status_code == 404
    listing = api.get(f"{scan}/resources/none/files")
    assert (listing.status_code, listing.json()["ResultSet"]["Result"]) == (200, [])


def test_path_behind_a_resource_is_400(api: Session, scan: str) -> None:
    api.put(f"{scan}/resources/R")
    assert api.get(f"{scan}/resources/R/bogus").status_code == 400


def test_delete_is_200_even_if_there_is_nothing(api: Session, scan: str) -> None:
    api.put(f"{scan}/resources/R")
    assert [api.delete(f"{scan}/resources/R").status_code for _ in range(2)] == [200, 200]
    assert _rows(api, scan) == []


def test_member_may_create_but_not_delete(xnat: XnatServer, project: str, scan: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.put(f"{scan}/resources/R").status_code == 200
    assert member.delete(f"{scan}/resources/R").status_code == 403


def test_reader_may_not_create(xnat: XnatServer, project: str, scan: str) -> None:
    reader = xnat.session(*xnat.new_user(project, "Collaborators"))
    assert reader.put(f"{scan}/resources/R").status_code == 403


def test_get_below_a_missing_experiment_shows_the_subjects_resources(api: Session, project: str) -> None:
    subject = f"/data/projects/{project}/subjects/S1"
    api.put(subject)
    api.put(f"{subject}/resources/OF_SUBJECT")
    wrong = f"{subject}/experiments/none"
    assert [row["label"] for row in _rows(api, wrong)] == ["OF_SUBJECT"]
    assert api.head(f"{wrong}/resources").status_code == 404
    assert api.put(f"{wrong}/resources/R").status_code == 404
    assert api.delete(f"{wrong}/resources/OF_SUBJECT").status_code == 404


def test_get_below_a_missing_scan_shows_the_subjects_resources(api: Session, project: str, session: str) -> None:
    subject = f"/data/projects/{project}/subjects/S1"
    api.put(f"{subject}/resources/OF_SUBJECT")
    assert [row["label"] for row in _rows(api, f"{session}/scans/none")] == ["OF_SUBJECT"]
    assert api.put(f"{session}/scans/none/resources/R").status_code == 404


def test_missing_scan_without_a_project_in_the_path_is_404(api: Session, session: str) -> None:
    identifier = api.put(session).text
    assert api.get(f"/data/experiments/{identifier}/scans/none/resources").status_code == 404


def test_unlabelled_resource_gets_a_number(api: Session, session: str) -> None:
    answer = api.post(f"{session}/resources")
    assert answer.status_code == 200
    assert answer.text.rpartition("/")[2].isdecimal()
    assert _rows(api, session)[0]["label"] == ""
