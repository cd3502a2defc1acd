"""Run the contract suite as somebody would against his own XNAT: over HTTP alone, with no way into the server.

    python tests/contract_remote.py [PYTEST ARGUMENTS]

The server is a practice XNAT in another process. Afterwards it must be as empty as before: no project, no account more.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import requests

TESTS = Path(__file__).resolve().parent
ADMIN, OTHER = ("admin", secrets.token_urlsafe(12)), ("ordinary", secrets.token_urlsafe(12))


def main(arguments: list[str]) -> int:
    """The status of pytest, or 1 if it left something behind."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "XNAT_TWIN_ADMIN_PASSWORD": ADMIN[1]}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "xnat_twin", "--port", "0", "--data", folder, "--stop-at-end-of-input"]
        with subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server:
            if server.stdin is None or server.stdout is None:
                raise RuntimeError("the practice server has no pipes")
            url = server.stdout.readline().partition(" at ")[2].partition(",")[0]
            _create_other(url)
            before = _contents(url)
            status = subprocess.run(
                [sys.executable, "-m", "pytest", *(arguments or [str(TESTS / "contract")])],
                env={
                    **os.environ,
                    "XNAT_URL": url,
                    "XNAT_USER": ADMIN[0],
                    "XNAT_PASSWORD": ADMIN[1],
                    "XNAT_OTHER_USER": OTHER[0],
                    "XNAT_OTHER_PASSWORD": OTHER[1],
                },
            ).returncode
            after = _contents(url)
            server.stdin.close()
    for path in (path for path in before if before[path] != after[path]):
        print(f"The tests left something behind in {path}:\n{before[path]}\n{after[path]}", file=sys.stderr)
        status = 1
    return status


def _create_other(url: str) -> None:
    account = {
        "username": OTHER[0],
        "password": OTHER[1],
        "firstName": "An",
        "lastName": "Other",
        "email": "other@example.org",
        "enabled": True,
        "verified": True,
    }
    requests.post(f"{url}/xapi/users", auth=ADMIN, json=account, timeout=60).raise_for_status()


def _contents(url: str) -> dict[str, object]:
    """What tests must leave as it was: projects, accounts, settings."""
    found: dict[str, object] = {}
    for path in ("/data/projects?format=csv", "/xapi/users", "/xapi/siteConfig"):
        answer = requests.get(url + path, auth=ADMIN, timeout=60)
        answer.raise_for_status()
        found[path] = answer.text
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
