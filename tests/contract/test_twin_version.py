"""XNAT's contract, section 1.5: which version a server is, and for how long it has been up."""

from __future__ import annotations

import re

import pytest
import requests
from xnat_twin.testing import Practice, Session, XnatServer

STATUS_PAGE = re.compile(r"<html>.*<h3>.+</h3>.*<br>\n.*</html>", re.DOTALL)


@pytest.mark.rule("version-404")
def test_version_of_1_6_is_404_with_a_page_that_is_not_xml(api: Session, xnat: XnatServer) -> None:
    answer = api.get("/data/version")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert STATUS_PAGE.search(answer.text)
    assert "</br>" not in answer.text
    assert "Not Found" not in answer.text
    assert requests.get(f"{xnat.url}/data/version").status_code == 401


@pytest.mark.rule("version-1-6")
def test_1_6_tells_its_version_to_everyone(practice: Practice) -> None:
    server = practice(flavour="1.6")
    answer = requests.get(f"{server.url}/data/version")
    assert (answer.status_code, answer.text) == (200, "1.6.5")
    assert requests.get(f"{server.url}/REST/version").text == "1.6.5"


@pytest.mark.rule("build-info")
def test_build_info_needs_no_login(xnat: XnatServer) -> None:
    answer = requests.get(f"{xnat.url}/xapi/siteConfig/buildInfo")
    assert answer.status_code == 200
    assert re.match(r"\d+\.\d+", answer.json()["version"])
    assert answer.json().keys() >= {"version", "buildNumber", "buildDate", "isDirty", "timestamp", "displayHostName"}


@pytest.mark.rule("build-info")
@pytest.mark.parametrize(("flavour", "version"), [("1.8", "1.8.11"), ("1.10", "1.10.1")])
def test_each_flavour_claims_its_version(practice: Practice, flavour: str, version: str) -> None:
    server = practice(flavour=flavour)
    assert requests.get(f"{server.url}/xapi/siteConfig/buildInfo").json()["version"] == version


@pytest.mark.rule("build-info-property")
def test_build_property_is_text_and_an_unknown_one_is_empty(api: Session) -> None:
    version = api.get("/xapi/siteConfig/buildInfo").json()["version"]
    assert api.get("/xapi/siteConfig/buildInfo/version").text == version
    answer = api.get("/xapi/siteConfig/buildInfo/nosuch")
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.rule("uptime")
def test_uptime_is_texts_without_units_that_are_zero(api: Session) -> None:
    uptime = api.get("/xapi/siteConfig/uptime").json()
    assert uptime.keys() <= {"days", "hours", "minutes", "seconds"}
    assert re.fullmatch(r"\d+(\.\d+)?", uptime["seconds"])
    assert re.search(r"[\d.]+ seconds$", api.get("/xapi/siteConfig/uptime/display").text)


@pytest.mark.practice_xnat("turns the server's clock back")
@pytest.mark.rule("uptime")
def test_uptime_of_more_than_a_day(practice: Practice) -> None:
    server = practice(name="old")
    server.site.started -= 86400 + 2 * 60 + 1
    uptime = server.session().get("/xapi/siteConfig/uptime").json()
    assert (uptime["days"], uptime["minutes"]) == ("1", "2")
    assert "hours" not in uptime
    assert server.session().get("/xapi/siteConfig/uptime/display").text.startswith("1 days, 2 minutes, ")
