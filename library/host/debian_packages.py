#!/usr/bin/python
"""Install Debian or Ubuntu packages, with a dry run that is true on a fresh host.

ansible.builtin.apt needs python3-apt and current package lists even to say what it would do; a fresh host has
neither. This asks dpkg what is missing. It does not remove or upgrade anything: unattended-upgrades does that.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: debian_packages
short_description: Install missing packages by apt-get
description:
  - Installs the packages that dpkg lacks, without recommended ones, and keeps changed configuration files.
  - Package lists are refreshed only when something is missing and the lists are older than O(lists_valid_for).
  - A package run that was cut short is finished first; one that still goes on is waited for.
options:
  name: {description: Package names., type: list, elements: str, required: true}
  lists_valid_for: {description: Seconds., type: int, default: 3600}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Install nginx
  debian_packages:
    name: [nginx]
"""

RETURN = r"""
missing: {description: What was not there., type: list, elements: str, returned: always}
"""


LISTS = Path("/var/lib/apt/lists")
LOCK = Path("/var/lib/dpkg/lock-frontend")
LOCK_TIMEOUT = 300  # seconds; a fresh server installs its own updates first


def await_unlocked(lock: Path, timeout: float, pause: float = 1.0) -> bool:
    """Wait until no other program holds dpkg's lock; False when it is still held after ``timeout`` seconds.

    apt-get can wait by itself, dpkg cannot.
    """
    deadline = time.monotonic() + timeout
    while True:
        with lock.open("a") as handle:
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except OSError:
                if time.monotonic() >= deadline:
                    return False
        time.sleep(pause)


def missing_packages(names: list[str], dpkg_output: str) -> list[str]:
    """Those of ``names`` that are not fully installed, by lines ``STATUS NAME`` of dpkg-query."""
    installed = set()
    for line in dpkg_output.splitlines():
        status, _, package = line.partition(" ")
        if status == "ii":
            installed.add(package.strip().partition(":")[0])
    return [name for name in names if name not in installed]


def lists_age(lists: Path, now: float) -> float:
    """Seconds since the package lists were fetched; infinite when there are none."""
    times = [path.stat().st_mtime for path in lists.glob("*Packages*")] if lists.is_dir() else []
    if not times:
        return float("inf")
    # apt keeps the server's time on the lists themselves; the folder's is that of the last refresh.
    return now - max(lists.stat().st_mtime, (lists / "partial").stat().st_mtime if (lists / "partial").is_dir() else 0)


def main() -> None:
    """Ask dpkg, install what is missing, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "list", "elements": "str", "required": True},
            "lists_valid_for": {"type": "int", "default": 3600},
        },
        supports_check_mode=True,
    )
    names: list[str] = module.params["name"]
    environment = {
        "DEBIAN_FRONTEND": "noninteractive",
        "LC_ALL": "C",
        "UCF_FORCE_CONFFOLD": "1",
        "NEEDRESTART_MODE": "l",
    }
    apt = ["apt-get", "--yes", "--quiet", "-o", f"DPkg::Lock::Timeout={LOCK_TIMEOUT}"]

    def query() -> list[str]:
        _, out, _ = module.run_command(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n", *names])
        return missing_packages(names, out)

    def run(command: list[str], doing: str) -> None:
        code, out, err = module.run_command(command, environ_update=environment)
        if code != 0:
            last = "\n".join((err.strip() or out.strip()).splitlines()[-8:])
            module.fail_json(msg=f"{doing} failed: {' '.join(command)} answered {code}:\n{last}")

    missing = query()
    diff = {"before": "", "after": "".join(f"{name}\n" for name in missing)}
    if missing and not module.check_mode:
        os.umask(0o022)
        if not await_unlocked(LOCK, LOCK_TIMEOUT):
            module.fail_json(
                msg=f"Another program has been installing packages for {LOCK_TIMEOUT} s, so {', '.join(missing)} "
                f"had to wait. See which: fuser -v {LOCK}; then run again"
            )
        run(["dpkg", "--configure", "-a", "--force-confold"], "Finishing an earlier package run")
        if lists_age(LISTS, time.time()) > module.params["lists_valid_for"]:
            run([*apt, "update"], "Refreshing the package lists")
        options = [
            "--no-install-recommends",
            "-o",
            "Dpkg::Options::=--force-confdef",
            "-o",
            "Dpkg::Options::=--force-confold",
        ]
        run([*apt, *options, "install", *missing], f"Installing {', '.join(missing)}")
        if still := query():
            module.fail_json(msg=f"apt-get reported success, but these are not installed: {', '.join(still)}")
    module.exit_json(changed=bool(missing), missing=missing, diff=diff)


if __name__ == "__main__":
    main()
