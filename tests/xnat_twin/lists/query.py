"""Reads the values of many objects at once: one statement for a list, whatever its columns, and none per row.

Origins say which values; criteria and columns are for others. Reference: QueryOrganizer.buildQuery
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, inspect, select
from sqlalchemy.orm import Session, aliased

from xnat_twin.lists.origins import RELATIONS, Entity, Origin, Place
from xnat_twin.storage.store import Base

Value = object
#: A row: the number of the listed object, and the values in the order of the origins.
Found = tuple[int, list[Value]]
_Read = Callable[[Sequence[Any]], Value]


@dataclass
class Query:
    """One statement over the table of the listed objects, joined to whatever the origins ask for.

    `equal` are columns that must have one of some values.
    """

    entity: type[Base]
    where: Sequence[ColumnElement[bool]] = ()
    equal: Sequence[tuple[Origin, Sequence[str]]] = ()
    limit: int | None = None
    offset: int | None = None

    def rows(self, session: Session, origins: Sequence[Origin]) -> Iterator[Found]:
        """A row for each object; several for one where it has several of what is joined or of the entries of a list.

        Objects come in the order in which they were made. Limits count rows, as in XNAT.
        """
        statement = _Statement(self.entity)
        readers = [statement.reader(origin) for origin in origins]
        lists = {(o.place, o.entries[0]): statement.index(o.place, "fields") for o in origins if o.entries is not None}
        wanted = [statement.equal(origin, values) for origin, values in self.equal]
        ordered = statement.select().where(*self.where, *wanted).order_by(statement.number)
        if not lists:
            ordered = ordered.limit(self.limit).offset(self.offset)
        rows = session.execute(ordered)
        if not lists:
            return ((row[0], [read(row) for read in readers]) for row in rows)
        expanded = _with_entries(rows, origins, readers, lists)
        end = None if self.limit is None else (self.offset or 0) + self.limit
        return itertools.islice(expanded, self.offset or 0, end)


class _Statement:
    """Collects the columns to read, each once, and the joins that they need."""

    def __init__(self, entity: type[Base]) -> None:
        self._home = entity
        self.number: ColumnElement[int] = inspect(entity).primary_key[0]
        self._columns: list[ColumnElement[Any]] = [self.number]
        self._index: dict[tuple[Place, str], int] = {}
        self._joined: dict[Place, tuple[Entity, ColumnElement[bool]]] = {}

    def index(self, place: Place, column: str) -> int:
        """The position of a place's column in each row."""
        if (place, column) not in self._index:
            self._index[place, column] = len(self._columns)
            self._columns.append(getattr(self._at(place), column))
        return self._index[place, column]

    def reader(self, origin: Origin) -> _Read:
        """What takes the value of `origin` out of a row; not for entries of lists."""
        index = self.index(origin.place, origin.column)
        if origin.entries is not None:
            return lambda row: None
        read = _column(index) if origin.field is None else _stored(index, origin.field, origin.xsd)
        if origin.only is None:
            return read
        kind, only = self.index(origin.place, "xsi_type"), origin.only
        return lambda row: read(row) if row[kind] in only else None

    def equal(self, origin: Origin, values: Sequence[str]) -> ColumnElement[bool]:
        """That a column has one of the values."""
        at = self._at(origin.place)
        wanted: ColumnElement[bool] = getattr(at, origin.column).in_(values)
        return wanted if origin.only is None else and_(wanted, at.xsi_type.in_(origin.only))

    def select(self) -> Select[Any]:
        statement = select(*self._columns).select_from(self._home)
        for alias, condition in self._joined.values():
            statement = statement.outerjoin(alias, condition)
        return statement

    def _at(self, place: Place) -> Entity:
        if place.before is None:
            return self._home
        if place not in self._joined:
            before = self._at(place.before)
            alias: Entity = aliased(place.entity)
            condition = RELATIONS[place.before.entity, place.relation].on(before, alias)
            if place.types is not None:
                condition = and_(condition, alias.xsi_type.in_(place.types))
            self._joined[place] = alias, condition
        return self._joined[place][0]


def _column(index: int) -> _Read:
    return lambda row: row[index]


def _stored(index: int, name: str, kind: str) -> _Read:
    """A stored field. What is compared or written in its own way is no text: times, moments, not-a-number."""
    read = _PARSERS.get(kind.rpartition(":")[2])
    if read is None:
        return lambda row: (row[index] or {}).get(name)

    def stored(row: Sequence[Any]) -> Value:
        value = (row[index] or {}).get(name)
        return read(value) if isinstance(value, str) else value

    return stored


_PARSERS: Mapping[str, Callable[[str], Value]] = {
    "time": dt.time.fromisoformat,
    "dateTime": dt.datetime.fromisoformat,
    "float": float,
    "double": float,
}


def _with_entries(
    rows: Iterator[Sequence[Any]] | Any,
    origins: Sequence[Origin],
    readers: Sequence[_Read],
    lists: Mapping[tuple[Place, str], int],
) -> Iterator[Found]:
    """Each row once for every combination of the entries of its lists."""
    positions = list(lists)
    for row in rows:
        found = [entries_of(row[index] or {}, path) or [{}] for (_, path), index in lists.items()]
        for combination in itertools.product(*found):
            yield (
                row[0],
                [
                    read(row)
                    if origin.entries is None
                    else combination[positions.index((origin.place, origin.entries[0]))].get(origin.entries[1])
                    for origin, read in zip(origins, readers, strict=True)
                ],
            )


def entries_of(fields: Mapping[str, Value], list_path: str) -> list[dict[str, Value]]:
    """The entries of a list among stored fields: lower-case name -> value, with what tells them apart."""
    pattern = re.compile(re.escape(list_path) + r"(?:\[(?P<key>[^=\]]*)=?(?P<name>[^\]]*)\])?(?:/(?P<rest>.+))?$")
    found: dict[str, dict[str, Value]] = {}
    for path, value in fields.items():
        if match := pattern.match(path):
            key, name = match["key"] or "", match["name"] or ""
            entry = found.setdefault(f"{key}={name}", {key.lower(): name})
            entry[(match["rest"] or list_path.rpartition("/")[2]).lower()] = value
    return list(found.values())
