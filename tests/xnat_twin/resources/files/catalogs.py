"""Resource folders of any object. Reference: CatalogResource, CatalogResourceList."""

from __future__ import annotations

from collections.abc import Sequence

from falcon import Request, Response
from sqlalchemy import bindparam, update

from xnat_twin.access.permissions import LOCKED, Access
from xnat_twin.datatypes import schema
from xnat_twin.errors import StatusError
from xnat_twin.lists.tables import Table
from xnat_twin.lookup.finder import Finder
from xnat_twin.lookup.parents import Parents, resolve
from xnat_twin.resources.base import Endpoint, params_of, send_table
from xnat_twin.resources.objects.saving import MAY_NOT_MODIFY, Storing, requested_type
from xnat_twin.site import Site
from xnat_twin.storage import audit
from xnat_twin.storage.catalog import Catalog, ConcurrentModificationError, Entry
from xnat_twin.storage.database import Store
from xnat_twin.storage.store import OWNER_KEYS, Experiment, Item, Owner, Reconstruction, Resource, Scan

_COLUMNS = ("xnat_abstractresource_id", "label", "element_name", "category", "cat_id", "cat_desc", "file_count",
            "file_size", "tags", "content", "format")  # fmt: skip


class ResourceList(Storing):
    """`…/resources`."""

    def on_get(self, req: Request, resp: Response, **names: str) -> None:
        params = params_of(req)
        counts = self.site.flavour.resource_counts or params.true("file_stats")
        with self.reading(req) as finder:
            parents = resolve(finder, names, req.method)
            everything = params.true("all")
            owners = [*parents.owners, *(below(finder, parents) if everything else [])]
            found = finder.resources(owners, parents.direction)
            rows = [_row(finder, resource, everything=everything, counts=counts) for resource in found]
        send_table(req, resp, Table(_COLUMNS, rows, "Resources"))

    def on_put(self, req: Request, resp: Response, **names: str) -> None:
        with self.writing(req) as finder:
            parents = resolve(finder, names, req.method)
            require_edit(finder, parents)
            resource = create_resource(self.site, req, finder, parents, None, alone=True)
        self.send_created(req, resp, str(resource.resource_id))

    on_post = on_put


class OneResource(Storing):
    """`…/resources/LABEL`, by label, number, or several of them separated by commas."""

    def on_get(self, req: Request, resp: Response, resource: str, **names: str) -> None:
        with self.reading(req) as finder:
            parents = resolve(finder, names, req.method)
            found = find_resources(finder, parents, resource, (*parents.owners, *below(finder, parents)))
            if len(found) != 1:
                raise StatusError(404, "Unable to find the specified catalog.")
            catalog = self.site.archive.catalog(found[0])
        resp.content_type = "text/xml; charset=UTF-8"  # whatever `format` asks for
        resp.data = catalog.to_xml().encode()

    def on_put(self, req: Request, resp: Response, resource: str, **names: str) -> None:
        with self.reading(req) as finder:
            parents = resolve(finder, names, req.method)
            require_edit(finder, parents)
            if find_resources(finder, parents, resource):
                raise StatusError(409, "Specified resource already exists.")
        with self.writing(req) as finder:  # XNAT locks nothing: of two such requests at once both can come here
            parents = resolve(finder, names, req.method)
            create_resource(self.site, req, finder, parents, _wanted(resource)[0], alone=True)

    on_post = on_put

    def on_delete(self, req: Request, resp: Response, resource: str, **names: str) -> None:
        doomed = []
        with self.writing(req) as finder:
            parents = resolve(finder, names, req.method)
            found = find_resources(finder, parents, resource)
            if found:
                require_deletable(finder, parents)
            for one in found:
                named = f"{one.resource_id} ({one.label})" if one.label else str(one.resource_id)
                self.note(req, finder, parents.security, f"Removed Resource Catalog {named}", message=None)
                doomed.append(self.site.archive.catalog(one))
                finder.session.delete(one)
        for catalog in doomed:
            self.history(req).discard_resource(catalog)


class ResourceTail(Endpoint):
    """`…/resources/LABEL/anything-but-files`: refused."""

    def on_get(self, req: Request, resp: Response, resource: str, tail: str, **names: str) -> None:
        raise StatusError(400, f"This resource works at the catalog level only and does not accept file paths: {tail}")

    on_put = on_post = on_delete = on_get


def find_resources(
    finder: Finder, parents: Parents, identifiers: str, owners: Sequence[Owner] | None = None
) -> list[Resource]:
    """All resources with these labels or numbers below the parents, or below `owners`: a label can be there twice.

    404 for a number of no resource, or of one that may not be read.
    """
    wanted = _wanted(identifiers)
    for one in wanted:
        finder.numbered(one)
    found = finder.resources(parents.owners if owners is None else owners, parents.direction)
    return [one for one in found if one.label in wanted or str(one.resource_id) in wanted]


def _wanted(identifiers: str) -> list[str]:
    """Labels and numbers, without the blanks around the commas; a label that is made is the first that is no number.

    Reference: XNATCatalogTemplate
    """
    return sorted((one.strip() for one in identifiers.split(",")), key=str.isdecimal)


