"""Project, subject, experiment and scan: read, compare, write, read again; and delete, and look again.

Knows XNAT's rules for these objects, not Ansible. Resources and their files are in resource.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import address as addresses
from . import fields, parents
from .address import Address
from .errors import ConflictError, InputError, VerificationError
from .parents import Place
from .session import Session

_ACCESSIBILITY = ("private", "protected", "public")
# Caches of the server lag behind by up to a second: look again before calling it a failure. Seconds.
_LOOK_AGAIN = (0.2, 0.8, 2.0)


@dataclass
class Outcome:
    """What was (or, in check mode, would be) done. `before` and `after` hold only what differs, by object."""

    changed: bool = False
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    object: dict[str, Any] = field(default_factory=dict)
    created_parents: list[str] = field(default_factory=list)
    files: list[dict[str, Any]] | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Desired:
    """What an object shall be like: `options` by name (None: not asked for), `fields` by XNAT path or variable."""

    options: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    xsi_type: str | None = None
    accessibility: str | None = None
    create_parents: bool = True


def ensure(session: Session, address: Address, desired: Desired) -> Outcome:
    """Make the object exist and be as desired; change nothing that is not asked for."""
    kind = address.kind
    if desired.xsi_type is not None:
        fields.check_xsi_type(desired.xsi_type)
    # Everything that is wrong with the options alone is found before the first request.
    fields.wanted_values(kind, desired.xsi_type or _default_type(kind), desired.options, desired.fields, {})
    place = parents.locate(session, address)
    above = [other for other in addresses.KINDS[: addresses.KINDS.index(kind)] if getattr(address, other)]
    if not desired.create_parents:
        place.require(above)
    item = None if place.missing else _read_item(session, place)
    if item is None and kind not in place.missing:
        place.missing = [kind]
    return _create(session, place, above, desired) if item is None else _update(session, place, item, desired)


def _default_type(kind: str) -> str:
    return {
        "project": "xnat:projectData",
        "subject": "xnat:subjectData",
        "experiment": fields.DEFAULT_SESSION_TYPE,
        "scan": fields.DEFAULT_SCAN_TYPE,
    }[kind]


def _item_path(place: Place) -> str:
    return place.address.by_id if place.address.kind == "experiment" else place.address.path


def _read_item(session: Session, place: Place) -> dict[str, Any] | None:
    kind = place.address.kind
    if kind in place.items:
        return place.items[kind]
    document = session.read(_item_path(place), f"read the {place.address}")
    return None if document is None else parents.item_of(document)


def _create(session: Session, place: Place, above: list[str], desired: Desired) -> Outcome:
    kind, address = place.address.kind, place.address
    xsi_types = parents.types_for(place, desired.xsi_type if kind == "scan" else None)
    if kind == "experiment":
        xsi_types["experiment"] = desired.xsi_type or fields.DEFAULT_SESSION_TYPE
    xsi_type = xsi_types.get(kind, _default_type(kind))
    wanted = fields.wanted_values(kind, xsi_type, desired.options, desired.fields, {})
    wanted = [value for value in wanted if value.value != ""]
    parameters = {value.parameter: value.text for value in wanted}
    if kind == "project":
        parents.clash(session, address.project, {"project": address.project, **_project_names(wanted)})
        if desired.accessibility:
            parameters["accessibility"] = desired.accessibility
    else:
        parameters.update({"xsiType": xsi_type} if kind in xsi_types else {})
    outcome = Outcome(changed=True)
    outcome.created_parents = parents.create_parents(session, place, above, xsi_types)
    after = {value.name: value.value for value in wanted}
    if kind in xsi_types:
        after = {"xsi_type": xsi_type, **after}
    if desired.accessibility:
        after["accessibility"] = desired.accessibility
    outcome.after = {**{name: {} for name in outcome.created_parents}, str(address): after}
    if session.check_mode:
        outcome.object = _predicted(place, xsi_type)
        return outcome
    parents.put(session, place, kind, parameters)
    item = _read_back(session, place, wanted)
    outcome.object = _described(place, item)
    return outcome


def _update(session: Session, place: Place, item: dict[str, Any], desired: Desired) -> Outcome:
    kind, address = place.address.kind, place.address
    found = str(item.get("meta", {}).get("xsi:type", _default_type(kind)))
    # XNAT finds a data type in any case, and answers with the name that its schema has.
    if desired.xsi_type is not None and desired.xsi_type.lower() != found.lower():
        raise ConflictError(
            f"The {address} is of type {found}, not {desired.xsi_type}. XNAT cannot change the type of what exists. "
            f"Nothing was changed: use xsi_type {found}, or another {'ID' if kind == 'scan' else 'label'}."
        )
    stored = fields.flatten(item)
    wanted = fields.wanted_values(kind, found, desired.options, desired.fields, stored)
    changes = fields.differences(wanted, stored)
    outcome = Outcome(object=_described(place, item))
    before = fields.shown(changes, stored)
    after: dict[str, Any] = {value.name: value.value for value in changes}
    access = _accessibility_change(session, address, desired)
    if access is not None:
        before["accessibility"], after["accessibility"] = access, desired.accessibility
    if not after:
        return outcome
    outcome.changed, outcome.before, outcome.after = True, {str(address): before}, {str(address): after}
    if kind == "project":
        parents.clash(session, address.project, _project_names(changes))
    if session.check_mode:
        return outcome
    if changes:
        parents.put(session, place, kind, *_change_of(kind, found, item, changes))
    if access is not None:
        path = f"{address.accessibility}/{desired.accessibility}"
        session.request("PUT", path, f"make the {address} {desired.accessibility}")
    outcome.object = _described(place, _read_back(session, place, wanted))
    return outcome


def _change_of(
    kind: str, xsi_type: str, item: dict[str, Any], changes: list[fields.Wanted]
) -> tuple[dict[str, str], str | None]:
    """Return the parameters of a change, and the path that takes them (None: the object's own).

    Through a subject's path XNAT clears visit and protocol with every change (SubjAssessmentResource). By its ID alone
    it takes XPaths for a new experiment that lacks a project, and drops all other parameters (ExperimentResource). By
    its label in its own project it changes what is there; there, too, it knows XPaths only.
    """
    if kind != "experiment":
        return {value.parameter: value.text for value in changes}, None
    data = item["data_fields"]
    path = addresses.experiment_in(str(data["project"]), str(data.get("label") or data["ID"]))
    return {value.xpath(xsi_type): value.text for value in changes}, path


def _project_names(wanted: list[fields.Wanted]) -> dict[str, str]:
    """Return those of the values that no other project may have in any case."""
    return {value.name: str(value.value) for value in wanted if value.path in {"name", "secondary_id"} and value.value}


def _accessibility_change(session: Session, address: Address, desired: Desired) -> str | None:
    """Return the present accessibility if another one is wanted."""
    if desired.accessibility is None:
        return None
    if desired.accessibility not in _ACCESSIBILITY:
        raise InputError(f"accessibility: {desired.accessibility!r} is not one of {', '.join(_ACCESSIBILITY)}.")
    present = session.text(address.accessibility, f"read the accessibility of the {address}")
    return None if present == desired.accessibility else present or "unknown"


def _read_back(session: Session, place: Place, wanted: list[fields.Wanted]) -> dict[str, Any]:
    """Read what was written, and raise VerificationError for a value that XNAT took with 200 and did not keep.

    It does so for a path of another data type, and for one that does not exist.
    """
    place.items.pop(place.address.kind, None)
    lost: list[fields.Wanted] = []
    for wait in (*_LOOK_AGAIN, 0.0):
        item = _read_item(session, place)
        if item is not None:
            lost = fields.differences(wanted, fields.flatten(item))
            if not lost:
                return item
        session.pause(wait)
    if item is None:
        raise VerificationError(
            f"XNAT answered that it made the {place.address}, but it is not there, or this account may not see it."
        )
    names = ", ".join(value.name for value in lost)
    found = str(item.get("meta", {}).get("xsi:type", ""))
    raise VerificationError(
        f"XNAT took {names} for the {place.address} and did not keep {'it' if len(lost) == 1 else 'them'} as given. "
        f"It ignores paths that do not belong to the data type ({found}) and cuts what its schema does not allow. "
        "Check the name and the value; all other values were set."
    )


def _described(place: Place, item: dict[str, Any]) -> dict[str, Any]:
    kind, address = place.address.kind, place.address
    data = item.get("data_fields", {})
    identifier = str(data.get("ID", address.label))
    return {
        "kind": kind,
        "id": identifier,
        "label": str(data.get("label", identifier)) if kind != "scan" else identifier,
        "uri": addresses.uri(kind, identifier, address.experiment_id),
        "xsi_type": item.get("meta", {}).get("xsi:type", _default_type(kind)),
        "fields": fields.flatten(item),
    }


def _predicted(place: Place, xsi_type: str) -> dict[str, Any]:
    """Describe an object that check mode did not make: it has no ID yet."""
    return {
        "kind": place.address.kind,
        "id": None,
        "label": place.address.label,
        "uri": None,
        "xsi_type": xsi_type,
        "fields": {},
    }


def remove(session: Session, address: Address) -> Outcome:
    """Make the object not exist, with its files; then look whether it is gone."""
    place = parents.locate(session, address)
    item = None if place.missing else _read_item(session, place)
    if item is None:
        return Outcome()
    described = _described(place, item)
    gone = {"id": described["id"], "xsi_type": described["xsi_type"]}
    outcome = Outcome(changed=True, before={str(address): gone}, object=described)
    if session.check_mode:
        return outcome
    session.request(
        "DELETE",
        place.address.path,
        f"delete the {address}",
        {"removeFiles": "true"},
        accept=(200, 204, 404),
        advice={
            403: "This account may not delete it: on most sites only owners of a project may. Nothing was deleted."
        },
    )
    # By its path in the project: an experiment that was only shared into the project lives on under its ID.
    for wait in (*_LOOK_AGAIN, 0.0):
        if session.read(place.address.path, f"see whether the {address} is gone") is None:
            return outcome
        session.pause(wait)
    if address.kind == "project":
        # ProjectResource skips the deletion silently when a subject is shared or not this account's to delete.
        raise VerificationError(
            f"XNAT answered 200 and did not delete the {address}: it does so when a subject in it is shared "
            "with another "
            "project, or may not be deleted by this account. Unshare or delete its subjects first."
        )
    raise VerificationError(
        f"XNAT answered 200 and the {address} is still there. Ask the admin to look into XNAT's log."
    )
