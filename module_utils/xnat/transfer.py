"""Carry the plan out: send files, and look afterwards whether they are there.

XNAT answers 200 when it threw the bytes away: for a file that is there already, and for an account that may read but
not edit. It can also store a file and fail to list it. So nothing counts as done before it is listed with the right
size and MD5. One file at a time: a second writer to the same resource makes XNAT lose one of the two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import local as local_files
from .address import Address
from .errors import ConflictError, ConnectError, InputError, RequestError, VerificationError, XnatError
from .plan import CREATE, KEEP, REPLACE, Action, Labels, Listing, LocalFile, StoredFile, shortened
from .session import Answer, Session

# What XNAT says when another request wrote the resource's catalog in between. Our bytes are on its disk by then, and
# in no list; a second attempt without overwrite would leave them invisible for ever.
_CATALOG_CONFLICT = ("another thread or process modified", "concurrentmodification")
_DISK_FULL = ("no space left", "disk quota", "not enough space")
_ATTEMPTS = 4


class FileBody:
    """The content of a file as the body of a request: streamed from disk, hashed on the way, opened anew each time.

    An empty file goes as a multipart form: XNAT answers 500 to an empty raw body.
    """

    def __init__(self, file: LocalFile) -> None:
        """Remember the file; it is opened when the request is sent."""
        self.file = file
        self.size = file.size
        self.parameters = {} if file.size == 0 else {"inbody": "true"}
        self.headers = {} if file.size == 0 else {"Content-Type": "application/octet-stream"}
        self._reader: _HashingReader | None = None

    def arguments(self) -> dict[str, Any]:
        """Return what requests needs to send the file from its beginning."""
        self.close()
        if self.size == 0:
            return {"files": {"file": (Path(self.file.name).name, b"", "application/octet-stream")}}
        self._reader = _HashingReader(self.file)
        return {"data": self._reader}

    @property
    def digest(self) -> str:
        """MD5 (hex) of the bytes that were sent last."""
        return self._reader.digest if self._reader else hashlib.md5(b"", usedforsecurity=False).hexdigest()

    def close(self) -> None:
        """Close the file."""
        if self._reader:
            self._reader.close()


class _HashingReader:
    """A file of known length for requests to read from; no more than that length is ever sent."""

    def __init__(self, file: LocalFile) -> None:
        self._file = file
        self._left = file.size
        self._md5 = hashlib.md5(usedforsecurity=False)
        try:
            self._stream = Path(file.path).open("rb")  # noqa: SIM115 (closed by close)
        except OSError as error:
            raise InputError(f"src: cannot read {file.path}: {error.strerror}.") from error

    def __len__(self) -> int:
        return self._file.size

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(1024 * 1024):
            yield block

    def read(self, size: int = -1) -> bytes:
        try:
            block = self._stream.read(self._left if size < 0 else min(size, self._left))
        except OSError as error:
            raise InputError(f"src: cannot read {self._file.path} to its end: {error.strerror}.") from error
        if not block and self._left:
            # The server would wait for the rest until a timeout.
            raise VerificationError(
                f"{self._file.path} became shorter while it was being sent. Run again when it is complete."
            )
        self._left -= len(block)
        self._md5.update(block)
        return block

    @property
    def digest(self) -> str:
        return self._md5.hexdigest()

    def close(self) -> None:
        self._stream.close()


def stored_md5(session: Session, resource: Address, stored: StoredFile) -> str:
    """Return the MD5 of a stored file: as listed, or of a download where XNAT has none."""
    if stored.digest:
        return stored.digest
    digest, size = session.md5(resource.file(stored.name), f"read {stored.name} of {resource} to compare it")
    if stored.size is not None and size != stored.size:
        raise VerificationError(
            f"{stored.name} of {resource}: XNAT lists {stored.size} bytes and delivers {size}. Ask the admin to "
            "refresh the catalog."
        )
    return digest


class Upload:
    """Sends the files of one plan into one resource.

    `listing` reads the resource anew. After `run`, every file that changed is listed with the size and MD5 sent.
    """

    def __init__(
        self, session: Session, resource: Address, labels: Labels, overwrite: str, listing: Callable[[], Listing]
    ) -> None:
        """Prepare; nothing is sent until `run`."""
        self._session = session
        self._resource = resource
        self._labels = labels
        self._overwrite = overwrite
        self._listing = listing
        self._sent: dict[str, str] = {}

    def run(self, actions: list[Action]) -> list[dict[str, Any]]:
        """Carry the actions out and return one result per file.

        Raises an XnatError whose `files` are those that are proven to be there, and whose message says which are not.
        """
        done: list[Action] = []
        to_send = [action for action in actions if action.changes]
        try:
            for action in to_send:
                done.append(self._send(action))
                if len(done) == 1 and len(to_send) > 1:
                    # An account that may not edit gets 200 for every file: do not send the rest for nothing.
                    self._verify(done, self._listing())
            listing = self._listing() if done else None
        except XnatError as error:
            raise self._with_account(error, actions, done) from error
        if listing is not None:
            try:
                self._verify(done, listing)
            except XnatError as error:
                raise self._with_account(error, actions, done, listing) from error
        finished = {action.name: action for action in done}
        return [self._result(finished.get(action.name, action), listing) for action in actions]

    def _result(self, action: Action, listing: Listing | None) -> dict[str, Any]:
        stored = (listing.get(action.name) if listing and action.changes else None) or action.stored
        digest = stored.digest if stored else None
        return action.result(digest or self._sent.get(action.name), stored.uri if stored else None)

    def _send(self, action: Action) -> Action:
        """Send one file and return what was done, which may differ from the plan if someone else was faster."""
        file = action.local
        assert file is not None
        replacing = action.kind != CREATE
        problem: XnatError | None = None
        for attempt in range(_ATTEMPTS):
            body = FileBody(file)
            try:
                answer = self._put(file, body, overwrite=replacing)
            except (RequestError, ConnectError) as error:
                if not _worth_another(error):
                    raise
                problem, on_disk = error, _lost_to_another_writer(error)
                self._session.pause(0.5 * 2**attempt)
            else:
                local_files.check_unchanged(file)
                self._sent[file.name] = body.digest
                if not _duplicates(answer):
                    return action
                on_disk = True
            finally:
                body.close()
            # Refused as a duplicate, or with an unknown end. The list tells which: a file that someone else put there
            # in between, our own from a lost answer, or one on disk that no list shows, which only overwrite repairs.
            there = self._listing().get(file.name)
            if there is not None and not replacing:
                return self._meet(action, there)
            replacing = replacing or on_disk
        raise problem or VerificationError(
            f"XNAT does not take {file.name} into {self._resource}: it answers that the file exists, even with "
            "overwrite."
        )

    def _put(self, file: LocalFile, body: FileBody, *, overwrite: bool) -> Answer:
        parameters = {**body.parameters, **self._labels.parameters()}
        if overwrite:
            parameters["overwrite"] = "true"
        doing = f"send {file.path} to {self._resource}"
        path = self._resource.file(file.name)
        # Sent once: what became of a broken attempt is looked up before the next one.
        try:
            return self._session.request("PUT", path, doing, parameters, body=body, retry=False)
        except RequestError as error:
            if error.status == 500 and any(sign in error.answer.lower() for sign in _DISK_FULL):
                raise self._session.failure(
                    "PUT",
                    path,
                    doing,
                    Answer(500, error.answer),
                    "The server's disk is full. Ask the admin to make room, then run again: what is there is "
                    "not sent twice.",
                ) from error
            raise

    def _meet(self, action: Action, there: StoredFile) -> Action:
        """Decide about a file that was not there when planned and is there now."""
        file = action.local
        assert file is not None
        ours = local_files.md5(file)
        if there.size in {file.size, None} and stored_md5(self._session, self._resource, there) == ours:
            self._sent[file.name] = ours
            return action
        if self._overwrite == "never":
            return Action(KEEP, file.name, "someone else stored it meanwhile; overwrite is never", file, there)
        if self._overwrite == "fail":
            raise ConflictError(
                f"{file.name} appeared in {self._resource} with other content while it was being sent; "
                "overwrite is 'fail', so it was kept."
            )
        return self._send(Action(REPLACE, file.name, "someone else stored another one meanwhile", file, there))

    def _verify(self, done: list[Action], listing: Listing) -> None:
        """Raise VerificationError unless every file that was sent is listed with the size and MD5 that were sent."""
        for action in done:
            if not action.changes or action.local is None:
                continue
            there = listing.get(action.name)
            if there is None:
                raise VerificationError(
                    f"XNAT answered 200 for {action.name} but did not store it in {self._resource}. "
                    "An account that may read but not edit gets exactly this answer: "
                    f"ask an owner of project {self._resource.project} to make it a member. If other files were "
                    "stored, another run wrote to the resource at the same time: run again."
                )
            ours = self._sent[action.name]
            if there.size not in {action.local.size, None}:
                found = f"{there.size} bytes instead of {action.local.size}"
            elif (theirs := stored_md5(self._session, self._resource, there)) != ours:
                found = f"MD5 {theirs} instead of {ours}"
            else:
                continue
            raise VerificationError(
                f"{action.name} was sent to {self._resource} and is there with {found}. "
                "It was damaged on the way or changed by someone else: run again."
            )

    def _with_account(
        self, error: XnatError, actions: list[Action], done: list[Action], listing: Listing | None = None
    ) -> XnatError:
        """Add to an error what is proven to be there and what is not."""
        proven = []
        try:
            listing = listing or (self._listing() if done else Listing())
            for action in done:
                try:
                    self._verify([action], listing)
                except XnatError:
                    continue
                proven.append(action)
        except XnatError:
            listing = None
        names = {action.name for action in proven}
        kept = [action for action in actions if not action.changes]
        missing = [action.name for action in actions if action.changes and action.name not in names]
        sent = [action.name for action in proven if action.changes]
        error.details["files"] = [self._result(action, listing) for action in [*kept, *proven]]
        error.details["not_done"] = missing
        error.message += f" Not done: {shortened(missing)}." if missing else ""
        error.message += f" Sent and verified before that: {shortened(sent)}." if sent else ""
        error.details["changed"] = bool(sent)
        return error


def _duplicates(answer: Answer) -> bool:
    """Whether XNAT refused the file because one is on its disk: 200 with {"duplicates": [...]} and nothing stored."""
    data = answer.json()
    return isinstance(data, dict) and bool(data.get("duplicates"))


def _lost_to_another_writer(error: XnatError) -> bool:
    if not isinstance(error, RequestError) or error.status != 500:
        return False
    return any(sign in error.answer.lower() for sign in _CATALOG_CONFLICT)


def _worth_another(error: XnatError) -> bool:
    if isinstance(error, RequestError):
        return error.status in {502, 503, 504} or _lost_to_another_writer(error)
    return isinstance(error, ConnectError)
