"""Resources (folders of files) and the files in them: list, make, fill, delete.

The order of things and XNAT's rules are here; what to do with each file is decided in plan.py and done in transfer.py.
"""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any

from . import archives, parents
from . import local as local_files
from .address import Address, exact_delete_pattern, hits_of_delete, name_in_uri
from .delivery import Upload
from .errors import ConflictError, InputError, RequestError, VerificationError, XnatError
from .fields import same
from .model import Outcome
from .parents import Place
from .plan import (
    OVERWRITE,
    Action,
    Labels,
    Listing,
    LocalFile,
    StoredFile,
    diff,
    digests_needed,
    plan_delete,
    plan_upload,
    shortened,
)
from .session import Session
from .transfer import MayWrite, stored_md5


def find(session: Session, resource: Address) -> dict[str, str] | None:
    """Return the row of the resource in its holder's list, or None. The holder must exist."""
    rows = session.rows(resource.resources, f"list the resources of the {resource.owner}")
    if rows is None:
        raise XnatError(f"The {resource.owner} disappeared while it was being read. Run again.")
    found = [row for row in rows if row.get("label") == resource.resource]
    if len(found) > 1:
        # Two requests made it at the same time. XNAT picks one at random for every request.
        numbers = ", ".join(row.get("xnat_abstractresource_id", "?") for row in found)
        raise ConflictError(
            f"There are {len(found)} resources named {resource.resource} in the {resource.owner} (numbers {numbers}). "
            "Ask an owner of the project to join or delete one of them; nothing was changed."
        )
    return found[0] if found else None


def list_files(session: Session, resource: Address) -> Listing:
    """Return the files of the resource; none if there is no such resource."""
    rows = session.rows(resource.files, f"list the files of the {resource}")
    files = []
    for row in rows or []:
        if row.get("collection") not in {resource.resource, None, ""}:
            raise ConflictError(
                f"XNAT answered with files of resource {row.get('collection')} when asked for the {resource}. "
                "Nothing was changed. Run again; if it stays, report it with the request that was made."
            )
        size, uri = row.get("Size", ""), row.get("URI", "")
        name = name_in_uri(uri) or row.get("Name", "")
        tags = frozenset(tag for tag in row.get("file_tags", "").split(",") if tag)
        digest = row.get("digest", "").lower() or None
        files.append(
            StoredFile(
                name,
                int(size) if size.isdigit() else None,
                digest,
                row.get("file_format", ""),
                row.get("file_content", ""),
                tags,
                uri,
            )
        )
    if len({row.get("cat_ID") for row in rows or []}) > 1:
        find(session, resource)
    return Listing(tuple(files))


def _located(session: Session, address: Address) -> tuple[Place, Address]:
    place = parents.locate(session, address, for_resource=True)
    return place, replace(place.address, resource=address.resource)


def _described(resource: Address, row: dict[str, str] | None) -> dict[str, Any]:
    row = row or {}
    number = row.get("xnat_abstractresource_id")
    return {
        "kind": "resource",
        "id": number,
        "label": resource.resource,
        "uri": f"{resource.resources}/{number}" if number else None,
        "format": html.unescape(row.get("format", "")),
        "content": html.unescape(row.get("content", "")),
        "tags": sorted(_tags(row)),
    }


def _tags(row: dict[str, str]) -> set[str]:
    return {html.unescape(tag.strip()) for tag in row.get("tags", "").split(",") if tag.strip()}


def _missing_labels(row: dict[str, str], labels: Labels) -> dict[str, tuple[Any, Any]]:
    """Return {option: (there, wanted)} for the labels that the resource does not have."""
    differing: dict[str, tuple[Any, Any]] = {}
    for option in ("format", "content"):
        wanted = getattr(labels, option)
        if wanted and not same(row.get(option, ""), wanted):
            differing[option] = (row.get(option, ""), wanted)
    there = _tags(row)
    if set(labels.tags) - there:
        differing["tags"] = (sorted(there), sorted(labels.tags))
    return differing


