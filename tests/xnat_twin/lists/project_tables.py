"""The tables of projects that are not the list of projects: they have columns of their own, in lower case.

Parameters that ask for projects by what the caller is to them (`accessible`, `owner`, …) lead to a stored search, and
`permissions` leads to a table of IDs. Reference: ProjectListResource.FilteredProjects, PermissionsProjectHandler
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping

from sqlalchemy import func, select

from xnat_twin.access.permissions import Access, everywhere
from xnat_twin.errors import StatusError
from xnat_twin.lists.tables import Table
from xnat_twin.lookup.finder import Finder
from xnat_twin.params import Params
from xnat_twin.storage.store import Favorite, Membership, Project, User, Workflow

_FILTERS = ("accessible", "data", "prearc_code", "owner", "member", "collaborator", "activeSince", "recent", "favorite",
            "admin")  # fmt: skip
_COLUMNS = ("id", "name", "description", "secondary_id", "pi", "project_invs", "project_access", "project_access_img",
            "insert_date", "insert_user")  # fmt: skip
_IMAGES = {"private": "key", "protected": "lock", "public": "globe"}
_LEVELS = {"read": Access.READ, "create": Access.EDIT, "edit": Access.EDIT, "delete": Access.DELETE,
           "activate": Access.READ}  # fmt: skip
_Members = Mapping[str, frozenset[str]]


def is_filtered(params: Params) -> bool:
    """Whether the request leads to the stored search."""
    return any(name in params for name in _FILTERS)


def with_permission(finder: Finder, params: Params) -> Table:
    """IDs of the projects in which the caller may do something to a data type; 500 for what XNAT does not know.

    Only groups count, and what everybody may.
    """
    level = _LEVELS.get(params.get("permissions"))
    if level is None or params.get("dataType") not in finder.types:
        raise StatusError(500)
    query = select(Project).where(finder.allowed(level)).order_by(Project.id)
    rows = [
        {"id": project.id, "secondary_id": project.fields.get("secondary_ID")}
        for project in finder.session.scalars(query)
    ]
    return Table(("id", "secondary_id"), sorted(rows, key=lambda row: str(row["secondary_id"])), total_records=False)


def filtered(finder: Finder, params: Params) -> Table:
    """Projects that the caller may see, as the parameters choose them; a bad date is 422, a bad `data` 500."""
    data = params.get("data")
    if data and data.lower() not in {"readable", "writable"}:
        raise StatusError(500)  # XNAT means 400, and loses it
    members = _members(finder)
    all_of = _all_of(finder, params)
    accessed = _last_accessed(finder)
    any_of = _any_of(finder, params, accessed)
    number = finder.user.user_id
    extra = [f"user_role_{number}", f"last_accessed_{number}"]
    if params.true("prearc_code"):
        extra += ["proj_quarantine", "proj_prearchive_code"]
    rows = []
    query = select(Project).where(finder.allowed(Access.PROJECT)).order_by(Project.id)
    for project in finder.session.scalars(query):
        own = members.get(project.project_id, {})
        if all(test(project, own) for test in all_of) and (not any_of or any(test(project, own) for test in any_of)):
            rows.append(_row(finder, project, extra, accessed))
    rows.sort(key=lambda row: str(row["secondary_id"]))
    return Table([*_COLUMNS, *extra, "quarantine_status"], rows, "Projects")


_Test = Callable[[Project, _Members], bool]


def _all_of(finder: Finder, params: Params) -> list[_Test]:
    """What each project must be, unless the caller may read all data anyway."""
    login, tests = finder.user.login, []
    sees_all = everywhere(finder.user) >= Access.READ
    data = params.get("data")
    if not sees_all and data == "writable":
        tests.append(lambda project, own: login in own.get("Owners", ()) or login in own.get("Members", ()))
    if not sees_all and data == "readable":
        tests.append(lambda project, own: project.accessibility == "public" or _belongs(login, own))
    if params.get("accessible"):
        if not sees_all:
            tests.append(lambda project, own: project.accessibility != "private" or _belongs(login, own))
        if params.get("accessible").lower() == "false":
            tests.append(lambda project, own: not _belongs(login, own))
    return tests


def _any_of(finder: Finder, params: Params, accessed: Collection[str]) -> list[_Test]:
    """Of these a project must be one. Not to be an owner means, in XNAT, not to belong to the project at all."""
    login, tests = finder.user.login, []
    if params.get("users").lower() == "true":
        tests.append(lambda project, own: _belongs(login, own))
    if params.get("owner"):
        if params.get("owner").lower() == "true":
            tests.append(lambda project, own: login in own.get("Owners", ()))
        else:
            tests.append(lambda project, own: bool(own) and not _belongs(login, own))
    if params.true("admin") and everywhere(finder.user) >= Access.READ:
        tests.append(lambda project, own: True)
    for name, group in (("member", "Members"), ("collaborator", "Collaborators")):
        if name in params:
            tests.append(_group_test(login, group, wanted=params.get(name).lower() == "true"))
    if "activeSince" in params:
        since = _date(params.get("activeSince"))
        query = select(Workflow.project).group_by(Workflow.project).having(func.max(Workflow.when) > since)
        active = set(finder.session.scalars(query))
        tests.append(lambda project, own: project.id in active)
    if "recent" in params:
        tests.append(lambda project, own: project.id in accessed)
    if "favorite" in params:
        marked = select(Favorite.project_id).where(Favorite.user_id == finder.user.user_id)
        favorites = set(finder.session.scalars(marked))
        tests.append(lambda project, own: project.project_id in favorites)
    return tests


def _group_test(login: str, group: str, *, wanted: bool) -> _Test:
    """In the group, or not in it; a project whose group is empty is neither, as its SQL says."""
    if wanted:
        return lambda project, own: login in own.get(group, ())
    return lambda project, own: bool(own.get(group)) and login not in own[group]


def _belongs(login: str, own: _Members) -> bool:
    return any(login in logins for logins in own.values())


def _members(finder: Finder) -> dict[int, dict[str, frozenset[str]]]:
    """Per project and group the logins of those in it."""
    query = select(Membership.project_id, Membership.group, User.login).join(User, User.user_id == Membership.user_id)
    found: dict[int, dict[str, frozenset[str]]] = {}
    for number, group, login in finder.session.execute(query):
        groups = found.setdefault(number, {})
        groups[group] = groups.get(group, frozenset()) | {login}
    return found


def _last_accessed(finder: Finder) -> dict[str, dt.datetime]:
    """When the caller last changed something in each project."""
    query = select(Workflow.project, func.max(Workflow.when)).where(Workflow.user == finder.user.login)
    return {row[0]: row[1] for row in finder.session.execute(query.group_by(Workflow.project))}


def _date(text: str) -> dt.datetime:
    for pattern in ("%m/%d/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%m/%d/%Y"):
        try:
            return dt.datetime.strptime(text, pattern)
        except ValueError:
            continue
    raise StatusError(422)


def _row(finder: Finder, project: Project, extra: list[str], accessed: Mapping[str, dt.datetime]) -> dict[str, object]:
    fields = project.fields
    role, last, *codes = extra
    names = [str(fields[path]) for path in ("PI/lastname", "PI/firstname") if path in fields]
    return {
        "id": project.id,
        "name": fields.get("name"),
        "description": fields.get("description"),
        "secondary_id": fields.get("secondary_ID"),
        "pi": ", ".join(names),
        "project_access": project.accessibility,
        "project_access_img": f"/@WEBAPP/images/{_IMAGES[project.accessibility]}.gif",
        "insert_date": project.insert_date,
        "insert_user": project.insert_user,
        "quarantine_status": project.status,
        role: finder.groups.get(project.project_id),
        last: accessed.get(project.id),
        **dict(zip(codes, (project.quarantine_code, project.prearchive_code), strict=False)),
    }
