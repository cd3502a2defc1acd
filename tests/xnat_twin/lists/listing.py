"""What all lists of objects share: the listed type, the columns, the filters, the page.

objects.py knows the lists themselves, filters.py what they leave out, origins.py where values are, tables.py how they
are written. Reference: QueryOrganizerResource
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import unquote_plus

from sqlalchemy import ColumnElement

from xnat_twin.datatypes.schema import Types, UnknownTypeError
from xnat_twin.datatypes.shortcuts import SHORTCUTS
from xnat_twin.lists.criteria import Condition, CriteriaError, in_sql, numbers
from xnat_twin.lists.filters import filters
from xnat_twin.lists.origins import Origin, PathError, find, instances, kind_of, standard_path
from xnat_twin.lists.query import Found, Query
from xnat_twin.lists.tables import Row, Table
from xnat_twin.lookup.finder import Finder
from xnat_twin.params import Params
from xnat_twin.storage.store import Base, Project, Subject

DEFAULT_PAGE = 100


class ListError(Exception):
    """XNAT could not make the table."""


@dataclass(frozen=True)
class Kind:
    """One kind of list: whose shortcuts it knows, what it lists if no type is asked for, and its columns."""

    shortcuts: str
    default_type: str
    columns: Sequence[str]
    #: Default columns of some types only.
    more: Mapping[str, Sequence[str]] = field(default_factory=dict)
    key: str = "ID"
    #: The objects that XNAT looks at for its own reasons put their project and type into the answer.
    shows_type: bool = False
    filtered: bool = True
    paged: bool = True


@dataclass(frozen=True)
class Column:
    """A column: its XPath in lower case, the name that it has in the answer, and where its values are."""

    path: str
    header: str
    origin: Origin


@dataclass
class Listing:
    """What a list request has found: its columns and, for each row, the number of the object and the values."""

    kind: Kind
    root: str
    columns: list[Column]
    rows: list[Found]
    paged: bool

    def table(self, address: str, title: str = "") -> Table:
        """The answer; `URI`, the last column, is `address` and the ID. Raises ListError if there is no ID."""
        identifier = self.position(f"{self.root if self.kind.key == 'ID' else self.kind.default_type}/ID")
        if identifier is None:
            raise ListError("the column with the ID was not asked for")
        headers = [column.header for column in self.columns]
        rows: list[Row] = [
            {**dict(zip(headers, row, strict=True)), "URI": f"{address}{row[identifier]}"} for _, row in self.rows
        ]
        return Table([*headers, "URI"], rows, title, total_records=not self.paged)

    def raw_table(self, title: str = "") -> Table:
        """No rows below the database's own names of the columns, of which only the form is known."""
        headers = [re.sub(r"\W+", "_", column.path).strip("_") for column in self.columns]
        return Table(headers, [], title, total_records=not self.paged)

    def position(self, path: str) -> int | None:
        """Which column has this XPath."""
        return next((n for n, column in enumerate(self.columns) if column.path == path.lower()), None)

    def named(self, header: str) -> str | None:
        """The column with this name, in any case, by its name."""
        return next((c.header for c in self.columns if c.header.lower() == header.lower()), None)


def listing(finder: Finder, params: Params, kind: Kind, where: Sequence[ColumnElement[bool]]) -> Listing:
    """The objects that the request asks for, as far as `where` lets it. Raises ListError."""
    types = finder.types
    try:
        root = types.resolve(_root(types, params, kind)).name
        entity = kind_of(types, root)
        if entity is not kind_of(types, kind.default_type):
            raise ListError(f"{root} is not in this list")
        columns = _columns(types, params, kind, root)
        query = Query(entity, [*where, *of_type(types, entity, root)])
        condition = filters(types, root, SHORTCUTS[kind.shortcuts], params) if kind.filtered else None
        limit, offset = _page(params) if kind.paged else (None, 0)
        found = _found(finder, query, condition, [column.origin for column in columns], limit, offset)
    except (PathError, UnknownTypeError, CriteriaError) as error:
        raise ListError(str(error)) from error
    return Listing(kind, root, columns, found, limit is not None)


