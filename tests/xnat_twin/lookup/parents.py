"""What owns the resources that a path speaks of, and the URI that file lists give them. Reference: XNATTemplate.

Reading is forgiving: an experiment, scan, assessor or reconstruction that is not there falls back to the subject's or
project's resources. Every other method, HEAD included, then answers 404.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from xnat_twin.datatypes import schema
from xnat_twin.errors import StatusError
from xnat_twin.lookup.finder import Finder, Names, project_of
from xnat_twin.storage.store import Experiment, Owner, Project, Reconstruction, Scan, Subject


@dataclass
class Parents:
    """The objects named by a path, from the project downwards, as far as they were found."""

    project: Project | None = None
    subject: Subject | None = None
    #: The sessions that a path to scans, assessors or reconstructions goes through.
    assessed: Sequence[Experiment] = field(default_factory=list)
    #: The experiments, or assessors, that the path ends at.
    experiments: Sequence[Experiment] = field(default_factory=list)
    scans: Sequence[Scan] = field(default_factory=list)
    reconstructions: Sequence[Reconstruction] = field(default_factory=list)
    #: `in` or `out`: which resources of an assessor or reconstruction are meant.
    direction: str = "out"

    @property
    def experiment(self) -> Experiment | None:
        """The experiment whose resources are meant, or the session that they are below of."""
        return next(iter(self.experiments or self.assessed), None)

    @property
    def owners(self) -> Sequence[Owner]:
        """The deepest objects; only reading gives more than one."""
        if found := self.reconstructions or self.scans or self.experiments:
            return found
        deepest = self.subject or self.project
        return [deepest] if deepest is not None else []

    @property
    def security(self) -> Project | Subject | Experiment:
        """The object whose permissions and state count: the session, for what is below of one."""
        if self.assessed and (self.reconstructions or self.scans or self.experiments):
            return self.assessed[0]
        found = next(iter(self.experiments), None) or self.subject or self.project
        if found is None:
            raise LookupError("a path to nothing")
        return found

    @property
    def secured_by(self) -> Project:
        """The project whose permissions count."""
        return project_of(self.security)

    @property
    def base_uri(self) -> str:
        """The start of the URIs in a file list: accession IDs, and only as much of the path as XNAT writes.

        Reference: XNATCatalogTemplate.getBaseURI
        """
        uri = "/data"
        if self.project is not None and self.subject is not None:
            uri += f"/projects/{self.project.id}/subjects/{self.subject.id}"
        session = f"{uri}/experiments/{_ids(self.assessed)}"
        if self.reconstructions:
            return f"{session}/reconstructions/{_ids(self.reconstructions)}/{self.direction}"
        if self.scans:
            return f"{session}/scans/{_ids(self.scans)}"
        if self.experiments and self.assessed:
            return f"{session}/assessors/{_ids(self.experiments)}/{self.direction}"
        if self.experiments:
            return f"{uri}/experiments/{_ids(self.experiments)}"
        if self.subject is None and self.project is not None:
            return f"{uri}/projects/{self.project.id}"
        return uri


def _ids(objects: Sequence[Experiment | Scan | Reconstruction]) -> str:
    return ",".join(one.id for one in objects)


def resolve(finder: Finder, names: Names, method: str) -> Parents:
    """Find what `names` (project, subject, experiment, scan, assessor, reconstruction) mean. 404 as described above."""
    parents = Parents(direction=names.get("direction", "out"))
    if "project" in names:
        parents.project = finder.require_project(names["project"])
    if "subject" in names:
        parents.subject = finder.subject(parents.project, names["subject"])
        if parents.subject is None:
            raise StatusError(404, "Unable to identify subject")
    exact = method != "GET"
    below = next((kind for kind in ("scan", "assessor", "reconstruction") if kind in names), None)
    if "experiment" in names:
        wanted = names["experiment"].split(",")
        if below is None:
            found = [finder.experiment_by_id(one) or finder.experiment_by_label(parents.project, one) for one in wanted]
            parents.experiments = [one for one in found if one is not None]
            _require_one(parents.experiments, exact, "Unable to identify experiment")
        else:
            found = [finder.experiment(parents.project, one) for one in wanted]
            parents.assessed = [one for one in found if one is not None and finder.is_a(one, schema.IMAGE_SESSION)]
            _require_one(parents.assessed, exact, "Unable to identify image session")
    if below == "scan":
        selector = unquote_plus(names["scan"])
        parents.scans = [scan for session in parents.assessed for scan in finder.scans(session, selector)]
        _require_one(parents.scans, exact, "Unable to identify scan")
    elif below == "reconstruction":
        selector = unquote_plus(names["reconstruction"])
        selected = [finder.reconstructions(session, selector) for session in parents.assessed]
        parents.reconstructions = [one for some in selected for one in some]
        _require_one(parents.reconstructions, exact, "Unable to identify reconstruction")
    elif below == "assessor":
        parents.experiments = _assessors(finder, parents, names["assessor"].split(","))
        _require_one(parents.experiments, exact, "Unable to identify experiment")
    if not parents.owners:
        raise StatusError(404)
    deepest = parents.owners[0]
    if isinstance(deepest, Project) and not finder.may_read(deepest):  # protected: seen, but not its data
        raise StatusError(404)
    return parents


def _require_one(found: Sequence[object], exact: bool, message: str) -> None:
    if exact and len(found) != 1:
        raise StatusError(404, message)


def _assessors(finder: Finder, parents: Parents, selectors: Sequence[str]) -> Sequence[Experiment]:
    """By accession ID or label in the project; else, among those of the sessions, by label, type, `ALL` or `*`."""
    found: list[Experiment] = []
    for selector in selectors:
        one = finder.experiment_by_id(selector) or finder.experiment_by_label(parents.project, selector)
        if one is not None:
            found.append(one)
            continue
        for session in parents.assessed:
            for assessor in finder.assessors(session):
                if selector in {"ALL", "*", assessor.label} or finder.is_a(assessor, selector):
                    found.append(assessor)
    return found
