"""What there is to know of a site: version, health, plugins, data types, and who is asking. Changes nothing."""

from __future__ import annotations

import re
from typing import Any

from ..errors import ConnectError, LoginError, RequestError
from ..session import Session
from . import address, legacy_settings, wire
from .accounts import ADMINISTRATOR


def gather(session: Session, *, need_login: bool) -> dict[str, Any]:
    """Return what is open to everybody and, as far as the account gets in, the rest.

    Without `need_login` an XNAT that is away, or does not take the account, is a fact like any other.
    """
    found: dict[str, Any] = {"reachable": False, "version": None, "build": {}, "site_id": None, "site_url": None}
    found["refused"] = False
    found |= {"account": None, "problem": None, "initialized": None, "uptime": {}, "plugins": {}, "data_types": []}
    try:
        found |= _open(session)
        found |= _inside(session) if found["build"] else _inside_1_6(session)
    except (ConnectError, LoginError, RequestError) as error:
        if need_login:
            raise
        found["problem"] = error.message
        found["refused"] = isinstance(error, LoginError) and " answered 401 " in error.message
    return found


def _open(session: Session) -> dict[str, Any]:
    answer = session.open(address.BUILD, "ask for the version")
    build = answer.json()
    if answer.status != 200 or not isinstance(build, dict) or not build.get("version"):
        old = session.open(address.VERSION_OF_1_6, "ask for the version")
        if old.status == 200 and re.fullmatch(r"\s*1\.6[\w.-]*\s*", old.text):
            return {"reachable": True, "version": old.text.strip()}
        raise session.failure("GET", address.BUILD, "ask for the version", answer)
    return {
        "reachable": True,
        "version": str(build["version"]),
        "build": build,
        "site_id": _text(session, address.SITE_ID),
        "site_url": _text(session, address.SITE_URL),
    }


def _text(session: Session, path: str) -> str | None:
    """One open setting. It comes as text without quotes, whatever it calls itself."""
    answer = session.open(path, "ask for what the site calls itself")
    return answer.text.strip().strip('"') if answer.status == 200 else None


def _inside(session: Session) -> dict[str, Any]:
    session.server.credentials  # noqa: B018 (raises LoginError if there are none)
    initialized = session.request(
        "GET", address.SETTINGS + "/initialized", "ask whether the site is set up", accept=(200, 403)
    )
    is_set_up = None if initialized.status == 403 else initialized.text.strip().lower() == "true"
    if is_set_up is False:
        return {"initialized": False}
    name = session.text(address.OWN_NAME, "ask who this account is") or ""
    roles = wire.read(session, address.roles(name), f"read the roles of {name}")
    groups = wire.read(session, address.groups(name), f"read the groups of {name}")
    return {
        "initialized": True,
        "uptime": wire.read(session, address.UPTIME, "ask how long it has been up"),
        "plugins": wire.read(session, address.PLUGINS, "list the plugins"),
        "data_types": wire.read(session, address.DATA_TYPES, "list the data types"),
        "account": {
            "username": name,
            "administrator": ADMINISTRATOR in roles,
            "roles": sorted(map(str, roles)),
            "groups": sorted(map(str, groups)),
        },
    }


def _inside_1_6(session: Session) -> dict[str, Any]:
    """Without `/xapi` there are neither plugins nor roles to ask for; who reads the settings is an administrator."""
    user = session.server.credentials[0]
    try:
        settings = legacy_settings.read(session)
    except RequestError as error:
        if error.status != 403:
            raise
        return {"initialized": True, "account": {"username": user, "administrator": False}}
    if settings is None:
        return {"initialized": False}
    types = session.rows(address.DATA_TYPES_OF_1_6, "list the data types") or []
    return {
        "initialized": True,
        "site_id": settings["siteId"],
        "site_url": settings.get("siteUrl"),
        "data_types": sorted(row["ELEMENT_NAME"] for row in types),
        "account": {"username": user, "administrator": True},
    }
