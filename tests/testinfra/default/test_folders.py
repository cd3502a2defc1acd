"""Folders above XNAT's data: a missing one is made for root, one that is there stays as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from reach import Host

from lab.settings import INVENTORY, ROOT

ABOVE = "/mnt/disks"
DATA = f"{ABOVE}/of/node/xnat"
PLAY = [
    {
        "hosts": "web",
        "become": True,
        "gather_facts": False,
        "tasks": [{"ansible.builtin.import_role": {"name": "xnat", "tasks_from": "folders"}}],
    }
]


def rights(web: Host, path: str) -> tuple[str, str, int]:
    """Owner, group and mode."""
    file = web.file(path)
    return file.user, file.group, file.mode


@pytest.fixture(scope="module")
def made(web: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The role's folders somewhere else on the host, below one that somebody made before; what the run said."""
    assert web.run(f"install -d -o daemon -g games -m 0711 {ABOVE}").rc == 0
    play = tmp_path_factory.mktemp("folders") / "play.yml"
    play.write_text(yaml.safe_dump(PLAY))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(INVENTORY), str(play)]
    command += ["-e", json.dumps({"xnat_data": DATA, "xnat_home": f"{ABOVE}/homes/xnat"})]
    settings = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    yield subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False).stdout
    web.run(f"rm -r {ABOVE}")


def test_a_missing_folder_above_the_data_belongs_to_root(made: str, web: Host) -> None:
    assert "failed=0" in made, made
    for path in (f"{ABOVE}/of", f"{ABOVE}/of/node", f"{ABOVE}/homes"):
        assert rights(web, path) == ("root", "root", 0o755), path
    assert rights(web, DATA) == rights(web, f"{ABOVE}/homes/xnat") == ("root", "xnat", 0o1770)


def test_one_that_was_there_stays_as_it_was(made: str, web: Host) -> None:
    assert rights(web, ABOVE) == ("daemon", "games", 0o711)
