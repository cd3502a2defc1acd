"""ansible-playbook as a user types it, with a server in the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from xnat_twin.testing import XnatServer

ROOT = Path(__file__).parents[2]


@dataclass
class Run:
    code: int
    output: str

    @property
    def recap(self) -> str:
        return next(line for line in self.output.splitlines() if line.startswith("localhost ") and "changed=" in line)


@dataclass
class Ansible:
    """ansible-playbook as a user types it, in `folder`, with the server in the environment."""

    xnat: XnatServer
    folder: Path

    def __call__(self, playbook: Path, *arguments: str, **environment: str) -> Run:
        settings = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
            "ANSIBLE_NOCOLOR": "1",
            "PWD": str(self.folder),
            "XNAT_URL": self.xnat.url,
            "XNAT_USER": self.xnat.admin,
            "XNAT_PASSWORD": self.xnat.password,
            **({"XNAT_CA_PATH": self.xnat.ca_path} if self.xnat.ca_path else {}),
            **environment,
        }
        command = [str(Path(sys.executable).parent / "ansible-playbook"), str(playbook), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, env=settings, check=False)
        return Run(done.returncode, done.stdout + done.stderr)
