"""What goes next: the order of the documents and resources of a study, and what waits for what.

Holds one small object per document and resource, whatever the number of files. Sends nothing and starts no thread; it
is asked by several.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..address import Address
from .object_plan import DocumentAction
from .study_plan import ResourcePlan

_Heap = list[tuple[int, int, "Unit"]]


@dataclass(slots=True, eq=False)
class Unit:
    """The work of one writer: one document, or the files of one resource. `size` is in bytes.

    `dropped` is why a unit was never started, `because_of` the unit that failed instead.
    """

    what: DocumentAction | ResourcePlan
    size: int = 0
    started: bool = False
    dropped: str | None = None
    because_of: Unit | None = None

    @property
    def address(self) -> Address:
        """The object that is written."""
        return self.what.address

    @property
    def is_document(self) -> bool:
        """Whether it is a document, and not files."""
        return isinstance(self.what, DocumentAction)

    @property
    def subject(self) -> tuple[str, str | None]:
        """The subject that it belongs to."""
        return self.address.project, self.address.subject


def unit_of(resource: ResourcePlan) -> Unit:
    """Return the unit that sends the files of this resource."""
    return Unit(resource, sum(action.local.size for action in resource.to_send if action.local))


@dataclass(slots=True)
class _Subject:
    """What is left of a subject. `written` is whether one of its documents was taken, so that it is there."""

    written: bool = False
    documents: list[Unit] = field(default_factory=list)
    resources: list[Unit] = field(default_factory=list)


class Schedule:
    """Hands out units, largest first, as soon as what they need is there.

    - Documents go before files, since files wait for them. While there are documents left, one worker is kept for
      them: one that waits for another of its subject must not also wait for the end of large files.
    - Files go when the document of their session, or a document of their subject, was taken.
    - Of a subject, one document goes alone, the subject's own before those of its sessions. XNAT looks whether a label
      is taken before it writes, not while it does, so two documents at once may make a subject twice.
    """

    def __init__(self, units: Iterable[Unit], *, workers: int) -> None:
        """Put the units in order, for so many workers."""
        self._workers = workers
        self._changed = threading.Condition()
        self._stopped = False
        self._running = self._running_files = self._count = 0
        self._documents: _Heap = []
        self._files: _Heap = []
        self._subjects: dict[tuple[str, str | None], _Subject] = {}
        self._waiting: dict[Address, list[Unit]] = {}
        documents: list[Unit] = []
        resources: list[Unit] = []
        for unit in units:
            (documents if unit.is_document else resources).append(unit)
        self._documents_left = len(documents)
        self._arrange(documents, resources)

    def next(self) -> Unit | None:
        """Return the next unit, waiting for one if need be; None when there is and will be no more."""
        with self._changed:
            while not self._stopped:
                if unit := self._pop():
                    unit.started = True
                    self._running += 1
                    self._running_files += not unit.is_document
                    return unit
                if not self._running:
                    break
                self._changed.wait()
            return None

    def finished(self, unit: Unit, error: str | None = None) -> None:
        """Say that a unit is done, or why not."""
        with self._changed:
            self._running -= 1
            self._running_files -= not unit.is_document
            if unit.is_document:
                self._documents_left -= 1
                if error is None:
                    self._taken(unit)
                else:
                    self._not_taken(unit, f"the {unit.address} could not be written: {error}")
            self._changed.notify_all()

    def stop(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    # -- below, always under the lock ---------------------------------------------------------------------------------

    def _arrange(self, documents: list[Unit], resources: list[Unit]) -> None:
        by_address = {unit.address: unit for unit in documents}
        for unit in documents:
            self._subjects.setdefault(unit.subject, _Subject()).documents.append(unit)
        free = []
        for unit in resources:
            session = unit.address.up_to("experiment") if unit.address.experiment else None
            if session in by_address:
                by_address[session].size += unit.size
                self._waiting.setdefault(session, []).append(unit)
            elif session is None and unit.subject in self._subjects:
                self._subjects[unit.subject].resources.append(unit)
            else:
                free.append(unit)
        for subject in self._subjects.values():
            # The last is taken first: the subject's own document, then the session with the most bytes.
            subject.documents.sort(key=lambda unit: (unit.address.experiment is None, unit.size))
            self._push(self._documents, subject.documents.pop())
        self._release(free)

    def _push(self, heap: _Heap, unit: Unit) -> None:
        self._count += 1
        heapq.heappush(heap, (-unit.size, self._count, unit))

    def _pop(self) -> Unit | None:
        if self._documents:
            return heapq.heappop(self._documents)[2]
        kept = 1 if self._workers > 1 and self._documents_left else 0
        if self._files and self._running_files < self._workers - kept:
            return heapq.heappop(self._files)[2]
        return None

    def _release(self, resources: Iterable[Unit]) -> None:
        for unit in resources:
            self._push(self._files, unit)

    def _taken(self, document: Unit) -> None:
        subject = self._subjects[document.subject]
        if not subject.written:
            subject.written = True
            for unit in subject.documents:
                self._push(self._documents, unit)
            self._release(subject.resources)
            subject.documents, subject.resources = [], []
        self._release(self._waiting.pop(document.address, []))

    def _not_taken(self, document: Unit, reason: str) -> None:
        subject = self._subjects[document.subject]
        self._drop(self._waiting.pop(document.address, []), document, reason)
        if document.address.experiment is None:
            for unit in subject.documents:
                self._documents_left -= 1
                self._drop([unit, *self._waiting.pop(unit.address, [])], document, reason)
            subject.documents = []
        if subject.documents and not subject.written:
            self._push(self._documents, subject.documents.pop())
        elif not subject.written:
            self._drop(subject.resources, document, reason)
            subject.resources = []

    @staticmethod
    def _drop(units: Iterable[Unit], because_of: Unit, reason: str) -> None:
        for unit in units:
            unit.dropped, unit.because_of = reason, because_of
