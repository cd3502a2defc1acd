"""Searches: `/data/search` and the results that it keeps. Reference: SearchResource, CachedSearchResource"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from falcon import Request, Response

from xnat_twin.documents.items import DocumentError
from xnat_twin.errors import StatusError
from xnat_twin.lists.tables import Table, order_of, text
from xnat_twin.lookup.finder import Finder
from xnat_twin.params import Params
from xnat_twin.resources.base import Endpoint, media_type, params_of, read_body, send_table, user_of, xml_part
from xnat_twin.search.cached_searches import CachedSearch
from xnat_twin.search.displays import has_display
from xnat_twin.search.documents import Search, parse
from xnat_twin.search.engine import KEY, Order, table_of


class SearchEndpoint(Endpoint):
    """What carries out searches."""

    def results(self, req: Request, finder: Finder, search: Search) -> Table:
        """What is found; what was found before, if the search has an ID by which the result was kept."""
        params = params_of(req)
        kept = self.site.cached_searches.of_search(search.id, finder.user.login)
        if kept is not None and not params.true("refresh"):
            return replace(kept.table)
        return table_of(finder, search, order_of_request(params), links=params.get("format").lower() == "json")


class Searches(SearchEndpoint):
    """`/data/search`"""

    def on_post(self, req: Request, resp: Response) -> None:
        """The document is read whatever its type is called; only the URL has parameters."""
        params = req.context.params = Params(req.query_string)
        search = _document(req)
        with self.reading(req) as finder:
            require_query(finder, search.root)
            if params.get("cache").lower() == "true":
                table = self._cached(finder, search, params)
            else:
                table = self.results(req, finder, search)
        table.properties = {**table.properties, "rootElementName": search.root}
        send_table(req, resp, table)

    def _cached(self, finder: Finder, search: Search, params: Params) -> Table:
        """Only `limit` rows at once, which is none without it; the rest is asked for by the ID of the result.

        What is there already, under the search's own ID, is not made again, and `limit` does not count then.
        """
        login = finder.user.login
        kept = self.site.cached_searches.of_search(search.id, login)
        limit = "0"
        if kept is None or params.true("refresh"):
            links = params.get("format").lower() == "json"
            found = table_of(finder, search, order_of_request(params), links=links, keyed=True)
            kept = self.site.cached_searches.add(login, search.id, found)
            limit = params.get("limit", "0")
        if not limit.isdecimal():
            raise StatusError(500)
        return replace(
            kept.table,
            rows=kept.table.rows[: int(limit)],
            total_records=False,
            properties={"totalRecords": str(len(kept.table.rows)), "ID": kept.name},
        )


class CachedSearchRows(Endpoint):
    """`/data/search/{name}`: rows of a result that was kept, and how often each value of a column is there."""

    def on_get(self, req: Request, resp: Response, name: str) -> None:
        params = params_of(req)
        if not all(params.get(one, "0").removeprefix("-").isdecimal() for one in ("offset", "limit")):
            raise StatusError(422)
        kept = self._named(req, name)
        if kept is None:
            send_table(req, resp, None)
            return
        rows = sorted(kept.table.rows, key=lambda row: order_of(row.get(KEY)))
        if "sortBy" in params:
            column = params.get("sortBy").replace(" ", "").lower()
            if column not in kept.table.columns:
                raise StatusError(410)
            rows.sort(key=lambda row: order_of(row.get(column)), reverse=params.get("sortOrder").upper() == "DESC")
        start = int(params.get("offset", "0"))
        end = start + int(params.get("limit")) if "limit" in params else None
        table = Table(kept.table.columns, rows[start:end], total_records=False, properties={"ID": name})
        send_table(req, resp, table, ordered=True)

    def on_get_column(self, req: Request, resp: Response, name: str, column: str) -> None:
        kept = self._named(req, name)
        if kept is None:
            send_table(req, resp, None)
            return
        if column.lower() not in kept.table.columns:
            raise StatusError(410)
        counts = Counter(text(row.get(column.lower())) for row in kept.table.rows)
        rows = [{"values": value, "count": count} for value, count in sorted(counts.items())]
        properties = {"ID": name, "COLUMN": column}
        send_table(req, resp, Table(("values", "count"), rows, total_records=False, properties=properties))

    def _named(self, req: Request, name: str) -> CachedSearch | None:
        """None for what another user found; 500 for what was never found."""
        kept = self.site.cached_searches.named(name)
        if kept is None:
            raise StatusError(500)
        return kept if kept.login == user_of(req).login else None


def _document(req: Request) -> Search:
    """422 for what is not a search."""
    data = xml_part(req) if media_type(req) == "multipart/form-data" else read_body(req)
    try:
        return parse(data)
    except DocumentError as error:
        raise StatusError(422) from error


def order_of_request(params: Params) -> Order:
    return Order(params.get("sortBy"), params.get("sortOrder") if "sortBy" in params else "")


def may_query(finder: Finder, root: str) -> bool:
    """Whether a search for objects of this type is allowed: if rights are about them. Reference: Authorizer"""
    return root in finder.types and (finder.user.admin or has_display(finder.types, root))


def require_query(finder: Finder, root: str) -> None:
    """403 for types that may not be searched for; 500 for what even administrators find no columns of."""
    if not may_query(finder, root):
        raise StatusError(403)
    if not has_display(finder.types, root):
        raise StatusError(500)
