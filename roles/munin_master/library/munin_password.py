#!/usr/bin/python
"""Keep the file with the one account that may see munin's pages, as nginx reads it.

The password is stored as SHA-512 with a salt; a stored one that fits is left alone, so that a second run changes
nothing. It goes to openssl by standard input. It serves no pages.
"""

from __future__ import annotations

import hmac
import os
import secrets
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: munin_password
short_description: One account with its password for web pages
options:
  path: {description: The file., type: path, required: true}
  user: {description: The account., type: str, required: true}
  password: {description: Its password., type: str, required: true}
  group: {description: "Group that may read the file: the web server's.", type: str, required: true}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Write the password of the pages
  munin_password:
    path: /etc/nginx/munin.accounts
    user: admin
    password: "{{ munin_master_password }}"
    group: www-data
  no_log: true
"""

RETURN = ""


def salt_of(line: str, user: str) -> str | None:
    """The salt of a stored password of this account; None when the line is another's or of another kind."""
    parts = line.strip().split("$")
    return parts[2] if len(parts) == 4 and parts[:2] == [f"{user}:", "6"] else None


def main() -> None:
    """Compare, write, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "group": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    options = module.params
    path, user = Path(options["path"]), options["user"]

    def stored_as(salt: str) -> str:
        command = ["openssl", "passwd", "-6", "-stdin", "-salt", salt]
        code, out, err = module.run_command(command, data=options["password"])
        if code != 0:
            module.fail_json(msg=f"openssl could not hash the password: {err.strip()}")
        return f"{user}:{out.strip()}\n"

    before = path.read_text(encoding="utf-8") if path.exists() else ""
    salt = salt_of(before, user)
    changed = salt is None or not hmac.compare_digest(before, stored_as(salt))
    if changed and not module.check_mode:
        handle, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(stored_as(secrets.token_hex(8)))
        module.atomic_move(draft, str(path))
    if path.exists():
        changed = module.set_fs_attributes_if_different(
            {
                **module.load_file_common_arguments({**options, "owner": "root", "mode": "0640"}),
                "group": options["group"],
            },
            changed,
        )
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
