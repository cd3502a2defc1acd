"""Ansible filter for Java's properties files. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

# Everything but printable ASCII, and what has a meaning there or in front of it.
_ESCAPED = re.compile(r"""[^ !#-\[\]-~]|\A """)


def java_property(value: Any) -> str:
    """A value as java.util.Properties reads it back: letter for letter, whatever the encoding it expects."""
    return _ESCAPED.sub(_escape, str(value))


def _escape(found: re.Match[str]) -> str:
    letter = found[0]
    if letter in '"\\':
        return f"\\{letter}"
    units = letter.encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter by name."""
        return {"java_property": java_property}
