"""`/data/services/settings[/NAME[/VALUE]]`: how 1.6 is configured. Reference: SettingsRestlet.

The settings are the site's preferences; some have an older name here. For administrators only.
"""

from __future__ import annotations

import json
from urllib.parse import unquote_plus

from falcon import Request, Response

from xnat_twin.configuration.site_settings import DEFAULTS
from xnat_twin.errors import StatusError
from xnat_twin.resources.base import Endpoint, params_of, read_body, send_text, user_of

#: Name here -> name among the preferences. All other names are the same, known or not.
_OTHER_NAMES = {"siteAdminEmail": "adminEmail", "enableNewRegistrations": "userRegistration"}
_ALWAYS_THERE = {
    "smtpHost": "localhost",
    "dcmPort": "8104",
    "dcmAe": "XNAT",
    "anonScript": "",
    "anonEnabled": "true",
    "appletScript": "",
    "restMockCallMap": "",
}
#: Who is told of what; the administrator's address until somebody else is named.
_SUBSCRIPTIONS = ("error", "issue", "newUser", "update")
#: Preferences that 1.6 shows under these names and no other.
_OF_1_6 = (
    "siteId",
    "siteUrl",
    "requireLogin",
    "emailVerification",
    "archivePath",
    "prearchivePath",
    "cachePath",
    "buildPath",
    "ftpPath",
    "pipelinePath",
    "enableCsrfToken",
    *_OTHER_NAMES,
)


class Settings(Endpoint):
    """GET shows all or one; PUT and POST set what is in the body or the path; `initialize` sets up the site."""

    def on_get(self, req: Request, resp: Response, name: str = "", value: str = "") -> None:
        self._check(req, initialized=True)
        settings = self._settings()
        if not name:
            self._send(resp, settings, "Settings")
            return
        if name not in settings:
            raise StatusError(400, f"Setting '{name}' was not found in the system.")
        if params_of(req).get("format") == "xml":
            send_text(resp, f"<{name}>{settings[name]}</{name}>", content_type="text/xml")
        else:
            self._send(resp, settings[name], name)

    def _send(self, resp: Response, result: object, title: str) -> None:
        send_text(resp, f'{{"ResultSet":{{"Result":{json.dumps(result)}, "title": "{title}"}}}}')

    def on_put(self, req: Request, resp: Response, name: str = "", value: str | None = None) -> None:
        """PUT of a name that is not there is a 400; POST adds it, and so do both when it is in the body.

        A value in the path is stored as it was sent, `%20` and all, and ends at its first slash.
        """
        self._check(req, initialized=name != "initialize")
        if name == "initialize":
            self._set(_decoded(read_body(req)) | {"initialized": "true"})
            return
        if not name:
            self._set(_decoded(read_body(req)))
        elif req.method == "PUT" and name not in self._settings():
            raise StatusError(400, f"Setting '{name}' was not found in the system.")
        elif value is None:
            raise StatusError(400, f"Setting '{name}' cannot be set to NULL.")
        else:
            self._set({name: value.partition("/")[0]})
        self.on_get(req, resp, name)

    on_post = on_put

    def _check(self, req: Request, *, initialized: bool) -> None:
        """500 if the site is configured and should not be, or the other way round: the constructor throws."""
        if self.site.preferences.initialized != initialized:
            raise StatusError(500)
        if not user_of(req).admin:
            raise StatusError(403, "Only site admins can retrieve the system settings.")

    def _settings(self) -> dict[str, object]:
        preferences = self.site.preferences.all()
        shown = {name: preferences[_OTHER_NAMES.get(name, name)] for name in _OF_1_6}
        added = {name: value for name, value in preferences.items() if name not in DEFAULTS}
        return _ALWAYS_THERE | dict.fromkeys(_SUBSCRIPTIONS, preferences["adminEmail"]) | added | shown

    def _set(self, values: dict[str, str]) -> None:
        try:
            self.site.preferences.set({_OTHER_NAMES.get(name, name): value for name, value in values.items()})
        except ValueError as error:
            raise StatusError(400, str(error)) from error


def _decoded(body: bytes) -> dict[str, str]:
    """Split at `&` and at the first `=`, then form-decoded: a `+` is a space. A name without `=` is an empty value."""
    pairs = (part.partition("=") for part in body.decode("utf-8", "replace").split("&"))
    return {name: unquote_plus(value) for name, _, value in pairs if name}
