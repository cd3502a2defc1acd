"""Ask an HTTP server of this host."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What came back. Status 0: nothing did, and `text` says why."""

    status: int
    text: str
    seconds: float


class _Stay(urllib.request.HTTPRedirectHandler):
    """Being sent elsewhere is an answer; to go there would measure something else."""

    def redirect_request(self, *_: object) -> None:
        """Nowhere."""


def ask(url: str, patience: float, largest: int = 1 << 20) -> Answer:
    """GET a page, by no proxy. `patience` is for the whole of it, however slowly it comes."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
    began = time.monotonic()
    try:
        with opener.open(url, timeout=patience) as response:
            parts, size = [], 0
            while size < largest and (part := response.read1(1 << 16)):
                parts.append(part)
                size += len(part)
                if time.monotonic() - began > patience:
                    return Answer(0, f"no whole answer within {patience:g} s", time.monotonic() - began)
            text = b"".join(parts).decode("utf-8", "replace")
            return Answer(response.status, text, time.monotonic() - began)
    except urllib.error.HTTPError as error:
        error.close()
        return Answer(error.code, f"answers {error.code}", time.monotonic() - began)
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = getattr(error, "reason", error)  # urllib's own says "urlopen error" around it
        return Answer(0, str(why) or type(error).__name__, time.monotonic() - began)
