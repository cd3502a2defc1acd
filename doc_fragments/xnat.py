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
