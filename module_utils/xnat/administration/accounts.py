"""Accounts: make, change, enable, verify, give roles and groups. XNAT never deletes one.

XNAT's answers that are no errors are read here, once: 500 to a GET is an account that does not exist, 304 a PUT that
changed nothing, 409 a name that was taken meanwhile. A password cannot be compared, so a login tries it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import ConflictError, InputError, LoginError, RequestError, VerificationError
from ..model import Outcome
from ..session import Session
from . import address, wire
from .compare import HIDDEN

ADMINISTRATOR = "Administrator"
_NAME = re.compile(r"[a-zA-Z][A-Za-z0-9_'.-]{0,63}")
_FIELDS = {"first_name": "firstName", "last_name": "lastName", "email": "email"}
_FLAGS = ("enabled", "verified")
_LOOK_AGAIN = (0.2, 0.8, 2.0)


@dataclass(frozen=True)
class Desired:
    """What an account shall be like; None leaves a thing alone. `append` keeps roles and groups that are not listed."""

    values: dict[str, Any] = field(default_factory=dict)
    password: str | None = field(default=None, repr=False)
    update_password: bool = True
    roles: Sequence[str] | None = None
    groups: Sequence[str] | None = None
    append: bool = True


def ensure(session: Session, name: str, desired: Desired) -> Outcome:
    """Make the account as desired."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"name: {name!r} is no name of an account. It is a letter, and then letters, digits and _ ' . -"
        )
    found = read(session, name)
    plan = _Plan(session, name, found, desired)
    outcome = plan.outcome()
    if not outcome.changed:
        return outcome
    plan.keep_an_administrator()
    if not session.check_mode:
        outcome.object = plan.carry_out()
    return outcome


def read(session: Session, name: str) -> dict[str, Any] | None:
    """One account with its roles and groups; None if there is none."""
    doing = f"read the account {name}"
    try:
        found = wire.read(session, address.user(name), doing, accept=(200, 404))
    except RequestError as error:
        # UsersApi.getUser wraps "not found" into an exception that has no status of its own.
        if error.status != 500 or "initializing the user" not in error.answer:
            raise
        found = None
    if found is None:
        return None
    lists = (address.roles(name), address.groups(name))
    roles, groups = (wire.read(session, path, doing) for path in lists)
    return {**found, "roles": sorted(map(str, roles)), "groups": sorted(map(str, groups))}


