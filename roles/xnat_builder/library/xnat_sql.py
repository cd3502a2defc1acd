#!/usr/bin/python
"""Apply a file of SQL to XNAT's database once per content, or only say what is in the database.

The statements and the row that says that they were applied are one transaction. It does not judge the statements.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host.psql import SPEC, Database, DatabaseError, State

DOCUMENTATION = r"""
module: xnat_sql
short_description: Apply SQL to XNAT's database once per content
description:
  - Runs psql as O(account) with XNAT's own database user. What was applied stands in C(dpuk_node.applied_sql).
  - Without O(file) it only looks.
options:
  file: {description: The SQL., type: path}
  name: {description: What it is called in the table., type: str, default: ""}
extends_documentation_fragment: [xnat_database]
author: DPUK node project
"""

EXAMPLES = r"""
- name: Add the tables of new data types
  xnat_sql:
    host: db.example
    database: xnat
    user: xnat
    database_password: "{{ xnat_database_password }}"
    account: xnatbuild
    file: /opt/xnat-builder/1.6.5-0123456789ab/deployments/xnat/sql/xnat-update.sql
    name: xnat-update.sql of 1.6.5-0123456789ab
"""

RETURN = r"""
filled: {description: Whether XNAT's tables were there before., type: bool, returned: always}
applied: {description: Names of all that was applied before., type: list, elements: str, returned: always}
reachable: {description: Whether the database answered; false in check mode only., type: bool, returned: always}
"""

SHOWN = 200  # lines of SQL in a diff


def read(path: Path) -> bytes:
    """The SQL; nothing when there is none. A link in its place is not followed: the account may have made it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    with os.fdopen(handle, "rb") as file:
        return file.read()


def statements(script: bytes) -> bool:
    """Whether there is anything but blanks and comments."""
    lines = (line.strip() for line in script.splitlines())
    return any(line and not line.startswith(b"--") for line in lines)


def main() -> None:
    """Look, apply what is new, answer Ansible."""
    module = AnsibleModule(
        argument_spec={**SPEC, "file": {"type": "path"}, "name": {"type": "str", "default": ""}},
        supports_check_mode=True,
    )
    options = module.params
    reachable, state = True, State(False, False, {})
    try:
        database = Database(options)
        state = database.state()
    except (DatabaseError, KeyError) as error:
        if not module.check_mode:
            module.fail_json(msg=f"The database cannot be asked. {error}")
        # In a dry run on a fresh host there is no psql, no account and no database yet.
        reachable = False
    script = read(Path(options["file"])) if options["file"] else b""
    if module.check_mode and options["file"] and not Path(options["file"]).exists():
        # What is not built yet cannot be read.
        module.exit_json(changed=True, filled=state.filled, applied=[], reachable=reachable)
    key = hashlib.sha256(script).hexdigest()
    needed = statements(script) and key not in state.applied
    if needed and not module.check_mode:
        try:
            database.apply(script, key, options["name"], state)
        except DatabaseError as error:
            module.fail_json(msg=f"{options['name']}: nothing of it was applied. {error}")
    shown = script.decode("utf-8", "replace").splitlines(keepends=True) if needed else []
    more = [f"... {len(shown) - SHOWN} more lines\n"] if len(shown) > SHOWN else []
    module.exit_json(
        changed=needed,
        filled=state.filled,
        applied=sorted(state.applied.values()),
        reachable=reachable,
        diff={"before": "", "after": "".join(shown[:SHOWN] + more)},
    )


if __name__ == "__main__":
    main()
