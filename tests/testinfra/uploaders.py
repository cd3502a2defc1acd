"""Hosts that share an upload: what is put on them, and the playbook as a data manager types it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy
import yaml
from reach import Host

from lab.settings import DOMAIN, INVENTORY, ROOT, Lab

PLAYBOOK = "playbooks/upload_niftis.yml"
# An account without special rights, and the folder that the hosts have parts of the study in.
ACCOUNT = "ana"
FOLDER = f"/home/{ACCOUNT}/study"
PATHS = r"(?P<subject>S\d+)/(?P<session>\w+)/(?P<scan>\d+)_(?P<scan_type>\w+)\.nii|(?P<resource>documents)/.+"

# What each host has. S04 and S05 are on two hosts each; S06 too, but one of them lacks a scan of it.
STUDY = {
    "db": ["S01/S01_MR1/1_T1.nii", "S01/S01_MR1/2_BOLD.nii", "S04/S04_MR1/1_T1.nii", "S04/S04_MR2/1_T1.nii",
           "S06/S06_MR1/1_T1.nii", "S06/S06_MR1/2_T2.nii"],
    "web": ["S02/S02_MR1/1_T1.nii", "S02/S02_MR1/2_BOLD.nii", "S04/S04_MR1/1_T1.nii", "S04/S04_MR2/1_T1.nii",
            "S05/S05_MR1/1_T1.nii", "S05/S05_MR2/1_T1.nii"],
    "monitor": ["S03/S03_MR1/1_T1.nii", "S03/S03_MR1/2_BOLD.nii", "S05/S05_MR1/1_T1.nii", "S05/S05_MR2/1_T1.nii",
                "S06/S06_MR1/1_T1.nii", "documents/protocol.txt"],
}  # fmt: skip
# Who sends what: nobody else has S01, S02, S03 and the whole of S06; the rest goes to whoever has less to do.
SHARES = {"db": ["S01", "S06"], "web": ["S02", "S04"], "monitor": ["S03", "S05", "documents"]}


def make_files(folder: Path) -> dict[str, bytes]:
    """Write the files of all hosts, a folder for each host. Returns {path in the study: content}; all differ."""
    contents: dict[str, bytes] = {}
    dice = numpy.random.default_rng(4)
    for host, names in STUDY.items():
        for name in names:
            if name not in contents:
                voxels = dice.integers(0, 1000, (12, 12, 12), dtype=numpy.int16)
                image = nibabel.Nifti1Image(voxels, numpy.eye(4))
                contents[name] = image.to_bytes() if name.endswith(".nii") else b"Protocol, version 1\n"
            path = folder / host / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents[name])
    return contents


def put_study(lab: Lab, hosts: Mapping[str, Host], source: Path) -> None:
    """Have the account on each host, with the lab's key to log in, and its part of the study in its home."""
    key = (lab.directory / "ssh_key.pub").read_text().strip()
    for name, host in hosts.items():
        take_away(host)
        run(host, f"useradd --create-home --shell /bin/sh {ACCOUNT}")
        subprocess.run(["podman", "cp", f"{source / name}/.", f"{lab.container(name)}:{FOLDER}"], check=True)
        run(host, f"mkdir -m 0700 /home/{ACCOUNT}/.ssh && echo {key!r} > /home/{ACCOUNT}/.ssh/authorized_keys")
        run(host, f"chown -R {ACCOUNT}: /home/{ACCOUNT}")


def take_away(host: Host) -> None:
    """Remove the account with all that it has."""
    run(host, f"! id {ACCOUNT} 2>/dev/null || userdel --force --remove {ACCOUNT} 2>/dev/null")


def run(host: Host, command: str) -> str:
    """Run a command of the shell on a host, as root, and return what it prints."""
    done = host.run(command)
    assert done.rc == 0, f"{command}: {done.stderr}"
    printed: str = done.stdout
    return printed


def files_of_account(host: Host) -> set[str]:
    """Every file that the account has anywhere on a host; temporary folders are file systems of their own."""
    return set(run(host, f"find / /tmp /run /dev/shm -xdev -user {ACCOUNT}").splitlines())


@dataclass(frozen=True)
class Run:
    """What a playbook has printed, and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """All of it."""
        return self.stdout + self.stderr

    def results(self, task: str) -> dict[str, dict[str, Any]]:
        """What a task has returned, by host; of a run with the callback that prints JSON."""
        tasks = [entry for play in json.loads(self.stdout)["plays"] for entry in play["tasks"]]
        found: dict[str, dict[str, Any]] = next(entry["hosts"] for entry in tasks if entry["task"]["name"] == task)
        return found

    def counted(self) -> dict[str, dict[str, int]]:
        """What Ansible has counted: {host: {ok, changed, failed, …}}."""
        lines = re.findall(r"^(\S+)\s+: (ok=\d+ .*)$", self.output, re.MULTILINE)
        return {
            host: {word: int(count) for word, _, count in (pair.partition("=") for pair in counts.split())}
            for host, counts in lines
        } or dict(json.loads(self.stdout)["stats"])


@dataclass
class Uploaders:
    """The playbook with a study, on hosts of a group that the inventory says."""

    lab: Lab
    folder: Path
    password: str
    hosts: list[str] = field(default_factory=lambda: list(STUDY))
    variables: dict[str, dict[str, str]] = field(default_factory=dict)

    def inventory(self) -> Path:
        """Write the group as a user would: the hosts, and how to log in to them."""
        group = {
            "hosts": {host: self.variables.get(host, {}) for host in self.hosts},
            "vars": {"ansible_user": ACCOUNT},
        }
        path = self.folder / "uploaders.yml"
        path.write_text(yaml.safe_dump({"uploaders": group}))
        return path

    def upload(self, study: Mapping[str, Any], *arguments: str, **environment: str) -> Run:
        """Run the playbook; XNAT is told in the environment of this machine."""
        wanted = self.folder / "study.yml"
        wanted.write_text(yaml.safe_dump({"study": dict(study)}))
        access = {
            "XNAT_URL": f"https://web.{DOMAIN}",
            "XNAT_USER": "admin",
            "XNAT_PASSWORD": self.password,
            "XNAT_CA_PATH": str(self.lab.directory / "ca.crt"),
            **environment,
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(INVENTORY)]
        command += ["-i", str(self.inventory()), PLAYBOOK, "-e", f"@{wanted}", *arguments]
        settings = {**os.environ, "ANSIBLE_FORCE_COLOR": "false", "ANSIBLE_NOCOLOR": "1", "PWD": str(ROOT), **access}
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env=settings, stdin=subprocess.DEVNULL, check=False
        )
        print(done.stdout, done.stderr)
        return Run(done.returncode, done.stdout, done.stderr)
