"""The rules that come of what groups of hosts say: written by Ansible on this machine, read here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml
from roles_tree import ROOT

PLAY = [
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
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (tmp_path / "play.yml").write_text(yaml.safe_dump(PLAY))
    python = f"ansible_python_interpreter={sys.executable}"
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml")]
    return subprocess.run(
        [*command, "-e", f"out={tmp_path}", "-e", python], cwd=ROOT, capture_output=True, text=True, check=False
    )


def rules(tmp_path: Path, host: str) -> list[str]:
    """The rules for TCP ports of a host, in the order of the file."""
    found = (tmp_path / f"{host}.nft").read_text()
    return re.findall(r"tcp dport .*", found)


def group(what: str, port: int, sources: object, *hosts: str) -> dict[str, object]:
    """A group of hosts that opens one port, as the inventories do it."""
    rule = {"port": f"{{{{ {what}_port }}}}", "from": sources, "comment": what}
    return {"hosts": dict.fromkeys(hosts), "vars": {f"{what}_port": port, f"base_firewall_open_{what}": [rule]}}


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
    assert len(re.findall(r"base_firewall_open_munin: .*needs a port, `from`", done.stdout.replace("\n", " "))) > 0
    assert not list(tmp_path.glob("*.nft"))
