"""Settings of a project: who may see it, and its archive codes.

Reference: ProjectAccessibilityResource, ProjectResource
"""

from __future__ import annotations

import re

from falcon import Request, Response

from xnat_twin.access.permissions import ACCESSIBILITY, Access
from xnat_twin.errors import StatusError
from xnat_twin.lookup.finder import VALID_ID, Finder
from xnat_twin.resources.base import Endpoint, send_text
from xnat_twin.resources.objects.projects import visible
from xnat_twin.storage.store import Project

_CODES = frozenset({"prearchive_code", "quarantine_code"})
_WORDS = {"true": 1, "false": 0}
_NUMBER = re.compile(r"[+-]?(0[xX#])?[0-9A-Fa-f]*[0-9][0-9A-Fa-f.]*")


class ProjectAccessibility(Endpoint):
    """`/data/projects/ID/accessibility[/LEVEL]`."""

    def on_get(self, req: Request, resp: Response, project: str, level: str = "") -> None:
        with self.reading(req) as finder:
            found = _accessible(finder, project)
            send_text(resp, found.accessibility)

    def on_put(self, req: Request, resp: Response, project: str, level: str = "") -> None:
        if not level:
            raise StatusError(400, "You must specify the ACCESS_ID parameter for this PUT call")
        with self.writing(req) as finder:
            found = _accessible(finder, project)
            finder.require(found, Access.DELETE)
            if not self.site.preferences.true("securityAllowNonPrivateProjects"):
                raise StatusError(403)
            if level not in ACCESSIBILITY:
                raise StatusError(500)
            found.accessibility = level
            send_text(resp, level)


def _accessible(finder: Finder, project: str) -> Project:
    found = finder.project(project)
    if found is None:
        raise StatusError(404, f"Could not find the project with ID '{project}'")
    return found


class ProjectSetting(Endpoint):
    """`/data/projects/ID/{prearchive_code,quarantine_code,current_arc,scan_type_mapping}[/VALUE]`; else 400.

    The last one can only be set.
    """

    def on_get(self, req: Request, resp: Response, project: str, tail: str) -> None:
        with self.reading(req) as finder:
            found = visible(finder, project)
        if tail == "quarantine_code":
            value = str(found.quarantine_code)
        elif tail.startswith("prearchive_code"):
            value = str(found.prearchive_code)
        elif tail.startswith("current_arc"):
            value = found.current_arc
        else:
            raise StatusError(400)
        send_text(resp, value, content_type="text/html")

    def on_put(self, req: Request, resp: Response, project: str, tail: str) -> None:
        name, slash, value = tail.partition("/")
        with self.writing(req) as finder:
            found = finder.project(project)
            if found is None:
                raise StatusError(
                    400,
                    f"You can't set the '{name}' attribute without specifying the project on which you want to set it.",
                )
            message = f"User {finder.user.login} doesn't have permission to edit the project {project}"
            finder.require(found, Access.DELETE, message)
            if not slash or name not in {*_CODES, "current_arc", "scan_type_mapping"}:
                raise StatusError(400)
            self._set(found, name, value)

    def on_delete(self, req: Request, resp: Response, project: str, tail: str) -> None:
        raise StatusError(400)

    def _set(self, project: Project, name: str, value: str) -> None:
        if name == "scan_type_mapping":
            project.scan_type_mapping = value.lower() in {"true", "yes", "on", "y", "t"}
        elif not value:
            return
        elif name == "current_arc":
            if not VALID_ID.fullmatch(value):
                raise StatusError(400)
            project.current_arc = value
        elif name == "prearchive_code" and value != "0" and not self.site.preferences.true("projectAllowAutoArchive"):
            raise StatusError(403)
        else:
            setattr(project, name, _code(value))


def _code(value: str) -> int:
    """A number, `true` or `false`; 400 for other words, 403 for what is a number but no whole one."""
    if value in _WORDS:
        return _WORDS[value]
    if not _NUMBER.fullmatch(value):
        raise StatusError(400, f"The submitted code {value} is invalid: must be an integer.")
    try:
        return int(value)
    except ValueError as error:
        raise StatusError(403, f'For input string: "{value}"') from error
