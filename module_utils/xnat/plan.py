"""What is there, what is wanted, what to do: a list of actions, each with its reason. Pure: reads and sends nothing.

Check mode, the diff, the report and the real run all come from the same plan.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from sys import intern
from typing import Any, BinaryIO, Protocol

from .address import quote_file_name
from .errors import ConflictError, InputError
from .fields import same

OVERWRITE = ("different", "never", "always", "fail")

# What an action does, and the word for it in a result.
CREATE, REPLACE, KEEP, DELETE = "created", "replaced", "unchanged", "deleted"


class Packed(Protocol):
    """The content of a member of an archive that was read once: what was found, and where it is."""

    @property
    def md5(self) -> str:
        """In hex."""

    @property
    def crc(self) -> int:
        """As zip has it."""

    @property
    def position(self) -> int:
        """Where it is in the archive: members are best read in this order."""

    def open(self) -> BinaryIO:
        """Open the content."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine. `name` is its path in the resource, `size` in bytes, `modified_ns` as the system says.

    `member` names the entry of the archive `path` that is meant; size is then that of the entry, unpacked. `packed` is
    its content, if the archive was read already; without it, the archive is a zip. `made_from` is where the file comes
    from that this one was made from, in a folder that is gone afterwards.

    `place` is the path, or what is before the name in it: a hundred thousand files are in few folders.
    """

    name: str
    place: str
    size: int
    modified_ns: int
    member: str | None = None
    packed: Packed | None = field(default=None, compare=False, repr=False)
    made_from: str | None = None

    def __post_init__(self) -> None:
        """Share the folder with the other files in it."""
        if self.place.endswith(f"/{self.name}"):
            object.__setattr__(self, "place", intern(self.place.removesuffix(self.name)))

    @property
    def path(self) -> str:
        """Where the file is on this machine."""
        return self.place + self.name if self.place.endswith("/") else self.place

    @property
    def origin(self) -> str:
        """Where the bytes are, as a person reads it; of a file that was made on the way, where it comes from."""
        if self.made_from is not None:
            return self.made_from
        return self.path if self.member is None else f"{self.path}:{self.member}"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as XNAT lists it. `size` in bytes and `digest` (MD5, hex) are None where XNAT does not know them."""

    name: str
    size: int | None
    digest: str | None
    format: str = ""
    content: str = ""
    tags: frozenset[str] = frozenset()
    uri: str = ""


@dataclass(frozen=True)
class Labels:
    """What files are marked with when they are sent; None and empty mean "not asked for"."""

    format: str | None = None
    content: str | None = None
    tags: tuple[str, ...] = ()

    def parameters(self) -> dict[str, str]:
        """The labels as XNAT's parameters."""
        given = {"format": self.format, "content": self.content, "tags": ",".join(self.tags)}
        return {name: value for name, value in given.items() if value}

    def missing_in(self, stored: StoredFile) -> str | None:
        """Say which label the stored file does not have, or None if it has all."""
        if self.format and not same(stored.format, self.format):
            return f"format is {stored.format or 'not set'}"
        if self.content and not same(stored.content, self.content):
            return f"content is {stored.content or 'not set'}"
        lacking = sorted(set(self.tags) - {html.unescape(tag) for tag in stored.tags})
        return f"tag {lacking[0]} is missing" if lacking else None


NO_LABELS = Labels()


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do to one file of a resource, and why. `labels` are what the file is marked with when it is sent."""

    kind: str
    name: str
    reason: str
    local: LocalFile | None = None
    stored: StoredFile | None = None
    labels: Labels = NO_LABELS

    @property
    def changes(self) -> bool:
        """Whether the server will be different afterwards."""
        return self.kind != KEEP

    def result(self, digest: str | None, uri: str | None = None) -> dict[str, Any]:
        """The action as it is reported: `size` in bytes, `digest` as the server states it."""
        source = self.local or self.stored
        return {
            "name": self.name,
            "path": self.local.origin if self.local else None,
            "size": source.size if source else None,
            "digest": digest,
            "uri": uri,
            "action": self.kind,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Listing:
    """The files of one resource, found by the name a person uses."""

    files: tuple[StoredFile, ...] = ()
    _by_name: dict[str, StoredFile] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Index by name."""
        for stored in self.files:
            self._by_name[stored.name] = stored

    def get(self, name: str) -> StoredFile | None:
        """Return the file of that name. XNAT before 1.8 stored a space or plus as its percent signs: found as well."""
        return self._by_name.get(name) or self._by_name.get(quote_file_name(name))

    @property
    def names(self) -> list[str]:
        """All names, as XNAT has them."""
        return list(self._by_name)