class _Plan:
    """What is to be done about one account."""

    def __init__(self, session: Session, name: str, found: dict[str, Any] | None, desired: Desired) -> None:
        self.session, self.name, self.found, self.desired = session, name, found, desired
        wanted = {_FIELDS.get(option, option): value for option, value in desired.values.items() if value is not None}
        if found is None:
            missing = [option for option, name in _FIELDS.items() if not wanted.get(name)]
            if missing:
                raise InputError(
                    f"{', '.join(missing)}: missing. There is no account {self.name} yet, and XNAT makes none without."
                )
            wanted = {**dict.fromkeys(_FLAGS, True), **wanted}
        elif blank := [option for option, name in _FIELDS.items() if wanted.get(name) == ""]:
            raise InputError(f"{', '.join(blank)}: XNAT ignores an empty value here. Give one, or leave it out.")
        self.wanted = wanted
        self.changes = {key: value for key, value in wanted.items() if found is None or found.get(key) != value}
        self.roles = _change(desired.roles, found["roles"] if found else [], append=desired.append)
        self.groups = _change(desired.groups, found["groups"] if found else [], append=desired.append)
        self.password = self._needs_password()

    def outcome(self) -> Outcome:
        """What changes, as a diff."""
        found = self.found or {}
        before = {key: found.get(key) for key in self.changes} if self.found else {}
        after = dict(self.changes)
        for key, (more, less) in (("roles", self.roles), ("groups", self.groups)):
            if more or less:
                have = found.get(key, [])
                after[key] = sorted({*have, *more} - {*less})
                if self.found:
                    before[key] = have
        if self.password:
            after["password"] = f"{HIDDEN} (another)" if self.found else HIDDEN
            if self.found:
                before["password"] = HIDDEN
        what = f"account {self.name}"
        if not after:
            return Outcome(object=found)
        seen = {key: value for key, value in after.items() if key != "password"}
        return Outcome(
            changed=True,
            before={what: before} if self.found else {},
            after={what: after},
            object={"username": self.name, **found, **seen},
        )

    def _needs_password(self) -> bool:
        """Whether the password is to be set. Nobody can log in to an account that is shut, so there it stays."""
        if self.desired.password is None:
            return False
        if self.found is None:
            return True
        open_then = all(self.wanted.get(flag, self.found.get(flag)) for flag in _FLAGS)
        if not self.desired.update_password or not open_then:
            return False
        if not all(self.found.get(flag) for flag in _FLAGS):
            return True
        return not logs_in(self.session, self.name, self.desired.password)

    def keep_an_administrator(self) -> None:
        """Raise ConflictError if nobody would be left who can administer the site: XNAT itself does not look."""
        found = self.found
        if found is None or ADMINISTRATOR not in found["roles"]:
            return
        stays = ADMINISTRATOR not in self.roles[1] and all(self.wanted.get(flag, found.get(flag)) for flag in _FLAGS)
        if stays or not all(found.get(flag) for flag in _FLAGS):
            return
        if self._is_another_administrator():
            return
        raise ConflictError(
            f"The account {self.name} is the last administrator who can log in. Nothing was changed: "
            "make another account with the role Administrator first."
        )

    def _is_another_administrator(self) -> bool:
        for one in wire.read(self.session, address.PROFILES, "look for another administrator"):
            other = str(one.get("username"))
            if (
                other not in {self.name, "guest"}
                and all(one.get(flag) for flag in _FLAGS)
                and ADMINISTRATOR in wire.read(self.session, address.roles(other), f"read the roles of {other}")
            ):
                return True
        return False

    def carry_out(self) -> dict[str, Any]:
        """Send what is to change, and look at it. What takes away comes last."""
        session, name = self.session, self.name
        shutting = any(self.changes.get(flag) is False for flag in _FLAGS)
        body: dict[str, Any] = {"username": name, **self.changes}
        if self.password:
            body["password"] = self.desired.password
        if self.found is None:
            self._create(body)
        elif len(body) > 1 and not shutting:
            wire.send(session, "PUT", address.user(name), f"change the account {name}", body)
        for more, less, path_of, what in (
            (*self.roles, address.role, "role"),
            (*self.groups, address.group, "group"),
        ):
            for one in more:
                wire.send(session, "PUT", path_of(name, one), f"give the account {name} the {what} {one}")
            for one in less:
                wire.send(session, "DELETE", path_of(name, one), f"take the {what} {one} from the account {name}")
        if self.found is not None and shutting:
            wire.send(session, "PUT", address.user(name), f"change the account {name}", body)
        return self._verified()

    def _create(self, body: dict[str, Any]) -> None:
        answer = wire.send(
            self.session, "POST", address.USERS, f"make the account {self.name}", body, accept=(200, 201, 409)
        )
        if answer.status == 409:  # somebody else made it meanwhile
            wire.send(self.session, "PUT", address.user(self.name), f"change the account {self.name}", body)

    def _verified(self) -> dict[str, Any]:
        lost: list[str] = []
        found: dict[str, Any] = {}
        for wait in (*_LOOK_AGAIN, 0.0):
            found = read(self.session, self.name) or {}
            lost = [key for key, value in self.changes.items() if found.get(key) != value]
            for key, (more, less) in (("roles", self.roles), ("groups", self.groups)):
                have = set(found.get(key, ()))
                if not {*more} <= have or have & {*less}:
                    lost.append(key)
            if not lost:
                break
            self.session.pause(wait)
        if lost:
            raise VerificationError(
                f"XNAT took {', '.join(lost)} for the account {self.name} and did not keep it as given. "
                "Check the values; a user is in at most one group of a project."
            )
        shut = not all(found.get(flag) for flag in _FLAGS)
        password = self.desired.password if self.password and not shut else None
        if password and not logs_in(self.session, self.name, password):
            raise VerificationError(
                f"XNAT took the new password of the account {self.name} and does not let it in. "
                "Do not run this again at once: failed logins lock an account. Look into XNAT's log."
            )
        return found


def _change(wanted: Sequence[str] | None, have: list[str], *, append: bool) -> tuple[list[str], list[str]]:
    """What to add, and what to take away."""
    if wanted is None:
        return [], []
    more = [one for one in dict.fromkeys(wanted) if one not in have]
    return more, [] if append else [one for one in have if one not in wanted]


def logs_in(session: Session, name: str, password: str) -> bool:
    """Whether the name and the password belong together. It is tried once: XNAT counts failures and locks."""
    server = replace(session.server, username=name, password=password, token=None)
    with Session(server) as other:
        try:
            other.text(address.OWN_NAME, f"try the password of the account {name}")
        except LoginError as error:
            if "answered 401" in error.message:
                return False
            if "answered 403" in error.message:  # an expired password: the right one
                return True
            raise
        except RequestError as error:
            if 300 <= error.status < 400:
                return True
            raise
    return True
