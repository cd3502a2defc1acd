"""The munin node refuses settings that would admit nobody, or somebody else; what it writes admits the monitor."""

from __future__ import annotations

import re
from typing import Any

import jinja2
import pytest
from role_assertions import admits, task_of, value_of, world
from roles_tree import ROOT, read_yaml

ADDRESSES = task_of("roles/munin_node/tasks/preflight.yml", "Check addresses and names")
NAMES = task_of("roles/munin_node/tasks/preflight.yml", "Check names of interfaces, standbys and plugins")
LIMITS = task_of("roles/munin_node/tasks/preflight.yml", "Check the limits of file systems")
VARS = "roles/munin_node/vars/main.yml"
GOOD = {
    "munin_node_master_addresses": ["192.0.2.13"],
    "munin_node_master_names": ["node-monitor"],
    "munin_node_listen_address": "192.0.2.11",
    "munin_node_port": 4949,
    "munin_node_name": "node-db",
}


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"munin_node_master_addresses": ["2001:db8::13", "192.0.2.13"]}, True),
        ({"munin_node_name": "db.example.ac.uk"}, True),
        ({"munin_node_master_addresses": []}, False),
        ({"munin_node_master_addresses": ["192.0.2.0/24"]}, False),
        ({"munin_node_master_addresses": ["monitor.example"]}, False),
        ({"munin_node_master_names": []}, False),
        ({"munin_node_master_names": [".*"]}, False),
        ({"munin_node_listen_address": "*"}, False),
        ({"munin_node_port": 0}, False),
        ({"munin_node_name": "two words"}, False),
    ],
)
def test_addresses_and_names(changed: dict[str, Any], good: bool) -> None:
    assert (
        admits(ADDRESSES, **{**GOOD, **changed}, __munin_node_address=read_yaml(ROOT / VARS)["__munin_node_address"])
        is good
    )


@pytest.mark.parametrize(
    ("limits", "good"),
    [
        ({}, True),
        ({"warning": 80}, True),
        ({"critical": 90}, True),
        ({"critical": 80}, False),
        ({"warning": 96}, False),
        ({"warning": 0}, False),
    ],
)
def test_a_warning_comes_before_critical(limits: dict[str, int], good: bool) -> None:
    assert admits(LIMITS, item=limits, munin_node_disk_warning=85, munin_node_disk_critical=95) is good


def test_a_name_of_a_plugin_is_no_path() -> None:
    assert [admits(NAMES, item=name) for name in ("if_eth0.100", "../cpu", "a b", "", ".hidden")] == [True] + [
        False
    ] * 4


def interfaces(found: list[str], said: list[str]) -> str:
    facts = {"interfaces": found}
    return value_of(VARS, "__munin_node_networks", {"ansible_facts": facts, "munin_node_interfaces": said})


def test_interfaces_are_those_of_the_host_itself() -> None:
    """Not those that come and go with containers: the set of plugins must be the same at each run."""
    found = ["lo", "ens18", "bond0", "veth12ab", "docker0", "br-0a1b", "podman1", "wg0", "cni-podman0", "tap1", "vlan7"]
    assert interfaces(found, []) == "['bond0', 'ens18', 'vlan7', 'wg0']"
    assert interfaces(found, ["docker0"]) == "['docker0']"


def template(name: str, **variables: Any) -> str:
    environment = world()
    environment.trim_blocks, environment.keep_trailing_newline = True, True
    environment.undefined = jinja2.StrictUndefined
    text = (ROOT / "roles/munin_node/templates" / name).read_text(encoding="utf-8")
    return environment.from_string(text).render({"ansible_managed": "Ansible managed", **variables})


@pytest.mark.parametrize(
    ("address", "peer", "admitted"),
    [
        ("192.0.2.13", "192.0.2.13", True),
        ("192.0.2.13", "::ffff:192.0.2.13", True),
        ("192.0.2.13", "192.0.2.130", False),
        ("192.0.2.13", "192.0.2113", False),
        ("192.0.2.13", "1192.0.2.13", False),
        ("2001:db8::13", "2001:db8::13", True),
        ("2001:db8::13", "2001:db8::131", False),
    ],
)
def test_the_monitors_address_and_no_similar_one_is_admitted(address: str, peer: str, admitted: bool) -> None:
    written = template(
        "munin-node.conf.j2", **{**GOOD, "munin_node_master_addresses": [address]}, __munin_node_tls="/etc/munin/tls"
    )
    allowed = re.findall(r"^allow (.+)$", written, re.MULTILINE)
    assert len(allowed) == 1
    assert bool(re.search(allowed[0], peer)) is admitted


@pytest.mark.parametrize(
    ("names", "subject", "admitted"),
    [
        (["node-monitor"], "/CN=node-monitor", True),
        (["node-monitor"], "/O=DPUK/CN=node-monitor", True),
        (["node-monitor"], "/CN=node-monitor2", False),
        (["node-monitor"], "/CN=x-node-monitor", False),
        (["a.b"], "/CN=axb", False),
        (["one", "two"], "/CN=two", True),
    ],
)
def test_the_monitors_certificate_and_no_similar_one_is_admitted(
    names: list[str], subject: str, admitted: bool
) -> None:
    """As Net::SSLeay writes a certificate down, whose issuer has a name, too."""
    written = template(
        "munin-node.conf.j2", **{**GOOD, "munin_node_master_names": names}, __munin_node_tls="/etc/munin/tls"
    )
    pattern = re.findall(r"^tls_match (.+)$", written, re.MULTILINE)[0]
    dump = f"Subject Name: {subject}\nIssuer  Name: /CN=node-monitor\n"
    assert bool(re.search(pattern, dump)) is admitted


def test_a_missing_standby_is_an_alarm() -> None:
    """Its field has the name that the plugin gives it."""
    named: dict[str, Any] = dict.fromkeys(
        [*read_yaml(ROOT / "roles/munin_node/defaults/main.yml"), *read_yaml(ROOT / VARS)], ""
    )
    named.update(
        __facts_in_container=True, __munin_node_excluded=[], __munin_node_certificates={}, __munin_node_folders={}
    )
    said = {"munin_node_disk_limits": {}, "munin_node_standbys": ["hall", "Cellar-2"], "group_names": ["database"]}
    written = template("zzz-dpuk.j2", **{**named, **said})
    part = written.partition("[postgres_replication]\n")[2].partition("\n\n")[0]
    assert part.splitlines() == [
        "env.standbys hall Cellar-2",
        "env.standby_hall_critical 1:",
        "env.standby_cellar_2_critical 1:",
    ]
