"""What owns the resources that a path speaks of, and the URI that file lists give them. Reference: XNATTemplate.

Reading is forgiving: an experiment or scan that is not there falls back to the subject's or project's resources.
Every other method, HEAD included, then answers 404.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from .errors import StatusError
from .lookup import Finder, project_of
from .store import Experiment, Owner, Project, Scan, Subject


@dataclass
class Parents:
    """The objects named by a path, from the project downwards, as far as they were found."""

    project: Project | None = None
    subject: Subject | None = None
    experiment: Experiment | None = None
    scans: Sequence[Scan] = field(default_factory=list)

    @property
    def owners(self) -> Sequence[Owner]:
        """The deepest objects; only reading a scan selector gives more than one."""
        if self.scans:
            return self.scans
        deepest = self.experiment or self.subject or self.project
        return [deepest] if deepest is not None else []

    @property
    def secured_by(self) -> Project:
        """The project whose permissions count."""
        return project_of(self.owners[0])

    @property
    def base_uri(self) -> str:
        """The start of the URIs in a file list: accession IDs, and only as much of the path as XNAT writes."""
        uri = "/data"
        if self.project is not None and self.subject is not None:
            uri += f"/projects/{self.project.id}/subjects/{self.subject.id}"
        if self.scans and self.experiment is not None:
            return f"{uri}/experiments/{self.experiment.id}/scans/{','.join(scan.id for scan in self.scans)}"
        if self.experiment is not None:
            return f"{uri}/experiments/{self.experiment.id}"
        if self.subject is None and self.project is not None:
            return f"{uri}/projects/{self.project.id}"
        return uri


def resolve(finder: Finder, names: Mapping[str, str], method: str) -> Parents:
    """Find what `names` (project, subject, experiment, scan) mean. 404 as described above."""
    parents = Parents()
    if "project" in names:
        parents.project = finder.project(names["project"])
        if parents.project is None:
            raise StatusError(404, f"Unable to identify project: {names['project']}")
    if "subject" in names:
        parents.subject = finder.subject(parents.project, names["subject"])
        if parents.subject is None:
            raise StatusError(404, "Unable to identify subject")
    if "experiment" in names:
        parents.experiment = finder.experiment(parents.project, names["experiment"])
        if parents.experiment is None and method != "GET":
            raise StatusError(404, f"Unable to identify {'image session' if 'scan' in names else 'experiment'}")
    if "scan" in names and parents.experiment is not None:
        parents.scans = finder.scans(parents.experiment, unquote_plus(names["scan"]))
        if len(parents.scans) != 1 and method != "GET":
            raise StatusError(404, "Unable to identify scan")
        if not parents.scans:
            parents.experiment = None  # the fall-back skips the session
    if not parents.owners:
        raise StatusError(404, "Unable to identify experiment")
    deepest = parents.owners[0]
    if isinstance(deepest, Project) and not finder.may_read(deepest):  # protected: seen, but not its data
        raise StatusError(404)
    return parents
