"""The options that all XNAT modules share, in words. Their types and defaults are in module_utils/xnat/module.py."""


class ModuleDocFragment:
    """Named `xnat` (the connection) and `xnat.NAME` in `extends_documentation_fragment`."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the XNAT, as in C(https://xnat.example.org).
      - Without it, E(XNAT_URL) is used.
    type: str
  username:
    description:
      - Name of the account. Without it, E(XNAT_USER) is used, then the entry of the host in C(~/.netrc).
    type: str
  password:
    description:
      - Password of the account. Without it, E(XNAT_PASSWORD) is used, then the entry of the host in C(~/.netrc).
      - Keep it in the environment or in a vault file, never in a playbook.
    type: str
  token:
    description:
      - An alias token of the account, C(ALIAS:SECRET), instead of name and password. XNAT issues it at
        C(/data/services/tokens/issue); it is valid for two days by default.
      - Without it, E(XNAT_TOKEN) is used. A token goes before a password.
    type: str
  validate_certs:
    description:
      - Whether the server must prove by its certificate that it is the one that O(url) names.
      - Turn it off only on a network of your own; better give O(ca_path). Without it, E(XNAT_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - File (PEM) with the certificate of the authority that signed the server's, if this machine does not know it.
      - Give the full path; a relative one starts in the folder that the module runs in, on C(localhost) that of the
        playbook.
      - Without it, E(XNAT_CA_PATH) is used.
    type: path
  timeout:
    description:
      - Seconds to wait for an answer. For a file, one second is added for each 10 MB of it, because XNAT answers only
        when it has copied the file. Without it, E(XNAT_TIMEOUT) is used.
    type: int
    default: 60
  retries:
    description:
      - How often a request is repeated that found no server (or one that is starting), with growing pauses.
        Without it, E(XNAT_RETRIES) is used.
    type: int
    default: 3
attributes:
  check_mode:
    description: Says what would change and sends no request that could change anything.
    support: full
  diff_mode:
    description: Shows what changes, as it was before and as it is after.
    support: full
requirements:
  - requests (Python library) where the module runs
author:
  - dpuk-node
"""

    PARENTS = r"""
options:
  create_parents:
    description:
      - Whether to make what is missing above (project, subject, experiment, scan).
      - Turn it off to have a misspelt label fail instead of making a new object.
    type: bool
    default: true
"""

    FIELDS = r"""
options:
  fields:
    description:
      - Any other value of the object, as a dictionary.
      - A key with a C(/) is an XNAT path that starts with a data type, as in C(xnat:mrScanData/parameters/tr).
      - A key without a C(/) is the name of a custom variable (for a scan, of an additional parameter).
      - Values that are not named stay as they are. An empty text clears a value.
    type: dict
    default: {}
"""

    RESOURCE = r"""
options:
  project:
    description: ID of the project.
    type: str
    required: true
  subject:
    description: Label (or ID) of the subject. Leave it out for a resource of the project.
    type: str
  experiment:
    description: Label (or ID) of the experiment, which most people call the session. Needs O(subject).
    type: str
    aliases: [session]
  scan:
    description: ID of the scan in the experiment. Quote it (C("1")). Needs O(experiment).
    type: str
  assessor:
    description: Label (or ID) of an assessor of the experiment. It must exist. Excludes O(scan).
    type: str
  resource:
    description:
      - Label of the resource, as in V(NIFTI). Letters, digits, C(_), C(-) and C(.), not only digits.
      - It belongs to the deepest of O(project), O(subject), O(experiment), O(scan) and O(assessor) that is given.
    type: str
    required: true
"""

    STUDY = r"""
options:
  project:
    description:
      - ID of the project that everything goes to. Only a O(manifest) with a column C(project) does without.
    type: str
  bids:
    description:
      - Folder of a BIDS dataset. Each image with what is beside it is a scan; sidecars, also inherited ones, and the
        table of participants become attributes.
      - Exactly one of O(bids), O(biobank), O(manifest), O(pattern) and O(regex) must be given.
    type: path
  bids_options:
    description:
      - How the dataset becomes subjects, sessions and scans.
    type: dict
    suboptions:
      keep_prefix:
        description:
          - Whether the subject of the folder C(sub-01) is labelled C(sub-01) instead of C(01).
        type: bool
      session:
        description:
          - Label of a session, made from C({project}), C({subject}), C({session}) and C({modality}). XNAT wants it
            unique in the project. C({subject}_{session}) if not given.
        type: str
      session_without_folder:
        description:
          - The same for images of a subject without a C(ses-) folder, as in Cam-CAN. C({subject}_{modality}1) if not
            given, as in C(CC110033_MR1).
        type: str
      scan_id:
        description:
          - V(number) counts the scans of a session; one that is there keeps its number, found by its series
            description. V(stem) takes the name of the image. V(number) if not given.
        type: str
        choices:
          - number
          - stem
      quality:
        description:
          - Quality of the scans, C(usable) if not given.
        type: str
      sidecar_resource:
        description:
          - Resource for sidecars and other texts, C(BIDS) if not given.
        type: str
      gradients:
        description:
          - Whether C(.bval) and C(.bvec) go into resources of their own (V(separate), which is so if not given) or to
            the image (V(together)).
        type: str
        choices:
          - separate
          - together
      dataset_files:
        description:
          - Whether to send what belongs to the whole dataset, such as C(README) and the table of participants, to the
            project. It is sent if not given.
        type: bool
      folders:
        description:
          - Which of these folders of the dataset to send as well. None if not given.
        type: list
        elements: str
        choices:
          - code
          - derivatives
          - docs
          - logs
          - sourcedata
          - stimuli
      participants:
        description:
          - Name of the table of participants, if it is neither C(participants.tsv) nor C(participants_data.tsv).
        type: str
      shifted_dates:
        description:
          - Whether sessions get a date before 1926 as well, by which BIDS marks a date that was shifted.
        type: bool
  biobank:
    description:
      - Folders with bulk files of UK Biobank, C(EID_FIELD_INSTANCE_ARRAY.zip). A visit is a session, a field a scan.
    type: list
    elements: path
  biobank_options:
    description:
      - How the bulk files become subjects, sessions and scans.
    type: dict
    suboptions:
      table:
        description:
          - Table (CSV, TSV, XLSX) with one row for each EID. Columns such as C(31-0.0) or C(p31) become sex, age and
            date; others custom variables.
        type: path
      eid_column:
        description:
          - Column of the table that has the EID, if it cannot be found by its name.
        type: str
      variables:
        description:
          - Which other columns of the table become custom variables. All if not given, but for those whose names are
            those of personal data.
        type: list
        elements: str
      lookup:
        description:
          - Table of two columns, EID and label of the subject. EIDs that are not in it are left out. Names of files
            have the label in place of the EID; what is inside them is sent as it is.
        type: path
      withdrawn:
        description:
          - File with one EID a line, all of whom are left out.
        type: path
      fields:
        description:
          - Only these fields, as in C(20252).
        type: list
        elements: str
      members:
        description:
          - Which members of a zip are sent, C(images) (with b-values and sidecars), C(all), or patterns of their paths
            as in C(T1/*.nii.gz). C(images) if not given.
        type: list
        elements: str
      keep_zips:
        description:
          - Whether to send the zips as they are, instead of what is in them.
        type: bool
  manifest:
    description:
      - Table (CSV, TSV, XLSX, JSON, YAML) with one row for each file and the columns C(path), C(project), C(subject),
        C(session), C(session_type), C(session_date), C(scan), C(scan_type), C(xsi_type), C(series_description),
        C(quality), C(resource), C(name), C(format), C(content), C(tags), C(md5) and C(size), of which few are needed.
      - Further columns are XNAT paths (C(xnat:mrScanData/parameters/tr)) or names such as C(subject.age).
      - A report of M(xnat_upload) is such a table.
    type: path
  pattern:
    description:
      - Template of paths below O(root), as in C({subject}/{session}/{scan}_{scan_type}.nii.gz). Names in braces are
        columns of a manifest; C(*), C(?) and C(**) are as in a shell.
    type: str
  regex:
    description:
      - Regular expression for whole paths below O(root), with groups named as columns of a manifest, as in
        V((?P<subject>[^/]+\)/(?P<session>[^/]+\)/.*).
    type: str
  root:
    description:
      - The folder that paths of O(pattern) and O(regex) are below, and relative paths of O(manifest) too, whose own
        folder it is if not given.
    type: path
  defaults:
    description:
      - What O(manifest), O(pattern) and O(regex) do not say, as templates over what they do, for instance
        C(session) as C({subject}_MR1).
    type: dict
    default: {}
  clean_labels:
    description:
      - Whether to replace characters that XNAT cannot keep in a label by C(_), with O(pattern) and O(regex). They are
        refused otherwise.
    type: bool
    default: false
  subjects:
    description:
      - Only these subjects, by the label that they have in XNAT.
    type: list
    elements: str
  project_files:
    description:
      - Whether to include what belongs to no subject, such as the C(README) of a BIDS dataset.
    type: bool
    default: true
  allow_empty:
    description:
      - Whether to include files of 0 bytes. They are refused otherwise, for among images such a file is what a full
        disk or a copy that was cut short has left behind.
    type: bool
    default: false
"""