def ensure_resource(session: Session, address: Address, labels: Labels, *, create_parents: bool) -> Outcome:
    """Make the resource exist with these labels.

    Raises ConflictError if it exists with others: XNAT answers 409 to a second PUT and has no request to change them.
    """
    place, resource = _located(session, address)
    above = list(place.missing)
    if not create_parents:
        place.require(above)
    row = None if place.missing else find(session, resource)
    if row is not None:
        differing = _missing_labels(row, labels)
        if differing:
            facts = "; ".join(
                f"{option} is {there or 'not set'}, wanted {want}" for option, (there, want) in differing.items()
            )
            raise ConflictError(
                f"The {address} exists with other labels: {facts}. XNAT cannot change them on an existing resource. "
                "Leave the option out to take it as it is; or delete the resource (state: absent deletes its "
                "files as well) "
                "and make it anew."
            )
        return Outcome(object=_described(resource, row))
    outcome = Outcome(changed=True)
    outcome.created_parents = parents.create_parents(session, place, above, parents.types_for(place))
    outcome.after = {**{name: {} for name in outcome.created_parents}, str(address): labels.parameters()}
    resource = replace(place.address, resource=address.resource)
    if not session.check_mode:
        row = _make(session, resource, labels)
    outcome.object = _described(resource, row)
    return outcome


def _make(session: Session, resource: Address, labels: Labels) -> dict[str, str] | None:
    """Create the resource, and make sure that it is there."""
    _put(session, resource, labels)
    row = find(session, resource)
    if row is None:
        raise VerificationError(
            f"XNAT answered 200 and did not make the {resource}. This account may read but not edit the project: "
            f"ask an owner of project {resource.project} to make it a member."
        )
    return row


def _put(session: Session, resource: Address, labels: Labels) -> None:
    """Create the resource, by itself and before any file: XNAT may put files of an unknown label elsewhere."""
    # 409 means that it is there: a repeated request, or someone else, was faster.
    session.request("PUT", resource.path, f"create the {resource}", labels.parameters(), accept=(200, 201, 409))


def remove_resource(session: Session, address: Address) -> Outcome:
    """Delete the resource with its files. XNAT answers 200 for a missing one, too: look before and after."""
    place, resource = _located(session, address)
    row = None if place.missing else find(session, resource)
    if row is None:
        return Outcome()
    count = row.get("file_count", "")
    before = {str(address): {"files": count}}
    outcome = Outcome(changed=True, before=before, object=_described(resource, row))
    if session.check_mode:
        return outcome
    advice = {403: "This account may not delete it: members of a project may add files, but only owners may delete."}
    session.request(
        "DELETE", resource.path, f"delete the {address}", {"removeFiles": "true"}, accept=(200, 404), advice=advice
    )
    if find(session, resource) is not None:
        raise VerificationError(
            f"XNAT answered 200 and the {address} is still there. Ask the admin to look into XNAT's log."
        )
    return outcome


# -- files ----------------------------------------------------------------------------------------------------------


def upload(
    session: Session,
    address: Address,
    sources: list[str],
    dest: str | None,
    *,
    overwrite: str,
    labels: Labels,
    create_parents: bool,
    allow_empty: bool,
    extract: bool = False,
) -> Outcome:
    """Make the resource hold the files that `sources` and `dest` mean (see local.collect)."""
    if overwrite not in OVERWRITE:
        raise InputError(f"overwrite: {overwrite!r} is not one of {', '.join(OVERWRITE)}.")
    files = local_files.collect(sources, dest, allow_empty=allow_empty, extract=extract)
    place, resource = _located(session, address)
    above = list(place.missing)
    if not create_parents:
        place.require(above)
    stored = Listing() if place.missing else list_files(session, resource)
    row = None if place.missing or stored.files else find(session, resource)
    exists = bool(stored.files) or row is not None
    if not exists and not create_parents:
        raise XnatError(
            f"The {address} does not exist. Make it with xnat_resource, or set create_parents: true to have it made."
        )
    actions = _plan(session, resource, stored, files, overwrite, labels)
    outcome = Outcome(changed=any(action.changes for action in actions), warnings=archives.warnings(files))
    if not exists:
        outcome.created_parents = parents.create_parents(session, place, above, parents.types_for(place))
        outcome.created_parents.append(str(address))
        resource = replace(place.address, resource=address.resource)
    before, after = diff(actions)
    outcome.before = {str(address): before} if before or (after and exists) else {}
    outcome.after = {**{name: {} for name in outcome.created_parents[:-1]}, str(address): after} if after else {}
    outcome.object = {
        "kind": "resource",
        "label": address.resource,
        "uri": resource.path if exists or not session.check_mode else None,
    }
    if session.check_mode:
        outcome.files = [_kept_or_planned(action) for action in actions]
        return outcome
    may_write = None
    if not exists:
        # Looking whether it was made is left to the look at the files. Who may not write gets 403 here.
        _put(session, resource, labels)
        may_write = MayWrite()
        may_write.add(resource)
    carrier = Upload(session, resource, labels, overwrite, lambda: list_files(session, resource), may_write)
    try:
        outcome.files = carrier.run(actions)
    except XnatError as error:
        error.details["changed"] = error.details["changed"] or bool(outcome.created_parents)
        error.details["created_parents"] = outcome.created_parents
        raise
    outcome.changed = any(file["action"] != "unchanged" for file in outcome.files) or bool(outcome.created_parents)
    return outcome


