"""xnat_info: tells what there is to know, with and without a login, and changes nothing."""

from __future__ import annotations

import pytest
from module_runner import ModuleFailedError, Modules
from xnat_twin.testing import Practice, XnatServer

pytest_plugins = ["module_fixtures"]


def test_administrator_is_told_everything(modules: Modules, xnat: XnatServer, writes: list[tuple[str, str]]) -> None:
    for check in (False, True):
        done = modules.info(check=check)
        found = done["object"]
        assert done["changed"] is False
        assert (found["reachable"], found["initialized"], found["problem"]) == (True, True, None)
        assert found["version"] == found["build"]["version"]
        assert float(found["uptime"]["seconds"]) >= 0
        assert "xnat:mrSessionData" in found["data_types"]
        assert (found["account"]["username"], found["account"]["administrator"]) == (xnat.admin, True)
    assert writes == []


def test_others_are_told_who_they_are(modules: Modules, xnat: XnatServer) -> None:
    user, password = xnat.new_user()
    found = modules.info(username=user, password=password)["object"]
    assert (found["account"]["username"], found["account"]["administrator"]) == (user, False)
    assert found["version"]


@pytest.mark.practice_xnat("fails a login, which may lock a real account")
def test_without_a_login_there_is_what_is_open_and_the_reason(modules: Modules) -> None:
    found = modules.info(password="wrong", need_login=False)["object"]
    assert (found["reachable"], found["account"]) == (True, None)
    assert found["version"]
    assert "answered 401" in found["problem"]
    assert found["refused"] is True
    with pytest.raises(ModuleFailedError, match="answered 401"):
        modules.info(password="wrong")
    open_only = modules.info(username=None, password=None, need_login=False)["object"]
    assert (open_only["site_id"] is not None, "give username and password" in open_only["problem"]) == (True, True)


def test_site_that_is_away_is_a_fact_or_an_error(modules: Modules) -> None:
    away = {"url": "http://127.0.0.1:9", "retries": 0}
    found = modules.info(**away, need_login=False)["object"]
    assert (found["reachable"], found["version"], found["refused"]) == (False, None, False)
    assert "nothing listens" in found["problem"]
    with pytest.raises(ModuleFailedError, match="nothing listens"):
        modules.info(**away)


@pytest.mark.practice_xnat("is of another version, and fails a login")
def test_1_6_tells_what_it_can(practice: Practice) -> None:
    server = practice("1.6", name="info_1_6")
    modules = Modules(server.url, server.admin, server.password)
    found = modules.info()["object"]
    assert (found["reachable"], found["version"], found["initialized"]) == (True, "1.6.5", True)
    assert (found["site_id"], found["account"]) == ("XNAT", {"username": server.admin, "administrator": True})
    assert "xnat:mrSessionData" in found["data_types"]
    refused = modules.info(password="wrong", need_login=False)["object"]
    assert (refused["reachable"], refused["version"], refused["refused"]) == (True, "1.6.5", True)
    fresh = practice("1.6", initialized=False, name="info_1_6_fresh")
    assert Modules(fresh.url, fresh.admin, fresh.password).info()["object"]["initialized"] is False
