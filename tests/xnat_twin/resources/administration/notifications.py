"""`/xapi/notifications`: what mail XNAT sends, and by which server. Reference: NotificationsApi.

Changes of `…/smtp` are left out: what a real server makes of them is beyond use (PUT mixes up user name, password and
protocol; both call themselves without end).
"""

from __future__ import annotations

import json

from falcon import Request, Response

from xnat_twin.errors import XapiError
from xnat_twin.resources.administration.xapi import XapiEndpoint, json_object
from xnat_twin.resources.base import media_type, send_json

_MAIL_PROPERTIES = {
    "smtpAuth": "mail.smtp.auth",
    "smtpStartTls": "mail.smtp.starttls.enable",
    "smtpSslTrust": "mail.smtp.ssl.trust",
}


class Notifications(XapiEndpoint):
    """`/xapi/notifications`: texts by name, the password of the mail server among them. For administrators."""

    def on_get(self, req: Request, resp: Response) -> None:
        self.admin(req, resp)
        send_json(resp, self.site.notifications.all())

    def on_post(self, req: Request, resp: Response) -> None:
        """Whatever a value is, it becomes text; a null is passed over, and unknown names are stored."""
        self.admin(req, resp)
        if media_type(req) not in {"application/json", "application/x-www-form-urlencoded"}:
            raise XapiError(415)
        given = json_object(req)
        self.site.notifications.set({name: _text(value) for name, value in given.items() if value is not None})


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


class SmtpServer(XapiEndpoint):
    """`…/smtp`: the mail server by other names; what it is told of TLS only counts, and shows, with a login."""

    def on_get(self, req: Request, resp: Response) -> None:
        self.admin(req, resp)
        values = self.site.notifications.all()
        names = ("Hostname", "Port", "Protocol", "Username", "Password")
        found = {name.lower(): values[f"smtp{name}"] for name in names if values[f"smtp{name}"]}
        if values["smtpAuth"] == "true":
            shown = {key: values[name] for name, key in _MAIL_PROPERTIES.items()}
            found |= {key: value for key, value in shown.items() if value not in {"", "false"}}
        send_json(resp, found)
