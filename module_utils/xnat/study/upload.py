"""Carry a study into XNAT: what is there, what to do, do it, prove it. The order of things; each step is elsewhere.

Knows neither Ansible nor any format of files.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import local
from ..address import Address
from ..assessments import known_type
from ..errors import InputError
from ..plan import OVERWRITE, LocalFile, StoredFile, digests_needed
from ..progress import Progress
from ..session import Session
from . import engine, metadata, object_plan, parallel, present, snapshots, study_plan, verify
from .engine import FileResult
from .metadata import phi
from .present import Present
from .sources import numbering
from .study import Remark, Study
from .study_plan import COMPARE, StudyPlan

PHI = ("refuse", "strip", "keep")


@dataclass(frozen=True)
class Options:
    """How a study is carried. Each is an option of the module, and explained there."""

    overwrite: str = "different"
    compare: str = "checksum"
    digest_policy: str = "download"
    mirror: bool = False
    max_delete: int = 50
    phi: str = "refuse"
    snapshots: bool = False
    workers: int = 8
    batch: int = 50
    max_failures: int = 5
    number_scans: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant. Raises InputError."""
        for option, choices in (("overwrite", OVERWRITE), ("compare", COMPARE), ("phi", PHI)):
            if getattr(self, option) not in choices:
                raise InputError(f"{option}: {getattr(self, option)!r} is not one of {', '.join(choices)}.")
        if not 1 <= self.batch <= 500:
            raise InputError(f"batch: {self.batch} is not between 1 and 500: addresses would grow too long.")
        self.limits()

    def limits(self) -> engine.Limits:
        """The part that is about how the work is done. Raises InputError for what cannot be meant."""
        return engine.Limits(self.workers, self.batch, self.digest_policy, self.max_failures)


@dataclass
class Result:
    """What was (or, in check mode, would be) done. `study` has the attributes of objects; its files are in `files`.

    `objects` counts subjects, sessions and scans of the study: created, changed, same, failed.
    """

    changed: bool = False
    before: dict[str, dict[str, Any]] = field(default_factory=dict)
    after: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: list[FileResult] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    study: Study = field(default_factory=Study)
    objects: dict[str, int] = field(default_factory=dict)
    sent_bytes: int = 0
    problems: list[str] = field(default_factory=list)


class Digests:
    """MD5 of files on this machine, each computed once."""

    def __init__(self) -> None:
        """Start with none."""
        self._known: dict[str | tuple[str, str], str] = {}

    def __call__(self, file: LocalFile) -> str:
        """Return the MD5 (hex) of the file's content."""
        key = self._key(file)
        if key not in self._known:
            self._known[key] = local.md5(file)
        return self._known[key]

    def prepare(self, pairs: Iterable[tuple[LocalFile, StoredFile]]) -> None:
        """Compute those of many files that are stored already, several at a time: hashing lets other threads run."""
        workers = min(8, os.cpu_count() or 1)
        compared = parallel.in_order(self._compared, pairs, workers=workers, name="xnat-hash", ahead=8 * workers)
        for file, digest in compared:
            self._known[self._key(file)] = digest

    def _compared(self, pair: tuple[LocalFile, StoredFile]) -> tuple[LocalFile, str]:
        file, stored = pair
        digest = self(file)
        # One text for both: most files are there already, and there may be very many.
        return file, stored.digest if stored.digest == digest else digest

    @staticmethod
    def _key(file: LocalFile) -> str | tuple[str, str]:
        return file.path if file.member is None else (file.path, file.member)


def run(
    session: Session,
    study: Study,
    options: Options,
    scratch: Path,
    progress: Progress | None = None,
    *,
    diff: bool = True,
) -> Result:
    """Make XNAT hold the study. `scratch` is a folder for what is made on the way: cleaned copies, preview images.

    The study's list of files is empty afterwards: it can be long, and from then on the plan holds them. `diff` is
    whether the result says what is different before and after. Raises an XnatError for what stops everything before the
    first write. Files that failed are in the result.
    """
    given = study
    study, plan = _plan(session, study, options, scratch)
    whole = sum(len(study.addresses(kind)) for kind in ("subject", "experiment", "scan"))
    given.files.clear()
    study.files.clear()
    before, after = plan.diff() if diff else ({}, {})
    result = Result(plan.changed, before, after, study=study, remarks=study.remarks)
    if session.check_mode:
        result.files, result.objects = list(_planned(plan)), _counted(plan, whole)
        return result
    carried = engine.run(session, plan, options.limits(), progress, overwrite=options.overwrite)
    result.files, result.sent_bytes, result.changed = carried.files, carried.sent_bytes, carried.changed
    result.problems = [*_problems(carried), *_not_kept(session, study, carried)]
    result.objects = _counted(plan, whole, carried.objects)
    return result


