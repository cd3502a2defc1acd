#!/usr/bin/python
"""Register data types of modules with XNAT 1.6, as its wizard does: a document for StoreXML, and SQL for old projects.

Whether a type is registered is read from the database. The SQL is for the types that are registered here: those that
the wizard has registered have their rights, and it is not known to bear being run twice. What was begun and what is
done stands in this project's table in the database, so a run that was cut short is continued. XNAT reads all of it at
its start only, so whoever calls this has stopped it. It makes no tables.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host import store_xml
from ansible.module_utils.host.account import Account
from ansible.module_utils.host.psql import SPEC, Database, DatabaseError, quoted

DOCUMENTATION = r"""
module: xnat_data_types
short_description: Register data types with XNAT 1.6 without its wizard
description:
  - V(looked) says whether something is to be done; V(registered) does it.
  - A type that is registered already stays as it is, whatever it is called.
options:
  action: {description: What to do., type: str, choices: [looked, registered], required: true}
  types:
    description: C(name) of each data type, and how people are shown it in C(singular), C(plural) and C(code).
    type: list
    elements: dict
    required: true
  tree: {description: The built tree., type: path, required: true}
  java_home: {description: The JDK., type: path, required: true}
  java_options: {description: Options for every JVM., type: list, elements: str, default: []}
extends_documentation_fragment: [xnat_database]
author: DPUK node project
"""

EXAMPLES = r"""
- name: Register a data type
  xnat_data_types:
    action: registered
    host: db.example
    database: xnat
    user: xnat
    database_password: "{{ xnat_database_password }}"
    account: xnatbuild
    tree: /opt/xnat-builder/1.6.5-0123456789ab
    java_home: /opt/java/0123456789ab
    types: [{name: "dpuk:dpukAssessmentData", singular: DPUK Assessment, plural: DPUK Assessments, code: DPUKA}]
"""

RETURN = r"""
needed: {description: Whether something is or was to be done., type: bool, returned: always}
"""

# XNAT's own SQL for the groups of projects that are older than a type, as a template of Velocity.
RIGHTS = Path("projects/xnat/src/templates/screens/new_dataType_permissions.vm")
CACHE = "DELETE FROM xs_item_cache;"  # groups with the rights that they had
ACTIONS = (
    ("edit", "Edit", {"image": "e.gif", "secureAccess": "edit"}),
    ("delete", "Delete", {"image": "delete.gif", "secureAccess": "delete"}),
    ("xml", "View XML", {"image": "r.gif", "grouping": "View"}),
    ("xml_file", "Download XML", {"image": "save.gif"}),
    ("email_report", "Email", {"image": "right2.gif", "popup": "always"}),
)


class RegisterError(Exception):
    """What went wrong, for the person at the terminal."""


def element_security(data_type: dict[str, str]) -> str:
    """What XNAT keeps of a data type.

    Reference: security.xsd and ElementSecurityWizard of XNAT: rights by project and by shares, the usual actions.
    """
    name = data_type["name"]
    said = {
        "element_name": name,
        "secondary_password": "0",
        "secure_ip": "0",
        "secure": "1",
        "browse": "1",
        "sequence": "50",
        "quarantine": "0",
        "pre_load": "0",
        "searchable": "1",
        "secure_read": "1",
        "secure_edit": "1",
        "secure_create": "1",
        "secure_delete": "1",
        "accessible": "1",
        "singular": data_type["singular"],
        "plural": data_type["plural"],
        "code": data_type["code"],
    }
    fields = "".join(
        f"<xdat:primary_security_field>{name}/{end}</xdat:primary_security_field>"
        for end in ("project", "sharing/share/project")
    )
    offered = [
        {"element_action_name": action, "display_name": shown, "sequence": str(number), **more}
        for number, (action, shown, more) in enumerate(ACTIONS)
    ]
    actions = "".join(f"<xdat:element_action{_attributes(action)}/>" for action in offered)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<xdat:element_security xmlns:xdat="http://nrg.wustl.edu/security"{_attributes(said)}>'
        f"<xdat:primary_security_fields>{fields}</xdat:primary_security_fields>"
        f"<xdat:element_actions>{actions}</xdat:element_actions></xdat:element_security>\n"
    )


def _attributes(said: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in said.items())


def rights(template: str, name: str) -> str:
    """XNAT's SQL for one data type. Its template knows one word only; with another it is not the one known here."""
    script = re.sub(r"\$!?(\{element_name\}|element_name\b)", name, template)
    unknown = re.search(r"\$!?\{?[A-Za-z_]\w*", script)
    if unknown:
        raise RegisterError(f"{RIGHTS.name} of this XNAT asks for {unknown[0]}, which is not known here")
    return script


