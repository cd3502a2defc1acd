"""What the server remembers, as tables: accounts, settings, projects and everything below them.

Uniqueness is a property of the tables, not of a check before the insert, so it survives concurrent requests.
database.py opens them. Bytes of files are not here; archive.py keeps them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from xnat_twin.datatypes.fields import Fields


def now() -> dt.datetime:
    """The present moment, in UTC without a zone and to the millisecond, as the tables store it."""
    moment = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Base(DeclarativeBase):
    """All tables."""


class User(Base):
    """An account. `password` is a hash with its salt in it; 1.6 has that in a column of its own (access/auth.py)."""

    __tablename__ = "xdat_user"
    user_id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(255), unique=True)
    password: Mapped[str] = mapped_column("primary_password", String(255))
    password_encrypt: Mapped[int | None] = mapped_column("primary_password_encrypt")
    salt: Mapped[str | None] = mapped_column(String(64))
    first_name: Mapped[str] = mapped_column(String(255), default="")
    last_name: Mapped[str] = mapped_column(String(255), default="")
    email: Mapped[str] = mapped_column(String(255), default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    verified: Mapped[bool] = mapped_column(default=True)
    #: The role Administrator; all other roles are `UserRole`.
    admin: Mapped[bool] = mapped_column(default=False)
    #: The groups ALL_DATA_ADMIN and ALL_DATA_ACCESS, which are about every project.
    all_data_admin: Mapped[bool] = mapped_column(default=False)
    all_data_access: Mapped[bool] = mapped_column(default=False)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_out: Mapped[dt.datetime | None]
    last_login: Mapped[dt.datetime | None]
    password_updated: Mapped[dt.datetime] = mapped_column(default=now)
    last_modified: Mapped[dt.datetime] = mapped_column(default=now)

    @property
    def is_guest(self) -> bool:
        """Whoever does not log in, where `requireLogin` is off."""
        return self.login == "guest"


class UserRole(Base):
    """A role of an account by any name but Administrator, such as `non_expiring`."""

    __tablename__ = "xhbm_user_role"
    user_id: Mapped[int] = mapped_column(ForeignKey("xdat_user.user_id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(255), primary_key=True)


class AliasToken(Base):
    """A pair that stands for a login until it expires. The secret is readable, as in XNAT, which shows it again."""

    __tablename__ = "xhbm_alias_token"
    token_id: Mapped[int] = mapped_column(primary_key=True)
    alias: Mapped[str] = mapped_column(String(64), unique=True)
    secret: Mapped[str] = mapped_column(String(255))
    user_id: Mapped[int] = mapped_column(ForeignKey("xdat_user.user_id", ondelete="CASCADE"))
    created: Mapped[dt.datetime] = mapped_column(default=now)
    expires: Mapped[dt.datetime]
    user: Mapped[User] = relationship()


class ElementSecurity(Base):
    """A data type that rights are given for. Of a deployed 1.6 nobody may use any other; this server's own have none.

    Reference: ElementSecurity, ElementSecurityWizard.
    """

    __tablename__ = "xdat_element_security"
    element_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    singular: Mapped[str] = mapped_column(String(255), default="")
    plural: Mapped[str] = mapped_column(String(255), default="")
    code: Mapped[str] = mapped_column(String(255), default="")
    secure: Mapped[int | None]


class PrimarySecurityField(Base):
    """A field of a data type by which rights are judged, such as `xnat:mrSessionData/project`."""

    __tablename__ = "xdat_primary_security_field"
    field: Mapped[str] = mapped_column("primary_security_field", String(255), primary_key=True)
    element_name: Mapped[str] = mapped_column("primary_security_fields_primary_element_name", String(255), index=True)


class ElementAccess(Base):
    """That the groups of a project have their usual rights on objects of a data type.

    XNAT has three tables for this, with one row for each group and field; nothing here depends on more than this one.
    """

    __tablename__ = "xdat_element_access"
    element_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    project: Mapped[str] = mapped_column("field_value", String(255), primary_key=True)


class Preference(Base):
    """One site setting; the value is any JSON."""

    __tablename__ = "xhbm_preference"
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


class Notification(Base):
    """One setting of the mail that the site sends; the value is text."""

    __tablename__ = "xhbm_notification"
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    value: Mapped[str] = mapped_column(Text, default="")


class DicomReceiver(Base):
    """The definition of a DICOM receiver."""

    __tablename__ = "xhbm_dicomscpinstance"
    receiver_id: Mapped[int] = mapped_column(primary_key=True)
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)


class Configuration(Base):
    """One version of a text that a tool keeps for the site (`project` is empty) or for a project."""

    __tablename__ = "xhbm_configuration"
    configuration_id: Mapped[int] = mapped_column(primary_key=True)
    project: Mapped[str] = mapped_column(String(255), default="", index=True)
    tool: Mapped[str] = mapped_column(String(255), index=True)
    path: Mapped[str] = mapped_column(String(1024))
    version: Mapped[int] = mapped_column(default=1)
    contents: Mapped[str] = mapped_column(Text, default="")
    xnat_user: Mapped[str] = mapped_column(String(255), default="")
    reason: Mapped[str] = mapped_column(String(255), default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    unversioned: Mapped[bool] = mapped_column(default=False)
    created: Mapped[dt.datetime] = mapped_column(default=now)


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
    #: `active`, `quarantine`, `locked` or `obsolete`. Reference: ViewManager.
    status: Mapped[str] = mapped_column(String(16), default="active")


class Project(Item, Base):
    """A project. Its ID differs from all others in more than case (`key`)."""

    __tablename__ = "xnat_project"
    project_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(255), unique=True)
    key: Mapped[str] = mapped_column(String(255), unique=True)
    accessibility: Mapped[str] = mapped_column(String(16), default="protected")
    prearchive_code: Mapped[int] = mapped_column(default=4)
    quarantine_code: Mapped[int] = mapped_column(default=0)
    current_arc: Mapped[str] = mapped_column(String(255), default="arc001")
    scan_type_mapping: Mapped[bool] = mapped_column(default=True)

    @property
    def label(self) -> str:
        return self.id


class ProjectName(Base):
    """ID, title, running title and aliases of all projects, in lower case: one namespace, in which none is twice."""

    __tablename__ = "xnat_project_name"
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("xnat_project.project_id", ondelete="CASCADE"), index=True)
    #: The alias as it was given; none for the other names, which do not lead to the project.
    alias: Mapped[str | None] = mapped_column(String(255), index=True)


class Favorite(Base):
    """A project that a user has marked."""

    __tablename__ = "xdat_user_favorite"
    user_id: Mapped[int] = mapped_column(ForeignKey("xdat_user.user_id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("xnat_project.project_id", ondelete="CASCADE"), primary_key=True)


class StoredSearch(Base):
    """A search that a user keeps, as a document that says who may use it."""

    __tablename__ = "xdat_stored_search"
    search_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(255), unique=True)
    document: Mapped[str] = mapped_column(Text, default="")


class Workflow(Base):
    """What somebody did to an object, and why he said he did: XNAT's audit trail. Reference: WrkWorkflowdata."""

    __tablename__ = "wrk_workflowdata"
    event_id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[str] = mapped_column(String(255), index=True)
    xsi_type: Mapped[str] = mapped_column(String(255))
    project: Mapped[str] = mapped_column(String(255), index=True)
    user: Mapped[str] = mapped_column("login", String(255), index=True)
    when: Mapped[dt.datetime] = mapped_column("launch_time", default=now)
    action: Mapped[str] = mapped_column(String(255))
    category: Mapped[str] = mapped_column(String(32), default="DATA")
    type: Mapped[str] = mapped_column(String(32), default="WEB_SERVICE")
    reason: Mapped[str] = mapped_column(String(1000), default="")
    comment: Mapped[str] = mapped_column(String(1000), default="")


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
    subject_id: Mapped[int] = mapped_column(ForeignKey("xnat_subject.subject_id"), index=True)
    #: The session that an image assessor belongs to; none for sessions and other subject assessors.
    session_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_experiment.experiment_id"), index=True)
    #: The project's `current_arc` when the experiment was made: the folder that its folder is in.
    arc: Mapped[str] = mapped_column(String(255), default="arc001")
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
    """A reconstructed image of an image session; its ID is unique in the site, not in its session."""

    __tablename__ = "xnat_reconstruction"
    reconstruction_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(255), unique=True)
    xsi_type: Mapped[str] = mapped_column(String(255))
    experiment_id: Mapped[int] = mapped_column(ForeignKey("xnat_experiment.experiment_id"), index=True)
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
    project_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_project.project_id"), index=True)
    subject_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_subject.subject_id"), index=True)
    experiment_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_experiment.experiment_id"), index=True)
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_scan.scan_id"), index=True)
    reconstruction_id: Mapped[int | None] = mapped_column(
        ForeignKey("xnat_reconstruction.reconstruction_id"), index=True
    )
    #: `in` for what an assessor or reconstruction was made of, `out` for all else.
    direction: Mapped[str] = mapped_column(String(3), default="out")
    #: Whether 1.7's catalog service made it, which has folders and file names of its own (archive.py).
    by_service: Mapped[bool] = mapped_column(default=False)
    format: Mapped[str] = mapped_column(String(255), default="")
    content: Mapped[str] = mapped_column(String(255), default="")
    description: Mapped[str] = mapped_column(String(255), default="")
    tags: Mapped[str] = mapped_column(String(1000), default="")
    file_count: Mapped[int] = mapped_column(default=0)
    file_size: Mapped[int] = mapped_column(BigInteger, default=0)  # one image may have more than 2 GB
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


