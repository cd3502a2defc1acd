"""`/practice/faults`: the switch for faults on demand. It is no part of XNAT and exists only with `--allow-faults`.

For administrators. Answers are JSON, errors plain text. What a fault is, faults.py says.
"""

from __future__ import annotations

import json

from falcon import Request, Response

from xnat_twin.errors import XapiError
from xnat_twin.faults import Fault, FaultError
from xnat_twin.resources.base import Endpoint, read_body, send_json, user_of


class FaultList(Endpoint):
    """GET lists what has not struck yet, POST adds one fault or a list of them, DELETE forgets them all."""

    def on_get(self, req: Request, resp: Response) -> None:
        _require_admin(req)
        self._send(resp)

    def on_post(self, req: Request, resp: Response) -> None:
        _require_admin(req)
        self.site.faults.add(*_faults(read_body(req)))
        self._send(resp)

    def on_delete(self, req: Request, resp: Response) -> None:
        _require_admin(req)
        self.site.faults.clear()
        self._send(resp)

    def _send(self, resp: Response) -> None:
        send_json(resp, {"faults": [fault.words() for fault in self.site.faults.waiting()]})


def _require_admin(req: Request) -> None:
    if not user_of(req).admin:
        raise XapiError(403, "Only administrators may set faults")


def _faults(body: bytes) -> list[Fault]:
    """The faults in a body; if one of them is wrong, none. Raises XapiError(400) with the reason."""
    try:
        given = json.loads(body)
    except ValueError as error:
        raise XapiError(400, f"The body is not JSON: {error}") from error
    faults = []
    for number, words in enumerate(given if isinstance(given, list) else [given], start=1):
        try:
            if not isinstance(words, dict):
                raise FaultError(f'a fault is an object such as {{"status": 503}}, not {words!r}')
            faults.append(Fault.of(**words))
        except FaultError as error:
            raise XapiError(400, f"Fault {number}: {error}") from error
    return faults
