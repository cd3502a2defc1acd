#!/usr/bin/python
"""Have XNAT 1.6's StoreXML put a document, or a folder of them, into the database, once per content.

StoreXML replaces what it stores by its key, so a run that was cut short before the row was written is repeated. A name
and a password would stand on its command line: only those that a fresh database has, before anybody can reach it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host import store_xml
from ansible.module_utils.host.psql import SPEC, Database, DatabaseError, State

DOCUMENTATION = r"""
module: xnat_store_xml
short_description: Store XML in the database of XNAT 1.6, once per content
description:
  - Runs C(bin/StoreXML) of a built tree as O(account) in C(deployments/xnat).
options:
  tree: {description: The built tree., type: path, required: true}
  java_home: {description: The JDK., type: path, required: true}
  path: {description: "A file or a folder, absolute or below C(deployments/xnat).", type: path, required: true}
  name: {description: What it is called in the table., type: str, required: true}
  first_account: {description: Store it as the account that a fresh database has., type: bool, default: false}
  java_options: {description: Options for every JVM., type: list, elements: str, default: []}
extends_documentation_fragment: [xnat_database]
author: DPUK node project
"""

EXAMPLES = r"""
- name: Make the first accounts
  xnat_store_xml:
    host: db.example
    database: xnat
    user: xnat
    database_password: "{{ xnat_database_password }}"
    account: xnatbuild
    tree: /opt/xnat-builder/1.6.5-0123456789ab
    java_home: /opt/java/0123456789ab
    path: security/security.xml
    name: security.xml
"""

RETURN = r"""
"""

# What XNAT itself gives a database that it has just filled; replaced before anything listens.
FIRST_ACCOUNT = ["-u", "admin", "-p", "admin"]


def content_key(path: Path, name: str) -> str:
    """One hash for what is called so and holds this."""
    digest = hashlib.sha256(f"{name}\n".encode())
    for file in [path] if path.is_file() else sorted(path.rglob("*.xml")):
        digest.update(f"{file.relative_to(path.parent)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Look, store, say so, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            **SPEC,
            **store_xml.SPEC,
            "path": {"type": "path", "required": True},
            "name": {"type": "str", "required": True},
            "first_account": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    options = module.params
    name = options["name"]
    path = store_xml.deployment(Path(options["tree"])) / options["path"]
    if not path.exists():
        if module.check_mode:
            module.exit_json(changed=True)
        module.fail_json(msg=f"{name}: there is no {path} to store; the builder did not make it")
    key = content_key(path, name)
    try:
        database = Database(options)
        state = database.state()
    except (DatabaseError, KeyError) as error:
        if not module.check_mode:
            module.fail_json(msg=f"The database cannot be asked. {error}")
        state = State(False, False, {})
    needed = key not in state.applied
    if not needed or module.check_mode:
        module.exit_json(changed=needed)
    arguments = ["-l" if path.is_file() else "-dir", str(options["path"])]
    try:
        store_xml.store(options, [*arguments, *(FIRST_ACCOUNT if options["first_account"] else [])], name)
    except store_xml.StoreError as error:
        module.fail_json(msg=str(error))
    try:
        database.apply(b"", key, name, state)
    except DatabaseError as error:
        module.fail_json(msg=f"{name} was stored, but that could not be written down; the next run repeats it. {error}")
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
