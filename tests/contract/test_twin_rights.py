"""XNAT's contract, section 11: roles and groups of accounts, and the first run of a new site."""

from __future__ import annotations

import pytest
from xnat_twin.testing import Practice, Session, XnatServer

USERS = "/xapi/users"


@pytest.fixture
def server(practice: Practice) -> XnatServer:
    """A server whose accounts these tests may change."""
    return practice(name="users")


@pytest.fixture
def admin(server: XnatServer) -> Session:
    return server.session()


@pytest.mark.rule("user-roles")
def test_role_is_given_and_taken(server: XnatServer, admin: Session) -> None:
    user, password = server.new_user()
    path = f"{USERS}/{user}/roles"
    assert admin.get(path).json() == []
    for role in ("Administrator", "non_expiring", "any_name"):
        assert [admin.put(f"{path}/{role}").status_code for _ in range(2)] == [200, 200]
    http = server.session(user, password)
    assert set(http.get(path).json()) == {"Administrator", "non_expiring", "any_name"}
    assert [admin.delete(f"{path}/any_name").status_code for _ in range(2)] == [200, 200]
    assert set(http.get(path).json()) == {"Administrator", "non_expiring"}
    assert admin.put(f"{USERS}/nosuch/roles/Administrator").status_code == 404


@pytest.mark.rule("administrator-role")
def test_administrator_administers_at_once_and_until_the_role_is_taken(server: XnatServer, admin: Session) -> None:
    user, password = server.new_user()
    http = server.session(user, password)
    path = f"{USERS}/{user}/roles/Administrator"
    private = server.new_project()
    assert [http.get(p).status_code for p in (f"{USERS}/active", f"/data/projects/{private}")] == [403, 404]
    assert admin.put(path).status_code == 200
    assert [http.get(p).status_code for p in (f"{USERS}/active", f"/data/projects/{private}")] == [200, 200]
    assert http.delete(path).status_code == 200
    assert http.get(f"{USERS}/active").status_code == 403


@pytest.mark.rule("last-administrator")
def test_last_administrator_stays_one(server: XnatServer, admin: Session) -> None:
    user, _ = server.new_user()
    for other in admin.get(USERS).json():
        if other != "admin":
            admin.delete(f"{USERS}/{other}/roles/Administrator").raise_for_status()
    assert admin.delete(f"{USERS}/admin/roles/Administrator").status_code == 409
    admin.put(f"{USERS}/{user}/roles/Administrator").raise_for_status()
    admin.put(f"{USERS}/{user}/enabled/false").raise_for_status()
    assert admin.delete(f"{USERS}/admin/roles/Administrator").status_code == 409


@pytest.mark.rule("all-data-groups")
def test_groups_about_all_data(server: XnatServer, admin: Session) -> None:
    project = server.new_project()
    path = f"/data/projects/{project}"
    user, password = server.new_user()
    http = server.session(user, password)
    assert http.get(path).status_code == 404
    assert admin.put(f"{USERS}/{user}/groups/ALL_DATA_ACCESS").status_code == 200
    assert http.get(path).status_code == 200
    assert project in http.get("/data/projects", params={"format": "csv"}).text
    assert http.put(f"{path}/subjects/S1").status_code == 403
    assert admin.put(f"{USERS}/{user}/groups/ALL_DATA_ADMIN").status_code == 200
    assert http.put(f"{path}/subjects/S1").status_code == 201
    assert http.delete(f"{path}/subjects/S1").status_code == 200
    assert http.get(f"{USERS}/active").status_code == 403  # of the data, not of the site
    assert http.get(f"{USERS}/{user}/groups").json() == ["ALL_DATA_ADMIN", "ALL_DATA_ACCESS"]
    for group in ("ALL_DATA_ADMIN", "ALL_DATA_ACCESS"):
        assert admin.delete(f"{USERS}/{user}/groups/{group}").status_code == 200
    assert http.get(path).status_code == 404


@pytest.mark.rule("project-groups")
def test_groups_of_a_project(server: XnatServer, admin: Session) -> None:
    project = server.new_project()
    path = f"/data/projects/{project}"
    owner, member = server.new_user(project, "Owners"), server.new_user()
    assert admin.get(f"{USERS}/{owner[0]}/groups").json() == [f"{project}_owner"]
    as_owner, as_member = server.session(*owner), server.session(*member)
    assert as_owner.put(f"{USERS}/{member[0]}/groups/{project}_collaborator").status_code == 200
    assert as_member.put(f"{path}/subjects/S1").status_code == 403
    assert as_owner.put(f"{USERS}/{member[0]}/groups/{project}_member").status_code == 200
    assert as_member.put(f"{path}/subjects/S1").status_code == 201
    assert as_member.get(f"{USERS}/{member[0]}/groups").json() == [f"{project}_member"]
    assert as_member.put(f"{USERS}/{owner[0]}/groups/{project}_member").status_code == 403
    assert as_owner.put(f"{USERS}/{member[0]}/groups/ALL_DATA_ADMIN").status_code == 403


