"""Debian packages for the lab's hosts: kept between labs, and brought beforehand to hosts that cannot fetch any."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lab import image
from lab.command import LabError, run
from lab.settings import ROOT, Lab, cache_home

LISTS = "/var/lib/apt/lists"
ARCHIVES = "/var/cache/apt/archives"
# Older than any list that roles take for current: a host that is cut off must say so, and go on.
AGE = 2 * 24 * 3600


def folders(lab: Lab, host: str) -> dict[str, Path]:
    """What a host has from this machine: path on the host → folder here."""
    kept = cache_home() / "apt" / f"debian{lab.debian}" / host
    found = {ARCHIVES: kept}
    if lab.topology.isolated:
        found[LISTS] = kept.with_name(f"{host}-lists")
    for place in found.values():
        (place / "partial").mkdir(parents=True, exist_ok=True)
    return found


def bring(lab: Lab) -> None:
    """Fetch all that site.yml would install on the lab's fresh hosts, in a container that may go out, not on them."""
    for host, names in wanted(_predicted(lab)).items():
        _fetch(lab, host, names)


def wanted(predicted: dict[str, Any]) -> dict[str, list[str]]:
    """Host → the packages that a dry run would install, by the report of Ansible's json callback."""
    found: dict[str, list[str]] = {}
    for play in predicted["plays"]:
        for task in play["tasks"]:
            for host, result in task["hosts"].items():
                for one in result.get("results", [result]):
                    if one.get("action", result.get("action")) == "debian_packages":
                        found.setdefault(host, []).extend(one.get("missing", []))
    return {host: sorted(set(names)) for host, names in found.items() if names}


def failures(predicted: dict[str, Any]) -> list[str]:
    """What failed in a run, a line each, by the report of Ansible's json callback."""
    return [
        f"{host}: {task['task']['name']}: {result.get('msg') or result.get('censored') or 'failed'}"
        for play in predicted["plays"]
        for task in play["tasks"]
        for host, result in task["hosts"].items()
        if result.get("failed") or result.get("unreachable")
    ]


def _predicted(lab: Lab) -> dict[str, Any]:
    """What Ansible reports of a dry run of site.yml."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(ROOT / "site.yml"), "--check"]
    for inventory in lab.inventories:
        command += ["-i", str(inventory)]
    settings = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **settings}, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    try:
        report: dict[str, Any] = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{\n") :])[0]
    except ValueError as error:
        print(done.stdout + done.stderr)
        raise LabError("The dry run of site.yml gave no report. Try: ansible-playbook site.yml --check") from error
    if done.returncode != 0:
        print("\n".join(failures(report)))
        raise LabError("The dry run of site.yml failed, so what it would install is not known. See the step above.")
    return report


def _fetch(lab: Lab, host: str, names: list[str]) -> None:
    container = f"{lab.container(host)}-packages"
    mounts = [word for path, place in folders(lab, host).items() for word in ("--volume", f"{place}:{path}")]
    advice = "See whether containers on this machine reach Debian's packages"
    run(["podman", "rm", "-f", "-t", "0", container], advice=advice)
    run(["podman", "run", "-d", "--name", container, *mounts, image.name(lab), "sleep", "900"], advice=advice)
    within = ["podman", "exec", "-e", "DEBIAN_FRONTEND=noninteractive", container, "apt-get", "-qq"]
    try:
        run([*within, "update", "--error-on=any"], advice=advice)
        run([*within, "--yes", "--no-install-recommends", "--download-only", "install", *names], advice=advice)
    finally:
        run(["podman", "rm", "-f", "-t", "0", container], advice=advice)
    old = time.time() - AGE
    lists = folders(lab, host)[LISTS]
    for place in (lists / "partial", lists):
        os.utime(place, (old, old))
