#!/usr/bin/python
"""Ansible module: an experiment (session) in XNAT. Documentation and one call."""

DOCUMENTATION = r"""
---
module: xnat_experiment
short_description: Make, change or delete an experiment (imaging session or assessment) in XNAT
description:
  - Makes an experiment of any data type with its attributes and custom variables, changes what differs, or deletes
    it.
  - The assessments of the DPUK (V(dpuk:dpukAssessmentData), V(dpuk:dpukRiskFactorAssessmentData)) have their fields
    checked before anything is sent, and take these by name in O(fields). See docs/assessments.md.
  - Labels of experiments are unique in a project. One that exists under another subject is refused, because XNAT
    would move it.
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
      - 'Label (or ID) of the experiment, which most people call the session. Letters, digits, C(_) and C(-) only:
        XNAT cannot keep anything else in a label.'
    type: str
    required: true
    aliases:
      - session
  xsi_type:
    description:
      - Data type, as in V(xnat:petSessionData) or V(dpuk:dpukAssessmentData). It must be installed on the server.
      - A new experiment is a V(xnat:mrSessionData) if nothing is given. The type of an existing one cannot be
        changed; a different one is refused.
    type: str
  date:
    description:
      - Date, C(YYYY-MM-DD).
    type: str
  time:
    description:
      - Time, C(HH:MM:SS).
    type: str
  note:
    description:
      - Note.
    type: str
  visit_id:
    description:
      - Visit that it belongs to.
    type: str
  scanner:
    description:
      - Scanner (imaging sessions).
    type: str
  operator:
    description:
      - Operator (imaging sessions).
    type: str
  modality:
    description:
      - Modality (imaging sessions).
    type: str
  state:
    description:
      - V(present) makes the object and sets what is given; V(absent) deletes it with its scans and files.
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
- name: An MR session; project and subject are made if they are missing
  xnat_experiment:
    url: https://xnat.example.org
    project: test1
    subject: sub001
    session: sub001_MRI
    date: "2024-05-01"

- name: An assessment of the DPUK, its fields by name
  xnat_experiment:
    project: test1
    subject: sub001
    experiment: sub001_DPUK
    xsi_type: dpuk:dpukAssessmentData
    date: "2024-05-01"
    fields:
      MMSE: 28
      CDR: 0.5
      DIAGNOSIS_MCI: true
"""

RETURN = r"""
object:
  description: The experiment, as XNAT has it afterwards. In check mode, a new one has no C(id) and C(uri).
  returned: success
  type: dict
  contains:
    kind:
      description: What it is.
      type: str
      sample: experiment
    id:
      description: ID in XNAT's database.
      type: str
      sample: XNAT_E00001
    label:
      description: Label.
      type: str
      sample: sub001_MRI
    uri:
      description: Address on the server.
      type: str
      sample: /data/experiments/XNAT_E00001
    xsi_type:
      description: Data type.
      type: str
      sample: xnat:mrSessionData
    fields:
      description: All values of the object by XNAT path.
      type: dict
      sample:
        date: '2024-05-01'
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
    with XnatModule(object_options("experiment")) as module:
        module.manage_object("experiment")


if __name__ == "__main__":
    main()
