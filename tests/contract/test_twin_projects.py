"""XNAT's contract, section 2: projects, and who may see what in them."""

from __future__ import annotations

import pytest
from xnat_twin.testing import Session, XnatServer


def _ids(http: Session, path: str) -> set[str]:
    return {row["ID"] for row in http.get(path, params={"format": "json"}).json()["ResultSet"]["Result"]}


def test_put_is_200_and_empty_for_a_new_and_for_an_existing_project(api: Session, xnat: XnatServer) -> None:
    path = f"/data/projects/{xnat.new_id()}"
    for _ in range(2):
        answer = api.put(path)
        assert (answer.status_code, answer.text) == (200, "")


def test_name_and_secondary_id_default_to_the_id(api: Session, project: str) -> None:
    fields = api.get(f"/data/projects/{project}", params={"format": "json"}).json()["items"][0]["data_fields"]
    assert (fields["name"], fields["secondary_ID"]) == (project, project)


def test_list_has_its_columns_and_quoted_counts(api: Session, project: str) -> None:
    result = api.get("/data/projects").json()["ResultSet"]
    row = next(row for row in result["Result"] if row["ID"] == project)
    assert list(row) == ["ID", "secondary_ID", "name", "description", "pi_firstname", "pi_lastname", "URI"]
    assert row["URI"] == f"/data/projects/{project}"
    assert result["totalRecords"] == str(len(result["Result"]))


def test_list_has_no_type_column_even_if_asked(api: Session, project: str) -> None:
    rows = api.get("/data/projects", params={"columns": "ID,xsiType", "format": "json"}).json()["ResultSet"]["Result"]
    assert all("xsiType" not in row for row in rows)


def test_fields_that_are_not_mentioned_stay(api: Session, project: str) -> None:
    path = f"/data/projects/{project}"
    api.put(path, params={"description": "first", "keywords": "brain"})
    api.put(path, params={"description": "second"})
    fields = api.get(path, params={"format": "json"}).json()["items"][0]["data_fields"]
    assert (fields["description"], fields["keywords"]) == ("second", "brain")


def test_illegal_character_in_the_id_is_417(api: Session, xnat: XnatServer) -> None:
    assert api.put(f"/data/projects/{xnat.new_id()}.x").status_code == 417


def test_body_with_another_id_is_417(api: Session, xnat: XnatServer) -> None:
    document = '<xnat:Project ID="other" xmlns:xnat="http://nrg.wustl.edu/xnat"/>'
    headers = {"Content-Type": "text/xml"}
    assert api.put(f"/data/projects/{xnat.new_id()}", data=document, headers=headers).status_code == 417


def test_id_that_differs_only_in_case_is_409(api: Session, project: str) -> None:
    answer = api.put(f"/data/projects/{project.upper()}")
    assert answer.status_code == 409
    assert "conflicts with existing projects" in answer.text


def test_name_of_another_project_is_409(api: Session, xnat: XnatServer, project: str) -> None:
    assert api.put(f"/data/projects/{xnat.new_id()}", params={"name": project}).status_code == 409


def test_alias_works_as_id(api: Session, xnat: XnatServer, project: str) -> None:
    alias = xnat.new_id("alias")
    api.put(f"/data/projects/{project}", params={"alias": alias})
    answer = api.get(f"/data/projects/{alias}", params={"format": "json"})
    assert answer.json()["items"][0]["data_fields"]["ID"] == project


def test_id_of_a_deleted_project_is_never_free_again(api: Session, xnat: XnatServer) -> None:
    path = f"/data/projects/{xnat.new_project()}"
    assert api.delete(path).status_code == 200
    assert api.delete(path).status_code == 400
    answer = api.put(path)
    assert answer.status_code == 403
    assert "previously deleted project" in answer.text


def test_missing_project_is_404(api: Session) -> None:
    assert api.get("/data/projects/no_such_project").status_code == 404


def test_unknown_setting_of_a_project_is_400(api: Session, project: str) -> None:
    assert api.get(f"/data/projects/{project}/bogus").status_code == 400


