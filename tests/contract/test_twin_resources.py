"""XNAT's contract, section 6: resource folders and their catalogs. Inputs and outputs: assessors, reconstructions."""

from __future__ import annotations

import re

import pytest
from file_helpers import TEXT
from object_helpers import fields_of, labels_of, rows_of
from xnat_twin.testing import Practice, Session, XnatServer

COLUMNS = ["xnat_abstractresource_id", "label", "element_name", "category", "cat_id", "cat_desc", "file_count",
           "file_size", "tags", "content", "format"]  # fmt: skip
MR = {"xsiType": "xnat:mrScanData"}


@pytest.mark.rule("resource-put", "resource-exists")
def test_new_is_200_and_empty_existing_is_409_and_unchanged(api: Session, scan: str) -> None:
    first = api.put(f"{scan}/resources/NIFTI", params={"format": "NIFTI", "content": "T1"})
    assert (first.status_code, first.text) == (200, "")
    second = api.put(f"{scan}/resources/NIFTI", params={"format": "OTHER"})
    assert (second.status_code, "Specified resource already exists." in second.text) == (409, True)
    assert rows_of(api, f"{scan}/resources")[0]["format"] == "NIFTI"


@pytest.mark.rule("resource-put", "resource-exists")
def test_post_does_what_put_does(api: Session, scan: str) -> None:
    assert [api.post(f"{scan}/resources/NIFTI").status_code for _ in range(2)] == [200, 409]
    assert labels_of(api, f"{scan}/resources") == ["NIFTI"]


@pytest.mark.rule("resource-description")
def test_format_content_tags_and_description_come_from_the_request(api: Session, session: str) -> None:
    about = {"format": "NIFTI", "content": "T1", "tags": "a,k=v", "description": "what it is"}
    api.put(f"{session}/resources/R", params=about).raise_for_status()
    row = rows_of(api, f"{session}/resources")[0]
    assert (row["format"], row["content"], row["tags"]) == ("NIFTI", "T1", "a,k=v")
    shown = fields_of(api, session, "resources/resource")
    assert shown.items() >= {"label": "R", "description": "what it is"}.items()


@pytest.mark.rule("resource-levels")
@pytest.mark.parametrize("level", ["project", "subject", "session", "scan", "assessor", "reconstruction"])
def test_every_level_has_resources(api: Session, xnat: XnatServer, project: str, scan: str, level: str) -> None:
    session = scan.removesuffix("/scans/1")
    owner = {
        "project": f"/data/projects/{project}",
        "subject": f"/data/projects/{project}/subjects/S1",
        "session": session,
        "scan": scan,
        "assessor": f"{session}/assessors/A1",
        "reconstruction": f"{session}/reconstructions/{xnat.new_id('R')}",
    }[level]
    if level in {"assessor", "reconstruction"}:
        api.put(owner, params={"xsiType": "xnat:qcManualAssessorData"} if level == "assessor" else {})
    assert api.put(f"{owner}/resources/R").status_code == 200
    assert api.put(f"{owner}/resources/R/files/a.txt", data=b"a", headers=TEXT).status_code == 200
    row = rows_of(api, f"{owner}/resources")[0]
    assert (row["label"], row["file_count"], row["file_size"]) == ("R", "1", "1")


@pytest.mark.rule("resource-levels")
def test_resources_of_experiments_have_paths_without_a_project(api: Session, scan: str) -> None:
    session = scan.removesuffix("/scans/1")
    identifier = fields_of(api, session)["ID"]
    for below in ("", "/scans/1"):
        assert api.put(f"/data/experiments/{identifier}{below}/resources/R").status_code == 200
        assert labels_of(api, f"{session}{below}/resources") == ["R"]


@pytest.mark.rule("resource-list")
def test_list_columns(api: Session, scan: str) -> None:
    api.put(f"{scan}/resources/R", params={"tags": "a,b"})
    row = rows_of(api, f"{scan}/resources", columns="label")[0]
    assert list(row) == COLUMNS
    assert (row["element_name"], row["category"], row["cat_id"], row["tags"]) == (
        "xnat:resourceCatalog", "scans", "1", "a,b"
    )  # fmt: skip
    assert api.get(f"{scan}/resources").json()["ResultSet"]["title"] == "Resources"


