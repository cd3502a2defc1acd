"""The role xnat_site, from the moment when XNAT answers: what a dry run shows, what is put back, and the password.

On this machine against the practice XNAT; the whole role runs on hosts (tests/testinfra/default/test_site.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from xnat_twin.testing import Practice, Session, XnatServer

ROOT = Path(__file__).parents[2]
PLAY = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    xnat_info: "{{ __xnat_site_account }}"
    xnat_site_config: "{{ __xnat_site_account }}"
    xnat_user: "{{ __xnat_site_account }}"
    xnat_dicom_receiver: "{{ __xnat_site_account }}"
  tasks:
    - ansible.builtin.import_role: {name: xnat, tasks_from: settings}
    - ansible.builtin.import_role: {name: xnat_site, tasks_from: preflight}
    - ansible.builtin.import_role: {name: xnat_site, tasks_from: enter}
    - ansible.builtin.import_role: {name: xnat_site, tasks_from: settings}
"""
MAIL_SECRET = "sentinel-mail-secret"
FORMER = "sentinel-former-password"
pytestmark = pytest.mark.practice_xnat("changes the settings of the site")

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def server(practice: Practice, request: pytest.FixtureRequest) -> XnatServer:
    return practice(name=f"role_{request.function.__name__}")


@pytest.fixture
def admin(server: XnatServer) -> Session:
    return server.session()


@pytest.fixture
def run(server: XnatServer, tmp_path: Path) -> Run:
    """Run the role's part; keyword arguments are variables. Returns the status and what was printed, with -vvv."""
    (tmp_path / "play.yml").write_text(PLAY)
    site = {"archivePath": str(server.archive), "cachePath": server.site.preferences["cachePath"]}
    variables: dict[str, Any] = {
        "__xnat_local_url": server.url,
        "ansible_python_interpreter": sys.executable,
        "xnat_version": "1.10.1",
        "xnat_war_src": ["x.war"],
        "xnat_war_checksum": f"sha256:{'0' * 64}",
        "xnat_site_id": "DPUK",
        "xnat_site_url": "https://xnat.test",
        "xnat_admin_email": "admin@example.org",
        "xnat_admin_password": server.password,
        "xnat_database_host": "db.test",
        "xnat_database_password": "sentinel-database-password",
        "xnat_site_settings": {**site, "sessionTimeout": "1 hour"},
        "xnat_site_notifications": {"smtpUsername": "u", "smtpPassword": MAIL_SECRET},
        "xnat_dicom_enabled": True,
        "xnat_site_dicom_ae_title": "DPUK",
    }

    def play(*words: str, **more: Any) -> tuple[int, str]:
        (tmp_path / "vars.json").write_text(json.dumps({**variables, **more}))
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        command = [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-vvv",
            "play.yml",
            "-e",
            "@vars.json",
            *words,
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
        output = done.stdout + done.stderr
        for secret in (MAIL_SECRET, FORMER, server.password, "sentinel-database-password"):
            assert secret not in output
        return done.returncode, output

    return play


def recap(output: str) -> str:
    return next(line for line in output.splitlines() if line.startswith("localhost ") and "changed=" in line)


def test_settings_are_predicted_made_and_kept(run: Run, admin: Session) -> None:
    before = admin.get("/xapi/siteConfig").json()
    code, output = run("--check", "--diff")
    assert code == 0, output
    shown = output.splitlines()
    for line in (
        "-    siteId: XNAT",
        "+    siteId: DPUK",
        "+    sessionTimeout: 1 hour",
        "+    smtpPassword: ******** (another)",
        "-    enabled: True",
        "+    enabled: False",
        "+DICOM receiver DPUK:8104",
    ):
        assert line in shown, line
    assert admin.get("/xapi/siteConfig").json() == before
    predicted = recap(output)
    code, output = run()
    assert (code, recap(output)) == (0, predicted), output
    settings, mail = admin.get("/xapi/siteConfig").json(), admin.get("/xapi/notifications").json()
    assert (settings["siteId"], settings["securityNewUserRegistrationDisabled"]) == ("DPUK", True)
    assert (mail["smtpUsername"], mail["smtpPassword"], mail["emailPrefix"]) == ("u", MAIL_SECRET, "DPUK")
    assert admin.get("/xapi/users/admin").json()["email"] == "admin@example.org"
    assert [one["aeTitle"] for one in admin.get("/xapi/dicomscp").json()] == ["DPUK"]
    assert "changed=0" in recap(run()[1])


def test_a_password_that_was_changed_is_told_and_taken_in(run: Run, server: XnatServer, admin: Session) -> None:
    admin.put("/xapi/users/admin", json={"password": FORMER}).raise_for_status()
    for words in ([], ["--check"]):
        code, output = run(*words)
        assert code != 0
        assert "XNAT does not take xnat_admin_password for the account admin" in output
    code, output = run("--check", xnat_admin_old_password=FORMER)
    assert code == 0, output
    assert server.session("admin", FORMER).get("/data/auth").status_code == 200
    code, output = run(xnat_admin_old_password=FORMER)
    assert code == 0, output
    assert server.session("admin", FORMER).get("/data/auth").status_code == 401
    code, output = run()
    assert (code, "changed=0" in recap(output)) == (0, True)


def test_dry_run_without_an_xnat_says_what_there_will_be(run: Run) -> None:
    code, output = run("--check", __xnat_local_url="http://127.0.0.1:9")
    assert code == 0, output
    assert "will be set once XNAT runs" in output
    assert "changed=1 " in recap(output)


def test_settings_that_would_arrive_changed_are_refused_all_at_once(run: Run) -> None:
    code, output = run(
        xnat_site_settings={"sessionTimeout": None, "initialized": False, "adminEmail": "${user.home}"},
        xnat_site_notifications={"emailPrefix": "two\nlines"},
    )
    assert code != 0
    assert "adminEmail, emailPrefix, sessionTimeout, initialized: cannot be set so" in output
