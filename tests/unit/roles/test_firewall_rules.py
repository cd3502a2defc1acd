"""The rules that come of what groups of hosts say: written by Ansible on this machine, read here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from roles_tree import ROOT, load_module

addresses = load_module("filter_plugins/addresses.py")

ANYBODY = "any"
PLAY: list[dict[str, object]] = [
    {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.import_role": {"name": "base", "tasks_from": "preflight"}},
            {
                "ansible.builtin.template": {
                    "src": str(ROOT / "roles/base/templates/firewall.nft.j2"),
                    "dest": "{{ out }}/{{ inventory_hostname }}.nft",
                    "mode": "0644",
                }
            },
        ],
    }
]


def written(tmp_path: Path, inventory: dict[str, object]) -> subprocess.CompletedProcess[str]:
    """Check an inventory's lists and write the rules of each host into a folder."""
    return played(tmp_path, inventory, PLAY)


def played(
    tmp_path: Path, inventory: dict[str, object], play: list[dict[str, object]], **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a play on this machine, under the names of an inventory's hosts."""
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play))
    python = f"ansible_python_interpreter={sys.executable}"
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml")]
    return subprocess.run(
        [*command, "-e", f"out={tmp_path}", "-e", python],
        cwd=ROOT,
        env={**{name: value for name, value in os.environ.items() if name != "SSH_CLIENT"}, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def rules(tmp_path: Path, host: str) -> list[str]:
    """The rules for TCP ports of a host, in the order of the file."""
    found = (tmp_path / f"{host}.nft").read_text()
    return re.findall(r"tcp dport .*", found)


def group(what: str, port: int, sources: object, *hosts: str) -> dict[str, object]:
    """A group of hosts that opens one port, as the inventories do it."""
    rule = {"port": f"{{{{ {what}_port }}}}", "from": sources, "comment": what}
    said = {f"{what}_port": port, f"base_firewall_open_{what}": [rule], "base_firewall_ssh_from": ANYBODY}
    return {"hosts": dict.fromkeys(hosts), "vars": said}


def test_a_server_in_two_groups_has_the_ports_of_both_and_its_own(tmp_path: Path) -> None:
    own = {"base_firewall_open": [{"port": 9999, "from": "any", "comment": "mine"}]}
    web, database = (
        group("web", 443, "any", "both", "front"),
        group("database", 5433, ["192.0.2.7", "2001:db8::7"], "both"),
    )
    web["hosts"] = {"both": own, "front": None}
    done = written(tmp_path, {"web": web, "database": database})
    assert done.returncode == 0, done.stdout
    assert rules(tmp_path, "both") == [
        'tcp dport 22 accept comment "SSH"',
        'tcp dport 9999 accept comment "mine"',
        'tcp dport 5433 ip saddr { 192.0.2.7 } accept comment "database"',
        'tcp dport 5433 ip6 saddr { 2001:db8::7 } accept comment "database"',
        'tcp dport 443 accept comment "web"',
    ]
    assert rules(tmp_path, "front") == ['tcp dport 22 accept comment "SSH"', 'tcp dport 443 accept comment "web"']


def test_a_list_that_would_come_out_wrong_is_refused_by_name(tmp_path: Path) -> None:
    inventory: dict[str, object] = {
        "names": group("munin", 4949, ["monitor.example"], "one"),
        "nobody": group("web", 443, [], "two"),
    }
    done = written(tmp_path, inventory)
    assert done.returncode != 0
    assert (
        len(
            re.findall(
                r"base_firewall_open_munin, base_firewall_ssh_from: .*needs a port, `from`",
                done.stdout.replace("\n", " "),
            )
        )
        > 0
    )
    assert not list(tmp_path.glob("*.nft"))


@pytest.mark.parametrize(
    ("admitted", "lines"),
    [
        ("any", ['tcp dport 22 accept comment "SSH"']),
        (["192.0.2.0/24"], ['tcp dport 22 ip saddr { 192.0.2.0/24 } accept comment "SSH"']),
        (["2001:db8::1"], ['tcp dport 22 ip6 saddr { 2001:db8::1 } accept comment "SSH"']),
    ],
)
def test_ssh_is_open_to_those_that_the_inventory_says(tmp_path: Path, admitted: object, lines: list[str]) -> None:
    """`any` is a rule without addresses, so it is for both families."""
    done = written(tmp_path, {"all": {"hosts": {"here": {"base_firewall_ssh_from": admitted}}}})
    assert done.returncode == 0, done.stdout
    assert rules(tmp_path, "here") == lines


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, "base_firewall_ssh_from is empty"),
        ({"base_firewall_ssh_from": []}, "base_firewall_ssh_from is empty"),
        ({"base_firewall_ssh_from": ""}, "base_firewall_ssh_from is empty"),
        ({"base_firewall_ssh_from": None}, "base_firewall_ssh_from is empty"),
        ({"base_firewall_ssh_from": ["any"]}, "needs a port, `from`"),
        ({"base_firewall_ssh_from": "all"}, "needs a port, `from`"),
    ],
)
def test_a_host_without_a_list_for_ssh_is_refused(tmp_path: Path, said: dict[str, object], reason: str) -> None:
    done = written(tmp_path, {"all": {"hosts": {"here": said}}})
    assert done.returncode != 0
    assert reason in " ".join(done.stdout.split()), done.stdout
    assert not list(tmp_path.glob("*.nft"))


