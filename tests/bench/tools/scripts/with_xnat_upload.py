"""The module xnat_upload with the options in the first argument (JSON), as Ansible runs it, without Ansible."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import ansible.module_utils
from ansible.module_utils.testing import patch_module_args

ROOT = Path(__file__).parents[4]
ansible.module_utils.__path__.append(str(ROOT / "module_utils"))

with patch_module_args(json.loads(sys.argv[1])):
    runpy.run_path(str(ROOT / "library" / "xnat_upload.py"), run_name="__main__")
