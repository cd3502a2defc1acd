#!/usr/bin/python
"""How much memory this host has: a fact that costs one file, where Ansible's own takes seconds."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: host_memory
short_description: The memory that this host may use
description:
  - What the kernel says, or the limit of the container that this is, whichever is less. Changes nothing.
options: {}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Ask how much memory there is
  host_memory:
  register: memory
"""

RETURN = r"""
megabytes: {description: Memory in MiB., type: int, returned: always}
"""

# cgroup v2, then v1: as the inside of a container sees its own limit.
LIMITS = ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes")


def megabytes(root: Path) -> int:
    """Memory in MiB by the files below `root`."""
    lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    total = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:"))
    for name in LIMITS:
        try:
            limit = (root / name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if limit.isdigit():
            total = min(total, int(limit))
    return total // (1 << 20)


def main() -> None:
    """Answer Ansible."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.exit_json(changed=False, megabytes=megabytes(Path("/")))


if __name__ == "__main__":
    main()
