#!/usr/bin/python
"""Ansible module: a whole study into XNAT in one task. Documentation and one call."""

DOCUMENTATION = r"""
---
module: xnat_upload
short_description: Put a whole study into XNAT
description:
  - Takes a BIDS dataset, bulk files of UK Biobank, a table of paths, or any folder whose paths say what is what, and
    makes the project hold it. Subjects, sessions and scans that are missing are made, with their attributes; files
    are sent in parallel, and proven to have arrived by size and MD5.
  - Everything is read and planned before anything is sent. Check mode shows exactly what a run would do.
  - What is there already is not sent again. A run that was stopped, even killed, is finished by running it again.
  - Needs C(requests) where it runs; C(nibabel) for headers of NIFTI images and for O(snapshots), C(pillow) for
    O(snapshots), C(openpyxl) for tables of Excel, C(bidsschematools) for O(bids).
  - C(playbooks/upload_niftis.yml) takes the same options in its variable C(study). C(docs/studies.md) explains it with
    an example for each source, what becomes an attribute, and what is looked at for personal data.
extends_documentation_fragment:
  - xnat
  - xnat.study
options:
  overwrite:
    description:
      - What to do with a file that is there already.
      - V(different) replaces it if size or MD5 (or a label such as its format) differ; V(never) keeps it whatever it
        holds; V(always) sends it in every run; V(fail) stops before anything is sent if it is there with other
        content.
    type: str
    choices:
      - different
      - never
      - always
      - fail
    default: different
  compare:
    description:
      - V(checksum) compares size and MD5; V(size) the size alone, which is faster and does not notice a changed file
        of the same length. What is sent is proven by MD5 in both cases.
    type: str
    choices:
      - checksum
      - size
    default: checksum
  digest_policy:
    description:
      - What to do where XNAT lists no MD5, which is so while its site setting I(checksums) is off.
      - V(download) reads the file back and computes it; V(refresh) has XNAT compute it, for which the account must be
        allowed to edit (check mode then reads back, since it changes nothing); V(size) is content with the size, and
        the report says so; V(fail) stops.
    type: str
    choices:
      - refresh
      - size
      - download
      - fail
    default: download
  mirror:
    description:
      - Whether to delete files that are in the resources which the study fills, and not in the study. Nothing is
        deleted after any error, and never before everything else is done. Other resources, scans, sessions and
        subjects are left alone.
    type: bool
    default: false
  max_delete:
    description:
      - The most files that O(mirror=true) may delete. If there are more, nothing at all is done.
    type: int
    default: 50
  phi:
    description:
      - What to do if the header of an image, a JSON file or a text table looks as if it held what identifies a person.
        Voxels (faces), names of files, DICOM and other kinds of files are not looked at.
      - V(refuse) stops with a list before anything is sent; V(strip) sends copies without it; V(keep) sends it as it
        is.
    type: str
    choices:
      - refuse
      - strip
      - keep
    default: refuse
  snapshots:
    description:
      - Whether to make preview images for scans with NIFTI images, as XNAT does for DICOM alone. They go into the
        resource C(SNAPSHOTS) of the scan, and are made anew when the image changed; those of the former image are
        then deleted. Pictures that something else has put there stay.
    type: bool
    default: false
  workers:
    description:
      - How many requests are under way at the same time, 1 to 16. There is never more than one for a resource.
    type: int
    default: 8
  batch:
    description:
      - For how many sessions the files are listed in one request, 1 to 500.
    type: int
    default: 50
  max_failures:
    description:
      - After so many failed resources or sessions, no further one is begun.
    type: int
    default: 5
  report:
    description:
      - File on the host where the module runs that gets one row for each file, also after a failure. It must end in
        C(.csv), C(.tsv) or C(.json). A table can be given to O(manifest) again. Not written in check mode.
    type: path
"""

