"""Bad input is refused before anything is changed: one line for each thing that is wrong, and the node goes on.

site.yml runs for real here, with something bent from outside. Nothing is changed, so the runs go side by side.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from reach import Host, python

from lab.settings import INVENTORY, ROOT, Lab

FIRST = "PLAY [Check settings and files on this machine"
SECOND = "PLAY [Look at the hosts"
THIRD = "PLAY [Prepare every host"
PORT = 8099
LISTENER = (
    "import os, socket, time\n"
    "waiting = socket.create_server(('0.0.0.0', int(__import__('sys').argv[1])))\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    [os.close(number) for number in (0, 1, 2)]\n"
    "    time.sleep(600)\n"
    "    os._exit(0)\n"
)


@dataclass(frozen=True)
class Bent:
    """One run: the host, the variables that are bent, and what must be said, each in a line of its own."""

    limit: str
    variables: dict[str, Any]
    said: tuple[str, ...]
    touches_hosts: bool = True


def cases(folder: Path, lab: Lab, passwords: dict[str, str]) -> dict[str, Bent]:
    """What is bent, by the name of the test."""
    war = bytearray((lab.directory / "xnat.war").read_bytes())
    war[len(war) // 2] ^= 1
    (folder / "flipped.war").write_bytes(war)
    return {
        "memory, disks and the database's name": Bent(
            "web",
            {
                "xnat_memory_min_mb": 99_000_000,
                "xnat_data": "/mnt/read-only/xnat",
                "xnat_home": "/mnt/full/home",
                "xnat_database_host": "nowhere.invalid",
            },
            (
                r"memory: this host has \d+ MB and 99000000 MB are needed.*xnat_memory_min_mb",
                r"folder /mnt/read-only/xnat \(to be made in /mnt/read-only\) is on a read-only disk.*xnat_data",
                r"folder /mnt/full/home .*: 1 MB are free and \d+ MB are needed.*df -h",
                r"name nowhere.invalid does not resolve on this host.*xnat_database_host",
            ),
        ),
        "a port that is taken": Bent(
            "web", {"nginx_http_port": PORT}, (rf"port {PORT} is taken by python3?\S*, process \d+.*nginx_http_port",)
        ),
        "an unknown system": Bent(
            "monitor", {"base_distributions": ["Plan9-4"]}, (r"monitor runs Debian-1\d with systemd; .* Plan9-4",)
        ),
        "secrets": Bent(
            "db",
            {"vault_postgresql_password": "", "vault_xnat_admin_password": "Password2026!"},
            (
                r"vault_postgresql_password is missing or empty",
                r"vault_xnat_admin_password is too weak: it is a common word",
            ),
            touches_hosts=False,
        ),
        "a file with one wrong byte": Bent(
            "web",
            {"xnat_war_src": [str(folder / "flipped.war")]},
            (r"flipped.war has sha256 [0-9a-f]{64}, but [0-9a-f]{64} is wanted",),
            touches_hosts=False,
        ),
        "versions": Bent(
            "web",
            {
                "versions_xnat": "1.9.2",
                "versions_tomcat": "9.0.117",
                "versions_java": "21",
                "versions_postgresql": "17",
            },
            (
                r"Java 21 does not go with XNAT 1.9.2: the row 'XNAT from 1.9.0, before 1.9.3.4' allows Java 8",
                r"Tomcat 9.0.117 does not go with XNAT 1.9.2: .* \(from 9.0.116 on, .*XNAT-8723\)",
                r"PostgreSQL 17 does not go with XNAT 1.9.2: .*versions_allow_unknown",
            ),
            touches_hosts=False,
        ),
    }


def run(case: Bent) -> str:
    """Run site.yml with something bent; what it printed."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-i", str(INVENTORY), "site.yml", "--limit", case.limit, "-e", json.dumps(case.variables)]
    settings = {**os.environ, "ANSIBLE_NOCOLOR": "1"}
    settings.pop("ANSIBLE_FORCE_COLOR", None)
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stdout
    return done.stdout


def started(web: Host) -> str:
    """Which processes serve: another number is another start."""
    found: str = web.run("systemctl show -p MainPID --value tomcat nginx").stdout
    return found


@pytest.fixture(scope="module")
def bent(lab: Lab, web: Host) -> Iterator[None]:
    """A full disk, a read-only one and a stranger on a port, while these tests run."""
    for name, options in (("full", "size=1m"), ("read-only", "ro")):
        done = web.run(f"mkdir -p /mnt/{name} && mount -t tmpfs -o {options} none /mnt/{name}")
        assert done.rc == 0, done.stderr
    assert python(web, LISTENER, str(PORT)).rc == 0
    yield
    web.run("umount /mnt/full /mnt/read-only; rmdir /mnt/full /mnt/read-only")
    number = re.search(r"pid=(\d+)", web.run(f"ss -Hltnp 'sport = :{PORT}'").stdout)
    assert number
    web.run(f"kill {number[1]}")


@pytest.fixture(scope="module")
def outputs(
    bent: None, lab: Lab, web: Host, passwords: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Bent, str]]:
    """Each case with what site.yml said of it."""
    before = started(web)
    wanted = cases(tmp_path_factory.mktemp("bent"), lab, passwords)
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(run, wanted.values()))
    assert started(web) == before, "something was stopped"
    return dict(zip(wanted, zip(wanted.values(), said, strict=True), strict=True))


NAMES = [
    "memory, disks and the database's name",
    "a port that is taken",
    "an unknown system",
    "secrets",
    "a file with one wrong byte",
    "versions",
]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_refused_with_a_line_for_each_thing(outputs: dict[str, tuple[Bent, str]], name: str) -> None:
    case, printed = outputs[name]
    lines = printed.splitlines()
    missing = [words for words in case.said if not any(re.search(words, line) for line in lines)]
    assert missing == [], printed


@pytest.mark.parametrize("name", NAMES)
def test_nothing_was_changed(outputs: dict[str, tuple[Bent, str]], name: str) -> None:
    case, printed = outputs[name]
    assert FIRST in printed
    assert (SECOND in printed) is case.touches_hosts
    assert THIRD not in printed
    counts = re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", printed, re.MULTILINE)
    assert counts == [(case.limit, "0", "0", "1")]


def test_a_weak_password_is_not_told(outputs: dict[str, tuple[Bent, str]]) -> None:
    assert "Password2026!" not in outputs["secrets"][1]
