"""What a study wants to know of the objects on the server: their data types, and the lists of XNAT that tell it.

Pure: asks nothing; present.py does, and fills in the answers.

XNAT lists a project's sessions joined with their scans (reference: QueryOrganizer.buildJoin). Scans can be joined to
image sessions only (GenericWrapperElement.findSchemaConnection), so that is the listed type; saying so also keeps
columns of a concrete type, such as that of PET sessions, from narrowing the list to that type
(QueryOrganizerResource.getRootElementName). Values of one concrete type of scan stay in one row for each scan; two
types in one list are joined with each other, so each has a list of its own. Custom variables and additional parameters
are lists themselves: each of them is a row, times those of other lists, since a predicate in a column selects nothing.
While this makes few rows, they come along; when it would make many, they are asked for by themselves. Assessments are
no image sessions, and have a list for each of their types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from .. import assessments, fields
from ..address import Address
from ..errors import InputError
from ..fields import Wanted
from .study import Attributes, Study

ANY_SCAN = "xnat:imageScanData"
SESSION = "xnat:imageSessionData"
SUBJECT = "xnat:subjectData"
_OF_SESSION = ("ID", "label", "subject_ID", "xsiType")
# Rows of a list beyond which variables and parameters are asked for by themselves: a server builds the whole table in
# its memory before it answers.
_MANY_ROWS = 20_000
# Characters of the columns of one request; servers and proxies take 8 KB for the whole address.
_LONGEST = 5000
_NONE = Attributes()
_VARIABLE = re.compile(r"(?:fields/field|parameters/addparam)\[name=([^\]]+)\](?:/(?:field|addfield))?")


@dataclass
class Wishes:
    """Of one kind of object: `columns` as {column: path of the value}, and the names of variables, in lower case.

    `special` is whether a column belongs to the concrete data type alone; `objects` how many of them there are.
    """

    columns: dict[str, str] = field(default_factory=dict)
    variables: set[str] = field(default_factory=set)
    special: bool = False
    objects: int = 0

    def add(self, kind: str, xsi_type: str, attributes: Attributes) -> None:
        """Ask for what these attributes say. Raises InputError for what cannot be meant, or not be compared."""
        self.objects += 1
        for wanted in fields.wanted_values(kind, xsi_type, attributes.options, attributes.fields, {}):
            if match := _VARIABLE.fullmatch(wanted.path):
                self.variables.add(match[1])
                self.special = True
            elif "[" in wanted.path:
                raise InputError(
                    f"fields: {wanted.name!r} is one of several of its kind, which cannot be compared with what is "
                    "there. Set it with a module of its own, such as xnat_scan."
                )
            else:
                self.columns[_column(kind, xsi_type, wanted)] = wanted.path
                self.special = self.special or (kind == "scan" and _is_special(wanted))


def _column(kind: str, xsi_type: str, wanted: Wanted) -> str:
    """The name of a value as a column. Short names are XNAT's own; scans have none in a list of sessions."""
    if kind != "scan":
        return wanted.parameter
    option = fields.ATTRIBUTES["scan"].get(wanted.name)
    return f"{xsi_type}/{option[1] if option else wanted.parameter.partition('/')[2]}"


def _is_special(wanted: Wanted) -> bool:
    return ":" in wanted.parameter and not wanted.parameter.startswith(f"{ANY_SCAN}/")


@dataclass
class StudyWishes:
    """What to ask about the objects of one project. `scans` and `assessments` go by data type."""

    subjects: Wishes = field(default_factory=Wishes)
    sessions: Wishes = field(default_factory=Wishes)
    assessments: dict[str, Wishes] = field(default_factory=dict)
    scans: dict[str, Wishes] = field(default_factory=dict)


def of_study(study: Study) -> dict[str, StudyWishes]:
    """Return what to ask, by project. Raises InputError."""
    found: dict[str, StudyWishes] = {}
    types = data_types(study)
    for address in [*study.addresses("subject"), *study.addresses("experiment"), *study.addresses("scan")]:
        wishes = found.setdefault(address.project, StudyWishes())
        if address.kind == "subject":
            target = wishes.subjects
        elif address.kind == "experiment":
            known = assessments.known_type(types[address])
            target = wishes.assessments.setdefault(known, Wishes()) if known else wishes.sessions
        else:
            target = wishes.scans.setdefault(types[address], Wishes())
        attributes = study.attributes.get(address, _NONE)
        try:
            target.add(address.kind, types.get(address, "xnat:subjectData"), attributes)
        except InputError as error:
            raise InputError(f"The {address}: {error.message}") from error
    for project in {file.resource.project for file in study.files} | {of.project for of in study.attributes}:
        found.setdefault(project, StudyWishes())
    return found


def data_types(study: Study) -> dict[Address, str]:
    """Return the data type of each session and scan: the one it is said to have, or the one that goes with the rest.

    A session is of the type that goes with its first scan, a scan of the one that goes with its session; MR if nothing
    says otherwise.
    """
    scans = study.addresses("scan")
    said = {of: attributes.xsi_type for of, attributes in study.attributes.items() if attributes.xsi_type}
    for of, xsi_type in said.items():
        try:
            fields.check_xsi_type(xsi_type)
        except InputError as error:
            raise InputError(f"The {of}: {error}") from error
    types: dict[Address, str] = {}
    for scan in scans:
        if scan in said:
            types.setdefault(scan.up_to("experiment"), fields.SESSION_TYPE_OF_SCAN.get(said[scan], ""))
    for session in study.addresses("experiment"):
        types[session] = said.get(session) or types.get(session) or fields.DEFAULT_SESSION_TYPE
    for scan in scans:
        usual = fields.SCAN_TYPE_OF_SESSION.get(types[scan.up_to("experiment")], fields.DEFAULT_SCAN_TYPE)
        types[scan] = said.get(scan) or usual
    return types