@pytest.mark.rule("resource-list-all", "resource-list-category")
def test_all_adds_the_resources_of_what_is_below_a_session(
    api: Session, xnat: XnatServer, session: str, scan: str
) -> None:
    image, assessor = f"{session}/reconstructions/{xnat.new_id('R')}", f"{session}/assessors/A1"
    api.put(image, params={"type": "average"}).raise_for_status()
    api.put(assessor, params={"xsiType": "xnat:qcManualAssessorData"}).raise_for_status()
    for owner, label in ((session, "S"), (scan, "R"), (image, "I"), (assessor, "A"), (f"{assessor}/in", "INPUT")):
        api.put(f"{owner}/resources/{label}/files/a.txt", data=b"a", headers=TEXT).raise_for_status()
    assert labels_of(api, f"{session}/resources") == ["S"]
    rows = {row["label"]: row for row in rows_of(api, f"{session}/resources", all="true")}
    told = {label: (row["category"], row["cat_id"], row["cat_desc"]) for label, row in rows.items()}
    assert told == {
        "S": ("resources", "", ""),
        "R": ("scans", "1", "T1"),
        "I": ("reconstructions", image.rpartition("/")[2], "average"),
        "A": ("assessors", fields_of(api, assessor)["ID"], ""),
    }


@pytest.mark.rule("resource-list-category")
def test_category_says_what_a_resource_belongs_to(api: Session, project: str, session: str) -> None:
    assessor = f"{session}/assessors/A1"
    api.put(assessor, params={"xsiType": "xnat:qcManualAssessorData"}).raise_for_status()

    def told(owner: str) -> tuple[str, ...]:
        api.put(f"{owner}/resources/R").raise_for_status()
        row = rows_of(api, f"{owner}/resources")[0]
        return row["category"], row["cat_id"], row["cat_desc"]

    assert told(f"/data/projects/{project}/subjects/S1") == ("resources", "", " ")
    assert told(session) == ("resources", fields_of(api, session)["ID"], " ")
    category, identifier, description = told(assessor)
    assert (category, identifier) == ("assessors", fields_of(api, assessor)["ID"])
    assert description, "what pages call an object of its type"


@pytest.mark.rule("resource-list-stats-1-6")
def test_xnat_1_6_counts_files_only_if_asked_to(practice: Practice) -> None:
    api, project = practice(flavour="1.6").session(), practice(flavour="1.6").new_project()
    owner = f"/data/projects/{project}"
    api.put(f"{owner}/resources/R/files/a.txt", data=b"a", headers=TEXT).raise_for_status()
    assert rows_of(api, f"{owner}/resources")[0]["file_count"] == ""
    row = rows_of(api, f"{owner}/resources", file_stats="true")[0]
    assert (row["file_count"], row["file_size"]) == ("1", "1")


@pytest.mark.rule("resource-get")
def test_resource_is_its_catalog_whatever_the_format(api: Session, scan: str) -> None:
    api.put(f"{scan}/resources/R/files/a.txt", params={"tags": "t"}, data=b"a", headers=TEXT)
    for form in ("json", "xml", "csv"):
        document = api.get(f"{scan}/resources/R", params={"format": form}).text
        assert document.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<cat:Catalog ')
        assert '<cat:entry URI="a.txt" ID="a.txt" name="a.txt"' in document
        assert "<cat:tag>t</cat:tag>" in document


@pytest.mark.rule("catalog-moments")
def test_moments_in_a_catalog_have_a_t_and_milliseconds(api: Session, scan: str) -> None:
    for content in (b"first", b"second"):
        path = f"{scan}/resources/R/files/a.txt"
        api.put(path, params={"overwrite": "true"}, data=content, headers=TEXT).raise_for_status()
    catalog = api.get(f"{scan}/resources/R", params={"format": "xml"}).text
    for name in ("createdTime", "modifiedTime"):
        assert re.search(rf' {name}="\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}"', catalog), catalog


@pytest.mark.rule("resource-catalog-id")
def test_catalog_of_a_scans_resource_has_the_id_of_the_scan_if_it_was_put(api: Session, session: str) -> None:
    api.put(f"{session}/scans/7", params=MR).raise_for_status()
    for path, identifier in ((f"{session}/resources/R", "R"), (f"{session}/scans/7/resources/NIFTI", "7")):
        api.put(path).raise_for_status()
        assert f' ID="{identifier}"' in api.get(path).text


