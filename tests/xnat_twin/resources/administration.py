"""`/xapi`: the site's build, its settings, and accounts. Errors here are plain text, not pages."""

from __future__ import annotations

import json
import re
from datetime import UTC
from typing import Any

from falcon import Request, Response
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ..auth import hash_password
from ..errors import StatusError, XapiError
from ..preferences import Preferences
from ..site_settings import PUBLIC as OPEN
from ..store import User, now
from .base import Endpoint, media_type, read_body, send_json, send_text, user_of


def _require_admin(req: Request) -> User:
    user = user_of(req)
    if not user.admin:
        raise XapiError(403, "Access is denied")
    return user


def _json_object(req: Request) -> dict[str, Any]:
    try:
        value = json.loads(read_body(req))
    except ValueError as error:
        raise XapiError(400, f"The body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise XapiError(400, "The body is not a JSON object")
    return value


class BuildInfo(Endpoint):
    """`/xapi/siteConfig/buildInfo[/PROPERTY]`: open to everyone; the best readiness probe."""

    def on_get(self, req: Request, resp: Response, name: str | None = None) -> None:
        info = {
            "version": self.site.version,
            "buildNumber": "1",
            "buildDate": "Mon Jan 05 12:00:00 UTC 2026",
            "sha": "practice",
            "isDirty": "false",
            "timestamp": str(int(self.site.started * 1000)),
            "hostName": "localhost",
            "displayHostName": "never",
            "nodeId": "",
        }
        if name is None:
            send_json(resp, info)
        elif name in info:
            send_text(resp, info[name])
        else:
            raise XapiError(404, f"No build property named {name}")


class SiteConfig(Endpoint):
    """`/xapi/siteConfig`: all settings. Administrators see and set all, others see the open ones."""

    def on_get(self, req: Request, resp: Response) -> None:
        settings = self.site.preferences.all()
        if not user_of(req).admin:
            hidden = not self.site.preferences.true("initialized")
            settings = {} if hidden else {name: value for name, value in settings.items() if name in OPEN}
        send_json(resp, settings)

    def on_post(self, req: Request, resp: Response) -> None:
        _require_admin(req)
        values = _json_object(req)
        if None in values.values():
            raise XapiError(500, "A setting cannot be null")
        _set(self.site.preferences, values)


class SiteConfigProperty(Endpoint):
    """`/xapi/siteConfig/NAME`."""

    def on_get(self, req: Request, resp: Response, name: str) -> None:
        if name not in OPEN:
            user = user_of(req)
            if name in self.site.preferences and not user.admin:
                raise XapiError(403, "Access is denied")
        if name not in self.site.preferences:
            raise XapiError(404, f"No site setting named {name}")
        value = self.site.preferences[name]
        send_text(resp, value if isinstance(value, str) else json.dumps(value))

    def on_post(self, req: Request, resp: Response, name: str) -> None:
        _require_admin(req)
        text = read_body(req).decode("utf-8", "replace")
        value: Any = text
        if media_type(req) == "application/json":
            value = json.loads(text)
        elif text in {"true", "false"}:
            value = text == "true"
        _set(self.site.preferences, {name: value})


def _set(preferences: Preferences, values: dict[str, Any]) -> None:
    try:
        preferences.set(values)
    except ValueError as error:
        raise XapiError(400, str(error)) from error


def user_json(user: User) -> dict[str, Any]:
    return {
        "id": user.user_id,
        "username": user.login,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "fullName": f"{user.first_name} {user.last_name}",
        "email": user.email,
        "enabled": user.enabled,
        "verified": user.verified,
        "secured": True,
        "lastModified": int(user.last_modified.replace(tzinfo=UTC).timestamp() * 1000),
    }


_FIELDS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "email": "email",
    "enabled": "enabled",
    "verified": "verified",
}


class Users(Endpoint):
    """`/xapi/users`: account names; POST makes an account."""

    def on_get(self, req: Request, resp: Response) -> None:
        with self.reading(req) as finder:
            send_json(resp, list(finder.session.scalars(select(User.login).order_by(User.login))))

    def on_post(self, req: Request, resp: Response) -> None:
        _require_admin(req)
        given = _json_object(req)
        login = str(given.get("username") or "")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", login):
            raise XapiError(400, f"Invalid username: {login!r}")
        missing = [name for name in ("firstName", "lastName", "email") if not given.get(name)]
        if missing or "@" not in str(given["email"]):
            raise XapiError(400, f"Missing or invalid: {', '.join(missing) or 'email'}")
        user = User(login=login, password=hash_password(str(given.get("password") or "")))
        for name, column in _FIELDS.items():
            if name in given:
                setattr(user, column, given[name])
        try:
            with self.writing(req) as finder:
                finder.session.add(user)
        except IntegrityError as error:
            raise XapiError(409, f"The user {login} already exists.") from error
        send_json(resp, user_json(user), 201)


class UserAccount(Endpoint):
    """`/xapi/users/NAME`: one account."""

    def on_get(self, req: Request, resp: Response, name: str) -> None:
        if name != user_of(req).login:
            _require_admin(req)
        with self.reading(req) as finder:
            user = finder.session.scalar(select(User).where(User.login == name))
            if user is None:
                raise XapiError(500, f"User {name} not found")  # not a 404: XNAT fails to initialise such a user
            send_json(resp, user_json(user))

    def on_put(self, req: Request, resp: Response, name: str) -> None:
        _require_admin(req)
        given = _json_object(req)
        with self.writing(req) as finder:
            user = finder.session.scalar(select(User).where(User.login == name))
            if user is None:
                raise XapiError(404, f"User {name} not found")
            changes = {c: given[n] for n, c in _FIELDS.items() if n in given and given[n] != getattr(user, c)}
            if given.get("password"):
                changes["password"] = hash_password(str(given["password"]))
            if not changes:
                raise StatusError(304)
            for column, value in changes.items():
                setattr(user, column, value)
            user.last_modified = now()
            send_json(resp, user_json(user))


class NotFound(Endpoint):
    """A path that 1.7 and later no longer have, such as `/data/version`; clients probe it."""

    def on_get(self, req: Request, resp: Response) -> None:
        raise StatusError(404)