def test_item_is_html_unless_a_format_is_asked_for(api: Session, project: str) -> None:
    path = f"/data/projects/{project}"
    assert api.get(path).headers["Content-Type"].startswith("text/html")
    assert api.get(path, params={"format": "xml"}).headers["Content-Type"].startswith("text/xml")
    assert api.get(path, headers={"Accept": "application/json"}).status_code == 406


def test_xml_of_a_project_can_be_put_back(api: Session, project: str) -> None:
    path = f"/data/projects/{project}"
    api.put(path, params={"description": "as it was", "pi_lastname": "Smith"})
    document = api.get(path, params={"format": "xml"}).content
    api.put(path, params={"description": "changed", "pi_lastname": "Jones"})
    assert api.put(path, data=document, headers={"Content-Type": "text/xml"}).status_code == 200
    row = next(row for row in api.get("/data/projects").json()["ResultSet"]["Result"] if row["ID"] == project)
    assert (row["description"], row["pi_lastname"]) == ("as it was", "Smith")


@pytest.mark.parametrize("accessibility", ["private", "protected", "public"])
def test_accessibility_is_what_was_set(api: Session, project: str, accessibility: str) -> None:
    assert api.put(f"/data/projects/{project}/accessibility/{accessibility}").status_code == 200
    assert api.get(f"/data/projects/{project}/accessibility").text == accessibility


def test_private_project_does_not_exist_for_a_stranger(xnat: XnatServer, project: str) -> None:
    stranger = xnat.session(*xnat.new_user())
    assert stranger.get(f"/data/projects/{project}").status_code == 404
    assert project not in _ids(stranger, "/data/projects")


def test_protected_project_shows_itself_but_not_its_data(xnat: XnatServer) -> None:
    project = xnat.new_project("protected")
    xnat.session().put(f"/data/projects/{project}/subjects/S1")
    stranger = xnat.session(*xnat.new_user())
    assert stranger.get(f"/data/projects/{project}").status_code == 200
    assert stranger.get(f"/data/projects/{project}/subjects/S1").status_code == 404


def test_public_project_can_be_read_and_not_changed_by_anyone(xnat: XnatServer) -> None:
    project = xnat.new_project("public")
    xnat.session().put(f"/data/projects/{project}/subjects/S1")
    stranger = xnat.session(*xnat.new_user())
    assert stranger.get(f"/data/projects/{project}/subjects/S1").status_code == 200
    assert stranger.put(f"/data/projects/{project}/subjects/S2").status_code == 403


@pytest.mark.parametrize(
    ("group", "create", "delete"), [("Owners", 201, 200), ("Members", 201, 403), ("Collaborators", 403, 403)]
)
def test_groups_differ_in_what_they_may_do(
    xnat: XnatServer, project: str, group: str, create: int, delete: int
) -> None:
    user = xnat.session(*xnat.new_user(project, group))
    xnat.session().put(f"/data/projects/{project}/subjects/there")
    assert user.get(f"/data/projects/{project}/subjects/there").status_code == 200
    assert user.put(f"/data/projects/{project}/subjects/new").status_code == create
    assert user.delete(f"/data/projects/{project}/subjects/there").status_code == delete


def test_users_of_a_project_are_listed_with_their_group(xnat: XnatServer, project: str) -> None:
    user, _ = xnat.new_user(project, "Collaborators")
    rows = xnat.session().get(f"/data/projects/{project}/users").json()["ResultSet"]["Result"]
    row = next(row for row in rows if row["login"] == user)
    assert (row["displayname"], row["GROUP_ID"]) == ("Collaborators", f"{project}_collaborator")


def test_member_who_is_removed_sees_nothing_any_more(xnat: XnatServer, project: str) -> None:
    user, password = xnat.new_user(project, "Members")
    xnat.session().delete(f"/data/projects/{project}/users/Members/{user}").raise_for_status()
    assert xnat.session(user, password).get(f"/data/projects/{project}").status_code == 404
