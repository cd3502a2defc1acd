"""Who is calling: passwords, server sessions, alias tokens, and the rules that turn a request into a user.

The rules are XNAT's (XnatBasicAuthenticationFilter, XnatAuthenticationEntryPoint, XnatInitCheckFilter).
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
import secrets
import threading
import time
import uuid
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select

from .preferences import Preferences
from .store import AliasToken, Store, User, now

#: User agents that XNAT takes for a person at a browser: they are sent to the login page instead of getting a 401.
INTERACTIVE = re.compile(r"MSIE|Mozilla|AppleWebKit|Opera")
#: Paths that need no login.
OPEN_PATHS = re.compile(
    r"/data/JSESSION|/data/services/auth|/data/version|/login|/app/template/.*|/|"
    r"/xapi/siteConfig/(buildInfo(/.*)?|siteHome|siteId|siteLogoPath|siteUrl)"
)
#: Paths that answer before the site has been configured.
INIT_PATHS = re.compile(r"/xapi/siteConfig(/initialized|/buildInfo(/.*)?|/values/.*)?|/xapi/notifications/smtp")

_ENABLED = select(User).where(User.login == bindparam("login"), User.enabled)
_SCRYPT = {"n": 2**12, "r": 8, "p": 1}  # a practice server: about 10 ms, so that tests stay quick


def hash_password(password: str) -> str:
    """Salted scrypt, as `salt$hash` in hexadecimal."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT).hex()}"


def check_password(password: str, stored: str) -> bool:
    salt, _, expected = stored.partition("$")
    found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **_SCRYPT).hex()
    return hmac.compare_digest(found, expected)


def basic_credentials(header: str | None) -> tuple[str, str] | None:
    """User and password of an `Authorization: Basic` header; the optional `provider/` in front of the user is cut."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user.rpartition("/")[2], password) if colon else None


class BadCredentialsError(Exception):
    """Unknown user, wrong password, disabled account, or too many sessions."""


@dataclass
class ServerSession:
    """One HTTP session; `alias` is the token that opened it, if one did."""

    id: str
    login: str
    alias: str
    last_access: float


class Sessions:
    """The HTTP sessions of all users. They live in memory and end with the process, as Tomcat's do."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences
        self._guard = threading.Lock()
        self._sessions: dict[str, ServerSession] = {}

    def open(self, login: str, alias: str = "") -> ServerSession:
        """A new session. Raises BadCredentialsError when the user has `concurrentMaxSessions` of them."""
        with self._guard:
            self._expire()
            if len(self._of(login)) >= int(self._preferences["concurrentMaxSessions"]):
                raise BadCredentialsError("Maximum sessions of 1 for this principal exceeded")
            session = ServerSession(secrets.token_hex(16).upper(), login, alias, time.time())
            self._sessions[session.id] = session
            return session

    def find(self, identifier: str | None) -> ServerSession | None:
        """The live session with this ID, whose clock starts anew."""
        with self._guard:
            session = self._sessions.get(identifier or "")
            if session is None or session.last_access < self._oldest:
                return None
            session.last_access = time.time()
            return session

    def close(self, identifier: str) -> None:
        with self._guard:
            self._sessions.pop(identifier, None)

    def of(self, login: str) -> list[str]:
        with self._guard:
            self._expire()
            return self._of(login)

    def expire_all(self) -> None:
        """End every session, as a restart of the server does."""
        with self._guard:
            self._sessions.clear()

    def _of(self, login: str) -> list[str]:
        return [session.id for session in self._sessions.values() if session.login == login]

    @property
    def _oldest(self) -> float:
        """The last access of a session that has just not expired."""
        return time.time() - self._preferences.seconds("sessionTimeout")

    def _expire(self) -> None:
        oldest = self._oldest
        self._sessions = {i: session for i, session in self._sessions.items() if session.last_access >= oldest}


class Accounts:
    """The accounts of those who have a session, read from the database again after every change of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: tuple[object, dict[str, User | None]] = (None, {})

    def enabled(self, login: str) -> User | None:
        """The account, unless it was disabled or removed. The object is shared: it is for reading only."""
        state, known = self._known
        if state is not self._store.state:
            state, known = self._known = (self._store.state, {})
        if login not in known:
            with self._store.reading() as session:
                known[login] = session.scalar(_ENABLED, {"login": login})
        return known[login]


def authenticate(store: Store, name: str, password: str) -> tuple[User, str]:
    """The user that `name` and `password` belong to, and the alias if they are a token. Raises BadCredentialsError."""
    with store.reading() as session:
        token = session.scalar(select(AliasToken).where(AliasToken.alias == name))
        if token is not None:
            if token.expires < now() or not hmac.compare_digest(token.secret, _digest(password)):
                raise BadCredentialsError("Couldn't find token or token has expired.")
            user = session.get(User, token.user_id)
        else:
            user = session.scalar(select(User).where(User.login == name))
            if user is not None and not check_password(password, user.password):
                user = None
    if user is None:
        raise BadCredentialsError("Your login attempt failed because the username and password did not match.")
    if not (user.enabled and user.verified):
        raise BadCredentialsError("Account disabled.")
    return user, name if token is not None else ""


@dataclass(frozen=True)
class IssuedToken:
    """A new alias token; the secret is known only here, the database has its hash."""

    alias: str
    secret: str
    estimated_expiration: float


def issue_token(store: Store, user: User, lifetime: int) -> IssuedToken:
    """A new token of `user` that lives for `lifetime` seconds."""
    token = IssuedToken(str(uuid.uuid4()), secrets.token_urlsafe(48), time.time() + lifetime)
    expires = now() + dt.timedelta(seconds=lifetime)
    with store.writing() as session:
        session.add(AliasToken(alias=token.alias, secret=_digest(token.secret), user_id=user.user_id, expires=expires))
    return token


def invalidate_token(store: Store, alias: str) -> bool:
    """Delete a token; whether there was one."""
    with store.writing() as session:
        gone = session.execute(delete(AliasToken).where(AliasToken.alias == alias).returning(AliasToken.alias))
        return gone.first() is not None


def _digest(secret: str) -> str:
    # A token is random and long: a plain hash is enough, and quick on every request.
    return hashlib.sha256(secret.encode()).hexdigest()
