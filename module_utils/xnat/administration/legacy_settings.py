"""The settings of an XNAT 1.6, by its own service: read all, send what differs in one request, read again.

A value goes in the body, percent-encoded to the last sign: one in the path would not be decoded and would end at its
first slash (SettingsRestlet). A name that this XNAT does not know becomes a site property, which is how its modules are
set up (`datafreeze.remote.script`), so an unknown name is stored and only a near miss of a known one is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..errors import InputError, RequestError, VerificationError, refuse
from ..model import Outcome
from ..session import Answer, Session
from . import compare
from .address import INITIALIZE_1_6 as INITIALIZE
from .address import SETTINGS_OF_1_6 as SETTINGS

# Where XNAT sends an administrator, and where everybody else, while nobody has set the site up (XnatArcSpecFilter).
_SET_UP_PAGE, _OTHERS_PAGE = "Configuration.vm", "Unconfigured.vm"
# Who is told of what. XNAT forgets all four when one of them comes, so they are sent together.
_SUBSCRIBERS = ("error", "issue", "newUser", "update")
# What a site cannot be set up without: 1.6 takes it for complete when it has these, and never asks again.
_NEEDED = ("siteId", "siteUrl", "siteAdminEmail", "archivePath", "prearchivePath", "cachePath", "buildPath")
# Names of later versions, which 1.6 would store without using them.
_LATER_NAMES = {
    "adminEmail": "siteAdminEmail",
    "userRegistration": "enableNewRegistrations",
    "smtpHostname": "smtpHost",
    "initialized": "option initialize",
}
_ADVICE = {
    400: "XNAT did not take a value, or does not know a name; its log has the reason.",
    403: "Only an administrator of the site may do that. Use such an account.",
    404: "Only XNAT 1.6 has this service. For later versions use xnat_site_config.",
}
_LINES_SHOWN = 3


class FormBody:
    """Names and values as 1.6 takes them apart: at `&`, at the first `=`, then decoded, where `+` is a space."""

    headers: dict[str, str]

    def __init__(self, values: Mapping[str, str]) -> None:
        """Write them down."""
        self._content = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in values.items())
        self.size = len(self._content)
        self.headers = {"Content-Type": "application/x-www-form-urlencoded"}

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of requests."""
        return {"data": self._content.encode("ascii")}


def ensure(session: Session, settings: Mapping[str, Any], *, initialize: bool, allow_near: bool = False) -> Outcome:
    """Make the settings as given; change nothing that is not named. With `initialize`, set up a site that is not."""
    wanted = _checked(settings)
    outcome = Outcome()
    stored = read(session)
    if stored is None:
        if not initialize:
            raise InputError("initialize: this site was never set up. Give initialize: true and its settings.")
        lacking = [name for name in _NEEDED if not wanted.get(name)]
        if lacking:
            raise InputError(f"settings: a site cannot be set up without {', '.join(lacking)}.")
        stored = _initialize(session, wanted, outcome)
    elif not allow_near:
        _refuse_near(wanted, stored)
    outcome.object["settings"] = _apply(session, wanted, stored, outcome)
    return outcome


def read(session: Session) -> dict[str, Any] | None:
    """All settings; None if the site was never set up. Raises InputError if the account may not see them."""
    doing = "read the settings"
    try:
        answer = session.request("GET", SETTINGS, doing, {"format": "json"}, advice=_ADVICE)
    except RequestError as error:
        if _is_not_set_up(error):
            return None
        raise
    return _result(session, answer, doing)


def _is_not_set_up(error: RequestError) -> bool:
    if not 300 <= error.status < 400:
        return False
    if _OTHERS_PAGE in error.message:
        raise InputError("username: this site was never set up, and only an administrator can do that.") from error
    return _SET_UP_PAGE in error.message


def _result(session: Session, answer: Answer, doing: str) -> dict[str, Any]:
    found = answer.json()
    result = found.get("ResultSet", {}).get("Result") if isinstance(found, dict) else None
    if not isinstance(result, dict) or "siteId" not in result:
        raise session.failure("GET", SETTINGS, doing, answer, "These are no settings. Is this an XNAT 1.6?")
    return result


def _checked(settings: Mapping[str, Any]) -> dict[str, str]:
    """What is asked for, as text. Raises InputError for what cannot be meant."""
    given, problems = compare.given(settings), []
    for name, value in given.items():
        if value is None:
            problems.append(f"{name} has no value. Write '' to make it empty, or leave it out to leave it alone.")
        elif name in _LATER_NAMES:
            problems.append(f"{name}: XNAT 1.6 calls it {_LATER_NAMES[name]}.")
        elif not name or name != name.strip() or "/" in name:
            problems.append(f"{name!r} is no name of a setting.")
    refuse("settings: cannot be set", problems)
    return {name: compare.as_text(value) for name, value in given.items()}


