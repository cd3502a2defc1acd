"""What the roles refuse before any host is touched, and that they do refuse it there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from role_assertions import admits, task_of, value_of
from roles_tree import ROLES, ROOT, flat, read_yaml, tasks_of
from test_role_changes import READ_ONLY

SITE: list[dict[str, Any]] = yaml.safe_load((ROOT / "site.yml").read_text(encoding="utf-8"))


PASSWORDS = task_of("roles/xnat/tasks/settings.yml", "Check that the passwords arrive as they are")
ADMIN = "xnat_admin_password"


@pytest.mark.parametrize("password", ["p'\"\\$%#!=:{}@/ ä€漢é;x y", "twelve-chars", "a#b;c$d{e}f%g", 'trailing quote"'])
def test_awkward_passwords_that_arrive_are_let_through(password: str) -> None:
    """Each of these was tried on a node, from the vault to a login."""
    assert admits(PASSWORDS, item={"name": ADMIN, "value": password, "least": 12})


@pytest.mark.parametrize(
    ("password", "least", "good"), [("eleven-char", 12, False), ("short", 1, True), ("", 1, False)]
)
def test_only_a_password_that_others_have_chosen_may_be_short(password: str, least: int, good: bool) -> None:
    assert admits(PASSWORDS, item={"name": ADMIN, "value": password, "least": least}) is good


@pytest.mark.parametrize(
    ("groups", "least"), [({"database": ["db"]}, "12"), ({"database": []}, "1"), ({"xnat": ["web"]}, "1")]
)
def test_the_databases_password_is_ours_where_its_server_is(groups: dict[str, list[str]], least: str) -> None:
    given = {"groups": groups}
    assert value_of("roles/xnat/vars/main.yml", "__xnat_database_password_least", given).strip() == least


@pytest.mark.parametrize(
    "password",
    [
        "",
        "expands ${user.home}",
        "expands #{systemProperties}",
        "two\nlines of it",
        "a tab\tin between",
        " blank at the start",
        "blank at the end ",
        '"quoted throughout"',
        "'quoted throughout'",
        "cut off #here and gone",
        "cut off ;here and gone",
        "goes on in the next line\\",
        "0123456789abcdef" * 4,  # openssl rand -hex 32
        "{bcrypt}$2a$10$abcdefghijklmnop",
    ],
)
def test_a_password_that_would_arrive_changed_is_refused(password: str) -> None:
    assert not admits(PASSWORDS, item={"name": ADMIN, "value": password, "least": 1})


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"postgresql_client_addresses": ["2001:db8::1"]}, True),
        ({"postgresql_client_addresses": []}, False),
        ({"postgresql_client_addresses": ["10.0.0.0/8"]}, False),
        ({"postgresql_client_addresses": ["web.example"]}, False),
        ({"postgresql_client_addresses": ["all"]}, False),
        ({"postgresql_listen_address": "*"}, False),
        ({"postgresql_listen_address": "db.example"}, False),
        ({"postgresql_user": "postgres"}, False),
        ({"postgresql_user": "all"}, False),
        ({"postgresql_user": "munin"}, False),
        ({"postgresql_monitor_user": ""}, True),
        ({"postgresql_monitor_user": "postgres"}, False),
        ({"postgresql_monitor_user": "Munin"}, False),
        ({"postgresql_database": "all"}, False),
        ({"postgresql_database": "x trust"}, False),
    ],
)
def test_pg_hba_gets_one_user_one_database_and_single_addresses(changed: dict[str, object], good: bool) -> None:
    """`all` is a word of pg_hba.conf itself."""
    usual: dict[str, object] = {
        "postgresql_database": "xnat",
        "postgresql_user": "xnat",
        "postgresql_monitor_user": "munin",
        "postgresql_listen_address": "192.0.2.11",
        "postgresql_client_addresses": ["192.0.2.12"],
    }
    task = task_of("roles/postgresql/tasks/preflight.yml", "Check names and addresses")
    assert admits(task, **{**usual, **changed}) is good


def test_what_xnat_takes_for_a_hash_may_be_the_databases_password() -> None:
    assert admits(PASSWORDS, item={"name": "xnat_database_password", "value": "0123456789abcdef" * 4, "least": 12})


def test_every_preflight_runs_before_any_host_is_touched() -> None:
    """In the first play, whatever the tags, and one failure ends it for all hosts."""
    first = SITE[0]
    assert (first["gather_facts"], first["any_errors_fatal"], first["tags"]) == (False, True, "always")
    assert "become" not in first
    called = [task["ansible.builtin.import_role"] for task in first["tasks"]]
    assert {role["tasks_from"] for role in called} == {"preflight"}
    with_one = {role.name for role in ROLES if (role / "tasks" / "preflight.yml").exists()}
    assert {role["name"] for role in called} == with_one


def test_every_host_is_looked_at_before_anything_is_changed() -> None:
    """In the second play, whatever the tags, and one failure ends it for all hosts."""
    second = SITE[1]
    assert (second["become"], second["any_errors_fatal"], second["tags"]) == (True, True, "always")
    assert second["gather_facts"] is False, "the role facts does it"
    called = [task["ansible.builtin.import_role"] for task in second["tasks"]]
    assert {role["tasks_from"] for role in called} == {"host"}
    looking = {role.name for role in ROLES if (role / "tasks" / "host.yml").exists()}
    assert {role["name"] for role in called} == looking


def test_a_look_at_a_host_changes_nothing() -> None:
    """Only modules that read, and commands that do; also in the files that host.yml imports."""
    readers = {"ansible.builtin.assert", "ansible.builtin.setup", "ansible.builtin.slurp", "host_ready"}
    assert [set(task) - {"name", "when"} for _, task in tasks_of(ROOT / "roles/facts")] == [{"ansible.builtin.setup"}]
    keywords = {"name", "vars", "when", "become", "register", "changed_when", "failed_when", "check_mode"}
    keywords |= {"loop", "loop_control"}
    for role in ROLES:
        tasks = list(read_yaml(role / "tasks" / "host.yml") or [])
        for task in tasks:
            where = f"{role.name}: {task['name']}"
            if imported := task.get("ansible.builtin.import_tasks"):
                tasks += read_yaml(role / "tasks" / imported)
            elif called := task.get("ansible.builtin.import_role"):
                assert called == {"name": "facts"}, where
            elif "ansible.builtin.command" in task:
                assert task["ansible.builtin.command"] in READ_ONLY, where
            else:
                assert set(task) - keywords <= readers, where


# Roles that depend on what the host is, and where they begin.
ASKING = {
    "base": ["main", "host"],
    "mail": ["main"],
    "munin_node": ["main", "host"],
    "postgresql": ["main", "host"],
    "tomcat": ["main"],
    "versions": ["host"],
}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_that_depends_on_what_the_host_is_asks_it_itself(role: Path) -> None:
    """Tags may leave out the play that asks for everybody, and a container must not pass for a machine then."""
    text = "".join(path.read_text(encoding="utf-8") for path in role.rglob("*.[yj]*"))
    assert (role.name in [*ASKING, "facts"]) is bool(re.search(r"\bansible_facts\b|\b__facts_", text))
    for name in ASKING.get(role.name, []):
        calls = [task.get("ansible.builtin.import_role") for task in flat(read_yaml(role / "tasks" / f"{name}.yml"))]
        # After the settings, which are checked without the host.
        assert {"name": "facts"} in calls[:2], name


@pytest.mark.parametrize(
    "template",
    [
        "nginx.conf.j2",
        "dpuk.conf.j2",
        "firewall.nft.j2",
        "munin.conf.j2",
        "server.xml.j2",
        "ROOT.xml.j2",
        "logrotate.j2",
        "52dpuk-unattended-upgrades.j2",
    ],
)
def test_a_configuration_is_judged_before_it_is_in_place(template: str) -> None:
    """By the program that will read it; a broken one must not replace one that works."""
    writing = [
        task["ansible.builtin.template"]
        for role in ROLES
        for _, task in tasks_of(role)
        if task.get("ansible.builtin.template", {}).get("src") == template
    ]
    assert [bool(options.get("validate")) for options in writing] == [True]


def test_copied_secrets_are_for_root_and_a_group_at_most() -> None:
    """The key of the front door is copied, not templated."""
    options = task_of("roles/nginx/tasks/certificate_files.yml", "Place the key")
    assert int(options["ansible.builtin.copy"]["mode"], 8) & 0o037 == 0
    assert options["diff"] is False


def test_the_log_of_each_port_is_made_before_nginx_makes_it() -> None:
    """Nginx -t, which judges the configuration, makes logs for all to read."""
    steps = [task["name"] for task in read_yaml(ROOT / "roles/nginx/tasks/main.yml")]
    assert steps.index("Keep its logs from local users") < steps.index("Configure it")
    conf = (ROOT / "roles/nginx/templates/nginx.conf.j2").read_text(encoding="utf-8")
    given = {"__nginx_dicom": True}
    made = value_of("roles/nginx/vars/main.yml", "__nginx_logs", given)
    logs = set(re.findall(r"(?:access|error)_log (/[^ ;]+)", conf))
    assert len(logs) == 3
    assert [log for log in logs if f"'{log}'" not in made] == []


def test_folders_that_xnat_may_rename_are_made_without_following_links() -> None:
    """Root would give XNAT whatever XNAT has put a link to in place of its own folder: /etc, say."""
    options = [
        task["ansible.builtin.file"]
        for _, task in tasks_of(ROOT / "roles" / "xnat")
        if task.get("ansible.builtin.file", {}).get("owner") == "{{ xnat_user }}"
    ]
    assert [option.get("follow") for option in options] == [False, False]


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("DPUK-OXFORD", True),
        ("DPUK_LAB", True),
        ("", True),
        ("DPUK Oxford", False),
        ("-X", False),
        ("1", False),
        ("A/B", False),
    ],
)
def test_a_site_of_1_6_has_a_name_that_numbers_can_begin_with(name: str, good: bool) -> None:
    task = task_of("roles/xnat_site/tasks/preflight.yml", "Check the name of a site of XNAT 1.6")
    assert admits(task, xnat_site_name=name) is good
