"""Who belongs to a project, and with which rights. Reference: ProjectMemberResource, ProjectUserListResource."""

from __future__ import annotations

import re
from collections.abc import Sequence

from falcon import Request, Response
from sqlalchemy import delete, func, select

from xnat_twin.access.auth import find_user
from xnat_twin.access.permissions import GROUPS, Access, group_id
from xnat_twin.errors import StatusError
from xnat_twin.lists.tables import Table
from xnat_twin.lookup.finder import Finder, number_of
from xnat_twin.resources.base import Endpoint, params_of, send_table
from xnat_twin.storage.store import Membership, Project, User

_COLUMNS = ("GROUP_ID", "displayname", "login", "firstname", "lastname", "email")
#: Several users are only taken apart at commas with blanks on both sides; `a,b` is one user, whom nobody knows.
_BETWEEN_USERS = re.compile(r"\s+,\s+")


class ProjectUsers(Endpoint):
    """`/data/projects/ID/users[/true]`: with `true` disabled accounts as well."""

    def on_get(self, req: Request, resp: Response, project: str, group: str = "") -> None:
        with self.reading(req) as finder:
            found = finder.project(project)
            if found is None:
                raise StatusError(
                    404,
                    f"The project ID {project} does not appear to be a valid project ID. "
                    "Please verify your information.",
                )
            if self.site.preferences.true("restrictUserListAccessToAdmins"):
                message = "Access Denied: Only project owners and site managers can access user resources."
                finder.require(found, Access.DELETE, message)
            everyone = params_of(req).get("includeAllDataAccess").lower() == "true"
            table = _table(finder, found, hidden=group == "true", everyone=everyone)
        send_table(req, resp, table)


class ProjectMember(Endpoint):
    """`/data/projects/ID/users/GROUP/LOGIN[/HIDDEN]`: GROUP is `Owners`, `owner` or `ID_owner`, and so on.

    All methods answer with the table of the project's users.
    """

    def on_get(self, req: Request, resp: Response, project: str, group: str, login: str, hidden: str = "") -> None:
        _group(project, group)
        with self.reading(req) as finder:
            found = finder.project(project)
            table = _table(finder, found, hidden=hidden == "true") if found is not None else None
        send_table(req, resp, table)

    def on_put(self, req: Request, resp: Response, project: str, group: str, login: str, hidden: str = "") -> None:
        """A user whom the site does not know is invited by e-mail, which is no failure; a guest is 412."""
        name = _group(project, group)
        with self.writing(req) as finder:
            found = finder.require_project(project)
            finder.require(found, Access.DELETE)
            for user in _users(finder, login):
                if user.is_guest:
                    raise StatusError(412)
                finder.session.merge(Membership(project_id=found.project_id, user_id=user.user_id, group=name))
            finder.session.flush()
            send_table(req, resp, _table(finder, found, hidden=hidden == "true"))

    def on_delete(self, req: Request, resp: Response, project: str, group: str, login: str, hidden: str = "") -> None:
        """Out of this group only."""
        name = _group(project, group)
        with self.writing(req) as finder:
            found = finder.project(project)
            if found is None:
                raise StatusError(404)
            finder.require(found, Access.DELETE)
            numbers = [user.user_id for user in _users(finder, login)]
            finder.session.execute(
                delete(Membership).where(
                    Membership.project_id == found.project_id,
                    Membership.group == name,
                    Membership.user_id.in_(numbers),
                )
            )
            send_table(req, resp, _table(finder, found, hidden=hidden == "true"))


def _table(finder: Finder, project: Project, *, hidden: bool, everyone: bool = False) -> Table:
    query = (
        select(Membership.group, User)
        .join(User, User.user_id == Membership.user_id)
        .where(Membership.project_id == project.project_id)
    )
    if not hidden:
        query = query.where(User.enabled)
    rows = [
        _row(group_id(project.id, group), group, user)
        for group, user in finder.session.execute(query.order_by(User.login))
    ]
    if everyone:
        admins = finder.session.scalars(select(User).where(User.all_data_admin).order_by(User.login))
        rows += [_row("ALL_DATA_ADMIN", "All Data Administration", user) for user in admins]
    rows.sort(key=lambda row: str(row["GROUP_ID"]), reverse=True)
    return Table(_COLUMNS, rows, "Projects")


def _row(group: str, title: str, user: User) -> dict[str, object]:
    return dict(zip(_COLUMNS, (group, title, user.login, user.first_name, user.last_name, user.email), strict=True))


def _group(project: str, group: str) -> str:
    """The group's title. 404 for a name that no group of the project has; the project's alias makes none."""
    for title in GROUPS:
        if group in {title, title.removesuffix("s").lower(), group_id(project, title)}:
            return title
    raise StatusError(404)


def _users(finder: Finder, text: str) -> Sequence[User]:
    """The accounts that the end of the path names by number, login or e-mail address, as far as there are any."""
    found: list[User] = []
    for name in _BETWEEN_USERS.split(text.replace("%20", " ")) if "," in text else [text]:
        number = number_of(name)
        user = finder.session.get(User, number) if number is not None else None
        user = user or find_user(finder.session, name)
        if user is not None:
            found.append(user)
        else:
            found += finder.session.scalars(select(User).where(func.lower(User.email) == name.lower()))
    return found
