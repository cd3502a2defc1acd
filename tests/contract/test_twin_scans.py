"""XNAT's contract, section 5: scans."""

from __future__ import annotations

import pytest
from object_helpers import children_of, fields_of, item_of, rows_of
from xnat_twin.testing import Practice, Session, XnatServer

MR = {"xsiType": "xnat:mrScanData", "type": "T1"}


@pytest.fixture
def subject(api: Session, project: str) -> str:
    path = f"/data/projects/{project}/subjects/S1"
    api.put(path).raise_for_status()
    return path


@pytest.mark.rule("scan-put")
def test_put_is_always_200_and_empty(api: Session, session: str) -> None:
    for _ in range(2):
        answer = api.put(f"{session}/scans/1", params=MR)
        assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.rule("scan-needs-type")
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


@pytest.mark.rule("scan-bare-put")
def test_bare_put_of_an_existing_scan_changes_nothing(api: Session, scan: str) -> None:
    before = item_of(api, scan)
    assert api.put(scan).status_code == 200
    assert item_of(api, scan) == before


@pytest.mark.rule("scan-pull-data")
def test_bare_put_that_asks_for_headers_changes_nothing_without_dicom_files(api: Session, scan: str) -> None:
    before = fields_of(api, scan)
    assert api.put(scan, params={"pullDataFromHeaders": "true"}).status_code == 200
    assert fields_of(api, scan) == before


@pytest.mark.rule("scan-type-fixed")
def test_other_type_for_an_existing_scan_is_409(api: Session, scan: str) -> None:
    answer = api.put(scan, params={"xsiType": "xnat:petScanData"})
    assert answer.status_code == 409
    assert "Specified xsiType differs from existing xsiType" in answer.text


@pytest.mark.rule("scan-foreign-xpath")
def test_xpath_of_another_modality_is_silently_ignored(api: Session, scan: str) -> None:
    assert api.put(scan, params={"xnat:ctScanData/note": "lost"}).status_code == 200
    assert "note" not in fields_of(api, scan)


@pytest.mark.rule("scan-xpath")
def test_xpath_of_the_abstract_scan_works(api: Session, scan: str) -> None:
    api.put(scan, params={"xnat:imageScanData/note": "kept"})
    assert fields_of(api, scan)["note"] == "kept"


@pytest.mark.rule("scan-fields-stay", "scan-shortcuts", "scan-xpath")
def test_fields_are_typed_and_those_not_mentioned_stay(api: Session, scan: str) -> None:
    api.put(scan, params={"frames": "176", "quality": "usable", "xnat:mrScanData/parameters/tr": "2.3"})
    api.put(scan, params={"quality": "questionable"})
    fields = fields_of(api, scan)
    assert (fields["frames"], fields["quality"], fields["parameters/tr"]) == (176, "questionable", 2.3)
    assert fields["type"] == "T1"


@pytest.mark.rule("scan-additional-parameters")
def test_additional_parameters_are_list_entries(api: Session, scan: str) -> None:
    api.put(scan, params={"xnat:mrScanData/parameters/addParam[name=N]/addField": "V"})
    assert fields_of(api, scan, "parameters/addParam").items() >= {"name": "N", "addField": "V"}.items()


@pytest.mark.rule("scan-needs-session", "scan-get-missing")
def test_missing_session_is_not_a_place_for_scans(api: Session, project: str) -> None:
    path = f"/data/projects/{project}/subjects/S1/experiments/none/scans/1"
    assert api.put(path, params=MR).status_code == 417
    assert api.get(path).status_code == 404


@pytest.mark.rule("scan-id-wins")
def test_id_in_the_request_wins_over_the_address(api: Session, session: str) -> None:
    api.put(f"{session}/scans/1", params={**MR, "ID": "2"})
    assert api.get(f"{session}/scans/1").status_code == 404
    assert api.get(f"{session}/scans/2").status_code == 200


@pytest.mark.rule("scan-id-characters")
def test_id_with_illegal_characters_fails_late(api: Session, session: str) -> None:
    assert api.put(f"{session}/scans/1.a", params=MR).status_code == 500


