"""What all endpoints below `/xapi` share: who may call them, JSON in and out, and how exceptions show.

Refusals have no body; other errors are the exception's text. An exception without a status of its own is a 500, which
hides several bad requests. Reference: XapiRequestMappingAspect, XapiRestControllerAdvice.
"""

from __future__ import annotations

import json
from typing import Any

from falcon import Request, Response
from sqlalchemy.orm import Session

from xnat_twin.access.auth import find_user
from xnat_twin.errors import XapiError, XapiRefusalError
from xnat_twin.resources.base import Endpoint, media_type, read_body, user_of
from xnat_twin.storage.store import User


class XapiEndpoint(Endpoint):
    """An endpoint with XNAT's access levels. Guests, who exist on open sites only, are told to log in."""

    def admin(self, req: Request, resp: Response) -> User:
        """The caller, who must be an administrator."""
        user = self.someone(req, resp)
        if not user.admin:
            raise XapiRefusalError(403)
        return user

    def someone(self, req: Request, resp: Response) -> User:
        """The caller, who must not be a guest."""
        user = user_of(req)
        if user.is_guest:
            resp.set_header("WWW-Authenticate", f'Basic realm="{self.site.preferences["siteId"]}"')
            raise XapiRefusalError(401)
        return user

    def admin_or(self, req: Request, resp: Response, login: str) -> User:
        """The caller, who must be an administrator or the user of this name."""
        user = self.someone(req, resp)
        return user if user.login == login else self.admin(req, resp)

    def user_list_reader(self, req: Request, resp: Response, login: str = "") -> User:
        """The caller, who may see the list of users; where that is for administrators, at least himself."""
        if self.site.preferences.true("restrictUserListAccessToAdmins"):
            return self.admin_or(req, resp, login)
        return self.someone(req, resp)


def json_body(req: Request) -> Any:
    """The body. What is not JSON is a 500, as the exception has no status of its own."""
    if media_type(req) not in {"application/json", "multipart/form-data"}:
        raise XapiError(500, f"There was an error in the request : Content type '{req.content_type}' not supported")
    try:
        return json.loads(read_body(req))
    except (ValueError, RecursionError) as error:
        raise XapiError(500, f"Could not read document: {error}") from error


def json_object(req: Request) -> dict[str, Any]:
    value = json_body(req)
    if not isinstance(value, dict):
        raise XapiError(500, "Could not read document: it is not an object")
    return value


def json_names(req: Request) -> list[str]:
    value = json_body(req)
    if not isinstance(value, list):
        raise XapiError(500, "Could not read document: it is not a list")
    return [str(name) for name in value]


def send_value(resp: Response, value: Any) -> None:
    """One value as `application/json`; text goes out as it is, without quotes (StringHttpMessageConverter)."""
    text = value if isinstance(value, str) else json.dumps(value)
    resp.content_type = "application/json;charset=ISO-8859-1"
    resp.data = text.encode("iso-8859-1", "replace")


def flag(text: str) -> bool:
    """A boolean in a path. Anything but the usual words is a 500."""
    word = text.lower()
    if word in {"true", "on", "yes", "1"}:
        return True
    if word in {"false", "off", "no", "0"}:
        return False
    raise XapiError(500, f"There was an error in the request : Invalid boolean value [{text}]")


def account(session: Session, login: str) -> User:
    """The account of this name, or 404."""
    user = find_user(session, login)
    if user is None:
        raise XapiError(404, "There was an error in the request : Invalid username and/or password")
    return user


def not_found(message: str) -> XapiError:
    return XapiError(404, f"Unable to find requested file or resource: {message}")
