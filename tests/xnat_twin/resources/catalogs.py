"""Resource folders of any object. Reference: CatalogResource, CatalogResourceList."""

from __future__ import annotations

from collections.abc import Sequence

from falcon import Request, Response
from sqlalchemy import bindparam, update

from ..catalog import Entry
from ..errors import StatusError
from ..lookup import Finder
from ..parents import Parents, resolve
from ..permissions import Access
from ..site import Site
from ..store import OWNER_KEYS, Owner, Project, Resource, Scan, Store, Subject
from ..tables import Table
from .base import Endpoint, params_of, send_table, send_text

_COLUMNS = ("xnat_abstractresource_id", "label", "element_name", "category", "cat_id", "cat_desc", "file_count",
            "file_size", "tags", "content", "format")  # fmt: skip


class ResourceList(Endpoint):
    """`…/resources`."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        with self.reading(req) as finder:
            parents = resolve(finder, names, req.method)
            owners = list(parents.owners)
            if params_of(req).true("all") and parents.experiment is not None and not parents.scans:
                owners += finder.scans(parents.experiment, "ALL")
            rows = [_row(resource) for resource in finder.resources(owners)]
        send_table(req, resp, Table(_COLUMNS, rows, "Resources"))

    def on_put(self, req: Request, resp: Response, **names: str) -> None:
        with self.writing(req) as finder:
            parents = resolve(finder, names, req.method)
            require_edit(finder, parents)
            resource = create_resource(self.site, req, finder, parents.owners[0], None)
            uri = f"{parents.base_uri}/resources/{resource.resource_id}"
        send_text(resp, uri)

    on_post = on_put


class OneResource(Endpoint):
    """`…/resources/LABEL`, by label, number, or several of them separated by commas."""

    def on_get(self, req: Request, resp: Response, resource: str, **names: str) -> None:
        with self.reading(req) as finder:
            found = find_resources(finder, resolve(finder, names, req.method), resource)
            if len(found) != 1:
                raise StatusError(404, "Unable to find the specified catalog.")
            catalog = self.site.archive.catalog(found[0])
        resp.content_type = "text/xml; charset=UTF-8"  # whatever `format` asks for
        resp.data = catalog.to_xml().encode()

    def on_put(self, req: Request, resp: Response, resource: str, **names: str) -> None:
        with self.writing(req) as finder:
            parents = resolve(finder, names, req.method)
            require_edit(finder, parents)
            if find_resources(finder, parents, resource):
                raise StatusError(409, "Specified resource already exists.")
            create_resource(self.site, req, finder, parents.owners[0], resource)

    on_post = on_put

    def on_delete(self, req: Request, resp: Response, resource: str, **names: str) -> None:
        folders = []
        with self.writing(req) as finder:
            parents = resolve(finder, names, req.method)
            found = find_resources(finder, parents, resource)
            if found and finder.access(parents.secured_by) < Access.DELETE:
                raise StatusError(403, "User account doesn't have permission to modify this session.")
            for one in found:
                folders.append(self.site.archive.resource_folder(one))
                finder.session.delete(one)
        for folder in folders:
            self.site.archive.disk.remove(folder)


class ResourceTail(Endpoint):
    """`…/resources/LABEL/anything-but-files`: refused."""

    def on_get(self, req: Request, resp: Response, resource: str, tail: str, **names: str) -> None:
        raise StatusError(400, f"This resource works at the catalog level only and does not accept file paths: {tail}")

    on_put = on_post = on_delete = on_get


def find_resources(finder: Finder, parents: Parents, identifiers: str) -> list[Resource]:
    found = (finder.resource(parents.owners, one) for one in identifiers.split(","))
    return [resource for resource in found if resource is not None]


def require_edit(finder: Finder, parents: Parents) -> None:
    if finder.access(parents.secured_by) < Access.EDIT:
        raise StatusError(403, "User account doesn't have permission to modify this session.")


def create_resource(site: Site, req: Request, finder: Finder, owner: Owner, label: str | None) -> Resource:
    """A new resource with its folder and catalog. An orphaned catalog in its place is taken over, as XNAT does."""
    if label is not None and ("'" in label or label in {".", ".."}):
        raise StatusError(400, f"Invalid resource label: {label}")
    key = OWNER_KEYS[type(owner)]
    resource = Resource(label=label, **{key: getattr(owner, key)})
    configure_resource(req, resource)
    finder.session.add(resource)
    finder.session.flush()
    site.archive.catalog(resource).write(site.archive.disk)
    return resource


def configure_resource(req: Request, resource: Resource) -> None:
    """Take format, content, description and tags from the request; a file upload does this to its resource, too."""
    for name, value in _configuration(req).items():
        setattr(resource, name, value)


def is_configured(req: Request, resource: Resource) -> bool:
    """Whether `configure_resource` would change nothing."""
    return all(getattr(resource, name) == value for name, value in _configuration(req).items())


def _configuration(req: Request) -> dict[str, str]:
    params = params_of(req)
    given = {name: params.get(name) for name in ("format", "content", "description")}
    given["tags"] = ",".join(params.listed("tags"))
    return {name: value for name, value in given.items() if value}


_SAVE_STATISTICS = (
    update(Resource)
    .where(Resource.resource_id == bindparam("resource"))
    .values(file_count=bindparam("count"), file_size=bindparam("size"))
)


def save_statistics(store: Store, resource_id: int, entries: Sequence[Entry]) -> None:
    """Store how many files there are and how large they are; nothing, if the resource was deleted meanwhile."""
    size = sum([entry.size for entry in entries])
    store.note(_SAVE_STATISTICS, {"resource": resource_id, "count": len(entries), "size": size})


def _row(resource: Resource) -> dict[str, object]:
    owner = resource.owner
    description = ""
    match owner:
        case Scan():
            category, identifier = "scans", owner.id
            description = str(owner.fields.get("type", ""))
        case Project() | Subject():
            category, identifier = "resources", ""
        case _:
            category, identifier = "resources", owner.id
    return {
        "xnat_abstractresource_id": resource.resource_id,
        "label": resource.label,
        "element_name": "xnat:resourceCatalog",
        "category": category,
        "cat_id": identifier,
        "cat_desc": description,
        "file_count": resource.file_count,
        "file_size": resource.file_size,
        "tags": resource.tags,
        "content": resource.content,
        "format": resource.format,
    }
