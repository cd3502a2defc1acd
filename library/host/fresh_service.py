#!/usr/bin/python
"""Keep a systemd service enabled, running, and aware of its files.

A handler is lost when a run is cut short between a changed file and the restart. This compares the time of the
files with the start of the service instead, so the next run makes good. A start that fails is reported with the lines
of its journal and logs that tell why. It does not write unit files.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host.systemd import Unit

DOCUMENTATION = r"""
module: fresh_service
short_description: Run a systemd service that has read its present files
description:
  - Enables and starts the unit; restarts or reloads it when one of O(files) changed after the service read it.
  - In check mode a unit that is not there yet counts as one that would be enabled and started.
options:
  name: {description: Unit name., type: str, required: true}
  files: {description: Files that the service reads when it starts or reloads., type: list, elements: path, default: []}
  refresh:
    {description: How the service takes a changed file in., type: str, choices: [restart, reload], default: restart}
  state:
    description: V(refreshed) restarts or reloads in any case; for handlers.
    type: str
    choices: [running, refreshed]
    default: running
  enabled: {description: Start it at boot., type: bool, default: true}
  logs:
    description: Patterns of names of its own logs, quoted beside its journal when a start fails.
    type: list
    elements: path
    default: []
  secrets_in:
    description: Files whose passwords must not be quoted.
    type: list
    elements: path
    default: []
author: DPUK node project
"""

EXAMPLES = r"""
- name: Run nginx
  fresh_service:
    name: nginx
    files: [/etc/nginx/nginx.conf]
    refresh: reload
"""

RETURN = r"""
actions: {description: What was done or would be done., type: list, elements: str, returned: always}
"""


PROPERTIES = [
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "NeedDaemonReload",
    "MainPID",
    "ExecMainStartTimestampMonotonic",
    "ActiveEnterTimestampMonotonic",
]


VERBS_THAT_START = {"start": "started", "restart": "restarted", "reload": "reloaded"}


def newest_child_start(main_pid: int, proc: Path, now: float, boottime: float, ticks: int) -> float:
    """Wall-clock second at which the newest child of a process started: when a reloading server last reloaded."""
    newest = 0.0
    for stat in proc.glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        # After the command name: state, parent, ...; the start time is field 22 of the whole line.
        if int(fields[1]) == main_pid:
            newest = max(newest, now - (boottime - int(fields[19]) / ticks))
    return newest


def newer_files(files: list[str], moment: float) -> list[str]:
    """Those files that changed after ``moment``; absent ones do not count."""
    return [name for name in files if os.path.lexists(name) and os.lstat(name).st_mtime > moment]


def plan(properties: dict[str, str], newer: list[str], refresh: str, state: str, enabled: bool) -> list[str]:
    """The systemctl verbs that lead from what is to what is wanted, in order."""
    actions = []
    if properties.get("NeedDaemonReload") == "yes":
        actions.append("daemon-reload")
    if enabled and properties.get("UnitFileState") not in ("enabled", "enabled-runtime", "static", "indirect", "alias"):
        actions.append("enable")
    if properties.get("ActiveState") not in ("active", "activating", "reloading"):
        actions.append("start")
    elif state == "refreshed" or newer:
        actions.append(refresh)
    return actions


def main() -> None:
    """Compare, act, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "path", "default": []},
            "refresh": {"type": "str", "choices": ["restart", "reload"], "default": "restart"},
            "state": {"type": "str", "choices": ["running", "refreshed"], "default": "running"},
            "enabled": {"type": "bool", "default": True},
            "logs": {"type": "list", "elements": "path", "default": []},
            "secrets_in": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    options = module.params
    name: str = options["name"]
    unit = Unit(module, name)

    def systemctl(*arguments: str) -> None:
        code, _, err = module.run_command(["systemctl", *arguments])
        if code == 0:
            return
        if arguments[0] in VERBS_THAT_START:
            why = unit.why(options["logs"], options["secrets_in"])
            module.fail_json(msg=f"{name} could not be {VERBS_THAT_START[arguments[0]]}: {why}")
        module.fail_json(msg=f"systemctl {' '.join(arguments)} answered {code}: {err.strip()}")

    properties = unit.properties(*PROPERTIES)
    if properties.get("LoadState") == "not-found":
        if not module.check_mode:
            # A unit file that was written a moment ago is not known before a reload.
            systemctl("daemon-reload")
            properties = unit.properties(*PROPERTIES)
            if properties.get("LoadState") == "not-found":
                module.fail_json(msg=f"there is no unit {name} on this host")
        else:
            module.exit_json(
                changed=True, actions=["enable", "start"], diff={"before": "absent\n", "after": "running\n"}
            )
    if name.endswith(".timer"):
        # What it starts has a unit file of its own, which nobody else asks about.
        started = Unit(module, f"{name.removesuffix('.timer')}.service").properties("NeedDaemonReload")
        properties.update({key: value for key, value in started.items() if value == "yes"})
    moment = unit.started(properties)
    main_pid = int(properties.get("MainPID") or 0)
    if options["refresh"] == "reload" and main_pid:
        boottime, ticks = time.clock_gettime(time.CLOCK_BOOTTIME), os.sysconf("SC_CLK_TCK")
        moment = max(moment, newest_child_start(main_pid, Path("/proc"), time.time(), boottime, ticks))
    newer = newer_files(options["files"], moment)
    actions = plan(properties, newer, options["refresh"], options["state"], options["enabled"])
    if not module.check_mode:
        for action in actions:
            if action in ("start", "restart"):
                # What ran into its limit of starts has been mended, it is hoped, or this run would not be.
                module.run_command(["systemctl", "reset-failed", name])
            systemctl(*(["daemon-reload"] if action == "daemon-reload" else [action, name]))
    reason = f" (not yet read: {', '.join(newer)})" if newer else ""
    diff = {
        "before": f"{properties.get('ActiveState')}, {properties.get('UnitFileState')}{reason}\n",
        "after": "active, enabled\n"
        if actions
        else f"{properties.get('ActiveState')}, {properties.get('UnitFileState')}\n",
    }
    module.exit_json(changed=bool(actions), actions=actions, newer=newer, diff=diff)


if __name__ == "__main__":
    main()
