"""Find an object and what is above it with as few requests as possible, and make the parents that are missing.

XNAT's traps on the way, which is why nothing is written or deleted before the place was found: it ignores the subject
in the path of an experiment, moves an experiment that is PUT under another subject, answers for a project's alias as
for its ID, and lists the resources of the subject when the experiment or scan does not exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from . import fields
from .address import PROJECTS, Address
from .errors import ConflictError, RequestError, XnatError
from .session import Answer, Session

_EXPERIMENT_COLUMNS = {"columns": "ID,label,xsiType,project,subject_ID,subject_label"}
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.-]+")
_ORDER = ("project", "subject", "experiment", "scan", "assessor")


@dataclass
class Place:
    """Where an object is or will be.

    `missing` are the kinds that do not exist, from the top. `rows` are the rows of XNAT's lists for experiment, scan
    and assessor, `items` the items of project and subject, as far as they were read on the way.
    """

    address: Address
    missing: list[str] = field(default_factory=list)
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    items: dict[str, dict[str, Any]] = field(default_factory=dict)

    def require(self, kinds: list[str]) -> None:
        """Raise an XnatError that names the first of `kinds` that is missing."""
        for kind in kinds:
            if kind in self.missing:
                where = self.address.up_to(kind)
                raise XnatError(
                    f"The {where} does not exist, or this account may not see it. "
                    "Check the spelling, or set create_parents: true to have it made."
                )


def item_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the one item of XNAT's item document."""
    items = document.get("items") or [{}]
    return dict(items[0])


def _data(item: dict[str, Any]) -> dict[str, Any]:
    return dict(item.get("data_fields", {}))


def _kinds(address: Address) -> list[str]:
    return [kind for kind in _ORDER if getattr(address, kind) is not None]


def locate(session: Session, address: Address, *, for_resource: bool = False) -> Place:
    """Find the object of an address (the holder, if the address names a resource).

    `for_resource` checks the scan as the routes of resources see it. Raises ConflictError for what would be moved,
    renamed or mixed up if it were written to.
    """
    address = address.owner
    if not address.experiment:
        return _locate_top(session, address)
    rows = session.rows(address.subject_experiments, f"look up the {address.up_to('experiment')}", _EXPERIMENT_COLUMNS)
    label = address.experiment
    row = next((row for row in rows or [] if row.get("label") == label), None)
    row = row or next((row for row in rows or [] if row.get("ID") == label), None)
    if row is None:
        place = _locate_top(session, address.up_to("subject")) if rows is None else Place(address)
        row = None if "project" in place.missing else _row_elsewhere(session, address)
    if row is None:
        start = len(_kinds(address.up_to("subject"))) if rows is not None else 0
        missing = place.missing + [kind for kind in _kinds(address)[start:] if kind not in {"project", "subject"}]
        return Place(address, missing, place.rows, place.items)
    address = replace(address, experiment_id=row["ID"])
    place = Place(address, rows={"experiment": row})
    if for_resource and address.scan:
        _locate_scan(session, place)
    elif address.assessor:
        _locate_assessor(session, place)
    return place


def _locate_top(session: Session, address: Address) -> Place:
    """Find a project or subject by reading the deepest first."""
    place = Place(address)
    if address.subject:
        document = session.read(address.path, f"read the {address}")
        if document is not None:
            place.items["subject"] = item_of(document)
            return place
    project = address.up_to("project")
    document = session.read(project.path, f"read the {project}")
    if document is None:
        place.missing = _kinds(address)
        return place
    item = place.items["project"] = item_of(document)
    found = str(_data(item).get("ID", address.project))
    if found != address.project:
        raise ConflictError(
            f"project: {address.project!r} is another name (alias) of project {found!r}. Use its ID: project: {found}."
        )
    place.missing = ["subject"] if address.subject else []
    return place


def _row_elsewhere(session: Session, address: Address) -> dict[str, str] | None:
    """Return what is needed of the row of an experiment that its subject's list does not show, if there is one.

    The list lags behind for a moment, and someone else may make the experiment at the same time. Raises ConflictError
    if it is under another subject: a PUT would move it, a DELETE delete it.
    """
    document = session.read(
        address.experiment_anywhere, f"look up experiment {address.experiment} of project {address.project}"
    )
    if document is None:
        return None
    item = item_of(document)
    found = _data(item)
    subject = str(found.get("subject_ID", "?"))
    other = session.read(
        Address(address.project, subject).path if subject.replace("_", "").isalnum() else address.up_to("project").path,
        f"read subject {subject}",
    )
    label = _data(item_of(other)).get("label", subject) if other else subject
    if address.subject in {subject, label}:
        return {"ID": str(found.get("ID", "")), "xsiType": str(item.get("meta", {}).get("xsi:type", ""))}
    raise ConflictError(
        f"Experiment {address.experiment} of project {address.project} exists ({found.get('ID')}), but under "
        f"subject {label}, "
        f"not under {address.subject}. XNAT would move it to subject {address.subject}. Nothing was changed: "
        f"use subject {label}, or another label for the experiment."
    )


def _locate_scan(session: Session, place: Place) -> None:
    address = place.address
    rows = session.rows(address.scans, f"list the scans of the {address.up_to('experiment')}")
    row = next((row for row in rows or [] if row.get("ID") == address.scan), None)
    if row is None:
        place.missing = ["scan"]
    else:
        place.rows["scan"] = row
    # The routes of resources and files take a scan's type for its ID as well, and then mean both scans.
    same = [
        other["ID"] for other in rows or [] if other.get("type") == address.scan and other.get("ID") != address.scan
    ]
    if same:
        raise ConflictError(
            f"Scan {same[0]} of the {address.up_to('experiment')} is of type {address.scan!r}, which is the ID "
            "of the scan wanted: "
            "XNAT cannot tell them apart in the addresses of files. Give that scan another type, or this one "
            "another ID."
        )


