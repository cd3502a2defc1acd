"""Logging in and out: JSESSION, auth, the authentication service, a user's sessions. alias_tokens.py has tokens."""

from __future__ import annotations

from urllib.parse import unquote_plus

from falcon import Request, Response
from sqlalchemy import select

from xnat_twin.access.auth import BadCredentialsError
from xnat_twin.access.entry import LOGIN_PAGE, is_interactive
from xnat_twin.errors import StatusError
from xnat_twin.resources.base import Endpoint, params_of, read_body, send_json, send_text, user_of
from xnat_twin.storage.store import User


class UserSession(Endpoint):
    """`/data/JSESSION`: the session's ID, and with `CSRF=true` what a browser must send back. Deleting it logs out.

    Who is not logged in gets a guest's session, on closed sites, too. Reference: UserSession, XnatSecureGuard.
    """

    def on_get(self, req: Request, resp: Response) -> None:
        self._enter(req, resp)
        send_text(resp, req.context.session_id + _csrf(self, req))

    on_post = on_get

    def on_delete(self, req: Request, resp: Response) -> None:
        self._enter(req, resp)
        self.site.sessions.close(req.context.session_id)

    def _enter(self, req: Request, resp: Response) -> None:
        """Open a guest's session for who has none; 401 where guests get none."""
        if req.context.user is None and not self.site.flavour.guest_session:
            if is_interactive(req):
                resp.location = LOGIN_PAGE
                raise StatusError(302)
            resp.set_header("WWW-Authenticate", 'Basic realm="XNAT Protected Area"')
            raise StatusError(401)
        if req.context.session is None:
            session = self.site.sessions.open("guest", limited=False)
            req.context.session, req.context.session_id, req.context.set_cookie_for = session, session.id, session.id


class UserAuth(Endpoint):
    """`/data/auth`: who is logged in."""

    def on_get(self, req: Request, resp: Response) -> None:
        send_text(resp, self.site.flavour.auth_text.format(user_of(req).login) + _csrf(self, req))


def _csrf(endpoint: Endpoint, req: Request) -> str:
    wanted = endpoint.site.flavour.csrf_query and params_of(req).get("CSRF").lower() in {"true", "yes", "on"}
    return f"; XNAT_CSRF={req.context.session.csrf}" if wanted else ""


class AuthenticationService(Endpoint):
    """`/data/services/auth`: log in with a form. The body is split at `&` and `=` whatever its type says.

    Reference: AuthenticationRestlet.
    """

    def on_put(self, req: Request, resp: Response) -> None:
        form = _credentials(read_body(req).decode("utf-8", "replace"))
        if form.get("authenticatorId", "localdb") != "localdb":
            missing = f"No authentication provider identified by id {form['authenticatorId']} found."
            raise StatusError(400, f"Authentication failed: {missing}")
        try:
            if form.get("provider", "localdb").lower() != "localdb":
                raise BadCredentialsError
            _, session = self.site.log_in(form.get("username", ""), form.get("password", ""))
        except BadCredentialsError as error:
            raise StatusError(401, "Authentication failed.") from error
        req.context.set_cookie_for = session.id
        send_text(resp, session.id)

    on_post = on_put


_OTHER_NAMES = {"j_username": "username", "j_password": "password", "login_method": "provider"}


def _credentials(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split("&"))
    return {_OTHER_NAMES.get(name, name): unquote_plus(value) for name, equals, value in pairs if equals}


class EmailVerification(Endpoint):
    """`/data/services/sendemailverification`: open to all, who so learn which addresses have accounts. No mail is sent.

    Reference: SendEmailVerification.
    """

    def on_post(self, req: Request, resp: Response) -> None:
        email = params_of(req).get("email")
        with self.site.store.reading() as session:
            if email and session.scalar(select(User.user_id).where(User.email == email).limit(1)) is None:
                raise StatusError(400, "No Such Email Exists.")


class UserSessions(Endpoint):
    """`/data/user/NAME/sessions`: how many sessions a user has. Deleting ends them, one's own as well.

    Reference: UserSessionId.
    """

    def on_get(self, req: Request, resp: Response, login: str) -> None:
        self._check_right(req, login)
        send_json(resp, {login: len(self.site.sessions.of(login))})

    def on_delete(self, req: Request, resp: Response, login: str) -> None:
        self._check_right(req, login)
        if not self.site.sessions.end(login):
            raise StatusError(404)

    def _check_right(self, req: Request, login: str) -> None:
        user = user_of(req)
        if not user.admin and user.login != login:
            message = "Only administrators can get the session list for users other than themselves."
            raise StatusError(403, message)
