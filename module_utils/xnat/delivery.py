"""Carry out the plan of one resource: send its files, and prove that they are there.

What goes together and how a broken attempt is repaired is in transfer.py. Nothing counts as done before it is listed
with the size and MD5 that were sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .address import Address
from .errors import XnatError
from .plan import Action, Labels, Listing, shortened
from .session import Session
from .transfer import MayWrite, ResourceWriter


class Upload:
    """Sends the files of one plan into one resource.

    `listing` reads the resource anew. After `run`, every file that changed is listed with the size and MD5 sent.
    """

    def __init__(
        self,
        session: Session,
        resource: Address,
        labels: Labels,
        overwrite: str,
        listing: Callable[[], Listing],
        may_write: MayWrite | None = None,
    ) -> None:
        """Prepare; nothing is sent until `run`."""
        self._labels = labels
        self._listing = listing
        self._writer = ResourceWriter(session, resource, listing=listing, overwrite=overwrite, may_write=may_write)

    def run(self, actions: list[Action]) -> list[dict[str, Any]]:
        """Carry the actions out and return one result per file.

        Raises an XnatError whose `files` are those that are proven to be there, and whose message says which are not.
        """
        actions = [replace(action, labels=self._labels) for action in actions]
        listing = None
        try:
            if self._writer.send(sorted(actions, key=_position)) or self._writer.kept:
                listing = self._listing()
                self._writer.check(actions, listing)
        except XnatError as error:
            raise self._with_account(error, actions, listing) from error
        return [self._result(self._done(action), listing) for action in actions]

    def _done(self, action: Action) -> Action:
        """What was done, which differs from the plan if someone else was faster."""
        return self._writer.kept.get(action.name) or self._writer.replaced.get(action.name) or action

    def _result(self, action: Action, listing: Listing | None) -> dict[str, Any]:
        stored = (listing.get(action.name) if listing and action.changes else None) or action.stored
        sent = self._writer.sent.get(action.name)
        digest = stored.digest if stored else None
        return action.result(digest or (sent.md5 if sent else None), stored.uri if stored else None)

    def _with_account(self, error: XnatError, actions: list[Action], listing: Listing | None) -> XnatError:
        """Add to an error what is proven to be there and what is not."""
        proven = []
        try:
            listing = listing or (self._listing() if self._writer.sent else Listing())
            for action in actions:
                if action.name in self._writer.sent:
                    try:
                        self._writer.check([action], listing)
                    except XnatError:
                        continue
                    proven.append(self._done(action))
        except XnatError:
            listing = None
        kept = [self._done(action) for action in actions if not self._done(action).changes]
        names = {action.name for action in [*proven, *kept]}
        missing = [action.name for action in actions if action.name not in names]
        sent = [action.name for action in proven]
        error.details["files"] = [self._result(action, listing) for action in [*kept, *proven]]
        error.details["not_done"] = missing
        error.message += f" Not done: {shortened(missing)}." if missing else ""
        error.message += f" Sent and verified before that: {shortened(sent)}." if sent else ""
        error.details["changed"] = bool(sent)
        return error


def _position(action: Action) -> tuple[str, int]:
    """Members of an archive in the order in which they are in it, so that it is read in one pass."""
    file = action.local
    return (file.path, file.packed.position) if file and file.packed else ("", 0)
