#!/usr/bin/python
"""Ansible module: the settings of a site of XNAT 1.6. Documentation and one call."""

DOCUMENTATION = r"""
---
module: xnat_legacy_settings
short_description: Set up a site of XNAT 1.6, and keep its settings as they shall be
description:
  - Reads all settings by C(/data/services/settings), compares, sends what differs in one request, and reads again
    whether it was kept. Settings that are not named stay as they are.
  - Names that XNAT does not know are stored as properties of the site. That is how the modules of a DPUK node are set
    up, as in C(datafreeze.remote.script).
  - For administrators, and for XNAT 1.6 only. Later versions have M(xnat_site_config).
options:
  settings:
    description:
      - Settings by the names that XNAT 1.6 has for them, as in C(siteId), C(siteAdminEmail), C(requireLogin).
        C(GET /data/services/settings) lists them all.
      - Texts, numbers and booleans; lists and dictionaries become JSON. C('') makes a setting empty; one without a
        value is refused. A text arrives as it is, lines and special characters included.
      - Settings whose names hold C(password), C(secret) or the like are never shown. Long texts are shown by size and
        checksum.
    type: dict
    default: {}
  initialize:
    description:
      - Whether a site that was never set up is set up. Then O(settings) needs C(siteId), C(siteUrl), C(siteAdminEmail),
        C(archivePath), C(prearchivePath), C(cachePath) and C(buildPath). On a site that is set up it changes nothing.
    type: bool
    default: false
  allow_unknown:
    description:
      - Whether to set a name without a dot that this XNAT does not know and that is much like one that it does know. It
        is taken for a misspelling otherwise.
    type: bool
    default: false
extends_documentation_fragment:
  - xnat
"""

EXAMPLES = r"""
- name: Set up a site, or keep it as it was set up
  xnat_legacy_settings:
    url: https://xnat.example.org
    initialize: true
    settings:
      siteId: DPUK-EXAMPLE
      siteUrl: https://xnat.example.org
      siteAdminEmail: admin@example.org
      requireLogin: true
      archivePath: /data/xnat/archive
      prearchivePath: /data/xnat/prearchive
      cachePath: /data/xnat/cache
      buildPath: /data/xnat/build

- name: Where data freezes go, and what is taken out of their images
  xnat_legacy_settings:
    settings:
      datafreeze.remote.location: https://central.example.org
      datafreeze.remote.script: "{{ lookup('ansible.builtin.file', '/home/you/anon.das', rstrip=false) }}"
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
        siteId: DPUK-EXAMPLE
requests:
  description: How many requests were sent, login and logout included.
  returned: success
  type: int
  sample: 3
"""

from ansible.module_utils.xnat.administration.module import AdministrationModule, legacy_settings_options


def main() -> None:
    """Run the module."""
    with AdministrationModule(legacy_settings_options()) as module:
        module.manage_legacy_settings()


if __name__ == "__main__":
    main()
