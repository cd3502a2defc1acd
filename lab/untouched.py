"""Prove that a dry run changes nothing: what a host looked like when it was fresh, and what is otherwise now."""

from __future__ import annotations

import difflib
from pathlib import Path

from lab.command import LabError, run
from lab.settings import Lab

# Every file with its rights, owner, size and time of change; packages; accounts; units; rules of the firewall; sockets.
# Left out: what a running system writes by itself, and the place where Ansible unpacks what it runs.
LOOK = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log \
  -o -path /var/lib/systemd -o -path /var/lib/munin-node -o -path /var/cache/apt -o -path /var/lib/apt \
  -o -path /var/spool -o -path /root/.ansible \) -prune \
  -o ! -path /root -printf '%p %M %u:%g %s %C@\n' | sort
dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n'
getent passwd; getent group
systemctl list-unit-files --no-legend --no-pager | tr -s ' '
command -v nft >/dev/null && nft list ruleset
ss -Hlntu | awk '{print $1, $5}' | sort
"""
SHOWN = 20


def look(lab: Lab, host: str) -> list[str]:
    """Everything about a host that a role might change, one thing a line."""
    advice = f"Look: podman exec -it {lab.container(host)} bash"
    return run(["podman", "exec", lab.container(host), "sh", "-c", LOOK], advice=advice).splitlines()


def _record(lab: Lab, host: str) -> Path:
    return lab.directory / f"fresh-{host}.txt"


def remember(lab: Lab) -> None:
    """Write down what the hosts are like now."""
    for host in lab.hosts:
        _record(lab, host).write_text("\n".join(look(lab, host)) + "\n")


def differences(before: list[str], now: list[str]) -> list[str]:
    """Lines that went and lines that came."""
    changed = difflib.unified_diff(before, now, lineterm="", n=0)
    return [line for line in changed if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def insist(lab: Lab) -> None:
    """Compare the hosts with what was written down; whatever differs raises LabError."""
    for host in lab.hosts:
        found = differences(_record(lab, host).read_text().splitlines(), look(lab, host))
        if found:
            print("\n".join(found[:SHOWN]))
            raise LabError(
                f"{host} is not as it was when it was fresh: {len(found)} lines differ, the first are above."
            )
        print(f"{host} is as it was when it was fresh.")
