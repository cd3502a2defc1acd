"""XNAT's contract, section 2: projects, and who may see what in them."""

from __future__ import annotations

import pytest
from xnat_twin.testing import Practice, Session, XnatServer


def _ids(http: Session, path: str) -> set[str]:
    return {row["ID"] for row in http.get(path, params={"format": "json"}).json()["ResultSet"]["Result"]}


@pytest.mark.rule("project-put")
def test_put_is_200_and_empty_for_a_new_and_for_an_existing_project(api: Session, xnat: XnatServer) -> None:
    path = f"/data/projects/{xnat.new_id()}"
    for _ in range(2):
        answer = api.put(path)
        assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.rule("project-names-default")
def test_name_and_secondary_id_default_to_the_id(api: Session, project: str) -> None:
    fields = api.get(f"/data/projects/{project}", params={"format": "json"}).json()["items"][0]["data_fields"]
    assert (fields["name"], fields["secondary_ID"]) == (project, project)


@pytest.mark.rule("project-list")
def test_list_has_its_columns_and_quoted_counts(api: Session, project: str) -> None:
    result = api.get("/data/projects").json()["ResultSet"]
    row = next(row for row in result["Result"] if row["ID"] == project)
    assert list(row) == ["ID", "secondary_ID", "name", "description", "pi_firstname", "pi_lastname", "URI"]
    assert row["URI"] == f"/data/projects/{project}"
    assert result["totalRecords"] == str(len(result["Result"]))


@pytest.mark.rule("project-list-has-no-type")
def test_list_has_no_type_column_even_if_asked(api: Session, project: str) -> None:
    rows = api.get("/data/projects", params={"columns": "ID,xsiType", "format": "json"}).json()["ResultSet"]["Result"]
    assert all("xsiType" not in row for row in rows)


@pytest.mark.rule("project-default-access")
def test_new_project_is_protected_and_archives_by_itself(api: Session, xnat: XnatServer) -> None:
    path = f"/data/projects/{xnat.new_id()}"
    api.put(path).raise_for_status()
    assert api.get(f"{path}/accessibility").text == "protected"
    assert api.get(f"{path}/prearchive_code").text == "4"
    other = f"/data/projects/{xnat.new_id()}"
    api.put(other, params={"accessibility": "private"}).raise_for_status()
    assert api.get(f"{other}/accessibility").text == "private"


@pytest.mark.rule("project-post")
def test_post_answers_the_address_of_the_new_project(api: Session, xnat: XnatServer) -> None:
    identifier = xnat.new_id()
    document = f'<xnat:Project ID="{identifier}" xmlns:xnat="http://nrg.wustl.edu/xnat"/>'
    headers = {"Content-Type": "text/xml"}
    answer = api.post("/data/projects", data=document, headers=headers)
    assert answer.status_code in {200, 201}
    assert answer.text == answer.headers["Location"]
    assert answer.text.endswith(f"/data/projects/{identifier}")
    again = api.post("/data/projects", data=document, headers=headers)
    assert (again.status_code, "Project already exists." in again.text) == (409, True)


@pytest.mark.rule("project-post-needs-id")
def test_post_without_an_id_is_417(api: Session) -> None:
    assert api.post("/data/projects", params={"name": "nameless"}).status_code == 417


@pytest.mark.rule("project-shortcuts")
def test_fields_that_are_not_mentioned_stay(api: Session, project: str) -> None:
    path = f"/data/projects/{project}"
    api.put(path, params={"description": "first", "keywords": "brain"})
    api.put(path, params={"description": "second"})
    fields = api.get(path, params={"format": "json"}).json()["items"][0]["data_fields"]
    assert (fields["description"], fields["keywords"]) == ("second", "brain")


@pytest.mark.rule("project-id-characters")
def test_illegal_character_in_the_id_is_417(api: Session, xnat: XnatServer) -> None:
    assert api.put(f"/data/projects/{xnat.new_id()}.x").status_code == 417


