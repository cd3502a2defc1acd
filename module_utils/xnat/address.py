"""The one place that turns labels into URLs, and quotes them. Sends nothing and reads nothing.

XNAT does not percent-decode the labels in a path, so a label with any other character than the allowed ones is stored
as its quoted text, refused late with a 500, or breaks the routes below it. Labels are therefore checked here, before
any request. File names are quoted by the rule of XNAT 1.8 and later: the whole name is decoded if, and only if, it
contains `%20` or `%2B`; anything else is stored exactly as it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from .errors import InputError

SESSION = "/data/JSESSION"
PROJECTS = "/data/projects"
REFRESH_CATALOG = "/data/services/refresh/catalog"
# Answers before the site is set up, to administrators.
INITIALIZED = "/xapi/siteConfig/initialized"

KINDS = ("project", "subject", "experiment", "scan", "assessor", "resource")
_BELOW = {kind: KINDS[number + 1 :] for number, kind in enumerate(KINDS)}

_LABEL = re.compile(r"[A-Za-z0-9_-]+")
_RESOURCE_LABEL = re.compile(r"[A-Za-z0-9_.-]+")
# In the routes of resources and files these are selectors of many scans, not the name of one.
_SCAN_SELECTORS = {"ALL", "NULL"}
# What survives the way to the server unchanged, or (space and plus) is decoded by it again.
_FILE_NAME = re.compile(r"[A-Za-z0-9._\-/ +(),=@~]+")
_FILE_URI = re.compile(r"/resources/[^/]+/files/(.+)", re.DOTALL)
_LONGEST = 255  # characters of a label in XNAT's database, bytes of a name on its disk
# "a.zip/b" is read as "entry b inside the archive a.zip" (site setting zipExtensions, this is its default).
_ARCHIVE_FOLDER = re.compile(r"\.(zip|jar|rar|ear|gar|mrb)[/!]", re.IGNORECASE)


def check_label(kind: str, label: str) -> str:
    """Return `label` if XNAT can keep an object of that kind under it.

    Raises InputError that names the option, the value, the offending characters and what is allowed.
    """
    pattern, allowed = (
        (_RESOURCE_LABEL, "letters, digits, '_', '-' and '.'")
        if kind == "resource"
        else (_LABEL, "letters, digits, '_' and '-'")
    )
    if not label:
        raise InputError(f"{kind}: is empty. Give the label or ID of a {kind}.")
    if not pattern.fullmatch(label):
        bad = sorted({character for character in label if not pattern.fullmatch(character)})
        raise InputError(
            f"{kind}: {label!r} contains {', '.join(map(repr, bad))}, which XNAT cannot keep in the label of a {kind}. "
            f"Use {allowed} only."
        )
    if len(label) > _LONGEST:
        raise InputError(f"{kind}: {label[:20]!r}... has {len(label)} characters; XNAT keeps at most {_LONGEST}.")
    if kind == "scan" and label.upper() in _SCAN_SELECTORS:
        raise InputError(f"scan: {label!r} stands for several scans in XNAT's addresses. Give the scan another ID.")
    if kind == "resource" and label.isdigit():
        # XNATCatalogTemplate takes digits for the database number of a resource, anywhere on the site.
        raise InputError(
            f"resource: {label!r} would be read by XNAT as the number of a resource. Use a label with a letter."
        )
    if label in {".", ".."}:
        raise InputError(f"{kind}: {label!r} means a folder in a URL, not a label.")
    return label


def check_file_name(name: str, option: str = "dest") -> str:
    """Return the path of a file inside its resource if XNAT stores and finds it under exactly that name.

    Raises InputError that says why not, and in which option the name was given.
    """
    if not name:
        raise InputError(f"{option}: the name of a file is empty.")
    if "*" in name:
        raise InputError(f"{option}: {name!r} contains '*', which XNAT reads as a pattern. Name one file.")
    if not _FILE_NAME.fullmatch(name):
        bad = sorted({character for character in name if not _FILE_NAME.fullmatch(character)})
        raise InputError(
            f"{option}: {name!r} contains {', '.join(map(repr, bad))}, which XNAT would store under another name. "
            "Use letters, digits, space and ._-+(),=@~ in file names; for one file, set dest to send it under another."
        )
    parts = name.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        raise InputError(
            f"{option}: {name!r} is not a plain path inside the resource: no leading or double '/', no '.' or '..'."
        )
    if any(len(part) > _LONGEST for part in parts):
        raise InputError(
            f"{option}: {name[:20]!r}... is longer than the {_LONGEST} characters that a name on a disk may have."
        )
    if any(part != part.strip() for part in parts):
        raise InputError(
            f"{option}: {name!r} has a file or folder that starts or ends with a space; XNAT does not keep that."
        )
    if _ARCHIVE_FOLDER.search(name):
        raise InputError(
            f"{option}: {name!r} has a folder named like an archive; XNAT would look inside an archive for it."
        )
    if parts[-1].endswith("_catalog.xml") or parts[-1].startswith(".~lock-"):
        raise InputError(f"{option}: XNAT stores a file named {parts[-1]!r} but never lists it. Use another name.")
    return name


def quote_file_name(name: str) -> str:
    """Return the name as it must stand in a URL so that XNAT 1.8 and later stores `name`.

    A name with a space or plus is quoted as a whole, because XNAT then decodes it as a whole; any other name may only
    hold characters that need no quoting, because it would be stored with its percent signs.
    """
    if " " in name or "+" in name:
        return quote(name, safe="/")
    return quote(name, safe="/(),=@~")


def exact_delete_pattern(name: str) -> str:
    """Return the form of a file's address that deletes this file and not those whose names begin with it.

    `DELETE .../files/NAME` removes every entry that starts with NAME; a path that ends in `*` is also taken as a
    regular expression (its last `*` becomes `.*`) for the whole name. `$` before it ends the match at the name's end.
    Characters that have a meaning in such an expression, or that a URL may not hold, become `.` (any one character),
    so the caller must check which entries it hits: see `hits_of_delete`.
    """
    return re.sub(r"[^A-Za-z0-9_/-]", ".", name) + "$*"


def hits_of_delete(path: str, names: list[str]) -> list[str]:
    """Return those of `names` that XNAT 1.8 and later deletes for `DELETE .../files/{path}` (unquoted).

    The rule is CatalogUtils.findCatEntriesWithinPath: equal, or starts with, or matches as a whole when it ends in `*`.
    """
    pattern = re.compile(path[:-1] + ".*") if path.endswith("*") else None
    return [name for name in names if name.startswith(path) or (pattern is not None and pattern.fullmatch(name))]


@dataclass(frozen=True)
class Address:
    """Where an object is: labels (or IDs) from the project down; the deepest one given names the object.

    `experiment_id` is filled in once the experiment was found. Addresses below an experiment then go through its ID,
    because XNAT ignores the subject in the path of an experiment and, for a wrong experiment or scan, silently lists
    the resources of the subject or project instead.
    """

    project: str
    subject: str | None = None
    experiment: str | None = None
    scan: str | None = None
    assessor: str | None = None
    resource: str | None = None
    experiment_id: str | None = None

    def __post_init__(self) -> None:
        """Check every label, and that none is missing between the project and the deepest one."""
        for kind in KINDS:
            label = getattr(self, kind)
            if label is not None:
                check_label(kind, label)
        if self.experiment and not self.subject:
            raise InputError("subject: is missing. An experiment is addressed through its subject.")
        if self.scan and self.assessor:
            raise InputError("scan and assessor exclude each other: both are parts of an experiment.")
        if (self.scan or self.assessor) and not self.experiment:
            raise InputError(
                f"experiment: is missing. {'A scan' if self.scan else 'An assessor'} is part of an experiment."
            )

    @property
    def kind(self) -> str:
        """The kind of the deepest object given."""
        return next(kind for kind in reversed(KINDS) if getattr(self, kind) is not None)

    @property
    def label(self) -> str:
        """The label (or ID) of the deepest object given."""
        return str(getattr(self, self.kind))

    def up_to(self, kind: str) -> Address:
        """The address of the object of that kind that this address passes through."""
        return self._without(_BELOW[kind])

    @property
    def owner(self) -> Address:
        """The object that holds the resource (this object itself if no resource is given)."""
        return self._without(("resource",))

    def _without(self, kinds: tuple[str, ...]) -> Address:
        if all(getattr(self, kind) is None for kind in kinds):
            return self
        # Not made anew: its labels were checked with this one, and a study asks for this a hundred thousand times.
        other = object.__new__(Address)
        for name, value in vars(self).items():
            object.__setattr__(other, name, None if name in kinds else value)
        return other

    def __str__(self) -> str:
        """Name the object as a person would: the deepest first, with all that it belongs to."""
        kinds = [kind for kind in reversed(KINDS) if getattr(self, kind) is not None]
        return " of ".join(f"{kind} {getattr(self, kind)}" for kind in kinds)

    @property
    def path(self) -> str:
        """The object's own path."""
        path = f"{PROJECTS}/{self.project}"
        if self.subject:
            path += f"/subjects/{self.subject}"
        if self.experiment:
            path += f"/experiments/{self.experiment}"
        if self.experiment_id and (self.scan or self.assessor or self.resource):
            path = f"/data/experiments/{self.experiment_id}"
        if self.scan:
            path += f"/scans/{self.scan}"
        if self.assessor:
            path += f"/assessors/{self.assessor}"
        if self.resource:
            path += f"/resources/{self.resource}"
        return path

    @property
    def by_id(self) -> str:
        """The path of the experiment by its ID, whatever subject it belongs to."""
        return f"/data/experiments/{self.experiment_id}"

    @property
    def accessibility(self) -> str:
        """The path that shows the project's accessibility; with `/private` and so on behind it, it sets it."""
        return f"{PROJECTS}/{self.project}/accessibility"

    @property
    def subject_experiments(self) -> str:
        """The list of the experiments of this subject only."""
        return f"{PROJECTS}/{self.project}/subjects/{self.subject}/experiments"

    @property
    def experiment_anywhere(self) -> str:
        """The experiment by its label in the project, under whatever subject it is."""
        return experiment_in(self.project, str(self.experiment))

    @property
    def scans(self) -> str:
        """The list of the scans of the experiment."""
        return f"{self.by_id}/scans"

    @property
    def assessors(self) -> str:
        """The list of the assessors of the experiment."""
        return f"{self.by_id}/assessors"

    @property
    def resources(self) -> str:
        """The list of the resources of the object that holds this one."""
        owner = self.owner
        return f"{self.by_id if owner.kind == 'experiment' else owner.path}/resources"

    @property
    def files(self) -> str:
        """The list of the files in the resource; of an object, that of the files in its own resources."""
        return f"{self.path}/files"

    @property
    def archive_uri(self) -> str:
        """The name of the resource for the service that refreshes catalogs."""
        return "/archive" + self.path.removeprefix("/data")

    @property
    def subjects_in(self) -> str:
        """The list of the subjects of the project."""
        return f"{PROJECTS}/{self.project}/subjects"

    @property
    def experiments_in(self) -> str:
        """The list of the experiments of the project."""
        return f"{PROJECTS}/{self.project}/experiments"

    def file(self, name: str) -> str:
        """The path of one file in the resource. `name` must have passed `check_file_name`."""
        return f"{self.path}/files/{quote_file_name(check_file_name(name))}"

    def exact_file(self, name: str) -> str:
        """The path that, as a DELETE, removes this file but not those whose names start with its name."""
        return f"{self.path}/files/{exact_delete_pattern(check_file_name(name))}"


def name_in_uri(uri: str) -> str | None:
    """Return the path of a file inside its resource from the URI in XNAT's list; None if it is not the URI of a file.

    Split behind the resource, because a project, scan or folder may itself be named `files`.
    """
    match = _FILE_URI.search(uri)
    return match.group(1) if match else None


def files_of_experiments(identifiers: Iterable[str]) -> str:
    """The list of the files of experiments by their IDs; with `all=true`, those of their scans too."""
    return f"/data/experiments/{','.join(identifiers)}/files"


def experiment_in(project: str, label: str) -> str:
    """The path of an experiment in a project. In its own, it is the one where a change leaves all else as it is."""
    return f"{PROJECTS}/{project}/experiments/{label}"


def uri(kind: str, identifier: str, experiment_id: str | None = None) -> str:
    """Return the address of an object by its database ID, as XNAT's own lists give it."""
    if kind in {"scan", "assessor"}:
        return f"/data/experiments/{experiment_id}/{kind}s/{identifier}"
    return f"/data/{kind}s/{identifier}"
