"""JSON to and from `/xapi`, and its errors in words. What is asked for is decided elsewhere."""

from __future__ import annotations

import json
from typing import Any

from ..session import Answer, Session

# What a refusal of these services means; the ones that everybody has are in explain.py.
_ADVICE = {
    403: "Only an administrator of the site may do that. Use such an account.",
    409: "It exists already, or it is the last of its kind. Nothing was changed.",
}
ADMINISTRATOR_ONLY = _ADVICE[403]


class JsonBody:
    """A JSON document as the body of a request."""

    def __init__(self, content: Any) -> None:
        """Write it down."""
        self._content = json.dumps(content).encode()
        self.size = len(self._content)
        self.headers = {"Content-Type": "application/json"}

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of requests."""
        return {"data": self._content}


def read(session: Session, path: str, doing: str, accept: tuple[int, ...] = (200,)) -> Any:
    """GET JSON of any kind; None for an accepted answer that is no success."""
    answer = session.request("GET", path, doing, accept=accept, advice=_ADVICE)
    if answer.status >= 300:
        return None
    value = answer.json()
    if value is None:
        raise session.failure(
            "GET",
            path,
            doing,
            answer,
            "The answer is not JSON. Is this an XNAT of 1.7 or later, and its address right?",
        )
    return value


def send(
    session: Session, method: str, path: str, doing: str, content: Any = None, accept: tuple[int, ...] = (200, 201, 304)
) -> Answer:
    """Send a change, once: a 304 says that there was nothing to do. Whoever sends it looks what became of it."""
    body = None if content is None else JsonBody(content)
    return session.request(method, path, doing, body=body, accept=accept, advice=_ADVICE)
