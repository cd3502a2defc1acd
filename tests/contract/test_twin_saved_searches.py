"""Searches that are kept: results for paging, and documents under a name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from search_helpers import (
    DATE,
    LABEL,
    MR,
    NAMESPACE,
    SUBJECT,
    SUBJECT_LABEL,
    bundle,
    criterion,
    csv_rows,
    element,
    field,
    post,
    result,
    sessions_in,
    where,
)
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["search_fixtures"]

SAVED = "/data/search/saved"


@pytest.fixture
def name(xnat: XnatServer, api: Session) -> Iterator[str]:
    """A name for a search that is deleted after the test."""
    name = xnat.new_id("search")
    yield name
    for _ in range(2):  # the first may only take the administrator off the search
        api.delete(f"{SAVED}/{name}").raise_for_status()


def _put(http: Session, name: str, document: str, **params: str) -> int:
    return http.put(f"{SAVED}/{name}", params=params, data=document.encode()).status_code


def _users(*logins: str) -> str:
    return "".join(element("allowed_user", element("login", login)) for login in logins)


def _listed(http: Session, **params: str) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in csv_rows(http.get(SAVED, params={"format": "csv", **params}))}


# Results


@pytest.mark.rule("search-cache", "search-cache-pages", "search-cache-order")
def test_result_is_kept_and_read_in_pages(api: Session, cohort: str) -> None:
    document = bundle(MR, [LABEL, DATE], sessions_in(cohort))
    table = result(post(api, document, cache="true"))
    assert (table["Result"], table["totalRecords"], table["rootElementName"]) == ([], "3", MR)
    path = f"/data/search/{table['ID']}"
    assert len(result(post(api, document, cache="true", limit="2"))["Result"]) == 2
    page = result(api.get(path, params={"format": "json", "offset": "1", "limit": "1"}))
    assert page["ID"] == table["ID"]
    assert "totalRecords" not in page
    [row] = page["Result"]
    assert row["label"] == "A2"
    assert row["key"] == row["session_id"]

    def dates(**params: str) -> list[str]:
        return [row["date"][:4] for row in csv_rows(api.get(path, params={"format": "csv", **params}))]

    assert dates() == ["2020", "2021", "2019"]
    assert dates(sortBy="date") == ["2019", "2020", "2021"]
    assert dates(sortBy="date", sortOrder="DESC", limit="2") == ["2021", "2020"]
    assert dates(limit="0") == []
    assert api.get(path, params={"sortBy": "nothing"}).status_code == 410
    for wrong in ({"offset": "x"}, {"limit": "x"}):
        assert api.get(path, params=wrong).status_code == 422


@pytest.mark.rule("search-cache-columns")
def test_values_of_a_column_are_counted(api: Session, cohort: str) -> None:
    columns = [LABEL, f"{SUBJECT}/GENDER_TEXT"]
    table = result(post(api, bundle(MR, columns, sessions_in(cohort)), cache="true"))
    path = f"/data/search/{table['ID']}"
    answer = result(api.get(f"{path}/xnat_subjectdata_gender_text", params={"format": "json"}))
    assert answer["Result"] == [{"values": "F", "count": "2"}, {"values": "M", "count": "1"}]
    assert (answer["ID"], answer["COLUMN"]) == (table["ID"], "xnat_subjectdata_gender_text")
    assert api.get(f"{path}/nothing").status_code == 410


@pytest.mark.rule("search-cache-owner")
def test_results_are_ones_own(xnat: XnatServer, api: Session, cohort: str) -> None:
    table = result(post(api, bundle(MR, [LABEL], sessions_in(cohort)), cache="true"))
    member = xnat.session(*xnat.new_user(cohort))
    for path in (f"/data/search/{table['ID']}", f"/data/search/{table['ID']}/label"):
        answer = member.get(path)
        assert (answer.status_code, answer.content) == (200, b"")
    for path in ("/data/search/_nothing", "/data/search/_nothing/label"):
        assert api.get(path).status_code == 500


@pytest.mark.rule("search-cache-reused")
def test_result_of_a_search_with_an_id_is_not_made_again(xnat: XnatServer, api: Session, cohort: str) -> None:
    document = bundle(MR, [LABEL], sessions_in(cohort), ID=xnat.new_id("search"))
    first = result(post(api, document, cache="true"))
    api.delete(f"/data/projects/{cohort}/experiments/A1").raise_for_status()
    again = result(post(api, document, cache="true", limit="2"))
    assert (again["ID"], again["totalRecords"], again["Result"]) == (first["ID"], "3", [])
    assert result(post(api, document))["totalRecords"] == "3"
    assert result(post(api, document, refresh="true"))["totalRecords"] == "2"
    fresh = result(post(api, document, cache="true", refresh="true"))
    assert fresh["totalRecords"] == "2"
    assert fresh["ID"] != first["ID"]
    anonymous = bundle(MR, [LABEL], sessions_in(cohort), ID=f"@{MR}")
    assert result(post(api, anonymous, cache="true"))["ID"] != result(post(api, anonymous, cache="true"))["ID"]


# Documents


@pytest.mark.rule("search-saved-put", "search-saved-document", "search-saved-list")
def test_search_is_kept_under_a_name(xnat: XnatServer, api: Session, cohort: str, name: str) -> None:
    criteria = element("child_set", criterion(DATE, ">", "2020"), criterion(LABEL, "LIKE", "<%"), method="OR")
    asked = [field(LABEL, 1, header="Name & more"), field(f"{MR}/SCAN_COUNT_TYPE", 0, value="T1")]
    order = element("sort_by", element("element_name", MR), element("field_ID", "DATE"))
    document = bundle(MR, asked, sessions_in(cohort), where(criteria), order, description="ours")
    answer = api.put(f"{SAVED}/{name}", params={"inbody": "true"}, data=document.encode())
    assert (answer.status_code, answer.content) == (200, b"")
    kept = api.get(f"{SAVED}/{name}")
    assert kept.headers["Content-Type"].startswith("text/xml")
    assert f'<xdat:bundle ID="{name}" description="ours"' in kept.text
    for part in ("Name &amp; more", "&lt;%", "<xdat:sort_by>", "<xdat:value>T1</xdat:value>", 'method="OR"'):
        assert part in kept.text
    assert f"<xdat:login>{xnat.admin}</xdat:login>" in kept.text
    assert _put(api, name, kept.text) == 200
    assert api.get(f"{SAVED}/{name}").text == kept.text
    row = _listed(api)[name]
    assert (row["description"], row["root_element_name"], row["users"]) == ("ours", MR, f"{{{xnat.admin}}}")
    assert (row["secure"], row["allow_diff_columns"], row["sort_by_field_id"]) == ("1", "1", "DATE")
    table = result(api.get(SAVED, params={"format": "json"}))
    assert table["title"] == "Stored Searches"
    assert api.get(f"{SAVED}/{name}", params={"format": "json"}).status_code == 404
    assert api.get(f"{SAVED}/{name}", headers={"Accept": "application/json"}).status_code == 406
    assert api.get(f"{SAVED}/{name}_").status_code == 404
    for wrong in ("no XML", f'<a xmlns="{NAMESPACE}"/>'):
        assert _put(api, name, wrong) == 422
    assert _put(api, name, bundle("xnat:unknownData")) == 403


@pytest.mark.rule("search-saved-results")
def test_kept_search_is_run(api: Session, cohort: str, name: str) -> None:
    assert _put(api, name, bundle(MR, [SUBJECT_LABEL, DATE], sessions_in(cohort))) == 200

    def run(tail: str, **params: str) -> requests.Response:
        return api.get(f"{SAVED}/{name}/{tail}", params=params)

    table = result(run("results", format="json"))
    assert table["totalRecords"] == "3"
    assert table["Columns"][0]["key"] == "xnat_subjectdata_subject_label"
    answer = run("results", format="csv", sortBy="DATE")
    assert [row["date"][:4] for row in csv_rows(answer)] == ["2019", "2020", "2021"]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="results.csv";'
    assert "Content-Disposition" not in run("results.csv", format="csv").headers
    assert run("results").text.startswith("<ResultSet ")
    assert run("other").text.startswith("<?xml ")


@pytest.mark.rule("search-saved-type")
def test_search_of_a_type(xnat: XnatServer, api: Session, cohort: str) -> None:
    answer = api.get(f"{SAVED}/@{SUBJECT}")
    assert f'ID="@{SUBJECT}"' in answer.text
    assert "<xdat:field_ID>SUBJECT_LABEL</xdat:field_ID>" in answer.text
    found = csv_rows(api.get(f"{SAVED}/@{SUBJECT}/results", params={"format": "csv"}))
    assert [row["subject_label"] for row in found if row["project"] == cohort] == ["A", "B"]
    assert post(api, answer.text, format="csv").status_code == 200
    assert api.get(f"{SAVED}/@xnat:unknownData").status_code == 404


@pytest.mark.rule("search-saved-rights")
def test_kept_searches_are_for_those_they_name(xnat: XnatServer, api: Session, cohort: str, name: str) -> None:
    login, password = xnat.new_user(cohort, "Collaborators")
    member = xnat.session(login, password)
    assert _put(api, name, bundle(MR, [LABEL], ID=name)) == 200
    assert member.get(f"{SAVED}/{name}").status_code == 403
    assert member.delete(f"{SAVED}/{name}").status_code == 403
    assert name not in _listed(member)
    assert _put(member, name, bundle(MR, [DATE], ID=name)) == 403
    assert _put(api, name, bundle(MR, [LABEL], _users(xnat.admin, login), ID=name)) == 200
    assert member.get(f"{SAVED}/{name}").status_code == 200
    assert name in _listed(member)
    assert name in _listed(api, user=login)
    group = element("allowed_groups", element("groupID", f"{cohort}_collaborator"))
    assert _put(api, name, bundle(MR, [LABEL], _users(xnat.admin), group, ID=name)) == 200
    assert name in _listed(member)
    assert member.get(f"{SAVED}/{name}").status_code == 403
    assert _put(api, name, bundle(MR, [LABEL], _users(xnat.admin), ID=name, secure="false")) == 200
    assert member.get(f"{SAVED}/{name}").status_code == 200
    assert name in _listed(member)
    assert api.get(SAVED, params={"user": "nobody_"}).status_code == 500


@pytest.mark.rule("search-saved-types")
def test_search_of_a_type_that_cannot_be_searched_for(xnat: XnatServer, api: Session, project: str, name: str) -> None:
    login, password = xnat.new_user(project)
    member, document = xnat.session(login, password), bundle("xnat:mrScanData", [], _users(xnat.admin, login), ID=name)
    assert _put(member, name, document) == 403
    assert _put(api, name, document) == 200
    assert api.get(f"{SAVED}/{name}").status_code == 200
    assert api.get(f"{SAVED}/{name}/results").status_code == 500
    assert member.get(f"{SAVED}/{name}").status_code == 403


@pytest.mark.rule("search-saved-first")
def test_first_search_of_a_project_is_for_its_owners(xnat: XnatServer, api: Session, cohort: str) -> None:
    name, member = f"{cohort}_{MR}", xnat.session(*xnat.new_user(cohort, "Collaborators"))
    document = bundle(MR, [LABEL], tag=cohort)
    assert _put(member, name, document) == 403
    assert _put(api, name, document) == 200
    assert api.delete(f"{SAVED}/{name}").status_code == 200
    [plural] = [
        row["PLURAL"]
        for row in csv_rows(api.get("/data/search/elements", params={"format": "csv"}))
        if row["ELEMENT_NAME"] == MR
    ]
    assert _put(member, xnat.new_id("search"), bundle(MR, [LABEL], **{"brief-description": plural})) == 403


@pytest.mark.rule("search-saved-overwritten")
def test_without_its_id_anybody_replaces_a_search(xnat: XnatServer, api: Session, cohort: str, name: str) -> None:
    login, password = xnat.new_user(cohort, "Collaborators")
    assert _put(api, name, bundle(MR, [LABEL])) == 200
    assert _put(xnat.session(login, password), name, bundle(SUBJECT, [SUBJECT_LABEL])) == 200
    assert api.get(f"{SAVED}/{name}").status_code == 403
    row = _listed(api, all="true")[name]
    assert (row["root_element_name"], row["users"]) == (SUBJECT, f"{{{login}}}")


@pytest.mark.rule("search-saved-as")
def test_search_is_saved_as_another(api: Session, name: str) -> None:
    document = bundle(MR, [LABEL], ID=name)
    assert _put(api, name, document) == _put(api, name, document, saveAs="true") == 200
    assert {name, f"{name}_1"} <= set(_listed(api))
    assert api.delete(f"{SAVED}/{name}_1").status_code == 200


@pytest.mark.rule("search-saved-tags")
def test_searches_of_projects(xnat: XnatServer, api: Session, cohort: str, name: str) -> None:
    attributes = {"tag": cohort, "brief-description": "Ours"}
    assert _put(api, name, bundle(MR, [LABEL], **attributes)) == 200
    assert name not in _listed(api)
    assert name in _listed(api, includeTag=cohort)
    assert name in _listed(api, includeTag="true")
    assert api.get(SAVED, params={"includeTag": "nothing"}).status_code == 400
    member, reader = (xnat.session(*xnat.new_user(cohort, group)) for group in ("Members", "Collaborators"))
    assert _put(reader, f"{name}_other", bundle(MR, [DATE], **attributes)) == 403
    assert _put(member, f"{name}_other", bundle(MR, [DATE], **attributes)) == 200
    assert api.get(f"{SAVED}/{name}_other").status_code == 404
    assert "<xdat:field_ID>DATE</xdat:field_ID>" in member.get(f"{SAVED}/{name}").text


@pytest.mark.rule("search-saved-delete")
def test_search_is_deleted_with_its_last_user(xnat: XnatServer, api: Session, name: str) -> None:
    login, password = xnat.new_user()
    member = xnat.session(login, password)
    assert _put(api, name, bundle(MR, [LABEL], _users(xnat.admin, login))) == 200
    assert member.delete(f"{SAVED}/{name}").status_code == 200
    assert api.get(f"{SAVED}/{name}").status_code == 200
    assert member.delete(f"{SAVED}/{name}").status_code == 403
    assert api.delete(f"{SAVED}/{name}").status_code == 200
    assert api.get(f"{SAVED}/{name}").status_code == 404
    assert api.delete(f"{SAVED}/{name}").status_code == 200


@pytest.mark.rule("search-saved-delete")
def test_search_is_deleted_for_a_group(xnat: XnatServer, api: Session, cohort: str, name: str) -> None:
    member = xnat.session(*xnat.new_user(cohort, "Collaborators"))
    group = element("allowed_groups", element("groupID", f"{cohort}_collaborator"))
    assert _put(api, name, bundle(MR, [LABEL], _users(xnat.admin), group)) == 200
    assert member.delete(f"{SAVED}/{name}").status_code == 200
    assert name not in _listed(member)
    assert api.get(f"{SAVED}/{name}").status_code == 200
