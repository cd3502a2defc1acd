#!/usr/bin/python
"""Ansible module: a scan of an imaging session in XNAT. Documentation and one call."""

DOCUMENTATION = r"""
---
module: xnat_scan
short_description: Make, change or delete a scan in XNAT
description:
  - Makes a scan (one sequence of an imaging session) with its attributes and parameters, changes what differs,
    or deletes it.
  - A scan that exists with another data type is refused before anything is written.
options:
  project:
    description:
      - ID of the project.
    type: str
    required: true
  subject:
    description:
      - Label (or ID) of the subject.
    type: str
    required: true
  experiment:
    description:
      - Label (or ID) of the experiment, which most people call the session.
    type: str
    required: true
    aliases:
      - session
  scan:
    description:
      - 'ID of the scan in the experiment. Quote it (C("1")). Letters, digits, C(_) and C(-) only: XNAT cannot
        keep anything else in a label.'
    type: str
    required: true
  xsi_type:
    description:
      - Data type, as in V(xnat:ctScanData).
      - A new scan takes the type that goes with its session (V(xnat:petSessionData) gives V(xnat:petScanData)),
        V(xnat:mrScanData) if nothing else says otherwise; a session made on the way takes the one that goes with
        its scan.
    type: str
  type:
    description:
      - Type of sequence, as in V(T1).
    type: str
  series_description:
    description:
      - Description of the series.
    type: str
  quality:
    description:
      - 'Quality: V(usable), V(questionable) or V(unusable).'
    type: str
  note:
    description:
      - Note.
    type: str
  condition:
    description:
      - Condition.
    type: str
  frames:
    description:
      - Number of frames or slices.
    type: int
  uid:
    description:
      - DICOM series instance UID.
    type: str
  modality:
    description:
      - Modality.
    type: str
  state:
    description:
      - V(present) makes the object and sets what is given; V(absent) deletes it with its files.
    type: str
    choices:
      - present
      - absent
    default: present
extends_documentation_fragment:
  - xnat
  - xnat.fields
  - xnat.parents
"""

EXAMPLES = r"""
- name: A T1 scan; project, subject and session are made if they are missing
  xnat_scan:
    url: https://xnat.example.org
    project: test1
    subject: sub001
    experiment: sub001_MRI
    scan: "1"
    type: T1
    quality: usable
    fields:
      xnat:mrScanData/parameters/tr: 2.3

- name: Delete it with its files
  xnat_scan:
    project: test1
    subject: sub001
    experiment: sub001_MRI
    scan: "1"
    state: absent
"""

RETURN = r"""
object:
  description: The scan, as XNAT has it afterwards. In check mode, a new one has no C(id) and C(uri).
  returned: success
  type: dict
  contains:
    kind:
      description: What it is.
      type: str
      sample: scan
    id:
      description: ID in XNAT's database.
      type: str
      sample: '1'
    label:
      description: Label.
      type: str
      sample: '1'
    uri:
      description: Address on the server.
      type: str
      sample: /data/experiments/XNAT_E00001/scans/1
    xsi_type:
      description: Data type.
      type: str
      sample: xnat:mrScanData
    fields:
      description: All values of the object by XNAT path.
      type: dict
      sample:
        type: T1
        quality: usable
created_parents:
  description: What had to be made above, from the top.
  returned: success
  type: list
  elements: str
  sample:
    - project test1
    - subject sub001 of project test1
requests:
  description: How many requests were sent, login and logout included.
  returned: success
  type: int
  sample: 5
"""

from ansible.module_utils.xnat.module import XnatModule, object_options


def main() -> None:
    """Run the module."""
    with XnatModule(object_options("scan")) as module:
        module.manage_object("scan")


if __name__ == "__main__":
    main()
