"""XNAT's tables: as SQL, and as they are in a database. Those of the practice XNAT, and one for each data type."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from sqlalchemy import Column, MetaData, String, Table, Text, create_engine, event, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable, ExecutableDDLElement
from xnat_twin.access.element_security import table_name
from xnat_twin.configuration.database_tls import HomeError, connect_arguments
from xnat_twin.configuration.deployed import CORE_SCHEMAS
from xnat_twin.configuration.xnat_home import database_url
from xnat_twin.datatypes.modules import installed_types
from xnat_twin.storage.database import HIBERNATE
from xnat_twin.storage.former import Former

_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


class DatabaseError(Exception):
    """The database cannot be asked."""


def tables(schemas: Path) -> list[Table]:
    """All tables that a project with these schemas needs, those first that others refer to."""
    found = [table for table in Former.metadata.sorted_tables if table not in HIBERNATE]
    own = MetaData()
    found.append(
        Table("xnat_fielddefinitiongroup", own, Column("id", String(255), primary_key=True), Column("document", Text))
    )
    modules = [path for path in sorted(schemas.glob("*/*.xsd")) if path.parent.name not in CORE_SCHEMAS]
    types = installed_types((), modules)
    for data_type in types.secured():
        names = {name.lower() for name in (element.name for element in data_type.elements)} - {"id"}
        columns = [Column(name, Text) for name in sorted(names)]
        found.append(Table(table_name(data_type.name), own, Column("id", String(255), primary_key=True), *columns))
    return found


def sql_of(schemas: Path) -> str:
    """What makes all tables in an empty database. Not to be run twice."""
    return "-- XNAT's tables\n" + "".join(_create(table) for table in tables(schemas))


def missing(schemas: Path, settings: Path) -> str:
    """What a database lacks, or nothing but a comment. Not to be run twice."""
    engine = connect(settings)
    lines = ["-- What the database lacks\n"]
    try:
        present = {
            name: {column["name"] for column in columns}
            for (_, name), columns in inspect(engine).get_multi_columns().items()
        }
    except (SQLAlchemyError, HomeError) as error:
        raise DatabaseError(f"the database cannot be compared: {error}") from error
    finally:
        engine.dispose()
    for table in tables(schemas):
        if table.name not in present:
            lines.append(_create(table))
            continue
        for column in table.columns:
            if column.name not in present[table.name]:
                lines.append(f"ALTER TABLE {table.name} ADD COLUMN {CreateColumn(column).compile(dialect=_DIALECT)};\n")
    return "".join(lines)


def _create(table: Table) -> str:
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    statements: list[ExecutableDDLElement] = [CreateTable(table), *map(CreateIndex, indexes)]
    return "".join(f"{str(statement.compile(dialect=_DIALECT)).strip()};\n" for statement in statements)


def connect(settings: Path) -> Engine:
    """An engine for the database that an InstanceSettings.xml names."""
    try:
        database = ET.parse(settings).getroot().find("Databases/DB")  # noqa: S314 (a file of this builder's)
        said = dict(database.attrib) if database is not None else {}
        url, tls = database_url(said.get("Url", ""), said.get("User", ""), said.get("Pass", ""))
    except (OSError, ET.ParseError, HomeError) as error:
        raise DatabaseError(f"{settings}: {error}") from error
    engine = create_engine(url)

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, _words: object, names: dict[str, Any]) -> None:
        names.update(connect_arguments(url, tls))

    return engine
