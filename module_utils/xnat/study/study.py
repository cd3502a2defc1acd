"""A study: one list of planned files, and the attributes of the subjects, sessions and scans that they belong to.

Every source (BIDS, UK Biobank, manifest, pattern) makes one of these; everything that is sent comes out of one. Pure:
it reads no disk and no server.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ..address import Address
from ..errors import InputError
from ..plan import NO_LABELS, Labels, LocalFile, shortened

# The resource of a scan for preview images, where XNAT's pages look for them. Those that are made here come and go with
# their image (snapshots.py), so neither a mirror nor a manifest says anything of them.
SNAPSHOTS = "SNAPSHOTS"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file on this machine and the resource that it shall be in. `md5` (hex) is what a manifest says it must be."""

    resource: Address
    local: LocalFile
    labels: Labels = NO_LABELS
    md5: str | None = None

    @property
    def key(self) -> tuple[Address, str]:
        """What there can be only one of: a name in a resource."""
        return self.resource, self.local.name


@dataclass(slots=True)
class Attributes:
    """What a subject, session or scan shall be like.

    `options` go by their names in fields.ATTRIBUTES, `fields` by XNAT path or, without a slash, by the name of a custom
    variable (of an additional parameter, for a scan).
    """

    xsi_type: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)

    def add(self, other: Attributes, of: Address) -> None:
        """Take over what the other one says. Raises InputError where the two contradict each other."""
        if self.xsi_type and other.xsi_type and self.xsi_type != other.xsi_type:
            raise InputError(f"The {of} is said to be both of type {self.xsi_type} and of type {other.xsi_type}.")
        self.xsi_type = self.xsi_type or other.xsi_type
        for mine, theirs in ((self.options, other.options), (self.fields, other.fields)):
            for name, value in theirs.items():
                if mine.setdefault(name, value) != value:
                    raise InputError(f"{name} of the {of} is said to be both {mine[name]!r} and {value!r}.")


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that the source has and the study has not, or the other way round, and why."""

    about: str
    reason: str


@dataclass
class Study:
    """What shall be in XNAT, and what was left out with the reason.

    `attributes` has an entry for every subject, session and scan that has one; those that only occur in the address of
    a file need none.
    """

    files: list[PlannedFile] = field(default_factory=list)
    attributes: dict[Address, Attributes] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def describe(self, of: Address, attributes: Attributes) -> None:
        """Say what an object shall be like; a second time adds to it. Raises InputError for a contradiction."""
        if of in self.attributes:
            self.attributes[of].add(attributes, of)
        else:
            self.attributes[of] = attributes

    def leave_out(self, about: str, reason: str) -> None:
        """Remember that something of the source is not in the study, and why."""
        self.remarks.append(Remark(about, reason))

    def addresses(self, kind: str) -> list[Address]:
        """All objects of that kind (`subject`, `experiment`, `scan`, `resource`), each once, sorted."""
        all_of_them = {*(file.resource for file in self.files), *self.attributes}
        return sorted({of.up_to(kind) for of in all_of_them if getattr(of, kind) is not None}, key=address_order)

    def only(self, subjects: Iterable[str], *, project_files: bool) -> Study:
        """The part of the study that belongs to these subjects; what belongs to none is in it if `project_files`."""
        wanted: set[str | None] = {*subjects, *([None] if project_files else [])}
        return Study(
            [file for file in self.files if file.resource.subject in wanted],
            {of: attributes for of, attributes in self.attributes.items() if of.subject in wanted},
            list(self.remarks),
        )

    def moved(self, changes: dict[Address, Address]) -> Study:
        """The same study with some objects under other addresses ({old: new}), and all that is below them."""

        def target(of: Address) -> Address:
            for kind in ("scan", "experiment", "subject"):
                if getattr(of, kind) is not None and (new := changes.get(of.up_to(kind))):
                    names = {name: getattr(new, name) for name in ("project", "subject", "experiment", "scan")}
                    below = {name: getattr(of, name) for name in names if names[name] is None}
                    return replace(of, **{**names, **below})
            return of

        known: dict[Address, Address] = {}
        files = []
        for file in self.files:
            resource = known.setdefault(file.resource, target(file.resource))
            files.append(file if resource == file.resource else replace(file, resource=resource))
        return Study(files, {target(of): value for of, value in self.attributes.items()}, list(self.remarks))

    def check(self) -> None:
        """Raise InputError if two files would get the same name, or a label is used under two subjects."""
        seen: dict[tuple[Address, str], str] = {}
        same: list[str] = []
        for file in self.files:
            other = seen.setdefault(file.key, file.local.origin)
            if other != file.local.origin:
                same.append(
                    f"{other} and {file.local.origin} would both become {file.local.name!r} in the {file.resource}"
                )
        if same:
            raise InputError(f"{shortened(same)}. Give one of them another name, or leave it out.")
        subjects: dict[tuple[str, str | None], set[str]] = {}
        for session in self.addresses("experiment"):
            subjects.setdefault((session.project, session.experiment), set()).add(str(session.subject))
        twice = [f"{label} ({', '.join(sorted(of))})" for (_, label), of in subjects.items() if len(of) > 1]
        if twice:
            raise InputError(
                "The label of a session must be unique in its project, and these are used for several subjects: "
                f"{shortened(twice)}. Put the subject into the label of the session."
            )


def address_order(of: Address) -> tuple[str, ...]:
    """Sort key: by project, subject, session, scan, resource; what is above comes before what is below."""
    return tuple(part or "" for part in (of.project, of.subject, of.experiment, of.scan, of.assessor, of.resource))
