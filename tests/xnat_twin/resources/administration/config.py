"""`/data[/projects/P]/config[/TOOL[/PATH]]`: texts that tools keep, each change a version. Reference: ConfigResource.

The same text again is no new version. Nothing is ever deleted: DELETE and `status=disabled` add a disabled version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from falcon import Request, Response
from sqlalchemy import select

from xnat_twin.access.permissions import Access
from xnat_twin.errors import StatusError
from xnat_twin.lists.tables import Table
from xnat_twin.lookup.finder import Finder
from xnat_twin.params import Params
from xnat_twin.resources.base import MAX_DOCUMENT, Endpoint, media_type, read_body, send_table, send_text, user_of
from xnat_twin.storage.store import Configuration, Project
from xnat_twin.transfer.uploads import Body, bodies

_COLUMNS = (
    "tool",
    "path",
    "project",
    "user",
    "create_date",
    "reason",
    "contents",
    "unversioned",
    "version",
    "status",
)
_STATUS = {"enabled": True, "true": True, "disabled": False, "false": False}


class ConfigResource(Endpoint):
    """One address for the list of tools, the configurations of a tool, and one configuration with its history."""

    def on_get(self, req: Request, resp: Response, project: str = "", tool: str = "", path: str = "") -> None:
        params = Params(req.query_string)
        with self.reading(req) as finder:
            if project:
                _check_readable(finder, project)
            if not tool:
                tools = _tools(finder, project)
                _require(tools, finder, project, tool, path)
                self._send(req, resp, ("tool",), [{"tool": name} for name in tools])
                return
            found = _configurations(finder, project, tool, path)
            if not found and project and params.true("defaultToSiteWide"):
                found = _configurations(finder, "", tool, path)
        if path and params.get("action").lower() != "gethistory":
            version = params.get("version")
            found = [one for one in found if str(one.version) == version] if version.isdecimal() else found[-1:]
            if params.true("contents") and not params.true("meta"):
                found = [one for one in found if one.enabled]
                _require(found, finder, project, tool, path)
                send_text(resp, found[0].contents)
                return
        _require(found, finder, project, tool, path)
        hidden = path != "" and params.true("meta") and not params.true("contents")
        self._send(req, resp, _COLUMNS, [_row(one, project, hidden=hidden) for one in found])

    def _send(self, req: Request, resp: Response, columns: Sequence[str], rows: list[dict[str, object]]) -> None:
        send_table(req, resp, Table(columns, rows, total_records=False))

    def on_put(self, req: Request, resp: Response, project: str = "", tool: str = "", path: str = "") -> None:
        """201 for a new configuration, 200 for one that existed, changed or not."""
        req.context.params = params = Params(req.query_string)
        status, contents = self._submitted(req, params)
        unversioned = params.get("unversioned").lower()
        with self.writing(req) as finder:
            _check_writable(finder, project, "User does not have privileges to modify config for this project")
            if status is None and contents is None:
                raise StatusError(
                    400,
                    "You must specify either the status querystring parameter or a configuration object in the "
                    "request body.",
                )
            if status is not None and status.lower() not in _STATUS:
                allowed = "Only valid values for the status flag are enabled or true and disabled or false: "
                raise StatusError(400, allowed + status)
            wanted = None if status is None else _STATUS[status.lower()]
            last = next(iter(_configurations(finder, project, tool, path)[-1:]), None)
            if contents is None:
                _set_status(finder, last, project, bool(wanted))
                return
            if not contents.strip():
                raise StatusError(500, "No contents provided")
            if last is None or last.contents != contents or last.enabled != (True if wanted is None else wanted):
                enabled = wanted is not False
                new = Configuration(project=project, tool=tool, path=path, contents=contents, enabled=enabled)
                _add(finder, last, new, unversioned)
        resp.status = 201 if last is None else 200

    def _submitted(self, req: Request, params: Params) -> tuple[str | None, str | None]:
        """Status and contents: JSON has both in its body; any other body is the contents, taken as an upload is."""
        status = params.get("status") or None
        if media_type(req) == "application/json":
            try:
                given = json.loads(read_body(req) or b"{}")
            except (ValueError, RecursionError) as error:
                raise StatusError(500, f"The body is not JSON: {error}") from error
            if not isinstance(given, dict) or any(isinstance(value, dict | list) for value in given.values()):
                raise StatusError(500, "The body is not a JSON object of texts")
            texts = {name: None if value is None else str(value) for name, value in given.items()}
            return texts.get("status") or None, texts.get("contents")
        if not req.content_length and req.get_header("Transfer-Encoding") is None:
            return status, None
        text = [_contents(body) for body in bodies(req, params, "config")]
        return status, text[0].decode("utf-8", "replace")

    def on_delete(self, req: Request, resp: Response, project: str = "", tool: str = "", path: str = "") -> None:
        with self.writing(req) as finder:
            message = f"User {user_of(req).login} can not modify configuration setting {path} for the tool {tool}"
            _check_writable(finder, project, message)
            last = next(iter(_configurations(finder, project, tool, path)[-1:]), None)
            _set_status(finder, last, project, False)


def _contents(body: Body) -> bytes:
    """All of a file. XNAT takes up to a gigabyte, this server as much as a document may have."""
    data = bytearray()
    for chunk in body.chunks():
        data += chunk
        if len(data) > MAX_DOCUMENT:
            raise StatusError(500, f"file size must be less than {MAX_DOCUMENT} characters.")
    return bytes(data)


def _check_readable(finder: Finder, project: str) -> None:
    """A project that is not there is a 404, one that may not be read a 403."""
    found = finder.session.scalar(select(Project).where(Project.id == project))
    if found is None:
        raise StatusError(404, f"The requested project {project} does not exist.")
    if not finder.may_read(found):
        raise StatusError(403, f"User {finder.user.login} can not access project {project}")


def _check_writable(finder: Finder, project: str, message: str) -> None:
    """The site's configurations are for administrators, a project's for its owners as well."""
    found = finder.session.scalar(select(Project).where(Project.id == project)) if project else None
    if not finder.user.admin and (found is None or finder.access(found) < Access.DELETE):
        raise StatusError(403, message)


def _tools(finder: Finder, project: str) -> list[str]:
    """The site's list has the tools of projects as well."""
    query = select(Configuration.tool).distinct().order_by(Configuration.tool)
    return list(finder.session.scalars(query.where(Configuration.project == project) if project else query))


