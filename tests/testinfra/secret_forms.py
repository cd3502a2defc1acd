"""The forms in which a secret may stand in what a program prints: as it is, quoted, escaped, or encoded."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus


def forms(secret: str) -> set[str]:
    """Each form that says the secret to who knows how to read it.

    In base64 the secret may stand behind other bytes (``user:``), which shifts it; so only those characters are looked
    for that depend on nothing but the secret, for each of the three shifts.
    """
    found = {secret, repr(secret)[1:-1], quote(secret, safe=""), quote_plus(secret), quote(secret)}
    found |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    found |= {json.dumps(form)[1:-1] for form in list(found)}
    data = secret.encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + data).rstrip(b"=").decode()
        # What mixes with the bytes before and after is cut off: up to two characters at either end.
        inner = encoded[(0, 2, 3)[shift] : len(encoded) - 1]
        found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return found


def told(text: str, secrets: dict[str, str]) -> list[str]:
    """The names of those secrets that a text tells."""
    return [name for name, secret in secrets.items() if any(form in text for form in forms(secret))]
