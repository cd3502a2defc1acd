#!/usr/bin/python
"""Ansible module: a resource (folder of files) in XNAT. Documentation and one call."""

DOCUMENTATION = r"""
---
module: xnat_resource
short_description: Make or delete a resource (a folder of files) in XNAT
description:
  - Makes a resource of a project, subject, experiment, scan or assessor, or deletes it with its files.
  - XNAT cannot change the format, content or tags of a resource that exists. If one of them is given and differs,
    the module fails and says so; leave it out to take the resource as it is.
  - M(xnat_file) makes the resource itself; this module is for an empty one, or one with labels of its own.
options:
  format:
    description:
      - Format of the files in it, as in V(NIFTI).
    type: str
  content:
    description:
      - What the files are, as in V(T1).
    type: str
  tags:
    description:
      - Tags of the resource.
    type: list
    elements: str
    default: []
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
  - xnat.resource
  - xnat.parents
"""

EXAMPLES = r"""
- name: A resource of a scan
  xnat_resource:
    url: https://xnat.example.org
    project: test1
    subject: sub001
    experiment: sub001_MRI
    scan: "1"
    resource: NIFTI
    format: NIFTI

- name: A resource of the project, deleted with its files
  xnat_resource:
    project: test1
    resource: protocols
    state: absent
"""

RETURN = r"""
object:
  description: The resource, as XNAT has it afterwards.
  returned: success
  type: dict
  sample:
    kind: resource
    label: NIFTI
    id: '4'
    uri: /data/experiments/XNAT_E00001/scans/1/resources/4
    format: NIFTI
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

from ansible.module_utils.xnat.module import XnatModule, resource_options


def main() -> None:
    """Run the module."""
    with XnatModule(resource_options(files=False)) as module:
        module.manage_resource()


if __name__ == "__main__":
    main()
