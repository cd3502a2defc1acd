"""The table of a UK Biobank application: what it says of the subjects and visits whose images are in a study.

Sex and year of birth belong to the subject; date, centre and age to the session of their instance; every other column
is a custom variable of the subject, named as the column with `_` for what such a name may not hold. One whose name is
that of personal data becomes one only if it is among the `variables`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...address import Address
from ...errors import InputError, refuse
from ...fields import LONGEST_TEXT, wanted_values
from ...plan import shortened
from ..metadata.personal import is_personal
from ..study import Attributes, Study
from . import biobank_fields as ukb
from . import tables

_SESSION = "xnat:mrSessionData"
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")
_EID = re.compile(r"(\d+)(?:\.0)?")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
_REMARKS = 20


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: the field and the visit it is about, and its name as a custom variable, if it may be one."""

    name: str
    field: str
    instance: int | None
    variable: str | None

    @property
    def of_subject(self) -> bool:
        return self.field in {ukb.SEX, ukb.YEAR_OF_BIRTH}

    @property
    def of_visit(self) -> bool:
        return self.field in {ukb.DATE_OF_VISIT, ukb.CENTRE, ukb.AGE_AT_VISIT} and self.instance is not None


def describe(
    study: Study,
    path: str | Path,
    subjects: Mapping[str, Address],
    sessions: Mapping[tuple[str, int], Address],
    eid_column: str | None = None,
    variables: Iterable[str] | None = None,
    ignored: Callable[[str], bool] = lambda eid: False,
) -> None:
    """Add what the table says of `subjects` {EID: subject} and `sessions` {(EID, instance): session}.

    Rows of no subject, and subjects without a row, become remarks, but for EIDs that are `ignored`. `variables` names
    the columns that become custom variables (all). Raises one InputError for all that is wrong in the rows.
    """
    table = tables.read(path, "table")
    eid_name = find_eid(table.columns, eid_column, f"table: {path}")
    columns = _columns([name for name in table.columns if name != eid_name], variables)
    for name in table.columns if variables is None else ():
        if is_personal(name):
            study.leave_out(f"{path}, column {name!r}", "is not taken over, as it may tell who a person is")
    problems, others, seen = [], [], dict[str, int]()
    too_long: set[str] = set()
    for row in table.rows:
        try:
            eid = check_eid(row.values.get(eid_name, ""))
            if ignored(eid):
                continue
            if eid not in subjects:
                others.append(eid)
                continue
            if (first := seen.setdefault(eid, row.number)) != row.number:
                raise InputError(f"EID {eid} has a row already, row {first}.")
            values = {name: value for name, value in row.values.items() if len(value) <= LONGEST_TEXT}
            too_long |= row.values.keys() - values.keys()
            _describe_row(study, eid, values, columns, subjects[eid], sessions)
        except InputError as error:
            problems.append(f"row {row.number}: {error.message}")
    refuse(f"table: {path} has rows that cannot be used", problems)
    for name in sorted(too_long):
        reason = f"has values of more than {LONGEST_TEXT} characters, which XNAT cannot keep; they are left out"
        study.leave_out(f"{path}, column {name!r}", reason)
    remark(study, others, f"has a row in {path}, and no files")
    remark(study, [eid for eid in subjects if eid not in seen], f"has files, and no row in {path}")


def find_eid(columns: Iterable[str], told: str | None, where: str) -> str:
    """Return the name of the column that holds the EIDs. Raises InputError."""
    names = list(columns)
    if told is not None and told in names:
        return told
    found = [name for name in names if name.lower() in ukb.EID_COLUMNS] if told is None else []
    if len(found) == 1:
        return found[0]
    problem = f"no column {told!r}" if told else f"{len(found)} columns that look like EIDs"
    raise InputError(f"{where} has {problem} among {shortened(names)}. Name it with eid_column.")


def check_eid(text: str) -> str:
    """Return an EID. Raises InputError."""
    match = _EID.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is not an EID, which is a number." if text else "the EID is missing.")
    return match.group(1)


def remark(study: Study, eids: list[str], reason: str) -> None:
    """Remark on each of the EIDs, or on all at once if they are many."""
    if len(eids) <= _REMARKS:
        for eid in eids:
            study.leave_out(f"EID {eid}", reason)
    else:
        study.leave_out(f"{len(eids)} EIDs ({shortened(eids)})", reason)


def _columns(names: list[str], variables: Iterable[str] | None) -> list[_Column]:
    chosen = None if variables is None else set(variables)
    if chosen is not None and (strange := sorted(chosen - set(names))):
        raise InputError(f"variables: the table has no column {shortened(strange)}.")
    columns = []
    used: dict[str, str] = {}
    for name in names:
        field, instance, array = ukb.column(name) or ("", None, 0)
        # A further value of a field is not the one that a subject or session has.
        # What may tell who a person is must have been asked for by its name.
        wanted = not is_personal(name) if chosen is None else name in chosen
        variable = _NO_NAME.sub("_", name) if wanted else None
        column = _Column(name, field if array == 0 else "", instance, variable)
        if variable is not None and not column.of_subject:
            other = used.setdefault(variable.lower(), name)
            if other != name:
                raise InputError(f"table: the columns {other!r} and {name!r} would be the same custom variable.")
            # Refuses names that XNAT has another meaning for, once for the whole table.
            wanted_values("subject", "xnat:subjectData", {}, {variable: "x"}, {})
        if variable is not None or column.of_subject or column.of_visit:
            columns.append(column)
    return columns


def _describe_row(
    study: Study,
    eid: str,
    values: Mapping[str, str],
    columns: Iterable[_Column],
    subject: Address,
    sessions: Mapping[tuple[str, int], Address],
) -> None:
    of_subject = Attributes()
    for column in columns:
        value = values.get(column.name, "")
        if value.lower() in ukb.MISSING:
            continue
        if column.field == ukb.SEX:
            if value.lower() not in ukb.SEXES:
                raise InputError(f"{column.name}: {value!r} is no sex of UK Biobank: 0 (female) or 1 (male).")
            of_subject.options["gender"] = ukb.SEXES[value.lower()]
        elif column.field == ukb.YEAR_OF_BIRTH:
            of_subject.options["yob"] = _whole(column.name, value)
        elif column.of_visit and (session := sessions.get((eid, column.instance or 0))):
            study.describe(session, _of_visit(column, value))
        elif column.variable and (not column.of_visit or (column.instance or 0) < ukb.FIRST_IMAGING_INSTANCE):
            of_subject.fields[column.variable] = value
    study.describe(subject, of_subject)


def _of_visit(column: _Column, value: str) -> Attributes:
    if column.field == ukb.DATE_OF_VISIT:
        match = _DATE.fullmatch(value)
        if match is None:
            raise InputError(f"{column.name}: {value!r} is not a date of the form YYYY-MM-DD.")
        return Attributes(options={"date": match.group(1)})
    if column.field == ukb.CENTRE:
        return Attributes(fields={f"{_SESSION}/acquisition_site": ukb.CENTRES.get(value, value)})
    return Attributes(fields={f"{_SESSION}/age": _number(column.name, value)})


def _whole(name: str, value: str) -> str:
    number = value.removesuffix(".0")
    if not number.isdecimal():
        raise InputError(f"{name}: {value!r} is not a whole number.")
    return number


def _number(name: str, value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < 150:
        raise InputError(f"{name}: {value!r} is not an age in years.")
    return f"{number:g}"
