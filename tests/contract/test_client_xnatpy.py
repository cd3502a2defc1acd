"""XNATpy against XNAT: how it connects, what it makes of the server's schemas, users, searches.

Objects are in test_client_xnatpy_objects.py, files in test_client_xnatpy_files.py. What it did is read back by other
means; rules of single calls are in the tests of the twin.
"""

from __future__ import annotations

import contextlib
import csv
import importlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from client_runner import Clients
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["client_fixtures"]

Rows = Callable[..., list[dict[str, str]]]
exceptions: Any = importlib.import_module("xnat.exceptions")


def test_connects_browses_and_leaves_no_session_behind(clients: Clients, xnat: XnatServer, session: str) -> None:
    project = session.split("/")[3]
    with clients.xnatpy() as connection:
        assert connection.logged_in_user == xnat.admin
        assert [one.label for one in connection.projects[project].experiments] == ["S1_MRI"]
        anonymous = xnat.session()
        anonymous.auth = None
        anonymous.cookies["JSESSIONID"] = connection.jsession
        assert anonymous.get(session).status_code == 200
    assert anonymous.get(session).status_code == 401


@pytest.mark.rule("clients-version")
def test_version_comes_from_build_info(xnatpy: Any, api: Session) -> None:
    assert xnatpy.xnat_version == api.get("/xapi/siteConfig/buildInfo/version").text.strip('"')
    assert xnatpy.xnat_build_info["version"] == xnatpy.xnat_version
    assert set(xnatpy.xnat_uptime) <= {"days", "hours", "minutes", "seconds"}
    assert float(xnatpy.xnat_uptime["seconds"]) >= 0


def test_wrong_password_is_told_with_the_words_of_the_server(clients: Clients, xnat: XnatServer) -> None:
    with pytest.raises(exceptions.XNATLoginFailedError, match="problem logging in"):
        clients.xnatpy(xnat.admin, "wrong")


@pytest.mark.practice_xnat("opens the site")
@pytest.mark.rule("page-names-user")
def test_without_a_name_it_is_the_guest_of_an_open_site(clients: Clients, xnat: XnatServer, api: Session) -> None:
    connect = importlib.import_module("xnat").connect
    public = xnat.new_project("public")
    with pytest.raises(exceptions.XNATAuthError):
        connect(xnat.url)
    api.post("/xapi/siteConfig", json={"requireLogin": False}).raise_for_status()
    try:
        with connect(xnat.url) as connection:
            assert connection.logged_in_user == "guest"
            assert public in connection.projects
    finally:
        api.post("/xapi/siteConfig", json={"requireLogin": True}).raise_for_status()


@pytest.mark.rule("page-names-user")
def test_pages_say_who_is_logged_in_as_older_versions_look_for_it(xnat: XnatServer, api: Session) -> None:
    name = r'<span id="user_info">Logged in as: &nbsp;<a (id="[^"]+" )?href="[^"]+">([^<]+)</a>'
    found = re.search(name, api.get(xnat.url + "/").text)
    assert found is not None
    assert found[2] == xnat.admin


@pytest.mark.rule("token-login")
def test_alias_token_logs_in(clients: Clients, xnat: XnatServer, api: Session) -> None:
    token = api.get("/data/services/tokens/issue").json()
    with clients.xnatpy(token["alias"], token["secret"]) as connection:
        assert connection.logged_in_user == xnat.admin


def test_session_of_another_login_is_taken_over(clients: Clients, xnat: XnatServer, api: Session, project: str) -> None:
    key = api.post("/data/JSESSION").text
    connection = importlib.import_module("xnat").connect(xnat.url, jsession=key, cli=True, no_parse_model=True)
    assert connection.logged_in_user == xnat.admin
    assert connection.get_json(f"/data/projects/{project}")["items"][0]["data_fields"]["ID"] == project
    connection.disconnect()
    assert api.get("/data/auth").status_code == 200


def test_session_that_ended_on_the_server_is_an_error_for_every_later_call(
    clients: Clients, xnat: XnatServer, project: str
) -> None:
    connection = clients.xnatpy(no_parse_model=True)
    other = xnat.session()
    other.auth = None
    other.cookies["JSESSIONID"] = connection.jsession
    assert other.delete("/data/JSESSION").status_code == 200
    for _ in range(2):
        with pytest.raises(exceptions.XNATResponseError, match="401"):
            connection.get(f"/data/projects/{project}")
    with contextlib.suppress(exceptions.XNATResponseError):  # 200 or 401, by version
        connection.disconnect()


