"""XNAT's contract, section 5: scans."""

from __future__ import annotations

from typing import Any

import pytest
from xnat_twin.testing import Session, XnatServer

MR = {"xsiType": "xnat:mrScanData", "type": "T1"}


def _item(api: Session, path: str) -> dict[str, Any]:
    return dict(api.get(path, params={"format": "json"}).json()["items"][0])


def test_put_is_always_200_and_empty(api: Session, session: str) -> None:
    for _ in range(2):
        answer = api.put(f"{session}/scans/1", params=MR)
        assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 417),
        ({"xsiType": "xnat:imageScanData"}, 400),
        ({"xsiType": "xnat:mrSessionData"}, 400),
        ({"xsiType": "xnat:noSuchData"}, 400),
        ({"xnat:mrScanData/note": "the type is in the path"}, 200),
    ],
)
def test_new_scan_needs_the_type_of_a_modality(api: Session, session: str, params: dict[str, str], status: int) -> None:
    assert api.put(f"{session}/scans/1", params=params).status_code == status


def test_bare_put_of_an_existing_scan_changes_nothing(api: Session, scan: str) -> None:
    before = _item(api, scan)
    assert api.put(scan).status_code == 200
    assert _item(api, scan) == before


def test_other_type_for_an_existing_scan_is_409(api: Session, scan: str) -> None:
    answer = api.put(scan, params={"xsiType": "xnat:petScanData"})
    assert answer.status_code == 409
    assert "Specified xsiType differs from existing xsiType" in answer.text


def test_xpath_of_another_modality_is_silently_ignored(api: Session, scan: str) -> None:
    assert api.put(scan, params={"xnat:ctScanData/note": "lost"}).status_code == 200
    assert "note" not in _item(api, scan)["data_fields"]


def test_xpath_of_the_abstract_scan_works(api: Session, scan: str) -> None:
    api.put(scan, params={"xnat:imageScanData/note": "kept"})
    assert _item(api, scan)["data_fields"]["note"] == "kept"


def test_fields_are_typed_and_those_not_mentioned_stay(api: Session, scan: str) -> None:
    api.put(scan, params={"frames": "176", "quality": "usable", "xnat:mrScanData/parameters/tr": "2.3"})
    api.put(scan, params={"quality": "questionable"})
    fields = _item(api, scan)["data_fields"]
    assert (fields["frames"], fields["quality"], fields["parameters/tr"]) == (176, "questionable", 2.3)
    assert fields["type"] == "T1"


def test_additional_parameters_are_list_entries(api: Session, scan: str) -> None:
    api.put(scan, params={"xnat:mrScanData/parameters/addParam[name=N]/addField": "V"})
    children = {child["field"]: child["items"] for child in _item(api, scan)["children"]}
    assert children["parameters/addParam"][0]["data_fields"].items() >= {"name": "N", "addField": "V"}.items()


def test_missing_session_is_not_a_place_for_scans(api: Session, project: str) -> None:
    path = f"/data/projects/{project}/subjects/S1/experiments/none/scans/1"
    assert api.put(path, params=MR).status_code == 417
    assert api.get(path).status_code == 404


def test_id_in_the_request_wins_over_the_address(api: Session, session: str) -> None:
    api.put(f"{session}/scans/1", params={**MR, "ID": "2"})
    assert api.get(f"{session}/scans/1").status_code == 404
    assert api.get(f"{session}/scans/2").status_code == 200


def test_id_with_illegal_characters_fails_late(api: Session, session: str) -> None:
    assert api.put(f"{session}/scans/1.a", params=MR).status_code == 500


def test_list_columns(api: Session, scan: str) -> None:
    row = api.get(scan.rpartition("/")[0]).json()["ResultSet"]["Result"][0]
    assert list(row) == [
        "xnat_imagescandata_id", "ID", "type", "quality", "xsiType", "note", "series_description", "URI"
    ]  # fmt: skip
    assert row["URI"].endswith("/scans/1")


def test_post_takes_the_type_of_the_session_and_a_free_id(api: Session, session: str) -> None:
    answer = api.post(f"{session}/scans", params={"type": "T1"})
    assert answer.status_code == 200
    assert answer.text.endswith(f"{session}/scans/1")
    assert _item(api, f"{session}/scans/1")["meta"]["xsi:type"] == "xnat:mrScanData"
    assert api.post(f"{session}/scans", params={"ID": "1"}).status_code == 409


def test_delete_is_200_then_404_and_400_with_more_path(api: Session, scan: str) -> None:
    assert api.delete(f"{scan}/more").status_code == 400
    assert [api.delete(scan).status_code for _ in range(2)] == [200, 404]


def test_member_may_edit_but_not_delete_a_scan(xnat: XnatServer, project: str, scan: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.put(scan, params={"note": "n"}).status_code == 200
    assert member.delete(scan).status_code == 403


def test_reader_may_not_edit_a_scan(xnat: XnatServer, project: str, scan: str) -> None:
    reader = xnat.session(*xnat.new_user(project, "Collaborators"))
    assert reader.put(scan, params={"note": "n"}).status_code == 403


def test_resources_of_scans_are_selected_by_id_or_type_or_all(api: Session, session: str) -> None:
    for number, kind in (("1", "T1"), ("2", "T2"), ("3", "1")):
        api.put(f"{session}/scans/{number}", params={"xsiType": "xnat:mrScanData", "type": kind})
        data = {"Content-Type": "text/plain"}
        api.put(f"{session}/scans/{number}/resources/R/files/{number}.txt", data=b"x", headers=data)

    def names(selector: str) -> list[str]:
        rows = api.get(f"{session}/scans/{selector}/files").json()["ResultSet"]["Result"]
        return sorted(row["Name"] for row in rows)

    assert names("ALL") == ["1.txt", "2.txt", "3.txt"]
    assert names("T2") == ["2.txt"]
    assert names("T1,T2") == ["1.txt", "2.txt"]
    assert names("1") == ["1.txt", "3.txt"], "an ID that is also another scan's type is ambiguous"