@pytest.mark.rule("project-id-mismatch")
def test_body_with_another_id_is_417(api: Session, xnat: XnatServer) -> None:
    document = '<xnat:Project ID="other" xmlns:xnat="http://nrg.wustl.edu/xnat"/>'
    headers = {"Content-Type": "text/xml"}
    assert api.put(f"/data/projects/{xnat.new_id()}", data=document, headers=headers).status_code == 417


@pytest.mark.rule("project-one-namespace")
def test_id_that_differs_only_in_case_is_409(api: Session, project: str) -> None:
    answer = api.put(f"/data/projects/{project.upper()}")
    assert answer.status_code == 409
    assert "conflicts with existing projects" in answer.text


@pytest.mark.rule("project-one-namespace")
def test_name_of_another_project_is_409(api: Session, xnat: XnatServer, project: str) -> None:
    assert api.put(f"/data/projects/{xnat.new_id()}", params={"name": project}).status_code == 409


@pytest.mark.rule("project-one-namespace")
@pytest.mark.parametrize("field", ["name", "secondary_ID", "alias"])
def test_no_name_of_a_project_is_another_ones(api: Session, xnat: XnatServer, project: str, field: str) -> None:
    """Whichever of its names it is, and whatever the case."""
    taken = xnat.new_id("Taken")
    api.put(f"/data/projects/{project}", params={field: taken}).raise_for_status()
    for answer in (
        api.put(f"/data/projects/{taken.lower()}"),
        api.put(f"/data/projects/{xnat.new_id()}", params={"alias": taken.upper()}),
    ):
        assert (answer.status_code, "Requested new project conflicts" in answer.text) == (409, True)
    assert api.put(f"/data/projects/{project}", params={field: taken}).status_code == 200


@pytest.mark.rule("project-alias-of-its-own")
def test_alias_cannot_be_another_name_of_the_same_project(api: Session, xnat: XnatServer) -> None:
    identifier = xnat.new_id()
    assert api.put(f"/data/projects/{identifier}", params={"alias": identifier}).status_code == 409


@pytest.mark.rule("project-alias-is-no-id")
def test_project_cannot_be_changed_by_its_alias(api: Session, xnat: XnatServer, project: str) -> None:
    alias = xnat.new_id("alias")
    api.put(f"/data/projects/{project}", params={"alias": alias}).raise_for_status()
    assert api.put(f"/data/projects/{alias}", params={"description": "d"}).status_code == 409
    assert api.get(f"/data/projects/{alias}/accessibility").text == "private"


@pytest.mark.rule("project-alias")
def test_alias_works_as_id(api: Session, xnat: XnatServer, project: str) -> None:
    alias = xnat.new_id("alias")
    api.put(f"/data/projects/{project}", params={"alias": alias})
    answer = api.get(f"/data/projects/{alias}", params={"format": "json"})
    assert answer.json()["items"][0]["data_fields"]["ID"] == project


@pytest.mark.rule("project-id-retired", "project-delete")
def test_id_of_a_deleted_project_is_never_free_again(api: Session, xnat: XnatServer) -> None:
    path = f"/data/projects/{xnat.new_project()}"
    assert api.delete(path).status_code == 200
    assert api.delete(path).status_code == 400
    answer = api.put(path)
    assert answer.status_code == 403
    assert "previously deleted project" in answer.text


@pytest.mark.rule("project-id-reuse")
def test_xnat_1_6_gives_the_id_of_a_deleted_project_away_again(practice: Practice) -> None:
    api = practice(flavour="1.6").session()
    path = f"/data/projects/{practice(flavour='1.6').new_id()}"
    assert [api.put(path).status_code, api.delete(path).status_code, api.put(path).status_code] == [200, 200, 200]


@pytest.mark.rule("project-delete-tail")
def test_delete_of_a_setting_is_400(api: Session, project: str) -> None:
    assert api.delete(f"/data/projects/{project}/prearchive_code").status_code == 400
    assert api.get(f"/data/projects/{project}").status_code == 200


