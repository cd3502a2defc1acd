"""Ansible filter for files of certificates. Pure: it reads text."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_CERTIFICATE = {"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"}


def only_certificates(text: str) -> bool:
    """Whether a text in PEM form holds one certificate or more, and nothing secret: such a file is read by many."""
    blocks = _BLOCK.findall(text)
    return bool(blocks) and all(label in _CERTIFICATE and _is_base64(body) for label, body in blocks)


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode("".join(text.split()), validate=True))
    except binascii.Error:
        return False


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter by name."""
        return {"only_certificates": only_certificates}
