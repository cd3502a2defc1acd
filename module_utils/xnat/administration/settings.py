"""A site's settings and its notifications: read all, send what differs in one request, read again.

Both are maps that XNAT stores as they come, names that it does not know among them. A null fails in the middle of the
map, with what stands before it stored, so none is ever sent. A site that was never set up is set up by `initialized`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, VerificationError, refuse
from ..model import Outcome
from ..session import Session
from . import address, compare, wire

# Caches of the server lag behind by up to a second: look again before calling it a failure. Seconds.
_LOOK_AGAIN = (0.2, 0.8, 2.0)
# Lists of addresses, which XNAT gives in any order.
_RECIPIENTS = "emailRecipient"
_INITIALIZED = "initialized"


@dataclass(frozen=True)
class Page:
    """One of XNAT's maps of settings. `texts`: it takes texts only."""

    option: str
    what: str
    path: str
    texts: bool


SETTINGS = Page("settings", "site settings", address.SETTINGS, texts=False)
NOTIFICATIONS = Page("notifications", "notifications", address.NOTIFICATIONS, texts=True)


def ensure(
    session: Session, settings: Mapping[str, Any], notifications: Mapping[str, Any], *, allow_unknown: bool
) -> Outcome:
    """Make the site's settings and notifications as given; change nothing that is not named."""
    wanted = {page: _checked(page, values) for page, values in ((SETTINGS, settings), (NOTIFICATIONS, notifications))}
    outcome, stored = Outcome(), read(session, SETTINGS)
    configured = compare.same(True, stored.get(_INITIALIZED))
    becomes = configured or compare.same(True, wanted[SETTINGS].get(_INITIALIZED))
    if wanted[NOTIFICATIONS] and not becomes:
        raise InputError(
            "notifications: cannot be set before the site is set up. Give settings with initialized: true as well."
        )
    if configured and _INITIALIZED in wanted[SETTINGS] and not compare.same(True, wanted[SETTINGS][_INITIALIZED]):
        raise InputError("settings: initialized cannot be taken back: XNAT ignores that until its next start.")
    # What is wrong with the second map is found before the first is sent, wherever it can be read already.
    before = {SETTINGS: stored, NOTIFICATIONS: {}}
    if wanted[NOTIFICATIONS] and configured:
        before[NOTIFICATIONS] = read(session, NOTIFICATIONS)
    for page in (SETTINGS, NOTIFICATIONS):
        if not allow_unknown and (page is SETTINGS or configured):
            _refuse_unknown(page, wanted[page], before[page])
    for page in (SETTINGS, NOTIFICATIONS):
        if page is NOTIFICATIONS and wanted[page] and not configured and not session.check_mode:
            before[page] = read(session, page)
            if not allow_unknown:
                _refuse_unknown(page, wanted[page], before[page])
        outcome.object[page.option] = _apply(session, page, wanted[page], before[page], outcome)
    return outcome


def read(session: Session, page: Page) -> dict[str, Any]:
    """All settings of a page. Raises InputError if the account sees only some of them."""
    found = wire.read(session, page.path, f"read the {page.what}")
    if not isinstance(found, dict) or (page is SETTINGS and "adminEmail" not in found):
        raise InputError(f"username: this account does not see the {page.what}. {wire.ADMINISTRATOR_ONLY}")
    return found


def _checked(page: Page, values: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked for, with `initialized` at the end. Raises InputError for values that cannot be meant."""
    found = compare.given(values)
    refuse(
        f"{page.option}: cannot be set",
        [
            f"{name} has no value. Write '' to make it empty, or leave it out to leave it alone."
            for name, value in found.items()
            if value is None or (isinstance(value, list) and None in value)
        ],
    )
    return dict(sorted(found.items(), key=lambda item: item[0] == _INITIALIZED))


def _refuse_unknown(page: Page, wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    problems = []
    for name in wanted:
        if name not in stored:
            close = compare.nearest(name, stored)
            problems.append(f"{name}{f': do you mean {close}?' if close else ''}")
    refuse(
        f"{page.option}: this XNAT has no such name, and would keep it without using it; nothing was changed "
        "(allow_unknown: true sets it all the same)",
        problems,
    )


def _apply(
    session: Session, page: Page, wanted: dict[str, Any], stored: dict[str, Any], outcome: Outcome
) -> dict[str, Any]:
    """Send what differs, look at it again, and return what was asked for as it is now."""
    changes = _differences(wanted, stored)
    if changes:
        outcome.changed = True
        outcome.before[page.what] = {name: compare.shown(name, stored.get(name)) for name in changes}
        outcome.after[page.what] = {name: _new(name, value) for name, value in changes.items()}
        if not session.check_mode:
            stored = _send(session, page, changes)
    as_is = changes if session.check_mode else {}
    return {name: compare.shown(name, as_is.get(name, stored.get(name))) for name in wanted}


def _new(name: str, value: Any) -> Any:
    return f"{compare.HIDDEN} (another)" if compare.is_secret(name) and value != "" else value


def _differences(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if not _same(name, value, stored)}


def _same(name: str, value: Any, stored: Mapping[str, Any]) -> bool:
    if name not in stored:
        return False
    if name.startswith(_RECIPIENTS):
        return compare.same_addresses(value, stored[name])
    return compare.same(value, stored[name])


def _send(session: Session, page: Page, changes: dict[str, Any]) -> dict[str, Any]:
    content = {name: compare.as_text(value) for name, value in changes.items()} if page.texts else changes
    wire.send(session, "POST", page.path, f"set {', '.join(changes)} of the {page.what}", content)
    for wait in (*_LOOK_AGAIN, 0.0):
        stored = read(session, page)
        lost = _differences(changes, stored)
        if not lost:
            return stored
        session.pause(wait)
    raise VerificationError(
        f"XNAT answered 200 to POST {page.path} and did not keep {', '.join(lost)} of the {page.what} as given "
        f"({'; '.join(f'{name} is {compare.shown(name, stored.get(name))!r}' for name in lost)}). "
        "Check the values, and whether a plugin or prefs-override.ini sets them; XNAT's log says more."
    )