@pytest.mark.rule("project-delete-right")
def test_delete_needs_an_owner(xnat: XnatServer, project: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.delete(f"/data/projects/{project}").status_code == 403


@pytest.mark.rule("project-delete-files")
@pytest.mark.practice_xnat("looks at the server's disk")
def test_files_of_a_deleted_project_stay_unless_they_are_to_be_removed(api: Session, xnat: XnatServer) -> None:
    for params, left in (({}, True), ({"removeFiles": "true"}, False)):
        project = xnat.new_project()
        headers = {"Content-Type": "text/plain"}
        api.put(f"/data/projects/{project}/resources/R/files/a.txt", data=b"a", headers=headers).raise_for_status()
        assert (xnat.archive / project / "resources" / "R" / "a.txt").read_bytes() == b"a"
        api.delete(f"/data/projects/{project}", params=params).raise_for_status()
        assert (xnat.archive / project).exists() == left


@pytest.mark.rule("project-create-right")
@pytest.mark.practice_xnat("changes a site setting")
def test_only_administrators_make_projects_where_the_site_says_so(xnat: XnatServer) -> None:
    user = xnat.session(*xnat.new_user())
    assert user.put(f"/data/projects/{xnat.new_id()}").status_code == 200
    with xnat.settings(uiAllowNonAdminProjectCreation=False):
        answer = user.put(f"/data/projects/{xnat.new_id()}")
        assert (answer.status_code, "create projects on this system" in answer.text) == (403, True)
        assert user.post("/data/projects", params={"ID": xnat.new_id()}).status_code == 403


@pytest.mark.rule("project-guest")
@pytest.mark.practice_xnat("changes a site setting")
def test_guest_makes_no_project(xnat: XnatServer) -> None:
    with xnat.settings(requireLogin=False):
        assert Session(xnat.url).put(f"/data/projects/{xnat.new_id()}").status_code == 403


@pytest.mark.rule("project-event-name")
@pytest.mark.practice_xnat("changes a site setting")
def test_project_needs_an_event_name_where_the_site_demands_one(api: Session, xnat: XnatServer, project: str) -> None:
    """Projects are the only objects for which XNAT has no name of its own."""
    with xnat.settings(requireEventName=True):
        assert api.put(f"/data/projects/{xnat.new_id()}").status_code == 403
        assert api.put(f"/data/projects/{project}").status_code == 500
        assert api.put(f"/data/projects/{project}", params={"event_action": "why"}).status_code == 200
        assert api.put(f"/data/projects/{project}/subjects/S1").status_code == 201


@pytest.mark.rule("project-unseen-404")
def test_missing_project_is_404(api: Session) -> None:
    assert api.get("/data/projects/no_such_project").status_code == 404


@pytest.mark.rule("project-setting-unknown")
def test_unknown_setting_of_a_project_is_400(api: Session, project: str) -> None:
    assert api.get(f"/data/projects/{project}/bogus").status_code == 400


@pytest.mark.rule("item-formats")
def test_item_is_html_unless_a_format_is_asked_for(api: Session, project: str) -> None:
    path = f"/data/projects/{project}"
    assert api.get(path).headers["Content-Type"].startswith("text/html")
    assert api.get(path, params={"format": "xml"}).headers["Content-Type"].startswith("text/xml")
    assert api.get(path, headers={"Accept": "application/json"}).status_code == 406


@pytest.mark.rule("project-xml")
def test_xml_of_a_project_can_be_put_back(api: Session, project: str) -> None:
    path = f"/data/projects/{project}"
    api.put(path, params={"description": "as it was", "pi_lastname": "Smith"})
    document = api.get(path, params={"format": "xml"}).content
    api.put(path, params={"description": "changed", "pi_lastname": "Jones"})
    assert api.put(path, data=document, headers={"Content-Type": "text/xml"}).status_code == 200
    row = next(row for row in api.get("/data/projects").json()["ResultSet"]["Result"] if row["ID"] == project)
    assert (row["description"], row["pi_lastname"]) == ("as it was", "Smith")
