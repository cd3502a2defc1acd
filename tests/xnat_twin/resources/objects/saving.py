"""What storing an object has in common for every kind: IDs, labels, fields, types, states, renaming, the audit trail.

No endpoint lives here, and nothing that only one kind of object does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from falcon import Request, Response
from sqlalchemy.exc import IntegrityError

from xnat_twin.configuration.preferences import Preferences
from xnat_twin.datatypes import schema
from xnat_twin.datatypes.definitions import DataType
from xnat_twin.datatypes.fields import Fields, merge, type_of_xpath
from xnat_twin.datatypes.schema import Types
from xnat_twin.datatypes.values import InvalidValueError, UnstorableValueError
from xnat_twin.documents.items import Submission
from xnat_twin.errors import StatusError
from xnat_twin.lookup.finder import VALID_ID, Finder
from xnat_twin.params import Params
from xnat_twin.resources.base import Endpoint, params_of, send_text
from xnat_twin.storage import audit
from xnat_twin.storage.database import next_number
from xnat_twin.storage.store import Experiment, Project, Subject, now

#: What a request wants to change: (stored path, text).
Changes = list[tuple[str, str]]

#: What XNAT says whatever it is that must not be changed.
MAY_NOT_MODIFY = "User account doesn't have permission to modify this session."

#: Fields that have a column of their own.
_COLUMNS_OF_THEIR_OWN = frozenset({"ID", "project", "label", "subject_ID", "image_session_ID"})


def insufficient(action: str, things: str) -> str:
    """What XNAT says to who may not create or edit sessions, subjects, …"""
    return f"Specified user account has insufficient {action} privileges for {things} in this project."


def accession_id(finder: Finder, preferences: Preferences, letter: str) -> str:
    """`XNAT_S00001`: the site's ID without blanks and quotes, `-` as `_`, and a number that is never reused."""
    site = str(preferences["siteId"]).replace("-", "_")
    site = "".join(character for character in site if character not in " \"'")
    return f"{site}_{letter}{next_number(finder.session, letter):05d}"


def flush_new(finder: Finder, message: str) -> None:
    """Write what was added. 409 if someone else has just added the same."""
    try:
        finder.session.flush()
    except IntegrityError as error:
        raise StatusError(409, message) from error


def refuse_tail(names: Mapping[str, str]) -> None:
    """400 for a change of something below an object that there is nothing below of."""
    if names.get("tail"):
        raise StatusError(400)


def check_label(label: str | None) -> None:
    """500 for none, or one with other characters than letters, digits, `_` and `-`: XNAT notices only while saving."""
    if label is None or not VALID_ID.fullmatch(label):
        raise StatusError(500)


def given_id(changes: Mapping[str, str], message: str) -> str | None:
    """The ID that a request chooses for a new object, if it does. 417 if it cannot be one."""
    identifier = changes.get("ID")
    if identifier is not None and not VALID_ID.fullmatch(identifier):
        raise StatusError(417, message)
    return identifier


def merged_fields(types: Types, stored: Fields, changes: Changes, data_type: str, *, complete: bool = True) -> Fields:
    """`stored` with the changes, without those that are columns. 400 for a value that does not fit its field.

    Also for a nested item that is not `complete`. 500 for a value that only the database does not take, such as the
    30th of February.
    """
    changes = [change for change in changes if change[0] not in _COLUMNS_OF_THEIR_OWN]
    try:
        return merge(types, stored, changes, data_type, complete=complete)
    except InvalidValueError as error:
        raise StatusError(500 if isinstance(error, UnstorableValueError) else 400, str(error)) from error


def without_items(fields: Fields, items: Collection[str]) -> Fields:
    """Stored fields without those of nested items."""
    return {path: value for path, value in fields.items() if not any(path.startswith(f"{item}/") for item in items)}


def requested_type(
    finder: Finder, params: Params, document: Submission | None, otherwise: str | None = None, need: str = "PUT"
) -> DataType:
    """The type that a request speaks of: document, `xsiType`, `otherwise`, first XPath. 417 none, 400 unknown."""
    name = document.xsi_type if document else params.get("xsiType") or otherwise
    if not name:
        name = next((found for key, _ in params if (found := type_of_xpath(key))), "")
    if not name:
        raise StatusError(417, f"Need {need} Contents")
    try:
        return finder.types.resolve(name)
    except schema.UnknownTypeError as error:
        raise StatusError(400, f"Unknown data type: {name}") from error


#: Parameters that change an object's state after it was stored; of the last three only the first counts.
_STATES = {"activate": "active", "quarantine": "quarantine"}
_LOCKS = {"_lock": "locked", "_unlock": "active", "_obsolete": "obsolete"}


class Storing(Endpoint):
    """An endpoint that stores objects."""

    def note(
        self,
        req: Request,
        finder: Finder,
        item: Project | Subject | Experiment,
        action: str,
        status: int = 500,
        message: str | None = "",
    ) -> None:
        """Write the audit trail; `status` if the request lacks what the site demands for it (storage/audit.py)."""
        audit.record(finder, self.site.preferences, params_of(req), item, action, status, message)

    def stored(self, req: Request, finder: Finder, item: Subject | Experiment, *, is_new: bool) -> None:
        """What every PUT and POST of a subject or experiment ends with: audit trail and state.

        Reference: SecureResource.postSaveManageStatus. Whoever may edit here may activate.
        """
        self.note(req, finder, item, audit.added_or_modified(item, is_new=is_new))
        item.last_modified = now()
        params = params_of(req)
        asked = [state for name, state in _STATES.items() if params.true(name)]
        asked += [state for name, state in _LOCKS.items() if params.true(name)][:1]
        if asked:
            item.status = asked[-1]

    def rename(self, req: Request, finder: Finder, item: Subject | Experiment, label: str) -> None:
        """Give an object another label and its folder another name. Reference: Rename."""
        if label == item.label:
            return
        if finder.namesake(item, item.project, label) is not None:
            raise StatusError(409, "Specified label is already in use.")
        self.note(req, finder, item, "Renamed", message=None)
        check_label(label)
        before = self.site.archive.folder(item)
        item.label = label
        finder.session.flush()
        self.site.archive.rename(before, self.site.archive.folder(item))

    def send_created(self, req: Request, resp: Response, identifier: str) -> None:
        """The answer to a POST on a list: 200, and the address of what was made, also as `Location`.

        It begins as the site's own address does, if that is known, whatever address was asked.
        Reference: SecureResource.returnSuccessfulCreateFromList
        """
        site = urlsplit(str(self.site.preferences["siteUrl"]))
        start = f"{site.scheme}://{site.netloc}" if site.netloc else req.prefix
        path = str(req.env["REQUEST_URI"]).partition("?")[0].rstrip("/")
        resp.location = f"{start}{path}/{identifier}"
        send_text(resp, resp.location)