def test_a_host_whose_firewall_is_left_to_others_needs_no_list(tmp_path: Path) -> None:
    done = written(tmp_path, {"all": {"hosts": {"here": {"base_firewall_enabled": False}}}})
    assert done.returncode == 0, done.stdout
    assert rules(tmp_path, "here") == []


WAY_IN: list[dict[str, object]] = [
    {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.import_role": {"name": "base", "tasks_from": "way_in"}}],
    }
]


@pytest.mark.parametrize(
    ("client", "admitted", "port", "refused"),
    [
        ("192.0.2.9 51234 22", ["192.0.2.0/24"], 22, False),
        ("2001:db8::9 51234 22", ["192.0.2.9", "2001:db8::/64"], 22, False),
        ("192.0.2.9 51234 22", "any", 22, False),
        ("192.0.2.9 51234 22", ["198.51.100.0/24"], 22, True),
        ("192.0.2.9 51234 2222", "any", 22, True),
        ("UNKNOWN 65535 65535", ["198.51.100.0/24"], 22, False),
        ("", ["198.51.100.0/24"], 22, False),
    ],
)
def test_nobody_locks_himself_out(tmp_path: Path, client: str, admitted: object, port: int, refused: bool) -> None:
    """SSH_CLIENT is what sshd says of the connection; where a run comes in otherwise, there is nothing to lose."""
    said = {"base_firewall_ssh_from": admitted, "base_firewall_ssh_port": port}
    done = played(tmp_path, {"all": {"hosts": {"here": said}}}, WAY_IN, SSH_CLIENT=client)
    assert (done.returncode != 0) is refused, done.stdout
    assert ("you would be locked out" in " ".join(done.stdout.split())) is refused


@pytest.mark.parametrize(
    ("address", "networks", "inside"),
    [
        ("192.0.2.9", ["192.0.2.9"], True),
        ("192.0.2.9", ["2001:db8::/32", "192.0.0.0/16"], True),
        ("::ffff:192.0.2.9", ["192.0.2.0/24"], True),
        ("fe80::1%eth0", ["fe80::/10"], True),
        ("192.0.2.9", ["192.0.2.1/24"], True),
        ("192.0.2.9", [], False),
        ("192.0.2.9", ["192.0.2.10", "2001:db8::/32"], False),
    ],
)
def test_an_address_lies_in_a_network(address: str, networks: list[str], inside: bool) -> None:
    assert addresses.within_networks(address, networks) is inside


def test_what_is_no_network_is_named() -> None:
    values = ["192.0.2.1", "192.0.2.0/24", "2001:db8::/32", "host.example", "192.0.2.300", "10.0.0.0/33", "", 5, None]
    assert addresses.not_networks(values) == ["host.example", "192.0.2.300", "10.0.0.0/33", "", 5, None]