def find_target(finder: Finder, parents: Parents, identifier: str | None) -> Resource | None:
    """The resource that an upload goes to, whether it is an input or an output; the first one, if none is named.

    Reference: ResourceModifierA.getResourceByIdentifier
    """
    if identifier is None:
        return next(iter(finder.resources(parents.owners, parents.direction)), None)
    return finder.resource(parents.owners, identifier, direction=None) or finder.numbered(identifier)


def below(finder: Finder, parents: Parents) -> list[Owner]:
    """What a session has resources of besides its own: scans, reconstructions, and assessors that may be read."""
    if not parents.experiments or parents.assessed:
        return []
    sessions = [one for one in parents.experiments if finder.is_a(one, schema.IMAGE_SESSION)]
    kinds = (finder.scans, finder.reconstructions, finder.assessors)
    return [one for session in sessions for find in kinds for one in find(session)]


def require_edit(finder: Finder, parents: Parents) -> None:
    finder.require(parents.secured_by, Access.EDIT, MAY_NOT_MODIFY)


def require_deletable(finder: Finder, parents: Parents) -> None:
    """403 without the right to delete, and for what belongs to a locked object. Reference: CatalogResource"""
    finder.require(parents.secured_by, Access.DELETE, MAY_NOT_MODIFY)
    security = parents.security
    if isinstance(security, Item) and security.status in LOCKED:
        raise StatusError(403, f"Item {security.label} is locked, resource deletion not allowed.")


def create_resource(
    site: Site, req: Request, finder: Finder, parents: Parents, label: str | None, *, alone: bool = False
) -> Resource:
    """A new resource with its folder and catalog. An orphaned catalog in its place is taken over, as XNAT does.

    One that is created `alone`, not by a file upload, comes from the catalog service (since 1.7): that does not know
    `in`, so it makes an output of it. Then the site may demand a reason for it.
    """
    if alone:
        if not finder.types.instance_of(
            requested_type(finder, params_of(req), None, schema.RESOURCE_CATALOG).name, schema.RESOURCE_CATALOG
        ):
            raise StatusError(422, "Only ResourceCatalog documents can be PUT to this address.")
        audit.record(finder, site.preferences, params_of(req), parents.security, "Created resource", message=None)
    if label is not None and ("'" in label or label in {".", ".."}):
        raise StatusError(400, f"Invalid resource label: {label}")
    owner = parents.owners[0]
    by_service = alone and site.flavour.catalog_service
    key = OWNER_KEYS[type(owner)]
    resource = Resource(
        label=label,
        direction="out" if by_service else parents.direction,
        by_service=by_service,
        **{key: getattr(owner, key)},
    )
    configure_resource(req, resource)
    typed = isinstance(owner, Scan) and bool(owner.fields.get("type"))
    if typed and not resource.content and not finder.resources([owner]):
        resource.content = "RAW"  # the first resource of a scan that has a type
    finder.session.add(resource)
    finder.session.flush()
    try:
        site.archive.catalog(resource).write(site.archive.disk)
    except ConcurrentModificationError as error:  # somebody else makes a resource of this label at this moment
        raise StatusError(500, str(error)) from error
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


def write_catalog(site: Site, catalog: Catalog) -> None:
    """Write a catalog that was read before. 500 if someone else wrote it meanwhile, which XNAT 1.6 does not notice."""
    try:
        catalog.write(site.archive.disk, site.faults.take_interference(), guarded=site.flavour.catalog_conflict)
    except ConcurrentModificationError as error:
        raise StatusError(500, str(error)) from error


_SAVE_STATISTICS = (
    update(Resource)
    .where(Resource.resource_id == bindparam("resource"))
    .values(file_count=bindparam("count"), file_size=bindparam("size"))
)


def save_statistics(store: Store, resource_id: int, entries: Sequence[Entry]) -> None:
    """Store how many files there are and how large they are; nothing, if the resource was deleted meanwhile."""
    size = sum([entry.size for entry in entries])
    store.note(_SAVE_STATISTICS, {"resource": resource_id, "count": len(entries), "size": size})


def _row(finder: Finder, resource: Resource, *, everything: bool, counts: bool) -> dict[str, object]:
    owner = resource.owner
    category, identifier, description = "resources", "", " "
    match owner:
        case Scan():
            category, identifier, description = "scans", owner.id, str(owner.fields.get("type", ""))
        case Reconstruction():
            category, identifier, description = "reconstructions", owner.id, str(owner.fields.get("type", ""))
        case Experiment() if owner.session_id is not None:
            category, identifier = "assessors", owner.id
            # Asked for everything, XNAT looks for the name of the resource's type, which has none.
            description = "" if everything else finder.types.resolve(owner.xsi_type).singular
        case Experiment() if everything:
            description = ""
        case Experiment():
            identifier = owner.id
    return {
        "xnat_abstractresource_id": resource.resource_id,
        "label": resource.label,
        "element_name": schema.RESOURCE_CATALOG,
        "category": category,
        "cat_id": identifier,
        "cat_desc": description,
        "file_count": resource.file_count if counts else None,
        "file_size": resource.file_size if counts else None,
        "tags": resource.tags,
        "content": resource.content,
        "format": resource.format,
    }
