"""What accounts may do: roles, groups, and their live sessions, below `/xapi/users`. Reference: UsersApi, RoleHolder.

Roles are about the site (`Administrator`, `non_expiring`, any other name), groups about data: `ALL_DATA_ADMIN` and
`ALL_DATA_ACCESS` about all, `PROJECT_owner`, `PROJECT_member` and `PROJECT_collaborator` about one project.
"""

from __future__ import annotations

from collections.abc import Callable

from falcon import Request, Response
from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from xnat_twin.access.auth import find_user
from xnat_twin.access.permissions import GROUPS, Access, group_id
from xnat_twin.errors import StatusError, XapiError, XapiRefusalError
from xnat_twin.lookup.finder import Finder
from xnat_twin.resources.administration.xapi import XapiEndpoint, account, json_names
from xnat_twin.resources.base import send_json
from xnat_twin.storage.store import Membership, Project, User, UserRole

ADMINISTRATOR = "Administrator"
_OF_ALL_DATA = {"ALL_DATA_ADMIN": "all_data_admin", "ALL_DATA_ACCESS": "all_data_access"}
_OF_PROJECT = {group_id("", name): name for name in GROUPS}
#: Gives or takes one role or group.
_Change = Callable[[Finder, User, str], None]


class UserRoles(XapiEndpoint):
    """`NAME/roles[/ROLE]`. Any name is a role; the last administrator who can log in stays one (409)."""

    def on_get(self, req: Request, resp: Response, name: str) -> None:
        self.admin_or(req, resp, name)
        with self.reading(req) as finder:
            user = find_user(finder.session, name)
            send_json(resp, _roles(finder.session, user) if user is not None else [])

    def on_put(self, req: Request, resp: Response, name: str) -> None:
        self._each(req, resp, name, _give_role)

    def on_delete(self, req: Request, resp: Response, name: str) -> None:
        self._each(req, resp, name, _take_role)

    def on_put_one(self, req: Request, resp: Response, name: str, role: str) -> None:
        self.admin(req, resp)
        with self.writing(req) as finder:
            _give_role(finder, account(finder.session, name), role)

    def on_delete_one(self, req: Request, resp: Response, name: str, role: str) -> None:
        self.admin(req, resp)
        with self.writing(req) as finder:
            _take_role(finder, account(finder.session, name), role)

    def _each(self, req: Request, resp: Response, name: str, change: _Change) -> None:
        self.admin(req, resp)
        roles = json_names(req)
        with self.writing(req) as finder:
            _send_failed(resp, finder, account(finder.session, name), roles, change)


def _give_role(finder: Finder, user: User, role: str) -> None:
    if role == ADMINISTRATOR:
        user.admin = True
    else:
        finder.session.merge(UserRole(user_id=user.user_id, role=role))


def _take_role(finder: Finder, user: User, role: str) -> None:
    if role == ADMINISTRATOR:
        others = select(User.user_id).where(User.admin, User.enabled, User.verified)
        if not finder.session.scalar(select(exists(others.where(User.user_id != user.user_id)))):
            raise XapiError(409, f"Can't remove the administrator role from user {user.login}: there are no others")
        user.admin = False
    finder.session.execute(delete(UserRole).where(UserRole.user_id == user.user_id, UserRole.role == role))


def _send_failed(resp: Response, finder: Finder, user: User, names: list[str], change: _Change) -> None:
    """Change what can be changed. The answer is what could not be, and 202 if there is any."""
    failed = []
    for name in names:
        try:
            change(finder, user, name)
        except XapiError:
            failed.append(name)
    send_json(resp, failed, 202 if failed else 200)


def _roles(session: Session, user: User) -> list[str]:
    own = session.scalars(select(UserRole.role).where(UserRole.user_id == user.user_id).order_by(UserRole.role))
    return [*([ADMINISTRATOR] if user.admin else []), *own]


