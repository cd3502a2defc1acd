"""Modules of a DPUK node come, go and are replaced on a node that holds data; what cannot work leaves the node serving.

The tests are one story and run in their order: from node-extras 1-3a to 1-3b, the applet fix added, a withdrawn module
removed, then everything that can be wrong with a jar. At the end the node has what it can go on with.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from reach import Client, Host
from secret_forms import told
from uptime import Watch

from lab import playbook
from lab.command import LabError
from lab.settings import ROOT, Lab

EXPERIMENT = "/data/projects/modules/subjects/s1/experiments/mr1"
FILE = f"{EXPERIMENT}/resources/NIFTI/files/image.bin"
ASSESSMENT = "/data/projects/modules/subjects/s1/experiments/cog1"
IMAGE = bytes(range(256)) * 64
FIRST = ["dpuk-node-extras-1-3a", "dpuk-datatypes-1", "dpuk-branding-1", "dpuk-testing-ribbon-1"]
NEWER = ["dpuk-node-extras-1-3b", *FIRST[1:]]
FIXED = [*NEWER, "xnat-upload-applet-fix-1"]
FINAL = [name for name in FIXED if "ribbon" not in name]
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

    def update(self, modules: list[str | Module], what: str) -> Outcome:
        """Run playbooks/update_modules.yml with these modules: names of the lab's jars, or entries of xnat_modules."""
        log = self.logs / f"{what}.log"
        recap = None
        with Watch(f"{self.lab.url}/data/version", str(self.lab.directory / "ca.crt"), "1.6.5") as watch:
            try:
                words = ["--diff", "-e", self.given(modules)]
                recap = playbook.play("playbooks/update_modules.yml", words, log=log)
            except LabError as error:
                print(error)
        gaps = ", ".join(f"{gap:.1f} s" for gap in watch.gaps) or "none"
        print(f"\n== {what}: no answer for {watch.downtime:.1f} s ({gaps}); {watch.answered} right answers")
        return Outcome(recap, " ".join(log.read_text().split()), watch)

    def cut_short(self, modules: list[str | Module], task: str) -> None:
        """The same, and everything that belongs to the run is killed as soon as it says that it begins with a task."""
        command = [str(Path(sys.executable).with_name("ansible-playbook"))]
        command += [word for path in self.lab.inventories for word in ("-i", str(path))]
        command += ["playbooks/update_modules.yml", "-e", self.given(modules)]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        ) as process:
            assert process.stdout is not None
            seen = any(f"TASK [{task}]" in line for line in process.stdout)
            os.killpg(process.pid, signal.SIGKILL)
        assert seen, f"the run ended before it came to {task}"

    def given(self, modules: list[str | Module]) -> str:
        """What these modules are for an inventory."""
        made = self.made()
        return json.dumps({"xnat_modules": [made[one] if isinstance(one, str) else one for one in modules]})

    def made(self) -> dict[str, Module]:
        """The lab's jars, as entries of xnat_modules."""
        text = (self.lab.directory / "artifacts.yml").read_text()
        found: dict[str, Module] = yaml.safe_load(text)["modules"]
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

    def damaged(self, name: str, content: bytes, checksum: str = "") -> Module:
        """A jar that is none, as an entry of xnat_modules."""
        path = self.logs / f"{name}-1.jar"
        path.write_bytes(content)
        digest = checksum or hashlib.sha256(content).hexdigest()
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


def insist_that_data_is_there(node: Node) -> None:
    """The image byte for byte, and the assessment."""
    assert node.admin.get(FILE).content == IMAGE
    assessment = node.admin.get(f"{ASSESSMENT}?format=json").json()["items"][0]["data_fields"]
    assert str(assessment["MMSE"]) == "29"


def test_the_node_serves_what_the_inventory_lists(dpuk: Node) -> None:
    assert dpuk.version_said() == "1-3a"
    assert sorted(dpuk.deployed("*LegacyFreeze*")) == [
        "DataFreeze_LegacyFreeze.vm",
        "LegacyFreeze.class",
        "LegacyFreeze.js",
    ]
    assert dpuk.admin.get("/images/testing-ribbon.png").status_code == 200
    assert b"DPUK" in dpuk.admin.get("/images/logo.png").content


