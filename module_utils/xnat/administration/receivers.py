"""DICOM receivers: found by AE title and port, changed as a whole, for a PUT is filled up with defaults.

Whether any receiver listens at all is a site setting, `enableDicomReceiver`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import InputError, RequestError, VerificationError
from ..model import Outcome
from ..session import Session
from . import address, compare, wire

# Option -> name of XNAT's; what a new receiver gets where nothing is asked for is XNAT's own default.
NAMES = {
    "enabled": "enabled",
    "identifier": "identifier",
    "file_namer": "fileNamer",
    "custom_processing": "customProcessing",
    "direct_archive": "directArchive",
    "anonymization_enabled": "anonymizationEnabled",
    "whitelist_enabled": "whitelistEnabled",
    "whitelist": "whitelist",
    "routing_expressions_enabled": "routingExpressionsEnabled",
    "project_routing_expression": "projectRoutingExpression",
    "subject_routing_expression": "subjectRoutingExpression",
    "session_routing_expression": "sessionRoutingExpression",
}
_KEY = ("aeTitle", "port")
_DEFAULT_IDENTIFIER = "dicomObjectIdentifier"
# DicomSCPManager: 1 to 16 printable characters, no backslash, no blank at either end.
_AE_TITLE = re.compile(r"(?! )[ -\[\]-~]{1,16}(?<! )")
_PORTS = range(1, 65536)


def ensure(
    session: Session, ae_title: str, port: int, options: Mapping[str, Any], *, present: bool, exclusive: bool
) -> Outcome:
    """Make the receiver as the options say, or not exist; with `exclusive`, delete all others."""
    _check(ae_title, port)
    wanted = {NAMES[name]: value for name, value in options.items() if value is not None}
    everything, outcome = _all(session), Outcome()
    mine = [one for one in everything if _is(one, ae_title, port)]
    others = [one for one in everything if not _is(one, ae_title, port)]
    if exclusive:
        for one in others:
            _delete(session, one, outcome)
    if not present:
        for one in mine:
            _delete(session, one, outcome)
        return outcome
    found = mine[0] if mine else None
    content = _content(ae_title, port, wanted, found)
    changes = {name: value for name, value in content.items() if found is None or not _same(name, value, found)}
    if not changes:
        outcome.object = dict(found or {})
        return outcome
    what = _called(ae_title, port)
    outcome.changed = True
    if found is not None:
        outcome.before[what] = {name: found.get(name) for name in changes}
    outcome.after[what] = {name: value for name, value in changes.items() if name not in _KEY}
    outcome.object = {**(found or {}), **content}
    if not session.check_mode:
        outcome.object = _save(session, content, found)
    return outcome


def _check(ae_title: str, port: int) -> None:
    if not _AE_TITLE.fullmatch(ae_title):
        raise InputError(
            f"ae_title: {ae_title!r} is none. It has 1 to 16 plain characters, no backslash, and no blank at its ends."
        )
    if port not in _PORTS:
        raise InputError(f"port: {port} is none; give a number from 1 to 65535.")
    if port < 1024:
        raise InputError(f"port: XNAT runs without privileges and cannot listen on {port}; use one from 1024, as 8104.")


def _all(session: Session) -> list[dict[str, Any]]:
    found = wire.read(session, address.RECEIVERS, "list the DICOM receivers")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _is(one: Mapping[str, Any], ae_title: str, port: int) -> bool:
    return one.get("aeTitle") == ae_title and compare.same(port, one.get("port"))


def _called(ae_title: str, port: int) -> str:
    return f"DICOM receiver {ae_title}:{port}"


def _content(ae_title: str, port: int, wanted: dict[str, Any], found: dict[str, Any] | None) -> dict[str, Any]:
    """The whole receiver as it is sent: what is there, with what is asked for on top."""
    kept = {name: found[name] for name in NAMES.values() if found and found.get(name) is not None}
    base = {"identifier": _DEFAULT_IDENTIFIER, "enabled": True} if found is None else {}
    return {"aeTitle": ae_title, "port": port, **base, **kept, **wanted}


def _same(name: str, value: Any, found: Mapping[str, Any]) -> bool:
    if name == "whitelist":  # a set; XNAT gives it in any order
        return sorted(map(str, value)) == sorted(map(str, found.get(name) or []))
    return compare.same(value, found.get(name))


def _save(session: Session, content: dict[str, Any], found: dict[str, Any] | None) -> dict[str, Any]:
    what = _called(content["aeTitle"], content["port"])
    try:
        if found is None:
            wire.send(session, "POST", address.RECEIVERS, f"make the {what}", content)
        else:
            path = address.receiver(int(found["id"]))
            wire.send(session, "PUT", path, f"change the {what}", {**content, "id": found["id"]})
    except RequestError as error:
        if error.status == 500:  # it stores first and listens then
            error.message += f" It may be stored and not listen: is port {content['port']} taken on XNAT's host?"
        raise
    after = next((one for one in _all(session) if _is(one, content["aeTitle"], content["port"])), None)
    lost = [name for name, value in content.items() if after is None or not _same(name, value, after)]
    if after is None or lost:
        raise VerificationError(f"XNAT answered 200 and the {what} is not as asked for: look at {', '.join(lost)}.")
    return after


def _delete(session: Session, one: dict[str, Any], outcome: Outcome) -> None:
    what = _called(str(one.get("aeTitle")), int(one.get("port") or 0))
    outcome.changed = True
    outcome.before[what] = {name: one.get(name) for name in ("enabled", "identifier")}
    if not session.check_mode:
        wire.send(session, "DELETE", address.receiver(int(one["id"])), f"delete the {what}", accept=(200, 204, 404))
        if any(other.get("id") == one["id"] for other in _all(session)):
            raise VerificationError(f"XNAT answered 200 and the {what} is still there. Look into XNAT's log.")