def _refuse_near(wanted: Mapping[str, str], stored: Mapping[str, Any]) -> None:
    """XNAT keeps any name. One that differs from a known one by its case or a letter is a mistake."""
    # What somebody misspelt before is there by now, and is no name to be measured by.
    known = [name for name in stored if "." not in name]
    problems = []
    for name in wanted:
        close = compare.nearest(name, known) if name not in stored and "." not in name else None
        if close and close not in wanted:
            problems.append(f"{name}: do you mean {close}?")
    refuse(
        "settings: this XNAT has no such name, and would keep it without using it; nothing was changed "
        "(allow_unknown: true sets it all the same)",
        problems,
    )


def _apply(session: Session, wanted: dict[str, str], stored: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """Send what differs, look at it again, and return what was asked for as it is now."""
    changes = _differences(wanted, stored)
    if changes:
        outcome.changed = True
        what = "site settings"
        before = outcome.before.setdefault(what, {})
        before.update({name: _shown(name, stored.get(name)) for name in changes if name not in before})
        outcome.after.setdefault(what, {}).update({name: _new(name, value) for name, value in changes.items()})
        if not session.check_mode:
            stored = _send(session, changes, stored)
    as_is: dict[str, Any] = changes if session.check_mode else {}
    return {name: compare.shown(name, as_is.get(name, stored.get(name))) for name in wanted}


def _differences(wanted: Mapping[str, str], stored: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in wanted.items() if not _same(name, value, stored)}


def _same(name: str, wanted: str, stored: Mapping[str, Any]) -> bool:
    """XNAT keeps texts, and shows some of them as numbers or booleans. A text is the same to the last sign."""
    if name not in stored:
        return False
    value = stored[name]
    if name in _SUBSCRIBERS:
        return compare.same_addresses(wanted, value)
    if isinstance(value, bool) or (str(value).lower() in {"true", "false"} and "\n" not in wanted):
        return wanted.strip().lower() == compare.as_text(value).lower()
    if isinstance(value, int | float):
        return compare.same(value, wanted)
    # A script's lines end as they did where it was written; XNAT stores them so.
    return wanted == compare.as_text(value)


def _send(session: Session, changes: dict[str, str], stored: Mapping[str, Any]) -> dict[str, Any]:
    doing = f"set {', '.join(changes)}"
    sent = dict(changes)
    if any(name in changes for name in _SUBSCRIBERS):
        sent = {name: str(stored[name]) for name in _SUBSCRIBERS if stored.get(name)} | changes
    # By POST: both methods do the same here, and a proxy may refuse PUT.
    session.request("POST", SETTINGS, doing, body=FormBody(sent), advice=_ADVICE, retry=False)
    now = read(session) or {}
    lost = _differences(changes, now)
    if lost:
        found = "; ".join(f"{name} is {json.dumps(_shown(name, now.get(name)))}" for name in lost)
        raise VerificationError(
            f"XNAT answered 200 to POST {SETTINGS} and did not keep {', '.join(lost)} as given ({found}). "
            "Check the values; XNAT's log says more."
        )
    return now


def _initialize(session: Session, wanted: dict[str, str], outcome: Outcome) -> dict[str, Any]:
    """Set up a site that never was. It opens no session before, so this one request carries the password itself."""
    outcome.changed = True
    outcome.before["site"] = {"set up": False}
    outcome.after["site"] = {"set up": True}
    if session.check_mode:
        return {}
    session.request_by_password("PUT", INITIALIZE, "set up the site", FormBody(wanted), _ADVICE)
    stored = read(session)
    if stored is None:
        raise VerificationError(
            f"XNAT answered 200 to PUT {INITIALIZE} and does not count as set up. "
            "Its log says what it lacks; it wants all paths of the archive."
        )
    for name, value in wanted.items():
        outcome.before.setdefault("site settings", {})[name] = None
        outcome.after.setdefault("site settings", {})[name] = _new(name, value)
    return stored


def _shown(name: str, value: Any) -> Any:
    return value if value is None else _short(compare.shown(name, value))


def _new(name: str, value: str) -> str:
    return f"{compare.HIDDEN} (another)" if compare.is_secret(name) and value else _short(value)


def _short(value: Any) -> Any:
    """A script of hundreds of lines is told by its size and its checksum: whoever wants to see it has the file."""
    text = compare.as_text(value)
    return value if text.count("\n") < _LINES_SHOWN and len(text) <= 200 else compare.digest(text)
