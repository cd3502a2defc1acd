"""A DPUK node, what it is built of and what it holds, for the tests that change its modules and settings."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from reach import Client, Host
from uptime import MEASURED, Watch

from lab import playbook
from lab.command import LabError
from lab.settings import ROOT, Lab

EXPERIMENT = "/data/projects/modules/subjects/s1/experiments/mr1"
FILE = f"{EXPERIMENT}/resources/NIFTI/files/image.bin"
ASSESSMENT = "/data/projects/modules/subjects/s1/experiments/cog1"
IMAGE = bytes(range(256)) * 64
CONTEXT = "/var/lib/tomcat/conf/Catalina/localhost/ROOT.xml"
STARTED = "systemctl show tomcat --property=ExecMainStartTimestampMonotonic --value"

Module = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of one run: what it counted (nothing when it failed), what it said, and whether XNAT answered."""

    recap: playbook.Recap | None
    said: str
    watch: Watch


class Node:
    """The node, what it is built of, and what it holds."""

    def __init__(self, lab: Lab, web: Host, admin: Client, logs: Path) -> None:
        self.lab, self.web, self.admin, self.logs = lab, web, admin, logs

    def update(self, modules: list[str | Module] | None, what: str, *words: str, **more: Any) -> Outcome:
        """Run playbooks/update_modules.yml with these modules: names of the lab's jars, or entries of xnat_modules.

        None: with those of the inventory. Further words and variables go with it.
        """
        log = self.logs / f"{what}.log"
        recap = None
        with Watch(f"{self.lab.url}/data/version", str(self.lab.directory / "ca.crt"), "1.6.5") as watch:
            try:
                given = json.dumps(more | ({} if modules is None else self.given(modules)))
                recap = playbook.play("playbooks/update_modules.yml", ["--diff", "-e", given, *words], log=log)
            except LabError as error:
                print(error)
        gaps = ", ".join(f"{gap:.1f} s" for gap in watch.gaps) or "none"
        MEASURED.append(f"{what}: no answer for {watch.downtime:.1f} s ({gaps}); {watch.answered} right answers")
        return Outcome(recap, " ".join(log.read_text().split()), watch)

    def cut_short(self, modules: list[str | Module], task: str) -> None:
        """The same, and everything that belongs to the run is killed as soon as it says that it begins with a task."""
        command = [str(Path(sys.executable).with_name("ansible-playbook"))]
        command += [word for path in self.lab.inventories for word in ("-i", str(path))]
        command += ["playbooks/update_modules.yml", "-e", json.dumps(self.given(modules))]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        ) as process:
            assert process.stdout is not None
            seen = any(f"TASK [{task}]" in line for line in process.stdout)
            os.killpg(process.pid, signal.SIGKILL)
        assert seen, f"the run ended before it came to {task}"

    def given(self, modules: list[str | Module]) -> dict[str, list[Module]]:
        """What these modules are for an inventory."""
        made = self.made()
        return {"xnat_modules": [made[one] if isinstance(one, str) else one for one in modules]}

    def made(self) -> dict[str, Module]:
        """The lab's jars, as entries of xnat_modules."""
        text = (self.lab.directory / "artifacts.yml").read_text()
        found: dict[str, Module] = yaml.safe_load(text)["modules"]
        return found

    def settings(self) -> Mapping[str, Any]:
        """The site's settings, as an administrator is told them."""
        answer = self.admin.get("/data/services/settings?format=json")
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()["ResultSet"]["Result"]
        return found

    def version_said(self) -> str:
        """What the script of node-extras says to a browser."""
        answer = self.admin.get("/scripts/datafreeze.js")
        assert answer.status_code == 200
        return answer.text.split("'")[1]

    def deployed(self, pattern: str) -> list[str]:
        """Names of files in the application that Tomcat serves."""
        place = self.web.run(rf"sed -n 's/.*docBase=.\([^\" ]*\).*/\1/p' {CONTEXT}").stdout.strip()
        found: list[str] = self.web.run("find %s -name %s -printf '%%f\\n'", place, pattern).stdout.split()
        return found

    def started(self) -> str:
        """When Tomcat was started last."""
        moment: str = self.web.run(STARTED).stdout.strip()
        return moment

    def wait(self) -> None:
        """Until XNAT answers after a restart."""
        deadline = time.monotonic() + 120
        while self.admin.get("/data/version").status_code != 200:
            assert time.monotonic() < deadline, "XNAT does not answer"
            time.sleep(0.5)

    @staticmethod
    def digest(content: bytes) -> str:
        """SHA-256 in hexadecimal digits."""
        return hashlib.sha256(content).hexdigest()

    def damaged(self, name: str, content: bytes, checksum: str = "") -> Module:
        """A jar that is none, as an entry of xnat_modules."""
        path = self.logs / f"{name}-1.jar"
        path.write_bytes(content)
        digest = checksum or self.digest(content)
        return {"name": name, "version": "1", "src": [str(path)], "checksum": f"sha256:{digest}"}


@pytest.fixture(scope="module")
def dpuk(lab: Lab, web: Host, admin: Client, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """The node as site.yml made it, with a session, an image and an assessment in it."""
    for path in ("/data/projects/modules", "/data/projects/modules/subjects/s1"):
        assert admin.put(path).status_code in (200, 201)
    assert admin.put(f"{EXPERIMENT}?xsiType=xnat:mrSessionData").status_code in (200, 201)
    assert admin.put(f"{ASSESSMENT}?xsiType=dpuk:dpukAssessmentData&dpuk:dpukAssessmentData/MMSE=29").status_code in (
        200,
        201,
    )
    # 409: it is there, from a run of these tests before this one.
    assert admin.put(f"{EXPERIMENT}/resources/NIFTI").status_code in (200, 201, 409)
    assert admin.put(f"{FILE}?inbody=true&overwrite=true", data=IMAGE).status_code == 200
    return Node(lab, web, admin, tmp_path_factory.mktemp("modules"))
