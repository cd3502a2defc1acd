"""What of a study is on the server already: objects with the values that the study cares for, and the files.

Reads with as few listings as possible (see wishes.py), however many files there are; changes nothing, decides nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .. import assessments, fields, listings, tables
from ..address import Address
from ..errors import ConflictError, InputError, RequestError
from ..plan import Listing, shortened
from ..session import Session
from . import wishes
from .study import Study
from .wishes import SUBJECT, SessionList, StudyWishes, Wishes

NO_FILES = Listing()


@dataclass(frozen=True, slots=True)
class PresentObject:
    """A subject, session or scan as XNAT has it. `values` go by path, and hold what was asked for and is set."""

    id: str
    label: str
    xsi_type: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Present:
    """What is there, under the addresses that the study uses; none of them has an `experiment_id`.

    `listings` has an entry for each resource that has files. `scans` has all scans of the sessions of the study, as far
    as they are of a data type that the study has scans of; all of them if a scan of the study is not among them.
    """

    projects: set[str] = field(default_factory=set)
    subjects: dict[Address, PresentObject] = field(default_factory=dict)
    sessions: dict[Address, PresentObject] = field(default_factory=dict)
    scans: dict[Address, PresentObject] = field(default_factory=dict)
    listings: dict[Address, Listing] = field(default_factory=dict)

    def session_of(self, address: Address) -> PresentObject | None:
        """The session that an address is in, if it is there."""
        return self.sessions.get(address.up_to("experiment")) if address.experiment else None

    def files_of(self, resource: Address) -> Listing:
        """The files of a resource; none if it has none, or is not there."""
        return self.listings.get(resource, NO_FILES)


def read(session: Session, study: Study, *, batch: int = 50) -> Present:
    """Read what is there of the study, with 2 + ceil(sessions / batch) requests for each project.

    One more each: for every further data type of scans, for variables or parameters that are too many to come along,
    for the own files of a subject or project, for a look whether sessions without any file really have none, and for
    all scans if one of the study is not found among those of its type. Raises ConflictError for a session that is under
    another subject or belongs to another project, InputError for a path that XNAT does not know.
    """
    present = Present()
    for project, wanted in wishes.of_study(study).items():
        _Reader(session, study, present, project).read(wanted)
    owners = {file.resource.owner for file in study.files}
    sessions = {owner.up_to("experiment") for owner in owners if owner.experiment}
    # An assessment is a form that was filled in; it has files only if somebody wants it to.
    ids = {
        found.id: of
        for of, found in present.sessions.items()
        if of in sessions or not assessments.known_type(found.xsi_type)
    }
    present.listings.update(listings.of_sessions(session, ids, batch=batch, filled=sessions))
    for owner in sorted(owners, key=str):
        there = owner.project in present.projects if owner.kind == "project" else owner in present.subjects
        if owner.kind in {"project", "subject"} and there:
            present.listings.update(listings.of_owner(session, owner))
    return present


class _Reader:
    """Reads the objects of one project."""

    def __init__(self, session: Session, study: Study, present: Present, project: str) -> None:
        self._session = session
        self._present = present
        self._project = Address(project)
        self._study = study
        self._scans = [scan for scan in study.addresses("scan") if scan.project == project]
        self._wanted = {str(of.experiment): of for of in study.addresses("experiment") if of.project == project}
        self._subjects: dict[str, str] = {}  # label in this project, by ID
        self._sessions: dict[str, Address] = {}  # by ID
        self._values: dict[Address, dict[str, Any]] = {}
        self._texts: dict[str, str] = {}
        self._subject_wishes = Wishes()
        self._looked_twice = False

    def read(self, wanted: StudyWishes) -> None:
        """Read subjects, sessions and scans."""
        self._subject_wishes = wanted.subjects
        if not self._read_all_subjects():
            return
        self._present.projects.add(self._project.project)
        if not self._wanted:
            return
        for one in wishes.session_lists(wanted):
            self._read_sessions(one)
        if not self._all_scans_known():
            self._read_sessions(wishes.all_scans())

    # -- subjects ---------------------------------------------------------------------------------------------------

    def _read_all_subjects(self) -> bool:
        wanted = self._subject_wishes
        return all(self._read_subjects(wanted, part) for part in wishes.subject_columns(wanted))

    def _read_subjects(self, wanted: Wishes, columns: Mapping[str, str]) -> bool:
        """Return whether the project is there."""
        name, value = f"{SUBJECT}/fields/field/name", f"{SUBJECT}/fields/field/field"
        asked = ["ID", "label", *columns, *((name, value) if wanted.variables else ())]
        table = self._table("subjects", asked, {})
        if table is None:
            return False
        for row in table:
            label = row["label"]
            self._subjects[row["ID"]] = label
            address = _below(self._project, subject=label)
            if address is None:
                continue
            found = self._present.subjects.get(address)
            if found is None:
                self._values[address] = {}
                found = PresentObject(row["ID"], label, SUBJECT, self._values[address])
                self._present.subjects[address] = found
            self._take(address, row, columns)
            if wanted.variables:
                self._take_named(address, "fields/field", "field", row[name], row[value], wanted.variables)
        return True

    # -- sessions and scans -----------------------------------------------------------------------------------------

    def _read_sessions(self, one: SessionList) -> None:
        table = self._table("experiments", one.columns, {"xsiType": one.listed})
        if table is None:
            raise InputError(f"The {self._project} disappeared while it was being read. Run again.")
        for row in table:
            session = self._session_of(row, one)
            if session is None:
                continue
            self._take(session, row, one.sessions)
            if one.variables:
                name, value = one.variable
                self._take_named(session, "fields/field", "field", row[name], row[value], one.variables)
            if one.scan_type and (identifier := row[one.scan[0]]):
                self._take_scan(session, identifier, row, one)

    def _session_of(self, row: Mapping[str, str], one: SessionList) -> Address | None:
        """The session of the study that a row is about. Raises ConflictError if it is somewhere else."""
        identifier, home = row["ID"], row[one.home]
        if identifier in self._sessions:
            return self._sessions[identifier]
        label = row["label"]
        if one.shares and row[one.share[0]] == self._project.project:
            label = row[one.share[1]] or label
        address = self._wanted.get(label)
        if address is None or not one.shares:
            return None
        if home != self._project.project:
            if row[one.share[0]] != self._project.project:
                return None  # the row of a share with yet another project
            raise ConflictError(
                f"The {address} belongs to project {home} and is only shared with {self._project.project}; XNAT lets "
                f"nobody change it from here. Nothing was changed: send its files to project {home}, or use another "
                "label."
            )
        if row["subject_ID"] not in self._subjects and not self._looked_twice:
            # Made since the subjects were listed, perhaps by the last request of a run that was killed just now.
            self._looked_twice = True
            self._read_all_subjects()
        subject = self._subjects.get(row["subject_ID"], row["subject_ID"])
        if address.subject not in {subject, row["subject_ID"]}:
            raise ConflictError(
                f"Session {label} of project {home} exists ({identifier}), but under subject {subject}, not under "
                f"{address.subject}. XNAT would move it to subject {address.subject}. Nothing was changed: use subject "
                f"{subject}, or another label for the session."
            )
        self._sessions[identifier] = address
        self._values[address] = {}
        self._present.sessions[address] = PresentObject(identifier, label, row["xsiType"], self._values[address])
        self._check_type(address, row["xsiType"])
        return address

    def _take_scan(self, session: Address, identifier: str, row: Mapping[str, str], one: SessionList) -> None:
        scan = _below(session, scan=identifier)
        if scan is None:
            return  # with such an ID no study can mean it
        _, kind, series, xsi_type = one.scan
        if scan not in self._present.scans:
            self._values[scan] = {}
            self._present.scans[scan] = PresentObject(identifier, identifier, row[xsi_type], self._values[scan])
            self._take(scan, row, {kind: "type", series: "series_description"})
        self._take(scan, row, one.scans)
        if one.parameters:
            name, value = one.parameter
            self._take_named(scan, "parameters/addParam", "addField", row[name], row[value], one.parameters)

    def _check_type(self, address: Address, found: str) -> None:
        """Raise ConflictError for a session of another type. Scans are checked when their IDs are known for good."""
        attributes = self._study.attributes.get(address)
        wanted = attributes.xsi_type if attributes else None
        # XNAT finds a data type in any case, and answers with the name that its schema has.
        if wanted is not None and wanted.lower() != found.lower():
            raise ConflictError(
                f"The {address} is of type {found}, not {wanted}. XNAT cannot change the type of what exists. "
                f"Nothing was changed: use xsi_type {found}, or another label."
            )

    def _all_scans_known(self) -> bool:
        """Whether each scan of the study that belongs to a session on the server is there, by its ID or its series."""
        series = {
            (scan.up_to("experiment"), found.values.get("series_description"))
            for scan, found in self._present.scans.items()
        }
        for scan in self._scans:
            if scan.up_to("experiment") not in self._present.sessions:
                continue
            attributes = self._study.attributes.get(scan)
            wanted = attributes.options.get("series_description") if attributes else None
            found = self._present.scans.get(scan)
            # The scan of that ID may be another one, and then this one is new, and must not get the ID of any.
            if found and (not wanted or fields.same_listed(found.values.get("series_description"), wanted)):
                continue
            if not wanted or (scan.up_to("experiment"), wanted) not in series:
                return False
        return True

    # -- rows -------------------------------------------------------------------------------------------------------

    def _table(self, kind: str, asked: Sequence[str], params: Mapping[str, str]) -> Iterable[dict[str, str]] | None:
        """Return the rows of a list as {column as asked for: text}; None if there is no such project."""
        path = self._project.subjects_in if kind == "subjects" else self._project.experiments_in
        doing = f"list the {kind} of {self._project}"
        try:
            table = tables.read(self._session, path, doing, {**params, "columns": ",".join(asked)})
        except RequestError as error:
            # The answer to a path that it does not know; for sessions it is an empty one.
            if error.status == 500:
                raise self._unknown(asked) from error
            raise
        if table is None:
            return None
        if not table.names:
            raise self._unknown(asked)
        return self._named(table, asked)

    def _named(self, table: tables.Table, asked: Sequence[str]) -> Iterator[dict[str, str]]:
        at: dict[str, int] = {}
        for row in table:
            if not at:  # looked up with the first row, since a list without rows has other names of columns
                at = table.columns(asked)
                if missing := [column for column in asked if column not in at]:
                    raise self._unknown(missing)
            yield {column: row[position] for column, position in at.items()}

    def _unknown(self, asked: Sequence[str]) -> InputError:
        paths = [column for column in asked if "/" in column]
        return InputError(
            f"XNAT does not know one of these paths, or they do not belong to the data type: {shortened(paths, 30)}. "
            "Nothing was changed: check the fields and the xsi_type that the study gives."
        )

    def _text(self, text: str) -> str:
        """One copy of each text: the same few of them fill long lists."""
        return self._texts.setdefault(text, text)

    def _take(self, address: Address, row: Mapping[str, str], columns: Mapping[str, str]) -> None:
        values = self._values[address]
        for column, path in columns.items():
            if row[column]:
                values[path] = self._text(row[column])

    def _take_named(self, address: Address, part: str, leaf: str, name: str, value: str, wanted: Iterable[str]) -> None:
        """Take a custom variable or additional parameter, if the study has one of that name in any case."""
        if name and value and name.lower() in wanted:
            self._values[address][self._text(f"{part}[name={name}]/{leaf}")] = self._text(value)


def _below(address: Address, **labels: str) -> Address | None:
    """The address of an object below; None for a label that no address of ours can have, and so no study."""
    with contextlib.suppress(InputError):
        return replace(address, **labels)
    return None
