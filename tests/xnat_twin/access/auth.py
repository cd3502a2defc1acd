"""Passwords and the accounts behind them: who may log in, and how an account locks itself.

Reference: XnatDatabaseAuthenticationProvider, AliasTokenAuthenticationProvider, XnatAuthenticationEventPublisher.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from xnat_twin.access.tokens import find_token
from xnat_twin.configuration.preferences import Preferences
from xnat_twin.storage.database import Store
from xnat_twin.storage.remembered import Remembered
from xnat_twin.storage.store import AliasToken, User, now

_BY_LOGIN = select(User).where(User.login == bindparam("login"))
_SCRYPT = {"n": 2**12, "r": 8, "p": 1}  # a practice server: about 10 ms, so that tests stay quick


class BadCredentialsError(Exception):
    """Unknown user, wrong password, disabled, unverified or locked account. Callers learn no more than that."""


class MalformedCredentialsError(Exception):
    """The header `Authorization: Basic` cannot be read. XNAT ends the request with a 500."""


def hash_password(password: str) -> str:
    """Salted scrypt, as `salt$hash` in hexadecimal."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT).hex()}"


def check_password(password: str, stored: str, salt: str | None = None) -> bool:
    """Whether this is the password; an account without one (guest) has none that fits.

    With the salt in a column of its own, and without a `$`, it is stored as 1.6 does: SHA-256 of PASSWORD{SALT}.
    """
    if stored and "$" not in stored:
        merged = f"{password}{{{salt}}}" if salt else password
        return hmac.compare_digest(hashlib.sha256(merged.encode()).hexdigest(), stored)
    salt, _, expected = stored.partition("$")
    found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **_SCRYPT).hex()
    return hmac.compare_digest(found, expected)


def basic_credentials(header: str | None) -> tuple[str, str] | None:
    """User and password of an `Authorization: Basic` header, or None. The `provider/` before the user is cut.

    Raises MalformedCredentialsError. A header without a user counts as no header. Reference: XnatHttpUtils.
    """
    if header is None or not header.startswith("Basic "):
        return None
    try:
        name, colon, password = base64.b64decode(header[6:], validate=True).decode().partition(":")
    except ValueError as error:  # not Base64, or not UTF-8
        raise MalformedCredentialsError from error
    if not colon:
        raise MalformedCredentialsError
    name = name.partition("/")[2] or name
    return (name, password) if name.strip() else None


def find_user(session: Session, login: str) -> User | None:
    """The account with this name, which is spelled as it is stored."""
    return session.scalar(_BY_LOGIN, {"login": login})


def is_secret(token: AliasToken, text: str) -> bool:
    """Whether this is the token's secret."""
    return hmac.compare_digest(token.secret.encode(), text.encode("utf-8", "replace"))


class Accounts:
    """The accounts of those who have a session, read from the database again after every change of it.

    A session outlives the account's being disabled: XNAT looks at that at the login only.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: Remembered[str, User | None] = Remembered(store)

    def find(self, login: str) -> User | None:
        """The account. The object is shared: it is for reading only."""
        return self._known.get(login, lambda: self._read(login))

    def _read(self, login: str) -> User | None:
        with self._store.reading() as session:
            return find_user(session, login)


def authenticate(store: Store, preferences: Preferences, name: str, password: str) -> User:
    """The user that `name` and `password`, or an alias token and its secret, belong to. Raises BadCredentialsError."""
    with store.reading() as session:
        user = find_user(session, name)
        token = find_token(session, name) if user is None else None
    if token is not None:
        _check_account(preferences, token.user)
        if not is_secret(token, password):
            raise BadCredentialsError
        return token.user
    if user is None:
        raise BadCredentialsError
    try:
        _check_account(preferences, user)
        if not check_password(password, user.password, user.salt):
            raise BadCredentialsError
    except BadCredentialsError:
        _count_failure(store, preferences, user)
        raise
    second = now().replace(microsecond=0)  # written at most once a second: scripts log in with each request
    if user.failed_logins or user.last_login != second:
        changed = update(User).where(User.user_id == user.user_id)
        store.note(changed.values(failed_logins=0, locked_out=None, last_login=second), {})
    return user


def _check_account(preferences: Preferences, user: User) -> None:
    lockout = dt.timedelta(seconds=preferences.seconds("maxFailedLoginsLockoutDuration"))
    if user.locked_out is not None and now() < user.locked_out + lockout:
        raise BadCredentialsError
    if not user.enabled or (preferences.true("emailVerification") and not user.verified):
        raise BadCredentialsError


def _count_failure(store: Store, preferences: Preferences, user: User) -> None:
    """The account is locked when the count reaches `maxFailedLogins`; 0 and less never lock."""
    if preferences["maxFailedLogins"] <= 0 or user.is_guest:
        return
    changed = update(User).where(User.user_id == user.user_id)
    values = {"failed_logins": User.failed_logins + 1}
    reached = user.failed_logins + 1 == preferences["maxFailedLogins"]
    store.note(changed.values(values | ({"locked_out": now()} if reached else {})), {})


def login_failure_message(preferences: Preferences) -> str:
    """What a refused login is told: the site's own text, `%d` in it being the number of attempts."""
    return str(preferences["uiLoginFailureMessage"]).replace("%d", str(preferences["maxFailedLogins"]))
