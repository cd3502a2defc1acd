#!/usr/bin/python
"""Ansible module: an account of XNAT. Documentation and one call."""

DOCUMENTATION = r"""
---
module: xnat_user
short_description: Make or change an account of XNAT
description:
  - Makes an account, changes what differs, enables or disables it, and gives it roles and groups.
  - XNAT never deletes an account. O(enabled) C(false) is the end of one.
  - Never takes the rights of, or shuts, the last administrator who can log in.
  - For administrators, and for XNAT 1.7 and later.
options:
  name:
    description:
      - Name that the user logs in with. A letter, then letters, digits and C(_ ' . -).
      - It has nothing to do with O(username), the account that this module uses.
    type: str
    required: true
  first_name:
    description:
      - First name. A new account needs one.
    type: str
  last_name:
    description:
      - Last name. A new account needs one.
    type: str
  email:
    description:
      - Mail address. A new account needs one.
    type: str
  user_password:
    description:
      - Password of the account. Without it a new account gets a random one that nobody knows.
      - XNAT shows no password, so the module tries to log in with it, and sets it if that fails. Each try that fails
        counts for C(maxFailedLogins), also in check mode.
      - The password of an account that is disabled or not verified is left alone until it is opened again.
    type: str
  update_password:
    description:
      - V(always) sets O(user_password) wherever it is another one; V(on_create) only in a new account.
    type: str
    choices:
      - always
      - on_create
    default: always
  enabled:
    description:
      - Whether the user may log in. A new account is enabled.
    type: bool
  verified:
    description:
      - Whether the mail address counts as verified; who is not cannot log in. A new account is verified.
    type: bool
  roles:
    description:
      - Roles about the site. C(Administrator) may do everything; the password of C(non_expiring) never expires.
    type: list
    elements: str
  groups:
    description:
      - Groups about data, as in C(ALL_DATA_ADMIN), C(ALL_DATA_ACCESS), or C(PROJECT_owner), C(PROJECT_member),
        C(PROJECT_collaborator) of a project.
    type: list
    elements: str
  append:
    description:
      - Whether roles and groups that are not listed are kept. With C(false), the account has exactly those of O(roles)
        and O(groups), as far as these are given.
    type: bool
    default: true
extends_documentation_fragment:
  - xnat
"""

EXAMPLES = r"""
- name: An account for the people who upload
  xnat_user:
    url: https://xnat.example.org
    name: uploader
    first_name: Up
    last_name: Loader
    email: uploader@example.org
    user_password: "{{ vault_uploader_password }}"
    groups: [study1_member]

- name: Nobody uses the site without a login
  xnat_user:
    name: guest
    enabled: false
"""

RETURN = r"""
object:
  description: The account, as XNAT has it afterwards.
  returned: success
  type: dict
  sample:
    username: uploader
    firstName: Up
    lastName: Loader
    email: uploader@example.org
    enabled: true
    verified: true
    roles: []
    groups:
      - study1_member
requests:
  description: How many requests were sent, login and logout included.
  returned: success
  type: int
  sample: 5
"""

from ansible.module_utils.xnat.administration.module import AdministrationModule, user_options


def main() -> None:
    """Run the module."""
    with AdministrationModule(user_options()) as module:
        module.manage_user()


if __name__ == "__main__":
    main()
