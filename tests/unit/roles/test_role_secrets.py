"""No password has a default, and no task that can see one may print it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from roles_tree import ROLES, ROOT, options_of, read_yaml, tasks_of

SECRET = re.compile(r"password|secret|passphrase|private_key|_token|tls_key")
PATHS_OF_SECRETS = {"nginx_tls_key_src", "xnat_database_tls_key_src"}
# Where something is on a host that Ansible never reads.
NO_SECRETS = {"nginx_tls_key_path"}
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def secrets_of(role: Path) -> set[str]:
    """Names of the role's options that hold or lead to a secret."""
    return {name for name in options_of(role) if SECRET.search(name)} - NO_SECRETS


def secrets_inside(role: Path) -> dict[str, set[str]]:
    """Options that are lists of things with a secret in each, and the names of those secrets."""
    inside = {
        name: {inner for inner in option.get("options", {}) if SECRET.search(inner)}
        for name, option in options_of(role).items()
    }
    return {name: secrets for name, secrets in inside.items() if secrets}


def templates_with_secrets(role: Path) -> set[str]:
    """Names of the role's templates that write a secret."""
    names = secrets_of(role) | {f"item.{name}" for names in secrets_inside(role).values() for name in names}
    return {
        path.name
        for path in role.glob("templates/**/*")
        if path.is_file() and any(name in path.read_text(encoding="utf-8") for name in names)
    }


def tasks_that_may_tell() -> list[str]:
    """Tasks that see a secret variable, or write a template that does, without ``no_log``."""
    telling = []
    everybodys = set().union(*(secrets_of(role) for role in ROLES))
    for role in ROLES:
        words = everybodys | templates_with_secrets(role) | set(secrets_inside(role))
        for where, task in tasks_of(role):
            text = json.dumps({key: value for key, value in task.items() if key != "name"})
            if "ansible.builtin.assert" in task:
                # A message may name a variable for its reader; it must not print one.
                asserted = dict(task["ansible.builtin.assert"])
                printed = re.findall(r"\{\{.*?\}\}", str(asserted.pop("fail_msg", "")), re.DOTALL)
                text = json.dumps([asserted, printed])
            seen = {word for word in words if word in text}
            # An assertion may name the path of a key in its message; the key itself is not in the path.
            if "ansible.builtin.assert" in task:
                seen -= PATHS_OF_SECRETS
            # What this filter says of a provider never holds its secret; a test of its own proves that.
            if "xnat_auth_problems(" in text:
                seen -= set(secrets_inside(role))
            if seen and task.get("no_log") is not True:
                telling.append(f"{where} sees {', '.join(sorted(seen))}")
    return telling


def test_there_are_secrets_to_guard() -> None:
    """The search below finds the variables that it is about."""
    found = set().union(*(secrets_of(role) for role in ROLES))
    assert {"postgresql_password", "xnat_admin_password", "xnat_database_password", "nginx_tls_key_src"} <= found
    auth = ROOT / "roles" / "xnat_auth"
    assert set(secrets_inside(auth)) == {"xnat_auth_ldap", "xnat_auth_openid"}
    assert templates_with_secrets(auth) == {"ldap-provider.properties.j2", "openid-provider.properties.j2"}
    assert templates_with_secrets(ROOT / "roles" / "xnat") == {"xnat-conf.properties.j2", "prefs-init.ini.j2"}


@each_role
def test_a_secret_has_no_default_and_is_marked(role: Path) -> None:
    """A default password is a public password. What some nodes do without is empty, which is none."""
    options, defaults = options_of(role), read_yaml(role / "defaults" / "main.yml") or {}
    for name in secrets_of(role):
        assert options[name].get("required") is True or options[name]["default"] in ("", {}), name
        assert not defaults.get(name), name
        if "password" in name:
            assert options[name].get("no_log") is True, name


@each_role
def test_a_secret_inside_a_list_is_marked(role: Path) -> None:
    """So that Ansible masks it where it checks the list."""
    for option, names in secrets_inside(role).items():
        for name in names:
            assert options_of(role)[option]["options"][name].get("no_log") is True, f"{option}: {name}"


def test_no_task_that_sees_a_secret_may_print_it() -> None:
    """`no_log: true` wherever a secret passes, and no diff of a file that holds one."""
    assert tasks_that_may_tell() == []
    for role in ROLES:
        for where, task in tasks_of(role):
            template = task.get("ansible.builtin.template") or {}
            if template.get("src") in templates_with_secrets(role):
                assert task.get("diff") is False, where
                assert int(str(template["mode"]), 8) & 0o007 == 0, where


@each_role
def test_no_secret_goes_to_a_command_line(role: Path) -> None:
    """Every user of a host can read the process list."""
    for where, task in tasks_of(role):
        command = task.get("ansible.builtin.command") or task.get("ansible.builtin.shell")
        assert not [name for name in secrets_of(role) if command and name in json.dumps(command)], where


@pytest.mark.parametrize("inventory", ["lab", "production"])
def test_no_password_is_in_an_inventory(inventory: str) -> None:
    """Passwords come from a vault variable, and the example vault is empty."""
    for path in (ROOT / "inventories" / inventory).rglob("*.yml"):
        if path.name in ("secrets.yml", "vault.yml"):
            continue
        for name, value in (read_yaml(path) or {}).items():
            if SECRET.search(name) and "password" in name:
                assert value == "" or re.fullmatch(r"\{\{ vault_\w+ \}\}", value), f"{path}: {name}"
