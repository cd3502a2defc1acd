"""Whom munin watches and what is too much, from the inventory. Pure; the role writes it down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
LIMIT = re.compile(r"([-+]?\d+(\.\d+)?)?(:([-+]?\d+(\.\d+)?)?)?")
PORT = 4949


def watched(hosts: list[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each host of the inventory its name with munin, its address and its port, as role munin_node has them.

    A host that is said to have no node is not watched: it could only be an alarm.
    """
    found = []
    for host in hosts:
        said = hostvars[host]
        if str(said.get("munin_node_enabled", True)).lower() in ("false", "no", "0"):
            continue
        port = int(said.get("munin_node_port") or PORT)
        address = said.get("munin_node_listen_address") or said.get("private_address") or ""
        found.append(
            {
                "host": host,
                "name": said.get("munin_node_name") or host,
                "address": address,
                "port": port,
                "door": f"[{address}]:{port}" if ":" in address else f"{address}:{port}",
                "groups": ["all", host, *said.get("group_names", [])],
            }
        )
    return found


def limits(node: Mapping[str, Any], thresholds: list[Mapping[str, Any]]) -> dict[str, str]:
    """The lines of a host in munin.conf: `plugin.field.warning` → value. The last one for a field counts."""
    found = {}
    for threshold in thresholds:
        if threshold["hosts"] in node["groups"]:
            for kind in ("warning", "critical"):
                if threshold.get(kind) is not None:
                    # Munin takes a lone colon for no limit, and an empty value for 0.
                    found[f"{threshold['plugin']}.{threshold['field']}.{kind}"] = str(threshold[kind]) or ":"
    return found


def problems(nodes: list[Mapping[str, Any]], thresholds: list[Mapping[str, Any]], known: list[str]) -> list[str]:
    """What is wrong with hosts and thresholds, a line each."""
    found = []
    for node in nodes:
        if not NAME.fullmatch(str(node["name"])):
            found.append(f"munin_node_name of {node['host']}: {node['name']} takes letters, digits and . _ - alone.")
        if not node["address"]:
            found.append(
                f"private_address of {node['host']} is not set: say in hosts.yml at which address munin finds it."
            )
    names = [node["name"] for node in nodes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        found.append(f"munin_node_name: two hosts are called {name}. Give each its own.")
    for threshold in thresholds:
        told = f"munin_master_thresholds: {threshold.get('plugin')}.{threshold.get('field')}"
        if threshold["hosts"] not in ["all", *known]:
            found.append(f"{told}: hosts is {threshold['hosts']}, which is no host and no group of the inventory.")
        if not re.fullmatch(r"[\w.-]+", threshold["plugin"]) or not re.fullmatch(r"\w+", threshold["field"]):
            found.append(f"{told}: plugin and field are names as `munin-run PLUGIN config` shows them.")
        for kind in ("warning", "critical"):
            if not LIMIT.fullmatch(str(threshold.get(kind) if threshold.get(kind) is not None else "")):
                found.append(f"{told}: {kind} is {threshold[kind]} and must read 90, 1: or 1:90.")
    return found


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Name → function."""
        return {"munin_watched": watched, "munin_limits": limits, "munin_problems": problems}
