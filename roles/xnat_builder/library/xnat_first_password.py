#!/usr/bin/python
"""Give the account admin of XNAT 1.6 its password, before XNAT runs on that database for the first time.

XNAT 1.6 keeps SHA-256 of PASSWORD{SALT} in hexadecimal digits, and the salt beside it (Spring Security's
ShaPasswordEncoder, DatabaseAuthenticationProviderConfigurator, UserSettingsRestlet). It is done once and never again.
"""

from __future__ import annotations

import hashlib
import secrets
import string

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host.psql import SPEC, Database, DatabaseError, quoted

DOCUMENTATION = r"""
module: xnat_first_password
short_description: The first password of XNAT 1.6's account admin
description:
  - Sets password and mail address of C(admin) once, with the row C(first-settings) in C(dpuk_node.applied_sql).
options:
  password: {description: The password of admin., type: str, required: true}
  email: {description: Mail address of admin., type: str, required: true}
extends_documentation_fragment: [xnat_database]
author: DPUK node project
"""

EXAMPLES = r"""
- name: Give admin the password of the vault
  xnat_first_password:
    host: db.example
    database: xnat
    user: xnat
    database_password: "{{ xnat_database_password }}"
    account: xnatbuild
    password: "{{ xnat_admin_password }}"
    email: admin@example.ac.uk
  no_log: true
"""

RETURN = r"""
"""

NAME = "first-settings"
KEY = hashlib.sha256(NAME.encode()).hexdigest()
SALT_LENGTH = 64


def encoded(password: str, salt: str) -> str:
    """The password as XNAT 1.6 keeps it. Without a salt there are no braces."""
    merged = f"{password}{{{salt}}}" if salt else password
    return hashlib.sha256(merged.encode()).hexdigest()


def script(password: str, email: str, salt: str, cached: bool) -> str:
    """The statements; they fail when there is no account admin."""
    settings = {"primary_password": encoded(password, salt), "email": email} | ({"salt": salt} if salt else {})
    assigned = ", ".join(f"{column} = {quoted(value)}" for column, value in settings.items())
    lines = [
        "DO $first$ BEGIN",
        f"UPDATE xdat_user SET {assigned}, primary_password_encrypt = 1 WHERE login = 'admin';",  # noqa: S608
        "IF NOT FOUND THEN RAISE EXCEPTION 'there is no account admin: security.xml was not stored'; END IF;",
        "END $first$;",
    ]
    # XNAT keeps whole accounts here, with the password that they had.
    return "\n".join([*lines, *(["DELETE FROM xs_item_cache;"] if cached else [])])


def main() -> None:
    """Look, set, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            **SPEC,
            "password": {"type": "str", "required": True, "no_log": True},
            "email": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    options = module.params
    if module.check_mode:
        # Who asks in a dry run has found out that it is to be done.
        module.exit_json(changed=True)
    try:
        database = Database(options)
        state = database.state()
        if KEY in state.applied:
            module.exit_json(changed=False)
        columns = database.ask(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE (table_name = 'xdat_user' AND column_name = 'salt') OR table_name = 'xs_item_cache';"
        )
        alphabet = string.ascii_letters + string.digits
        salt = "".join(secrets.choice(alphabet) for _ in range(SALT_LENGTH)) if ["xdat_user", "salt"] in columns else ""
        cached = any(row[0] == "xs_item_cache" for row in columns)
        text = script(options["password"], options["email"], salt, cached)
        database.apply(text.encode(), KEY, NAME, state)
    except (DatabaseError, KeyError) as error:
        module.fail_json(msg=f"The account admin has no password of its own yet, so XNAT is not started. {error}")
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
