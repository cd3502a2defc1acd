"""Send files into one resource: which go together, what becomes of a broken attempt, what XNAT really took.

XNAT answers 200 when it threw the bytes away: for a file that is there already, and for an account that may read but
not edit. So nothing counts as done before it is listed with the right size and MD5; delivery.py (one resource) and
verify.py (many) look at that. One request at a time: a second writer to the same resource makes XNAT lose one of both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from . import local as local_files
from .address import Address
from .bodies import FileBody, OnBytes, Sendable, ZipBody
from .errors import ConflictError, ConnectError, RequestError, VerificationError, XnatError
from .explain import ADVICE, is_disk_full
from .plan import CREATE, KEEP, REPLACE, Action, Labels, Listing, LocalFile, StoredFile, shortened
from .retry import TRY_AGAIN
from .session import Answer, Session

# A zip holds at most this; a file that is larger than ALONE gains nothing from company.
FILES_IN_ZIP = 500
BYTES_IN_ZIP = 64 * 1024 * 1024
ALONE = 16 * 1024 * 1024

# The name that tells XNAT how to unpack; nothing is stored under it.
_ZIP = "upload.zip"
# What XNAT says when another request wrote the resource's catalog in between. Our bytes are on its disk by then, and
# in no list; a second attempt without overwrite would leave them invisible for ever.
_CATALOG_CONFLICT = ("another thread or process modified", "concurrentmodification")


@dataclass(frozen=True, slots=True)
class Sent:
    """What left for a name in a resource: MD5 (hex) and size in bytes. Not yet looked at on the server."""

    md5: str
    size: int


class MayWrite:
    """Where it is proven that the account may write, for XNAT answers 200 to one that may not and stores nothing.

    Shared by the writers of one run. Rights can differ between the data types of a project, so an object counts for
    its kind only.
    """

    def __init__(self) -> None:
        """Know of nothing yet."""
        self.lock = threading.Lock()
        self._proven: set[tuple[str, str]] = set()

    def add(self, address: Address) -> None:
        """Something was written there and seen: a document that XNAT took counts, it answers 403 to others."""
        self._proven.add(self._key(address))

    def __contains__(self, address: Address) -> bool:
        """Whether it is proven for what the address belongs to."""
        return self._key(address) in self._proven

    @staticmethod
    def _key(address: Address) -> tuple[str, str]:
        kind = "experiment" if address.experiment else "subject" if address.subject else "project"
        return address.project, kind


class ResourceWriter:
    """Sends files into one resource; XNAT makes the resource with the first one.

    `sent` is what left so far, `kept` what someone else stored meanwhile and `overwrite` says to leave alone: both are
    right also after an error. `listing` reads the resource anew. `on_bytes` is told of bytes of files that leave;
    negative takes back what did not arrive.
    """

    def __init__(
        self,
        session: Session,
        resource: Address,
        *,
        listing: Callable[[], Listing],
        overwrite: str,
        on_bytes: OnBytes | None = None,
        may_write: MayWrite | None = None,
    ) -> None:
        """Prepare; nothing is sent until `send`."""
        self.sent: dict[str, Sent] = {}
        self.kept: dict[str, Action] = {}
        self.replaced: dict[str, Action] = {}
        self._session = session
        self._resource = resource
        self._listing = listing
        self._overwrite = overwrite
        self._on_bytes = on_bytes
        self._may_write = may_write

    def send(self, actions: Iterable[Action]) -> dict[str, Sent]:
        """Send the files of those actions that send one, and return what was sent by name.

        Raises an XnatError at the first file that XNAT does not take, and if it turns out to take none at all.
        """
        to_send = [action for action in actions if action.kind in {CREATE, REPLACE} and action.local is not None]
        if to_send and self._needs_proof(to_send):
            to_send = self._prove(to_send)
        for parcel in parcels(to_send):
            self._deliver(parcel)
        return self.sent

    # -- may this account write? ------------------------------------------------------------------------------------

    def _needs_proof(self, to_send: list[Action]) -> bool:
        if self._may_write is not None:
            return self._resource not in self._may_write
        # What goes in one request is looked at afterwards in any case.
        return len(list(parcels(to_send))) > 1

    def _prove(self, to_send: list[Action]) -> list[Action]:
        """Send the smallest file alone and look for it, before many are sent for nothing. Return the others."""
        proof = self._may_write or MayWrite()
        with proof.lock:
            if self._resource in proof:
                return to_send
            first = min(to_send, key=lambda action: (action.local.size if action.local else 0, action.name))
            # Twice, since one file can get lost on the way. One that arrived damaged shows the right to write as well.
            if not self._took(first) and not self._took(first):
                raise VerificationError(not_stored(first.name, self._resource))
            proof.add(self._resource)
        return [action for action in to_send if action is not first]

    def _took(self, action: Action) -> bool:
        """Send one file and say whether XNAT took it, in whatever state it arrived."""
        self._deliver([action])
        if action.name in self.kept:
            return True
        there, before, sent = self._listing().get(action.name), action.stored, self.sent[action.name]
        if there is None or before is None:
            return there is not None
        if there.size != before.size or there.digest not in {before.digest, None}:
            return True
        # Listed as it was before: the same content, or nothing was stored, or XNAT keeps no digests up to date.
        return there.digest == sent.md5 or read_md5(self._session, self._resource, there) == sent.md5

    def check(self, actions: Iterable[Action], listing: Listing) -> None:
        """Raise VerificationError unless what was sent for these is listed with the size and MD5 that were sent."""
        for action in actions:
            sent, there = self.sent.get(action.name), listing.get(action.name)
            if sent is None:
                continue
            if there is None:
                raise VerificationError(not_stored(action.name, self._resource))
            if there.size not in {sent.size, None}:
                found = f"{there.size} bytes instead of {sent.size}"
            elif there.digest == sent.md5:
                continue
            elif (theirs := read_md5(self._session, self._resource, there)) == sent.md5:
                # The digest of what was there before stays listed while checksums are off.
                continue
            else:
                found = f"MD5 {theirs} instead of {sent.md5}"
            raise VerificationError(
                f"{action.name} was sent to {self._resource} and is there with {found}. "
                "It was damaged on the way or changed by someone else: run again."
            )

    # -- one request, until it is done ------------------------------------------------------------------------------

    def _deliver(self, parcel: Sequence[Action]) -> None:
        """Send what goes together. After a broken attempt, look which files are missing, and send those again."""
        pending, problem = list(parcel), None
        overwrite = parcel[0].kind == REPLACE
        attempt, last = 0, self._session.server.retries
        while attempt <= last:
            body = self._body(pending)
            orphaned, refused = False, {action.name for action in pending}
            try:
                answer = self._put(pending, body, overwrite=overwrite)
            except (RequestError, ConnectError) as error:
                body.take_back()
                if not _worth_another(error):
                    raise
                problem, orphaned = error, _lost_to_another_writer(error)
                last = max(last, attempt + 1) if orphaned and not overwrite else last
                if attempt < last:
                    self._session.back_off(attempt, error.retry_after if isinstance(error, RequestError) else None)
            except XnatError:
                body.take_back()
                raise
            else:
                refused = _duplicates(answer, refused)
                self._note((action for action in pending if action.name not in refused), body.digests)
                if not refused:
                    return
                # What repairs is no repetition of what failed: it is also done where nothing is to be repeated.
                orphaned, last = True, last if overwrite else max(last, attempt + 1)
            # Refused as a duplicate, or with an unknown end. The list tells which: our own from a lost answer, one
            # that someone else put there, or one on disk that no list shows, which only overwrite repairs.
            pending = self._still_to_send([action for action in pending if action.name in refused], overwrite=overwrite)
            if not pending:
                return
            overwrite = overwrite or orphaned or self._overwrite not in {"never", "fail"}
            attempt += 1
        raise problem or VerificationError(
            f"XNAT does not take {shortened([action.name for action in pending])} into {self._resource}: it answers "
            "that it exists, even with overwrite."
        )

    def _body(self, pending: Sequence[Action]) -> Sendable:
        files = [_local(action) for action in pending]
        return FileBody(files[0], self._on_bytes) if len(files) == 1 else ZipBody(files, self._on_bytes)

    def _put(self, pending: Sequence[Action], body: Sendable, *, overwrite: bool) -> Answer:
        parameters = {**body.parameters, **pending[0].labels.parameters()}
        if overwrite:
            parameters["overwrite"] = "true"
        files = [_local(action) for action in pending]
        path = self._resource.file(_ZIP if len(files) > 1 else files[0].name)
        what = files[0].origin if len(files) == 1 else f"{len(files)} files ({shortened([f.name for f in files], 3)})"
        doing = f"send {what} to {self._resource}"
        # Sent once: what became of a broken attempt is looked up before the next one.
        try:
            answer = self._session.request("PUT", path, doing, parameters, body=body, retry=False)
        except RequestError as error:
            if is_disk_full(error.status, error.answer):
                answer = Answer(error.status, error.answer)
                raise self._session.failure("PUT", path, doing, answer, ADVICE[507]) from error
            raise
        for file in files:
            local_files.check_unchanged(file)
        return answer

    def _note(self, actions: Iterable[Action], digests: dict[str, str]) -> None:
        for action in actions:
            self.sent[action.name] = Sent(digests[action.name], _local(action).size)

    def _still_to_send(self, pending: list[Action], *, overwrite: bool) -> list[Action]:
        """Return those that are not there as they shall be. Raises ConflictError where `overwrite` is 'fail'."""
        listing, left = self._listing(), []
        for action in pending:
            there = listing.get(action.name)
            if there is None:
                left.append(action)
            elif (ours := self._arrived(action, there)) is not None:
                self.sent[action.name] = Sent(ours, _local(action).size)
            elif overwrite or self._overwrite not in {"never", "fail"}:
                if not overwrite:
                    reason = "someone else stored another one meanwhile"
                    self.replaced[action.name] = Action(REPLACE, action.name, reason, action.local, there)
                left.append(action)
            elif self._overwrite == "never":
                reason = "someone else stored it meanwhile; overwrite is never"
                self.kept[action.name] = Action(KEEP, action.name, reason, action.local, there)
            else:
                raise ConflictError(
                    f"{action.name} appeared in {self._resource} with other content while it was being sent; "
                    "overwrite is 'fail', so it was kept."
                )
        return left

    def _arrived(self, action: Action, there: StoredFile) -> str | None:
        """Return the MD5 if the stored file is what was sent; None if it is another one, or was so before."""
        file = _local(action)
        if there.size not in {file.size, None}:
            return None
        ours = local_files.md5(file)
        before = action.stored.digest if action.stored else None
        if ours == before or stored_md5(self._session, self._resource, there) != ours:
            return None
        return ours


def parcels(to_send: Iterable[Action]) -> Iterator[list[Action]]:
    """Put together what goes in one request: small files with the same labels, new ones apart from replacements."""
    groups: dict[tuple[Labels, str], list[Action]] = {}
    for action in to_send:
        groups.setdefault((action.labels, action.kind), []).append(action)
    for group in groups.values():
        together: list[Action] = []
        size = 0
        for action in group:
            file = _local(action)
            # XNAT before 1.8 keeps a space as its percent signs: what is there under such a name is replaced by itself.
            renamed = action.stored is not None and action.stored.name != action.name
            if file.size >= ALONE or renamed:
                yield [action]
                continue
            if together and (len(together) == FILES_IN_ZIP or size + file.size > BYTES_IN_ZIP):
                yield together
                together, size = [], 0
            together.append(action)
            size += file.size
        if together:
            yield together


def stored_md5(session: Session, resource: Address, stored: StoredFile) -> str:
    """Return the MD5 of a stored file: as listed, or of a download where XNAT has none."""
    return stored.digest or read_md5(session, resource, stored)


def read_md5(session: Session, resource: Address, stored: StoredFile) -> str:
    """Return the MD5 of a stored file as it is downloaded, whatever is listed."""
    digest, size = session.md5(resource.file(stored.name), f"read {stored.name} of {resource} to compare it")
    if stored.size is not None and size != stored.size:
        raise VerificationError(
            f"{stored.name} of {resource}: XNAT lists {stored.size} bytes and delivers {size}. Ask the admin to "
            "refresh the catalog."
        )
    return digest


def not_stored(name: str, resource: Address) -> str:
    """Say that a file is not there although XNAT said 200, and what that means."""
    return (
        f"XNAT answered 200 for {name} but did not store it in the {resource}. An account that may read but not edit "
        f"gets exactly this answer: ask an owner of project {resource.project} to make it a member. If other files "
        "were stored, another run wrote to the resource at the same time: run again."
    )


def _local(action: Action) -> LocalFile:
    assert action.local is not None
    return action.local


def _duplicates(answer: Answer, names: set[str]) -> set[str]:
    """Return those of the names that XNAT refused because they are on its disk: 200 with {"duplicates": [...]}.

    A single file is told by its name in the URL, quoted or not, and those of a zip by their path. What is told in
    a way that nobody knows is all of them.
    """
    data = answer.json()
    told = data.get("duplicates") if isinstance(data, dict) else None
    if not told:
        return set()
    return names & set(told) or names


def _lost_to_another_writer(error: XnatError) -> bool:
    if not isinstance(error, RequestError) or error.status != 500:
        return False
    return any(sign in error.answer.lower() for sign in _CATALOG_CONFLICT)


def _worth_another(error: XnatError) -> bool:
    if isinstance(error, RequestError):
        return error.status in TRY_AGAIN or _lost_to_another_writer(error)
    return isinstance(error, ConnectError)
