"""Who gets in: which paths need no login, where those are sent who may not go on, and the check for forged requests.

Reference: configured-urls.yaml, XnatAuthenticationEntryPoint, XnatInitCheckFilter, XnatExpiredPasswordFilter,
XnatSecureGuard, SecureAction. All but the last two are filters in front of every service of XNAT, so what they refuse
is Tomcat's error page, and what they redirect is redirected for programs, too, where nothing else is said.
"""

from __future__ import annotations

import datetime as dt
import re

from falcon import Request, Response
from sqlalchemy import exists, select

from xnat_twin.access.auth import find_user
from xnat_twin.access.sessions import ServerSession
from xnat_twin.access.tokens import ALIAS, find_token
from xnat_twin.errors import ContainerError, StatusError
from xnat_twin.params import Params
from xnat_twin.resources.base import params_of
from xnat_twin.site import Site
from xnat_twin.storage.store import User, UserRole, now

LOGIN_PAGE = "/app/template/Login.vm"
NOT_ADMIN_PAGE = "/app/template/Unconfigured.vm"

#: User agents of people at a browser: they are sent to the login page instead of getting a 401.
_INTERACTIVE = re.compile(r"MSIE|Mozilla|AppleWebKit|Opera")
#: Agents that carry a browser's name and are none: the check against forged requests leaves them alone.
_NO_BROWSER = re.compile(r"JAVA|BOT|CRAWLER|SPIDER")
#: Paths that need no login. Only the last step may go on: `buildInfo/version` needs one.
_OPEN = re.compile(
    r"/|/login|/setup|/app/(template|action)/.*|/favicon\.ico|/(images|scripts|style)/.*|/practice/.*|"
    r"/data/(JSESSION|services/auth|services/sendemailverification)[^/]*"
)
_OPEN_XAPI = r"/xapi/siteConfig/(buildInfo|siteHome|siteId|siteLogoPath|siteUrl)[^/]*"
#: Paths that answer before the site has been configured.
_INIT = re.compile(
    r"/xapi/(siteConfig|siteConfig/initialized|notifications/smtp|spawner/resolve/siteAdmin/siteSetup)[^/]*|/style/.*|"
    rf"{NOT_ADMIN_PAGE}|{LOGIN_PAGE}|/login|/practice/.*"
)


def is_interactive(req: Request) -> bool:
    """Whether the request looks as if a browser sent it. XNAT's own desktop client does, and is none."""
    agent = req.user_agent or ""
    return "XNATDesktopClient" not in agent and _INTERACTIVE.search(agent) is not None


class Gate:
    """The filters of one site, in XNAT's order."""

    def __init__(self, site: Site) -> None:
        self._site = site
        xapi = site.flavour.xapi
        self._data = re.compile(r"/(xapi|data|REST|fs)(/.*)?" if xapi else r"/(data|REST|fs)(/.*)?")
        self._open = re.compile(f"{_OPEN.pattern}|{_OPEN_XAPI if xapi else '/data/version'}")
        service = "|/data/services/settings/initialize" if site.flavour.settings_service else ""
        self._init = re.compile(f"{_INIT.pattern}|{site.flavour.setup_page}{service}")

    @property
    def _challenge(self) -> str:
        realm = re.sub(r"[^\x20-\x7e]|[\"\\]", "?", str(self._site.preferences["siteId"]))  # else it is no header
        return f'Basic realm="{realm}"'

    def refuse(self, req: Request, resp: Response) -> StatusError:
        """How someone is turned away who is not logged in: 401 for a program on a data path, else the login page."""
        if self._data.fullmatch(req.path) and not is_interactive(req):
            resp.set_header("WWW-Authenticate", self._challenge)
            return ContainerError(401)
        return _redirect(resp, LOGIN_PAGE)

    def check_before_login(self, name: str) -> None:
        """Up to 1.7, expired passwords and tokens are looked at before the login itself: 403 with a reason."""
        if not self._site.flavour.early_expiry_check:
            return
        with self._site.store.reading() as session:
            token = find_token(session, name)
            if token is None and ALIAS.fullmatch(name):
                message = "Your security token has expired. Please try again after updating your session."
                raise ContainerError(403, message)
            user = token.user if token else find_user(session, name)
        if user is not None and self._password_expired(user):
            raise ContainerError(403, "Your password has expired. Please try again after changing your password.")

    def check(self, req: Request, resp: Response, user: User | None, session: ServerSession | None) -> None:
        """Refuse or redirect what may not go on. Raises StatusError."""
        if user is not None and session is not None and not session.password_checked and not user.is_guest:
            if self._password_expired(user):
                if not _is_page(req.path):
                    raise _redirect(resp, self._site.flavour.password_page)
            else:
                session.password_checked = self._site.preferences.initialized
        is_someone = user is not None and not user.is_guest
        if is_someone and not self._site.preferences.initialized and not self._init.fullmatch(req.path):
            raise _redirect(resp, self._site.flavour.setup_page if user is not None and user.admin else NOT_ADMIN_PAGE)
        if user is None and not self._open.fullmatch(req.path):
            raise self.refuse(req, resp)

    def check_forgery(self, req: Request, session: ServerSession | None) -> None:
        """Browsers must send `XNAT_CSRF` with every change in `/data`; that they did not is a 500, not a 403."""
        if (
            req.method in {"POST", "PUT", "DELETE"}
            and req.path.startswith("/data/")
            and not req.path.startswith("/data/services/auth")
            and self._site.preferences.true("enableCsrfToken")
            and is_interactive(req)
            and not _NO_BROWSER.search((req.user_agent or "").upper())
        ):
            # A servlet reads parameters from the body of a POST only.
            params = params_of(req) if req.method == "POST" else Params(req.query_string)
            if session is None or params.raw("XNAT_CSRF").lower() != session.csrf:
                raise StatusError(500)

    def _password_expired(self, user: User) -> bool:
        """By `passwordExpirationType`: after an interval, or on a date. `non_expiring` accounts are left alone."""
        preferences = self._site.preferences
        if not preferences.initialized or user.is_guest:
            return False
        match preferences["passwordExpirationType"]:
            case "Interval":
                age = dt.timedelta(seconds=preferences.seconds("passwordExpirationInterval"))
                expired = now() - user.password_updated > age
            case "Date":
                date = dt.datetime.strptime(preferences["passwordExpirationDate"], "%m/%d/%Y")
                expired = user.password_updated <= date <= now()
            case _:
                return False
        return expired and not self._never_expires(user)

    def _never_expires(self, user: User) -> bool:
        role = select(UserRole.role).where(UserRole.user_id == user.user_id, UserRole.role == "non_expiring")
        with self._site.store.reading() as session:
            return bool(session.scalar(select(exists(role))))


def _redirect(resp: Response, page: str) -> StatusError:
    resp.location = page
    return StatusError(302, "Found")


def _is_page(path: str) -> bool:
    return path.startswith(("/app/", "/login"))
