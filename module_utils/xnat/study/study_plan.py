"""From a study and what is there to a plan: what to make, change, send and delete, each with its reason.

Pure: reads and sends nothing. Check mode, the diff, the report and the real run all come from the same plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..address import Address, quote_file_name
from ..errors import ConflictError, InputError
from ..plan import (
    CREATE,
    DELETE,
    OVERWRITE,
    REPLACE,
    Action,
    Labels,
    Listing,
    LocalFile,
    StoredFile,
    check_no_replacement,
    diff,
    digests_needed,
    plan_delete,
    plan_upload,
    shortened,
)
from . import object_plan
from .object_plan import DocumentAction
from .present import Present
from .study import SNAPSHOTS, PlannedFile, Study, address_order

COMPARE = ("checksum", "size")
_LocalMd5 = Callable[[LocalFile], str]
_StoredMd5 = Callable[[Address, StoredFile], str | None]


@dataclass(frozen=True, slots=True)
class ResourcePlan:
    """What happens to the files of one resource. `exists` is whether it has files already."""

    address: Address
    exists: bool
    actions: tuple[Action, ...]

    @property
    def to_send(self) -> list[Action]:
        """The actions that send a file."""
        return [action for action in self.actions if action.kind in {CREATE, REPLACE}]


@dataclass
class StudyPlan:
    """All there is to do. `deletions` come last, and never after an error.

    `experiment_ids` are those of the sessions that are there; the others get theirs from the answer to their document.
    """

    projects: list[str] = field(default_factory=list)
    documents: list[DocumentAction] = field(default_factory=list)
    resources: list[ResourcePlan] = field(default_factory=list)
    deletions: list[tuple[Address, Action]] = field(default_factory=list)
    experiment_ids: dict[Address, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether the server will be different afterwards."""
        return bool(
            self.projects or self.documents or self.deletions or any(resource.to_send for resource in self.resources)
        )

    def diff(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What changes, by object, before and after: its attributes or its files."""
        before: dict[str, Any] = {}
        after: dict[str, Any] = {f"project {project}": {} for project in self.projects}
        for change in (change for document in self.documents for change in document.changes):
            if change.kind == "changed":
                before[str(change.address)] = change.before
            after[str(change.address)] = change.after
        deleted: dict[Address, list[Action]] = {}
        for address, action in self.deletions:
            deleted.setdefault(address, []).append(action)
        planned = {resource.address: list(resource.actions) for resource in self.resources}
        for address in {**planned, **deleted}:
            old, new = diff([*planned.get(address, []), *deleted.get(address, [])])
            before.update({str(address): old} if old else {})
            after.update({str(address): new} if new else {})
        return before, after


def plan(
    study: Study,
    present: Present,
    *,
    overwrite: str,
    compare: str = "checksum",
    mirror: bool = False,
    max_delete: int | None = None,
    local_md5: _LocalMd5,
    stored_md5: _StoredMd5,
    stale: Iterable[tuple[Address, str]] = (),
) -> StudyPlan:
    """Return what has to be done so that the server holds the study.

    `mirror` deletes what is in a resource that the study has files for, and not in the study; other resources, other
    scans and the preview images are left alone. `stale` are files to be deleted in any case, as (resource, name).
    Raises InputError for a study that cannot be meant, a file that is not what its manifest says among it, and
    ConflictError for what is there and would have to be moved, replaced (`overwrite: fail`) or deleted (more than
    `max_delete`) against what was asked.
    """
    for option, value, known in (("overwrite", overwrite, OVERWRITE), ("compare", compare, COMPARE)):
        if value not in known:
            raise InputError(f"{option}: {value!r} is not one of {', '.join(known)}.")
    planned = StudyPlan(projects=sorted(_projects(study) - present.projects))
    planned.documents = object_plan.documents(study, present)
    planned.experiment_ids = {address: found.id for address, found in present.sessions.items()}
    by_resource: dict[Address, list[PlannedFile]] = {}
    for file in study.files:
        by_resource.setdefault(file.resource, []).append(file)
    _check_md5(study.files, local_md5)
    # With `fail`, all that would be replaced is named at once, not only that of the first resource.
    policy = "different" if overwrite == "fail" else overwrite
    for address in sorted(by_resource, key=address_order):
        files, stored = by_resource[address], present.files_of(address)
        actions = _files(files, address, stored, policy, compare, local_md5, stored_md5)
        planned.resources.append(ResourcePlan(address, bool(stored.files), tuple(actions)))
        if mirror and address.resource != SNAPSHOTS:
            planned.deletions += [(address, action) for action in _extraneous(actions, stored)]
    if overwrite == "fail":
        check_no_replacement([action for resource in planned.resources for action in resource.actions])
    _check_deletions(planned.deletions, max_delete)
    for address, name in stale:
        action = plan_delete(name, present.files_of(address))
        planned.deletions += [(address, action)] if action else []
    return planned


def _projects(study: Study) -> set[str]:
    return {file.resource.project for file in study.files} | {address.project for address in study.attributes}


def _files(
    files: list[PlannedFile],
    address: Address,
    stored: Listing,
    overwrite: str,
    compare: str,
    local_md5: _LocalMd5,
    stored_md5: _StoredMd5,
) -> list[Action]:
    local = [file.local for file in files]
    labels: dict[str, Labels] = {file.local.name: file.labels for file in files}
    ours: dict[str, str] = {}
    theirs: dict[str, str | None] = {}
    for file, there in digests_needed(local, stored, overwrite):
        if compare == "checksum" or there.size is None:
            ours[file.name], theirs[file.name] = local_md5(file), stored_md5(address, there)
    return plan_upload(local, stored, overwrite, labels, ours, theirs)


def _check_md5(files: Iterable[PlannedFile], local_md5: _LocalMd5) -> None:
    """Raise InputError for files that are not those which a manifest or a list of checksums speaks of."""
    wrong = [
        f"{file.local.origin} ({found}, expected {file.md5.lower()})"
        for file in files
        if file.md5 and (found := local_md5(file.local)) != file.md5.lower()
    ]
    if wrong:
        raise InputError(
            f"{len(wrong)} files do not have the MD5 that is stated for them: {shortened(wrong)}. Nothing was sent. "
            "Copy them again, or correct the md5 in the manifest."
        )


def _extraneous(actions: Iterable[Action], stored: Listing) -> list[Action]:
    names = {action.name for action in actions}
    names |= {quote_file_name(name) for name in names}
    return [
        Action(DELETE, there.name, "not in the study", None, there) for there in stored.files if there.name not in names
    ]


def _check_deletions(deletions: list[tuple[Address, Action]], max_delete: int | None) -> None:
    if max_delete is not None and len(deletions) > max_delete:
        names = [f"{action.name} of the {address}" for address, action in deletions]
        raise ConflictError(
            f"mirror would delete {len(deletions)} files, and max_delete is {max_delete}: {shortened(names)}. Nothing "
            "was changed. Check that the source is complete, or raise max_delete."
        )
