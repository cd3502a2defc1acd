#!/usr/bin/python
"""Find vaults of an inventory that lie there unencrypted. Runs on the controller, reads, and says names only."""

from __future__ import annotations

import re
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: vault_files
short_description: Refuse an inventory whose vault.yml is not encrypted
description:
  - Looks at each C(vault.yml) and C(vault.yaml) below C(group_vars) and C(host_vars) of a folder.
  - Right are those that begin with C($ANSIBLE_VAULT), and those whose every value is encrypted (C(!vault)) or empty.
options:
  folders: {description: Folders of inventories., type: list, elements: path, required: true}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Look for vaults that are not encrypted
  vault_files:
    folders: [inventories/production]
  delegate_to: localhost
"""

RETURN = r"""
plain: {description: Vaults that anybody can read who has the file., type: list, elements: str, returned: always}
"""

HEADER = "$ANSIBLE_VAULT;"
NAMES = {"vault.yml", "vault.yaml"}
EMPTY = {"", '""', "''", "null", "~"}


def is_encrypted(text: str) -> bool:
    """Whether nothing in the text of a vault can be read without its password."""
    if text.startswith(HEADER):
        return True
    values = re.findall(r"^[^\s#:-][^:]*:[ \t]*(.*?)[ \t]*(?:#.*)?$", text, re.MULTILINE)
    return all(value in EMPTY or value.startswith("!vault") for value in values)


def plain_vaults(folders: list[Path]) -> list[Path]:
    """Vaults in these folders' group_vars and host_vars that are not encrypted."""
    found = {
        path
        for folder in folders
        for part in ("group_vars", "host_vars")
        for path in (folder / part).rglob("*")
        if path.name in NAMES and path.is_file()
    }
    return sorted(path for path in found if not is_encrypted(path.read_text(encoding="utf-8", errors="replace")))


def main() -> None:
    """Look, answer Ansible."""
    module = AnsibleModule(
        argument_spec={"folders": {"type": "list", "elements": "path", "required": True}}, supports_check_mode=True
    )
    try:
        plain = plain_vaults([Path(folder) for folder in module.params["folders"]])
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")
    if plain:
        lines = [f"{path} is not encrypted. Type: ansible-vault encrypt {path}" for path in plain]
        module.fail_json(msg="\n".join(lines), plain=[str(path) for path in plain])
    module.exit_json(changed=False, plain=[])


if __name__ == "__main__":
    main()
