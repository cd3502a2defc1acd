#!/usr/bin/python
"""Ansible module: what a study on a host consists of. Documentation and one call; sends nothing."""

DOCUMENTATION = r"""
---
module: study_info
short_description: Look at a study on a host, and send nothing
description:
  - Reads a study as M(xnat_upload) does, and returns its subjects with sessions, files and bytes. It needs no XNAT
    and opens no image.
  - Several hosts that have parts of a study, or copies of it, can share an upload; see the filter C(share_subjects) in
    C(filter_plugins/xnat_study.py) and how C(playbooks/upload_study.yml) uses it.
extends_documentation_fragment:
  - xnat.study
attributes:
  check_mode:
    description: Is the same, for nothing is ever changed.
    support: full
  diff_mode:
    description: There are no changes to show.
    support: none
requirements:
  - bidsschematools (Python library) for O(bids), openpyxl for tables of Excel
author:
  - dpuk-node
"""

EXAMPLES = r"""
- name: What is in a BIDS dataset
  study_info:
    project: camcan
    bids: /data/camcan
  register: found

- name: The five largest subjects
  ansible.builtin.debug:
    msg: "{{ (found.subjects | sort(attribute='bytes'))[-5:] }}"

- name: What a template makes of the paths in a folder
  study_info:
    project: test1
    root: /data/study
    pattern: "{subject}/{session}/{scan}_{scan_type}.nii.gz"
"""

RETURN = r"""
subjects:
  description: The subjects in order of label.
  returned: success
  type: list
  elements: dict
  contains:
    subject:
      description: Label of the subject.
      type: str
      sample: CC110033
    sessions:
      description: Labels of its sessions.
      type: list
      elements: str
      sample:
        - CC110033_MR1
    resources:
      description: How many files are in each of its resources, by session, scan and name of the resource.
      type: dict
      sample:
        CC110033_MR1/1/NIFTI: 2
    files:
      description: How many files belong to it.
      type: int
      sample: 8
    bytes:
      description: Their size in bytes.
      type: int
      sample: 73400320
project_resources:
  description: The same for files that belong to no subject, as the tables of a BIDS dataset do.
  returned: success
  type: dict
  sample:
    BIDS: 2
totals:
  description:
    - Numbers of subjects, sessions and files, and the size of all files in bytes.
    - C(project_files) of the files belong to no subject.
  returned: success
  type: dict
  sample:
    subjects: 1
    sessions: 1
    files: 10
    project_files: 2
    bytes: 73401000
remarks:
  description: What the source has and the study has not, or the other way round, with the reason.
  returned: success
  type: list
  elements: dict
  sample:
    - about: derivatives
      reason: derivatives are left out
python:
  description: The Python that the module ran with.
  returned: success
  type: str
  sample: /usr/bin/python3
missing_packages:
  description: Packages that this Python lacks for uploading this study; C(pillow) matters only with preview images.
  returned: success
  type: list
  elements: str
  sample:
    - nibabel
"""

from ansible.module_utils.xnat.study.module import StudyModule, source_options


def main() -> None:
    """Run the module."""
    with StudyModule(source_options()) as module:
        module.look_at_study()


if __name__ == "__main__":
    main()
