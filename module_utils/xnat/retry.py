"""When to ask again, and how long to wait before: statuses, Retry-After, growing pauses, the login page. Sends nothing.

What a repetition may do is decided where the request is known: session.py repeats whole requests, transfer.py files.
"""

from __future__ import annotations

import random
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

# The server is starting, restarting or has too much to do: nothing was done, ask again. A 500 of XNAT is often the
# client's fault (a bad label, an empty body) and is never repeated for its status alone.
TRY_AGAIN = frozenset({429, 502, 503, 504})

# Seconds. The longest is also the most that a server is given when it says itself how long to wait.
_FIRST, _LONGEST = 0.5, 60.0
_HTML = re.compile(r"\s*<(!doctype|html)", re.IGNORECASE)
_PASSWORD_FIELD = re.compile(r"<input[^>]*type\s*=\s*[\"']?password", re.IGNORECASE)


def retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for (a number or a date); None if it says nothing."""
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max((moment - datetime.now(timezone.utc)).total_seconds(), 0.0)


def pause_before(attempt: int, asked: float | None = None) -> float:
    """Return how many seconds to wait after the attempt of that number (from 0).

    Twice as long each time, and never quite the same: workers that failed together must not come back together. `asked`
    is what the server wants; it is waited for in full, up to a minute.
    """
    growing = min(_FIRST * float(2**attempt), _LONGEST)
    part = random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, guards nothing)
    return growing * part if asked is None else min(asked, _LONGEST) + growing * (part - 0.5)


def is_page(text: str) -> bool:
    """Whether the text is a web page."""
    return bool(_HTML.match(text))


def is_login_page(text: str) -> bool:
    """Whether the text is a page that asks for a password: XNAT's answer, as 200, where a session has run out."""
    return is_page(text) and bool(_PASSWORD_FIELD.search(text))
