#!/usr/bin/python
"""Ansible module: the token for UK Biobank of a project. Documentation and one call."""

DOCUMENTATION = r"""
---
module: xnat_biobank_token
short_description: Give a project on a DPUK node of UK Biobank the token that its images are fetched with
description:
  - For XNAT with the DPUK's module dpuk-biobank, which fetches images with C(ukbfetch) in the name of an application.
  - XNAT says whether a project has a token, and never which. What was sent is written down as a checksum in
    O(record), so the same token is not sent again, and another one is. One that somebody gave on XNAT's own page is
    not seen.
  - The token is never shown.
  - For XNAT 1.6 and later versions alike; the account needs the right to edit the project.
options:
  project:
    description:
      - ID of the project. It must exist, and the account must be allowed to edit it.
    type: str
    required: true
  project_token:
    description:
      - 'What UK Biobank has sent for the application, usually as C(.ukbkey): its number, and in the next line its key
        of 24 digits.'
      - Line ends after it are left out, because the module would take them for a part of the key.
    type: str
  record:
    description:
      - A file on the machine where this module runs. It is made if it is missing, for its owner alone.
    type: path
    required: true
  state:
    description:
      - V(present) gives the project this token; V(absent) takes away whichever it has.
    type: str
    choices:
      - present
      - absent
    default: present
extends_documentation_fragment:
  - xnat
"""

EXAMPLES = r"""
- name: The token of application 1234
  xnat_biobank_token:
    url: https://biobank.example.org
    project: memory
    project_token: "{{ vault_ukb_token_of_memory }}"
    record: /var/lib/dpuk/biobank_tokens.json

- name: A project whose application has ended fetches no more images
  xnat_biobank_token:
    url: https://biobank.example.org
    project: memory
    state: absent
    record: /var/lib/dpuk/biobank_tokens.json
"""

RETURN = r"""
object:
  description: What was asked for.
  returned: success
  type: dict
  contains:
    project:
      description: ID of the project.
      type: str
      sample: memory
    present:
      description: Whether it has a token afterwards.
      type: bool
      sample: true
requests:
  description: How many requests were sent, login and logout included.
  returned: success
  type: int
  sample: 5
"""

from ansible.module_utils.xnat.administration.module import AdministrationModule, biobank_token_options


def main() -> None:
    """Run the module."""
    with AdministrationModule(biobank_token_options(), required_if=[("state", "present", ["project_token"])]) as module:
        module.manage_biobank_token()


if __name__ == "__main__":
    main()
