"""The proof: whether what was sent is listed with the size and MD5 that were sent; and MD5s that XNAT does not list.

Reads, and at most asks XNAT to compute checksums. Sends no file and repairs nothing: engine.py does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from .. import listings
from ..address import REFRESH_CATALOG, Address
from ..errors import ConnectError, InputError, RequestError, VerificationError, XnatError
from ..plan import Listing, StoredFile
from ..resource import list_files
from ..session import Session
from ..transfer import Sent, not_stored, read_md5
from . import parallel

# Files in one list, unless a single session has more: what is listed is held until it is compared.
_FILES_AT_ONCE = 2000
# What to do about a file for which XNAT lists no MD5: have XNAT compute it, compare the size only, download the file
# and compute it here, or take it for unproven.
DIGEST_POLICIES = ("refresh", "size", "download", "fail")
_BY_SIZE = "compared by size only: XNAT lists no MD5"
_STALE = "read back, since XNAT still lists the MD5 of what was there before; an admin can refresh the catalog"


@dataclass(frozen=True, slots=True)
class Proof:
    """What is there of a file that was sent.

    `problem` is None if that is what was sent. `unread` is whether it is not known, because the list could not be read:
    sending again would prove nothing. `note` is what the proof does not say.
    """

    stored: StoredFile | None = None
    problem: str | None = None
    unread: bool = False
    note: str = ""


def check_policy(policy: str) -> str:
    """Return the policy for missing digests if there is such a one. Raises InputError."""
    if policy not in DIGEST_POLICIES:
        raise InputError(f"digest_policy: {policy!r} is not one of {', '.join(DIGEST_POLICIES)}.")
    return policy


class StoredDigests:
    """The MD5 of stored files, for comparing before anything is sent: as listed, or else as the policy says.

    Called with the address of the resource and the file; returns None where only the size shall be compared. Raises
    VerificationError where the policy is `fail`.
    """

    def __init__(self, session: Session, policy: str) -> None:
        """Remember how; nothing is asked for yet."""
        self._session = session
        self._policy = check_policy(policy)
        self._refreshed: dict[Address, dict[str, str]] = {}
        self._guard = threading.Lock()

    def __call__(self, resource: Address, stored: StoredFile) -> str | None:
        """Return the MD5 (hex) of a stored file."""
        if stored.digest:
            return stored.digest
        if self._policy == "size":
            return None
        if self._policy == "fail":
            raise VerificationError(
                f"XNAT lists no MD5 for {stored.name} of the {resource}, and digest_policy is 'fail'. Ask the admin to "
                "refresh its catalog with checksums, or use digest_policy: refresh, download or size."
            )
        if self._policy == "refresh" and not self._session.check_mode and (digest := self._computed(resource, stored)):
            return digest
        return _downloaded(self._session, resource, stored)

    def _computed(self, resource: Address, stored: StoredFile) -> str | None:
        with self._guard:
            if resource not in self._refreshed:
                # XNAT may say yes and do nothing, and an account that may only read gets 403: then a download tells.
                files = refresh(self._session, resource).files
                self._refreshed[resource] = {file.name: file.digest for file in files if file.digest}
            return self._refreshed[resource].get(stored.name)


def stored_digests(session: Session, policy: str) -> StoredDigests:
    """Return what tells the MD5 of stored files. Raises InputError for an unknown policy."""
    return StoredDigests(session, policy)


def refresh(session: Session, resource: Address) -> Listing:
    """Have XNAT compute the checksums of a resource, and return its files as they are listed then.

    Only `options=checksum`: anything else, even a single `append=false`, means everything, deletions included.
    """
    parameters = {"resource": resource.archive_uri, "options": "checksum"}
    try:
        session.request("POST", REFRESH_CATALOG, f"have XNAT compute the checksums of the {resource}", parameters)
    except (RequestError, ConnectError):
        return Listing()
    return list_files(session, resource)


def _downloaded(session: Session, resource: Address, stored: StoredFile) -> str:
    """Return the MD5 of a stored file as it is downloaded; or in words why what is listed is not there."""
    try:
        return read_md5(session, resource, stored)
    except VerificationError:
        return "another size"
    except RequestError as error:
        if error.status == 404:
            return "no file"
        raise


def verify(
    session: Session,
    sent: Mapping[Address, Mapping[str, Sent]],
    experiment_ids: Mapping[Address, str],
    *,
    batch: int,
    digest_policy: str,
    workers: int,
) -> Iterator[tuple[Address, dict[str, Proof]]]:
    """Yield, for each resource, what is there of each file that was sent, by name.

    The files of `batch` sessions are listed in one request (of fewer, if they have very many), several requests at a
    time.
    """
    sessions: dict[str, Address] = {}
    resources_of: dict[Address, list[Address]] = {}
    single: list[Address] = []
    for resource in sent:
        label = resource.up_to("experiment") if resource.experiment and not resource.assessor else None
        if label is not None and label in experiment_ids:
            sessions[experiment_ids[label]] = label
            resources_of.setdefault(label, []).append(resource)
        else:
            single.append(resource)
    examiner = _Examiner(session, sent, experiment_ids, check_policy(digest_policy))

    def of_sessions(identifiers: list[str]) -> list[tuple[Address, dict[str, Proof]]]:
        some = {identifier: sessions[identifier] for identifier in identifiers}
        resources = [resource for label in some.values() for resource in resources_of[label]]
        return examiner.examine(resources, lambda: listings.of_sessions(session, some, batch=batch))

    def of_one(resource: Address) -> list[tuple[Address, dict[str, Proof]]]:
        located = examiner.located(resource)
        return examiner.examine([resource], lambda: {resource: list_files(session, located)})

    counts = {key: sum(len(sent[resource]) for resource in resources_of[label]) for key, label in sessions.items()}
    parts = chain.from_iterable(_bounded(part, counts) for part in listings.batches(list(sessions), batch))
    some = parallel.in_order(of_sessions, parts, workers=workers, name="xnat-verify")
    for found in chain(some, parallel.in_order(of_one, single, workers=workers, name="xnat-verify")):
        yield from found


def _bounded(identifiers: list[str], counts: Mapping[str, int]) -> Iterator[list[str]]:
    """Cut a list of sessions so that no part has too many files."""
    part: list[str] = []
    files = 0
    for identifier in identifiers:
        if part and files + counts[identifier] > _FILES_AT_ONCE:
            yield part
            part, files = [], 0
        part.append(identifier)
        files += counts[identifier]
    if part:
        yield part


@dataclass(frozen=True)
class _Examiner:
    session: Session
    sent: Mapping[Address, Mapping[str, Sent]]
    experiment_ids: Mapping[Address, str]
    policy: str

    def examine(
        self, resources: Iterable[Address], read: Callable[[], Mapping[Address, Listing]]
    ) -> list[tuple[Address, dict[str, Proof]]]:
        try:
            listings = read()
        except XnatError as error:
            unread = Proof(problem=f"was sent, but whether it is there could not be read: {error}", unread=True)
            return [(resource, dict.fromkeys(self.sent[resource], unread)) for resource in resources]
        return [(resource, self._resource(resource, listings.get(resource, Listing()))) for resource in resources]

    def _resource(self, resource: Address, listing: Listing) -> dict[str, Proof]:
        names = self.sent[resource]
        there = {name: listing.get(name) for name in names}
        located = self.located(resource)
        if any(stored and self._wants_refresh(names[name], stored) for name, stored in there.items()):
            computed = refresh(self.session, located)
            there = {name: computed.get(name) or stored for name, stored in there.items()}
        return {name: self._file(located, name, names[name], stored) for name, stored in there.items()}

    def _wants_refresh(self, sent: Sent, stored: StoredFile) -> bool:
        if not stored.digest:
            return self.policy == "refresh"
        # While checksums are off, XNAT goes on listing the MD5 of what was there before, for ever.
        return stored.digest != sent.md5 and stored.size == sent.size

    def located(self, resource: Address) -> Address:
        """The resource with the ID of its session, if that is known."""
        session = resource.up_to("experiment") if resource.experiment else None
        return replace(resource, experiment_id=self.experiment_ids.get(session)) if session else resource

    def _file(self, resource: Address, name: str, sent: Sent, stored: StoredFile | None) -> Proof:
        if stored is None:
            return Proof(problem=not_stored(name, resource))
        if stored.size not in {sent.size, None}:
            return Proof(stored, f"is there with {stored.size} bytes instead of {sent.size}")
        if not stored.digest and self.policy == "size" and stored.size is not None:
            return Proof(stored, note=_BY_SIZE)
        if not stored.digest and self.policy in {"fail", "size"}:
            return Proof(stored, f"XNAT lists no MD5, and digest_policy is '{self.policy}'", unread=True)
        if stored.digest == sent.md5:
            return Proof(stored)
        try:
            digest = _downloaded(self.session, resource, stored)
        except XnatError as error:
            return Proof(stored, f"was sent, but what is there could not be read: {error}", unread=True)
        if digest != sent.md5:
            return Proof(stored, f"is there with MD5 {digest} instead of {sent.md5}")
        return Proof(stored, note=_STALE if stored.digest else "")
