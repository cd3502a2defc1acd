"""Around the application: raw paths, request bodies that nobody read, and who is calling.

XNAT does not percent-decode path variables, so routes must see the path as it was sent.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from falcon import Request, Response

from .auth import INIT_PATHS, INTERACTIVE, OPEN_PATHS, Accounts, BadCredentialsError, authenticate, basic_credentials
from .disk import CHUNK
from .errors import StatusError
from .site import Site
from .store import User

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_SYNONYMS = re.compile(
    r"^/(?:REST|data)(?:/archive(?=/(?:projects|subjects|experiments|scanners|scan_types)\b))?(?=/|$)"
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
    """Falcon middleware: finds the caller of each request, opens sessions, sets the cookies."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._accounts = Accounts(site.store)

    def process_request(self, req: Request, resp: Response) -> None:
        """Put `user` (None: nobody) and `session_id` on the request, or refuse it."""
        req.context.user, req.context.session_id, req.context.set_cookie_for = None, "", None
        credentials = basic_credentials(req.get_header("Authorization"))
        session = self._site.sessions.find((req.get_cookie_values("JSESSIONID") or [""])[0])
        if session is not None and (credentials is None or credentials[0] in {session.login, session.alias}):
            req.context.user, req.context.session_id = self._accounts.enabled(session.login), session.id
        elif credentials is not None:
            try:
                user, alias = authenticate(self._site.store, *credentials)
                opened = self._site.sessions.open(user.login, alias)
            except BadCredentialsError as error:
                resp.set_header("WWW-Authenticate", self._challenge)
                raise StatusError(401, str(error)) from error
            req.context.user, req.context.session_id = user, opened.id
            req.context.set_cookie_for = opened.id
        self._refuse(req, resp)

    def _refuse(self, req: Request, resp: Response) -> None:
        preferences = self._site.preferences
        is_open = OPEN_PATHS.fullmatch(req.path) is not None
        if req.context.user is None and not is_open:
            if not preferences.true("requireLogin"):
                req.context.user = GUEST
            elif INTERACTIVE.search(req.user_agent or ""):
                resp.location = "/app/template/Login.vm"
                raise StatusError(302, "Found")
            else:
                resp.set_header("WWW-Authenticate", self._challenge)
                raise StatusError(401)
        if not preferences.true("initialized") and not is_open and not INIT_PATHS.fullmatch(req.path):
            raise StatusError(403, "Site has not yet been configured.")

    @property
    def _challenge(self) -> str:
        return f'Basic realm="{self._site.preferences["siteId"]}"'

    def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:
        """Set the session's cookie when it is new, and its expiry always; the quotes belong to the value."""
        timeout = self._site.preferences.seconds("sessionTimeout") * 1000
        expiry = f'"{int(time.time() * 1000)},{timeout}"'
        resp.append_header("Set-Cookie", f"SESSION_EXPIRATION_TIME={expiry}; Path=/")
        if getattr(req.context, "set_cookie_for", None):
            secure = "; Secure" if str(self._site.preferences["siteUrl"]).startswith("https:") else ""
            resp.append_header("Set-Cookie", f"JSESSIONID={req.context.set_cookie_for}; Path=/{secure}; HttpOnly")
