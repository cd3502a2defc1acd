#!/usr/bin/python
"""Ansible module: a subject in XNAT. Documentation and one call."""

DOCUMENTATION = r"""
---
module: xnat_subject
short_description: Make, change or delete a subject in XNAT
description:
  - Makes a subject with its demographics and custom variables, changes what differs, or deletes it.
options:
  project:
    description:
      - ID of the project.
    type: str
    required: true
  subject:
    description:
      - 'Label (or ID) of the subject. Letters, digits, C(_) and C(-) only: XNAT cannot keep anything else in
        a label.'
    type: str
    required: true
  group:
    description:
      - Group that the subject is in.
    type: str
  src:
    description:
      - Where the subject comes from.
    type: str
  gender:
    description:
      - 'Gender: V(male), V(female), V(other) or V(unknown).'
    type: str
  handedness:
    description:
      - 'Handedness: V(right), V(left), V(ambidextrous) or V(unknown).'
    type: str
  dob:
    description:
      - 'Date of birth, C(YYYY-MM-DD). Prefer O(yob): a full date of birth identifies people.'
    type: str
  yob:
    description:
      - Year of birth.
    type: int
  age:
    description:
      - Age in years.
    type: int
  ses:
    description:
      - Socio-economic status.
    type: str
  education:
    description:
      - Education in years.
    type: int
  race:
    description:
      - Race.
    type: str
  ethnicity:
    description:
      - Ethnicity.
    type: str
  weight:
    description:
      - Weight in pounds, as XNAT's schema has it.
    type: str
  height:
    description:
      - Height in inches, as XNAT's schema has it.
    type: str
  state:
    description:
      - V(present) makes the object and sets what is given; V(absent) deletes it with its experiments and files.
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
- name: A subject with demographics and a custom variable
  xnat_subject:
    url: https://xnat.example.org
    project: test1
    subject: sub001
    gender: female
    yob: 1950
    fields:
      cohort: A

- name: Delete it with its experiments
  xnat_subject:
    project: test1
    subject: sub001
    state: absent
"""

RETURN = r"""
object:
  description: The subject, as XNAT has it afterwards. In check mode, a new one has no C(id) and C(uri).
  returned: success
  type: dict
  contains:
    kind:
      description: What it is.
      type: str
      sample: subject
    id:
      description: ID in XNAT's database.
      type: str
      sample: XNAT_S00001
    label:
      description: Label.
      type: str
      sample: sub001
    uri:
      description: Address on the server.
      type: str
      sample: /data/subjects/XNAT_S00001
    xsi_type:
      description: Data type.
      type: str
      sample: xnat:subjectData
    fields:
      description: All values of the object by XNAT path.
      type: dict
      sample:
        demographics/yob: 1950
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
    with XnatModule(object_options("subject")) as module:
        module.manage_object("subject")


if __name__ == "__main__":
    main()