def fields_table(kind: Kind) -> Table:
    """The answer to `?fields`: the names that columns and filters can have, and what they stand for."""
    rows = [{"key": name, "xpath": path} for name, path in SHORTCUTS[kind.shortcuts].items()]
    return Table(("key", "xpath"), rows, total_records=False)


def _root(types: Types, params: Params, kind: Kind) -> str:
    """The listed type: `xsiType`, if it is one only. Else any column or filter of a more special type narrows the list.

    With several in `xsiType` all of it is ignored.
    """
    asked = params.get("xsiType")
    if "xsiType" in params and "," not in asked:
        return asked
    root, shortcuts = kind.default_type, SHORTCUTS[kind.shortcuts]
    for name, value in params:
        for one in value.split(",") if name == "columns" else [name]:
            data_type = standard_path(one if "/" in one else shortcuts.get(one, "")).partition("/")[0]
            if types.instance_of(data_type, root):
                root = data_type
    return root


def _columns(types: Types, params: Params, kind: Kind, root: str) -> list[Column]:
    """The key, what was asked for (unknown names and types are dropped), and what the list shows in any case.

    Columns of other types come after those of the listed one. Raises PathError.
    """
    asked = unquote_plus(params.get("columns"))
    names = asked.split(",") if asked.strip() and asked != "DEFAULT" else list(_defaults(types, kind, root))
    shortcuts = SHORTCUTS[kind.shortcuts]
    paths = [f"{root}/{kind.key}", *(name if "/" in name else shortcuts.get(name, "") for name in names)]
    if kind.shows_type and types.resolve(root).abstract:
        paths += [shortcuts["xsiType"], shortcuts["project"]]
    headers: dict[str, str] = {}
    for name, path in shortcuts.items():
        headers.setdefault(path.lower(), name)
    own: dict[str, Column] = {}
    others: dict[str, Column] = {}
    for path in (standard_path(one).lower() for one in paths if one):
        if path.partition("/")[0] not in types:
            continue
        column = Column(path, headers.get(path, path), find(types, root, path))
        if not path.startswith(f"{root.lower()}/"):
            others.setdefault(path, column)
        elif all(column.origin != known.origin for known in own.values()):
            own[path] = column
    return [*own.values(), *others.values()]


def _defaults(types: Types, kind: Kind, root: str) -> Iterable[str]:
    yield from kind.columns
    for data_type, names in kind.more.items():
        if types.instance_of(root, data_type):
            yield from names


def of_type(types: Types, entity: type[Base], root: str) -> list[ColumnElement[bool]]:
    """The condition that leaves out objects of other types than `root`."""
    if entity in {Project, Subject}:
        return []
    xsi_type: ColumnElement[str] = getattr(entity, "xsi_type")  # noqa: B009 (Base has none)
    return [xsi_type.in_(instances(types, root))]


def _page(params: Params) -> tuple[int | None, int]:
    """How many rows from where. `*` for one of them, or nothing above 0, is the whole list. Raises ListError."""
    if ("limit" not in params and "offset" not in params) or "*" in {params.get("limit"), params.get("offset")}:
        return None, 0
    try:
        limit, offset = int(params.get("limit", str(DEFAULT_PAGE))), int(params.get("offset", "0"))
    except ValueError as error:
        raise ListError(str(error)) from error
    if limit <= 0 and offset <= 0:
        return None, 0
    if limit < 0 or offset < 0:
        raise ListError("LIMIT and OFFSET must not be negative")
    return limit, offset


def _found(
    finder: Finder, query: Query, condition: Condition | None, origins: list[Origin], limit: int | None, offset: int
) -> list[Found]:
    equal, rest = in_sql(condition) if condition is not None else ([], None)
    query.equal = equal
    if rest is None:
        query.limit, query.offset = limit, offset or None
        return list(query.rows(finder.session, origins))
    wanted = numbers(finder.session, query, rest)
    rows = (row for row in query.rows(finder.session, origins) if row[0] in wanted)
    return list(islice(rows, offset, None if limit is None else offset + limit))