def digests_needed(local: Iterable[LocalFile], stored: Listing, overwrite: str) -> list[tuple[LocalFile, StoredFile]]:
    """Return the pairs that only their MD5 can tell apart: there already, of the same (or unknown) size."""
    if overwrite in {"never", "always"}:
        return []
    found = ((file, stored.get(file.name)) for file in local)
    return [(file, there) for file, there in found if there and there.size in {file.size, None}]


def plan_upload(
    local: Iterable[LocalFile],
    stored: Listing,
    overwrite: str,
    labels: Labels | Mapping[str, Labels],
    local_digests: Mapping[str, str],
    stored_digests: Mapping[str, str | None],
) -> list[Action]:
    """Return what to do for each local file, in order of name.

    `labels` are those of all files, or those of each by its name. `local_digests` and `stored_digests` are MD5 by name,
    for the files of `digests_needed`; a file without them, or whose stored one is None, is compared by its size alone.
    With `overwrite: fail`, a file that is there with other content raises ConflictError, before anything is sent.
    """
    actions = []
    for file in sorted(local, key=lambda file: file.name):
        own = labels if isinstance(labels, Labels) else labels.get(file.name, NO_LABELS)
        digests = local_digests.get(file.name), stored_digests.get(file.name)
        actions.append(_plan_file(file, stored.get(file.name), overwrite, own, digests))
    _check_folders([action.name for action in actions], stored.names)
    if overwrite == "fail":
        check_no_replacement(actions)
    return actions


def check_no_replacement(actions: Sequence[Action]) -> None:
    """Raise ConflictError if a file would be replaced: what `overwrite: fail` asks for."""
    there = [f"{action.name} ({action.reason})" for action in actions if action.kind == REPLACE]
    if there:
        raise ConflictError(
            f"overwrite is 'fail', and {len(there)} of {len(actions)} files are there with other content: "
            f"{shortened(there)}. Nothing was sent. Use overwrite: different to replace them, or never to "
            "keep them."
        )


def _plan_file(
    file: LocalFile, there: StoredFile | None, overwrite: str, labels: Labels, digests: tuple[str | None, str | None]
) -> Action:
    if there is None:
        return Action(CREATE, file.name, "not there yet", file, labels=labels)
    if overwrite == "never":
        return Action(KEEP, file.name, "is there; overwrite is never", file, there, labels)
    if overwrite == "always":
        return Action(REPLACE, file.name, "overwrite is always", file, there, labels)
    if there.size is not None and there.size != file.size:
        reason = f"size differs: {there.size} bytes there, {file.size} here"
        return Action(REPLACE, file.name, reason, file, there, labels)
    ours, theirs = digests
    if theirs is None and there.size is None:
        return Action(REPLACE, file.name, "neither size nor MD5 of what is there is known", file, there, labels)
    if theirs is not None:
        if ours != theirs:
            return Action(REPLACE, file.name, f"MD5 differs: {theirs} there, {ours} here", file, there, labels)
        if there.digest != theirs:
            there = replace(there, digest=theirs)  # known by now, also where XNAT lists none
    if lacking := labels.missing_in(there):
        return Action(REPLACE, file.name, f"same content, but {lacking}", file, there, labels)
    return Action(KEEP, file.name, "same size and MD5" if theirs else "same size", file, there, labels)


def _check_folders(names: list[str], stored: list[str]) -> None:
    """Refuse a name that is a file in one place and a folder in another: a disk cannot hold both."""
    files = {*names, *stored}
    for name in sorted(files):
        parts = name.split("/")
        for end in range(1, len(parts)):
            folder = "/".join(parts[:end])
            if folder in files:
                raise InputError(
                    f"dest: {folder!r} would be a file and, for {name!r}, a folder. Give one of them another name."
                )


def check_unique(files: Iterable[LocalFile]) -> list[LocalFile]:
    """Return the files in order of name, or raise InputError if two of them would get the same name."""
    seen: dict[str, LocalFile] = {}
    for file in files:
        other = seen.setdefault(file.name, file)
        if other.origin != file.origin:
            raise InputError(
                f"src: {other.origin} and {file.origin} would both become {file.name!r}. Send them with different dest."
            )
    return sorted(seen.values(), key=lambda file: file.name)


def plan_delete(name: str, stored: Listing) -> Action | None:
    """Return the action that deletes one file, or None if it is not there."""
    there = stored.get(name)
    return None if there is None else Action(DELETE, there.name, "is there", None, there)


def diff(actions: Iterable[Action]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what changes, as {name: description} before and after."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for action in actions:
        if not action.changes:
            continue
        if action.stored is not None:
            digest = f", MD5 {action.stored.digest}" if action.stored.digest else ""
            before[action.name] = f"{action.stored.size} bytes{digest}"
        if action.local is not None:
            after[action.name] = f"{action.local.size} bytes, from {action.local.origin} ({action.reason})"
    return before, after


def shortened(names: list[str], limit: int = 5) -> str:
    """Join names for a message; a long list is cut with the number of those left out."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
