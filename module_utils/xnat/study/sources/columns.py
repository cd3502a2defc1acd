"""What the columns of a manifest, and the names in a pattern, say about a file and the objects that it belongs to.

Makes the objects and files of a study out of named texts; reads no disk.

Besides the columns in COLUMNS there are, for what has none of its own:
`subject.NAME`, `session.NAME`, `scan.NAME`   an option of that object in our modules (`subject.age`, `session.note`),
                                              else a custom variable (of a scan: an additional parameter)
`xnat:mrScanData/parameters/tr`               a field by XNAT's path; its data type says of which object
`MMSE`                                        a field of one of the DPUK's assessments (assessments.py), in any case
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

from ... import assessments
from ...address import Address
from ...errors import InputError
from ...fields import (
    ATTRIBUTES,
    DEFAULT_SCAN_TYPE,
    DEFAULT_SESSION_TYPE,
    SESSION_TYPE_OF_SCAN,
    check_xsi_type,
    normalise,
    wanted_values,
)
from ...plan import Labels, LocalFile
from ..study import Attributes, PlannedFile, Study

_XSI_TYPE = "xsi_type"
_PET_SESSION = "xnat:petSessionData"
_LEVELS = {"subject": "subject", "session": "experiment", "scan": "scan"}  # our word -> kind in an address
_WORDS = {kind: word for word, kind in _LEVELS.items()}
_DEFAULT_TYPES = {"subject": "xnat:subjectData", "experiment": DEFAULT_SESSION_TYPE, "scan": DEFAULT_SCAN_TYPE}
# Fields of these types are fields of every type that extends them.
_ABSTRACT = {
    "subject": {"xnat:subjectdata"},
    "experiment": {"xnat:experimentdata", "xnat:subjectassessordata", "xnat:imagesessiondata"},
    "scan": {"xnat:imagescandata"},
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the text of a column goes: to an object of that kind, as its data type, an option, or a field."""

    kind: str
    name: str
    is_field: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What two columns must not both set."""
        return self.kind, normalise(self.name) if self.is_field else self.name


_DESCRIBING = {
    "session_type": Target("experiment", _XSI_TYPE),
    "session_date": Target("experiment", "date"),
    "date": Target("experiment", "date"),
    "scan_type": Target("scan", "type"),
    _XSI_TYPE: Target("scan", _XSI_TYPE),
    "series_description": Target("scan", "series_description"),
    "quality": Target("scan", "quality"),
}
PLACES = ("project", "subject", "session", "scan", "resource")
MARKS = ("name", "format", "content", "tags")
COLUMNS = (*PLACES, *_DESCRIBING, *MARKS)

_FORMATS = {
    ".nii": "NIFTI",
    ".nii.gz": "NIFTI",
    ".dcm": "DICOM",
    ".ima": "DICOM",
    ".json": "JSON",
    ".bval": "BVAL",
    ".bvec": "BVEC",
    ".tsv": "TSV",
    ".csv": "CSV",
    ".txt": "TXT",
    ".xml": "XML",
    ".pdf": "PDF",
    ".zip": "ZIP",
}
# What belongs to an image lies beside it, as dcm2niix leaves it.
_RESOURCES = {"NIFTI": "NIFTI", "JSON": "NIFTI", "BVAL": "NIFTI", "BVEC": "NIFTI", "DICOM": "DICOM"}


def format_of(name: str) -> str | None:
    """Return XNAT's word for the format of a file, by the end of its name."""
    return next((form for suffix, form in _FORMATS.items() if name.lower().endswith(suffix)), None)


def targets(names: Iterable[str], where: str, others: Iterable[str] = ()) -> dict[str, Target]:
    """Return what the columns of these names set; those of PLACES, MARKS and `others` set nothing and are not in it.

    Raises InputError for names that mean nothing, with the near ones that do, and for two that set the same.
    """
    known = [*COLUMNS, *others]
    found: dict[str, Target] = {}
    seen: dict[tuple[str, str], str] = {}
    unknown = []
    for name in names:
        target = _DESCRIBING.get(name) or _by_form(name)
        if target is not None:
            other = seen.setdefault(target.key, name)
            if other != name:
                raise InputError(f"{where}: {other!r} and {name!r} both set the same of a {_WORDS[target.kind]}.")
            found[name] = target
        elif name not in known:
            scores = [field.lower() for fields in assessments.FIELDS.values() for field in fields]
            near = difflib.get_close_matches(name.lower(), [*known, *scores], 2)
            unknown.append(f"{name!r}" + (f" (did you mean {' or '.join(near)}?)" if near else ""))
    if unknown:
        raise InputError(
            f"{where}: means nothing: {', '.join(unknown)}. Known are {', '.join(known)}; subject.NAME, session.NAME "
            "and scan.NAME for other options and custom variables; and paths such as "
            "xnat:mrScanData/parameters/tr."
        )
    return found


