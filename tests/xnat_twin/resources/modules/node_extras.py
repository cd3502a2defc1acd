"""What the module dpuk-node-extras adds: data freezes, and sharing of them between DPUK nodes and the hub.

Its addresses and the site settings that it reads (`datafreeze.…`) are those of its sources (1-3b, in the DPUK's public
jar); what it answers is plain guesswork. Nothing here contacts another server: remote exports are written down and not
carried out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from falcon import Request, Response
from sqlalchemy import select

from xnat_twin.access.permissions import Access
from xnat_twin.errors import StatusError
from xnat_twin.lists.tables import Table
from xnat_twin.lookup.finder import VALID_ID, Finder
from xnat_twin.resources.base import Endpoint, params_of, send_json, send_table, send_text
from xnat_twin.storage.store import Configuration, Experiment, ExperimentShare, Project, Subject, SubjectShare

TOOL = "datafreeze"
HUB, LOCATION = "datafreeze.remote.hub.location", "datafreeze.remote.location"
_FREEZES, _RELATIONS = "freezes/", "relations/"


class DataFreeze(Endpoint):
    """`/data/projects/P/datafreeze`: the project's freezes; POST with `label` makes one of what there is now."""

    def on_get(self, req: Request, resp: Response, project: str) -> None:
        with self.reading(req) as finder:
            found = _notes(finder, _readable(finder, project).id, _FREEZES)
        rows = [{"label": path.removeprefix(_FREEZES), **json.loads(note.contents)} for path, note in found.items()]
        send_table(req, resp, Table(("label", "subjects", "experiments", "user", "date"), rows, "Data freezes"))

    def on_post(self, req: Request, resp: Response, project: str) -> None:
        label = params_of(req).get("label")
        if not VALID_ID.fullmatch(label):
            raise StatusError(400, "A data freeze needs a label of letters, digits, _ and -.")
        with self.writing(req) as finder:
            found = _readable(finder, project)
            finder.require(found, Access.DELETE, "Only owners may freeze a project.")
            if _FREEZES + label in _notes(finder, found.id, _FREEZES):
                raise StatusError(409, f"There is a data freeze {label} already.")
            subjects, experiments = _contents(finder, found)
            _note(finder, found.id, _FREEZES + label, {"subjects": len(subjects), "experiments": len(experiments)})
        send_text(resp, label, 201)

    on_put = on_post


class RemoteConnection(Endpoint):
    """`/data/remote/connection`: where the node would send to, and whether that is configured at all."""

    def on_get(self, req: Request, resp: Response) -> None:
        settings = self.site.preferences.all()
        location = str(settings.get(LOCATION, ""))
        send_json(resp, {"location": location, "hub": str(settings.get(HUB, "")), "configured": location != ""})


class ProjectRelations(Endpoint):
    """`/data/remote/projectrelations`, and `/data/remote/projects/P` for one project: what was exported where."""

    def on_get(self, req: Request, resp: Response, project: str | None = None) -> None:
        with self.reading(req) as finder:
            wanted = None if project is None else _readable(finder, project).id
            found = _notes(finder, wanted, _RELATIONS).values()
            rows = [{"source": note.project, **json.loads(note.contents)} for note in found]
            rows = [row for row in rows if finder.project(str(row["source"])) is not None]
        send_table(req, resp, Table(("source", "destination", "kind", "location", "user", "date"), rows, "Relations"))


class Studies(Endpoint):
    """`/data/remote/study/filter/false`: the projects that the caller may read."""

    def on_get(self, req: Request, resp: Response) -> None:
        with self.reading(req) as finder:
            found = [
                one for one in finder.session.scalars(select(Project).order_by(Project.id)) if finder.may_read(one)
            ]
        rows = [{"ID": one.id, "name": one.fields.get("name", one.id)} for one in found]
        send_table(req, resp, Table(("ID", "name"), rows, "Studies"))


class Export(Endpoint):
    """`/data/exportlocal|exportremote/project/SOURCE/project/DESTINATION`.

    Locally, the subjects and experiments of the source are shared into the destination; those that are there stay.
    """

    def on_put_local(self, req: Request, resp: Response, source: str, destination: str) -> None:
        with self.writing(req) as finder:
            found, other = _readable(finder, source), finder.require_project(destination)
            finder.require(other, Access.EDIT, "You may not change the destination.")
            subjects, experiments = _contents(finder, found)
            for subject in subjects:
                key = {"subject_id": subject.subject_id, "project_id": other.project_id}
                finder.session.merge(SubjectShare(**key, label=subject.label))
            for experiment in experiments:
                key = {"experiment_id": experiment.experiment_id, "project_id": other.project_id}
                finder.session.merge(ExperimentShare(**key, label=experiment.label))
            self._relate(finder, found, destination, "local", "")
        send_json(resp, {"subjects": len(subjects), "experiments": len(experiments)})

    def on_put_remote(self, req: Request, resp: Response, source: str, destination: str) -> None:
        location = str(self.site.preferences.all().get(LOCATION, ""))
        if not location:
            raise StatusError(409, f"{LOCATION} is not configured.")
        with self.writing(req) as finder:
            found = _readable(finder, source)
            finder.require(found, Access.DELETE, "Only owners may export a project.")
            self._relate(finder, found, destination, "remote", location)
        send_json(resp, {"location": location, "sent": False})

    on_post_local, on_post_remote = on_put_local, on_put_remote

    def _relate(self, finder: Finder, source: Project, destination: str, kind: str, location: str) -> None:
        path = f"{_RELATIONS}{kind}/{destination}"
        if path not in _notes(finder, source.id, _RELATIONS):
            about = {"destination": destination, "kind": kind, "location": location}
            _note(finder, source.id, path, about)


def _readable(finder: Finder, project: str) -> Project:
    found = finder.require_project(project)
    if not finder.may_read(found):
        raise StatusError(404)
    return found


def _contents(finder: Finder, project: Project) -> tuple[Sequence[Subject], Sequence[Experiment]]:
    subjects = finder.session.scalars(select(Subject).where(Subject.project_id == project.project_id)).all()
    experiments = finder.session.scalars(select(Experiment).where(Experiment.project_id == project.project_id)).all()
    return subjects, experiments


def _notes(finder: Finder, project: str | None, start: str) -> dict[str, Configuration]:
    """What the module remembers, by path, oldest first. It has no tables of its own: the configuration service does."""
    query = select(Configuration).where(Configuration.tool == TOOL, Configuration.path.startswith(start))
    if project is not None:
        query = query.where(Configuration.project == project)
    found = finder.session.scalars(query.order_by(Configuration.configuration_id))
    return {(note.path if project is not None else f"{note.project}/{note.path}"): note for note in found}


def _note(finder: Finder, project: str, path: str, about: Mapping[str, object]) -> None:
    entry = Configuration(project=project, tool=TOOL, path=path, xnat_user=finder.user.login)
    finder.session.add(entry)
    finder.session.flush()
    entry.contents = json.dumps({**about, "user": finder.user.login, "date": str(entry.created)})
