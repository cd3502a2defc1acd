"""`/data/services/tokens`: passwords that expire. Reference: AliasTokenRestlet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from falcon import Request, Response

from xnat_twin.access.auth import find_user, is_secret
from xnat_twin.access.tokens import find_token, invalidate_token, issue_token, tokens_of
from xnat_twin.errors import StatusError
from xnat_twin.resources.base import Endpoint, send_json, send_text, user_of
from xnat_twin.storage.store import AliasToken


class AliasTokens(Endpoint):
    """`OPERATION`, `OPERATION/user/NAME`, `OPERATION/ALIAS[/SECRET]`; the token is looked for before all else."""

    def on_get(
        self,
        req: Request,
        resp: Response,
        operation: str,
        alias: str | None = None,
        secret: str | None = None,
        login: str | None = None,
    ) -> None:
        user = user_of(req)
        if not self.site.flavour.token_details:
            alias = secret = None
        token = self._token(alias) if alias else None
        name = login or user.login
        if name == "guest":
            raise StatusError(403, "The guest user can't request alias tokens")
        owners = {name, token.user.login if token else name}
        if not user.admin and owners != {user.login}:
            message = "Non-admin users can only request operations on alias tokens for their own account"
            raise StatusError(403, message)
        match operation:
            case "issue":
                self._issue(resp, name)
            case "show" if self.site.flavour.token_details:
                self._show(resp, name)
            case "validate":
                if token is None or not secret:
                    raise StatusError(401, "You must specify both token and secret to validate a token.")
                valid = is_secret(token, secret)
                send_json(resp, {"valid": token.user.login} if valid else {})
            case "invalidate":
                if token is not None:
                    invalidate_token(self.site.store, token.alias)
                send_json(resp, {"result": "OK"})
            case _:
                raise StatusError(400, f"Unknown operation: {operation}")

    def _token(self, alias: str) -> AliasToken:
        with self.site.store.reading() as session:
            token = find_token(session, alias)
        if token is None:
            raise StatusError(404, f"Can't find an alias token with the alias {alias}")
        return token

    def _issue(self, resp: Response, login: str) -> None:
        with self.site.store.reading() as session:
            owner = find_user(session, login)
        if owner is None:
            raise StatusError(400, f"An error occurred retrieving the user: {login}")
        lifetime = self.site.preferences.seconds("aliasTokenTimeout")
        details = self.site.flavour.token_details
        token = issue_token(self.site.store, owner.user_id, lifetime, numeric=not details)
        if details:
            send_json(resp, _described(token, login))
        else:
            send_text(resp, f'{{"alias":"{token.alias}","secret":"{token.secret}"}}')

    def _show(self, resp: Response, login: str) -> None:
        with self.site.store.reading() as session:
            owner = find_user(session, login)
            tokens = tokens_of(session, owner) if owner is not None else ()
        send_json(resp, [_described(token, login) for token in tokens])


def _described(token: AliasToken, login: str) -> dict[str, Any]:
    return {
        "id": token.token_id,
        "enabled": True,
        "created": _milliseconds(token.created),
        "timestamp": _milliseconds(token.created),
        "alias": token.alias,
        "secret": token.secret,
        "singleUse": False,
        "estimatedExpirationTime": _milliseconds(token.expires),
        "xdatUserId": login,
    }


def _milliseconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)
