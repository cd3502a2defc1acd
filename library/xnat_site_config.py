#!/usr/bin/python
"""Ansible module: the settings of a site. Documentation and one call."""

DOCUMENTATION = r"""
---
module: xnat_site_config
short_description: Set up a site of XNAT, and keep its settings as they shall be
description:
  - Reads all settings, compares them with those given as XNAT understands them (it keeps C(20) and C(true) as text,
    C(60 minutes) is C(1 hour)), sends what differs in one request, and reads again whether it was kept.
  - Settings that are not named stay as they are.
  - A site that was never set up is set up by C(initialized) C(true) in O(settings). On such a site XNAT itself takes
    the address that it is called by for C(siteUrl) when it is read for the first time, so give C(siteUrl), too.
  - For administrators, and for XNAT 1.7 and later.
options:
  settings:
    description:
      - Settings of the site by XNAT's own names, as in C(siteId), C(adminEmail), C(requireLogin).
        C(GET /xapi/siteConfig) lists them all.
      - Texts, numbers, booleans, lists and dictionaries. C('') makes a setting empty; one without a value is refused,
        for XNAT would fail in the middle of the others.
      - Settings whose names hold C(password), C(secret) or the like are never shown.
    type: dict
    default: {}
  notifications:
    description:
      - What mail XNAT sends, and by which server, by XNAT's own names, as in C(smtpHostname), C(smtpPort),
        C(smtpEnabled), C(emailPrefix), C(emailRecipientErrorMessages). C(GET /xapi/notifications) lists them all.
    type: dict
    default: {}
  allow_unknown:
    description:
      - Whether to set names that this XNAT does not know. It keeps any name, so a misspelt one would be without effect
        for ever; plugins that are not loaded yet are a reason to allow it.
    type: bool
    default: false
extends_documentation_fragment:
  - xnat
"""

EXAMPLES = r"""
- name: Settings of the site
  xnat_site_config:
    url: https://xnat.example.org
    settings:
      siteId: DPUK_EXAMPLE
      siteUrl: https://xnat.example.org
      adminEmail: admin@example.org
      requireLogin: true
      sessionTimeout: 30 minutes
      initialized: true

- name: Mail leaves by the relay on XNAT's own host
  xnat_site_config:
    notifications:
      smtpEnabled: true
      smtpHostname: localhost
      smtpPort: 25
"""

RETURN = r"""
object:
  description: What was asked for, as the site has it afterwards. Secrets are not shown.
  returned: success
  type: dict
  contains:
    settings:
      description: The named settings.
      type: dict
      sample:
        siteId: DPUK_EXAMPLE
    notifications:
      description: The named notifications.
      type: dict
      sample:
        smtpPort: "25"
requests:
  description: How many requests were sent, login and logout included.
  returned: success
  type: int
  sample: 3
"""

from ansible.module_utils.xnat.administration.module import AdministrationModule, settings_options


def main() -> None:
    """Run the module."""
    with AdministrationModule(settings_options()) as module:
        module.manage_settings()


if __name__ == "__main__":
    main()
