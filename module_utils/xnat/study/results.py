"""What became of each file of a plan: noted while it is carried out, told at the end. Sends nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..address import Address
from ..listings import full_uri
from ..plan import CREATE, DELETE, KEEP, REPLACE, Action, Labels, LocalFile, StoredFile
from ..transfer import Sent
from .study_plan import ResourcePlan
from .verify import Proof

# The words of a result for what an action does.
WORDS = {KEEP: "same", CREATE: "sent", REPLACE: "replaced", DELETE: "removed"}
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file: `action` is same, sent, replaced, removed or failed, `reason` why.

    `local` is the file on this machine, `size` in bytes, `md5` in hex; `uri` as XNAT lists it, to be read with
    listings.full_uri. `labels` are those that the study gives it; None for a file that is not in the study.
    """

    resource: Address
    name: str
    local: LocalFile | None
    size: int | None
    md5: str | None
    uri: str | None
    action: str
    reason: str
    labels: Labels | None = None

    @property
    def path(self) -> str | None:
        """Where it is on this machine, or comes from."""
        return self.local.origin if self.local else None

    @property
    def made(self) -> bool:
        """Whether it was made from the file at `path` on the way; size and MD5 are then not those of that file."""
        return self.local is not None and self.local.made_from is not None


class Ledger:
    """What was sent, what is proven, and why the rest is not. Written by several threads.

    Until something is proven, it counts as failed.
    """

    def __init__(self, resources: list[ResourcePlan]) -> None:
        """Start with nothing done."""
        self._resources = resources
        self._by_address = {resource.address: resource for resource in resources if resource.to_send}
        self._guard = threading.Lock()
        self._results: dict[Address, dict[str, FileResult]] = {}
        self._meanwhile: dict[Address, dict[str, Action]] = {}
        self._sent: dict[Address, dict[str, Sent]] = {}
        self._texts: dict[tuple[str, str], str] = {}

    def resource(self, address: Address) -> ResourcePlan:
        """What was planned for a resource that gets files."""
        return self._by_address[address]

    def note_sent(self, resource: Address, sent: Mapping[str, Sent], meanwhile: Mapping[str, Action]) -> None:
        """Files left for a resource; for those in `meanwhile`, someone else's file changed what is done."""
        with self._guard:
            if sent:
                self._sent.setdefault(resource, {}).update(sent)
            if meanwhile:
                self._meanwhile.setdefault(resource, {}).update(meanwhile)

    def take_sent(self) -> dict[Address, dict[str, Sent]]:
        """Return what was sent since this was asked last."""
        with self._guard:
            taken, self._sent = self._sent, {}
        return taken

    def note_proof(self, resource: Address, sent: Mapping[str, Sent], proofs: Mapping[str, Proof]) -> None:
        """It was looked at what is there of the files that were sent."""
        actions = {action.name: action for action in self._by_address[resource].to_send}
        meanwhile = self._meanwhile.get(resource, {})
        known = self._results.setdefault(resource, {})
        for name, proof in proofs.items():
            action = meanwhile.get(name) or actions[name]
            word, reason = WORDS[action.kind], action.reason
            if proof.problem is not None:
                word, reason = FAILED, proof.problem
            elif proof.note:
                reason = self._texts.setdefault((reason, proof.note), f"{reason}; {proof.note}")
            known[name] = _result(resource, action, word, reason, sent[name].md5, proof.stored)

    def files(self, reasons: Mapping[Address, str], otherwise: str) -> Iterator[FileResult]:
        """Yield a result for each file of the plan, in its order.

        `reasons` say why files of a resource were not sent, `otherwise` why one that was sent is not proven there.
        """
        for resource in self._resources:
            known = self._results.get(resource.address, {})
            meanwhile = self._meanwhile.get(resource.address, {})
            for planned in resource.actions:
                action = meanwhile.get(planned.name, planned)
                if action.changes and action.name in known:
                    yield known[action.name]
                else:
                    failure = (reasons.get(resource.address) or otherwise) if action.changes else None
                    yield result_of(resource.address, action, failure)


def result_of(resource: Address, action: Action, failure: str | None = None) -> FileResult:
    """Return the result of an action as planned, or, with `failure`, of one that was not done."""
    stored = action.stored if action.kind in {KEEP, DELETE} else None
    word, digest = FAILED if failure else WORDS[action.kind], stored.digest if stored else None
    return _result(resource, action, word, failure or action.reason, digest, stored)


def _result(
    resource: Address, action: Action, word: str, reason: str, digest: str | None, stored: StoredFile | None
) -> FileResult:
    uri = stored.uri if stored else ""
    if stored and stored.name != action.name:
        # An old XNAT, which keeps a space as its percent signs.
        uri = full_uri(uri, stored.name)
    source = action.local or action.stored
    size = source.size if source else None
    labels = None if action.kind == DELETE else action.labels
    return FileResult(resource, action.name, action.local, size, digest, uri or None, word, reason, labels)
