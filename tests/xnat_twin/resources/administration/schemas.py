"""Schemas as files, and the data types in them as lists. Reference: SchemaApi, SchemaOnlyApi."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from falcon import Request, Response
from sqlalchemy import func, select

from xnat_twin.access.permissions import Access
from xnat_twin.datatypes import schema
from xnat_twin.datatypes.definitions import DataType, Schema
from xnat_twin.datatypes.new_types import NewTypeError, create
from xnat_twin.datatypes.schema import UnknownTypeError
from xnat_twin.errors import XapiError
from xnat_twin.lookup.finder import Finder
from xnat_twin.resources.administration.xapi import XapiEndpoint, json_object, not_found
from xnat_twin.resources.base import is_form, params_of, send_json, user_of
from xnat_twin.storage.database import next_number
from xnat_twin.storage.store import Experiment, Project, Scan, Subject


class Schemas(XapiEndpoint):
    """`/xapi/schemas` lists names; `/xapi/schemas/xnat` and `/xapi/schemas/birn/birnprov` are the files."""

    def on_get(self, req: Request, resp: Response) -> None:
        user_of(req)
        send_json(resp, list(self.site.types.schemas))

    def on_get_one(self, req: Request, resp: Response, name: str, file: str | None = None) -> None:
        user_of(req)
        _send_schema(resp, self._find(f"{name}/{file or name}.xsd"))

    def _find(self, path: str) -> Schema:
        found = next((one for one in self.site.types.schemas.values() if one.file == path), None)
        if found is None:
            raise not_found(f"classpath:schemas/{path}")
        return found


class SchemaFiles(Schemas):
    """`/schemas/xnat/xnat.xsd`, where documents say that their schemas are; also `/schemas/xnat.xsd`."""

    def on_get_one(self, req: Request, resp: Response, name: str, file: str | None = None) -> None:
        user_of(req)
        if file is not None:
            _send_schema(resp, self._find(f"{name}/{file}"))
            return
        paths = [one.file for one in self.site.types.schemas.values() if one.file.rpartition("/")[2] == name]
        _send_schema(resp, self._find(paths[0] if paths else name))


def _send_schema(resp: Response, found: Schema) -> None:
    resp.content_type = "application/xml;charset=UTF-8"
    resp.data = found.text.encode()


class DataTypeElements(XapiEndpoint):
    """`/xapi/schemas/datatypes`: names; `…/datatypes/elements` and `…/names`: what is known of types, by any name."""

    def on_get(self, req: Request, resp: Response) -> None:
        user_of(req)
        send_json(resp, sorted(data_type.name for data_type in self.site.types))

    def on_get_elements_of(self, req: Request, resp: Response, name: str) -> None:
        user_of(req)
        send_json(resp, {_formatted(one): self._element(one) for one in self._asked(name)})

    def on_post_elements(self, req: Request, resp: Response) -> None:
        user_of(req)
        send_json(resp, {_formatted(one): self._element(one) for one in self._resolve(_requested(req))})

    def on_get_names_of(self, req: Request, resp: Response, name: str) -> None:
        user_of(req)
        found: dict[str, list[str]] = {_formatted(one): sorted(self._names(one)) for one in self._asked(name)}
        if name == "all":
            found["timestamp"] = [str(int(self.site.started * 1000))]
        send_json(resp, found)

    def on_post_names(self, req: Request, resp: Response) -> None:
        user_of(req)
        send_json(resp, {_formatted(one): sorted(self._names(one)) for one in self._resolve(_requested(req))})

    def _asked(self, name: str) -> Iterable[DataType]:
        return self.site.types if name == "all" else self._resolve([name])

    def _resolve(self, names: list[str]) -> list[DataType]:
        """The types that are called so in any of the ways of `_names`. 404 with all names of none."""
        known = {name: one for one in self.site.types for name in self._names(one)}
        if missing := sorted(set(names) - known.keys()):
            raise not_found(", ".join(missing))
        return list(dict.fromkeys(known[name] for name in names))

    def _names(self, one: DataType) -> set[str]:
        uri = self._uri(one)
        words = (one.name.partition(":")[2], one.element.partition(":")[2])
        prefixes = (one.prefix, uri.rpartition("/")[2])
        short = {f"{prefix}{sign}{word}" for prefix in prefixes for sign in ":_" for word in words}
        return short | {f"{uri}:{word}" for word in words}

    def _uri(self, one: DataType) -> str:
        return next(found.uri for found in self.site.types.schemas.values() if found.prefix == one.prefix)

    def _element(self, one: DataType) -> dict[str, Any]:
        """Reference: GenericWrapperElementSerializer"""
        name = one.name.partition(":")[2]
        return {
            "label": name,
            "sqlName": _formatted(one),
            "name": name,
            "properName": one.element.partition(":")[2],
            "formattedName": _formatted(one),
            "xmlName": one.name,
            "type": one.name,
            "namespacePrefix": one.prefix,
            "namespaceURI": self._uri(one),
            "defaultKey": {f"{_formatted(one)}_id": "xs:integer"},
            "fields": {
                element.name: {
                    "prefix": element.prefix,
                    "xmlPath": element.name,
                    "xmlType": f"xs:{element.kind}" if element.kind else element.item,
                }
                for element in one.elements
            },
        }


def _formatted(one: DataType) -> str:
    return one.name.replace(":", "_")


def _requested(req: Request) -> list[str]:
    """`dataTypes` and `dataType` of a form or of JSON. `dataType` alone is a 500: XNAT forgot that case."""
    params = params_of(req)
    if is_form(req, params):
        names, one = params.all("dataTypes") or None, params.get("dataType")
    else:
        body = json_object(req)
        names, one = body.get("dataTypes"), body.get("dataType", "")
    if not isinstance(names, list):
        raise XapiError(500, "There was an error in the request : null")
    asked = [*(part for name in names for part in str(name).split(",")), *([one] if one else [])]
    if not asked:
        raise XapiError(400, 'No data-type names found on the request: must specify one of "dataType" or "dataTypes"')
    return asked


class DataTypes(XapiEndpoint):
    """`/xapi/datatypes` (1.10): the types of projects, subjects, experiments and scans, and how many there are of each.

    Reference: xnat-rest-tests TestDataTypesApi, TestCustomDataTypeLifecycle
    """

    def on_get(self, req: Request, resp: Response) -> None:
        params = params_of(req)
        with self.reading(req) as finder:
            counts = _counts(finder, readable_only=params.true("readable"))
        secured = {one.name for one in self.site.types.secured()}
        found = [
            {
                "elementName": one.name,
                "singular": one.singular,
                "plural": one.plural,
                "secured": one.name in secured,
                "count": counts[one.name],
            }
            for one in self.site.types
            if one.name in secured or self.site.types.instance_of(one.name, schema.IMAGE_SCAN)
        ]
        for wanted, name in ((params.true("secured"), "secured"), (params.true("used"), "count")):
            found = [one for one in found if one[name] or not wanted]
        send_json(resp, found)

    def on_get_one(self, req: Request, resp: Response, name: str) -> None:
        user_of(req)
        try:
            found = self.site.types.resolve(name)
        except UnknownTypeError:
            raise not_found(name) from None
        secured = found in self.site.types.secured()
        switches = ("secure", "secureRead", "secureEdit", "secureCreate", "secureDelete", "browse", "searchable")
        send_json(
            resp,
            {
                "elementName": found.name,
                "singular": found.singular,
                "plural": found.plural,
                **dict.fromkeys(switches, secured),
            },
        )

    def on_post_create(self, req: Request, resp: Response) -> None:
        self.admin(req, resp)
        params = params_of(req)
        given = {name: params.raw(name) for name in ("name", "singular", "plural", "extends")}
        if missing := [name for name, value in given.items() if not value]:
            raise XapiError(400, f"Required parameter '{missing[0]}' is not present.")
        try:
            with self.writing(req) as finder:
                number = next_number(finder.session, "schema")
                name = create(self.site.types, self.site.schema_folder, number, **given)
        except NewTypeError as error:
            raise XapiError(400, str(error)) from error
        send_json(resp, {"complexType": name}, 201)


def _counts(finder: Finder, *, readable_only: bool) -> Counter[str]:
    """How many objects there are of each type, in four queries."""
    allowed = select(Project.project_id)
    if readable_only:
        allowed = allowed.where(finder.allowed(Access.READ))
    session, experiments = finder.session, select(Experiment.experiment_id).where(Experiment.project_id.in_(allowed))
    counts: Counter[str] = Counter()
    for kind in (Experiment, Scan):
        inside = Experiment.project_id.in_(allowed) if kind is Experiment else Scan.experiment_id.in_(experiments)
        for name, number in session.execute(select(kind.xsi_type, func.count()).where(inside).group_by(kind.xsi_type)):
            counts[name] += number
    subjects = select(func.count()).select_from(Subject).where(Subject.project_id.in_(allowed))
    counts[schema.SUBJECT] = session.scalar(subjects) or 0
    counts[schema.PROJECT] = session.scalar(select(func.count()).select_from(allowed.subquery())) or 0
    return counts