def _key(what: str, data_type: dict[str, str]) -> str:
    """By which this project's table knows that something was done to a type."""
    return hashlib.sha256(f"{what} {data_type['name']}\n".encode()).hexdigest()


class Registration:
    """The data types of one call, and the database."""

    def __init__(self, options: dict[str, Any]) -> None:
        """Asks the database what it has."""
        self._options = options
        self.database = Database(options)
        self.state = self.database.state()
        names = ", ".join(quoted(one["name"]) for one in options["types"])
        question = f"SELECT element_name FROM xdat_element_security WHERE element_name IN ({names});"  # noqa: S608 - quoted
        present = {row[0] for row in self.database.ask(question)} if self.state.filled else set()
        self.missing = [one for one in options["types"] if one["name"] not in present]
        begun = [
            one for one in options["types"] if one in self.missing or _key("registered", one) in self.state.applied
        ]
        self.without = [one for one in begun if _key("rights", one) not in self.state.applied]

    def store(self) -> None:
        """Have StoreXML store what is missing; that it is begun is written down before."""
        for one in self.missing:
            if _key("registered", one) not in self.state.applied:
                self.database.apply(b"", _key("registered", one), f"registered {one['name']}", self.database.state())
            self._store(one["name"], element_security(one))

    def give_rights(self) -> None:
        """Each type's SQL and the row that says so are one transaction."""
        template = (Path(self._options["tree"]) / RIGHTS).read_text(encoding="utf-8")
        cached = self.database.ask("SELECT 1 FROM information_schema.tables WHERE table_name = 'xs_item_cache';")
        for one in self.without:
            script = rights(template, one["name"]) + (CACHE if cached else "")
            self.database.apply(script.encode(), _key("rights", one), f"rights on {one['name']}", self.database.state())

    def _store(self, name: str, document: str) -> None:
        account, folder = Account.named(self._options["account"]), Path(tempfile.mkdtemp(prefix="dpuk-store-"))
        try:
            path = folder / f"{name.replace(':', '_')}.xml"
            path.write_text(document, encoding="utf-8")
            account.own(folder)
            account.own(path)
            store_xml.store(self._options, ["-l", str(path)], name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Look or register, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            **SPEC,
            "action": {"type": "str", "choices": ["looked", "registered"], "required": True},
            "types": {"type": "list", "elements": "dict", "required": True},
            **store_xml.SPEC,
        },
        supports_check_mode=True,
    )
    options = module.params
    try:
        registration = Registration(options)
    except (DatabaseError, KeyError) as error:
        if not module.check_mode:
            module.fail_json(msg=f"The database cannot be asked for its data types. {error}")
        # In a dry run on a fresh host there is neither psql nor a database yet.
        module.exit_json(changed=True, needed=True)
    needed = bool(registration.missing or registration.without)
    lines = [f"{one['name']} ({one['singular']})\n" for one in registration.missing]
    lines += [f"rights on {one['name']} in projects that are there\n" for one in registration.without]
    diff = {"before": "", "after": "".join(lines)}
    if options["action"] == "registered" and needed and not module.check_mode:
        try:
            registration.store()
            registration.give_rights()
        except (RegisterError, store_xml.StoreError, DatabaseError, OSError, KeyError) as error:
            module.fail_json(msg=f"Not all data types are registered, and XNAT goes on without them. {error}")
    # Who looks has changed nothing, but tells in a dry run what would be.
    module.exit_json(
        changed=needed and (module.check_mode or options["action"] == "registered"), needed=needed, diff=diff
    )


if __name__ == "__main__":
    main()