class ElementAction(Base):
    """An action that pages offer for objects of a data type."""

    __tablename__ = "xdat_element_action"
    action_id: Mapped[int] = mapped_column(primary_key=True)
    xsi_type: Mapped[str] = mapped_column(String(255), index=True)
    #: Name, display name, image and whatever else was given.
    details: Mapped[Any] = mapped_column(JSON)


class CustomFields(Base):
    """The custom fields of one project, subject, experiment or scan, by name; a value is any JSON."""

    __tablename__ = "xnat_custom_fields"
    custom_fields_id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int | None] = mapped_column(
        ForeignKey("xnat_project.project_id", ondelete="CASCADE"), unique=True
    )
    subject_id: Mapped[int | None] = mapped_column(
        ForeignKey("xnat_subject.subject_id", ondelete="CASCADE"), unique=True
    )
    experiment_id: Mapped[int | None] = mapped_column(
        ForeignKey("xnat_experiment.experiment_id", ondelete="CASCADE"), unique=True
    )
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("xnat_scan.scan_id", ondelete="CASCADE"), unique=True)
    fields: Mapped[Any] = mapped_column(JSON)


Owner = Project | Subject | Experiment | Scan | Reconstruction

#: The column of `Resource` (and of the owner's own table) that ties the two together.
OWNER_KEYS: dict[type[Owner], str] = {
    Project: "project_id",
    Subject: "subject_id",
    Experiment: "experiment_id",
    Scan: "scan_id",
    Reconstruction: "reconstruction_id",
}
#: What says with which other projects a subject or an experiment is shared.
SHARES: dict[type[Subject | Experiment], type[SubjectShare | ExperimentShare]] = {
    Subject: SubjectShare,
    Experiment: ExperimentShare,
}