def _configurations(finder: Finder, project: str, tool: str, path: str) -> list[Configuration]:
    """All versions, oldest first: of one path, or of all paths of the tool."""
    query = select(Configuration).where(Configuration.project == project, Configuration.tool == tool)
    if path:
        query = query.where(Configuration.path == path)
    return list(finder.session.scalars(query.order_by(Configuration.configuration_id)))


def _require(found: Sequence[object], finder: Finder, project: str, tool: str, path: str) -> None:
    if not found:
        where = f"project {project or 'null'} on tool [{tool or 'null'}] path [{path or 'null'}]"
        raise StatusError(404, f"Couldn't find config for user {finder.user.login} and {where}")


def _row(one: Configuration, project: str, *, hidden: bool) -> dict[str, object]:
    return {
        "tool": one.tool,
        "path": one.path,
        "project": project,
        "user": one.xnat_user,
        "create_date": one.created,
        "reason": one.reason,
        "contents": "" if hidden else one.contents,
        "unversioned": str(one.unversioned).lower(),
        "version": one.version,
        "status": "enabled" if one.enabled else "disabled",
    }


def _set_status(finder: Finder, last: Configuration | None, project: str, enabled: bool) -> None:
    if last is None:
        raise StatusError(500, "Couldn't find the site configuration for that tool and path.")
    if last.enabled != enabled:
        same = Configuration(project=project, tool=last.tool, path=last.path, contents=last.contents, enabled=enabled)
        _add(finder, last, same, "")


def _add(finder: Finder, last: Configuration | None, new: Configuration, unversioned: str) -> None:
    """A new version, unless the configuration is unversioned: then the old text is replaced."""
    new.xnat_user = finder.user.login
    new.unversioned = unversioned == "true" or (unversioned == "" and last is not None and last.unversioned)
    if last is not None and new.unversioned:
        last.contents, last.enabled, last.xnat_user, last.unversioned = new.contents, new.enabled, new.xnat_user, True
        last.version = 1
        return
    new.version = last.version + 1 if last is not None else 1
    finder.session.add(new)
