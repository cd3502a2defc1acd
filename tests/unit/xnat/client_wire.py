"""A wire whose answers are written in the test: what was sent is recorded, nothing reaches a network."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import BaseAdapter

Reply = tuple[int, str] | tuple[int, str, dict[str, str]] | Exception
LOGIN_ID = "0123456789ABCDEF0123456789ABCDEF"
LOGIN: Reply = (200, LOGIN_ID)


@dataclass
class Wire(BaseAdapter):
    """Answers requests from a list; `sent` has (method, URL, body bytes) of each, login and logout included.

    `ways` has the proxies and the CA (a path, or whether to ask for one) by which each would have gone.
    """

    replies: list[Reply] = field(default_factory=list)
    sent: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    ways: list[tuple[Any, Any]] = field(default_factory=list)

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, *, proxies: Any, verify: Any, **_: Any
    ) -> requests.Response:
        self.ways.append((dict(proxies), verify))
        body: Any = request.body or b""
        if hasattr(body, "read"):
            body = body.read()
        self.sent.append((str(request.method), str(request.url), body if isinstance(body, bytes) else body.encode()))
        self.headers.append({name: str(value) for name, value in request.headers.items()})
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        response = requests.Response()
        response.status_code = reply[0]
        response.raw = io.BytesIO(reply[1].encode())
        response.headers.update(reply[2] if len(reply) > 2 else {})
        response.request, response.url = request, str(request.url)
        return response

    def close(self) -> None:
        """Nothing to close."""

    @property
    def requests(self) -> list[str]:
        """Method and path with query of what was sent."""
        return [f"{method} {url.removeprefix('https://xnat.test')}" for method, url, _ in self.sent]
