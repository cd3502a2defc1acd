#!/usr/bin/python
"""Say what on a host would make the next steps fail: memory, ports, folders, names. It looks and changes nothing.

Everything that is wrong is told at once, one line each. It knows nothing of the services that will run here: whoever
calls it says what they need.
"""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host.listeners import PROC, listeners, outsider

DOCUMENTATION = r"""
module: host_ready
short_description: Check what a host must offer before anything on it is changed
description:
  - Fails with one line for each thing that is wrong; reads only, also in check mode.
options:
  memory_mb: {description: Memory that the host must have at least., type: int, default: 0}
  memory_variable: {description: The variable that a message about memory names., type: str, default: memory_mb}
  ports:
    description: TCP ports that must be free, or held by the service that is meant to have them.
    type: list
    elements: dict
    default: []
    suboptions:
      port: {description: Its number., type: int, required: true}
      services:
        description: Units (C(nginx), C(postgresql@*)) that may hold it.
        type: list
        elements: str
        required: true
      variable: {description: The variable that a message names., type: str, required: true}
  folders:
    description: Folders that must be writable and have room; one that is not there yet, by what it will be made in.
    type: list
    elements: dict
    default: []
    suboptions:
      paths: {description: Where they are., type: list, elements: path, required: true}
      free_mb: {description: Space that must be free., type: int, default: 0}
      variable: {description: The variable that a message names., type: str, required: true}
  names:
    description: Names that the host must resolve. Empty ones and addresses are fine.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: The name., type: str, required: true}
      required: {description: "V(false) only warns.", type: bool, default: true}
      variable: {description: The variable that a message names., type: str, required: true}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Check the host
  host_ready:
    memory_mb: 2048
    memory_variable: xnat_memory_min_mb
    ports: [{port: 8080, services: [tomcat], variable: tomcat_port}]
    folders: [{paths: [/data/xnat/archive], free_mb: 1024, variable: xnat_data}]
    names: [{name: db.example.org, variable: xnat_database_host}]
"""

RETURN = ""


# A machine sold as one of 2 GB shows a little less: the kernel keeps some for itself.
MEMORY_SLACK = 0.08


def memory_problems(wanted_mb: int, meminfo: str, variable: str) -> list[str]:
    """Whether there is less memory than asked for, by the text of /proc/meminfo."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", meminfo, re.MULTILINE)
    have_mb = int(found[1]) // 1024 if found else 0
    if have_mb >= wanted_mb * (1 - MEMORY_SLACK):
        return []
    return [f"memory: this host has {have_mb} MB and {wanted_mb} MB are needed. Give it more, or lower {variable}"]


def port_problems(wanted: dict[str, Any], proc: Path = PROC) -> list[str]:
    """Whether somebody else listens on a port."""
    who = outsider(listeners(wanted["port"], proc=proc), wanted["services"], proc)
    if not who:
        return []
    return [f"port {wanted['port']} is taken by {who}. Stop it there, or choose another {wanted['variable']}"]


def nearest(path: Path) -> Path:
    """The path itself, or the first one above it that exists."""
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path


def folder_problems(path: Path, needed_mb: int, variable: str) -> list[str]:
    """Whether a folder, or what it would be made in, is no folder, read-only, not writable or full."""
    there = nearest(path)
    named = str(path) if there == path else f"{path} (to be made in {there})"
    if not there.is_dir():
        return [f"folder {named}: {there} is no folder. Move it away, or choose another {variable}"]
    try:
        disk = os.statvfs(there)
    except OSError as error:
        return [f"folder {named}: {os.strerror(error.errno or 0)}. Look at: mount; dmesg | tail"]
    if disk.f_flag & os.ST_RDONLY:
        return [
            f"folder {named} is on a read-only disk. Look at: findmnt -T {there}; "
            f"then mount it writable, or choose another {variable}"
        ]
    if not os.access(there, os.W_OK):
        return [f"folder {named}: root may not write there (a network disk with root_squash?). See {variable}"]
    free_mb = disk.f_bavail * disk.f_frsize // 2**20
    if free_mb < needed_mb:
        return [
            f"folder {named}: {free_mb} MB are free and {needed_mb} MB are needed. "
            f"Make room (df -h {there}), or choose another {variable}"
        ]
    if disk.f_files and not disk.f_favail:
        return [f"folder {named}: the disk can hold no more files. Make room (df -i {there})"]
    return []


def all_folder_problems(folders: list[dict[str, Any]]) -> list[str]:
    """What is wrong with any of them; one full disk is one line, however many of the folders are on it."""
    told: set[int] = set()
    problems = []
    for wanted in folders:
        for path in map(Path, wanted["paths"]):
            disk = nearest(path).stat().st_dev
            found = folder_problems(path, wanted["free_mb"], wanted["variable"]) if disk not in told else []
            told |= {disk} if found else set()
            problems += found
    return problems


def name_problems(wanted: dict[str, Any]) -> list[str]:
    """Whether a name does not resolve."""
    name = wanted["name"]
    if not name:
        return []
    try:
        socket.getaddrinfo(name, None)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, socket.gaierror) else str(error)
        return [
            f"name {name} does not resolve on this host ({why}). "
            f"See {wanted['variable']}, and the DNS or /etc/hosts of the host"
        ]
    return []


def main() -> None:
    """Look at everything, answer Ansible once."""
    text, number = {"type": "str", "required": True}, {"type": "int", "default": 0}
    module = AnsibleModule(
        argument_spec={
            "memory_mb": number,
            "memory_variable": {"type": "str", "default": "memory_mb"},
            "ports": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "port": {"type": "int", "required": True},
                    "services": {"type": "list", "elements": "str", "required": True},
                    "variable": text,
                },
            },
            "folders": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "paths": {"type": "list", "elements": "path", "required": True},
                    "free_mb": number,
                    "variable": text,
                },
            },
            "names": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"name": text, "required": {"type": "bool", "default": True}, "variable": text},
            },
        },
        supports_check_mode=True,
    )
    options = module.params
    problems = memory_problems(options["memory_mb"], (PROC / "meminfo").read_text(), options["memory_variable"])
    for port in options["ports"]:
        problems += port_problems(port)
    problems += all_folder_problems(options["folders"])
    for name in options["names"]:
        found = name_problems(name)
        if name["required"]:
            problems += found
        else:
            for line in found:
                module.warn(line)
    if problems:
        module.fail_json(msg="\n".join(problems))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