@pytest.mark.rule("scan-list")
def test_list_columns(api: Session, scan: str) -> None:
    row = rows_of(api, scan.rpartition("/")[0])[0]
    assert list(row) == [
        "xnat_imagescandata_id", "ID", "type", "quality", "xsiType", "note", "series_description", "URI"
    ]  # fmt: skip
    assert row["URI"].endswith("/scans/1")


@pytest.mark.rule("scan-post", "list-post")
def test_post_takes_the_type_of_the_session_and_a_free_id(api: Session, session: str) -> None:
    answer = api.post(f"{session}/scans", params={"type": "T1"})
    assert answer.status_code == 200
    assert answer.text.endswith(f"{session}/scans/1")
    assert item_of(api, f"{session}/scans/1")["meta"]["xsi:type"] == "xnat:mrScanData"
    assert api.post(f"{session}/scans", params={"ID": "1"}).status_code == 409


@pytest.mark.rule("scan-delete")
def test_delete_is_200_then_404_and_400_with_more_path(api: Session, scan: str) -> None:
    assert api.delete(f"{scan}/more").status_code == 400
    assert [api.delete(scan).status_code for _ in range(2)] == [200, 404]


@pytest.mark.rule("scan-rights")
def test_member_may_edit_but_not_delete_a_scan(xnat: XnatServer, project: str, scan: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.put(scan, params={"note": "n"}).status_code == 200
    assert member.delete(scan).status_code == 403


@pytest.mark.rule("scan-rights")
def test_reader_may_not_edit_a_scan(xnat: XnatServer, project: str, scan: str) -> None:
    reader = xnat.session(*xnat.new_user(project, "Collaborators"))
    assert reader.put(scan, params={"note": "n"}).status_code == 403


@pytest.mark.rule("scan-selectors")
def test_resources_of_scans_are_selected_by_id_or_type_or_all(api: Session, session: str) -> None:
    for number, kind in (("1", "T1"), ("2", "T2"), ("3", "1")):
        api.put(f"{session}/scans/{number}", params={"xsiType": "xnat:mrScanData", "type": kind})
        data = {"Content-Type": "text/plain"}
        api.put(f"{session}/scans/{number}/resources/R/files/{number}.txt", data=b"x", headers=data)

    def names(selector: str) -> list[str]:
        rows = rows_of(api, f"{session}/scans/{selector}/files")
        return sorted(row["Name"] for row in rows)

    assert names("ALL") == ["1.txt", "2.txt", "3.txt"]
    assert names("T2") == ["2.txt"]
    assert names("T1,T2") == ["1.txt", "2.txt"]
    assert names("*") == names("ALL")
    assert names("1") == ["1.txt", "3.txt"], "an ID that is also another scan's type is ambiguous"
    api.put(f"{session}/scans/2", params={"type": "NULL"}).raise_for_status()
    assert names("NULL") == ["2.txt"]
    api.put(f"{session}/scans/2", params={"type": "a/b, c"}).raise_for_status()
    assert names("a[SLASH]b[COMMA] c") == ["2.txt"]


@pytest.mark.rule("scan-shortcuts")
def test_every_shortcut_is_stored(api: Session, session: str) -> None:
    fields = {"UID": "1.2.3", "note": "n", "quality": "usable", "condition": "c", "series_description": "T1w",
              "documentation": "d", "modality": "MR", "coil": "h", "fieldStrength": "3T", "marker": "m",
              "stabilization": "s"}  # fmt: skip
    api.put(f"{session}/scans/1", params={**MR, **fields, "scanTime": "10:11:12", "validation_method": "eye"})
    stored = item_of(api, f"{session}/scans/1")
    assert stored["data_fields"].items() >= (fields | {"startTime": "10:11:12"}).items()
    assert children_of(stored, "validation")[0]["data_fields"]["method"] == "eye"


@pytest.mark.rule("scan-type-changes-1-6")
def test_xnat_1_6_lets_a_scan_change_its_type_and_always_wants_one(practice: Practice) -> None:
    api, project = practice(flavour="1.6").session(), practice(flavour="1.6").new_project()
    session = f"/data/projects/{project}/subjects/S1/experiments/E1"
    api.put(session, params={"xsiType": "xnat:mrSessionData"}).raise_for_status()
    scan = f"{session}/scans/1"
    api.put(scan, params=MR).raise_for_status()
    assert api.put(scan).status_code == 417
    assert api.put(scan, params={"xsiType": "xnat:petScanData"}).status_code == 200
    assert item_of(api, scan)["meta"]["xsi:type"] == "xnat:petScanData"


@pytest.mark.rule("scan-not-decoded")
def test_only_the_routes_to_resources_and_files_decode_what_stands_for_a_scan(api: Session, session: str) -> None:
    api.put(f"{session}/scans/1", params={**MR, "type": "T1 w"}).raise_for_status()
    assert api.put(f"{session}/scans/T1%20w/resources/R").status_code == 200
    assert api.get(f"{session}/scans/T1%20w").status_code == 404
    assert api.put(f"{session}/scans/a%20b", params=MR).status_code == 500


@pytest.mark.rule("scan-list-missing")
def test_list_of_a_missing_session(api: Session, project: str, subject: str) -> None:
    """Without a project in the path XNAT fails: it looks for a label in no project."""
    assert api.get(f"{subject}/experiments/none/scans").status_code == 404
    assert api.get(f"/data/projects/{project}/subjects/none/experiments/none/scans").status_code == 404
    assert api.get("/data/experiments/none/scans").status_code == 500
    assert api.get("/data/projects/none/subjects/S1/experiments/none/scans").status_code == 500


@pytest.mark.rule("scan-post")
@pytest.mark.parametrize(
    ("modality", "params", "status"),
    [
        ("mr", {"xsiType": "xnat:mrSessionData"}, 422),
        ("us", {}, 417),
        ("us", {"xsiType": "xnat:usScanData"}, 200),
        ("pet", {}, 200),
    ],
)
def test_post_needs_a_type_unless_the_session_says_it(
    api: Session, subject: str, modality: str, params: dict[str, str], status: int
) -> None:
    session = f"{subject}/experiments/E1"
    api.put(session, params={"xsiType": f"xnat:{modality}SessionData"}).raise_for_status()
    assert api.post(f"{session}/scans", params=params).status_code == status


@pytest.mark.rule("scan-delete-files")
@pytest.mark.practice_xnat("looks at the server's disk")
def test_files_of_a_deleted_scan_are_removed_whatever_remove_files_says(
    api: Session, xnat: XnatServer, project: str, scan: str
) -> None:
    api.put(f"{scan}/resources/R/files/a.txt", data=b"a", headers={"Content-Type": "text/plain"}).raise_for_status()
    folder = xnat.archive / project / "arc001" / "S1_MRI" / "SCANS" / "1"
    assert (folder / "R" / "a.txt").exists()
    api.delete(scan, params={"removeFiles": "false"}).raise_for_status()
    assert not folder.exists()


@pytest.mark.rule("scanners")
def test_scanners_of_the_whole_site_are_listed_for_everyone(api: Session, xnat: XnatServer, session: str) -> None:
    name = xnat.new_id("Trio")
    api.put(session, params={"scanner": name}).raise_for_status()
    stranger = xnat.session(*xnat.new_user())
    for path in ("/data/scanners", "/data/archive/scanners"):
        rows = rows_of(stranger, path)
        assert {"scanner": name} in rows, "also for those who may not see the session"
    others = rows_of(stranger, "/data/scanners", table="xnat_petSessionData")
    assert {"scanner": name} not in others
    assert api.get("/data/scanners", params={"table": "xdat_user"}).status_code == 403


@pytest.mark.rule("scan-types")
def test_types_of_scans_are_listed_with_their_series(
    api: Session, xnat: XnatServer, project: str, session: str
) -> None:
    kind = xnat.new_id("T1")
    for number, series in (("1", "first"), ("2", "second")):
        params = {"xsiType": "xnat:mrScanData", "type": kind, "series_description": series}
        api.put(f"{session}/scans/{number}", params=params).raise_for_status()
    rows = rows_of(api, f"/data/projects/{project}/scan_types")
    assert rows == [{"series_descriptions": "first,second,", "type": kind}]
    for path in ("/data/scan_types", "/data/archive/scan_types"):
        assert rows[0] in rows_of(api, path)
    assert api.get("/data/scan_types", params={"table": "xnat_petScanData"}).status_code == 200
    assert api.get("/data/scan_types", params={"table": "xdat_user"}).status_code == 403
    assert api.get("/data/projects/none/scan_types").status_code == 404