@dataclass(frozen=True)
class SessionList:
    """One list of the sessions of a project, joined with their scans of one type; without a type, of sessions only.

    `listed` is the data type of what is listed: all image sessions, or one kind of assessment.
    The columns are {column: path of the value}; variables and parameters are names, in lower case. `shares` is whether
    it says which projects a session is shared with.
    """

    scan_type: str = ""
    listed: str = SESSION
    sessions: Mapping[str, str] = field(default_factory=dict)
    scans: Mapping[str, str] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    shares: bool = False

    @property
    def variable(self) -> tuple[str, str]:
        """The columns of a custom variable: name and value."""
        return f"{self.listed}/fields/field/name", f"{self.listed}/fields/field/field"

    @property
    def home(self) -> str:
        """The column of the project that a session belongs to."""
        return f"{self.listed}/project"

    @property
    def share(self) -> tuple[str, str]:
        """The columns of a share: project and label there."""
        return f"{self.listed}/sharing/share/project", f"{self.listed}/sharing/share/label"

    @property
    def parameter(self) -> tuple[str, str]:
        """The columns of an additional parameter: name and value."""
        return f"{self.scan_type}/parameters/addParam/name", f"{self.scan_type}/parameters/addParam/addField"

    @property
    def scan(self) -> tuple[str, str, str, str]:
        """The columns that every list of scans has: ID, type, series_description, data type."""
        last = ("ID", "type", "series_description", "extension_item/element_name")
        first, second, third, fourth = (f"{self.scan_type}/{name}" for name in last)
        return first, second, third, fourth

    @property
    def columns(self) -> list[str]:
        """All columns to ask for, each once."""
        asked = [*_OF_SESSION, self.home, *(self.share if self.shares else ()), *self.sessions]
        asked += [*self.scan, *self.scans] if self.scan_type else []
        asked += self.variable if self.variables else ()
        asked += self.parameter if self.parameters else ()
        return list(dict.fromkeys(asked))


def session_lists(wishes: StudyWishes) -> list[SessionList]:
    """Return the lists that tell what is asked for; the first one of a type has the sessions themselves."""
    lists = list(_of_images(wishes)) if wishes.sessions.objects else []
    for xsi_type, own in wishes.assessments.items():
        for number, part in enumerate(_parts(own.columns)):
            names = frozenset(own.variables) if number == 0 else frozenset[str]()
            one = SessionList(listed=xsi_type, sessions=part, variables=names, shares=number == 0)
            lists += _few_rows(one, own.objects, 0)
    return lists


def _of_images(wishes: StudyWishes) -> Iterator[SessionList]:
    own, of_types = wishes.sessions, dict(wishes.scans)
    if of_types and not any(of_type.special for of_type in of_types.values()):
        of_types = {ANY_SCAN: _together(of_types)}
    lists = [
        SessionList(xsi_type, scans=part, parameters=frozenset(of_type.variables) if number == 0 else frozenset())
        for xsi_type, of_type in of_types.items()
        for number, part in enumerate(_parts(of_type.columns))
    ] or [SessionList()]
    lists[0] = replace(lists[0], sessions=own.columns, variables=frozenset(own.variables), shares=True)
    for whole in lists:
        yield from _few_rows(whole, own.objects, of_types.get(whole.scan_type, own).objects)


def all_scans() -> SessionList:
    """The list of the scans of all types."""
    return SessionList(ANY_SCAN)


def subject_columns(wishes: Wishes) -> list[dict[str, str]]:
    """The columns to ask for of subjects, in as many parts as addresses can take."""
    return list(_parts(wishes.columns))


def _together(of_types: Mapping[str, Wishes]) -> Wishes:
    """What all types of scans have in common, as one wish."""
    together = Wishes(objects=sum(of_type.objects for of_type in of_types.values()))
    for xsi_type, of_type in of_types.items():
        columns = {ANY_SCAN + name.removeprefix(xsi_type): path for name, path in of_type.columns.items()}
        together.columns.update(columns)
    return together


def _parts(columns: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Cut columns into parts that fit into an address; one empty part if there are none."""
    part: dict[str, str] = {}
    for column, path in columns.items():
        if part and sum(len(name) + 6 for name in part) + len(column) > _LONGEST:
            yield part
            part = {}
        part[column] = path
    yield part


def _few_rows(whole: SessionList, sessions: int, scans: int) -> Iterator[SessionList]:
    """A list, without those of its variables and parameters that would make too many rows; these by themselves."""
    rows = max(sessions, scans) * max(1, len(whole.variables)) * max(1, len(whole.parameters))
    if rows <= _MANY_ROWS or not (whole.variables or whole.parameters):
        yield whole
        return
    yield replace(whole, variables=frozenset(), parameters=frozenset())
    if whole.variables:
        yield SessionList(listed=whole.listed, variables=whole.variables)
    if whole.parameters:
        yield SessionList(whole.scan_type, parameters=whole.parameters)
