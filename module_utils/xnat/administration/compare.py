"""Whether XNAT has a value already: it keeps most of them as text, whatever they came as. Pure."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

HIDDEN = "********"
_SECRET = re.compile(
    r"(password|passphrase|secret|token|(private|api)[_.]?key|credentials?|mailproperties)$", re.IGNORECASE
)
# What is switched on or off is no secret, whatever it is called: requireSaltedPasswords, enableCsrfToken.
_SWITCH = re.compile(r"(allow|can|enable|require|show|ui)[A-Z]")
# What Ansible leaves in a nested value for `omit`; it must never arrive as text.
_OMITTED = "__omit_place_holder__"
_DURATION = re.compile(r"\s*(\d+)\s+(second|sec|minute|min|hour|day|week)s?\s*", re.IGNORECASE)
_SECONDS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86400, "week": 604800}


def is_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret: its value is never shown."""
    return _SECRET.search(name) is not None and _SWITCH.match(name) is None


def shown(name: str, value: Any) -> Any:
    """The value as it may be shown."""
    return HIDDEN if is_secret(name) and value not in (None, "") else value


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that were not left out by `omit`."""
    return {
        name: value for name, value in values.items() if not (isinstance(value, str) and value.startswith(_OMITTED))
    }


def as_text(value: Any) -> str:
    """A value as XNAT writes it into a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value)
    return "" if value is None else str(value)


def same(wanted: Any, stored: Any) -> bool:
    """Whether XNAT has the value `wanted`, in whatever type it keeps it."""
    if not isinstance(wanted, bool | int | float) and not wanted and stored in ("", [], {}, None):
        return True
    if isinstance(stored, str) and isinstance(wanted, list | dict):
        stored = _decoded(stored)
    if isinstance(wanted, list) or isinstance(stored, list):
        return isinstance(stored, list) and [as_text(one) for one in _listed(wanted)] == [
            as_text(one) for one in stored
        ]
    if isinstance(wanted, dict) or isinstance(stored, dict):
        return (
            isinstance(wanted, dict)
            and isinstance(stored, dict)
            and wanted.keys() == stored.keys()
            and all(same(value, stored[name]) for name, value in wanted.items())
        )
    one, other = as_text(wanted), as_text(stored)
    if isinstance(wanted, bool) or isinstance(stored, bool):
        return one.strip().lower() == other.strip().lower()
    if one == other:
        return True
    # Two texts that look like numbers may be versions: 1.10 is not 1.1.
    if any(isinstance(value, int | float) for value in (wanted, stored)):
        return _number(one) is not None and _number(one) == _number(other)
    return _seconds(one) is not None and _seconds(one) == _seconds(other)


def same_addresses(wanted: Any, stored: Any) -> bool:
    """Whether two lists of addresses, as texts or lists, have the same ones; XNAT gives them in any order."""
    return _addresses(wanted) == _addresses(stored)


def _addresses(value: Any) -> set[str]:
    text = ",".join(map(str, value)) if isinstance(value, list) else as_text(value)
    return {part.strip().lower() for part in text.split(",") if part.strip()}


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [part.strip() for part in as_text(value).split(",") if part.strip()]


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", text) else None


def _seconds(text: str) -> int | None:
    """A duration such as `15 minutes` in seconds; None for any other text."""
    match = _DURATION.fullmatch(text)
    return int(match[1]) * _SECONDS[match[2].lower()] if match else None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that somebody who wrote `name` most likely meant."""
    by_lower = {one.lower(): one for one in sorted(known)}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def digest(text: str) -> str:
    """A text that is too long to be shown: its lines, characters, and the beginning of its SHA-256."""
    checksum = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{len(text.splitlines())} lines, {len(text)} characters, sha256 {checksum}..."
