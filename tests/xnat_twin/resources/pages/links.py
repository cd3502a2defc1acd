"""Where a thing is: its address in the REST API, and the page that shows it (browse.py).

Page addresses are those of the REST API with `/browse` in place of `/data`. An object that another project shares is
named by its accession ID, since labels differ between projects.
"""

from __future__ import annotations

from xnat_twin.resources.pages.markup import address
from xnat_twin.storage.store import Experiment, Project, Reconstruction, Resource, Scan, Subject


def rest_address(project: Project, item: Project | Subject | Experiment | Scan | Reconstruction) -> str:
    """Where the REST API has the object, as seen from `project`.

    A session's address goes through its subject: below `/data/projects/P/experiments/E` XNAT has no scans.
    """
    match item:
        case Project():
            return address("data", "projects", item.id)
        case Subject():
            return rest_address(project, project) + address("subjects", _handle(item, project))
        case Experiment() if item.session is not None:
            return rest_address(project, item.session) + address("assessors", _handle(item, project))
        case Experiment() if item.project_id == project.project_id:
            return rest_address(project, item.subject) + address("experiments", item.label)
        case Experiment():
            return address("data", "experiments", item.id)
        case Scan():
            selector = item.id.replace(",", "[COMMA]").replace("/", "[SLASH]")
            return rest_address(project, item.experiment) + address("scans", selector)
        case Reconstruction():
            return rest_address(project, item.experiment) + address("reconstructions", item.id)


def rest_of_resource(project: Project, resource: Resource) -> str:
    """By number, since two resources of one object may have the same label."""
    owner = resource.owner
    directed = isinstance(owner, Reconstruction) or (isinstance(owner, Experiment) and owner.session is not None)
    middle = address(resource.direction) if directed else ""
    return rest_address(project, owner) + middle + address("resources", resource.resource_id)


def _handle(item: Subject | Experiment, project: Project) -> str:
    return item.label if item.project_id == project.project_id else item.id


def page_of(project: Project, item: Project | Subject | Experiment | Resource) -> str:
    """The page of the object, as seen from `project`."""
    base = address("browse", "projects", project.id)
    match item:
        case Project():
            return base
        case Subject():
            return base + address("subjects", _handle(item, project))
        case Experiment():
            return base + address("experiments", _handle(item, project))
        case Resource():
            return base + address("resources", item.resource_id)


def holder(resource: Resource) -> Project | Subject | Experiment:
    """What has a page of its own and holds the resource."""
    owner = resource.owner
    return owner.experiment if isinstance(owner, Scan | Reconstruction) else owner
