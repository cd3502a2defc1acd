"""`/xapi/users`: accounts. What they may do is in user_rights.py. Reference: UsersApi, model User."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from typing import Any

from falcon import Request, Response
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from xnat_twin.access.auth import check_password, find_user, hash_password
from xnat_twin.access.tokens import invalidate_tokens_of
from xnat_twin.errors import StatusError, XapiError
from xnat_twin.lists.tables import Table
from xnat_twin.resources.administration.xapi import XapiEndpoint, account, flag, json_object, not_found, send_value
from xnat_twin.resources.base import Endpoint, send_json, send_table, user_of
from xnat_twin.site import Site
from xnat_twin.storage.store import User, now

_USERNAME = re.compile(r"[a-zA-Z][A-Za-z0-9_'.-]{0,63}")
_WORD = r"[A-Za-z0-9_!#$%&'*+/=?`{|}~^-]+"
_EMAIL = re.compile(rf"{_WORD}(?:\.{_WORD})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_NAME = re.compile(r'[^&<>"/]+')
_CHECKS = {"username": _USERNAME, "email": _EMAIL, "firstName": _NAME, "lastName": _NAME}
_COLUMNS = {"firstName": "first_name", "lastName": "last_name", "email": "email"}


def user_json(user: User) -> dict[str, Any]:
    """One account. What is null is left out, and the password always is."""
    found = {
        "id": user.user_id,
        "username": user.login,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "email": user.email,
        "enabled": user.enabled,
        "verified": user.verified,
        "secured": True,
        "lastModified": _milliseconds(user.last_modified),
    }
    return found | ({"lastSuccessfulLogin": _milliseconds(user.last_login)} if user.last_login else {})


def _milliseconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)


class Users(XapiEndpoint):
    """`/xapi/users`: all names; POST makes an account."""

    def on_get(self, req: Request, resp: Response) -> None:
        self.user_list_reader(req, resp)
        with self.reading(req) as finder:
            send_json(resp, list(finder.session.scalars(select(User.login).order_by(User.login))))

    def on_post(self, req: Request, resp: Response) -> None:
        self.admin(req, resp)
        given = json_object(req)
        _check_format(given)
        login, password = given["username"], str(given.get("password") or "")
        user = User(login=login, password=hash_password(password or secrets.token_hex(16)))
        for name, column in _COLUMNS.items():
            setattr(user, column, given[name])
        if given.get("enabled") is not None:  # without it, `verified` is not looked at, either
            user.enabled, user.verified = bool(given["enabled"]), bool(given.get("verified"))
        try:
            with self.writing(req) as finder:
                finder.session.add(user)
                finder.session.flush()
                if password and not _is_complex(self, password):
                    raise XapiError(500, f"There was an error in the request : Error occurred creating user {login}")
        except IntegrityError as error:
            raise XapiError(409, f"The resource of type user with the name {login} already exists.") from error
        send_json(resp, user_json(user), 201)


class UserAccount(XapiEndpoint):
    """`/xapi/users/NAME`: one account. A missing one is a 500 to GET and a 404 to PUT; a PUT of nothing new is 304."""

    def on_get(self, req: Request, resp: Response, name: str) -> None:
        self.admin_or(req, resp, name)
        with self.reading(req) as finder:
            user = find_user(finder.session, name)
        if user is None:
            raise XapiError(500, f"There was an error in the request : An error occurred initializing the user {name}")
        send_json(resp, user_json(user))

    def on_put(self, req: Request, resp: Response, name: str) -> None:
        self.admin(req, resp)
        given = json_object(req)
        with self.writing(req) as finder:
            user = account(finder.session, name)
            changes = self._changes(user, given)
            if not changes:
                raise StatusError(304)
            if changes.get("enabled") is False:
                invalidate_tokens_of(finder.session, user)
            for column, value in changes.items():
                setattr(user, column, value)
            user.last_modified = now()
        send_json(resp, user_json(user))

    def _changes(self, user: User, given: dict[str, Any]) -> dict[str, Any]:
        """Blank texts and nulls change nothing; a password always counts as a change, even the same one."""
        if given.get("username") not in {None, "", user.login}:
            raise XapiError(400, "The username for the submitted user object must match the username for the API call")
        changes = {c: given[n] for n, c in _COLUMNS.items() if given.get(n) and given[n] != getattr(user, c)}
        if "email" in changes and not _EMAIL.fullmatch(changes["email"]):
            raise XapiError(400, "Invalid email format")
        for name in ("enabled", "verified"):
            if given.get(name) is not None and bool(given[name]) != getattr(user, name):
                changes[name] = bool(given[name])
        if password := given.get("password"):
            changes["password"] = user.password
            if not check_password(password, user.password, user.salt):
                if not _is_complex(self, password):
                    raise XapiError(500, str(self.site.preferences["passwordComplexityMessage"]))
                changes |= {"password": hash_password(password), "password_updated": now()}
                changes |= {"failed_logins": 0, "locked_out": None}
        return changes


def _is_complex(endpoint: Endpoint, password: str) -> bool:
    return re.fullmatch(str(endpoint.site.preferences["passwordComplexity"]), password) is not None


def _check_format(given: dict[str, Any]) -> None:
    """400 that names every field that is missing or malformed. Reference: DataFormatException."""
    missing = [name for name in _CHECKS if not given.get(name)]
    invalid = [name for name, check in _CHECKS.items() if given.get(name) and not check.fullmatch(str(given[name]))]
    if missing or invalid:
        lines = ["There was an error with the submitted data"]
        lines += [f" * Missing fields: {', '.join(missing)}"] if missing else []
        lines += [" * Invalid fields:", *(f"    - {n}: Invalid {n} format" for n in invalid)] if invalid else []
        raise XapiError(400, "\n".join(lines) + "\n")


class UserProfiles(XapiEndpoint):
    """`profiles`, `profile/NAME` and `profile`: accounts with names and addresses, to whom may see the user list."""

    def on_get(self, req: Request, resp: Response) -> None:
        self.user_list_reader(req, resp)
        with self.reading(req) as finder:
            users = finder.session.scalars(select(User).order_by(User.user_id)).all()
        send_json(resp, [user_json(user) for user in users])

    def on_get_one(self, req: Request, resp: Response, name: str) -> None:
        self.user_list_reader(req, resp, name)
        self._send(req, resp, name)

    def on_get_own(self, req: Request, resp: Response) -> None:
        self._send(req, resp, self.someone(req, resp).login)

    def _send(self, req: Request, resp: Response, name: str) -> None:
        with self.reading(req) as finder:
            user = find_user(finder.session, name)
        if user is None:
            raise not_found(f"No resource of type xdat:user with the ID or name {name} exists.")
        send_json(resp, user_json(user))


class UserFlag(XapiEndpoint):
    """`NAME/enabled[/BOOLEAN]` and `NAME/verified[/BOOLEAN]`; unlike PUT of the account it leaves tokens alone."""

    def __init__(self, site: Site, column: str) -> None:
        super().__init__(site)
        self._column = column

    def on_get(self, req: Request, resp: Response, name: str) -> None:
        self.admin_or(req, resp, name)
        with self.reading(req) as finder:
            send_value(resp, bool(getattr(account(finder.session, name), self._column)))

    def on_put_set(self, req: Request, resp: Response, name: str, value: str) -> None:
        self.admin(req, resp)
        with self.writing(req) as finder:
            setattr(account(finder.session, name), self._column, flag(value))


class UserName(XapiEndpoint):
    """`/xapi/users/username`: the caller's name, as text."""

    def on_get(self, req: Request, resp: Response) -> None:
        resp.content_type = "text/plain;charset=ISO-8859-1"
        resp.data = self.someone(req, resp).login.encode()


class UserTable(Endpoint):
    """`/data/users`: everyone who is enabled, as a table. Reference: UserListResource."""

    def on_get(self, req: Request, resp: Response) -> None:
        user = user_of(req)
        restricted = self.site.preferences.true("restrictUserListAccessToAdmins")
        if user.is_guest or (restricted and not user.admin):
            message = "Access Denied: Only site managers can access site-level user resources."
            raise StatusError(403, message)
        with self.reading(req) as finder:
            users = finder.session.scalars(select(User).where(User.enabled).order_by(User.last_name)).all()
        rows = [
            {
                "xdat_user_id": one.user_id,
                "login": one.login,
                "firstname": one.first_name,
                "lastname": one.last_name,
                "email": one.email,
            }
            for one in users
        ]
        send_table(req, resp, Table(("xdat_user_id", "login", "firstname", "lastname", "email"), rows, "Projects"))
