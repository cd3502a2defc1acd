"""Which packages hosts that are cut off will need: read from what Ansible reports of a dry run."""

from __future__ import annotations

from typing import Any

from lab import packages


def _report(**hosts: dict[str, Any]) -> dict[str, Any]:
    return {"plays": [{"tasks": [{"task": {"name": "base : Install"}, "hosts": hosts}]}]}


def test_what_is_missing_is_collected_by_host_also_from_loops() -> None:
    single = _report(
        node={"action": "debian_packages", "missing": ["nginx", "acl"]},
        other={"action": "debian_packages", "missing": []},
    )
    loop = _report(
        node={"action": "debian_packages", "results": [{"missing": ["acl"]}, {"missing": ["nftables"]}]},
        other={"action": "ansible.builtin.template", "missing": ["no package"]},
    )
    both = {"plays": single["plays"] + loop["plays"]}
    assert packages.wanted(both) == {"node": ["acl", "nftables", "nginx"]}


def test_a_failed_dry_run_is_told_by_its_failed_steps() -> None:
    report = _report(node={"failed": True, "msg": "no room"}, other={"msg": "fine"}, third={"failed": True})
    assert packages.failures(report) == ["node: base : Install: no room", "third: base : Install: failed"]
