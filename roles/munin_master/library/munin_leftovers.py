#!/usr/bin/python
"""Put aside what munin keeps of hosts that it does not watch any more.

Munin itself never forgets: the pages of a removed host stay as they were last, and so do its values. Values go to the
folder `removed` beside the others, so that a host that comes back can have its past again; pages are removed.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: munin_leftovers
short_description: Put aside values and pages of hosts that are not watched any more
options:
  values: {description: Munin's folder of values (dbdir)., type: path, required: true}
  pages: {description: Its folder of pages (htmldir)., type: path, required: true}
  group: {description: The one group that is watched., type: str, required: true}
  hosts: {description: The hosts of the group that are watched., type: list, elements: str, required: true}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Put aside what is not watched any more
  munin_leftovers:
    values: /var/lib/munin
    pages: /var/cache/munin/www
    group: dpuk
    hosts: [db, web, monitor]
"""

RETURN = r"""
moved: {description: Values that were put aside., type: list, elements: str, returned: always}
removed: {description: Pages and pictures that were removed., type: list, elements: str, returned: always}
"""


ASIDE = "removed"
PATIENCE = 300  # seconds that a round takes at most
# What is no group of hosts in the two folders.
NO_GROUPS = {ASIDE, "cgi-tmp", "static", "lost+found"}


def owner(name: str, hosts: set[str]) -> str:
    """The host of a file HOST-PLUGIN-FIELD-TYPE.rrd: the longest name that fits, for one may begin as another."""
    fitting = [host for host in hosts if name.startswith(f"{host}-")]
    return max(fitting, key=len) if fitting else ""


def round_goes_on(proc: Path = Path("/proc")) -> bool:
    """Whether munin-cron is at work: a round that began with the old settings would bring back what is removed."""
    for file in proc.glob("[0-9]*/cmdline"):
        try:
            if b"/usr/bin/munin-cron" in file.read_bytes():
                return True
        except OSError:
            continue
    return False


def folders(above: Path) -> list[Path]:
    """The folders in one that may not be there."""
    return sorted(path for path in above.glob("*") if path.is_dir())


def known_hosts(values: Path, pages: Path, group: str) -> set[str]:
    """The hosts of a group that munin has something of: it keeps a state for each that answered once, and pages."""
    states = {
        path.name[len(f"state-{group}-") : -len(".storable")] for path in values.glob(f"state-{group}-*.storable")
    }
    return states | {path.name for path in folders(pages / group)}


def leftovers(values: Path, pages: Path, group: str, hosts: set[str]) -> tuple[list[Path], list[Path]]:
    """Values to put aside, and pages and pictures to remove."""
    gone = known_hosts(values, pages, group) - hosts
    moved = [path for path in sorted((values / group).glob("*.rrd")) if owner(path.name, gone | hosts) in gone]
    moved += [path for host in sorted(gone) for path in [values / f"state-{group}-{host}.storable"] if path.exists()]
    pictures = values / "cgi-tmp" / "munin-cgi-graph"
    removed = [place / group / host for place in (pages, pictures) for host in sorted(gone)]
    for folder in folders(values):
        if folder.name not in NO_GROUPS | {group} and any(folder.rglob("*.rrd")):
            moved += [folder, *sorted(values.glob(f"state-{folder.name}-*.storable"))]
    removed += [path for path in [*folders(pages), *folders(pictures)] if path.name not in NO_GROUPS | {group}]
    return moved, [path for path in removed if path.exists()]


def put_aside(path: Path, values: Path) -> None:
    """To the same place below `removed`; what was put there before gives way."""
    target = values / ASIDE / path.relative_to(values)
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if target.is_dir():
        shutil.rmtree(target)
    path.replace(target)


def main() -> None:
    """Look, move, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "values": {"type": "path", "required": True},
            "pages": {"type": "path", "required": True},
            "group": {"type": "str", "required": True},
            "hosts": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    values, pages = Path(module.params["values"]), Path(module.params["pages"])
    wanted = values, pages, module.params["group"], set(module.params["hosts"])
    moved, removed = leftovers(*wanted)
    if (moved or removed) and not module.check_mode:
        deadline = time.monotonic() + PATIENCE
        while round_goes_on() and time.monotonic() < deadline:
            time.sleep(1)
        moved, removed = leftovers(*wanted)
        for path in moved:
            put_aside(path, values)
        for path in removed:
            shutil.rmtree(path)
    named = [str(path) for path in moved], [str(path) for path in removed]
    diff = {"before": "".join(f"{path}\n" for path in [*named[0], *named[1]]), "after": ""}
    module.exit_json(changed=bool(moved or removed), moved=named[0], removed=named[1], diff=diff)


if __name__ == "__main__":
    main()
