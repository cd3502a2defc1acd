"""Searches that users keep: `/data/search/saved`. Reference: SavedSearchListResource, SavedSearchResource"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from falcon import Request, Response
from sqlalchemy import select

from xnat_twin.access.auth import find_user
from xnat_twin.access.permissions import Access
from xnat_twin.documents.items import DocumentError
from xnat_twin.errors import StatusError
from xnat_twin.lists.tables import ONLY_XML, Row, Table
from xnat_twin.lookup.finder import Finder
from xnat_twin.params import Params
from xnat_twin.resources.base import Endpoint, params_of, read_body, send_table
from xnat_twin.resources.searching.search import SearchEndpoint, may_query
from xnat_twin.search.displays import display_fields, has_display, listing_of, type_of
from xnat_twin.search.documents import Search, SearchField, parse, to_xml
from xnat_twin.search.stored_searches import (
    delete_search,
    groups_of,
    may_use,
    save_search,
    stored_search,
    stored_searches,
)
from xnat_twin.storage.store import Project
from xnat_twin.transfer.download import attach

_COLUMNS = (
    "id", "description", "layeredsequence", "allow_diff_columns", "secure", "brief_description", "tag",
    "root_element_name", "sort_by_element_name", "sort_by_field_id", "stored_search_info", "users",
)  # fmt: skip


class SavedSearchList(Endpoint):
    """`/data/search/saved`"""

    def on_get(self, req: Request, resp: Response) -> None:
        """Open ones and those that name the caller; without those of projects, or only these with `includeTag`.

        Administrators see everything with `all=true`, and what another sees with `user=`.
        """
        params = params_of(req)
        with self.reading(req) as finder:
            rows = [_row(number, search) for number, search in _listed(finder, params)]
        send_table(req, resp, Table(_COLUMNS, rows, "Stored Searches", total_records=False))


class SavedSearch(SearchEndpoint):
    """`/data/search/saved/{name}`, and its `results`. `@TYPE` stands for the search that a type's own page makes."""

    def on_get(self, req: Request, resp: Response, name: str, tail: str = "") -> None:
        """The document, as XML only. 403 for a search of others."""
        with self.reading(req) as finder:
            search = self._search(finder, name)
            if not tail.startswith("results"):
                _send_document(req, resp, search)
                return
            if not has_display(finder.types, search.root):
                raise StatusError(500)
            table = self.results(req, finder, search)
        if params_of(req).get("format").lower() == "csv" and not tail.endswith(".csv"):
            attach(resp, f"{tail}.csv")
        send_table(req, resp, table, offered=ONLY_XML)

    def on_put(self, req: Request, resp: Response, name: str, tail: str = "") -> None:
        """Keep a search under this name; the caller is added to those who may use it. 422 for what is none."""
        params = req.context.params = Params(req.query_string)
        try:
            search = parse(read_body(req))
        except DocumentError as error:
            raise StatusError(422) from error
        with self.writing(req) as finder:
            save_search(finder.session, _to_save(finder, search, name, save_as=params.true("saveAs")))

    def on_delete(self, req: Request, resp: Response, name: str, tail: str = "") -> None:
        """The caller, or his group, may no longer use it; the last one takes the search along. 200 if there is none."""
        with self.writing(req) as finder:
            search = stored_search(finder.session, name)
            if search is None:
                return
            left = _without(finder, search)
            if left is None and not finder.user.admin:
                raise StatusError(403)
            if left is not None and (left.users or left.groups):
                save_search(finder.session, left)
            else:
                delete_search(finder.session, name)

    def _search(self, finder: Finder, name: str) -> Search:
        search = _search_of_type(finder, name) if name.startswith("@") else stored_search(finder.session, name)
        if search is None:
            raise StatusError(404)
        if search.secure:
            if not name.startswith("@") and finder.user.login not in search.users:
                raise StatusError(403)
            if not may_query(finder, search.root):
                raise StatusError(403)
        return search


