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

from xnat_twin.testing import Session, program

TESTS = Path(__file__).resolve().parent
PASSWORD, OTHER = secrets.token_urlsafe(12), ("ordinary", secrets.token_urlsafe(12))


def main(arguments: list[str]) -> int:
    """The status of pytest, or 1 if it left something behind."""
    with tempfile.TemporaryDirectory() as folder, program(Path(folder), password=PASSWORD) as admin:
        _create_other(admin)
        before = _contents(admin)
        status = subprocess.run(
            [sys.executable, "-m", "pytest", *(arguments or [str(TESTS / "contract")])],
            env={
                **os.environ,
                "XNAT_URL": admin.url,
                "XNAT_USER": "admin",
                "XNAT_PASSWORD": PASSWORD,
                "XNAT_OTHER_USER": OTHER[0],
                "XNAT_OTHER_PASSWORD": OTHER[1],
            },
        ).returncode
        after = _contents(admin)
    for path in (path for path in before if before[path] != after[path]):
        print(f"The tests left something behind in {path}:\n{before[path]}\n{after[path]}", file=sys.stderr)
        status = 1
    return status


def _create_other(admin: Session) -> None:
    account = {
        "username": OTHER[0],
        "password": OTHER[1],
        "firstName": "An",
        "lastName": "Other",
        "email": "other@example.org",
        "enabled": True,
        "verified": True,
    }
    admin.post("/xapi/users", json=account, timeout=60).raise_for_status()


def _contents(admin: Session) -> dict[str, str]:
    """What tests must leave as it was: projects, accounts, settings."""
    found = {}
    for path in ("/data/projects?format=csv", "/xapi/users", "/xapi/siteConfig"):
        answer = admin.get(path, timeout=60)
        answer.raise_for_status()
        found[path] = answer.text
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
