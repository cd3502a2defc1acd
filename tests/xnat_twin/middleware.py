"""Around the application: raw paths, request bodies that nobody read, and who is calling.

XNAT does not percent-decode path variables, so routes must see the path as it was sent.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from falcon import Request, Response

from xnat_twin.access.auth import (
    Accounts,
    BadCredentialsError,
    MalformedCredentialsError,
    basic_credentials,
    login_failure_message,
)
from xnat_twin.access.entry import Gate
from xnat_twin.access.sessions import ServerSession
from xnat_twin.access.tokens import find_token
from xnat_twin.errors import ContainerError
from xnat_twin.site import Site
from xnat_twin.storage.disk import CHUNK
from xnat_twin.storage.store import User

_log = logging.getLogger("xnat_twin")
Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_SYNONYMS = re.compile(
    r"^/(?:REST|data)(?:/archive(?=/(?:projects|subjects|experiments|scanners|scan_types|user/[^/]+/sessions)\b))?(?=/|$)"
)
#: Whoever does not log in, where `requireLogin` is off.
GUEST = User(user_id=0, login="guest", first_name="", last_name="", admin=False)


class RawPath:
    """PATH_INFO as the client sent it, with `/REST` and `/data/archive` rewritten to `/data`."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = re.sub(r"^https?://[^/]*", "", environ["REQUEST_URI"]).partition("?")[0].partition("#")[0]
        path = _SYNONYMS.sub("/data", path)
        if "/files/" not in path and path != "/":
            path = path.rstrip("/")
        environ["PATH_INFO"] = path
        return self._application(environ, start_response)


class ReadToEnd:
    """Reads what a handler left of a body, so that the connection can be used again, as a buffering proxy would."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._application(environ, start_response)
        if int(environ.get("CONTENT_LENGTH") or 0) or "HTTP_TRANSFER_ENCODING" in environ:
            while environ["wsgi.input"].read(CHUNK):
                pass
        return answer


class Login:
    """Finds the caller of each request, opens sessions, sets the cookies. access/entry.py has the rules."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._accounts = Accounts(site.store)
        self._gate = Gate(site)

    def process_request(self, req: Request, resp: Response) -> None:
        """Put `user` (None: nobody) and `session` on the request, or refuse it."""
        context = req.context
        context.user, context.session, context.session_id, context.set_cookie_for = None, None, "", None
        context.show_expiry = True
        cookie = (req.get_cookie_values("JSESSIONID") or [""])[0]
        if self._site.sessions.was_ended(cookie):
            raise self._gate.refuse(req, resp)
        session = self._site.sessions.find(cookie)
        try:
            credentials = basic_credentials(req.get_header("Authorization"))
        except MalformedCredentialsError as error:
            raise ContainerError(500) from error
        if credentials is not None and (session is None or not self._belongs_to(session, credentials[0])):
            session = self._log_in(req, session, *credentials)
        elif session is not None and session.login != GUEST.login:
            context.user = self._accounts.find(session.login)
        if session is not None:
            context.session, context.session_id = session, session.id
        if context.user is None and not self._site.preferences.true("requireLogin"):
            context.user = GUEST
        self._gate.check(req, resp, context.user, session)
        self._gate.check_forgery(req, session)

    def _belongs_to(self, session: ServerSession, name: str) -> bool:
        """Whether the header is not looked at again: it names the session's user, or a token of his."""
        if name == session.login:
            return True
        with self._site.store.reading() as database:
            token = find_token(database, name)
        return token is not None and token.user.login == session.login

    def _log_in(self, req: Request, session: ServerSession | None, name: str, password: str) -> ServerSession:
        """A new session, instead of the one that the request came with."""
        if session is None:
            self._gate.check_before_login(name)
        try:
            req.context.user, opened = self._site.log_in(name, password)
        except BadCredentialsError as error:
            req.context.show_expiry = False
            _log.info("Failed login of %r", name)
            raise ContainerError(401, login_failure_message(self._site.preferences)) from error
        if session is not None:
            self._site.sessions.close(session.id)
        req.context.set_cookie_for = opened.id
        return opened

    def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:
        """Set the session's cookie when it is new, and its expiry with it; the quotes belong to the value."""
        if getattr(req.context, "show_expiry", True):
            timeout = self._site.preferences.seconds("sessionTimeout") * 1000
            expiry = f'"{int(time.time() * 1000)},{timeout}"'
            resp.append_header("Set-Cookie", f"SESSION_EXPIRATION_TIME={expiry}; Path=/")
        if getattr(req.context, "set_cookie_for", None):
            secure = "; Secure" if str(self._site.preferences["siteUrl"]).startswith("https:") else ""
            resp.append_header("Set-Cookie", f"JSESSIONID={req.context.set_cookie_for}; Path=/{secure}; HttpOnly")
