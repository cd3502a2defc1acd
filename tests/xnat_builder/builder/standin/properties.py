"""Properties files, and files in which what stands between @ and @ is to be filled in from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

#: What services.properties and InstanceSettings.xml ask for, and the property that has it.
NAMES = {
    "XDAT_DB_NAME": "xdat.project.db.name",
    "XDAT_DB_DRIVER": "xdat.project.db.driver",
    "XDAT_DB_URL": "xdat.project.db.connection.string",
    "XDAT_DB_USERNAME": "xdat.project.db.user",
    "XDAT_DB_PASSWORD": "xdat.project.db.password",
    "XDAT_MAIL_SERVER": "xdat.mail.server",
    "XDAT_MAIL_PORT": "xdat.mail.port",
    "XDAT_MAIL_USERNAME": "xdat.mail.username",
    "XDAT_MAIL_PASSWORD": "xdat.mail.password",
    "XDAT_MAIL_PROTOCOL": "xdat.mail.protocol",
    "XDAT_MAIL_ADMIN": "xdat.mail.admin",
    "XDAT_MAIL_PREFIX": "xnat.site.title",
    "XDAT_SECURITY_CHANNEL": "xdat.security.channel",
    "XDAT_URL": "xdat.url",
    "XDAT_ARCHIVE": "xdat.archive.location",
    "XDAT_PREARCHIVE": "xdat.prearchive.location",
    "XDAT_CACHE": "xdat.cache.location",
    "XDAT_BUILD": "xdat.build.location",
    "XDAT_FTP": "xdat.ftp.location",
    "XDAT_SITE_TITLE": "xnat.site.title",
}


def read(path: Path) -> dict[str, str]:
    """`name=value` lines, with the backslashes of Java's properties taken out."""
    found: dict[str, str] = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = re.sub(r"\\(.)", r"\1", value.strip())
    return found


def filled(text: str, said: Mapping[str, str]) -> str:
    """The text with all that can be filled in. A value is written as it is, even into XML."""
    return re.sub(r"@([A-Z_]+)@", lambda match: said.get(NAMES.get(match[1], ""), match[0]), text)
