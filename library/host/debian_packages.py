#!/usr/bin/python
"""Install Debian or Ubuntu packages, with a dry run that is true on a fresh host.

ansible.builtin.apt needs python3-apt and current package lists even to say what it would do; a fresh host has
neither. This asks dpkg what is missing. It does not remove or upgrade anything: unattended-upgrades does that.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: debian_packages
short_description: Install missing packages by apt-get
description:
  - Installs the packages that dpkg lacks, without recommended ones, and keeps changed configuration files.
  - Package lists are refreshed only when something is missing and the lists are older than O(lists_valid_for).
    When that fails, but the lists that are there suffice, it is a warning.
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
# dpkg's own, and those of programs that only fetch, such as the daily timers of Debian and Ubuntu.
LOCKS = [Path("/var/lib/dpkg/lock-frontend"), LISTS / "lock", Path("/var/cache/apt/archives/lock")]
LOCK_TIMEOUT = 300  # seconds; a fresh server installs its own updates first


def await_unlocked(lock: Path, timeout: float, pause: float = 1.0) -> bool:
    """Wait until no other program holds a lock; False when it is still held after ``timeout`` seconds.

    apt-get waits by itself for the first of them only, dpkg for none.
    """
    if not lock.parent.is_dir():
        return True
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


def reason(output: str) -> str:
    """Why apt-get could not fetch the lists, by what it printed: what the network said, where that is in it."""
    said = re.search(r"^Err:.*\n\s+(\S.*)$", output, re.MULTILINE)
    summed_up = re.search(r"^(E: Failed to fetch .*)$", output, re.MULTILINE)
    found = said or summed_up
    return " ".join((found.group(1) if found else output.split("\n")[0]).split())


def explain(names: list[str], output: str, refresh_error: str) -> str:
    """Say in one line which packages are not to be had, and why, by what apt-get printed."""
    unknown = re.findall(r"Unable to locate package (\S+)", output)
    unknown += re.findall(r"Package '?([^'\s]+)'? has no installation candidate", output)
    unfetched = re.findall(r"^E: Failed to fetch (\S+)\s+(.*)$", output, re.MULTILINE)
    reasons = []
    if unknown:
        reasons.append(f"the host's package lists do not have {', '.join(dict.fromkeys(unknown))}")
    if unfetched:
        files = ", ".join(url.rpartition("/")[2] for url, _ in unfetched)
        reasons.append(f"not downloaded: {files} ({unfetched[0][1].strip()})")
    if not reasons:
        reasons.append(" ".join(output.split("\n")[-8:]))
    if refresh_error:
        reasons.append(f"the lists could not be refreshed: {refresh_error}")
    return (
        f"Packages cannot be installed: {', '.join(names)}. Why: {'; '.join(reasons)}. "
        "See on the host: apt-get update; which archives it asks is in /etc/apt/sources.list and sources.list.d"
    )


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
    options = [
        "--no-install-recommends",
        "-o",
        "Dpkg::Options::=--force-confdef",
        "-o",
        "Dpkg::Options::=--force-confold",
    ]

    def query() -> list[str]:
        _, out, _ = module.run_command(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n", *names])
        return missing_packages(names, out)

    def run(command: list[str]) -> str | None:
        """Run a command when nobody else installs; what it printed when it failed, else None."""
        for lock in LOCKS:
            if not await_unlocked(lock, LOCK_TIMEOUT):
                module.fail_json(
                    msg=f"Another program has been installing packages for {LOCK_TIMEOUT} s, so {', '.join(missing)} "
                    f"had to wait. See which: fuser -v {lock}; then run again"
                )
        code, out, err = module.run_command(command, environ_update=environment)
        return None if code == 0 else (f"{err.strip()}\n{out.strip()}".strip() or f"exit status {code}")

    def refresh() -> str:
        """Fetch the lists; the reason why not, or nothing. What failed is not tried again before it is due again."""
        # Without the option a list that cannot be fetched is no failure.
        failed = run([*apt, "update", "--error-on=any"])
        if failed and (LISTS / "partial").is_dir():
            os.utime(LISTS / "partial")
        return reason(failed) if failed else ""

    missing = query()
    diff = {"before": "", "after": "".join(f"{name}\n" for name in missing)}
    if missing and not module.check_mode:
        os.umask(0o022)
        if failed := run(["dpkg", "--configure", "-a", "--force-confold"]):
            module.fail_json(msg=f"Finishing an earlier package run failed, see `dpkg --configure -a`: {failed[-800:]}")
        due = lists_age(LISTS, time.time()) > module.params["lists_valid_for"]
        refresh_error = refresh() if due else ""
        failed = run([*apt, *options, "install", *missing])
        if failed and not due:
            # Lists that are young enough may still lack what came in the meantime.
            refresh_error = refresh()
            failed = run([*apt, *options, "install", *missing])
        if failed:
            module.fail_json(msg=explain(missing, failed, refresh_error))
        if refresh_error:
            module.warn(
                f"The package lists could not be refreshed ({refresh_error}). Those that are there were enough for "
                f"{', '.join(missing)}, but may not be the newest: let the host reach its package archives"
            )
        if still := query():
            module.fail_json(msg=f"apt-get reported success, but these are not installed: {', '.join(still)}")
    module.exit_json(changed=bool(missing), missing=missing, diff=diff)


if __name__ == "__main__":
    main()
