"""The HTTP sessions of all users. They live in memory and end with the process, as Tomcat's do.

Who may open one is decided in auth.py.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field

from xnat_twin.access.auth import BadCredentialsError
from xnat_twin.configuration.preferences import Preferences


class TooManySessionsError(BadCredentialsError):
    """The user has `concurrentMaxSessions` already; he is told no more than if his password were wrong."""


@dataclass
class ServerSession:
    """One HTTP session. `csrf` is what a browser must send back with every change."""

    id: str
    login: str
    last_access: float
    csrf: str = field(default_factory=lambda: str(uuid.uuid4()))
    #: The password was found not to have expired; it is not looked at again in this session.
    password_checked: bool = False


class Sessions:
    """All live sessions, by ID and by user."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences
        self._guard = threading.Lock()
        self._sessions: dict[str, ServerSession] = {}
        self._ended: set[str] = set()

    def open(self, login: str, limited: bool = True) -> ServerSession:
        """A new session. Raises TooManySessionsError at the limit, which the sessions of guests do not have."""
        with self._guard:
            self._forget_old()
            if limited and len(self._of(login)) >= self._preferences["concurrentMaxSessions"]:
                raise TooManySessionsError(login)
            session = ServerSession(secrets.token_hex(16).upper(), login, time.time())
            self._sessions[session.id] = session
            return session

    def find(self, identifier: str) -> ServerSession | None:
        """The live session with this ID, whose clock starts anew."""
        with self._guard:
            session = self._sessions.get(identifier)
            if session is None or session.last_access < self._oldest:
                return None
            session.last_access = time.time()
            return session

    def close(self, identifier: str) -> None:
        """Log out: the ID means nothing any more."""
        with self._guard:
            self._sessions.pop(identifier, None)

    def end(self, login: str) -> list[str]:
        """End every session of a user, and return their IDs; `was_ended` remembers each until it is used once more."""
        with self._guard:
            self._forget_old()
            gone = self._of(login)
            for identifier in gone:
                del self._sessions[identifier]
            self._ended.update(gone)
            return gone

    def was_ended(self, identifier: str) -> bool:
        """Whether `end` ended this session. True once: then it is forgotten. Reference: ConcurrentSessionFilter."""
        with self._guard:
            if identifier not in self._ended:
                return False
            self._ended.remove(identifier)
            return True

    def of(self, login: str) -> list[str]:
        """The IDs of one user's sessions."""
        with self._guard:
            self._forget_old()
            return self._of(login)

    def by_login(self) -> dict[str, list[str]]:
        """The IDs of everyone's sessions, except guests'."""
        found: dict[str, list[str]] = {}
        with self._guard:
            self._forget_old()
            for session in self._sessions.values():
                if session.login != "guest":
                    found.setdefault(session.login, []).append(session.id)
        return found

    def expire_all(self) -> None:
        """End every session, as a restart of the server does."""
        with self._guard:
            self._sessions.clear()
            self._ended.clear()

    def _of(self, login: str) -> list[str]:
        return [session.id for session in self._sessions.values() if session.login == login]

    @property
    def _oldest(self) -> float:
        """The last access of a session that has just not expired."""
        return time.time() - self._preferences.seconds("sessionTimeout")

    def _forget_old(self) -> None:
        oldest = self._oldest
        self._sessions = {i: session for i, session in self._sessions.items() if session.last_access >= oldest}
