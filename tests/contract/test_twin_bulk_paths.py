"""XNAT's contract, section 8: the four structures of a downloaded archive, with what they do to names by accident."""

from __future__ import annotations

import pytest
import requests
from file_helpers import TEXT, zipped
from xnat_twin.testing import Session


def _upload(api: Session, owner: str, *names: str, label: str = "R") -> None:
    for name in names:
        api.put(f"{owner}/resources/{label}/files/{name}", data=b"x", headers=TEXT).raise_for_status()


def _names(api: Session, path: str, **params: str) -> list[str]:
    return sorted(zipped(api, f"{path}/files", **params).namelist())


@pytest.mark.rule("bulk-type-in-default")
def test_folder_that_is_called_like_the_scan_is_renamed_with_it(api: Session, scan: str) -> None:
    _upload(api, scan, "1/a")
    assert _names(api, scan) == ["S1_MRI/scans/1-T1/resources/R/files/1-T1/a"]


@pytest.mark.rule("bulk-type-in-default")
def test_scan_without_a_type_keeps_its_id(api: Session, session: str) -> None:
    api.put(f"{session}/scans/3", params={"xsiType": "xnat:mrScanData"}).raise_for_status()
    _upload(api, f"{session}/scans/3", "a")
    assert _names(api, f"{session}/scans/3") == ["S1_MRI/scans/3/resources/R/files/a"]


@pytest.mark.rule("bulk-id-in-names")
def test_accession_id_becomes_the_label_even_in_file_names(api: Session, session: str) -> None:
    identifier = api.put(session).text
    _upload(api, session, f"{identifier}.txt")
    assert _names(api, session) == ["S1_MRI/resources/R/files/S1_MRI.txt"]


@pytest.mark.rule("bulk-simplified")
def test_simplified_removes_files_and_resources_everywhere(api: Session, scan: str) -> None:
    _upload(api, scan, "a", "files2/b", "resources/c")
    assert _names(api, scan, structure="simplified") == [
        "S1_MRI/scans/1/R/a",
        "S1_MRI/scans/1/R/c",
        "S1_MRI/scans/1/R2/b",
    ]


@pytest.mark.rule("bulk-improved")
def test_improved_has_no_folder_of_the_session(api: Session, scan: str) -> None:
    _upload(api, scan, "sub/a")
    assert _names(api, scan, structure="improved") == ["scans/1_T1/R/sub/a"]


@pytest.mark.rule("bulk-improved")
def test_improved_in_a_tar_has_no_type(api: Session, scan: str) -> None:
    _upload(api, scan, "sub/a")
    answer = api.get(f"{scan}/files", params={"format": "tar", "structure": "improved"})
    assert answer.content.startswith(b"scans/1/R/sub/a\0")


@pytest.mark.rule("bulk-improved-files-folder")
def test_improved_forgets_folders_above_one_called_files(api: Session, scan: str) -> None:
    _upload(api, scan, "sub/files/a")
    assert _names(api, scan, structure="improved") == ["scans/1_T1/R/a"]


@pytest.mark.rule("bulk-improved-session")
def test_improved_calls_a_sessions_own_resources_by_its_id(api: Session, session: str) -> None:
    _upload(api, session, "a")
    identifier = api.put(session).text
    assert _names(api, session, structure="improved") == [f"resources/{identifier}_ /R/a"]
    assert _names(api, session, structure="improved", all="true") == ["resources/R/a"]


@pytest.mark.rule("bulk-legacy")
def test_legacy_is_the_path_in_the_archive_from_the_session_on(api: Session, scan: str) -> None:
    _upload(api, scan, "sub/a")
    assert _names(api, scan, structure="legacy") == ["S1_MRI/SCANS/1/R/sub/a"]


@pytest.mark.rule("bulk-project-in-path")
def test_project_and_subject_can_be_put_above_a_scan_only(api: Session, project: str, session: str, scan: str) -> None:
    wanted = {"projectIncludedInPath": "true", "subjectIncludedInPath": "true"}
    _upload(api, scan, "a")
    _upload(api, session, "b")
    assert _names(api, scan, **wanted) == [f"{project}/S1/S1_MRI/scans/1-T1/resources/R/files/a"]
    assert _names(api, session, **wanted) == ["S1_MRI/resources/R/files/b"]


@pytest.mark.rule("bulk-duplicate-entries")
def test_two_files_with_one_path_break_a_zip_off(api: Session, scan: str) -> None:
    _upload(api, scan, "files/a", "a")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        api.get(f"{scan}/files", params={"format": "zip", "structure": "simplified"})


@pytest.mark.rule("bulk-unlabelled")
def test_resource_without_a_label_is_called_by_its_number(api: Session, session: str) -> None:
    number = api.post(f"{session}/resources").text.rpartition("/")[2]
    _upload(api, session, "a", label=number)
    assert _names(api, session) == [f"S1_MRI/resources/{number}/files/a"]
    assert _names(api, session, structure="simplified") == [f"S1_MRI/{number}/a"]
