"""From a study and what is there to a plan: what to make, change, send and delete, each with its reason.

Pure: reads and sends nothing. Check mode, the diff, the report and the real run all come from the same plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .address import Address
from .plan import CREATE, REPLACE, Action, diff


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
