"""XNAT's contract: `/data/config` and `/data/projects/P/config`, texts that tools keep, in versions."""

from __future__ import annotations

import pytest
from object_helpers import rows_of
from xnat_twin.testing import Practice, Session, XnatServer


@pytest.fixture
def config(project: str) -> str:
    return f"/data/projects/{project}/config"


@pytest.mark.rule("config-put", "config-contents", "config-versions")
def test_text_is_201_once_and_a_new_version_with_each_change(api: Session, config: str) -> None:
    path = f"{config}/tool/some/path"
    answers = [api.put(path, params={"inbody": "true"}, data=text) for text in ("one", "one", "two")]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert api.get(path, params={"contents": "true"}).text == "two"
    assert api.get(path, params={"contents": "true", "version": "1"}).text == "one"
    [row] = rows_of(api, path)
    assert (row["tool"], row["path"], row["version"], row["status"]) == ("tool", "some/path", "2", "enabled")
    assert (row["contents"], row["unversioned"]) == ("two", "false")
    history = rows_of(api, path, action="getHistory")
    assert [(row["version"], row["contents"]) for row in history] == [("1", "one"), ("2", "two")]
    assert rows_of(api, path, meta="true")[0]["contents"] == ""


@pytest.mark.rule("config-lists")
def test_tools_and_the_configurations_of_a_tool(api: Session, config: str) -> None:
    assert api.get(config).status_code == 404
    for tool, path in (("b", "1"), ("b", "2"), ("a", "1")):
        api.put(f"{config}/{tool}/{path}", params={"inbody": "true"}, data="x").raise_for_status()
    assert [row["tool"] for row in rows_of(api, config)] == ["a", "b"]
    assert [row["path"] for row in rows_of(api, f"{config}/b")] == ["1", "2"]
    assert {"a", "b"} <= {row["tool"] for row in rows_of(api, "/data/config")}


@pytest.mark.rule("config-missing")
def test_configuration_that_is_not_there_is_404(api: Session, config: str) -> None:
    assert api.get(f"{config}/tool/path").status_code == 404
    assert api.get(f"{config}/tool/path", params={"contents": "true"}).status_code == 404
    assert api.get("/data/projects/nosuch_project/config/tool/path").status_code == 404


@pytest.mark.rule("config-status")
def test_disabled_configuration_is_listed_and_has_no_contents(api: Session, config: str) -> None:
    path = f"{config}/tool/path"
    api.put(path, params={"inbody": "true"}, data="text").raise_for_status()
    assert api.put(path, params={"status": "disabled"}).status_code == 200
    assert rows_of(api, path)[0]["status"] == "disabled"
    assert api.get(path, params={"contents": "true"}).status_code == 404
    assert api.put(path, params={"status": "enabled"}).status_code == 200
    assert api.get(path, params={"contents": "true"}).text == "text"
    assert [row["version"] for row in rows_of(api, path, action="getHistory")] == ["1", "2", "3"]
    assert api.put(path, params={"status": "perhaps"}).status_code == 400
    assert api.put(f"{config}/tool/other", params={"status": "enabled"}).status_code == 500


@pytest.mark.rule("config-delete")
def test_delete_disables(api: Session, config: str) -> None:
    path = f"{config}/tool/path"
    api.put(path, params={"inbody": "true"}, data="text").raise_for_status()
    assert api.delete(path).status_code == 200
    assert rows_of(api, path)[0]["status"] == "disabled"
    assert api.delete(f"{config}/tool/other").status_code == 500


@pytest.mark.rule("config-bodies")
def test_bodies_that_a_configuration_takes(api: Session, config: str) -> None:
    path = f"{config}/tool/path"
    assert api.put(path).status_code == 400
    assert api.put(path, json={"contents": "from json", "status": "enabled"}).status_code == 201
    assert api.get(path, params={"contents": "true"}).text == "from json"
    assert api.put(path, files={"file": ("a.txt", b"from a form")}).status_code == 200
    assert api.get(path, params={"contents": "true"}).text == "from a form"
    assert api.put(path, data="plain", headers={"Content-Type": "text/plain"}).status_code == 200
    assert api.put(path, params={"inbody": "true"}, data=" ").status_code == 500
    for body in ("null", "[]", '{"contents": {}}', "[" * 100_000):
        assert api.put(path, data=body, headers={"Content-Type": "application/json"}).status_code == 500
    assert api.put(path, params={"inbody": "true"}, data=b"x" * (17 * 1024 * 1024)).status_code == 500
    assert api.get(path, params={"contents": "true"}).text == "plain"


@pytest.mark.rule("config-unversioned")
def test_unversioned_configuration_is_replaced(api: Session, config: str) -> None:
    path = f"{config}/tool/path"
    for text in ("one", "two"):
        api.put(path, params={"inbody": "true", "unversioned": "true"}, data=text).raise_for_status()
    [row] = rows_of(api, path, action="getHistory")
    assert (row["contents"], row["version"], row["unversioned"]) == ("two", "1", "true")


@pytest.mark.rule("config-site-wide")
def test_project_falls_back_to_the_site_if_it_is_asked_to(practice: Practice) -> None:
    server = practice(name="config")
    http, project = server.session(), server.new_project()
    http.put("/data/config/tool/path", params={"inbody": "true"}, data="site").raise_for_status()
    path = f"/data/projects/{project}/config/tool/path"
    assert http.get(path, params={"contents": "true"}).status_code == 404
    assert http.get(path, params={"contents": "true", "defaultToSiteWide": "true"}).text == "site"
    assert http.get("/data/config/tool/path", params={"contents": "true"}).text == "site"


@pytest.mark.rule("config-rights")
def test_who_may_read_and_change_configurations(xnat: XnatServer, api: Session, project: str, config: str) -> None:
    path = f"{config}/tool/path"
    api.put(path, params={"inbody": "true"}, data="text").raise_for_status()
    user, password = xnat.new_user(project, "Members")
    http = xnat.session(user, password)
    assert http.get(path).status_code == 200
    assert http.put(path, params={"inbody": "true"}, data="other").status_code == 403
    assert http.delete(path).status_code == 403
    assert http.put("/data/config/tool/path", params={"inbody": "true"}, data="other").status_code == 403
    api.put(f"/data/projects/{project}/users/Owners/{user}").raise_for_status()
    assert http.put(path, params={"inbody": "true"}, data="other").status_code == 200
    hidden = xnat.new_project()
    assert http.get(f"/data/projects/{hidden}/config/tool/path").status_code == 403
