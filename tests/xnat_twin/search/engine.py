"""Carries out a search: columns, criteria, order, and the table that is answered.

documents.py reads searches, criteria.py their criteria, displays.py knows the fields.
Reference: XdatStoredSearch.getDisplaySearch, DisplaySearch.getSQLQuery
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xnat_twin.access.permissions import Access
from xnat_twin.datatypes.schema import UnknownTypeError
from xnat_twin.errors import StatusError
from xnat_twin.lists.criteria import CriteriaError, in_sql, numbers
from xnat_twin.lists.listing import of_type
from xnat_twin.lists.objects import readable
from xnat_twin.lists.origins import Origin, PathError, Place, kind_of, standard_path
from xnat_twin.lists.query import Query, Value
from xnat_twin.lists.tables import Row, Table, order_of, text
from xnat_twin.lookup.finder import Finder
from xnat_twin.search.cells import Cell, cell_of, origins_of
from xnat_twin.search.columns import Column, properties
from xnat_twin.search.criteria import array_of, conditions
from xnat_twin.search.displays import display_fields, field_named, listing_of, order_of_listing
from xnat_twin.search.documents import CriteriaSet, Search, SearchField
from xnat_twin.storage.store import Base, Experiment, Project, Subject

#: The state of the object, which every answer has after the columns that were asked for.
STATUS = "quarantine_status"
#: The object's ID, in searches that are kept.
KEY = "key"
#: A state that no search finds.
_OBSOLETE = "obsolete"
#: PostgreSQL cuts longer names; XNAT gives numbers to them.
_LONGEST_NAME = 63


@dataclass(frozen=True)
class Order:
    """What a search is sorted by: `sortBy` and `sortOrder`, if the request has them."""

    by: str = ""
    direction: str = ""


def table_of(finder: Finder, search: Search, order: Order, *, links: bool = False, keyed: bool = False) -> Table:
    """What the search finds, as far as the caller may read it. 500 for what XNAT's database does not understand.

    `links` is whether the columns say where they lead to, `keyed` adds the objects' IDs.
    """
    try:
        running = _Running.start(finder, search)
        return running.table(order, links=links, keyed=keyed)
    except (PathError, UnknownTypeError, CriteriaError) as error:
        raise StatusError(500) from error


@dataclass
class _Running:
    """One search on its way."""

    finder: Finder
    root: str
    entity: type[Base]
    search: Search
    columns: list[Column]
    #: Whether any of the columns was asked for.
    asked: bool
    #: The columns that must have one of some values, for each criterion with IN.
    listed: list[tuple[list[Column], list[str]]] = field(default_factory=list)

    @classmethod
    def start(cls, finder: Finder, search: Search) -> _Running:
        root = finder.types.resolve(search.root).name
        columns = _columns(finder, root, search)
        running = cls(
            finder, root, kind_of(finder.types, root), search, columns or _listing(finder, root), bool(columns)
        )
        for criteria in _in_clause(search).criteria:
            keys = [_key_column(finder, path) for path in criteria.schema_field.split(",")]
            running.columns += [
                key for key in keys if key.name(root) not in {one.name(root) for one in running.columns}
            ]
            running.listed.append((keys, array_of(criteria.value or "")))
        return running

    def table(self, order: Order, *, links: bool, keyed: bool) -> Table:
        shown = _with_links(self.finder, self.columns)
        names = _short_names([column.name(self.root) for column in shown])
        cells = {column: self._cell(column) for column in shown}
        sorting, descending = self._sorting(order, cells)
        here = Place(self.entity)
        own = {STATUS: Origin(here, "status")} | ({KEY: Origin(here, "id")} if keyed else {})
        found: list[tuple[Row, Value]] = []
        for values in self._rows([*origins_of([*cells.values(), sorting]), *own.values()]):
            row: dict[str, Value] = {
                name: _value(cells[column], values) for column, name in zip(shown, names, strict=True)
            }
            row |= {name: values[origin] for name, origin in own.items()}
            found.append((row, _value(sorting, values)))
        found.sort(key=lambda one: order_of(one[1]), reverse=descending)
        rows = [row for row, _ in found]
        all_names = [*names, *own]
        for number, (keys, wanted) in enumerate(self.listed):
            rows = _listed(rows, [key.name(self.root) for key in keys], wanted, number)
            all_names += [f"search_field{number}", f"sort_order{number}"]
        described = properties(self.finder.types, self.root, self.columns, links=links, lists=len(self.listed))
        return Table(all_names, rows, column_properties=[*described, {"key": STATUS}])

    def _cell(self, column: Column) -> Cell:
        return cell_of(self.finder, self.root, column.data_type, column.field, column.value)

    def _rows(self, origins: Sequence[Origin]) -> list[Mapping[Origin, Value]]:
        """The values of all rows, each combination of an object's values once."""
        finder, origins = self.finder, list(dict.fromkeys(origins))
        where = [getattr(self.entity, "status") != _OBSOLETE]  # noqa: B009 (Base has none)
        if self.entity is Project:
            where.append(finder.allowed(Access.PROJECT))
        elif self.entity in {Subject, Experiment}:
            where += readable(finder, self.entity)
        query = Query(self.entity, [*where, *of_type(finder.types, self.entity, self.root)])
        wanted: set[int] | None = None
        condition = None if self.listed else conditions(finder, self.root, self.search.where)
        if condition is not None:
            query.equal, rest = in_sql(condition)
            wanted = None if rest is None else numbers(finder.session, query, rest)
        rows = ((number, tuple(values)) for number, values in query.rows(finder.session, origins))
        distinct = dict.fromkeys(row for row in rows if wanted is None or row[0] in wanted)
        return [dict(zip(origins, values, strict=True)) for _, values in distinct]

    def _sorting(self, order: Order, cells: Mapping[Column, Cell]) -> tuple[Cell, bool]:
        """What the rows are sorted by, and whether the last come first; the first column if nobody says."""
        by, direction = order.by, order.direction
        if not by and self.search.sort_by is not None:
            by = ".".join(self.search.sort_by)
        if not by and self.asked:
            return cells[self.columns[0]], self.columns[0].field.descending
        if not by:
            by, last_first = order_of_listing(self.finder.types, self.root)
            direction = "desc" if last_first else "asc"
        column = self._column_named(by)
        descending = column.field.descending if not direction else direction.strip().lower() == "desc"
        if column.field.asks and column not in cells:
            return Cell((), lambda: None, "string", quoted=True), descending
        return cells.get(column) or self._cell(column), descending

    def _column_named(self, name: str) -> Column:
        """A field as `type.ID` or `ID`; one that asks for a value is the first column of that field."""
        data_type, identifier = name.split(".")[:2] if "." in name else ("", name)
        data_type = self.finder.types.resolve(data_type or self.root).name
        for column in self.columns:
            if (column.data_type, column.field.id) == (data_type, identifier):
                return column
        known = display_fields(self.finder.types, data_type).get(identifier)
        if known is None:
            raise PathError(f"{data_type} has no display field {identifier}")
        return Column(data_type, known)


