"""Logging in and out: JSESSION, auth, the authentication service, alias tokens."""

from __future__ import annotations

import time

from falcon import Request, Response

from ..auth import BadCredentialsError, authenticate, invalidate_token, issue_token
from ..errors import StatusError
from .base import Endpoint, params_of, send_json, send_text, user_of


class UserSession(Endpoint):
    """`/data/JSESSION`: the session's ID. Deleting it logs out."""

    def on_get(self, req: Request, resp: Response) -> None:
        user_of(req)
        send_text(resp, req.context.session_id)

    on_post = on_get

    def on_delete(self, req: Request, resp: Response) -> None:
        user_of(req)
        self.site.sessions.close(req.context.session_id)


class UserAuth(Endpoint):
    """`/data/auth`: who is logged in."""

    def on_get(self, req: Request, resp: Response) -> None:
        send_text(resp, f"User '{user_of(req).login}' is logged in")


class AuthenticationService(Endpoint):
    """`/data/services/auth`: log in with a form."""

    def on_put(self, req: Request, resp: Response) -> None:
        params = params_of(req)
        name = params.raw("username") or params.raw("login")
        try:
            user, alias = authenticate(self.site.store, name, params.raw("password"))
            session = self.site.sessions.open(user.login, alias)
        except BadCredentialsError as error:
            raise StatusError(401, str(error)) from error
        req.context.set_cookie_for = session.id
        send_text(resp, session.id)

    on_post = on_put


class AliasTokens(Endpoint):
    """`/data/services/tokens/OPERATION[/ALIAS[/SECRET]]`: passwords that expire."""

    def on_get(
        self, req: Request, resp: Response, operation: str, alias: str | None = None, secret: str | None = None
    ) -> None:
        user = user_of(req)
        match operation:
            case _ if user.is_guest:
                raise StatusError(403)
            case "issue" if alias is None:
                lifetime = self.site.preferences.seconds("aliasTokenTimeout")
                token = issue_token(self.site.store, user, lifetime)
                send_json(
                    resp,
                    {
                        "alias": token.alias,
                        "secret": token.secret,
                        "xdatUserId": user.login,
                        "singleUse": False,
                        "estimatedExpirationTime": int(token.estimated_expiration * 1000),
                        "timestamp": int(time.time() * 1000),
                        "enabled": True,
                    },
                )
            case "validate" if alias and secret:
                try:
                    owner, _ = authenticate(self.site.store, alias, secret)
                    send_json(resp, {"valid": owner.login})
                except BadCredentialsError:
                    send_json(resp, {})
            case "invalidate" if alias:
                if not invalidate_token(self.site.store, alias):
                    raise StatusError(404)
                send_json(resp, {"result": "OK"})
            case _:
                raise StatusError(400, f"Unknown operation: {operation}")
