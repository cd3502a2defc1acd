"""`/xapi/dicomscp`: the definitions of DICOM receivers. Nothing listens here. Reference: DicomSCPApi, DicomSCPManager.

Everybody who is logged in may list them; all else is for administrators.
"""

from __future__ import annotations

import ipaddress
import re
import time
from typing import Any

from falcon import Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from xnat_twin.configuration.dicom_receivers import FRESH
from xnat_twin.errors import XapiError
from xnat_twin.resources.administration.xapi import XapiEndpoint, flag, json_object, not_found, send_value
from xnat_twin.resources.base import send_json
from xnat_twin.storage.store import DicomReceiver

_IDENTIFIERS = {"dicomObjectIdentifier": "Default DICOM object identifier (ClassicDicomObjectIdentifier)"}
_AE_TITLE = re.compile(r"(?![\s])[ -\[\]-~]{1,16}(?<![\s])")


class DicomReceivers(XapiEndpoint):
    """All of them; POST makes one, and answers 200 with it."""

    def on_get(self, req: Request, resp: Response) -> None:
        self.someone(req, resp)
        with self.reading(req) as finder:
            rows = finder.session.scalars(select(DicomReceiver).order_by(DicomReceiver.receiver_id)).all()
        send_json(resp, [_described(row) for row in rows])

    def on_get_identifiers(self, req: Request, resp: Response) -> None:
        self.someone(req, resp)
        send_json(resp, _IDENTIFIERS)

    def on_post(self, req: Request, resp: Response) -> None:
        self.admin(req, resp)
        given = json_object(req)
        with self.writing(req) as finder:
            number = given.get("id")
            row = finder.session.get(DicomReceiver, number) if isinstance(number, int) else None
            row = _save(finder.session, row or DicomReceiver(definition={}), given)
        send_json(resp, _described(row))


class OneDicomReceiver(XapiEndpoint):
    """One by its number. PUT replaces the whole, and of a number that nobody has makes a new one."""

    def on_get(self, req: Request, resp: Response, number: str) -> None:
        self.admin(req, resp)
        with self.reading(req) as finder:
            row = _row(finder.session, number)
        send_json(resp, _described(row))

    def on_put(self, req: Request, resp: Response, number: str) -> None:
        self.admin(req, resp)
        given = json_object(req)
        with self.writing(req) as finder:
            row = finder.session.get(DicomReceiver, _number(number)) or DicomReceiver(definition={})
            row = _save(finder.session, row, given)
        send_json(resp, _described(row))

    def on_delete(self, req: Request, resp: Response, number: str) -> None:
        self.admin(req, resp)
        with self.writing(req) as finder:
            finder.session.delete(_row(finder.session, number))

    def on_get_enabled(self, req: Request, resp: Response, number: str) -> None:
        self.admin(req, resp)
        with self.reading(req) as finder:
            send_value(resp, _row(finder.session, number).definition["enabled"])

    def on_put_enable(self, req: Request, resp: Response, number: str, value: str) -> None:
        self.admin(req, resp)
        with self.writing(req) as finder:
            row = _row(finder.session, number)
            row.definition = {**row.definition, "enabled": flag(value), "timestamp": _now()}
        send_json(resp, _described(row))


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise XapiError(400, f'Failed to convert value of type String to required type int; input string: "{text}"')
    return int(text)


def _row(session: Session, number: str) -> DicomReceiver:
    row = session.get(DicomReceiver, _number(number))
    if row is None:
        raise not_found(f"Could not find DICOM SCP instance with ID {number}")
    return row


def _save(session: Session, row: DicomReceiver, given: dict[str, Any]) -> DicomReceiver:
    """Whatever is wrong is 400, also a title and port that another one has, for which the API promises a 409."""
    definition = {**FRESH, **{name: given[name] for name in FRESH if given.get(name) is not None}}
    title, port = str(definition["aeTitle"] or ""), definition["port"]
    if definition["identifier"] not in _IDENTIFIERS:
        raise XapiError(
            400,
            f"Tried to provision DICOM SCP receiver '{title}:{port}' but that instance specifies an unknown DICOM "
            f"Object Identifier '{definition['identifier']}'.",
        )
    if not _AE_TITLE.fullmatch(title):
        raise XapiError(400, f"Invalid AE-title: {title}")
    for other in session.scalars(select(DicomReceiver)):
        if other is not row and (other.definition["aeTitle"], other.definition["port"]) == (title, port):
            raise XapiError(
                400,
                f"Tried to create or update a DICOM SCP receiver with the title and port {title}:{port}, but a "
                "receiver with the same title and port already exists.",
            )
    definition["whitelist"] = sorted({_sender(str(one)) for one in definition["whitelist"] if str(one).strip()})
    moments = {"created": row.definition.get("created") or _now(), "timestamp": _now()}
    row.definition = {**definition, **moments}
    session.add(row)
    session.flush()
    return row


def _sender(text: str) -> str:
    """`AE`, `ADDRESS` or `AE@ADDRESS`."""
    title, _, address = text.rpartition("@")
    if "@" in title:
        raise XapiError(400, f"Invalid item in whitelist: {text}")
    for part, must_be_address in ((title, False), (address, bool(title))):
        if part and not _is_address(part) and (must_be_address or not _AE_TITLE.fullmatch(part)):
            raise XapiError(400, f"Invalid item in whitelist: {part}")
    return text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _described(row: DicomReceiver) -> dict[str, Any]:
    label = f"{row.definition['aeTitle']}:{row.definition['port']}"
    return {"id": row.receiver_id, **row.definition, "label": label}


def _now() -> int:
    return int(time.time() * 1000)
