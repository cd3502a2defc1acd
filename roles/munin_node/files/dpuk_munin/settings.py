"""What plugin-conf.d tells a plugin, from its environment. A wrong word is one line that names the variable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


class SettingError(Exception):
    """A variable of plugin-conf.d is missing or cannot be read; the message says which and what to do."""


@dataclass(frozen=True)
class Settings:
    """The env.* of one plugin."""

    environment: Mapping[str, str]

    def text(self, name: str, fallback: str = "") -> str:
        """A word or more."""
        return self.environment.get(name, "").strip() or fallback

    def required(self, name: str, example: str) -> str:
        """The same, but it must be there."""
        found = self.text(name)
        if not found:
            raise SettingError(f"env.{name} is not set in /etc/munin/plugin-conf.d; it reads: env.{name} {example}")
        return found

    def number(self, name: str, fallback: float) -> float:
        """A positive number."""
        found = self.text(name, str(fallback))
        try:
            value = float(found)
        except ValueError:
            value = -1.0
        if not 0 < value < 1e12:
            raise SettingError(f"env.{name} ({found}) is no positive number; it reads: env.{name} {fallback:g}")
        return value

    def pairs(self, name: str, example: str, reserved: tuple[str, ...] = ()) -> dict[str, str]:
        """`name=value` words; names are names of fields, but for those that the plugin has itself."""
        found: dict[str, str] = {}
        for word in self.required(name, example).split():
            key, separator, value = word.partition("=")
            taken = key in found or key in reserved
            if not separator or not value or not re.fullmatch("[a-z][a-z0-9_]*", key) or taken:
                raise SettingError(f"env.{name}: {word} is not NAME=VALUE with a name of its own, as in: {example}")
            found[key] = value
        return found
