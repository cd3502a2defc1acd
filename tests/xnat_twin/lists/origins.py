"""Where a value of a list comes from: an XPath, as seen from the data type that is listed, leads to a table's column.

Objects that XNAT joins to the listed one are places; `query.py` reads from them. Nothing is read here.
Reference: QueryOrganizer.buildJoin, GenericWrapperElement.translateXMLPathToTables
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_

from xnat_twin.datatypes import schema
from xnat_twin.datatypes.schema import Types
from xnat_twin.storage.store import (
    Base,
    Experiment,
    ExperimentShare,
    Project,
    Reconstruction,
    Resource,
    Scan,
    Subject,
    SubjectShare,
)

#: A mapped class or an alias of one.
Entity = Any


class PathError(LookupError):
    """The data type has no such field; XNAT fails with 500."""


class JoinError(PathError):
    """XNAT knows no way from the listed type to the other one."""


@dataclass(frozen=True)
class Relation:
    """How the rows of one table belong to those of another; `many` multiplies the rows of a list."""

    entity: type[Base]
    on: Callable[[Entity, Entity], ColumnElement[bool]]
    many: bool = False


def _own(key: str) -> Callable[[Entity, Entity], ColumnElement[bool]]:
    """Both tables have a column `key`."""
    return lambda here, there: getattr(here, key) == getattr(there, key)


def _session(here: Entity, there: Entity) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = here.session_id == there.experiment_id
    return condition


def _assessors(here: Entity, there: Entity) -> ColumnElement[bool]:
    return _session(there, here)


def _resources(key: str) -> Callable[[Entity, Entity], ColumnElement[bool]]:
    return lambda here, there: and_(getattr(here, key) == getattr(there, key), there.direction == "out")


def _siblings(here: Entity, there: Entity) -> ColumnElement[bool]:
    return and_(here.subject_id == there.subject_id, there.session_id.is_(None))


RELATIONS: Mapping[tuple[type[Base], str], Relation] = {
    (Subject, "project"): Relation(Project, _own("project_id")),
    (Subject, "experiments"): Relation(Experiment, _siblings, many=True),
    (Subject, "shares"): Relation(SubjectShare, _own("subject_id"), many=True),
    (Experiment, "project"): Relation(Project, _own("project_id")),
    (Experiment, "subject"): Relation(Subject, _own("subject_id")),
    (Experiment, "session"): Relation(Experiment, _session),
    (Experiment, "scans"): Relation(Scan, _own("experiment_id"), many=True),
    (Experiment, "reconstructions"): Relation(Reconstruction, _own("experiment_id"), many=True),
    (Experiment, "assessors"): Relation(Experiment, _assessors, many=True),
    (Experiment, "experiments"): Relation(Experiment, _siblings, many=True),
    (Experiment, "shares"): Relation(ExperimentShare, _own("experiment_id"), many=True),
    (Scan, "session"): Relation(Experiment, _own("experiment_id")),
    (Reconstruction, "session"): Relation(Experiment, _own("experiment_id")),
    (SubjectShare, "project"): Relation(Project, _own("project_id")),
    (ExperimentShare, "project"): Relation(Project, _own("project_id")),
} | {
    (entity, "resources"): Relation(Resource, _resources(key), many=True)
    for entity, key in (
        (Project, "project_id"),
        (Subject, "subject_id"),
        (Experiment, "experiment_id"),
        (Scan, "scan_id"),
        (Reconstruction, "reconstruction_id"),
    )
}


@dataclass(frozen=True)
class Place:
    """An object that is read along with the listed one, by the way that leads to it; without a way, that one itself.

    `types` leaves out objects of other data types.
    """

    entity: type[Base]
    relation: str = ""
    before: Place | None = None
    types: frozenset[str] | None = None

    def to(self, relation: str, types: frozenset[str] | None = None) -> Place:
        return Place(RELATIONS[self.entity, relation].entity, relation, self, types)

    @property
    def many(self) -> bool:
        """Whether a listed object can have several."""
        if self.before is None:
            return False
        return RELATIONS[self.before.entity, self.relation].many or self.before.many


@dataclass(frozen=True)
class Origin:
    """A value: a column of a place, or one of its stored `fields`, or a part of each entry of a list among them.

    `only` leaves it empty for objects of other data types.
    """

    place: Place
    column: str = "fields"
    field: str | None = None
    entries: tuple[str, str] | None = None
    xsd: str = "string"
    only: frozenset[str] | None = None

    @property
    def is_column(self) -> bool:
        return self.column != "fields"


_KINDS: dict[str, type[Base]] = {
    schema.PROJECT: Project,
    schema.SUBJECT: Subject,
    schema.EXPERIMENT: Experiment,
    schema.IMAGE_SCAN: Scan,
    schema.RECONSTRUCTED_IMAGE: Reconstruction,
}
_PREDICATE = re.compile(r"\[[^\]]*\]")
_META = {
    "meta/insert_date": ("insert_date", "dateTime"),
    "meta/insert_user/login": ("insert_user", "string"),
    "meta/last_modified": ("last_modified", "dateTime"),
    "meta/status": ("status", "string"),
}
_TYPE = {"extension_item/element_name": ("xsi_type", "string")}
_COLUMNS: dict[type[Base], dict[str, tuple[str, str]]] = {
    Project: {"id": ("id", "string")} | _META,
    Subject: {"id": ("id", "string"), "label": ("label", "string")} | _META,
    Experiment: {"id": ("id", "string"), "label": ("label", "string")} | _META | _TYPE,
    Scan: {"id": ("id", "string"), "xnat_imagescandata_id": ("scan_id", "integer")} | _META | _TYPE,
    Reconstruction: {"id": ("id", "string"), "xnat_reconstructedimagedata_id": ("reconstruction_id", "integer")}
    | _META
    | _TYPE,
    Resource: {
        "xnat_abstractresource_id": ("resource_id", "integer"),
        **{name: (name, "string") for name in ("label", "format", "content", "description", "tags")},
        **{name: (name, "integer") for name in ("file_count", "file_size")},
    },
    SubjectShare: {"label": ("label", "string")},
    ExperimentShare: {"label": ("label", "string")},
}
#: Attributes that are another object's ID.
_IDS_OF_OTHERS = {
    (Subject, "project"): ("project",),
    (Experiment, "project"): ("project",),
    (Experiment, "subject_id"): ("subject",),
    (Experiment, "imagesession_id"): ("session",),
    (Scan, "image_session_id"): ("session",),
    (Scan, "project"): ("session", "project"),
    (Reconstruction, "image_session_id"): ("session",),
    (SubjectShare, "project"): ("project",),
    (ExperimentShare, "project"): ("project",),
}
#: From one kind of object to another.
_WAYS: dict[tuple[type[Base], type[Base]], tuple[str, ...]] = {
    (Subject, Project): ("project",),
    (Subject, Experiment): ("experiments",),
    (Experiment, Project): ("project",),
    (Experiment, Subject): ("subject",),
    (Experiment, Scan): ("scans",),
    (Experiment, Reconstruction): ("reconstructions",),
    **{(entity, Experiment): ("session",) for entity in (Scan, Reconstruction)},
    **{(entity, Subject): ("session", "subject") for entity in (Scan, Reconstruction)},
    **{(entity, Project): ("session", "project") for entity in (Scan, Reconstruction)},
}
#: Elements that hold other objects.
_ELEMENTS = {
    (Project, "resources/resource"): "resources",
    (Subject, "resources/resource"): "resources",
    (Subject, "sharing/share"): "shares",
    (Subject, "experiments/experiment"): "experiments",
    (Experiment, "resources/resource"): "resources",
    (Experiment, "out/file"): "resources",
    (Experiment, "sharing/share"): "shares",
    (Experiment, "scans/scan"): "scans",
    (Experiment, "assessors/assessor"): "assessors",
    (Experiment, "reconstructions/reconstructedimage"): "reconstructions",
    (Scan, "file"): "resources",
    (Reconstruction, "out/file"): "resources",
}
_ELEMENT_TYPES = {
    "experiments": schema.SUBJECT_ASSESSOR,
    "scans": schema.IMAGE_SCAN,
    "assessors": schema.IMAGE_ASSESSOR,
    "reconstructions": schema.RECONSTRUCTED_IMAGE,
}


def standard_path(path: str) -> str:
    """`xnat:subjectData.ID` is another spelling of `xnat:subjectData/ID`."""
    return path.replace(".", "/").lstrip("/")


def kind_of(types: Types, data_type: str) -> type[Base]:
    """The table that holds objects of this type. Raises UnknownTypeError, and PathError if none does."""
    name = types.resolve(data_type).name
    for ancestor, entity in _KINDS.items():
        if types.instance_of(name, ancestor):
            return entity
    raise PathError(data_type)


def instances(types: Types, data_type: str) -> frozenset[str]:
    """The names of the type and of all that extend it."""
    return frozenset(one.name for one in types if types.instance_of(one.name, data_type))


def find(types: Types, root: str, xpath: str) -> Origin:
    """Where a list of `root` finds `xpath`. Raises UnknownTypeError for a type that is not there, and PathError.

    Predicates do not select anything, neither `[@xsi:type=…]` nor `[name=…]`: with a custom variable in a column, each
    variable of the object makes a row of its own.
    """
    owner, _, path = standard_path(xpath).partition("/")
    data_type = types.resolve(owner).name
    if data_type == "xnat:demographicData":
        data_type, path = schema.SUBJECT, f"demographics/{path}"
    place = Place(kind_of(types, root))
    if types.instance_of(root, data_type):
        return _find_in(types, place, root, path)
    if types.instance_of(data_type, root):
        return replace(_find_in(types, place, data_type, path), only=instances(types, data_type))
    return _find_in(types, _join(types, place, root, data_type), data_type, path)


def _join(types: Types, here: Place, root: str, data_type: str) -> Place:
    """From an object to those of another type. Raises JoinError."""
    there, names = kind_of(types, data_type), instances(types, data_type)
    way = _WAYS.get((here.entity, there))
    if here.entity is there is Experiment:
        way = ("experiments",)
        if types.instance_of(root, schema.IMAGE_ASSESSOR) and types.instance_of(data_type, schema.IMAGE_SESSION):
            way = ("session",)
        if types.instance_of(root, schema.IMAGE_SESSION) and types.instance_of(data_type, schema.IMAGE_ASSESSOR):
            way = ("assessors",)
    if way is None:
        raise JoinError(f"{root} and {data_type} cannot be joined")
    for relation in way[:-1]:
        here = here.to(relation)
    return here.to(way[-1], names if "xsi_type" in there.__table__.columns else None)


def _find_in(types: Types, place: Place, data_type: str, path: str) -> Origin:
    """The field `path` of an object of `data_type` at `place`."""
    path = _PREDICATE.sub("", path).lower()
    entity = place.entity
    if (entity, path) in _IDS_OF_OTHERS:
        for relation in _IDS_OF_OTHERS[entity, path]:
            place = place.to(relation)
        return Origin(place, "id")
    if path in _COLUMNS[entity]:
        column, xsd = _COLUMNS[entity][path]
        return Origin(place, column, xsd=xsd)
    for (holder, element), relation in _ELEMENTS.items():
        if entity is holder and path.startswith(f"{element}/"):
            below = _ELEMENT_TYPES.get(relation, "")
            return _find_in(types, place.to(relation), below, path.removeprefix(f"{element}/"))
    if entity in {Resource, SubjectShare, ExperimentShare}:
        raise PathError(path)
    return _stored_field(types, place, data_type, path)


def _stored_field(types: Types, place: Place, data_type: str, path: str) -> Origin:
    for list_path in types.all_lists(data_type):
        if path.startswith(f"{list_path.lower()}/"):
            return Origin(place, entries=(list_path, path[len(list_path) + 1 :]))
    known = types.all_fields(data_type).get(path)
    if known is None:
        raise PathError(f"{data_type} has no field {path}")
    return Origin(place, field=known[0], xsd=known[1])
