#!/usr/bin/python
"""Ansible module: a project in XNAT. Documentation and one call."""

DOCUMENTATION = r"""
---
module: xnat_project
short_description: Make, change or delete a project in XNAT
description:
  - Makes a project with its attributes and custom variables, changes what differs, or deletes it.
  - Refuses an ID or name that another project already uses in any case, and an alias in place of an ID.
  - XNAT 1.7 and later never give out the ID of a deleted project again.
options:
  project:
    description:
      - 'ID of the project. Letters, digits, C(_) and C(-) only: XNAT cannot keep anything else in a label.'
    type: str
    required: true
  name:
    description:
      - Full name. XNAT takes the ID if a new project has none.
    type: str
  secondary_id:
    description:
      - Short title shown in lists. XNAT takes the ID if a new project has none.
    type: str
  description:
    description:
      - What the project is about.
    type: str
  keywords:
    description:
      - Words to find it by.
    type: str
  pi_firstname:
    description:
      - First name of the principal investigator. XNAT takes a new project with both names or with none.
    type: str
  pi_lastname:
    description:
      - Last name of the principal investigator.
    type: str
  accessibility:
    description:
      - 'Who may see it: V(private) only its members; V(protected) every account sees that it exists; V(public)
        all may read.'
      - XNAT makes a new project V(protected) if nothing is given.
    type: str
    choices:
      - private
      - protected
      - public
  state:
    description:
      - V(present) makes the object and sets what is given; V(absent) deletes it with all that is in it.
    type: str
    choices:
      - present
      - absent
    default: present
extends_documentation_fragment:
  - xnat
  - xnat.fields
"""

EXAMPLES = r"""
- name: The project of the study
  xnat_project:
    url: https://xnat.example.org
    project: test1
    name: First test
    pi_firstname: Apirana
    pi_lastname: Ngata
    accessibility: private

- name: Set a custom variable and a value without an option of its own
  xnat_project:
    project: test1
    fields:
      funder: MRC
      xnat:projectData/type: pilot

- name: Delete it with all its data
  xnat_project:
    project: test1
    state: absent
"""

RETURN = r"""
object:
  description: The project, as XNAT has it afterwards. In check mode, a new one has no C(id) and C(uri).
  returned: success
  type: dict
  contains:
    kind:
      description: What it is.
      type: str
      sample: project
    id:
      description: ID in XNAT's database.
      type: str
      sample: test1
    label:
      description: Label.
      type: str
      sample: test1
    uri:
      description: Address on the server.
      type: str
      sample: /data/projects/test1
    xsi_type:
      description: Data type.
      type: str
      sample: xnat:projectData
    fields:
      description: All values of the object by XNAT path.
      type: dict
      sample:
        name: First test
requests:
  description: How many requests were sent, login and logout included.
  returned: success
  type: int
  sample: 5
"""

from ansible.module_utils.xnat.module import XnatModule, object_options


def main() -> None:
    """Run the module."""
    with XnatModule(object_options("project")) as module:
        module.manage_object("project")


if __name__ == "__main__":
    main()
