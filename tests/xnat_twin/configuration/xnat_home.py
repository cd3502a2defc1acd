"""Reads an XNAT home folder: the database account of xnat-conf.properties, and the settings of two .ini files.

Those of prefs-init.ini are for the first start, those of prefs-override.ini for every one. Only what the practice XNAT
uses is read. Formats: Java properties and XNAT's ini, as deployed for a real XNAT.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from sqlalchemy.engine import URL

from xnat_twin.configuration.database_tls import HomeError, Tls, tls_of

_JDBC = re.compile(
    r"jdbc:postgresql://(?P<host>\[[^\]]+\]|[^:/?]+)(?::(?P<port>\d+))?/(?P<database>[^?]+)(?:\?(?P<options>.*))?"
)


@dataclass(frozen=True)
class XnatHome:
    """What the files of one home folder say."""

    path: Path
    database: URL
    tls: Tls
    preferences: Mapping[str, Any]
    admin_password: str | None
    notifications: Mapping[str, str] = field(default_factory=dict)
    #: What prefs-override.ini sets again at every start, of the site's settings and of its notifications.
    overrides: Mapping[str, Any] = field(default_factory=dict)
    notification_overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def archive(self) -> Path:
        """`archivePath` of prefs-init.ini, else the folder `archive` beside the home folder."""
        configured = self.preferences.get("archivePath")
        return Path(configured) if configured else self.path.resolve().parent / "archive"


def read_home(path: Path) -> XnatHome:
    """Read the configuration below `path`. Raises HomeError."""
    conf = path / "config" / "xnat-conf.properties"
    try:
        properties = parse_properties(conf.read_text("utf-8"))
    except OSError as error:
        raise HomeError(f"cannot read {conf}: {error.strerror}; XNAT needs it for its database account") from error
    missing = [key for key in ("url", "username", "password") if not properties.get(f"datasource.{key}")]
    if missing:
        raise HomeError(f"{conf}: set {', '.join(f'datasource.{key}' for key in missing)}")
    database, tls = database_url(
        properties["datasource.url"], properties["datasource.username"], properties["datasource.password"]
    )
    sections = _read_ini(path / "config" / "prefs-init.ini")
    overrides = _read_ini(path / "config" / "prefs-override.ini")
    return XnatHome(
        path,
        database,
        tls,
        {name: _typed(value) for name, value in sections.get("siteConfig", {}).items()},
        sections.get("system", {}).get("defaultAdminPassword") or None,
        sections.get("notifications", {}),
        {name: _typed(value) for name, value in overrides.get("siteConfig", {}).items()},
        overrides.get("notifications", {}),
    )


def database_url(jdbc: str, username: str, password: str) -> tuple[URL, Tls]:
    """A JDBC URL and an account as SQLAlchemy's URL, and what it says of TLS. Raises HomeError."""
    match = _JDBC.fullmatch(jdbc.strip())
    if match is None:
        raise HomeError(f"datasource.url is {jdbc!r}, expected jdbc:postgresql://HOST[:PORT]/DATABASE[?OPTIONS]")
    options = dict(option.partition("=")[::2] for option in (match["options"] or "").split("&") if option)
    url = URL.create(
        "postgresql+pg8000",
        username,
        password,
        match["host"].strip("[]"),
        int(match["port"] or 5432),
        match["database"],
    )
    return url, tls_of({name: unquote_plus(value) for name, value in options.items()})


def parse_properties(text: str) -> dict[str, str]:
    """A Java properties file: `key=value`, `key: value`, comments, continued lines, backslash escapes."""
    text = re.sub(r"(?<!\\)((?:\\\\)*)\\\r?\n[ \t]*", r"\1", text)
    found: dict[str, str] = {}
    for line in text.splitlines():
        line = line.lstrip()
        if not line or line[0] in "#!":
            continue
        match = re.match(r"(?P<key>(?:\\.|[^\\:=\s])+)\s*[:=]?\s*(?P<value>.*)", line)
        if match is not None:
            found[_unescape(match["key"])] = _unescape(match["value"])
    return found


def _unescape(text: str) -> str:
    named = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}

    def plain(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else named.get(code, code)

    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", plain, text)


def _read_ini(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, configparser.Error) as error:
        raise HomeError(f"cannot use {path}: {error}") from error
    return {section: dict(parser[section]) for section in parser.sections()}


def _typed(value: str) -> str | bool:
    return {"true": True, "false": False}.get(value.strip().lower(), value.strip())
