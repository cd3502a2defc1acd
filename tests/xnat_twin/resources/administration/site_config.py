"""`/xapi/siteConfig`: the site's build, how long it has been up, and its settings. Reference: SiteConfigApi."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from falcon import Request, Response
from sqlalchemy import update

from xnat_twin.configuration.preferences import Preferences
from xnat_twin.configuration.site_settings import AUTHENTICATED, PUBLIC
from xnat_twin.errors import XapiError, XapiRefusalError
from xnat_twin.resources.administration.xapi import XapiEndpoint, json_object, not_found, send_value
from xnat_twin.resources.base import media_type, read_body, send_json, user_of
from xnat_twin.storage.store import User

_UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60))


class BuildInfo(XapiEndpoint):
    """`buildInfo[/PROPERTY]`: the best readiness probe; the whole is open to everyone. What is unknown is empty."""

    def on_get(self, req: Request, resp: Response, name: str | None = None) -> None:
        info = {
            "version": self.site.version,
            "buildNumber": "1",
            "buildDate": "Mon Jan 05 12:00:00 UTC 2026",
            "sha": "practice",
            "isDirty": "false",
            "timestamp": "1767614400000",
            "hostName": "localhost",
            "displayHostName": "false",
            "nodeId": "NODE_ID_NOT_CONFIGURED",
        }
        if name is None:
            send_json(resp, info)
        else:
            send_value(resp, info.get(name, ""))


class Uptime(XapiEndpoint):
    """`uptime[/display]`: as texts; units that are zero are left out, except seconds. Reference: XnatAppInfo."""

    def on_get(self, req: Request, resp: Response) -> None:
        send_json(resp, self._uptime())

    def on_get_display(self, req: Request, resp: Response) -> None:
        send_value(resp, ", ".join(f"{value} {unit}" for unit, value in self._uptime().items()))

    def _uptime(self) -> dict[str, str]:
        left, found = time.time() - self.site.started, {}
        for unit, seconds in _UNITS:
            if left >= seconds:
                found[unit] = str(int(left // seconds))
                left %= seconds
        return found | {"seconds": f"{left:.3f}"}


def _may_read(user: User, name: str) -> bool:
    return user.admin or name in (PUBLIC if user.is_guest else AUTHENTICATED)


class SiteConfig(XapiEndpoint):
    """`/xapi/siteConfig`: what the caller may read. Administrators may set any name; unknown ones become text."""

    def on_get(self, req: Request, resp: Response) -> None:
        user, preferences = user_of(req), self.site.preferences
        if not preferences.initialized:
            if not user.admin:
                send_json(resp, {})
                return
            if not preferences["siteUrl"]:
                preferences.set({"siteUrl": req.prefix})
        send_json(resp, {name: value for name, value in preferences.all().items() if _may_read(user, name)})

    def on_post(self, req: Request, resp: Response) -> None:
        """Set what is before a null, then fail. `initialized` comes last, wherever it stands in the map."""
        self.admin(req, resp)
        if media_type(req) not in {"application/json", "application/x-www-form-urlencoded"}:
            raise XapiError(415)
        given = json_object(req)
        first_null = next((name for name, value in given.items() if value is None), None)
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name == first_null:
                break
            values[name] = value
        was_initialized = self.site.preferences.initialized
        if first_null is not None and not was_initialized:
            values.pop("initialized", None)
        _set(self.site.preferences, values)
        if not was_initialized and isinstance(values.get("adminEmail"), str):
            self._rename_accounts(values["adminEmail"])
        if first_null is not None:
            raise XapiError(500, "There was an error in the request : null")

    def _rename_accounts(self, email: str) -> None:
        """The first settings give the two accounts of every XNAT their address; later ones leave it alone."""
        with self.site.store.writing() as session:
            session.execute(update(User).where(User.login.in_(("admin", "guest"))).values(email=email))


class SiteConfigValues(XapiEndpoint):
    """`values/A,B`: some settings. Those that do not exist are left out; one that the caller may not read is a 403."""

    def on_get(self, req: Request, resp: Response, names: str) -> None:
        wanted = names.split(",")
        for name in wanted:
            _check_right(self, req, resp, name)
        settings = self.site.preferences.all()
        send_json(resp, {name: settings[name] for name in wanted if name in settings})


class SiteConfigProperty(XapiEndpoint):
    """`NAME`: one setting. The body of a POST is the value as it is: JSON quotes are stored with it."""

    def on_get(self, req: Request, resp: Response, name: str) -> None:
        _check_right(self, req, resp, name)
        if name not in self.site.preferences:
            raise not_found(f"No site configuration property named {name}")
        send_value(resp, self.site.preferences[name])

    def on_post(self, req: Request, resp: Response, name: str) -> None:
        self.admin(req, resp)
        if media_type(req) not in {"text/plain", "application/json"}:
            raise XapiError(415)
        _set(self.site.preferences, {name: read_body(req).decode("utf-8", "replace")})


def _check_right(endpoint: XapiEndpoint, req: Request, resp: Response, name: str) -> None:
    """The public settings are for everyone, on closed sites, too; a guest is asked to log in for all others."""
    user: User | None = req.context.user
    if name in PUBLIC:
        return
    if user is None or not _may_read(user, name):
        endpoint.someone(req, resp)
        raise XapiRefusalError(403)


def _set(preferences: Preferences, values: Mapping[str, Any]) -> None:
    try:
        preferences.set(values)
    except ValueError as error:
        raise XapiError(400, str(error)) from error