EXAMPLES = r"""
- name: A BIDS dataset, with preview images and a report
  xnat_upload:
    url: https://xnat.example.org
    project: camcan
    bids: /data/camcan
    snapshots: true
    report: camcan.csv

- name: Bulk files of UK Biobank, images streamed out of the zips
  xnat_upload:
    project: ukb
    biobank: /data/ukb/bulk
    biobank_options:
      table: /data/ukb/participants.tsv

- name: A spreadsheet of paths
  xnat_upload:
    project: test1
    manifest: images.xlsx
    root: /data/images

- name: Any folder, by a template of its paths
  xnat_upload:
    project: test1
    root: /data/study
    pattern: "{subject}/{scan}_{scan_type}.nii.gz"
    defaults:
      session: "{subject}_MR1"

- name: Assessments of many subjects, one row each with subject, date, MMSE, CDR and so on
  xnat_upload:
    project: test1
    manifest: assessments.csv
    defaults:
      session: "{subject}_DPUK"

- name: Two subjects, without what personal data there may be, and delete what is no longer in the dataset
  xnat_upload:
    project: memory
    bids: /data/memory
    subjects: ["01", "02"]
    phi: strip
    mirror: true
    max_delete: 10
"""

RETURN = r"""
files:
  description: One entry for each file, in order of place and name.
  returned: always, unless the failure came before the plan
  type: list
  elements: dict
  contains:
    path:
      description: Path on the host where the module ran; of a member of a zip, with its name behind a colon.
      type: str
      sample: /data/camcan/sub-CC110033/anat/sub-CC110033_T1w.nii.gz
    project:
      description: ID of the project.
      type: str
      sample: camcan
    subject:
      description: Label of the subject.
      type: str
      sample: CC110033
    session:
      description: Label of the session.
      type: str
      sample: CC110033_MR1
    session_type:
      description: Data type of the session.
      type: str
      sample: xnat:mrSessionData
    session_date:
      description: Date of the session, where the source says one.
      type: str
      sample: '2010-06-14'
    scan:
      description: ID of the scan.
      type: str
      sample: '1'
    scan_type:
      description: Type of the scan.
      type: str
      sample: T1w
    xsi_type:
      description: Data type of the scan.
      type: str
      sample: xnat:mrScanData
    series_description:
      description: Series description of the scan.
      type: str
      sample: T1w
    quality:
      description: Quality of the scan.
      type: str
      sample: usable
    resource:
      description: Label of the resource.
      type: str
      sample: NIFTI
    name:
      description: Path in the resource.
      type: str
      sample: sub-CC110033_T1w.nii.gz
    format:
      description: Format of the file.
      type: str
      sample: NIFTI
    content:
      description: Content of the file.
      type: str
      sample: T1w
    tags:
      description: Tags of the file, with commas.
      type: str
      sample: raw,defaced
    md5:
      description: MD5 (hex) of the file in XNAT.
      type: str
      sample: 5d41402abc4b2a76b9719d911017c592
    size:
      description: Size in bytes.
      type: int
      sample: 9437184
    action:
      description: What was done, or would be done in check mode.
      type: str
      sample: sent
      choices:
        - same
        - sent
        - replaced
        - removed
        - failed
    reason:
      description: Why.
      type: str
      sample: not there yet
    uri:
      description: Address on the server.
      type: str
      sample: /data/experiments/XNAT_E00001/scans/1/resources/4/files/sub-CC110033_T1w.nii.gz
    made:
      description:
        - Whether it was made on the way from the file at C(path), as a copy without personal data or a preview image.
        - Its C(md5) and C(size) are then not those of that file, and a manifest does not compare them.
      type: bool
      sample: false
objects:
  description: How many subjects, sessions and scans of the study were C(created), C(changed), C(same) or C(failed).
  returned: always, unless the failure came before the plan
  type: dict
  sample:
    created: 3
    changed: 0
    same: 0
    failed: 0
totals:
  description: How many files were C(same), C(sent), C(replaced), C(removed), C(failed); requests, bytes, seconds.
  returned: always, unless the failure came before the plan
  type: dict
  sample:
    files: 2
    same: 0
    sent: 2
    replaced: 0
    removed: 0
    failed: 0
    requests: 7
    bytes_sent: 414453
    seconds: 0.9
    bytes_per_second: 460503
remarks:
  description: What the source has and the study has not, or the other way round, with the reason.
  returned: success
  type: list
  elements: dict
  sample:
    - about: derivatives
      reason: derivatives are left out
requests:
  description: How many requests were sent, login and logout included.
  returned: success
  type: int
  sample: 9
"""

from ansible.module_utils.xnat.study.module import StudyModule, upload_options


def main() -> None:
    """Run the module."""
    with StudyModule(upload_options()) as module:
        module.upload_study()


if __name__ == "__main__":
    main()
