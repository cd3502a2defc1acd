"""Carry a study plan out: several workers over one session, one writer per resource, and the proof at the end.

What goes next is decided in schedule.py, how a file travels in transfer.py, whether it arrived in verify.py. Here is
what happens to failures: one of a resource stops no other; what depends on a failed document is not tried; what is
worth it is tried once more at the end; after any failure nothing is deleted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ..address import Address
from ..bodies import XmlBody
from ..errors import ConnectError, InputError, LoginError, RequestError, XnatError
from ..explain import is_disk_full
from ..parents import NEW_PROJECT_ADVICE, identifier_in
from ..plan import REPLACE, Action
from ..resource import delete_files, list_files
from ..session import Session
from ..transfer import MayWrite, ResourceWriter
from . import interrupts, results, verify
from .object_plan import DocumentAction
from .results import FileResult, Ledger, result_of
from .schedule import Schedule, Unit, unit_of
from .study_plan import ResourcePlan, StudyPlan

__all__ = ["Carried", "FileResult", "Limits", "Progress", "result_of", "run"]

# More than so many requests at a time is more than an XNAT can stand.
MOST_WORKERS = 16
_NOT_DELETED = "not deleted, because something else failed before"


@dataclass(frozen=True)
class Limits:
    """How the work is done.

    `workers` requests at a time, the files of `batch` sessions in one list, `digest_policy` for files of which XNAT
    lists no MD5 (see verify.DIGEST_POLICIES). After `max_failures` documents and resources that failed, no further one
    is begun.
    """

    workers: int = 8
    batch: int = 50
    digest_policy: str = "download"
    max_failures: int = 5

    def __post_init__(self) -> None:
        """Refuse what cannot be meant. Raises InputError."""
        if not 1 <= self.workers <= MOST_WORKERS:
            raise InputError(
                f"workers: {self.workers} is not between 1 and {MOST_WORKERS}, which is what an XNAT can stand."
            )
        if self.max_failures < 1:
            raise InputError("max_failures: must be at least 1.")
        verify.check_policy(self.digest_policy)


@dataclass
class Carried:
    """What became of a plan.

    `objects` are the projects, subjects and sessions that could not be written, by name, with the reason. `stopped`
    says why not everything was tried, `sent_bytes` counts the bytes of files that left and arrived. `changed` is
    whether anything was written.
    """

    files: list[FileResult] = field(default_factory=list)
    objects: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None
    sent_bytes: int = 0
    changed: bool = False


class Progress(Protocol):
    """Is told of bytes and endings; knows how to show them."""

    def start(self, files: int, bytes: int) -> None:
        """Say how much is to be done."""

    def sent(self, bytes: int) -> None:
        """Count bytes that left; negative takes back what has to be sent once more."""

    def done(self, file: Any) -> None:
        """Count a file by its `action`."""

    def end(self) -> None:
        """Say that this was all."""


def run(
    session: Session,
    plan: StudyPlan,
    limits: Limits | None = None,
    progress: Progress | None = None,
    *,
    overwrite: str = "different",
) -> Carried:
    """Carry the plan out, and return what became of it. Failures are in the result; none is raised.

    `overwrite` is what the plan was made with: it decides about a file that someone else stores meanwhile.
    """
    return _Engine(session, plan, overwrite, limits or Limits(), progress).run()


class _Engine:
    """Carries out one plan."""

    def __init__(
        self, session: Session, plan: StudyPlan, overwrite: str, limits: Limits, progress: Progress | None
    ) -> None:
        self._session = session
        self._plan = plan
        self._overwrite = overwrite
        self._limits = limits
        self._progress = progress
        self._ids = dict(plan.experiment_ids)
        self._may_write = MayWrite()
        self._ledger = Ledger(plan.resources)
        # Why something was not written; entries go when a later attempt succeeds.
        self._errors: dict[Address, XnatError] = {}
        self._reasons: dict[Address, str] = {}
        self._told: set[Address] = set()
        self._failures = 0
        self._interrupted = False
        self._defect: BaseException | None = None
        self._schedule: Schedule | None = None
        self._carried = Carried()
        # Entered again by the same thread if a signal comes while it is held.
        self._guard = threading.RLock()

    def run(self) -> Carried:
        units = [Unit(document) for document in self._plan.documents]
        units += [unit_of(resource) for resource in self._plan.resources if resource.to_send]
        with interrupts.noticed(self._interrupt):
            self._announce(units)
            self._make_projects(units)
            self._scout(units)
            self._pass([unit for unit in units if not unit.started])
            self._pass(self._second_try(units))
            self._prove()
            self._delete()
        self._finish()
        return self._carried

    # -- workers ------------------------------------------------------------------------------------------------------

    def _pass(self, units: list[Unit]) -> None:
        """Do these units, several at a time, and note why those were not done that were not."""
        todo = [unit for unit in units if unit.dropped is None]
        if todo and not self._carried.stopped:
            self._schedule = schedule = Schedule(todo, workers=self._limits.workers)
            names = [f"xnat-worker-{number}" for number in range(min(self._limits.workers, len(todo)))]
            workers = [threading.Thread(target=self._work, args=(schedule,), name=name, daemon=True) for name in names]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            self._schedule = None
            if self._defect:
                raise self._defect
        for unit in units:
            if unit.dropped or not unit.started:
                self._reasons.setdefault(unit.address, unit.dropped or f"not begun: {self._carried.stopped}")

    def _work(self, schedule: Schedule) -> None:
        try:
            while unit := schedule.next():
                error = self._attempt(unit)
                schedule.finished(unit, str(error) if error else None)
        except BaseException as defect:
            self._defect = defect
            schedule.stop()

    def _attempt(self, unit: Unit) -> XnatError | None:
        try:
            if isinstance(unit.what, DocumentAction):
                self._write(unit.what)
            else:
                self._send(unit.what)
        except XnatError as error:
            self._note_failure(unit.address, error)
            return error
        with self._guard:
            self._errors.pop(unit.address, None)
            self._reasons.pop(unit.address, None)
        return None

    def _note_failure(self, address: Address, error: XnatError) -> None:
        with self._guard:
            self._errors[address] = error
            self._reasons[address] = str(error)
            if isinstance(error, _BrokenOffError):
                return
            self._failures += 1
            if isinstance(error, LoginError):
                self._stop(str(error))
            elif self._failures >= self._limits.max_failures:
                self._stop(
                    f"{self._failures} things failed, which is as many as max_failures allows. The last: {error}"
                )

    def _stop(self, reason: str) -> None:
        with self._guard:
            self._carried.stopped = self._carried.stopped or reason
            if self._schedule:
                self._schedule.stop()

    def _interrupt(self, signal: str) -> None:
        self._interrupted = True
        self._session.end_soon()
        self._stop(f"Interrupted by {signal}. Run again: what is there is not sent twice.")

    def _second_try(self, units: list[Unit]) -> list[Unit]:
        """Return anew the units that may succeed now, and those that were dropped because of them."""
        again = {unit for unit in units if _worth_another(self._errors.get(unit.address))}
        if not self._carried.stopped:
            self._failures -= len(again)
        again |= {unit for unit in units if unit.because_of in again}
        return [Unit(unit.what, 0 if unit.is_document else unit.size) for unit in units if unit in again]

    def _scout(self, units: list[Unit]) -> None:
        """Where no document shows that this account may write, send something small before everything else.

        XNAT answers 200 for each file of an account that may only read, and keeps none. The writer looks.
        """
        documented = {unit.address.project for unit in units if unit.is_document}
        for unit in sorted(units, key=lambda unit: unit.size):
            if unit.address.project not in documented and unit.address not in self._may_write:
                self._pass([unit])

    # -- one unit -----------------------------------------------------------------------------------------------------

    def _make_projects(self, units: list[Unit]) -> None:
        for project in self._plan.projects:
            address = Address(project)
            try:
                self._session.request("PUT", address.path, f"create the {address}", advice=NEW_PROJECT_ADVICE)
            except XnatError as error:
                self._note_failure(address, error)
                for unit in units:
                    if unit.address.project == project:
                        unit.dropped = f"the {address} could not be made: {error}"
            else:
                self._carried.changed = True

    def _write(self, document: DocumentAction) -> None:
        address = document.address
        verb = "change" if document.exists else "create"
        answer = self._session.request("PUT", document.path, f"{verb} the {address}", body=XmlBody(document.body))
        with self._guard:
            self._carried.changed = True
            self._may_write.add(address)
            if address.experiment:
                self._ids[address] = identifier_in(answer, address, verb)

    def _send(self, resource: ResourcePlan) -> None:
        place = self._located(resource.address)
        writer = ResourceWriter(
            self._session,
            place,
            listing=lambda: list_files(self._session, place),
            overwrite=self._overwrite,
            on_bytes=self._count,
            may_write=self._may_write,
        )
        try:
            writer.send(resource.to_send)
        finally:
            self._ledger.note_sent(resource.address, writer.sent, {**writer.replaced, **writer.kept})
            with self._guard:
                self._carried.sent_bytes += sum(sent.size for sent in writer.sent.values())
                self._carried.changed = self._carried.changed or bool(writer.sent)
        if self._progress and resource.address not in self._told:
            self._told.add(resource.address)
            for action in resource.to_send:
                self._progress.done(_Done(results.WORDS[action.kind]))

    def _located(self, resource: Address) -> Address:
        session = resource.up_to("experiment") if resource.experiment else None
        return replace(resource, experiment_id=self._ids.get(session)) if session else resource

    def _count(self, size: int) -> None:
        if self._interrupted and size > 0:
            raise _BrokenOffError("was being sent when the signal came")
        if self._progress:
            self._progress.sent(size)

    # -- proof and deletion -------------------------------------------------------------------------------------------

    def _prove(self) -> None:
        """Look at everything that was sent; send once more what is not there as it was sent, and look again."""
        wrong = self._look()
        if wrong and not self._carried.stopped:
            self._pass([unit_of(self._once_more(resource, proofs)) for resource, proofs in wrong.items()])
            self._look()

    def _look(self) -> dict[Address, dict[str, verify.Proof]]:
        """Return what is not there as it was sent, as far as sending it again may help."""
        wrong: dict[Address, dict[str, verify.Proof]] = {}
        if self._interrupted:
            return wrong
        sent = self._ledger.take_sent()
        proofs = verify.verify(
            self._session,
            sent,
            self._ids,
            batch=self._limits.batch,
            digest_policy=self._limits.digest_policy,
            workers=self._limits.workers,
        )
        for resource, found in proofs:
            self._ledger.note_proof(resource, sent.pop(resource), found)
            if again := {name: proof for name, proof in found.items() if proof.problem and not proof.unread}:
                wrong[resource] = again
            if self._interrupted:
                break
        return wrong

    def _once_more(self, resource: Address, proofs: dict[str, verify.Proof]) -> ResourcePlan:
        actions = tuple(
            replace(action, kind=REPLACE, stored=proofs[action.name].stored)
            for action in self._ledger.resource(resource).to_send
            if action.name in proofs
        )
        return ResourcePlan(resource, exists=True, actions=actions)

    def _delete(self) -> None:
        """Delete what is to be deleted, one resource after the other: the first failure ends it."""
        by_resource: dict[Address, list[Action]] = {}
        for resource, action in self._plan.deletions:
            by_resource.setdefault(resource, []).append(action)
        failed = any(file.action == results.FAILED for file in self._files()) if by_resource else False
        failure = _NOT_DELETED if failed or self._reasons or self._carried.stopped else None
        for resource, actions in by_resource.items():
            # A signal may come at any time.
            stopped = f"not deleted: {self._carried.stopped}" if self._carried.stopped else None
            failure_here = failure or stopped or self._delete_in(resource, actions)
            self._carried.files += [result_of(resource, action, failure_here) for action in actions]
            failure = failure or (_NOT_DELETED if failure_here else None)

    def _delete_in(self, resource: Address, actions: list[Action]) -> str | None:
        """Delete files of one resource; return why not."""
        place = self._located(resource)
        try:
            there = list_files(self._session, place)
            names = [action.name for action in actions if there.get(action.name)]
            if names:
                # Longest first: a name that others begin with can only be told from them when they are gone.
                delete_files(self._session, place, sorted(names, key=len, reverse=True), there)
                self._carried.changed = True
        except XnatError as error:
            self._carried.changed = self._carried.changed or bool(error.details.get("changed"))
            return str(error)
        return None

    # -- account ------------------------------------------------------------------------------------------------------

    def _announce(self, units: Iterable[Unit]) -> None:
        if self._progress:
            files = sum(len(resource.actions) for resource in self._plan.resources)
            self._progress.start(files, sum(unit.size for unit in units))
            for resource in self._plan.resources:
                for action in resource.actions:
                    if not action.changes:
                        self._progress.done(_Done(results.WORDS[action.kind]))

    def _files(self) -> Iterable[FileResult]:
        stopped = self._carried.stopped or "the work was not finished"
        return self._ledger.files(self._reasons, f"sent, but not looked at whether it is there: {stopped}")

    def _finish(self) -> None:
        objects = [document.address for document in self._plan.documents] + [Address(of) for of in self._plan.projects]
        self._carried.objects = {str(of): self._reasons[of] for of in objects if of in self._reasons}
        self._carried.files[:0] = self._files()
        if self._progress:
            for file in self._carried.files:
                if file.action == results.FAILED and file.resource not in self._told:
                    self._progress.done(file)
            self._progress.end()


class _BrokenOffError(XnatError):
    """A signal came: ends a request in the middle."""


@dataclass(frozen=True, slots=True)
class _Done:
    """A file that nothing more happens to, for whoever shows the progress."""

    action: str


def _worth_another(error: XnatError | None) -> bool:
    """Whether the same may succeed later: the server or the way to it failed, and not for lack of room."""
    if isinstance(error, RequestError):
        return error.status == 429 or (error.status >= 500 and not is_disk_full(error.status, error.answer))
    return isinstance(error, ConnectError)
