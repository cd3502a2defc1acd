"""Which resources a request for files speaks of, their catalogs, and the URIs of their files.

For reading; an upload looks for one resource (upload.py). Reference: FileList (constructor), XNATTemplate.loadCatalogs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xnat_twin.lookup.finder import Finder
from xnat_twin.lookup.parents import Parents
from xnat_twin.site import Site
from xnat_twin.storage.catalog import Catalog
from xnat_twin.storage.store import Experiment, Owner, Project, Reconstruction, Resource, Scan, Subject


@dataclass(frozen=True)
class FileSource:
    """A resource with its catalog as it is now; `uri` is the start of the URIs that a list of several gives."""

    resource: Resource
    catalog: Catalog
    uri: str


def find_sources(
    site: Site, finder: Finder, parents: Parents, identifiers: str | None, *, everything: bool
) -> list[FileSource]:
    """The resources with these labels or numbers, separated by commas; without `identifiers` all that there are.

    One label can name several resources, as in `scans/ALL/resources/NIFTI`. A number is found wherever it is, with 404
    if the caller may not read it. `everything` is `all=true`: a session's scans, reconstructions and assessors as well.
    """
    owners = _with_children(finder, parents) if everything else parents.owners
    below = finder.resources(owners, parents.direction)
    if identifiers is None:
        return [_source(site, one, resource_uri(one)) for one in below]
    wanted = [part.strip() for part in identifiers.split(",")]
    named = [one for one in below if one.label in wanted or str(one.resource_id) in wanted]
    missing = set(wanted) - {str(one.resource_id) for one in named}
    elsewhere = [finder.numbered(number) for number in wanted if number.isdecimal() and number in missing]
    return [
        *(_source(site, one, resource_uri(one)) for one in named),
        *(_source(site, one, uri_below(parents.base_uri, one)) for one in elsewhere if one is not None),
    ]


def resource_uri(resource: Resource) -> str:
    """Where a list of several resources says that this one is: always below its own experiment, subject or project."""
    match resource.owner:
        case Scan() as scan:
            base = f"/data/experiments/{scan.experiment.id}/scans/{scan.id}"
        case Reconstruction() as reconstruction:
            session = reconstruction.experiment.id
            base = f"/data/experiments/{session}/reconstructions/{reconstruction.id}/{resource.direction}"
        case Experiment(session=Experiment() as session) as assessor:
            base = f"/data/experiments/{session.id}/assessors/{assessor.id}/{resource.direction}"
        case Experiment() as experiment:
            base = f"/data/experiments/{experiment.id}"
        case Subject() as subject:
            base = f"/data/projects/{subject.project.id}/subjects/{subject.id}"
        case Project() as project:
            base = f"/data/projects/{project.id}"
    return uri_below(base, resource)


def uri_below(base: str, resource: Resource) -> str:
    """The same, below whatever the request's own URL was found to mean."""
    return f"{base}/resources/{resource.resource_id}"


def _source(site: Site, resource: Resource, uri: str) -> FileSource:
    return FileSource(resource, site.archive.catalog(resource), uri)


def _with_children(finder: Finder, parents: Parents) -> Sequence[Owner]:
    """The owners, and what is below those that are sessions."""
    owners = list(parents.owners)
    for session in parents.owners:
        if isinstance(session, Experiment) and session.session_id is None:
            owners += [*finder.scans(session), *finder.reconstructions(session), *finder.assessors(session)]
    return owners
