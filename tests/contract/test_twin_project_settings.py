"""XNAT's contract, section 2: settings of a project, and who belongs to it."""

from __future__ import annotations

import pytest
from xnat_twin.testing import Session, XnatServer


def _users(http: Session, project: str, end: str = "") -> list[dict[str, str]]:
    return list(http.get(f"/data/projects/{project}/users{end}").json()["ResultSet"]["Result"])


@pytest.mark.rule("project-accessibility")
@pytest.mark.parametrize("accessibility", ["private", "protected", "public"])
def test_accessibility_is_what_was_set(api: Session, project: str, accessibility: str) -> None:
    answer = api.put(f"/data/projects/{project}/accessibility/{accessibility}")
    assert (answer.status_code, answer.text) == (200, accessibility)
    got = api.get(f"/data/projects/{project}/accessibility")
    assert (got.text, got.headers["Content-Type"].partition(";")[0]) == (accessibility, "text/plain")
    api.put(f"/data/projects/{project}", params={"accessibility": "private"}).raise_for_status()
    assert api.get(f"/data/projects/{project}/accessibility").text == "private"


@pytest.mark.rule("project-accessibility-refused")
def test_accessibility_needs_an_owner_a_level_and_a_project(api: Session, xnat: XnatServer, project: str) -> None:
    path = f"/data/projects/{project}/accessibility"
    assert api.put(path).status_code == 400
    assert api.put(f"{path}/bogus").status_code == 500
    assert api.get("/data/projects/no_such_project/accessibility").status_code == 404
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.put(f"{path}/public").status_code == 403


@pytest.mark.rule("project-private-site")
@pytest.mark.practice_xnat("changes a site setting")
def test_site_can_have_private_projects_only(api: Session, xnat: XnatServer, project: str) -> None:
    with xnat.settings(securityAllowNonPrivateProjects=False):
        assert api.put(f"/data/projects/{project}/accessibility/private").status_code == 403
        assert api.put(f"/data/projects/{project}", params={"accessibility": "public"}).status_code == 403
        new = f"/data/projects/{xnat.new_id()}"
        assert api.put(new, params={"accessibility": "public"}).status_code == 200
        assert api.get(f"{new}/accessibility").text == "private"


@pytest.mark.rule("project-codes")
@pytest.mark.parametrize(
    ("setting", "given", "stored"),
    [
        ("prearchive_code", "5", "5"),
        ("quarantine_code", "1", "1"),
        ("quarantine_code", "true", "1"),
        ("prearchive_code", "false", "0"),
        ("current_arc", "arc002", "arc002"),
    ],
)
def test_code_is_what_was_set(api: Session, project: str, setting: str, given: str, stored: str) -> None:
    path = f"/data/projects/{project}/{setting}"
    answer = api.put(f"{path}/{given}")
    assert (answer.status_code, answer.text) == (200, "")
    assert api.get(path).text == stored


@pytest.mark.rule("project-code-invalid")
def test_code_must_be_a_whole_number(api: Session, project: str) -> None:
    path = f"/data/projects/{project}/prearchive_code"
    refused = api.put(f"{path}/soon")
    assert (refused.status_code, "must be an integer" in refused.text) == (400, True)
    assert api.put(f"{path}/1.5").status_code == 403
    assert api.get(path).text == "4"


@pytest.mark.rule("project-auto-archive")
@pytest.mark.practice_xnat("changes a site setting")
def test_site_can_forbid_automatic_archiving(api: Session, xnat: XnatServer, project: str) -> None:
    with xnat.settings(projectAllowAutoArchive=False):
        assert api.put(f"/data/projects/{project}/prearchive_code/4").status_code == 403
        assert api.put(f"/data/projects/{project}/prearchive_code/0").status_code == 200


@pytest.mark.rule("project-scan-type-mapping")
def test_mapping_of_scan_types_can_be_set_and_not_be_read(api: Session, project: str) -> None:
    path = f"/data/projects/{project}/scan_type_mapping"
    assert api.put(f"{path}/true").status_code == 200
    assert api.get(path).status_code == 400