@pytest.mark.rule("resource-number")
def test_number_can_stand_for_the_label(api: Session, scan: str) -> None:
    api.put(f"{scan}/resources/R")
    number = rows_of(api, f"{scan}/resources")[0]["xnat_abstractresource_id"]
    assert api.get(f"{scan}/resources/{number}").status_code == 200
    assert api.put(f"{scan}/resources/{number}").status_code == 409


@pytest.mark.rule("resource-number-missing")
def test_number_of_no_resource_that_one_may_read_is_404(xnat: XnatServer, project: str, session: str) -> None:
    api = xnat.session()
    api.put(f"{session}/resources/R").raise_for_status()
    number = rows_of(api, f"{session}/resources")[0]["xnat_abstractresource_id"]
    elsewhere = xnat.new_project()
    stranger = xnat.session(*xnat.new_user(elsewhere, "Owners"))
    for caller, name in ((api, "2147483647"), (stranger, number)):
        path = f"/data/projects/{elsewhere}/resources/{name}"
        assert {caller.request(method, path).status_code for method in ("GET", "PUT", "POST", "DELETE")} == {404}
    assert api.get(f"/data/projects/{elsewhere}/resources/{number}").status_code == 404, "it is somewhere else"


@pytest.mark.rule("resource-several")
def test_commas_name_several_resources(api: Session, session: str) -> None:
    for label in ("A", "B", "C"):
        api.put(f"{session}/resources/{label}").raise_for_status()
    assert api.get(f"{session}/resources/A,B").status_code == 404
    assert api.get(f"{session}/resources/A,none").status_code == 200
    assert api.put(f"{session}/resources/C,new").status_code == 409
    assert api.delete(f"{session}/resources/A,B").status_code == 200
    assert api.put(f"{session}/resources/X,Y").status_code == 200
    assert labels_of(api, f"{session}/resources") == ["C", "X"]


@pytest.mark.rule("resource-get-below")
def test_get_through_a_session_finds_what_is_below_it(api: Session, session: str, scan: str) -> None:
    api.put(f"{scan}/resources/R").raise_for_status()
    assert api.get(f"{session}/resources/R").status_code == 200
    assert api.delete(f"{session}/resources/R").status_code == 200, "and nothing else does"
    assert labels_of(api, f"{scan}/resources") == ["R"]
    assert api.put(f"{session}/resources/R").status_code == 200
    assert api.get(f"{session}/resources/R").status_code == 404, "there are two now"


@pytest.mark.rule("resource-raw")
def test_first_resource_of_a_typed_scan_is_raw(api: Session, session: str, scan: str) -> None:
    api.put(f"{session}/scans/untyped", params=MR).raise_for_status()
    for path in (f"{scan}/resources/A", f"{scan}/resources/B", f"{session}/scans/untyped/resources/A"):
        api.put(path).raise_for_status()
    assert [row["content"] for row in rows_of(api, f"{scan}/resources")] == ["RAW", ""]
    assert rows_of(api, f"{session}/scans/untyped/resources")[0]["content"] == ""


@pytest.mark.rule("resource-label-quote")
def test_quote_in_a_label_is_refused(api: Session, session: str) -> None:
    assert api.put(f"{session}/resources/it's").status_code == 400
    assert rows_of(api, f"{session}/resources") == []


@pytest.mark.rule("resource-type")
@pytest.mark.parametrize(
    ("xsi_type", "status"), [("xnat:resourceCatalog", 200), ("xnat:mrSessionData", 422), ("xnat:noSuchData", 400)]
)
def test_only_a_catalog_can_be_put(api: Session, session: str, xsi_type: str, status: int) -> None:
    assert api.put(f"{session}/resources/R", params={"xsiType": xsi_type}).status_code == status


@pytest.mark.rule("resource-missing", "missing-resource-is-empty")
def test_missing_resource_is_404_and_its_file_list_empty(api: Session, scan: str) -> None:
    assert api.get(f"{scan}/resources/none").status_code == 404
    listing = api.get(f"{scan}/resources/none/files")
    assert (listing.status_code, listing.json()["ResultSet"]["Result"]) == (200, [])