def _columns(finder: Finder, root: str, search: Search) -> list[Column]:
    """Those that are asked for, each once; unknown ones are left out."""
    found: dict[str, Column] = {}
    for one in search.fields:
        if (column := _column(finder, root, one)) is not None:
            found.setdefault(column.name(root), column)
    return list(found.values())


def _listing(finder: Finder, root: str) -> list[Column]:
    """What is shown if nothing is asked for."""
    types = finder.types
    return [Column(data_type, display_fields(types, data_type)[name]) for data_type, name in listing_of(types, root)]


def _column(finder: Finder, root: str, asked: SearchField) -> Column | None:
    identifier, value = asked.field_id, asked.value
    if value is not None:
        for mark in "=.":
            identifier = identifier.removesuffix(f"{mark}{value}")
    else:
        for mark in "=.":
            identifier, found, rest = identifier.partition(mark)
            value = rest if found else value
    if value == "{XDAT_USER_ID}":
        value = str(finder.user.user_id)
    try:
        data_type = finder.types.resolve(asked.element_name).name
    except UnknownTypeError:
        return None
    known = display_fields(finder.types, data_type).get(identifier)
    if known is None:
        path = identifier if "/" in identifier else f"{root}/{identifier}"
        known = field_named(finder.types, data_type, path)
    return None if known is None else Column(data_type, known, value, asked.header, asked.visible)


def _key_column(finder: Finder, path: str) -> Column:
    """The field that is compared with a list. Raises PathError."""
    data_type = finder.types.resolve(standard_path(path).partition("/")[0]).name
    name = path.partition(".")[2] if "." in path else path
    known = field_named(finder.types, data_type, name)
    if known is None:
        raise PathError(path)
    return Column(data_type, known)


def _in_clause(search: Search) -> CriteriaSet:
    """The first set with IN: all others are ignored then."""
    for one in search.where:
        if any(criteria.comparison == "IN" for criteria in one.criteria):
            return one
    return CriteriaSet()


def _with_links(finder: Finder, columns: Sequence[Column]) -> list[Column]:
    """After each column the fields that its link needs, unless they are there already."""
    found: dict[tuple[str, str], Column] = {}
    for column in columns:
        found.setdefault((column.data_type, column.row_id), column)
        fields = display_fields(finder.types, column.data_type)
        for name in column.field.links:
            if name in fields:
                found.setdefault((column.data_type, name), Column(column.data_type, fields[name]))
    return list(found.values())


def _short_names(names: Sequence[str]) -> list[str]:
    """Reference: DisplayFieldAliasCache, which counts for all searches since the start of the server"""
    long = [name for name in names if len(name) > _LONGEST_NAME]
    return [f"df_alias_{long.index(name)}" if name in long else name for name in names]


def _value(cell: Cell, values: Mapping[Origin, Value]) -> Value:
    return cell.value(*(values[origin] for origin in cell.origins))


def _listed(rows: Sequence[Row], keys: Sequence[str], wanted: Sequence[str], number: int) -> list[Row]:
    """For each listed text the rows that have it in one of the columns, or a row of its own."""
    found: list[Row] = []
    for position, one in enumerate(wanted, 1):
        own = {f"search_field{number}": one, f"sort_order{number}": position}
        matching = [row for row in rows if any(text(row.get(key)) == one for key in keys)]
        found += [{**row, **own} for row in matching or [{}]]
    return found