@pytest.mark.rule("project-current-arc")
@pytest.mark.practice_xnat("looks at the server's disk")
def test_current_arc_is_the_folder_of_new_sessions(api: Session, xnat: XnatServer, project: str) -> None:
    def upload(session: str) -> None:
        path = f"/data/projects/{project}/subjects/S1/experiments/{session}"
        api.put(path, params={"xsiType": "xnat:mrSessionData"}).raise_for_status()
        headers = {"Content-Type": "text/plain"}
        api.put(f"{path}/resources/R/files/a.txt", data=b"a", headers=headers).raise_for_status()

    upload("E1")
    api.put(f"/data/projects/{project}/current_arc/arc002").raise_for_status()
    upload("E2")
    folder = xnat.archive / project
    assert (folder / "arc001" / "E1" / "RESOURCES" / "R" / "a.txt").exists()
    assert (folder / "arc002" / "E2" / "RESOURCES" / "R" / "a.txt").exists()


@pytest.mark.rule("project-setting-unknown")
def test_unknown_setting_of_a_project_is_400(api: Session, project: str) -> None:
    for path in ("bogus", "prearchive_code", "scanners"):
        assert api.put(f"/data/projects/{project}/{path}").status_code == 400
    assert api.get(f"/data/projects/{project}/bogus").status_code == 400


@pytest.mark.rule("project-setting-missing")
def test_setting_of_a_missing_project_is_400(api: Session) -> None:
    answer = api.put("/data/projects/no_such_project/prearchive_code/4")
    assert (answer.status_code, "without specifying the project" in answer.text) == (400, True)