def _by_form(name: str) -> Target | None:
    """What a name that is built by a rule sets."""
    head, slash, tail = name.partition("/")
    if slash and tail and ":" in head:
        kind = next((kind for kind, types in _ABSTRACT.items() if head.lower() in types), None)
        for end, of in (("scandata", "scan"), ("sessiondata", "experiment")):
            if kind is None and head.lower().endswith(end):
                kind = of
        if kind is None and assessments.known_type(head):
            kind = "experiment"
        if kind is None:
            raise InputError(
                f"{name!r}: {head} is neither the data type of subjects nor one of sessions or scans, whose names end "
                "in SessionData and ScanData."
            )
        return Target(kind, name, is_field=True)
    if xsi_type := assessments.type_of_field(name):
        return Target("experiment", f"{xsi_type}/{name.upper()}", is_field=True)
    word, dot, rest = name.partition(".")
    if dot and rest and word in _LEVELS:
        kind = _LEVELS[word]
        return Target(kind, rest, is_field=rest not in ATTRIBUTES[kind])
    return None


def of_assessment(target: Target) -> bool:
    """Whether a column sets a field of one of the DPUK's assessments."""
    return assessments.known_type(target.name.partition("/")[0]) is not None


def filled(values: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Return the values and, where there is none, the default. A default may name values in braces: `{subject}_MR1`.

    Defaults are filled in their order, so one may name another before it. One that names what this row lacks is not
    filled. The defaults must have passed `check_defaults`.
    """
    full = dict(values)
    for name, template in defaults.items():
        if name not in full and all(used in full for used in names_in(template)):
            full[name] = template.format_map(full)
    return full


def names_in(template: str) -> list[str]:
    """Return the names in braces. Raises ValueError for one that is no template."""
    return [name for _, name, _, _ in Formatter().parse(template) if name is not None]


def check_defaults(defaults: Mapping[str, object], known: Iterable[str], option: str = "defaults") -> dict[str, str]:
    """Return the defaults as texts. Raises InputError for one that names in braces what can never have a value."""
    there = set(known)
    texts = {}
    for name, value in defaults.items():
        text = "" if value is None else str(value)
        try:
            strange = [used for used in names_in(text) if used not in there]
            if not strange:
                text.format_map(dict.fromkeys(there, ""))
        except (ValueError, AttributeError, IndexError, TypeError, KeyError) as error:
            raise InputError(
                f"{option}: {name}: {text!r} is not a template ({error}). Names stand in braces."
            ) from error
        if strange:
            raise InputError(
                f"{option}: {name}: {text!r} names {{{strange[0]}}}, which has no value here. There are: "
                f"{', '.join(sorted(there))}."
            )
        there.add(name)
        if text:
            texts[name] = text
    return texts


@dataclass
class Builder:
    """Adds files and objects to a study, row by row. `project` is where they go unless a row says otherwise."""

    project: str | None
    targets: Mapping[str, Target]
    study: Study = field(default_factory=Study)
    _places: dict[tuple[str | None, ...], Address] = field(default_factory=dict)
    _labels: dict[tuple[Any, ...], Labels] = field(default_factory=dict)

    def add(
        self,
        values: Mapping[str, str],
        files: Iterable[LocalFile] = (),
        md5: str | None = None,
        assumed: Container[str] = (),
    ) -> None:
        """Add what one row says. Raises InputError that names no row.

        Values of the names that are `assumed` come from defaults: they describe an object where there is one.
        """
        files = list(files)
        owner = self._place(values)
        described = self._describe(owner, values, assumed)
        if not files and not described:
            if owner.kind == "project":
                raise InputError("it names neither a file nor a subject.")
            self.study.describe(owner, Attributes())
        for file in files:
            self._add_file(owner, values, file, md5)

    def _place(self, values: Mapping[str, str], resource: str | None = None) -> Address:
        project = values.get("project") or self.project
        if project is None:
            raise InputError("project: is missing. Name it in a column, or with the option project.")
        if self.project is not None and project != self.project:
            raise InputError(f"project: is {project} here, but the option project says {self.project}.")
        key = (project, values.get("subject"), values.get("session"), values.get("scan"), resource)
        if key not in self._places:
            for column, above in (("session", "subject"), ("scan", "session")):
                if values.get(column) and not values.get(above):
                    raise InputError(f"{above}: is missing. It is what the {column} {values[column]} belongs to.")
            try:
                self._places[key] = Address(key[0] or "", key[1], key[2], key[3], resource=resource)
            except InputError as error:
                raise InputError(error.message.replace("experiment", "session")) from error
        return self._places[key]

    def _describe(self, owner: Address, values: Mapping[str, str], assumed: Container[str]) -> bool:
        """Add what the row says of its objects; return whether it says anything."""
        said: dict[str, Attributes] = {}
        for column, target in self.targets.items():
            value = values.get(column)
            if not value:
                continue
            if getattr(owner, target.kind) is None:
                if column in assumed:
                    continue
                word = _WORDS[target.kind]
                raise InputError(f"{column}: describes a {word}, and no {word} is named here.")
            of = said.setdefault(target.kind, Attributes())
            if target.is_field:
                of.fields[target.name] = value
            elif target.name == _XSI_TYPE:
                of.xsi_type = check_xsi_type(value)
            else:
                of.options[target.name] = value
        for kind, attributes in said.items():
            _check(kind, attributes)
            self.study.describe(owner.up_to(kind), attributes)
        return bool(said)

    def _add_file(self, owner: Address, values: Mapping[str, str], file: LocalFile, md5: str | None) -> None:
        form = values.get("format") or format_of(file.name)
        resource = values.get("resource") or (_RESOURCES.get(form or "") if owner.scan else None)
        if resource is None:
            raise InputError(f"resource: is missing. Name the resource that {file.origin} shall be in, such as NIFTI.")
        tags = tuple(tag.strip() for tag in values.get("tags", "").split(",") if tag.strip())
        marks = (form, values.get("content"), tags)
        # The same few for very many files.
        labels = self._labels.setdefault(marks, Labels(*marks))
        self.study.files.append(PlannedFile(self._place(values, resource), file, labels, md5))

    def finish(self) -> Study:
        """Return the study, the sessions in it typed by their scans where nothing else says what they are."""
        types: dict[Address, set[str]] = {}
        for of, attributes in self.study.attributes.items():
            if of.kind == "scan" and attributes.xsi_type:
                types.setdefault(of.up_to("experiment"), set()).add(attributes.xsi_type)
        for session, scans in types.items():
            of_session = self.study.attributes.get(session)
            if of_session is None or of_session.xsi_type is None:
                self.study.describe(session, Attributes(_session_type(session, scans)))
        return self.study


def _check(kind: str, attributes: Attributes) -> None:
    """Refuse what XNAT would not take, or take for nothing: fields of another data type it ignores without a word."""
    heads = {path.partition("/")[0] for path in attributes.fields if "/" in path}
    for head in sorted(heads):
        if head.lower() in _ABSTRACT[kind]:
            continue
        if attributes.xsi_type is None:
            attributes.xsi_type = head
        if attributes.xsi_type.lower() != head.lower():
            raise InputError(
                f"a field of {head} is given for a {_WORDS[kind]} of type {attributes.xsi_type}; XNAT would ignore it."
            )
    try:
        wanted_values(kind, attributes.xsi_type or _DEFAULT_TYPES[kind], attributes.options, attributes.fields, {})
    except InputError as error:
        message = re.sub(r"\bexperiment\b", "session", error.message.removeprefix("fields: "))
        raise InputError(message) from error


def _session_type(session: Address, scans: set[str]) -> str:
    """The type of a session that has scans of these types."""
    possible = {SESSION_TYPE_OF_SCAN[scan] for scan in scans if scan in SESSION_TYPE_OF_SCAN}
    if len(possible) > 1 and _PET_SESSION in possible:
        return _PET_SESSION  # a PET scanner takes CT or MR images with it
    if len(possible) != 1:
        raise InputError(
            f"session_type: is missing for the {session}, and its scans ({', '.join(sorted(scans))}) do not tell it."
        )
    return possible.pop()