@pytest.mark.rule("roles-and-groups-as-lists")
def test_roles_and_groups_as_lists_with_what_failed_as_the_answer(server: XnatServer, admin: Session) -> None:
    project, (user, password) = server.new_project(), server.new_user()
    groups, roles, member = f"{USERS}/{user}/groups", f"{USERS}/{user}/roles", f"{project}_member"
    answer = admin.put(groups, json=[member])
    assert (answer.status_code, answer.json()) == (200, [])
    answer = admin.put(groups, json=["nosuch", "ALL_DATA_ACCESS"])
    assert (answer.status_code, answer.json()) == (202, ["nosuch"])
    assert admin.get(groups).json() == ["ALL_DATA_ACCESS", member]
    http = server.session(user, password)
    assert http.put(groups, json=[member]).status_code == 403
    assert http.delete(groups, json=[member, "ALL_DATA_ACCESS"]).json() == []
    assert admin.get(groups).json() == []
    assert http.put(roles, json=["Administrator"]).status_code == 403
    assert admin.put(roles, json=["Administrator", "non_expiring"]).json() == []
    assert admin.delete(roles, json=["non_expiring", "Administrator"]).json() == []
    assert admin.get(roles).json() == []
    assert admin.put(roles, json={"not": "a list"}).status_code == 500
    assert admin.put(f"{USERS}/nosuch/groups", json=[member]).status_code == 404


@pytest.mark.rule("roles-and-groups-as-lists", "last-administrator")
def test_last_administrator_is_what_failed(practice: Practice) -> None:
    admin = practice(name="last-administrator").session()
    answer = admin.delete(f"{USERS}/admin/roles", json=["Administrator"])
    assert (answer.status_code, answer.json()) == (202, ["Administrator"])


@pytest.mark.rule("groups-refused")
def test_groups_that_cannot_be_joined_and_left(server: XnatServer, admin: Session) -> None:
    project = server.new_project()
    user, password = server.new_user(project)
    assert admin.put(f"{USERS}/{user}/groups/nosuch").status_code == 500
    assert admin.put(f"{USERS}/nosuch/groups/ALL_DATA_ADMIN").status_code == 404
    assert admin.put(f"{USERS}/guest/groups/ALL_DATA_ADMIN").status_code == 400
    assert admin.delete(f"{USERS}/{user}/groups/nosuch").status_code == 200
    http = server.session(user, password)
    assert http.delete(f"{USERS}/admin/groups/ALL_DATA_ADMIN").status_code == 403
    assert http.delete(f"{USERS}/{user}/groups/{project}_member").status_code == 200
    assert http.get(f"/data/projects/{project}").status_code == 404


def _service_account(api: Session) -> None:
    given = {"username": "service", "password": "s3cret", "firstName": "S", "lastName": "A"}
    given["email"] = "service@example.org"
    created = api.post(USERS, json=given | {"enabled": True, "verified": True})
    assert created.status_code == 201
    for right in ("roles/Administrator", "roles/non_expiring", "groups/ALL_DATA_ADMIN"):
        assert api.put(f"{USERS}/service/{right}").status_code == 200


@pytest.mark.rule("first-run")
def test_first_run_of_a_site_that_its_files_configured(practice: Practice) -> None:
    """The order in which UCL's Ansible role works: a prefs-init.ini has configured the site before it."""
    server = practice(name="first")
    default = server.session()
    assert default.get("/xapi/siteConfig").status_code == 200
    assert default.put(f"{USERS}/admin", json={"password": "new", "confirmPassword": "new"}).status_code == 200
    assert server.session().get("/xapi/siteConfig").status_code == 401
    changed = server.session("admin", "new")
    assert changed.get(f"{USERS}/service").status_code == 500
    _service_account(changed)
    service = server.session("service", "s3cret")
    settings = {"siteId": "NODE", "adminEmail": "node@example.org", "initialized": True}
    assert service.post("/xapi/siteConfig", json=settings).status_code == 200
    for user in ("admin", "guest"):
        answers = [service.put(f"{USERS}/{user}", json={"enabled": False, "verified": False}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 304]
    assert server.session("admin", "new").get("/data/projects").status_code == 401
    assert service.get("/data/projects").status_code == 200
    assert service.get("/xapi/siteConfig/siteId").text == "NODE"


@pytest.mark.rule("first-run-settings-first", "uninitialised-redirect")
def test_first_run_of_a_site_that_nobody_configured_begins_with_its_settings(practice: Practice) -> None:
    """Accounts cannot be reached before: an administrator is led to the setup page, whatever he asks for."""
    server = practice(initialized=False, name="first")
    api = server.session()
    assert api.put(f"{USERS}/admin", json={"password": "new"}, allow_redirects=False).status_code == 302
    assert api.get("/xapi/siteConfig").json()["initialized"] is False
    settings = {"initialized": True, "siteId": "NODE", "adminEmail": "node@example.org"}
    assert api.post("/xapi/siteConfig", json=settings).status_code == 200
    assert api.put(f"{USERS}/admin", json={"password": "new"}).status_code == 200
    _service_account(server.session("admin", "new"))
    assert server.session("service", "s3cret").get("/data/projects").status_code == 200
