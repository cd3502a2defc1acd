"""The role dpuk_biobank, from what is checked before a host is touched to what XNAT is told; secrets are never shown.

On this machine against the practice XNAT; the whole role runs on hosts (tests/testinfra/dpuk/test_uk_biobank.py).
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
from xnat_twin.testing import Practice, XnatServer

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "tests" / "xnat_builder" / "biobank.json"
# What the role's `main` has around its settings; whether the module is built in is for the tests to say.
PLAY = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    xnat_info: "{{ __dpuk_biobank_account }}"
    xnat_legacy_settings: "{{ __dpuk_biobank_account }}"
    xnat_biobank_token: "{{ __dpuk_biobank_account }}"
  tasks:
    - ansible.builtin.import_role: {name: dpuk_biobank, tasks_from: preflight}
    - ansible.builtin.import_role: {name: dpuk_biobank, tasks_from: settings}
      when: __dpuk_biobank_wanted
"""
KEY = "987654321012345678901234"
MODULE = {"name": "dpuk-biobank", "version": "0-4"}
pytestmark = pytest.mark.practice_xnat("changes the settings of the site")

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the role against a server; keyword arguments are variables. Returns the status and what was printed."""
    (tmp_path / "play.yml").write_text(PLAY)

    def play(server: XnatServer, *words: str, **more: Any) -> tuple[int, str]:
        variables = {
            "__xnat_local_url": server.url,
            "__xnat_builder_served": {"built": True},
            "__dpuk_biobank_record": str(tmp_path / "record" / "tokens.json"),
            "ansible_python_interpreter": sys.executable,
            "xnat_version": "1.6.5",
            "xnat_admin_password": server.password,
            "xnat_data": "/data/xnat",
            "xnat_modules": [MODULE],
            "dpuk_biobank_config_src": str(CONFIG),
        }
        (tmp_path / "vars.json").write_text(json.dumps({**variables, **more}))
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "-vvv", "play.yml", "-e", "@vars.json"]
        done = subprocess.run(
            [*command, *words], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
        )
        output = done.stdout + done.stderr
        assert KEY not in output
        assert server.password not in output
        return done.returncode, output

    return play


def recap(output: str) -> str:
    """The last line, which counts."""
    return next(line for line in output.splitlines() if line.startswith("localhost ") and "changed=" in line)


def biobank_settings(server: XnatServer) -> dict[str, str]:
    """What the site has for the module."""
    found = server.session().get("/data/services/settings").json()["ResultSet"]["Result"]
    return {name: value for name, value in found.items() if name.startswith("biobank.")}


def token_is_there(server: XnatServer, project: str) -> bool:
    """Whether the module says that the project has one."""
    return server.session().get(f"/data/modules/biobank/projects/{project}/token").status_code == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="the record's folder becomes root's")
def test_settings_and_tokens_are_predicted_made_and_kept(practice: Practice, run: Run) -> None:
    server = practice("1.6", ("dpuk-biobank",), name="role_biobank")
    project = server.new_project()
    given = {"dpuk_biobank_tokens": {project: f"4321\n{KEY}\n"}}
    code, output = run(server, "--check", "--diff", **given)
    assert code == 0, output
    predicted = recap(output)
    assert "+    token: as given" in output.splitlines()
    assert (biobank_settings(server), token_is_there(server, project)) == ({}, False)
    code, output = run(server, **given)
    assert (code, recap(output)) == (0, predicted), output
    settings = biobank_settings(server)
    assert json.loads(settings.pop("biobank.config")) == json.loads(CONFIG.read_text())
    assert settings == {"biobank.keyregex": r"\d{4}\n\d{24}", "biobank.cache": "/data/xnat/cache/biobank"}
    assert token_is_there(server, project)
    code, output = run(server, **given)
    assert (code, "changed=0" in recap(output)) == (0, True), output
    code, output = run(server, dpuk_biobank_cache="/data/xnat/fetched", **given)
    assert (code, "changed=1 " in recap(output)) == (0, True), output
    assert biobank_settings(server)["biobank.cache"] == "/data/xnat/fetched"


def test_dry_run_that_is_to_bring_the_module_says_which_tokens_there_will_be(practice: Practice, run: Run) -> None:
    """The XNAT that answers does not have the module yet."""
    server = practice("1.6", name="role_biobank_without")
    given = {"dpuk_biobank_tokens": {"memory": f"4321\n{KEY}"}, "__xnat_builder_served": {"built": False}}
    code, output = run(server, "--check", **given)
    assert code == 0, output
    assert "Project memory will be given its token once dpuk-biobank is built in." in output
    code, output = run(server, "--check", **given | {"__xnat_local_url": "http://127.0.0.1:9"})
    assert code == 0, output
    assert "UK Biobank will be set up once XNAT runs." in output
    assert "Project memory" not in output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"xnat_modules": []}, "dpuk_biobank_* are given, and xnat_modules does not list dpuk-biobank"),
        (
            {"xnat_modules": [], "dpuk_biobank_config_src": "", "dpuk_biobank_tokens": {"memory": KEY}},
            "dpuk_biobank_* are given",
        ),
        ({"dpuk_biobank_config_src": ""}, "dpuk_biobank_config_src is empty"),
        ({"dpuk_biobank_key_regex": "("}, "dpuk_biobank_key_regex (() is no pattern"),
        ({"dpuk_biobank_cache": "/srv/cache"}, "dpuk_biobank_cache (/srv/cache) is not below xnat_data (/data/xnat)"),
        ({"dpuk_biobank_tokens": {"memory": f"4321 {KEY}"}}, "the token of project memory does not have the form"),
        ({"dpuk_biobank_ukbfetch_src": ["/nowhere/ukbfetch"]}, "/nowhere/ukbfetch: checksum must read sha256:HEX"),
    ],
)
def test_what_cannot_be_is_refused_before_a_host_is_touched(
    practice: Practice, run: Run, given: dict[str, Any], said: str
) -> None:
    server = practice("1.6", name="role_biobank_without")
    code, output = run(server, **given)
    assert code != 0
    assert said in output
    assert "Look whether XNAT is there" not in output


@pytest.mark.parametrize("given", [{"xnat_version": "1.10.1"}, {"xnat_modules": [], "dpuk_biobank_config_src": ""}])
def test_without_the_module_or_with_a_later_xnat_nothing_is_done(
    practice: Practice, run: Run, given: dict[str, Any]
) -> None:
    server = practice("1.6", name="role_biobank_without")
    code, output = run(server, **given)
    assert (code, "changed=0" in recap(output)) == (0, True), output
    assert biobank_settings(server) == {}