def _kept_or_planned(action: Action) -> dict[str, Any]:
    stored = action.stored if not action.changes else None
    return action.result(stored.digest if stored else None, stored.uri if stored else None)


def _plan(
    session: Session,
    resource: Address,
    stored: Listing,
    files: list[LocalFile],
    overwrite: str,
    labels: Labels,
) -> list[Action]:
    pairs = digests_needed(files, stored, overwrite)
    ours = {file.name: local_files.md5(file) for file, _ in pairs}
    theirs = {file.name: _md5_there(session, resource, there) for file, there in pairs}
    return plan_upload(files, stored, overwrite, labels, ours, theirs)


def _md5_there(session: Session, resource: Address, there: StoredFile) -> str:
    """Return the MD5 of a stored file; a file that is listed but gone from the server's disk is to be sent again."""
    try:
        return stored_md5(session, resource, there)
    except RequestError as error:
        if error.status == 404:
            return "no file"
        raise


def remove_file(session: Session, address: Address, name: str) -> Outcome:
    """Delete one file, and make sure that no other one goes with it.

    XNAT 1.8 and later deletes every file whose path starts with the one given: `a.txt` takes `a.txt.bak` along.
    If others would be hit, the exact form of the address is used; if even that hits others, nothing is deleted.
    """
    place, resource = _located(session, address)
    stored = Listing() if place.missing else list_files(session, resource)
    action = plan_delete(name, stored)
    if action is None or action.stored is None:
        return Outcome(files=[])
    there = action.stored
    _safe_delete_path(resource, there.name, stored)
    before, after = diff([action])
    outcome = Outcome(changed=True, before={str(address): before}, after={str(address): after} if after else {})
    outcome.files = [action.result(there.digest, there.uri)]
    outcome.object = {"kind": "resource", "label": address.resource, "uri": resource.path}
    if not session.check_mode:
        delete_files(session, resource, [there.name], stored)
    return outcome


def delete_files(session: Session, resource: Address, names: list[str], stored: Listing) -> None:
    """Delete these files of a resource, and make sure that no other one goes with them.

    `stored` is what is there. Raises ConflictError, before anything is deleted, if one of them cannot go alone.
    """
    remaining = stored
    paths = []
    for name in names:
        paths.append(_safe_delete_path(resource, name, remaining))
        remaining = Listing(tuple(file for file in remaining.files if file.name != name))
    advice = {403: "This account may not delete files: members of a project may add them, but only owners may delete."}
    for name, path in zip(names, paths, strict=True):
        session.request("DELETE", path, f"delete {name} of the {resource}", accept=(200, 204, 404), advice=advice)
    left = set(list_files(session, resource).names)
    if kept := sorted(set(names) & left):
        raise VerificationError(
            f"XNAT did not delete {shortened(kept)} of the {resource}, although it answered that it did."
        )
    lost = sorted(set(stored.names) - left - set(names))
    if lost:
        raise VerificationError(
            f"Deleting {shortened(names)} of the {resource} took other files along, or someone deleted them at the "
            f"same time: {shortened(lost)}. Send them again.",
            changed=True,
        )


def _safe_delete_path(resource: Address, name: str, stored: Listing) -> str:
    plain = hits_of_delete(name, stored.names)
    if plain == [name]:
        return resource.file(name)
    exact = hits_of_delete(exact_delete_pattern(name), stored.names)
    if exact == [name]:
        return resource.exact_file(name)
    others = sorted(set(exact) - {name})
    raise ConflictError(
        f"XNAT cannot delete {name} of the {resource} alone: it would also delete "
        f"{shortened(others or sorted(set(plain) - {name}))}. "
        "Nothing was deleted. Rename one of them, or delete the resource and send what shall stay again."
    )
