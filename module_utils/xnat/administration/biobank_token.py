"""The token with which a node of UK Biobank fetches the images of a project, kept by the DPUK's module dpuk-biobank.

XNAT says whether a project has a token, and never which: what was sent is written down as its checksum, in a file of
the machine that sent it. A token that somebody gave on XNAT's page since then is not seen.
Reference: dpuk-biobank 0-4, BioBankTokenUploaderRestlet, BioBankTokenServiceImpl.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ..address import Address
from ..errors import InputError, VerificationError
from ..model import Outcome
from ..session import Session
from . import address

# What the module says of a 500; it answers so to everything but a missing right.
_NONE, _OTHER_FORM = "missing biobank token", "incorrect key format"
_ADVICE = {
    403: "Only a member or an owner of the project may do that. Use such an account.",
    404: "XNAT has no such address: is the module dpuk-biobank installed?",
}
_FORM = "The token must have the form that the site's setting biobank.keyregex asks for, to its last character."


class TokenBody:
    """A token as the file of a multipart form."""

    headers: dict[str, str]

    def __init__(self, token: str) -> None:
        """Take it as it is."""
        self.size = len(token)
        self.headers = {}
        self._token = token

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of requests."""
        return {"files": {"file": ("ukb.key", self._token.encode(), "application/octet-stream")}}


class Record:
    """Checksums of what was sent, by server and project, in a file that its owner alone can read."""

    def __init__(self, path: str) -> None:
        """Read what there is; a file that is no record is begun anew."""
        self._path = Path(path)
        self._kept: dict[str, str] = {}
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._path.read_text(encoding="utf-8"))
            self._kept = {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}

    def has(self, name: str, token: str) -> bool:
        """Whether this token was the last one to be sent."""
        return self._kept.get(name) == _checksum(token)

    def check(self) -> None:
        """Raise InputError if nothing could be written there."""
        folder = self._path.parent
        if self._path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
            raise InputError(f"record: {self._path} cannot be written. Is there such a folder, and is it yours?")

    def keep(self, name: str, token: str | None) -> None:
        """Write down what was sent, or that nothing is kept there any more."""
        self._kept.pop(name, None)
        if token is not None:
            self._kept[name] = _checksum(token)
        fresh = self._path.with_name(f"{self._path.name}.new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(self._kept, file, indent=1, sort_keys=True)
        fresh.replace(self._path)


def _checksum(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def ensure(session: Session, project: str, token: str, record_path: str, *, present: bool) -> Outcome:
    """Give the project this token, or none."""
    # A file from an editor ends its last line, which the module would take for a part of the key.
    token = token.replace("\r\n", "\n").strip("\n")
    if present and not token:
        raise InputError("project_token: is empty. It is the number of the application and its key, in two lines.")
    found = session.read(Address(project=project).path, f"find the project {project}", {"format": "json"})
    if found is None:
        raise InputError(f"project: there is no project {project}, or this account may not see it.")
    path = address.biobank_token(project)
    record, name = Record(record_path), f"{session.server.base} {project}"
    there = _is_there(session, path, project)
    same = there and record.has(name, token)
    outcome = Outcome(object={"project": project, "present": present})
    if same if present else not there:
        return outcome
    what = f"UK Biobank token of project {project}"
    outcome.changed = True
    outcome.before[what] = {"token": "another one, or not sent from here" if there else "none"}
    outcome.after[what] = {"token": "as given" if present else "none"}
    if session.check_mode:
        return outcome
    record.check()
    doing = f"{'keep' if present else 'delete'} the {what}"
    body = TokenBody(token) if present else None
    method = "POST" if present else "DELETE"
    answer = session.request(method, path, doing, body=body, accept=(200, 500), advice=_ADVICE)
    if answer.status == 500:
        raise session.failure(method, path, doing, answer, _FORM if _OTHER_FORM in answer.text else None)
    if _is_there(session, path, project) is not present:
        raise VerificationError(f"XNAT answered 200 and the {what} is {'not there' if present else 'still there'}.")
    record.keep(name, token if present else None)
    return outcome


def _is_there(session: Session, path: str, project: str) -> bool:
    doing = f"look for the UK Biobank token of project {project}"
    answer = session.request("GET", path, doing, accept=(200, 500), advice=_ADVICE)
    if answer.status == 500 and _NONE not in answer.text:
        raise session.failure("GET", path, doing, answer)
    return answer.status == 200
