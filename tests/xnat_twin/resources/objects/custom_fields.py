"""Custom fields (1.8.3 and later): any JSON under any name, of a project, subject, experiment, assessor or scan.

They have nothing to do with custom variables (`fields/field`), and no list, document or search shows them here.
Reference: CustomFieldsApi, DefaultCustomFieldService, DataObjectXapiAuthorization.
"""

from __future__ import annotations

import json
from typing import Any

from falcon import Request, Response
from sqlalchemy import select

from xnat_twin.access.permissions import Access, everywhere
from xnat_twin.datatypes import schema
from xnat_twin.errors import StatusError, XapiError, XapiRefusalError
from xnat_twin.lookup.finder import Finder, Names, project_of
from xnat_twin.params import Params
from xnat_twin.resources.administration.xapi import XapiEndpoint, json_body, not_found
from xnat_twin.resources.base import params_of, send_json, send_text
from xnat_twin.storage import audit
from xnat_twin.storage.store import OWNER_KEYS, CustomFields, Experiment, Project, Scan, Subject

_PARENTS = ("projects/{project}/", "projects/{project}/subjects/{subject}/", "")
_EXPERIMENTS = tuple(f"{parent}experiments/{{experiment}}" for parent in _PARENTS)
#: Where there are custom fields, below `/xapi/custom-fields`.
PATHS = (
    "projects/{project}",
    "projects/{project}/subjects/{subject}",
    "subjects/{subject}",
    *_EXPERIMENTS,
    *(f"{path}/{below}" for path in _EXPERIMENTS for below in ("scans/{scan}", "assessors/{assessor}")),
)

_Holder = Project | Subject | Experiment | Scan


class ItemFields(XapiEndpoint):
    """`/xapi/custom-fields/…/fields` and `…/fields/NAME`."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        wanted = [name for text in params_of(req).all("fieldNames") for name in text.split(",")]
        with self.reading(req) as finder:
            fields = _fields(finder, self._item(req, resp, finder, names, Access.READ))
        send_json(resp, {name: value for name, value in fields.items() if name in wanted or not wanted})

    def on_get_one(self, req: Request, resp: Response, field: str, **names: str) -> None:
        with self.reading(req) as finder:
            fields = _fields(finder, self._item(req, resp, finder, names, Access.READ))
        if field not in fields:
            raise _missing(field)
        value = fields[field]
        send_text(resp, value if isinstance(value, str) else json.dumps(value, separators=(",", ":")))

    def on_put(self, req: Request, resp: Response, **names: str) -> None:
        with self.writing(req) as finder:
            item = self._item(req, resp, finder, names, Access.EDIT)
            given = json_body(req)
            fields = _fields(finder, item) | (given if isinstance(given, dict) else {})
            self._store(finder, item, fields)
        send_json(resp, fields)

    def on_delete_one(self, req: Request, resp: Response, field: str, **names: str) -> None:
        with self.writing(req) as finder:
            item = self._item(req, resp, finder, names, Access.EDIT)
            fields = _fields(finder, item)
            if fields.pop(field, None) is None:
                raise _missing(field)
            self._store(finder, item, fields)
        send_json(resp, fields)

    def _item(self, req: Request, resp: Response, finder: Finder, names: Names, level: Access) -> _Holder:
        """What the path names, if the caller has this level of access to it.

        403 otherwise, also for what is not there: only those who may read everything are told so (404). What is below
        an experiment that may be read, and is not there, is 404 for everyone.
        """
        if level > Access.READ:
            self.someone(req, resp)
        home, found = finder.home(names), _named(finder, names)
        item = home if found is None and names.keys() == {"project"} else found
        if item is None:
            if everywhere(finder.user) >= Access.READ:
                raise not_found(f"The following item(s) don't exist: {_last(names)}")
            raise self._refused(finder, resp)
        if not _allowed(finder, item, level):
            raise self._refused(finder, resp)
        if not isinstance(item, Project) and not _in_the_path(item, names):
            raise not_found(f"Unable to identify experiment: {_last(names)}")
        return _below(finder, item, names) if isinstance(item, Experiment) else item

    def _refused(self, finder: Finder, resp: Response) -> StatusError:
        if finder.user.is_guest:
            resp.set_header("WWW-Authenticate", f'Basic realm="{self.site.preferences["siteId"]}"')
        return XapiRefusalError(401 if finder.user.is_guest else 403)

    def _store(self, finder: Finder, item: _Holder, fields: dict[str, Any]) -> None:
        """XNAT gives no reason for what it does here, so a site that demands one takes no custom fields (500)."""
        audited = item.experiment if isinstance(item, Scan) else item
        try:
            audit.record(finder, self.site.preferences, Params(""), audited, "Modified Custom Fields")
        except StatusError as error:
            raise XapiError(500, "An NRG service error occurred.: Unable to save item.") from error
        row = _row(finder, item)
        if row is None:
            key = OWNER_KEYS[type(item)]
            finder.session.add(row := CustomFields(**{key: getattr(item, key)}))
        row.fields = fields


def _named(finder: Finder, names: Names) -> Subject | Experiment | None:
    """The subject or experiment that the path names, if it names one that can be seen."""
    home = finder.home(names)
    if "project" in names and home is None:
        return None
    if "experiment" in names:
        return finder.experiment(home, names["experiment"])
    return finder.subject(home, names["subject"]) if "subject" in names else None


def _allowed(finder: Finder, item: Project | Subject | Experiment, level: Access) -> bool:
    if level is Access.READ and not isinstance(item, Project):
        return finder.may_read_item(item)
    if level is Access.EDIT and isinstance(item, Project):
        level = Access.DELETE  # a project is its owners', and no data that members change
    return finder.access(project_of(item)) >= level


def _in_the_path(item: Subject | Experiment, names: Names) -> bool:
    """Whether an object belongs to the project, by its ID, and to the subject of the path; sharing does not count."""
    if names.get("project", item.project.id) != item.project.id:
        return False
    if isinstance(item, Subject) or "subject" not in names:
        return True
    return names["subject"] in {item.subject.label, item.subject.id}


def _below(finder: Finder, session: Experiment, names: Names) -> Experiment | Scan:
    """The scan or assessor that the path ends with, else the experiment itself."""
    images = finder.is_a(session, schema.IMAGE_SESSION)
    if "assessor" in names:
        for assessor in finder.assessors(session) if images else ():
            if names["assessor"] in {assessor.id, assessor.label}:
                return assessor
        raise not_found(f"Unable to identify assessor: {names['assessor']}")
    if "scan" not in names:
        return session
    scan = finder.scan(session, names["scan"]) if images else None
    if scan is None:
        raise not_found(f"Unable to identify scan: {names['scan']} for experiment: {session.id}")
    return scan


def _row(finder: Finder, item: _Holder) -> CustomFields | None:
    key = OWNER_KEYS[type(item)]
    return finder.session.scalar(select(CustomFields).where(getattr(CustomFields, key) == getattr(item, key)))


def _fields(finder: Finder, item: _Holder) -> dict[str, Any]:
    row = _row(finder, item)
    return dict(row.fields) if row else {}


def _missing(field: str) -> XapiError:
    return not_found(f"Field {field} does not exist.")


def _last(names: Names) -> str:
    return next(names[name] for name in ("experiment", "subject", "project") if name in names)
