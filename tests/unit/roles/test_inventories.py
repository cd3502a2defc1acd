"""The inventories that come with the project: each has all that site.yml needs for its hosts, and nothing unknown."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from roles_tree import ROLES, ROOT, options_of, read_yaml

from lab import keys
from lab.settings import TOPOLOGIES

INVENTORIES = ROOT / "inventories"
EXAMPLES = ("production", "single", "external")
# What site.yml is run with, by the name of the inventory that decides.
SOURCES = {name: [name] for name in EXAMPLES} | {
    topology.inventories[-1]: list(topology.inventories) for topology in TOPOLOGIES.values()
}
SOURCES["lab_external"] = ["external", "lab_external"]
# What a DPUK node is stands apart from where it runs.
SOURCES["dpuk"] = ["external", "dpuk"]
SOURCES["biobank"] = ["external", "dpuk", "biobank"]
GROUPS = {"database", "xnat", "monitoring", "watched"}
ROLE_OPTIONS = {role.name: options_of(role) for role in ROLES}
OPTIONS = {name for options in ROLE_OPTIONS.values() for name in options}
# A default may itself be a variable that somebody can set: its name stands in the default.
IN_DEFAULTS = {
    name
    for options in ROLE_OPTIONS.values()
    for option in options.values()
    for name in re.findall(r"\b[a-z][a-z0-9_]+\b", str(option.get("default", "")))
}
each_example = pytest.mark.parametrize("name", EXAMPLES)
each_inventory = pytest.mark.parametrize("name", SOURCES)


def ansible(program: str, name: str, *words: str) -> str:
    """Run one of Ansible's programs on an inventory, as a user would; what it printed."""
    command = [str(Path(sys.executable).with_name(program))]
    for source in SOURCES[name]:
        command += ["-i", str(INVENTORIES / source)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run([*command, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    return done.stdout


@cache
def listed(name: str) -> dict[str, Any]:
    """What ansible-inventory makes of it, values as they are written."""
    found: dict[str, Any] = json.loads(ansible("ansible-inventory", name, "--list"))
    return found


def variables(name: str) -> dict[str, dict[str, Any]]:
    """Host → its variables."""
    found: dict[str, dict[str, Any]] = listed(name)["_meta"]["hostvars"]
    return found


def groups_of(name: str, host: str) -> set[str]:
    """The groups of the node that a host is in."""
    return {group for group in GROUPS if host in listed(name).get(group, {}).get("hosts", [])}


def roles_of(group: str) -> set[str]:
    """The roles that site.yml gives to a group of hosts."""
    plays = yaml.safe_load((ROOT / "site.yml").read_text(encoding="utf-8"))
    return {
        role["role"] for play in plays for role in play.get("roles", []) if group in re.split(r"[:,]", play["hosts"])
    }


@each_inventory
def test_every_option_that_a_role_requires_is_said(name: str) -> None:
    missing = []
    for host, said in variables(name).items():
        for role in {role for group in groups_of(name, host) for role in roles_of(group)}:
            required = [option for option, spec in ROLE_OPTIONS[role].items() if spec.get("required")]
            missing += [f"{host}: {option}" for option in required if option not in said]
    assert missing == []


@each_inventory
def test_every_host_has_a_part_in_the_node_and_an_address(name: str) -> None:
    """In containers the address is made of the lab's settings."""
    for host, said in variables(name).items():
        assert groups_of(name, host), host
        assert re.fullmatch(r"[0-9.]+|\{\{ lab_subnet \}\}\.\d+", said["private_address"]), host


def known(variable: str) -> bool:
    """Whether an option of a role, or a list that adds to one, has this name; names that are no role's are free."""
    role = next((role for role in sorted(ROLE_OPTIONS, key=len, reverse=True) if variable.startswith(f"{role}_")), None)
    of_a_role = variable in IN_DEFAULTS or any(variable in options for options in ROLE_OPTIONS.values())
    return role is None or of_a_role or bool(re.match("base_firewall_open_[a-z]", variable))


def said_or_shown(path: Path) -> set[str]:
    """The variables that a file sets, or shows as a comment for those who want to set them."""
    return set(re.findall(r"^(?:# )?([a-z][a-z0-9_]*):(?=\s|$)", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_variable_that_an_inventory_sets_or_shows_exists() -> None:
    files = [
        path for path in INVENTORIES.rglob("*.yml") if path.name != "secrets.yml" and "authority" not in path.parts
    ]
    assert len(files) > 10
    unknown = [f"{path}: {variable}" for path in files for variable in said_or_shown(path) if not known(variable)]
    unknown += [
        f"{name}, {host}: {variable}"
        for name in SOURCES
        for host, said in variables(name).items()
        for variable in said
        if not known(variable)
    ]
    assert unknown == []


def test_a_misspelt_variable_would_be_found() -> None:
    assert [known(name) for name in ("xnat_site_id", "xnat_sit_id", "base_firewall_open_web", "lab_dir")] == [
        True,
        False,
        True,
        True,
    ]


@each_example
def test_every_password_is_in_the_example_of_the_vault_and_empty(name: str) -> None:
    """What the inventory takes from the vault, and nothing else, stands there to be filled in."""
    vault = read_yaml(INVENTORIES / name / "group_vars/all/vault.example.yml")
    used = {word for said in variables(name).values() for word in re.findall(r"\bvault_\w+", json.dumps(said))}
    assert set(vault) == used
    assert set(vault.values()) == {""}


def test_the_lab_fills_in_every_password_of_the_examples() -> None:
    for name, host, example in (("lab_single", "node", "single"), ("lab_external", "node-xnat", "external")):
        said = variables(name)[host]
        needed = read_yaml(INVENTORIES / example / "group_vars/all/vault.example.yml")
        assert set(needed) <= set(keys.PASSWORDS)
        assert [password for password in needed if said[password] != f"{{{{ lab_secrets.{password} }}}}"] == []


def test_the_lab_uses_all_that_it_makes_in_each_topology() -> None:
    labs = [name for name in SOURCES if name.startswith("lab")]
    made = {name: set(re.findall(r"lab_artifacts\.(\w+)", json.dumps(variables(name)))) for name in labs}
    assert made.keys() == {"lab", "lab_single", "lab_external", "lab_dpuk"}
    assert made["lab"] == made["lab_single"] == made["lab_external"]
    # XNAT 1.6 is built instead of deployed as a WAR.
    built = {"xnat_war_src", "xnat_war_checksum", "xnat_modules"}
    assert made["lab"] - made["lab_dpuk"] == built
    assert {name.removesuffix("_src") for name in made["lab_dpuk"] - made["lab"] if name.endswith("_src")} == {
        "xnat_builder",
        "xnat_builder_pipeline",
        "xnat_builder_repository",
        "xnat_builder_jdbc",
    }


def test_the_examples_ask_for_the_same_decisions() -> None:
    """What is added to one of them for all nodes must not be forgotten in the others."""
    decided = {name: said_or_shown(INVENTORIES / name / "group_vars/all/main.yml") for name in EXAMPLES}
    assert decided["single"] == decided["production"]
    assert decided["production"] - decided["external"] == {
        "postgresql_password",
        "postgresql_port",
        "xnat_database_host",
        "xnat_database_port",
    }
    # Whose password the database's is.
    assert decided["external"] - decided["production"] == {"credentials_given"}
    web = {name: said_or_shown(INVENTORIES / name / "group_vars/xnat/main.yml") for name in EXAMPLES}
    assert web["production"] - web["single"] == {"tomcat_heap_max"}
    assert web["production"] - web["external"] == set()
    assert variables("lab")["web"]["xnat_version"] == variables("lab_single")["node"]["xnat_version"]


ASK = [
    {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.import_role": {"name": "base", "tasks_from": "preflight"}},
            {
                "ansible.builtin.copy": {
                    "content": "{{ {'rules': __base_firewall_rules, 'port': xnat_database_port | default(none),"
                    " 'host': xnat_database_host | default(none), 'listen': postgresql_listen_address | default(none),"
                    " 'clients': postgresql_client_addresses | default(none),"
                    " 'values': query('ansible.builtin.vars', *said[inventory_hostname])} | to_json }}",
                    "dest": "{{ out }}/{{ inventory_hostname }}.json",
                    "mode": "0644",
                }
            },
        ],
    }
]


def worked_out(tmp_path: Path, name: str, *words: str) -> dict[str, dict[str, Any]]:
    """What an inventory comes to on each host: all values of roles' variables, its firewall, where its database is."""
    said = {host: sorted(set(found) & OPTIONS) for host, found in variables(name).items()}
    settings = tmp_path / "settings.yml"
    settings.write_text(
        yaml.safe_dump({"out": str(tmp_path), "ansible_python_interpreter": sys.executable, "said": said})
    )
    (tmp_path / "ask.yml").write_text(yaml.safe_dump(ASK))
    words = ("-e", "base_firewall_ssh_from=any", *words)  # what an admin must decide
    ansible("ansible-playbook", name, "-e", f"@{settings}", *words, str(tmp_path / "ask.yml"))
    return {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}


# Every host of the examples answers the monitor, by its private address alone.
WATCHED = {4949: ["192.0.2.13"]}


def opened(answer: dict[str, Any]) -> dict[int, Any]:
    """Port → who may use it."""
    return {int(rule["port"]): rule["from"] for rule in answer["rules"]}


def test_a_new_port_of_the_database_is_said_once(tmp_path: Path) -> None:
    """And reaches the firewall of the one and the settings of the other."""
    found = worked_out(tmp_path, "production", "-e", "postgresql_port=5433")
    assert opened(found["node-db"]) == {5433: ["192.0.2.12"], **WATCHED}
    assert int(found["node-xnat"]["port"]) == 5433
    assert found["node-xnat"]["host"] == found["node-db"]["listen"]


def test_on_one_server_the_database_is_open_to_nobody_outside(tmp_path: Path) -> None:
    found = worked_out(tmp_path, "single", "-e", "postgresql_port=5433", "-e", "nginx_https_port=8443")["node"]
    assert opened(found) == {80: "any", 8443: "any", 8444: "any"}
    assert (found["host"], int(found["port"]), found["listen"]) == ("127.0.0.1", 5433, "127.0.0.1")
    assert found["clients"] == ["127.0.0.1"]


def test_a_database_that_exists_already_belongs_to_no_group(tmp_path: Path) -> None:
    assert "database" not in listed("external")
    found = worked_out(tmp_path, "external")
    assert {host: opened(answer) for host, answer in found.items()} == {
        "node-xnat": {80: "any", 443: "any", **WATCHED},
        "node-monitor": {80: "any", 443: "any", **WATCHED},
    }
    assert found["node-xnat"]["host"] == "database.example.ac.uk"


def modules(tmp_path: Path, name: str, *words: str) -> dict[str, dict[str, Any]]:
    """The modules of an inventory by name, with their values worked out."""
    found = worked_out(tmp_path, name, *words)["node-xnat"]
    options = sorted(set(variables(name)["node-xnat"]) & OPTIONS)
    listed_modules: list[dict[str, Any]] = found["values"][options.index("xnat_modules")]
    return {module["name"]: module for module in listed_modules}


def test_another_version_of_node_extras_is_one_word(tmp_path: Path) -> None:
    """And the line of its checksum, which whoever gives out the jar has to say."""
    before = modules(tmp_path, "dpuk")
    checksums = json.dumps({"node_extras_checksums": {"1-3c": "sha256:c"}})
    after = modules(tmp_path, "dpuk", "-e", "node_extras=1-3c", "-e", checksums)
    assert {name for name in before if before[name] != after[name]} == {"dpuk-node-extras"}
    assert after["dpuk-node-extras"] == {
        "name": "dpuk-node-extras",
        "version": "1-3c",
        "src": ["/srv/dpuk/dpuk-node-extras.1-3c.jar"],
        "checksum": "sha256:c",
    }


def test_uk_biobank_has_its_own_module_in_place_of_two(tmp_path: Path) -> None:
    """dpuk-biobank brings the data types: five files of both differ, and which one is built in would be chance."""
    assert set(modules(tmp_path, "dpuk")) - set(modules(tmp_path, "biobank")) == {
        "dpuk-node-extras",
        "dpuk-datatypes",
        "xnat-upload-applet-fix",
    }
    assert "dpuk-biobank" in modules(tmp_path, "biobank")


def test_uk_biobank_takes_back_what_the_node_before_it_says_of_data_freezes() -> None:
    """Their module is not there, and settings of a module that is not listed are refused."""
    said = variables("biobank")["node-xnat"]
    options = ROLE_OPTIONS["dpuk_node_extras"]
    assert len(options) == 4
    assert {said[option] for option in options} == {""}
