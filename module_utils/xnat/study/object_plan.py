"""From a study and what is there to the documents that make or change its subjects, sessions and scans.

Pure: reads and sends nothing. Files are planned in study_plan.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import fields
from ..address import Address, experiment_in
from ..errors import ConflictError
from ..fields import Wanted
from . import documents as xml
from . import wishes
from .documents import Part
from .present import Present, PresentObject
from .study import Attributes, Study

_NONE = Attributes()


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """One object that will be made or changed. `before` and `after` hold only what differs, by name."""

    address: Address
    kind: str  # "created" or "changed"
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DocumentAction:
    """One PUT of an XML document: a session with its new and changed scans, or a subject.

    A new session's document makes its subject as well.
    """

    address: Address
    exists: bool
    path: str
    body: bytes
    changes: tuple[ObjectChange, ...]


def documents(study: Study, present: Present) -> list[DocumentAction]:
    """Return the documents to send, those of a subject before those of its sessions.

    Raises ConflictError for a scan of another type, or one whose ID and type another scan of the session has.
    """
    planner = _Planner(study, present)
    found: list[DocumentAction] = []
    with_sessions = {session.up_to("subject") for session in study.addresses("experiment")}
    sessions: dict[Address, list[Address]] = {}
    for session in study.addresses("experiment"):
        sessions.setdefault(session.up_to("subject"), []).append(session)
    for subject in study.addresses("subject"):
        found += planner.subject(subject, alone=subject not in with_sessions)
        for session in sessions.get(subject, []):
            found += planner.session(session)
    return found


class _Planner:
    def __init__(self, study: Study, present: Present) -> None:
        self._study = study
        self._present = present
        self._types = wishes.data_types(study)
        self._made = set(present.subjects)  # there, or made by a document so far
        self._scans: dict[Address, list[Address]] = {}
        for scan in study.addresses("scan"):
            self._scans.setdefault(scan.up_to("experiment"), []).append(scan)
        self._present_scans: dict[Address, list[Address]] = {}
        for scan in present.scans:
            self._present_scans.setdefault(scan.up_to("experiment"), []).append(scan)

    def subject(self, address: Address, *, alone: bool) -> list[DocumentAction]:
        """The document of a subject, if it differs; of a new one, if no session's document makes it as it shall be."""
        found = self._present.subjects.get(address)
        part, change = self._compared(address, wishes.SUBJECT, found)
        if change is None or not (found or alone or part.values):
            return []
        self._made.add(address)
        return [DocumentAction(address, found is not None, address.path, xml.subject(part, new=not found), (change,))]

    def session(self, address: Address) -> list[DocumentAction]:
        """The document of a session, if it or one of its scans is new or differs."""
        found = self._present.sessions.get(address)
        self._check_identifiers(address)
        xsi_type = found.xsi_type if found else self._types[address]
        own, change = self._compared(address, xsi_type, found)
        parts: list[Part] = []
        changes = [change] if change else []
        subject = address.up_to("subject")
        if subject not in self._made:
            self._made.add(subject)
            changes.insert(0, ObjectChange(subject, "created", {}, {}))
        for scan in self._scans.get(address, []):
            there = self._present.scans.get(scan)
            part, change = self._compared(scan, self._scan_type(scan, found, there), there)
            if change is not None:
                parts.append(part)
                changes.append(change)
        if not changes:
            return []
        # Through its subject's path XNAT would clear visit and protocol of a session that is there.
        path = experiment_in(address.project, str(address.experiment)) if found else address.path
        return [DocumentAction(address, found is not None, path, xml.session(own, parts), tuple(changes))]

    def _scan_type(self, scan: Address, session: PresentObject | None, found: PresentObject | None) -> str:
        attributes = self._study.attributes.get(scan, _NONE)
        said = attributes.xsi_type
        if found is None:
            usual = fields.SCAN_TYPE_OF_SESSION.get(session.xsi_type) if session else None
            return said or usual or self._types[scan]
        if said is not None and said.lower() != found.xsi_type.lower():
            raise ConflictError(
                f"The {scan} is of type {found.xsi_type}, not {said}. XNAT cannot change the type of what exists. "
                f"Nothing was changed: use xsi_type {found.xsi_type}, or another ID."
            )
        return found.xsi_type

    def _compared(
        self, address: Address, xsi_type: str, found: PresentObject | None
    ) -> tuple[Part, ObjectChange | None]:
        """What to write of an object, and the change that this is; None if it is there as it shall be."""
        attributes = self._study.attributes.get(address, _NONE)
        stored: Mapping[str, Any] = found.values if found else {}
        wanted = fields.wanted_values(address.kind, xsi_type, attributes.options, attributes.fields, stored)
        changes = _different(wanted, stored)
        part = Part(address, xsi_type, changes)
        if found is not None and not changes:
            return part, None
        after = {value.name: value.value for value in changes}
        if found is not None:
            return part, ObjectChange(address, "changed", fields.shown(changes, stored), after)
        if address.kind != "subject":
            after = {"xsi_type": xsi_type, **after}
        return part, ObjectChange(address, "created", {}, after)

    def _check_identifiers(self, session: Address) -> None:
        """Raise ConflictError if the ID of one scan is the type of another: for files XNAT takes the one for the other.

        With two such scans a file would go to neither, or be listed for both (XNATTemplate).
        """
        wanted = self._scans.get(session, [])
        everything = {*wanted, *self._present_scans.get(session, [])}
        by_type: dict[str, list[Address]] = {}
        for scan in everything:
            by_type.setdefault(self._type_of(scan), []).append(scan)
        for scan in wanted:
            others = [other for other in by_type.get(str(scan.scan), []) if other != scan]
            if others:
                raise ConflictError(
                    f"The ID of the {scan} is also the type of scan {others[0].scan} there: XNAT cannot tell them "
                    "apart in the addresses of files. Nothing was changed: give the one another ID, or the other "
                    "another type."
                )
        ids = {str(scan.scan): scan for scan in everything}
        for scan in wanted:
            other = ids.get(self._type_of(scan))
            if other is not None and other != scan:
                raise ConflictError(
                    f"The type of the {scan} is also the ID of another scan there: XNAT cannot tell them apart in the "
                    "addresses of files. Nothing was changed: give the one another type, or the other another ID."
                )

    def _type_of(self, scan: Address) -> str:
        """The type that a scan will have."""
        wanted = self._study.attributes.get(scan, _NONE).options.get("type")
        if wanted is not None:
            return str(wanted)
        found = self._present.scans.get(scan)
        return str(found.values.get("type", "")) if found else ""


def _different(wanted: Iterable[Wanted], stored: Mapping[str, Any]) -> list[Wanted]:
    """The values that an object does not have yet."""
    present = {fields.normalise(path): value for path, value in stored.items()}
    return [value for value in wanted if not fields.same_listed(present.get(value.path), value.value)]