@pytest.mark.rule("project-setting-right")
def test_settings_need_an_owner(xnat: XnatServer, project: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    assert member.put(f"/data/projects/{project}/quarantine_code/1").status_code == 403
    assert member.get(f"/data/projects/{project}/quarantine_code").text == "0"


@pytest.mark.rule("project-users")
def test_users_of_a_project_are_listed_with_their_group(xnat: XnatServer, project: str) -> None:
    user, _ = xnat.new_user(project, "Collaborators")
    rows = _users(xnat.session(), project)
    assert list(rows[0]) == ["GROUP_ID", "displayname", "login", "firstname", "lastname", "email"]
    row = next(row for row in rows if row["login"] == user)
    assert (row["displayname"], row["GROUP_ID"]) == ("Collaborators", f"{project}_collaborator")
    assert rows[0]["GROUP_ID"] == f"{project}_owner", "the last group by its ID comes first"


@pytest.mark.rule("project-users-missing")
def test_users_of_a_missing_project_are_404(api: Session) -> None:
    assert api.get("/data/projects/no_such_project/users").status_code == 404
    assert api.put("/data/projects/no_such_project/users/Owners/admin").status_code == 404


@pytest.mark.rule("project-users-restricted")
@pytest.mark.practice_xnat("changes a site setting")
def test_site_can_keep_the_users_of_a_project_to_its_owners(xnat: XnatServer, project: str) -> None:
    member = xnat.session(*xnat.new_user(project, "Members"))
    owner = xnat.session(*xnat.new_user(project, "Owners"))
    assert member.get(f"/data/projects/{project}/users").status_code == 200
    with xnat.settings(restrictUserListAccessToAdmins=True):
        assert member.get(f"/data/projects/{project}/users").status_code == 403
        assert owner.get(f"/data/projects/{project}/users").status_code == 200


@pytest.mark.rule("project-users-hidden")
@pytest.mark.practice_xnat("disables an account")
def test_disabled_users_are_shown_only_if_asked_for(xnat: XnatServer, project: str) -> None:
    user, _ = xnat.new_user(project)
    api = xnat.session()
    api.put(f"/xapi/users/{user}", json={"enabled": False}).raise_for_status()
    assert user not in {row["login"] for row in _users(api, project)}
    assert user in {row["login"] for row in _users(api, project, "/true")}


@pytest.mark.rule("project-user-groups", "project-user-answer")
@pytest.mark.parametrize("group", ["Members", "member", "{project}_member"])
def test_group_has_three_names(xnat: XnatServer, project: str, group: str) -> None:
    user, _ = xnat.new_user()
    answer = xnat.session().put(f"/data/projects/{project}/users/{group.format(project=project)}/{user}")
    assert answer.status_code == 200
    rows = {row["login"]: row["displayname"] for row in answer.json()["ResultSet"]["Result"]}
    assert rows[user] == "Members"


@pytest.mark.rule("project-user-group-unknown")
def test_unknown_group_is_404(xnat: XnatServer, api: Session, project: str) -> None:
    for group in ("Bosses", "Owner", "other_owner"):
        assert api.put(f"/data/projects/{project}/users/{group}/{xnat.admin}").status_code == 404


@pytest.mark.rule("project-user-right")
def test_users_are_added_by_owners_only(xnat: XnatServer, project: str) -> None:
    user, password = xnat.new_user(project, "Members")
    member = xnat.session(user, password)
    assert member.put(f"/data/projects/{project}/users/Owners/{user}").status_code == 403
    assert member.delete(f"/data/projects/{project}/users/Members/{user}").status_code == 403


@pytest.mark.rule("project-user-removed")
def test_member_who_is_removed_sees_nothing_any_more(xnat: XnatServer, project: str) -> None:
    user, password = xnat.new_user(project, "Members")
    api = xnat.session()
    api.delete(f"/data/projects/{project}/users/Owners/{user}").raise_for_status()
    assert user in {row["login"] for row in _users(api, project)}, "he is not an owner, and stays a member"
    api.delete(f"/data/projects/{project}/users/Members/{user}").raise_for_status()
    assert xnat.session(user, password).get(f"/data/projects/{project}").status_code == 404


@pytest.mark.rule("project-user-one-group")
def test_user_is_in_one_group_of_a_project(xnat: XnatServer, project: str) -> None:
    user, _ = xnat.new_user(project, "Members")
    api = xnat.session()
    api.put(f"/data/projects/{project}/users/Owners/{user}").raise_for_status()
    assert [row["displayname"] for row in _users(api, project) if row["login"] == user] == ["Owners"]


@pytest.mark.rule("project-user-invited")
def test_unknown_user_is_invited_which_is_200(xnat: XnatServer, api: Session, project: str) -> None:
    before = _users(api, project)
    assert api.put(f"/data/projects/{project}/users/Members/{xnat.new_id('nobody')}").status_code == 200
    assert _users(api, project) == before


@pytest.mark.rule("project-users-split")
@pytest.mark.practice_xnat("makes two accounts")
def test_several_users_need_blanks_around_the_comma(xnat: XnatServer, api: Session, project: str) -> None:
    (one, _), (two, _) = xnat.new_user(), xnat.new_user()
    path = f"/data/projects/{project}/users/Members"
    assert api.put(f"{path}/{one},{two}").status_code == 200
    assert not {one, two} & {row["login"] for row in _users(api, project)}, "this was one user, whom nobody knows"
    assert api.put(f"{path}/{one}%20,%20{two}").status_code == 200
    assert {one, two} <= {row["login"] for row in _users(api, project)}


@pytest.mark.rule("project-user-by-email")
@pytest.mark.practice_xnat("makes an account")
def test_user_can_be_named_by_e_mail(xnat: XnatServer, api: Session, project: str) -> None:
    user, _ = xnat.new_user()
    assert api.put(f"/data/projects/{project}/users/Members/{user}@example.org").status_code == 200
    assert user in {row["login"] for row in _users(api, project)}


@pytest.mark.rule("project-user-guest")
def test_guest_cannot_be_a_member(api: Session, project: str) -> None:
    assert api.put(f"/data/projects/{project}/users/Members/guest").status_code == 412
