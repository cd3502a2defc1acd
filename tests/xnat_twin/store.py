"""What the server remembers, in SQLite or PostgreSQL: accounts, settings, projects and everything below them.

Uniqueness is a property of the tables, not of a check before the insert, so it survives concurrent requests.
Bytes of files are not here; archive.py keeps them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint, create_engine, event, select
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from .fields import Fields


def now() -> dt.datetime:
    """The present moment, in UTC without a zone, as the tables store it."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)


class Base(DeclarativeBase):
    """All tables."""


class User(Base):
    """An account. `password` is a salted hash (auth.py)."""

    __tablename__ = "xdat_user"
    user_id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(255), unique=True)
    password: Mapped[str] = mapped_column(String(255))
    first_name: Mapped[str] = mapped_column(String(255), default="")
    last_name: Mapped[str] = mapped_column(String(255), default="")
    email: Mapped[str] = mapped_column(String(255), default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    verified: Mapped[bool] = mapped_column(default=True)
    admin: Mapped[bool] = mapped_column(default=False)
    last_modified: Mapped[dt.datetime] = mapped_column(default=now)

    @property
    def is_guest(self) -> bool:
        """Whoever does not log in, where `requireLogin` is off."""
        return self.login == "guest"


class AliasToken(Base):
    """A pair that stands for a login until it expires."""

    __tablename__ = "xhbm_alias_token"
    alias: Mapped[str] = mapped_column(String(64), primary_key=True)
    secret: Mapped[str] = mapped_column(String(255))
    user_id: Mapped[int] = mapped_column(ForeignKey("xdat_user.user_id", ondelete="CASCADE"))
    expires: Mapped[dt.datetime]


class Preference(Base):
    """One site setting; the value is any JSON."""

    __tablename__ = "xhbm_preference"
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


class Counter(Base):
    """The last accession number given out. Numbers are never reused, not even after deletion."""

    __tablename__ = "accession_counter"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    last: Mapped[int] = mapped_column(default=0)


class Item:
    """What projects, subjects, experiments and scans have in common."""

    fields: Mapped[Fields] = mapped_column(JSON, default=dict)
    insert_user: Mapped[str] = mapped_column(String(255), default="")
    insert_date: Mapped[dt.datetime] = mapped_column(default=now)
    last_modified: Mapped[dt.datetime] = mapped_column(default=now)


class Project(Item, Base):
    """A project. Its ID differs from all others in more than case (`key`)."""

    __tablename__ = "xnat_project"
    project_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(255), unique=True)
    key: Mapped[str] = mapped_column(String(255), unique=True)
    accessibility: Mapped[str] = mapped_column(String(16), default="protected")
    prearchive_code: Mapped[int] = mapped_column(default=4)
    quarantine_code: Mapped[int] = mapped_column(default=0)

    @property
    def label(self) -> str:
        return self.id


class RetiredProject(Base):
    """An ID that a deleted project once had; XNAT never gives it to a new one."""

    __tablename__ = "xnat_project_history"
    id: Mapped[str] = mapped_column(String(255), primary_key=True)


class Membership(Base):
    """A user's group in a project: Owners, Members or Collaborators."""

    __tablename__ = "xnat_project_member"
    project_id: Mapped[int] = mapped_column(ForeignKey("xnat_project.project_id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("xdat_user.user_id", ondelete="CASCADE"), primary_key=True)
    group: Mapped[str] = mapped_column("access_group", String(32))


class Subject(Item, Base):
    """A subject; its label is unique in its project."""

    __tablename__ = "xnat_subject"
    __table_args__ = (UniqueConstraint("project_id", "label"),)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(255), unique=True)
    label: Mapped[str] = mapped_column(String(255))
    project_id: Mapped[int] = mapped_column(ForeignKey("xnat_project.project_id"))
    project: Mapped[Project] = relationship()


class Experiment(Item, Base):
    """A session or another assessor of a subject; its label is unique in its project, not in its subject."""

    __tablename__ = "xnat_experiment"
    __table_args__ = (UniqueConstraint("project_id", "label"),)
    experiment_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(255), unique=True)
    label: Mapped[str] = mapped_column(String(255))
    xsi_type: Mapped[str] = mapped_column(String(255))
    project_id: Mapped[int] = mapped_column(ForeignKey("xnat_project.project_id"))
    subject_id: Mapped[int] = mapped_column(ForeignKey("xnat_subject.subject_id"))
    #: The session that an image assessor belongs to; none for sessions and other subject assessors.
    session_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_experiment.experiment_id"))
    project: Mapped[Project] = relationship()
    subject: Mapped[Subject] = relationship()
    session: Mapped[Experiment | None] = relationship(remote_side=[experiment_id])


