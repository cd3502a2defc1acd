"""Searches that users keep under a name: who may use them, and where they are. Reference: XdatStoredSearch"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from xnat_twin.access.permissions import group_id
from xnat_twin.lookup.finder import Finder
from xnat_twin.search.documents import Search, parse, to_xml
from xnat_twin.storage.store import Membership, Project, StoredSearch


def stored_searches(session: Session) -> Iterator[tuple[int, Search]]:
    """All of them, with their numbers, oldest first."""
    for row in session.scalars(select(StoredSearch).order_by(StoredSearch.search_id)):
        yield row.search_id, parse(row.document.encode())


def stored_search(session: Session, identifier: str) -> Search | None:
    found = session.scalar(select(StoredSearch.document).where(StoredSearch.id == identifier))
    return parse(found.encode()) if found is not None else None


def save_search(session: Session, search: Search) -> None:
    row = session.scalar(select(StoredSearch).where(StoredSearch.id == search.id))
    if row is None:
        row = StoredSearch(id=search.id)
        session.add(row)
    row.document = to_xml(search).decode()


def delete_search(session: Session, identifier: str) -> None:
    row = session.scalar(select(StoredSearch).where(StoredSearch.id == identifier))
    if row is not None:
        session.delete(row)


def groups_of(finder: Finder) -> frozenset[str]:
    """The IDs of the groups that the caller is in: `P_owner`, `P_member`, `P_collaborator`."""
    query = select(Project.id, Membership.group).join(Membership, Membership.project_id == Project.project_id)
    rows = finder.session.execute(query.where(Membership.user_id == finder.user.user_id))
    return frozenset(group_id(project, group) for project, group in rows)


def may_use(finder: Finder, search: Search) -> bool:
    """Whether the caller is among those whom the search names itself."""
    return finder.user.login in search.users or not groups_of(finder).isdisjoint(search.groups)