def _locate_assessor(session: Session, place: Place) -> None:
    address = place.address
    rows = session.rows(address.assessors, f"list the assessors of the {address.up_to('experiment')}")
    row = next((row for row in rows or [] if address.assessor in {row.get("label"), row.get("ID")}), None)
    if row is None:
        place.missing = ["assessor"]
    else:
        place.rows["assessor"] = row


# -- making what is missing -----------------------------------------------------------------------------------------

# For a project that is not there as far as this account can see, and for one that is.
NEW_PROJECT_ADVICE = {
    403: (
        "It does not exist, or this account may not see it; and XNAT does not let this account make it. Either "
        "the ID was "
        "used by a project that was deleted (XNAT never gives such an ID out again: choose another), or only "
        "an admin may "
        "make projects on this site. Check the spelling, or ask to be added to the project."
    ),
    409: (
        "It does not exist, or this account may not see it; and its ID or name is taken, in upper or lower "
        "case, by the ID, name, secondary ID or alias of a project, "
        "perhaps one "
        "that this account may not see. Ask to be added to that project, or choose another ID."
    ),
}
PROJECT_ADVICE = {
    403: "This account may not change the project: only its owners may. Ask one of them, or use another account.",
    409: (
        "Its new name or secondary ID is taken, in upper or lower case, by another project, perhaps one that this "
        "account may not see. Choose another."
    ),
}


def clash(session: Session, project: str, names: dict[str, str]) -> None:
    """Raise ConflictError if a project's ID or a name of it is already used, in any case, by another visible project.

    XNAT would answer 409 without saying which. `names` is {option: value}. Projects that the account may not see are
    not found here; for them XNAT's own refusal must do.
    """
    for row in (session.rows(PROJECTS, "list the projects") if names else None) or []:
        taken = {str(row.get(column, "")).lower(): column for column in ("secondary_ID", "name", "ID")}
        taken.pop("", None)
        for option, value in names.items():
            if value.lower() in taken and row.get("ID") != project:
                column = taken[value.lower()].replace("secondary_ID", "secondary ID")
                raise ConflictError(
                    f"{option}: {value!r} is already the {column} of project {row.get('ID')!r} "
                    f"(XNAT does not tell upper from lower case here). Use that project, or choose another {option}."
                )


def create_parents(session: Session, place: Place, kinds: list[str], xsi_types: dict[str, str]) -> list[str]:
    """Make those of `kinds` that are missing, from the top; return their names, with what they belong to.

    In check mode only the names are returned. `xsi_types` gives the data type of a new experiment or scan. The place's
    address gains the new experiment's ID.
    """
    made = []
    for kind in kinds:
        if kind not in place.missing:
            continue
        if kind == "assessor":
            raise XnatError(
                f"The {place.address} does not exist. An assessor has a data type of its own and is not made on "
                "the way: "
                "make it with the tool that computes it, then run again."
            )
        if kind == "project":
            clash(session, place.address.project, {"project": place.address.project})
        made.append(str(place.address.up_to(kind)))
        if not session.check_mode:
            put(session, place, kind, {"xsiType": xsi_types[kind]} if kind in xsi_types else {})
    return made


def put(session: Session, place: Place, kind: str, parameters: dict[str, str], path: str | None = None) -> None:
    """Write one object of the place, at `path` if it is not the object's own, and note that it exists.

    Never sends `label`: XNAT then only renames.
    """
    address = place.address.up_to(kind)
    verb = "create" if kind in place.missing else "change"
    path = path or address.path
    advice = None
    if kind == "project":
        advice = NEW_PROJECT_ADVICE if kind in place.missing else PROJECT_ADVICE
    answer = session.request("PUT", path, f"{verb} the {address}", parameters, advice=advice)
    if kind == "experiment" and not place.address.experiment_id:
        place.address = replace(place.address, experiment_id=identifier_in(answer, address, verb))
    place.missing = [other for other in place.missing if other != kind]


def identifier_in(answer: Answer, address: Address, verb: str) -> str:
    """Return the ID that XNAT answers to the PUT of an experiment. Raises RequestError if there is none."""
    identifier = answer.text.strip()
    if not _IDENTIFIER.fullmatch(identifier):
        raise RequestError(
            f"Cannot {verb} the {address}: XNAT did not say under which ID it was made. Run again.",
            method="PUT",
            path=address.path,
            status=answer.status,
            answer="",
        )
    return identifier


def types_for(place: Place, scan_type: str | None = None) -> dict[str, str]:
    """Return the data types for a new experiment and scan: those given, or those that go with what is there.

    A scan takes the type that goes with its session's (`xnat:petSessionData` -> `xnat:petScanData`), a session the type
    that goes with the first scan made in it; MR when nothing says otherwise.
    """
    session_type = place.rows.get("experiment", {}).get("xsiType")
    if session_type is None:
        session_type = fields.SESSION_TYPE_OF_SCAN.get(scan_type or "", fields.DEFAULT_SESSION_TYPE)
    scan = scan_type or fields.SCAN_TYPE_OF_SESSION.get(session_type, fields.DEFAULT_SCAN_TYPE)
    return {"experiment": session_type, "scan": scan}
