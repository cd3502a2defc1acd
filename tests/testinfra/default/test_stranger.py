"""Somebody without rights on web takes XNAT's port while XNAT is down, and poses as it: it gets nothing.

Nor does somebody who takes the port of XNAT's DICOM receiver, to which nginx hands on what scanners send.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from reach import Host, connects, program_text

from lab import playbook
from lab.command import LabError
from lab.settings import Lab

GOT = "/tmp/stranger-got"  # noqa: S108 - of a container that is thrown away
# Answers everything as XNAT would, and notes each byte that it gets.
POSE = """
import http.server, json, sys
class XNAT(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(sys.argv[2], "a") as file: file.write(self.requestline + chr(10) + str(self.headers))
        body = json.dumps({"version": sys.argv[3]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_PUT = do_POST = do_GET
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), XNAT).serve_forever()
"""


def pose(web: Host, port: int, version: str) -> None:
    """Start somebody of user nobody on a port of loopback."""
    web.run(f"rm -f {GOT}")
    command = f"systemd-run --quiet --collect --unit stranger --uid nobody python3 -c %s {port} {GOT} {version}"
    assert web.run(command, program_text(POSE)).rc == 0
    deadline = time.monotonic() + 30
    while not connects(web, "127.0.0.1", port):
        assert time.monotonic() < deadline, web.run("journalctl -u stranger -n 5").stdout


@pytest.fixture(scope="module")
def said(lab: Lab, web: Host, version: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a run says that finds somebody else, and what systemd says that finds it; XNAT runs again afterwards."""
    log = tmp_path_factory.mktemp("stranger") / "run.log"
    assert web.run("systemctl stop tomcat").rc == 0
    try:
        pose(web, 8080, version)
        words = ["--limit", "xnat", "--tags", "xnat_site", "--skip-tags", "always"]
        with pytest.raises(LabError):
            playbook.play("site.yml", words, log=log)
        web.run("systemctl start tomcat")
        return {
            "run": " ".join(log.read_text().split()),
            "journal": web.run("journalctl -q -u tomcat -n 40 -o cat").stdout,
            "state": web.run("systemctl is-active tomcat").stdout.strip(),
            "got": web.run(f"cat {GOT}").stdout,
        }
    finally:
        web.run("systemctl stop stranger")
        web.run("systemctl reset-failed tomcat")
        assert web.run("systemctl start tomcat").rc == 0


@pytest.fixture(scope="module")
def version(web: Host) -> str:
    """What XNAT says of itself: the stranger says the same."""
    program = (
        "import json, urllib.request as ask\n"
        "print(json.load(ask.urlopen('http://127.0.0.1:8080/xapi/siteConfig/buildInfo'))['version'])\n"
    )
    said: str = web.run("python3 -c %s", program_text(program)).stdout.strip()
    assert said
    return said


def test_a_run_names_who_poses_as_xnat(said: dict[str, str]) -> None:
    assert "127.0.0.1:8080 is taken by python3, process " in said["run"]
    assert "of user nobody, service stranger, and not by the service tomcat" in said["run"] or (
        "of user nobody, and not by the service tomcat" in said["run"]
    )


def test_systemd_does_not_believe_it_either(said: dict[str, str]) -> None:
    """A start that counted as done would let the next step of a run go on."""
    assert "127.0.0.1:8080 is already in use by " in said["journal"]
    assert said["state"] != "active"


def test_whoever_poses_as_xnat_gets_nothing(said: dict[str, str]) -> None:
    """No password and not even a request."""
    assert said["got"] == ""


def test_images_are_not_handed_to_somebody_else(web: Host, tmp_path: Path) -> None:
    """The role that lets scanners in finds who has the port of XNAT's receiver, and is not run on."""
    pose(web, 8104, "none")
    try:
        with pytest.raises(LabError):
            playbook.play("site.yml", ["--limit", "web", "--tags", "nothing-but-the-checks"], log=tmp_path / "run.log")
    finally:
        web.run("systemctl stop stranger")
    found = " ".join((tmp_path / "run.log").read_text().split())
    assert "port 8104 is taken by python3, process " in found
    assert "of user nobody" in found
