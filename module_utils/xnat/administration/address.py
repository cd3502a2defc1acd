"""The paths of a site's administration. Sends nothing and reads nothing."""

from __future__ import annotations

from urllib.parse import quote

SETTINGS = "/xapi/siteConfig"
BUILD = "/xapi/siteConfig/buildInfo"
UPTIME = "/xapi/siteConfig/uptime"
# All that a 1.6 tells of itself without a login.
VERSION_OF_1_6 = "/data/version"
# 1.6's own settings; the second one sets up a site that never was.
SETTINGS_OF_1_6 = "/data/services/settings"
INITIALIZE_1_6 = f"{SETTINGS_OF_1_6}/initialize"
SITE_ID = "/xapi/siteConfig/siteId"
SITE_URL = "/xapi/siteConfig/siteUrl"
# Never .../smtp: its PUT mixes up user name, password and protocol, and what its POST is not told becomes "NotSet"
# (NotificationsApi). The same values have names of their own in the whole map.
NOTIFICATIONS = "/xapi/notifications"
PLUGINS = "/xapi/plugins"
DATA_TYPES = "/xapi/schemas/datatypes"
DATA_TYPES_OF_1_6 = "/data/search/elements"
USERS = "/xapi/users"
PROFILES = "/xapi/users/profiles"
OWN_NAME = "/xapi/users/username"
RECEIVERS = "/xapi/dicomscp"


def user(name: str) -> str:
    """One account."""
    return f"{USERS}/{quote(name, safe='')}"


def roles(name: str) -> str:
    """The roles of an account."""
    return f"{user(name)}/roles"


def role(name: str, of: str) -> str:
    """One role of an account."""
    return f"{roles(name)}/{quote(of, safe='')}"


def groups(name: str) -> str:
    """The groups of an account."""
    return f"{user(name)}/groups"


def group(name: str, of: str) -> str:
    """One group of an account."""
    return f"{groups(name)}/{quote(of, safe='')}"


def biobank_token(project: str) -> str:
    """The token for UK Biobank of a project, where the DPUK's module dpuk-biobank keeps it."""
    return f"/data/modules/biobank/projects/{quote(project, safe='')}/token"


def receiver(number: int) -> str:
    """One DICOM receiver."""
    return f"{RECEIVERS}/{number}"