@pytest.mark.rule("paths-match-by-prefix")
def test_path_behind_a_resource_is_400(api: Session, scan: str) -> None:
    api.put(f"{scan}/resources/R")
    for method in ("GET", "PUT", "DELETE"):
        assert api.request(method, f"{scan}/resources/R/bogus").status_code == 400


@pytest.mark.rule("resource-delete")
def test_delete_is_200_even_if_there_is_nothing(api: Session, scan: str) -> None:
    api.put(f"{scan}/resources/R")
    assert [api.delete(f"{scan}/resources/R").status_code for _ in range(2)] == [200, 200]
    assert rows_of(api, f"{scan}/resources") == []


@pytest.mark.rule("resource-rights")
def test_member_may_create_but_not_delete(xnat: XnatServer, project: str, scan: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.put(f"{scan}/resources/R").status_code == 200
    assert member.delete(f"{scan}/resources/R").status_code == 403
    assert member.delete(f"{scan}/resources/none").status_code == 200, "nothing to delete, nothing to forbid"


@pytest.mark.rule("resource-rights")
def test_reader_may_not_create(xnat: XnatServer, project: str, scan: str) -> None:
    reader = xnat.session(*xnat.new_user(project, "Collaborators"))
    assert reader.put(f"{scan}/resources/R").status_code == 403
    assert reader.post(f"{scan}/resources").status_code == 403


@pytest.mark.rule("justification-resource")
@pytest.mark.practice_xnat("changes site settings")
def test_resources_can_need_a_reason(api: Session, xnat: XnatServer, session: str) -> None:
    path, why = f"{session}/resources/R", {"event_reason": "why"}
    with xnat.settings(requireChangeJustification=True, showChangeJustification=True):
        for refused in (api.put(path), api.post(f"{session}/resources")):
            assert (refused.status_code, "Justification required." in refused.text) == (500, True)
        assert api.put(path, params=why).status_code == 200
        assert api.delete(path).status_code == 500
        assert labels_of(api, f"{session}/resources") == ["R"]
        assert api.delete(path, params=why).status_code == 200
    told = [event["event_action"].partition(" (")[0] for event in api.get(f"{session}/history").json()["events"]]
    assert told[1] == "Created resource"
    assert told[2].startswith("Removed Resource Catalog ")


@pytest.mark.rule("resource-wrong-parent")
def test_get_below_a_missing_experiment_shows_the_subjects_resources(api: Session, project: str) -> None:
    subject = f"/data/projects/{project}/subjects/S1"
    api.put(subject)
    api.put(f"{subject}/resources/OF_SUBJECT")
    wrong = f"{subject}/experiments/none"
    assert labels_of(api, f"{wrong}/resources") == ["OF_SUBJECT"]
    assert api.head(f"{wrong}/resources").status_code == 404
    assert api.put(f"{wrong}/resources/R").status_code == 404
    assert api.delete(f"{wrong}/resources/OF_SUBJECT").status_code == 404


@pytest.mark.rule("resource-wrong-parent")
def test_get_below_a_missing_scan_shows_the_subjects_resources(api: Session, project: str, session: str) -> None:
    subject = f"/data/projects/{project}/subjects/S1"
    api.put(f"{subject}/resources/OF_SUBJECT")
    assert labels_of(api, f"{session}/scans/none/resources") == ["OF_SUBJECT"]
    assert api.put(f"{session}/scans/none/resources/R").status_code == 404


@pytest.mark.rule("resource-wrong-parent")
def test_missing_scan_without_a_project_in_the_path_is_404(api: Session, session: str) -> None:
    identifier = api.put(session).text
    assert api.get(f"/data/experiments/{identifier}/scans/none/resources").status_code == 404


@pytest.mark.rule("resource-unlabelled")
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_unlabelled_resource_gets_a_number(api: Session, session: str, method: str) -> None:
    answer = api.request(method, f"{session}/resources")
    assert answer.status_code == 200
    assert answer.headers["Location"] == answer.text
    row = rows_of(api, f"{session}/resources")[0]
    assert (row["label"], row["xnat_abstractresource_id"]) == ("", answer.text.rpartition("/")[2])
    assert answer.text.startswith("http")
    assert api.put(f"{session}/resources/{row['xnat_abstractresource_id']}").status_code == 409
