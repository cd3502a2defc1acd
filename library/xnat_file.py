#!/usr/bin/python
"""Ansible module: files in an XNAT resource. Documentation and one call."""

DOCUMENTATION = r"""
---
module: xnat_file
short_description: Send files to a resource in XNAT and verify that they are there, or delete one
description:
  - Sends one file, a list, the contents of a folder, or what a pattern matches. A file that is there already
    is compared by size and MD5 and sent again only if it differs.
  - XNAT answers 200 also when it threw the file away. Therefore every file is looked up afterwards; the module
    succeeds only if each is listed with the size and MD5 that were sent.
  - Files are streamed, small ones together in one request, large ones each in its own. Two writers to the same
    resource disturb each other in XNAT; send to one resource from one place at a time.
  - File names may hold letters, digits, space and V(._-+(\),=@~). XNAT would store others under another name.
options:
  src:
    description:
      - 'Files to send, on the machine where the module runs: a file, a list of files, a folder, or a pattern
        such as V(scans/*.nii.gz).'
      - The contents of a folder keep their paths below it. What a pattern matches keeps its path below the first
        part with a wildcard; C(**) is any depth. Hidden files count in a folder; a pattern matches them only where
        it says so, as in V(scans/.*).
      - A relative path starts in the folder that the module runs in; on C(localhost) that is the folder of the
        playbook.
      - Required with O(state=present).
    type: list
    elements: path
  dest:
    description:
      - Name in the resource. Without it, files keep their names.
      - Ending in C(/), it is the folder in the resource that all files go to; otherwise it names the one file
        that O(src) must then be.
      - With O(state=absent), the one file to delete; required then.
    type: str
  extract:
    description:
      - Whether O(src) are archives, V(.zip), V(.tar), V(.tar.gz) or V(.tgz), and what is in them is meant. Each member
        is planned, compared, sent and proven like a file of its own, under its path in its archive; O(dest) can put a
        folder before it. In results its path is C(ARCHIVE:MEMBER).
      - Nothing is unpacked to the disk. Each archive is read once to its end before anything is sent, so an archive
        that is damaged, encrypted, or has a link or a path that leads out of it is refused as a whole.
      - Without it, an archive is a file and stored as it is.
    type: bool
    default: false
  allow_empty:
    description:
      - Whether to send files of 0 bytes. They are refused otherwise, for among images such a file is what a full disk
        or a copy that was cut short has left behind.
    type: bool
    default: false
  overwrite:
    description:
      - What to do with a file that is there already.
      - V(different) replaces it if size or MD5 (or a label given here) differ; V(never) keeps it whatever it
        holds; V(always) sends it in every run; V(fail) stops before anything is sent if it is there with other
        content.
    type: str
    choices:
      - different
      - never
      - always
      - fail
    default: different
  format:
    description:
      - Format that files are marked with when they are sent, as in V(NIFTI). A new resource gets it, too.
    type: str
  content:
    description:
      - Content that files are marked with when they are sent, as in V(T1). A new resource gets it, too.
    type: str
  tags:
    description:
      - Tags that files get when they are sent. A new resource gets them, too. XNAT only ever adds tags to a file.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(present) sends what is not there; V(absent) deletes one file, and never another whose name begins with
        its name.
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
- name: One image into a scan; everything above it is made if it is missing
  xnat_file:
    url: https://xnat.example.org
    project: test1
    subject: sub001
    experiment: sub001_MRI
    scan: "1"
    resource: NIFTI
    format: NIFTI
    src: T1.nii.gz

- name: All images of a folder, into a folder of the resource, never replacing what is there
  xnat_file:
    project: test1
    subject: sub001
    experiment: sub001_MRI
    resource: derived
    src: /data/sub001/*.nii.gz
    dest: run1/
    overwrite: never

- name: What is in two archives, without unpacking them; a second run sends only the members that differ
  xnat_file:
    project: test1
    subject: sub001
    experiment: sub001_MRI
    resource: raw
    src:
      - /data/sub001/anat.zip
      - /data/sub001/func.tar.gz
    dest: import1/
    extract: true

- name: Delete one file
  xnat_file:
    project: test1
    subject: sub001
    experiment: sub001_MRI
    scan: "1"
    resource: NIFTI
    dest: T1.nii.gz
    state: absent
"""

RETURN = r"""
files:
  description: One entry for each file, in order of name. After a failure, only those that are proven to be there.
  returned: always, unless the failure came before the plan
  type: list
  elements: dict
  contains:
    name:
      description: Path in the resource.
      type: str
      sample: T1.nii.gz
    path:
      description: Path on this machine; of a member of an archive, C(ARCHIVE:MEMBER).
      type: str
      sample: /data/sub001/T1.nii.gz
    size:
      description: Size in bytes.
      type: int
      sample: 9437184
    digest:
      description: MD5 as the server states it. None in check mode for a file that is not there.
      type: str
      sample: 5d41402abc4b2a76b9719d911017c592
    uri:
      description: Address on the server.
      type: str
      sample: /data/experiments/XNAT_E00001/scans/1/resources/4/files/T1.nii.gz
    action:
      description: What was done.
      type: str
      sample: created
      choices:
        - created
        - replaced
        - unchanged
        - deleted
    reason:
      description: Why.
      type: str
      sample: not there yet
not_done:
  description: Names of the files that are not proven to be there.
  returned: on failure after the plan was made
  type: list
  elements: str
  sample:
    - T2.nii.gz
object:
  description: The resource, as XNAT has it afterwards.
  returned: success
  type: dict
  sample:
    kind: resource
    label: NIFTI
    uri: /data/experiments/XNAT_E00001/scans/1/resources/NIFTI
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
    with XnatModule(resource_options(files=True)) as module:
        module.manage_files()


if __name__ == "__main__":
    main()
