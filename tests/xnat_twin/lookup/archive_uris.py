"""`/archive/projects/P/…`: names of objects that are parameters of services. Reference: URIManager, UriParserUtils.

The objects are found whoever asks, so that a service can say 403 where a URL of the object itself would say 404.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xnat_twin.datatypes import schema
from xnat_twin.errors import StatusError
from xnat_twin.lookup.finder import Finder
from xnat_twin.storage.store import Experiment, Owner, Resource, User

_EVERYONE = User(user_id=0, login="", first_name="", last_name="", admin=True)
_PROJECT = "/projects/(?P<project>[^/]+)"
_SESSION = f"/(?:{_PROJECT[1:]}/subjects/(?P<subject>[^/]+)/)?experiments/(?P<experiment>[^/]+)"
_FORMS = tuple(
    re.compile(f"/archive{owner}(?:{direction}/resources/(?P<resource>[^/]+)(?:/files)?(?P<file>/.*)?)?")
    for owner, direction in {
        _PROJECT: "",
        f"{_PROJECT}/subjects/(?P<subject>[^/]+)": "",
        f"{_PROJECT}/experiments/(?P<experiment>[^/]+)": "",
        "/subjects/(?P<subject>[^/]+)": "",
        _SESSION: "",
        f"{_SESSION}/scans/(?P<scan>[^/]+)": "",
        f"{_SESSION}/assessors/(?P<assessor>[^/]+)": "(?:/(?P<direction>[^/]+))?",
        f"{_SESSION}/reconstructions/(?P<reconstruction>[^/]+)": "/(?P<direction>[^/]+)",
    }.items()
)


@dataclass(frozen=True)
class ArchiveItem:
    """What a URI means: the object whose rights count, and the one that has the resources, if it is there."""

    uri: str
    names: Mapping[str, str]
    security: Owner
    owner: Owner | None

    def resources(self, finder: Finder) -> Sequence[Resource]:
        """The resource that the URI names, by its label; else all, for a session with those of all that is below it.

        A number stands only for a resource without a label. Raises LookupError for all of something that is not there.
        """
        label = self.names.get("resource")
        if self.owner is None:
            if label is None:
                raise LookupError(self.uri)
            return []
        if isinstance(self.owner, Experiment) and self.owner.session is not None and "assessor" not in self.names:
            return []  # an assessor that is named as an experiment has neither inputs nor outputs
        if label is None:
            return finder.resources(_with_children(finder, self.owner))
        below = finder.resources([self.owner], "in" if self.names.get("direction") == "in" else "out")
        return [one for one in below if label == (one.label or str(one.resource_id))][:1]


def find_item(finder: Finder, uri: str) -> ArchiveItem:
    """400 for a URI of no such form, of a file, or of nothing."""
    path = uri[5:] if uri.startswith(("/data", "/REST")) else uri
    match = next(filter(None, (form.fullmatch(path) for form in _FORMS)), None)
    if match is None:
        known = path == "/archive" or path.startswith("/prearchive")
        raise StatusError(400, f"{'Invalid' if known else 'Malformed'} URI: {uri}")
    names = {name: value for name, value in match.groupdict().items() if value is not None}
    if names.get("file", "/") != "/":
        raise StatusError(
            400,
            f"Resource URI: {uri} is a file; you should provide the path to a resource (leave off the *_catalog.xml).",
        )
    owner, security = _find(replace(finder, user=_EVERYONE), names)
    if security is None:
        raise StatusError(400, f"Cannot locate archivable item securing {uri}")
    return ArchiveItem(uri, names, security, owner)


def _find(finder: Finder, names: Mapping[str, str]) -> tuple[Owner | None, Owner | None]:
    """(object that has the resources, object whose rights count)."""
    project = finder.home(names)
    if "experiment" not in names:
        item = finder.subject(project, names["subject"]) if "subject" in names else project
        return item, item
    experiment = finder.experiment(project, names["experiment"])
    if experiment is None:
        return None, None
    if "scan" in names:
        return finder.scan(experiment, names["scan"]), experiment
    if "reconstruction" in names:
        return finder.reconstruction(experiment, names["reconstruction"]), experiment
    if "assessor" in names:
        called = names["assessor"]
        assessor = next((one for one in finder.assessors(experiment) if called in {one.id, one.label}), None)
        return assessor, assessor
    return experiment, experiment


def _with_children(finder: Finder, owner: Owner) -> Sequence[Owner]:
    if not isinstance(owner, Experiment) or not finder.is_a(owner, schema.IMAGE_SESSION):
        return [owner]
    every = replace(finder, user=_EVERYONE)
    return [owner, *every.scans(owner), *every.reconstructions(owner), *every.assessors(owner)]