def _counted(plan: StudyPlan, whole: int, failed: Container[str] = ()) -> dict[str, int]:
    """Count objects by what became of them; `failed` are those whose documents were not taken."""
    counts = dict.fromkeys(("created", "changed", "same", "failed"), 0)
    for document in plan.documents:
        for change in document.changes:
            counts["failed" if str(document.address) in failed else change.kind] += 1
    return {**counts, "same": whole - sum(counts.values())}


def _not_kept(session: Session, study: Study, carried: engine.Carried) -> Iterator[str]:
    """Yield the assessments that XNAT took and did not keep as they were given: it ignores what it does not understand.

    They have no files that could be looked at instead, so their list is read once more.
    """
    forms = {of for of, said in study.attributes.items() if of.kind == "experiment" and known_type(said.xsi_type)}
    if not forms or not carried.changed or carried.stopped:
        return
    subjects = {of.up_to("subject") for of in forms}
    part = Study(attributes={of: said for of, said in study.attributes.items() if of in forms or of in subjects})
    for document in object_plan.documents(part, present.read(session, part)):
        if str(document.address) not in carried.objects:
            yield f"The {document.address} was taken by XNAT and is not there as it was given. Look into XNAT's log"


def _plan(session: Session, study: Study, options: Options, scratch: Path) -> tuple[Study, StudyPlan]:
    """Return the study as it is sent, and what has to be done for it."""
    metadata.describe(study)
    study, _ = phi.check(study, options.phi, scratch)
    there = present.read(session, study, batch=options.batch)
    if options.number_scans:
        study = numbering.numbered(study, _series(there))
    digests = Digests()
    stale: list[tuple[Address, str]] = []
    if options.snapshots:
        study, stale = snapshots.add(study, there.listings, scratch, digests)
    study.check()
    if options.compare == "checksum":
        digests.prepare(_to_hash(study, there, options.overwrite))
    plan = study_plan.plan(
        study,
        there,
        overwrite=options.overwrite,
        compare=options.compare,
        mirror=options.mirror,
        max_delete=options.max_delete,
        local_md5=digests,
        stored_md5=verify.stored_digests(session, options.digest_policy),
        stale=stale,
    )
    return study, plan


def _series(there: Present) -> dict[Address, dict[str, str]]:
    """Return {session: {series_description: ID}} of the scans that are there.

    One without a series, or with that of another, counts by its ID: it is in use, too.
    """
    series: dict[Address, dict[str, str]] = {}
    for address, scan in there.scans.items():
        known = series.setdefault(address.up_to("experiment"), {})
        text = str(scan.values.get("series_description") or "")
        known[text if text and text not in known else f"scan {scan.id}"] = scan.id
    return series


def _to_hash(study: Study, there: Present, overwrite: str) -> Iterator[tuple[LocalFile, StoredFile]]:
    """Yield the files that only their MD5 can tell from those that are there, with those."""
    by_resource: dict[Address, list[LocalFile]] = {}
    for file in study.files:
        by_resource.setdefault(file.resource, []).append(file.local)
    for resource, files in by_resource.items():
        if resource in there.listings:
            yield from digests_needed(files, there.listings[resource], overwrite)


def _planned(plan: StudyPlan) -> Iterator[FileResult]:
    """Yield what a run would do to each file."""
    actions = [(resource.address, action) for resource in plan.resources for action in resource.actions]
    for resource, action in [*actions, *plan.deletions]:
        yield engine.result_of(resource, action)


def _problems(carried: engine.Carried) -> Iterator[str]:
    """Yield why something was not done, each reason once."""
    if carried.stopped:
        yield carried.stopped
    yield from carried.objects.values()
    seen: set[str] = set(carried.objects.values())
    for file in carried.files:
        if file.action == "failed" and file.reason not in seen:
            seen.add(file.reason)
            if any(told in file.reason for told in carried.objects.values()):
                continue  # it was not tried, because its session could not be written
            yield f"{file.name} of the {file.resource}: {file.reason}"
