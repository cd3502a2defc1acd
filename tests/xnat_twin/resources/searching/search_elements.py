"""What can be searched for: data types, and the fields of each.

Reference: SearchElementListResource, SearchFieldListResource
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator

from falcon import Request, Response
from sqlalchemy import func, select

from xnat_twin.access.permissions import Access
from xnat_twin.datatypes.schema import PROJECT, SUBJECT, UnknownTypeError
from xnat_twin.errors import StatusError
from xnat_twin.lists.objects import readable
from xnat_twin.lists.tables import ONLY_XML, Row, Table
from xnat_twin.lookup.finder import Finder
from xnat_twin.resources.base import Endpoint, params_of, send_table
from xnat_twin.search.displays import display_fields, listing_of, order_of_listing, table_name, type_of
from xnat_twin.storage.store import Experiment, Project, Subject

_COLUMNS = ("FIELD_ID", "HEADER", "SUMMARY", "TYPE", "REQUIRES_VALUE", "DESC", "ELEMENT_NAME", "SRC")
_CUSTOM_VARIABLE = re.compile(
    r"(?P<protocol>studyProtocol\[[^\]]*\])/definitions/definition\[[^\]]*\]/fields/field\[name=(?P<name>[^\]]*)\]/type"
)


class SearchElements(Endpoint):
    """`/data/search/elements`"""

    def on_get(self, req: Request, resp: Response) -> None:
        """All types that rights are about; with `used` only those of which there is one, `readable` for the caller."""
        params = params_of(req)
        with self.reading(req) as finder:
            counts = _counts(finder, only_readable="readable" in params)
        types = [one for one in self.site.types.secured() if "used" not in params or counts[one.name]]
        rows = [
            {
                "ELEMENT_NAME": one.name,
                "SINGULAR": one.singular,
                "PLURAL": one.plural,
                "SECURED": "true",
                "COUNT": counts[one.name],
            }
            for one in types
        ]
        send_table(req, resp, Table(tuple(rows[0]) if rows else (), rows, "Data-Types", total_records=False))


class SearchFields(Endpoint):
    """`/data/search/elements/{names}`"""

    def on_get(self, req: Request, resp: Response, names: str) -> None:
        """Fields of one type, or of several between commas; XML if no form is asked for. 400 for an unknown type."""
        rows: list[Row] = []
        try:
            with self.reading(req) as finder:
                for name in names.split(","):
                    rows += _field_rows(finder, finder.types.resolve(name).name)
                properties = {"element_name": names, "versions": _versions(finder, names.split(",")[-1])}
        except UnknownTypeError as error:
            raise StatusError(400) from error
        table = Table(_COLUMNS, rows, "Search Fields", total_records=False, properties=properties)
        send_table(req, resp, table, offered=ONLY_XML)

    def on_put(self, req: Request, resp: Response, names: str) -> None:
        """Changes nothing. 404 for an unknown type."""
        if names not in self.site.types:
            raise StatusError(404)


def _counts(finder: Finder, *, only_readable: bool) -> Counter[str]:
    """How many objects of each type there are, shared ones once."""
    of_project = select(func.count(Project.project_id))
    of_subject = select(func.count(Subject.subject_id))
    of_type = select(Experiment.xsi_type, func.count()).group_by(Experiment.xsi_type)
    if only_readable:
        of_project = of_project.where(finder.allowed(Access.PROJECT))
        of_subject = of_subject.where(*readable(finder, Subject))
        of_type = of_type.where(*readable(finder, Experiment))
    session = finder.session
    counts = Counter(dict(session.execute(of_type).all()))
    counts[PROJECT], counts[SUBJECT] = session.scalar(of_project) or 0, session.scalar(of_subject) or 0
    return counts


def _field_rows(finder: Finder, data_type: str) -> Iterator[Row]:
    """What is searchable; then the variables that projects define, and the labels in the caller's projects."""
    fields = display_fields(finder.types, data_type)
    for one in fields.values():
        if one.searchable:
            summary = ", ".join(one.paths) or one.id  # XNAT shows the SQL
            kind = type_of(finder.types, data_type, one)
            asks = str(one.asks).lower()
            yield _row(data_type, one.id, one.header, summary, kind, 0, one.description or one.header, asks)
    label = next((name for name in fields if name.endswith("PROJECT_IDENTIFIER")), None)
    if label is None:
        return
    query = select(Project).where(finder.allowed(Access.READ)).order_by(Project.id)
    projects = finder.session.scalars(query).all()
    for project in projects:
        for name, kind in _custom_variables(project, data_type):
            text = f"Custom Variable: {name}"
            variable = f"{table_name(data_type).upper()}_FIELD_MAP={name.lower()}"
            yield _row(data_type, variable, name, text, kind, 1, text)
    for project in projects:
        text = f"Label within the {project.id} project."
        yield _row(data_type, f"{label}={project.id}", project.id, text, "string", 2, text)


def _row(
    data_type: str, name: str, header: str, summary: str, kind: str, source: int, description: str, asks: str = "false"
) -> Row:
    return dict(zip(_COLUMNS, (name, header, summary, kind, asks, description, data_type, source), strict=True))


def _custom_variables(project: Project, data_type: str) -> Iterator[tuple[str, str]]:
    """Names and types of the variables that the project's protocols define for a data type."""
    for path, kind in project.fields.items():
        found = _CUSTOM_VARIABLE.fullmatch(path)
        if found and kind == "custom" and project.fields.get(f"{found['protocol']}/data-type") == data_type:
            yield found["name"], str(project.fields.get(f"{path.rpartition('/')[0]}/datatype", "string"))


def _versions(finder: Finder, data_type: str) -> str:
    """The columns that a page shows for the type, as JSON. Reference: ElementDisplay.getVersionsJSON"""
    types = finder.types
    by, descending = order_of_listing(types, data_type)
    listing = {
        "name": "listing",
        "orderBy": by,
        "defaultSortOrder": "DESC" if descending else "ASC",
        "fields": [
            {"id": name, "element_name": owner, "header": display_fields(types, owner)[name].header, "visible": "true"}
            for owner, name in listing_of(types, data_type)
        ],
    }
    shown = [
        {"id": one.id, "element_name": data_type, "type": type_of(types, data_type, one), "visible": "true"}
        for one in display_fields(types, data_type).values()
        if one.visible and not one.asks
    ]
    versions = {"element_name": data_type, "versions": [listing, {"name": "all", "fields": shown}]}
    return json.dumps({"DisplayVersions": versions})