def test_users_and_access(xnatpy: Any, xnat: XnatServer, project: str, rows: Rows) -> None:
    user, _ = xnat.new_user()
    mine = xnatpy.projects[project]
    mine.set_access(user, "Collaborators")
    table = {row["login"]: row for row in rows(f"/data/projects/{project}/users")}
    assert {login: row["displayname"] for login, row in table.items()} == {xnat.admin: "Owners", user: "Collaborators"}
    found = mine.users[user]
    assert (found.access_level, found.email) == ("Collaborators", table[user]["email"])
    mine.remove_access(found)
    assert list(mine.users) == [xnat.admin]
    assert xnatpy.users[user].email == found.email
    assert mine.access_level != "No access"


def test_plugins_and_lists_of_the_site(xnatpy: Any, api: Session, session: str, scan: str) -> None:
    api.put(session, params={"scanner": "Practice 3T"}).raise_for_status()
    assert {row.id for row in xnatpy.plugins.values()} == set(api.get("/xapi/plugins").json())
    assert "Practice 3T" in xnatpy.scanners
    assert "T1" in {one["type"] for one in xnatpy.scan_types}


@pytest.fixture
def sessions(xnatpy: Any, project: str) -> str:
    """MR sessions `S1_MRI` of 2023 and `S2_MRI` of 2024 with a scan each; the project's ID."""
    mine = xnatpy.projects[project]
    for name, year in (("S1", 2023), ("S2", 2024)):
        subject = xnatpy.classes.SubjectData(parent=mine, label=name)
        session = xnatpy.classes.MrSessionData(parent=subject, label=f"{name}_MRI", date=f"{year}-01-31")
        xnatpy.classes.MrScanData(parent=session, id="1", type="T1" if name == "S1" else "T2")
    xnatpy.clearcache()
    return project


def test_search_by_fields(xnatpy: Any, sessions: str, rows: Rows) -> None:
    mr = xnatpy.classes.MrSessionData
    here = mr.PROJECT == sessions  # noqa: SIM300 - no comparison but a constraint
    [found] = mr.query().filter(here, mr.label == "S2_MRI").all()
    assert isinstance(found, mr)
    [wanted] = [row["ID"] for row in rows(f"/data/projects/{sessions}/experiments") if row["label"] == "S2_MRI"]
    assert (found.id, found.label) == (wanted, "S2_MRI")

    query = mr.query().filter(here & mr.label.like("S%")).view(mr.PROJECT, mr.label)
    assert query.to_string().count(b"search_field>") == 4
    wanted_rows = [("S1_MRI", sessions), ("S2_MRI", sessions)]
    table = query.tabulate_dict()
    assert sorted((row["xnat_col_mrsessiondatalabel"], row["project"]) for row in table) == wanted_rows
    lines = list(csv.DictReader(query.tabulate_csv().splitlines()))
    assert {row["quarantine_status"] for row in lines} == {"active"}
    answer = json.loads(query.tabulate_json())["ResultSet"]
    assert (answer["rootElementName"], answer["totalRecords"]) == ("xnat:mrSessionData", "2")
    assert len(query.tabulate_pandas()) == 2
    assert mr.query().filter(here, mr.label == "none").one_or_none() is None


def test_walk_over_levels(xnatpy: Any, sessions: str, rows: Rows) -> None:
    found = xnatpy.search(project=sessions, subject="S*", experiment="*_MRI", scan="T1", level="scan")
    assert [(one.id, one.type) for one in found] == [("1", "T1")]
    labels = xnatpy.projects[sessions].map(lambda one: one.label, level="experiment")
    assert sorted(labels.values()) == ["S1_MRI", "S2_MRI"]
    [first, _] = rows(f"/data/projects/{sessions}/experiments", columns="ID,label")
    assert any(first["ID"] in uri for uri in labels)


def test_lists_are_filtered_and_tabulated(xnatpy: Any, sessions: str) -> None:
    listing = xnatpy.projects[sessions].experiments
    assert [one.label for one in listing.filter(label="S1*").values()] == ["S1_MRI"]
    table = listing.tabulate(columns=("label", "date"))
    assert sorted((row.label, row.date) for row in table) == [("S1_MRI", "2023-01-31"), ("S2_MRI", "2024-01-31")]
    assert "S2_MRI" in listing.tabulate_csv()
    assert len(listing.tabulate_pandas()) == 2


def test_name_is_free_beside_the_collections_own_package() -> None:
    """`import xnat` is XNATpy; this project's client is `ansible.module_utils.xnat`."""
    theirs = importlib.import_module("xnat")
    ours = importlib.import_module("ansible.module_utils.xnat")
    assert hasattr(theirs, "connect")
    assert theirs is not ours