def _send_document(req: Request, resp: Response, search: Search) -> None:
    """404 for any form but XML."""
    form = params_of(req).get("format").lower()
    if form not in {"", "xml", "text/xml"}:
        raise StatusError(404)
    if not form and not req.client_accepts("text/xml"):
        raise StatusError(406)
    resp.content_type = "text/xml; charset=UTF-8"
    resp.data = to_xml(search)


def _search_of_type(finder: Finder, name: str) -> Search | None:
    """What lists a type: `@xnat:subjectData`."""
    types = finder.types
    if not has_display(types, name[1:]):
        return None
    root = types.resolve(name[1:]).name
    fields = [(owner, display_fields(types, owner)[field]) for owner, field in listing_of(types, root)]
    shown = tuple(
        SearchField(
            owner,
            one.id,
            number,
            type_of(types, owner, one),
            one.header or "  ",
            visible=None if one.visible else False,
        )
        for number, (owner, one) in enumerate(fields)
    )
    return Search(root, shown, id=name)


def _listed(finder: Finder, params: Params) -> Iterator[tuple[int, Search]]:
    """400 for a tag that is no project's ID."""
    if finder.user.admin and params.get("user"):
        other = find_user(finder.session, params.get("user"))
        if other is None:
            raise StatusError(500)
        finder = replace(finder, user=other)
    everything = finder.user.admin and params.get("all").lower() == "true"
    tag = params.get("includeTag")
    if tag and tag != "true" and finder.session.scalar(select(Project.id).where(Project.id == tag)) is None:
        raise StatusError(400)
    for number, search in stored_searches(finder.session):
        tagged = search.tag is not None if tag == "true" else search.tag == (tag or None)
        if everything or (tagged and (not search.secure or may_use(finder, search))):
            yield number, search


def _row(number: int, search: Search) -> Row:
    element, field = search.sort_by or (None, None)
    values = (
        search.id,
        search.description,
        search.layered_sequence,
        int(search.allow_diff_columns),
        int(search.secure),
        search.brief_description,
        search.tag,
        search.root,
        element,
        field,
        number,
        f"{{{','.join(search.users) or 'NULL'}}}",
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _to_save(finder: Finder, search: Search, name: str, *, save_as: bool) -> Search:
    """The search as it is kept. 403 if its type cannot be searched for, or if the search is one of others.

    It only counts as one of others if the document has its ID; without it anybody replaces it.
    """
    session = finder.session
    new = search.id != name or stored_search(session, name) is None
    search = replace(search, id=name)
    if save_as and not new:
        while stored_search(session, search.id) is not None:
            search, new = replace(search, id=f"{search.id}_1"), True
    if new and search.tag is not None:
        for _, other in stored_searches(session):
            if (other.tag, other.brief_description) == (search.tag, search.brief_description):
                search, new = replace(search, id=other.id), False
    if not may_query(finder, search.root):
        raise StatusError(403)
    if new and _is_first(finder, search) and not _may(finder, search.tag, Access.DELETE):
        new = False
    if save_as:
        search = replace(search, users=(), groups=())
    if may_use(finder, search):
        return search
    if not new and not (search.tag and _may(finder, search.tag, Access.EDIT)):
        raise StatusError(403)
    return replace(search, users=(*search.users, finder.user.login))


def _is_first(finder: Finder, search: Search) -> bool:
    """Whether it takes the place of what a project's page shows for a type."""
    plural = finder.types.resolve(search.root).plural
    of_project = search.tag is not None and search.id == f"{search.tag}_{search.root}"
    return of_project or (bool(search.brief_description) and search.brief_description == plural)


def _may(finder: Finder, project: str | None, level: Access) -> bool:
    found = finder.project(project) if project else None
    return finder.user.admin if found is None else finder.access(found) >= level


def _without(finder: Finder, search: Search) -> Search | None:
    """The search for all but the caller, or for all but the first of his groups; None if it does not name him."""
    if finder.user.login in search.users:
        return replace(search, users=tuple(login for login in search.users if login != finder.user.login))
    own = groups_of(finder)
    for group in search.groups:
        if group in own:
            return replace(search, groups=tuple(one for one in search.groups if one != group))
    return None
