#!/usr/bin/python
"""Ansible module: facts about a site of XNAT. Documentation and one call; changes nothing."""

DOCUMENTATION = r"""
---
module: xnat_info
short_description: Look at a site of XNAT, and change nothing
description:
  - Returns its version, whether it is up and since when, its plugins and data types, and what the account may do.
  - Version, site ID and address are open to everybody; the rest needs an account.
  - For all versions. XNAT 1.6 has no list of plugins and no roles to ask for, and tells its ID only to administrators.
options:
  need_login:
    description:
      - Whether it is an error if the site cannot be reached or does not take the account. With C(false), RV(object)
        has what could be found without, and the reason in C(problem).
    type: bool
    default: true
extends_documentation_fragment:
  - xnat
attributes:
  check_mode:
    description: Is the same, for nothing is ever changed.
    support: full
  diff_mode:
    description: There are no changes to show.
    support: none
"""

EXAMPLES = r"""
- name: Which version is it
  xnat_info:
    url: https://xnat.example.org
    need_login: false
  register: site

- name: Insist on a plugin
  xnat_info:
    url: https://xnat.example.org
  register: site
  failed_when: "'containers' not in site.object.plugins"
"""

RETURN = r"""
object:
  description: What is known of the site.
  returned: success
  type: dict
  contains:
    reachable:
      description: Whether an XNAT answered.
      type: bool
      sample: true
    version:
      description: Its version.
      type: str
      sample: 1.10.1
    build:
      description: What it says of its build.
      type: dict
      sample:
        version: 1.10.1
    site_id:
      description: ID of the site.
      type: str
      sample: DPUK_EXAMPLE
    site_url:
      description: Address that the site gives for itself.
      type: str
      sample: https://xnat.example.org
    initialized:
      description: Whether the site is set up; null without a login.
      type: bool
      sample: true
    uptime:
      description: How long it has been up, in units that are texts.
      type: dict
      sample:
        seconds: "4.5"
    plugins:
      description: Loaded plugins by ID.
      type: dict
      sample: {}
    data_types:
      description: Names of the data types that are set up.
      type: list
      elements: str
      sample:
        - xnat:mrSessionData
    account:
      description: The account that asked, with its roles and groups; null without a login.
      type: dict
      sample:
        username: admin
        administrator: true
        roles:
          - Administrator
        groups: []
    refused:
      description: Whether the site refuses the name and the password.
      type: bool
      sample: false
    problem:
      description: Why the site could not be reached or did not take the account; null if all is well.
      type: str
      sample: null
requests:
  description: How many requests were sent, login and logout included.
  returned: success
  type: int
  sample: 10
"""

from ansible.module_utils.xnat.administration.module import AdministrationModule, info_options


def main() -> None:
    """Run the module."""
    with AdministrationModule(info_options()) as module:
        module.look_at_site()


if __name__ == "__main__":
    main()