def test_another_version_takes_the_place_of_the_old_one_and_nothing_of_that_is_left(dpuk: Node) -> None:
    outcome = dpuk.update([*NEWER], "from 1-3a to 1-3b")
    assert outcome.recap is not None
    assert outcome.recap.changed > 0
    assert "dpuk-node-extras-1-3b.jar" in outcome.said
    assert dpuk.version_said() == "1-3b"
    assert dpuk.deployed("*LegacyFreeze*") == []
    assert sorted(dpuk.deployed("StudyFilter*")) == ["StudyFilter.class", "StudyFilter.js"]
    assert len(outcome.watch.gaps) == 1
    insist_that_data_is_there(dpuk)


def test_what_is_not_changed_costs_not_one_second(dpuk: Node) -> None:
    before = dpuk.started()
    outcome = dpuk.update([*NEWER], "nothing changed")
    assert outcome.recap is not None
    assert outcome.recap.changed == 0
    assert outcome.watch.gaps == []
    assert outcome.watch.answered > 0
    assert dpuk.started() == before


def test_a_run_that_was_cut_short_while_xnat_was_stopped_is_continued_by_the_next(dpuk: Node) -> None:
    """Which is the one below, and adds the applet fix."""
    dpuk.cut_short([*FIXED], "xnat_builder : Point Tomcat at the release")
    assert dpuk.web.run("systemctl is-active tomcat").stdout.strip() != "active"


def test_the_applet_fix_is_added_and_proved(dpuk: Node) -> None:
    outcome = dpuk.update([*FIXED], "the applet fix added")
    assert outcome.recap is not None
    assert dpuk.deployed("UploadApplet.vm") == ["UploadApplet.vm"]
    assert dpuk.web.run("grep -rl 'instead of an applet' /opt/xnat/*/templates/screens/UploadApplet.vm").rc == 0
    assert len(outcome.watch.gaps) == 1
    insist_that_data_is_there(dpuk)


def test_a_withdrawn_module_is_gone_with_all_that_it_brought(dpuk: Node) -> None:
    outcome = dpuk.update([*FINAL], "a withdrawn module removed")
    assert outcome.recap is not None
    assert "dpuk-testing-ribbon" in outcome.said
    assert dpuk.deployed("*ribbon*") == []
    assert dpuk.admin.get("/images/testing-ribbon.png").status_code == 404
    insist_that_data_is_there(dpuk)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("page", "this is an HTML page, not a zip archive"),
        ("truncated", "dpuk-truncated-1.jar"),
        ("checksum", "wrong version, or a damaged copy"),
    ],
)
def test_a_jar_that_is_none_is_refused_before_anything_is_touched(dpuk: Node, what: str, said: str) -> None:
    before = dpuk.started()
    good = Path(dpuk.made()["dpuk-branding-1"]["src"][0]).read_bytes()
    contents = {"page": b"<!DOCTYPE html><title>404 Not Found</title>\n", "truncated": good[: len(good) // 2]}
    jar = dpuk.damaged(f"dpuk-{what}", contents.get(what, good), "" if what in contents else "0" * 64)
    outcome = dpuk.update([*FINAL, jar], f"{what}, refused")
    assert outcome.recap is None
    assert said in outcome.said
    assert outcome.watch.gaps == []
    assert dpuk.started() == before


def test_a_jar_that_does_not_compile_fails_beside_the_running_node(dpuk: Node) -> None:
    before = dpuk.started()
    outcome = dpuk.update([*FINAL, "does-not-compile-1"], "does not compile")
    assert outcome.recap is None
    assert "reached end of file while parsing" in outcome.said
    assert "what runs stays as it is" in outcome.said
    assert outcome.watch.gaps == []
    assert dpuk.started() == before


def test_a_release_that_does_not_start_is_rolled_back_and_the_old_one_serves(dpuk: Node) -> None:
    outcome = dpuk.update([*FINAL, "does-not-start-1"], "does not start, rolled back")
    assert outcome.recap is None
    assert "broken-context.xml" in outcome.said
    assert "runs again, with all data" in outcome.said
    assert dpuk.version_said() == "1-3b"
    assert dpuk.deployed("broken-context.xml") == []
    insist_that_data_is_there(dpuk)


def test_after_all_that_the_next_run_goes_on(dpuk: Node) -> None:
    """Nothing of what failed is in the way, and nothing is down for it."""
    outcome = dpuk.update([*FINAL], "after the failures")
    assert outcome.recap is not None
    assert outcome.watch.gaps == []
    assert dpuk.version_said() == "1-3b"
    insist_that_data_is_there(dpuk)


def test_no_run_tells_a_password(dpuk: Node, passwords: dict[str, str]) -> None:
    logs = sorted(dpuk.logs.glob("*.log"))
    assert len(logs) > 8
    for log in logs:
        assert told(log.read_text(), passwords) == [], log.name