class UserGroups(XapiEndpoint):
    """`NAME/groups[/GROUP]`. Owners may fill their projects' groups; anyone may leave one. An unknown one is a 500."""

    def on_get(self, req: Request, resp: Response, name: str) -> None:
        self.admin_or(req, resp, name)
        with self.reading(req) as finder:
            send_json(resp, _groups(finder.session, account(finder.session, name)))

    def on_put(self, req: Request, resp: Response, name: str) -> None:
        caller, groups = self.someone(req, resp), json_names(req)
        with self.writing(req) as finder:
            _check_may_fill(finder, caller, groups)
            _send_failed(resp, finder, account(finder.session, name), groups, _join)

    def on_delete(self, req: Request, resp: Response, name: str) -> None:
        self.admin_or(req, resp, name)
        groups = json_names(req)
        with self.writing(req) as finder:
            _send_failed(resp, finder, account(finder.session, name), groups, _leave)

    def on_put_one(self, req: Request, resp: Response, name: str, group: str) -> None:
        caller = self.someone(req, resp)
        with self.writing(req) as finder:
            _check_may_fill(finder, caller, [group])
            user = account(finder.session, name)
            if user.is_guest:
                raise XapiError(400, "You can't add the guest user to groups")
            _join(finder, user, group)

    def on_delete_one(self, req: Request, resp: Response, name: str, group: str) -> None:
        self.admin_or(req, resp, name)
        with self.writing(req) as finder:
            _leave(finder, account(finder.session, name), group)


def _check_may_fill(finder: Finder, caller: User, groups: list[str]) -> None:
    for group in groups:
        project, _ = _project_group(finder, group)
        if not caller.admin and (project is None or finder.access(project) < Access.DELETE):
            raise XapiRefusalError(403)


def _join(finder: Finder, user: User, group: str) -> None:
    project, of_project = _project_group(finder, group)
    if group in _OF_ALL_DATA:
        setattr(user, _OF_ALL_DATA[group], True)
    elif project is not None:
        finder.session.merge(Membership(project_id=project.project_id, user_id=user.user_id, group=of_project))
    else:
        message = f"Error occurred adding user {user.login} to group {group}"
        raise XapiError(500, f"There was an error in the request : {message}")


def _leave(finder: Finder, user: User, group: str) -> None:
    project, of_project = _project_group(finder, group)
    if group in _OF_ALL_DATA:
        setattr(user, _OF_ALL_DATA[group], False)
    elif project is not None:
        own = (Membership.project_id == project.project_id, Membership.user_id == user.user_id)
        finder.session.execute(delete(Membership).where(*own, Membership.group == of_project))


def _project_group(finder: Finder, group: str) -> tuple[Project | None, str]:
    for ending, name in _OF_PROJECT.items():
        if group.endswith(ending):
            wanted = group.removesuffix(ending)
            return finder.session.scalar(select(Project).where(Project.id == wanted)), name
    return None, ""


def _groups(session: Session, user: User) -> list[str]:
    memberships = (
        select(Project.id, Membership.group)
        .join(Membership, Membership.project_id == Project.project_id)
        .where(Membership.user_id == user.user_id)
        .order_by(Project.id)
    )
    of_all = [group for group, column in _OF_ALL_DATA.items() if getattr(user, column)]
    return of_all + [group_id(project, group) for project, group in session.execute(memberships)]


class ActiveUsers(XapiEndpoint):
    """`active`: who has live sessions; `active/NAME`: the IDs of one user's, 304 if there are none. DELETE ends them.

    Whoever ends his own sessions ends the present one, too, although its ID is not in the answer.
    """

    def on_get(self, req: Request, resp: Response) -> None:
        self.admin(req, resp)
        found = self.site.sessions.by_login()
        send_json(resp, {login: {"sessions": ids, "count": len(ids)} for login, ids in found.items()})

    def on_get_one(self, req: Request, resp: Response, name: str) -> None:
        self.admin_or(req, resp, name)
        ids = self.site.sessions.of(name)
        if not ids:
            raise StatusError(304)
        send_json(resp, ids)

    def on_delete_one(self, req: Request, resp: Response, name: str) -> None:
        self.admin_or(req, resp, name)
        with self.reading(req) as finder:
            account(finder.session, name)
        ids = self.site.sessions.end(name)
        if not ids:
            raise StatusError(304)
        send_json(resp, [identifier for identifier in ids if identifier != req.context.session_id])
