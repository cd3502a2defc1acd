"""Database rows as documents (one object with what is below it) and as table rows (one line of a list)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from sqlalchemy import select

from . import items, schema
from .fields import SHORTCUTS, canonical_path
from .lookup import Finder
from .params import Params
from .schema import Types
from .store import Experiment, Item, Project, Resource, Scan, Subject
from .tables import Table, text


def project_document(finder: Finder, project: Project) -> items.Document:
    return items.build(finder.types, schema.PROJECT, {"ID": project.id, **project.fields}, project.insert_date)


def subject_document(finder: Finder, subject: Subject) -> items.Document:
    fields = {"ID": subject.id, "project": subject.project.id, "label": subject.label, **subject.fields}
    document = items.build(finder.types, schema.SUBJECT, fields, subject.insert_date)
    query = select(Experiment).where(Experiment.subject_id == subject.subject_id).order_by(Experiment.experiment_id)
    if experiments := [experiment_fields(finder, experiment) for experiment in finder.session.scalars(query)]:
        document.children["experiments/experiment"] = experiments
    _add_resources(finder, document, "resources/resource", subject)
    return document


def experiment_fields(finder: Finder, experiment: Experiment) -> items.Document:
    """The experiment alone, without what is below it."""
    fields = {
        "ID": experiment.id,
        "project": experiment.project.id,
        "label": experiment.label,
        "subject_ID": experiment.subject.id,
        **experiment.fields,
    }
    return items.build(finder.types, experiment.xsi_type, fields, experiment.insert_date)


def experiment_document(finder: Finder, experiment: Experiment) -> items.Document:
    document = experiment_fields(finder, experiment)
    if scans := [scan_document(finder, scan) for scan in finder.scans(experiment, "ALL")]:
        document.children["scans/scan"] = scans
    _add_resources(finder, document, "resources/resource", experiment)
    return document


def scan_document(finder: Finder, scan: Scan) -> items.Document:
    fields = {
        "ID": scan.id,
        "image_session_ID": scan.experiment.id,
        "xnat_imagescandata_id": scan.scan_id,
        **scan.fields,
    }
    document = items.build(finder.types, scan.xsi_type, fields, scan.insert_date)
    _add_resources(finder, document, "file", scan)
    return document


def _add_resources(finder: Finder, document: items.Document, path: str, owner: Subject | Experiment | Scan) -> None:
    if resources := finder.resources([owner]):
        document.children[path] = [
            items.Document("xnat:resourceCatalog", resource_fields(resource), document.when) for resource in resources
        ]


def resource_fields(resource: Resource) -> dict[str, str | int | float | bool]:
    fields: dict[str, str | int | float | bool] = {
        "xnat_abstractresource_id": resource.resource_id,
        "file_count": resource.file_count,
        "file_size": resource.file_size,
    }
    named = {"label": resource.label, "format": resource.format, "content": resource.content}
    return fields | {name: value for name, value in named.items() if value}


def _common(item: Item) -> dict[str, object]:
    return {
        "insert_date": f"{item.insert_date}.0",
        "insert_user": item.insert_user,
        "last_modified": f"{item.last_modified}.0",
    }


def project_row(types: Types, project: Project) -> dict[str, object]:
    return {
        **_by_shortcut(types, schema.PROJECT, schema.PROJECT, project),
        "ID": project.id,
        "URI": f"/data/projects/{project.id}",
    }


def subject_row(types: Types, subject: Subject, shared_label: str | None = None) -> dict[str, object]:
    """A line of a subject list; in a project that it is shared with it has the label of that project."""
    return {
        **_by_shortcut(types, schema.SUBJECT, schema.SUBJECT, subject),
        **_common(subject),
        "ID": subject.id,
        "project": subject.project.id,
        "label": shared_label or subject.label,
        "URI": f"/data/subjects/{subject.id}",
    }


def experiment_row(types: Types, experiment: Experiment, shared_label: str | None = None) -> dict[str, object]:
    """As `subject_row`."""
    return {
        **_by_shortcut(types, schema.EXPERIMENT, experiment.xsi_type, experiment),
        **_common(experiment),
        "ID": experiment.id,
        "project": experiment.project.id,
        "label": shared_label or experiment.label,
        "xsiType": experiment.xsi_type,
        "subject_ID": experiment.subject.id,
        "subject_label": experiment.subject.label,
        "subject_project": experiment.subject.project.id,
        "URI": f"/data/experiments/{experiment.id}",
    }


def scan_row(types: Types, scan: Scan) -> dict[str, object]:
    return {
        **_by_shortcut(types, schema.IMAGE_SCAN, scan.xsi_type, scan),
        **_common(scan),
        "xnat_imagescandata_id": scan.scan_id,
        "ID": scan.id,
        "xsiType": scan.xsi_type,
        "URI": f"/data/experiments/{scan.experiment.id}/scans/{scan.id}",
    }


def _by_shortcut(types: Types, kind: str, data_type: str, item: Item) -> dict[str, object]:
    """Every stored field under its path and, where there is one, under its shortcut."""
    row: dict[str, object] = dict(item.fields)
    for shortcut in SHORTCUTS[kind]:
        path = canonical_path(types, shortcut, data_type, SHORTCUTS[kind])
        if path is not None:
            row[shortcut] = item.fields.get(path)
    return row


def listing(
    types: Types, params: Params, kind: str, rows: Iterable[Mapping[str, object]], default: Sequence[str]
) -> Table:
    """The table of a list request: filtered, with the columns that were asked for, paged.

    Columns are shortcuts or XPaths; unknown ones are dropped without a word. `ID` and `URI` are always there.
    """
    rows = [row for row in rows if _matches(types, params, kind, row)]
    columns = list(default)
    if "columns" in params:
        asked = [name.strip() for name in params.get("columns").split(",")]
        columns = list(dict.fromkeys(["ID", *filter(None, (_header(name, kind, default) for name in asked)), "URI"]))
    plain = [{column: _cell(row, column, kind) for column in columns} for row in rows]
    paged = "limit" in params or "offset" in params
    if paged:
        offset = int(params.get("offset", "0") or 0)
        limit = params.get("limit", "100")
        plain = plain[offset:] if limit == "*" else plain[offset : offset + int(limit)]
    return Table(columns, plain, total_records=not paged)


_READ_ONLY = ("insert_date", "insert_user", "last_modified", "xsiType", "subject_label", "subject_project",
              "xnat_imagescandata_id")  # fmt: skip


def _header(name: str, kind: str, default: Sequence[str]) -> str | None:
    """The column's name in the answer: the shortcut's own, else the XPath in lower case, else nothing."""
    if name in SHORTCUTS[kind] or name in default:
        return name
    if name in _READ_ONLY and not (name == "xsiType" and kind in {schema.SUBJECT, schema.PROJECT}):
        return name
    head, _, path = name.partition("/")
    if ":" not in head or not path:
        return None
    by_path = {stored.lower(): shortcut for shortcut, stored in SHORTCUTS[kind].items()}
    return by_path.get(path.lower().replace("[@xsi:type=xnat:demographicdata]", "")) or name.lower()


def _cell(row: Mapping[str, object], column: str, kind: str) -> object:
    if column in row or "/" not in column:
        return row.get(column)
    wanted = column.partition("/")[2]
    return next((value for path, value in row.items() if path.lower() == wanted), None)


def _matches(types: Types, params: Params, kind: str, row: Mapping[str, object]) -> bool:
    """Whether the row fits every parameter that names a column: `*` and `%` are wildcards, a comma means "or"."""
    for name, wanted in params:
        header = _header(name, kind, ())
        if header is None:
            continue
        if header == "xsiType":
            if not any(types.instance_of(str(row["xsiType"]), one) for one in wanted.split(",")):
                return False
            continue
        found = text(_cell(row, header, kind))
        if not any(fnmatchcase(found, one.replace("%", "*")) for one in wanted.split(",")):
            return False
    return True
