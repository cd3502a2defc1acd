"""What goes next: the order of the documents and resources of a study, and what waits for what.

Holds one small object per document and resource, whatever the number of files. Sends nothing and starts no thread; it
is asked by several.
"""

from __future__ import annotations

import heapq
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from .address import Address
from .study_plan import DocumentAction, ResourcePlan

_Heap = list[tuple[int, int, "Unit"]]


@dataclass(slots=True, eq=False)
class Unit:
    """The work of one writer: one document, or the files of one resource. `size` is in bytes.

    A `canary` is sent alone, to see whether what this account sends is kept at all. `dropped` is why a unit was never
    started, `because_of` the unit that failed instead.
    """

    what: DocumentAction | ResourcePlan
    size: int = 0
    canary: bool = False
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
    - Of a subject, one document goes alone, the subject's own before those of its sessions. XNAT looks whether a label
      is taken before it writes, not while it does, so two documents at once may make a subject twice.
    - The files of a project go when a document of the project was taken. Where there is none, one small resource is
      tried first (`canary`): XNAT answers 200 for every file of an account that may only read.
    """

    def __init__(self, units: Iterable[Unit], *, workers: int, trusted: Iterable[str] = ()) -> None:
        """Order the units; `trusted` are the projects in which this account has been seen to write."""
        self.units = list(units)
        self._workers = workers
        self._trusted = set(trusted)
        self._changed = threading.Condition()
        self._stopped = False
        self._running = self._running_files = self._count = 0
        self._documents: _Heap = []
        self._files: _Heap = []
        self._subjects: dict[tuple[str, str | None], _Subject] = {}
        self._waiting: dict[Address, list[Unit]] = {}
        self._held: dict[str, list[Unit]] = {}
        self._on_trial: set[str] = set()
        documents = [unit for unit in self.units if unit.is_document]
        self._unfinished = Counter(unit.address.project for unit in documents)
        self._arrange(documents, [unit for unit in self.units if not unit.is_document])

    @property
    def trusted(self) -> frozenset[str]:
        """The projects in which this account has been seen to write."""
        return frozenset(self._trusted)

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

    def finished(self, unit: Unit, error: str | None = None, *, refused: bool = False) -> None:
        """Say that a unit is done, or why not. `refused` is whether a canary was thrown away by the server."""
        with self._changed:
            self._running -= 1
            self._running_files -= not unit.is_document
            project = unit.address.project
            if unit.is_document:
                self._unfinished[project] -= 1
                if error is None:
                    self._trust(project)
                    self._taken(unit)
                else:
                    self._not_taken(unit, f"the {unit.address} could not be written: {error}")
            elif unit.canary:
                self._on_trial.discard(project)
                if error is None:
                    self._trust(project)
                elif refused:
                    self._drop(self._held.pop(project, []), unit, error)
            self._try_one(project)
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
        for project in list(self._held):
            self._try_one(project)

    def _push(self, heap: _Heap, unit: Unit) -> None:
        self._count += 1
        heapq.heappush(heap, (-unit.size, self._count, unit))

    def _pop(self) -> Unit | None:
        if self._documents:
            return heapq.heappop(self._documents)[2]
        kept = 1 if self._workers > 1 and any(self._unfinished.values()) else 0
        if self._files and self._running_files < self._workers - kept:
            return heapq.heappop(self._files)[2]
        return None

    def _release(self, resources: Iterable[Unit]) -> None:
        for unit in resources:
            if unit.address.project in self._trusted:
                self._push(self._files, unit)
            else:
                self._held.setdefault(unit.address.project, []).append(unit)

    def _trust(self, project: str) -> None:
        self._trusted.add(project)
        self._release(self._held.pop(project, []))

    def _try_one(self, project: str) -> None:
        held = self._held.get(project)
        if not held or self._unfinished[project] or project in self._on_trial:
            return
        smallest = min(held, key=lambda unit: unit.size)
        held.remove(smallest)
        # The only one needs no trial: it is verified like all others when all is sent.
        smallest.canary = bool(held)
        self._on_trial.add(project)
        self._push(self._files, smallest)

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
                self._unfinished[unit.address.project] -= 1
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
