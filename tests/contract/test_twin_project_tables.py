"""XNAT's contract, section 2: the other tables of projects, by what the caller is to them."""

from __future__ import annotations

import pytest
from xnat_twin.testing import Session, XnatServer

COLUMNS = {"id", "name", "description", "secondary_id", "pi", "project_invs", "project_access", "insert_date",
           "insert_user"}  # fmt: skip


def _ids(http: Session, **params: str) -> set[str]:
    answer = http.get("/data/projects", params=params)
    answer.raise_for_status()
    rows = answer.json()["ResultSet"]["Result"]
    return {row.get("id") or row["ID"] for row in rows}


@pytest.mark.rule("project-other-table")
@pytest.mark.parametrize("name", ["accessible", "owner", "prearc_code"])
def test_filters_lead_to_another_table_with_columns_in_lower_case(api: Session, project: str, name: str) -> None:
    api.put(f"/data/projects/{project}", params={"pi_firstname": "Jane", "pi_lastname": "Smith"}).raise_for_status()
    rows = api.get("/data/projects", params={name: "true"}).json()["ResultSet"]["Result"]
    row = next(row for row in rows if row["id"] == project)
    assert set(row) >= COLUMNS
    assert any(column.startswith("user_role_") for column in row)
    assert (row["secondary_id"], row["project_access"]) == (project, "private")
    assert ("proj_prearchive_code" in row) == (name == "prearc_code")


@pytest.mark.rule("project-filter-groups")
def test_owner_member_and_collaborator_choose_by_group(xnat: XnatServer, project: str) -> None:
    collaborator = xnat.session(*xnat.new_user(project, "Collaborators"))
    assert project in _ids(collaborator, collaborator="true")
    assert project not in _ids(collaborator, owner="true")
    assert project not in _ids(collaborator, member="true")
    assert project in _ids(collaborator, member="true", collaborator="true"), "several of them mean one of them"


@pytest.mark.rule("project-filter-accessible")
def test_accessible_leaves_out_what_one_has_no_part_in(xnat: XnatServer, project: str) -> None:
    public, protected = xnat.new_project("public"), xnat.new_project("protected")
    user = xnat.session(*xnat.new_user(project, "Members"))
    assert {project, public, protected} <= _ids(user, accessible="true")
    others = _ids(user, accessible="false")
    assert ({public, protected} <= others, project in others) == (True, False)


@pytest.mark.rule("project-filter-data")
def test_data_is_readable_or_writable(xnat: XnatServer, project: str) -> None:
    public = xnat.new_project("public")
    collaborator = xnat.session(*xnat.new_user(project, "Collaborators"))
    readable, writable = _ids(collaborator, data="readable"), _ids(collaborator, data="writable")
    assert {project, public} <= readable
    assert not {project, public} & writable


@pytest.mark.rule("project-filter-data-invalid")
def test_data_that_is_neither_is_500(api: Session) -> None:
    assert api.get("/data/projects", params={"data": "bogus"}).status_code == 500


@pytest.mark.rule("project-filter-recent")
def test_recent_and_active_since_look_at_what_was_done(api: Session, xnat: XnatServer, project: str) -> None:
    untouched = xnat.session(*xnat.new_user(project, "Members"))
    assert project in _ids(api, recent="true")
    assert project not in _ids(untouched, recent="true")
    assert project in _ids(api, activeSince="2014-01-01")
    assert project not in _ids(api, activeSince="2114-01-01")
    assert api.get("/data/projects", params={"activeSince": "soon"}).status_code == 422


@pytest.mark.rule("project-filter-favorite")
def test_favorite_is_what_the_user_has_marked(api: Session, project: str) -> None:
    path = f"/data/users/favorites/Project/{project}"
    assert project not in _ids(api, favorite="true")
    assert api.put(path).status_code == 200
    assert project in _ids(api, favorite="true")
    assert api.delete(path).status_code == 200
    assert project not in _ids(api, favorite="true")


@pytest.mark.rule("project-permissions-table")
@pytest.mark.parametrize(
    ("group", "may"),
    [
        ("Owners", {"read", "create", "edit", "delete"}),
        ("Members", {"read", "create", "edit"}),
        ("Collaborators", {"read"}),
    ],
)
def test_permissions_are_those_of_the_group(xnat: XnatServer, project: str, group: str, may: set[str]) -> None:
    user = xnat.session(*xnat.new_user(project, group))
    for action in ("read", "create", "edit", "delete"):
        answer = user.get("/data/projects", params={"permissions": action, "dataType": "xnat:subjectData"})
        rows = answer.json()["ResultSet"]["Result"]
        assert all(set(row) == {"id", "secondary_id"} for row in rows)
        assert (project in {row["id"] for row in rows}) == (action in may)


@pytest.mark.rule("project-permissions-invalid")
@pytest.mark.parametrize("params", [{"permissions": "own", "dataType": "xnat:subjectData"}, {"permissions": "read"}])
def test_permission_that_xnat_does_not_know_is_500(api: Session, params: dict[str, str]) -> None:
    assert api.get("/data/projects", params=params).status_code == 500


@pytest.mark.rule("project-all-data-override")
def test_all_data_override_gives_nobody_more(xnat: XnatServer, api: Session, project: str) -> None:
    """An administrator sees everything anyway, and nobody else is asked."""
    assert project in _ids(api, allDataOverride="true")
    stranger = xnat.session(*xnat.new_user())
    assert project not in _ids(stranger, allDataOverride="true")
