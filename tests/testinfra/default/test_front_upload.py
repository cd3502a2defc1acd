"""Five gigabytes go through nginx and Tomcat into XNAT as they come: nothing is collected on the way.

What is measured is what nginx and Tomcat hold in files while they pass it on, also in files that have no name any more
(nginx removes the names of its temporary files at once), seen by a watcher that runs as their own user.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reach import Client, Host, program_text

from lab.settings import Lab

PROJECT = f"big{int(time.time())}"  # XNAT does not give the name of a deleted project again
SIZE = 5 * 2**30
DIGEST = "ec4bcc8776ea04479b786e063a9ace45"  # of so many zeros
FILES = f"/data/projects/{PROJECT}/resources/BIG/files"
FEW = 64 * 2**20  # far more than a connection's buffers, far less than the upload
USERS = {"www-data": "/var/lib/nginx", "xnat": "/var/lib/tomcat"}
# The largest sum of what this user's processes hold in files that are nameless or below a folder, in bytes.
WATCHER = """
import os, sys, time
folder, report, largest = sys.argv[1], sys.argv[2], 0
while True:
    total = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            for number in os.listdir(f"/proc/{process}/fd"):
                path = os.readlink(f"/proc/{process}/fd/{number}")
                if path.startswith(folder) and "/logs/" not in path or path.endswith("(deleted)"):
                    total += os.stat(f"/proc/{process}/fd/{number}").st_blocks * 512
        except OSError: pass
    for above, _, names in os.walk(folder):
        for name in names if "/logs" not in above else []:
            try: total += os.stat(os.path.join(above, name)).st_blocks * 512
            except OSError: pass
    largest = max(largest, total)
    open(report + ".part", "w").write(str(largest)); os.replace(report + ".part", report)
    time.sleep(0.3)
"""


class Upload:
    """How an upload went: what came back, what the server says of it, and what was held in files meanwhile."""

    def __init__(self, status: int, row: dict[str, Any], held: dict[str, int]) -> None:
        """Nothing is asked here."""
        self.status, self.row, self.held = status, row, held


@pytest.fixture(scope="module")
def upload(lab: Lab, admin: Client, web: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upload]:
    """Send a file of nothing but a hole, and remove it again."""
    source = tmp_path_factory.mktemp("big") / "zeros.bin"
    with source.open("wb") as file:
        file.truncate(SIZE)
    assert admin.put(f"/data/projects/{PROJECT}").status_code in (200, 201)
    before = {user: _watch(web, user) for user in USERS}
    try:
        status = _put(lab, admin, f"{FILES}/zeros.bin?inbody=true", source)
        rows = admin.get(FILES, params={"format": "json"}).json()["ResultSet"]["Result"]
        held = {user: int(web.file(_report(user)).content_string) - before[user] for user in USERS}
        yield Upload(status, rows[0] if rows else {}, held)
    finally:
        for user in USERS:
            web.run(f"systemctl stop watch-{user}")
        admin.session.delete(f"{admin.url}/data/projects/{PROJECT}?removeFiles=true", timeout=600)
        source.unlink()


def _report(user: str) -> str:
    return f"/tmp/held-by-{user}"  # noqa: S108 - of a container that is thrown away


def _watch(web: Host, user: str) -> int:
    """Watch a user's files from now on; what they hold before anything happens."""
    web.run(f"systemctl stop watch-{user}; rm -f {_report(user)}")
    command = f"systemd-run --quiet --unit watch-{user} --uid {user} python3 -c %s {USERS[user]} {_report(user)}"
    assert web.run(command, program_text(WATCHER)).rc == 0
    for _ in range(100):
        if web.file(_report(user)).exists:
            return int(web.file(_report(user)).content_string)
    raise AssertionError(f"nothing was seen of {user}")


def _put(lab: Lab, admin: Client, path: str, source: Path) -> int:
    """Send a file in large pieces: the usual clients' small ones take minutes."""
    context = ssl.create_default_context(cafile=str(lab.directory / "ca.crt"))
    wire = http.client.HTTPSConnection("localhost", lab.https_port, timeout=600, context=context, blocksize=1 << 20)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in admin.session.cookies)
    with source.open("rb") as body:
        headers = {"Cookie": cookies, "Content-Type": "application/octet-stream", "Content-Length": str(SIZE)}
        wire.request("PUT", path, body=body, headers=headers)
        answer = wire.getresponse()
        answer.read()
    return answer.status


def test_it_arrives(upload: Upload) -> None:
    assert upload.status == 200


def test_the_server_reports_its_size_and_digest(upload: Upload) -> None:
    assert (int(upload.row["Size"]), upload.row["digest"]) == (SIZE, DIGEST), json.dumps(upload.row)


@pytest.mark.parametrize("user", USERS)
def test_nothing_of_it_was_collected_on_the_way(upload: Upload, user: str) -> None:
    assert upload.held[user] < FEW