class Scan(Item, Base):
    """A scan of an image session."""

    __tablename__ = "xnat_scan"
    __table_args__ = (UniqueConstraint("experiment_id", "id"),)
    scan_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(255))
    xsi_type: Mapped[str] = mapped_column(String(255))
    experiment_id: Mapped[int] = mapped_column(ForeignKey("xnat_experiment.experiment_id"))
    experiment: Mapped[Experiment] = relationship()

    @property
    def label(self) -> str:
        return self.id

    @property
    def project(self) -> Project:
        return self.experiment.project


class Reconstruction(Item, Base):
    """A reconstructed image of an image session."""

    __tablename__ = "xnat_reconstruction"
    __table_args__ = (UniqueConstraint("experiment_id", "id"),)
    reconstruction_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(255))
    xsi_type: Mapped[str] = mapped_column(String(255))
    experiment_id: Mapped[int] = mapped_column(ForeignKey("xnat_experiment.experiment_id"))
    experiment: Mapped[Experiment] = relationship()

    @property
    def label(self) -> str:
        return self.id

    @property
    def project(self) -> Project:
        return self.experiment.project


class SubjectShare(Base):
    """A subject that another project may use as well, under a label of its own if it has one."""

    __tablename__ = "xnat_subject_share"
    __table_args__ = (UniqueConstraint("project_id", "label"),)
    subject_id: Mapped[int] = mapped_column(ForeignKey("xnat_subject.subject_id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("xnat_project.project_id", ondelete="CASCADE"), primary_key=True)
    label: Mapped[str | None] = mapped_column(String(255))


class ExperimentShare(Base):
    """The same for an experiment."""

    __tablename__ = "xnat_experiment_share"
    __table_args__ = (UniqueConstraint("project_id", "label"),)
    experiment_id: Mapped[int] = mapped_column(
        ForeignKey("xnat_experiment.experiment_id", ondelete="CASCADE"), primary_key=True
    )
    project_id: Mapped[int] = mapped_column(ForeignKey("xnat_project.project_id", ondelete="CASCADE"), primary_key=True)
    label: Mapped[str | None] = mapped_column(String(255))


class Resource(Base):
    """A resource folder of exactly one owner. Labels are not unique: two parallel creations make two, as in XNAT."""

    __tablename__ = "xnat_resource"
    resource_id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str | None] = mapped_column(String(255))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_project.project_id"))
    subject_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_subject.subject_id"))
    experiment_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_experiment.experiment_id"))
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_scan.scan_id"))
    reconstruction_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_reconstruction.reconstruction_id"))
    #: `in` for what an assessor or reconstruction was made of, `out` for all else.
    direction: Mapped[str] = mapped_column(String(3), default="out")
    format: Mapped[str] = mapped_column(String(255), default="")
    content: Mapped[str] = mapped_column(String(255), default="")
    description: Mapped[str] = mapped_column(String(255), default="")
    tags: Mapped[str] = mapped_column(String(1000), default="")
    file_count: Mapped[int] = mapped_column(default=0)
    file_size: Mapped[int] = mapped_column(default=0)
    project: Mapped[Project | None] = relationship()
    subject: Mapped[Subject | None] = relationship()
    experiment: Mapped[Experiment | None] = relationship()
    scan: Mapped[Scan | None] = relationship()
    reconstruction: Mapped[Reconstruction | None] = relationship()

    @property
    def owner(self) -> Owner:
        owner = self.scan or self.reconstruction or self.experiment or self.subject or self.project
        if owner is None:
            raise LookupError(f"resource {self.resource_id} belongs to nothing")
        return owner


Owner = Project | Subject | Experiment | Scan | Reconstruction

#: The column of `Resource` (and of the owner's own table) that ties the two together.
OWNER_KEYS: dict[type[Owner], str] = {
    Project: "project_id",
    Subject: "subject_id",
    Experiment: "experiment_id",
    Scan: "scan_id",
    Reconstruction: "reconstruction_id",
}


class Store:
    """The database. `reading()` and `writing()` each give one transaction; nothing else opens one."""

    def __init__(self, url: str | URL, connect_args: Mapping[str, Any] | None = None) -> None:
        self.engine: Engine = create_engine(url, pool_pre_ping=True, connect_args=dict(connect_args or {}))
        if self.engine.dialect.name == "sqlite":
            _configure_sqlite(self.engine)
        Base.metadata.create_all(self.engine)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that changes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that is committed unless an exception leaves the block."""
        engine = self.engine.execution_options(write=True)
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        self.engine.dispose()


def next_number(session: Session, name: str) -> int:
    """The next number of a counter; the row is locked until the transaction ends."""
    counter = session.scalar(select(Counter).where(Counter.name == name).with_for_update())
    if counter is None:
        counter = Counter(name=name, last=0)
        session.add(counter)
    counter.last += 1
    session.flush()
    return counter.last


def _configure_sqlite(engine: Engine) -> None:
    """Real transactions, foreign keys, and readers that do not wait for a writer."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # sqlite3 must not begin transactions of its own
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=30000", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: upgrading a read transaction later can fail with "database is locked".
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
