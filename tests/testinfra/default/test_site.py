"""The running site, asked from outside: it is as the inventory says, and its next start will leave it so."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
import requests
from reach import Client, Host

from lab import playbook
from lab.settings import Lab

OVERRIDE = "/data/xnat/home/config/prefs-override.ini"


def test_site_is_as_the_inventory_says(admin: Client, lab: Lab) -> None:
    settings = admin.get("/xapi/siteConfig").json()
    expected = {
        "initialized": True,
        "siteId": "DPUK_LAB",
        "siteUrl": lab.url,
        "adminEmail": "admin@dpuk.test",
        "archivePath": "/data/xnat/archive",
        "requireLogin": True,
        "userRegistration": False,
        "securityNewUserRegistrationDisabled": True,
        "checksums": True,
        "enableDicomReceiver": True,
    }
    assert {name: settings[name] for name in expected} == expected
    mail = admin.get("/xapi/notifications").json()
    assert [mail[name] for name in ("smtpEnabled", "smtpHostname", "smtpPort")] == ["true", "localhost", "25"]
    assert admin.get("/xapi/users/admin").json()["email"] == "admin@dpuk.test"
    receivers = admin.get("/xapi/dicomscp").json()
    assert [(one["label"], one["enabled"]) for one in receivers] == [("DPUK_LAB:8104", True)]


def test_nobody_is_let_in_without_a_login(admin: Client) -> None:
    assert admin.get("/xapi/users/guest/enabled").text == "false"
    with requests.Session() as stranger:
        stranger.trust_env = False
        stranger.verify = admin.session.verify
        for path in ("/data/projects", "/xapi/siteConfig", "/xapi/users"):
            assert stranger.get(f"{admin.url}{path}", timeout=60).status_code == 401
        assert stranger.get(f"{admin.url}/xapi/siteConfig/siteId", timeout=60).text == "DPUK_LAB"


def test_next_start_leaves_the_site_as_it_is(admin: Client, web: Host) -> None:
    """What is enforced at every start is what the site has now; only root may change it."""
    file = web.file(OVERRIDE)
    assert (file.user, file.group, file.mode) == ("root", "xnat", 0o640)
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(file.content_string)
    assert set(parser.sections()) == {"siteConfig", "notifications"}
    for section, path in (("siteConfig", "/xapi/siteConfig"), ("notifications", "/xapi/notifications")):
        stored = admin.get(path).json()
        enforced = dict(parser[section])
        assert enforced == {name: _text(stored[name]) for name in enforced}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture
def process(web: Host) -> str:
    """Tomcat's process and the moment of its start."""
    found: str = web.run("systemctl show tomcat -p MainPID -p ExecMainStartTimestampMonotonic").stdout
    return found


def test_a_new_setting_arrives_without_a_restart(admin: Client, web: Host, process: str, tmp_path: Path) -> None:
    """By REST now, by the file at the next start; and taken back the same way."""
    words = ["--limit", "xnat", "--tags", "xnat_site", "--skip-tags", "always"]
    for port, more in (("2525", ["-e", "xnat_smtp_port=2525"]), ("25", [])):
        assert playbook.play("site.yml", [*words, *more], log=tmp_path / f"{port}.log").changed == 2
        assert admin.get("/xapi/notifications").json()["smtpPort"] == port
        assert f"smtpPort={port}\n" in web.file(OVERRIDE).content_string
        now = web.run("systemctl show tomcat -p MainPID -p ExecMainStartTimestampMonotonic").stdout
        assert now == process
