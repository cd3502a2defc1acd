#!/usr/bin/python
"""Ansible module: a DICOM receiver of XNAT. Documentation and one call."""

DOCUMENTATION = r"""
---
module: xnat_dicom_receiver
short_description: Make, change or delete a DICOM receiver of XNAT
description:
  - Makes a receiver with its AE title and port, changes what differs, or deletes it.
  - Receivers listen only while the site setting C(enableDicomReceiver) is on, and on all addresses of the host.
  - For administrators, and for XNAT 1.7 and later.
options:
  ae_title:
    description:
      - AE title. 1 to 16 plain characters. Together with O(port) it says which receiver is meant.
    type: str
    required: true
  port:
    description:
      - Port that XNAT listens on, from 1024. Several receivers may share one.
    type: int
    default: 8104
  enabled:
    description:
      - Whether it takes images. A new one does.
    type: bool
  identifier:
    description:
      - What finds project, subject and session in an image. V(dicomObjectIdentifier), XNAT's own, for a new receiver.
    type: str
  file_namer:
    description:
      - What names the files; XNAT's own if empty.
    type: str
  custom_processing:
    description:
      - Whether processors that plugins bring are applied.
    type: bool
  direct_archive:
    description:
      - Whether images go to the archive past the prearchive.
    type: bool
  anonymization_enabled:
    description:
      - Whether the site's anonymization script is applied.
    type: bool
  whitelist_enabled:
    description:
      - Whether only those of O(whitelist) may send.
    type: bool
  whitelist:
    description:
      - Senders, each as an AE title, an IP address or network, or C(AE@ADDRESS).
    type: list
    elements: str
  routing_expressions_enabled:
    description:
      - Whether the three routing expressions count.
    type: bool
  project_routing_expression:
    description:
      - Where the project is found in an image.
    type: str
  subject_routing_expression:
    description:
      - Where the subject is found in an image.
    type: str
  session_routing_expression:
    description:
      - Where the session is found in an image.
    type: str
  exclusive:
    description:
      - Whether all other receivers are deleted. XNAT comes with one, C(XNAT) on port 8104.
    type: bool
    default: false
  state:
    description:
      - V(present) makes the receiver and sets what is given; V(absent) deletes it.
    type: str
    choices:
      - present
      - absent
    default: present
extends_documentation_fragment:
  - xnat
"""

EXAMPLES = r"""
- name: The only receiver
  xnat_dicom_receiver:
    url: https://xnat.example.org
    ae_title: DPUK
    port: 8104
    exclusive: true

- name: The one that XNAT comes with goes
  xnat_dicom_receiver:
    ae_title: XNAT
    state: absent
"""

RETURN = r"""
object:
  description: The receiver, as XNAT has it afterwards. In check mode, a new one has no C(id).
  returned: success
  type: dict
  sample:
    id: 1
    aeTitle: DPUK
    port: 8104
    enabled: true
    identifier: dicomObjectIdentifier
requests:
  description: How many requests were sent, login and logout included.
  returned: success
  type: int
  sample: 4
"""

from ansible.module_utils.xnat.administration.module import AdministrationModule, receiver_options


def main() -> None:
    """Run the module."""
    with AdministrationModule(receiver_options()) as module:
        module.manage_receiver()


if __name__ == "__main__":
    main()
