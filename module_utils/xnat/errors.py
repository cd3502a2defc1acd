"""The errors of the client library. Each carries one message that a person can act on.

This file decides nothing and knows no XNAT path: messages are written where the fault is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

PROBLEMS_SHOWN = 20


class XnatError(Exception):
    """Something that stops the work; `details` are added to the result that the person sees."""

    def __init__(self, message: str, **details: Any) -> None:
        """Keep the one sentence and, beside it, facts worth having in a machine-readable result."""
        super().__init__(message)
        self.message = message
        self.details = details

    def __str__(self) -> str:
        """The message, with what was added to it on the way."""
        return self.message


class InputError(XnatError):
    """What was asked for cannot be meant, or cannot be done by XNAT; noticed before anything was written."""


class ConnectError(XnatError):
    """The server could not be reached, or it did not prove who it is."""


class LoginError(XnatError):
    """The server was reached and does not accept the account."""


class RequestError(XnatError):
    """The server answered a request with something other than success."""

    def __init__(self, message: str, *, method: str, path: str, status: int, answer: str, **details: Any) -> None:
        """Keep the request and the answer (already free of secrets) beside the message."""
        super().__init__(message, request=f"{method} {path}", status=status, **details)
        self.method = method
        self.path = path
        self.status = status
        self.answer = answer
        # Seconds that the server asked to be left alone for.
        self.retry_after: float | None = None


class ConflictError(XnatError):
    """What is on the server contradicts what was asked for, and overriding it would lose or move data."""


class VerificationError(XnatError):
    """The server said yes and the facts say no."""


class CheckModeError(XnatError):
    """A writing request was about to leave in check mode. Always a defect of this library."""


def refuse(what: str, problems: Iterable[str]) -> None:
    """Raise one InputError for all that is wrong; the first of the problems are shown, one a line. None: go on."""
    found = list(problems)
    if not found:
        return
    shown = "".join(f"\n- {problem}" for problem in found[:PROBLEMS_SHOWN])
    more = f"\n- and {len(found) - PROBLEMS_SHOWN} more" if len(found) > PROBLEMS_SHOWN else ""
    raise InputError(f"{what}:{shown}{more}", problems=found)
