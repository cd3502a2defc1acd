"""Pages of what is in the archive: a project, a subject, a session or other experiment, and the files of a resource.

Files are links into the REST API itself. What the caller may not read is a 404, as everywhere.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from falcon import Request, Response

from xnat_twin.errors import StatusError
from xnat_twin.lookup.finder import Finder
from xnat_twin.resources.base import params_of
from xnat_twin.resources.pages.links import holder, page_of, rest_address, rest_of_resource
from xnat_twin.resources.pages.markup import Content, Markup, address, facts, h, join, link, shown, size, table
from xnat_twin.resources.pages.overview import (
    ExperimentLine,
    Files,
    assessors_of,
    count_subjects,
    experiments_of,
    experiments_without_subject,
    parts_of,
    subjects_of,
)
from xnat_twin.resources.pages.pages import Page, file_cells
from xnat_twin.storage.catalog import Entry
from xnat_twin.storage.store import Experiment, Item, Project, Reconstruction, Resource, Scan, Subject

#: Subjects, or files, on one page.
PER_PAGE = 200
#: Files of one resource on the page of its session; the rest is on the resource's own page.
SOME = 20
_SESSIONS = ("Session", "Type", "Date", "#Scans", "#Files", "#Size")
_FILES = ("File", "#Size", "Format", "Content", "Tags", "MD5")
_CUSTOM_VARIABLE = re.compile(r"fields/field\[name=([^\]]*)\]/field")

_Part = Scan | Reconstruction


class BrowsePage(Page):
    """What the pages of one project have in common."""

    def project(self, finder: Finder, name: str) -> Project:
        project = finder.project(unquote(name))
        if project is None or not finder.may_read(project):
            raise StatusError(404)
        return project

    def files(self, project: Project, resources: Sequence[Resource], whose: str = "") -> list[Markup]:
        """The first files of each resource; all of them are on the resource's own page."""
        rows: list[Sequence[Content]] = []
        for resource in resources:
            entries = self.site.archive.catalog(resource).entries
            some = _file_rows(project, resource, entries[:SOME]) or [(_none("Empty."), *[""] * (len(_FILES) - 1))]
            if len(entries) > SOME:
                more = link(page_of(project, resource), f"… all {len(entries):,} files")
                some.append((more, *[""] * (len(_FILES) - 1)))
            about = h("div", _in_words(entries), class_="soft")
            place = h("td", link(page_of(project, resource), _place(resource)), about, rowspan=len(some))
            rows += [(place, *some[0]), *some[1:]]
        heading = h("h2", f"Files{whose}")
        return [heading, table(("Resource", *_FILES), rows) if rows else _none("None yet.")]


class ProjectPage(BrowsePage):
    """`/browse/projects/P`: the subjects with their sessions, and the project's own files."""

    def on_get(self, req: Request, resp: Response, project: str) -> None:
        with self.reading(req) as finder:
            found = self.project(finder, project)
            total = count_subjects(finder.session, found)
            page = _page_number(req, total)
            lines = subjects_of(finder.session, found, (page - 1) * PER_PAGE, PER_PAGE)
            experiments = experiments_of(finder.session, found, [subject for subject, _ in lines])
            main = [
                h("h1", shown(found.id), h("small", h("span", found.accessibility, class_="badge"))),
                h("p", shown(found.fields.get("description", ""))),
                _facts(found, leave_out=("description", *_same_as_id(found))),
                h("h2", "Subjects", h("small", f"{total:,}")),
                _subject_table(found, lines, experiments) if lines else _none("No subject yet."),
                _pager(page, total),
                _experiment_table(
                    found, "Sessions whose subjects are elsewhere", experiments_without_subject(finder.session, found)
                ),
                self.files(found, finder.resources([found]), " of the project itself"),
            ]
            self.send(req, resp, shown(found.id), main, _trail(), rest=rest_address(found, found))


class SubjectPage(BrowsePage):
    """`/browse/projects/P/subjects/S`: what is known of a subject, its sessions and files."""

    def on_get(self, req: Request, resp: Response, project: str, subject: str) -> None:
        with self.reading(req) as finder:
            home = self.project(finder, project)
            found = finder.subject(home, unquote(subject))
            if found is None:
                raise StatusError(404)
            lines = experiments_of(finder.session, home, [found])
            label = shown(_label(found, home))
            main = [
                h("h1", label, h("small", "Subject")),
                _facts(found, [("Accession ID", found.id), *_origin(found, home)]),
                _experiment_table(home, "Sessions and other experiments", lines),
                self.files(home, finder.resources([found]), " of the subject itself"),
            ]
            self.send(req, resp, label, main, _trail(home), rest=rest_address(home, found))


class ExperimentPage(BrowsePage):
    """`/browse/projects/P/experiments/E`: a session with its scans, or another experiment, and all files."""

    def on_get(self, req: Request, resp: Response, project: str, experiment: str) -> None:
        with self.reading(req) as finder:
            home = self.project(finder, project)
            found = finder.experiment(home, unquote(experiment))
            if found is None:
                raise StatusError(404)
            scans, reconstructions = parts_of(finder.session, found)
            resources = finder.resources([found, *scans, *reconstructions], direction=None)
            label = shown(_label(found, home))
            known = [("Date", found.fields.get("date")), ("Accession ID", found.id), *_origin(found, home)]
            main = [
                h("h1", label, h("small", h("span", found.xsi_type, class_="badge"))),
                _facts(found, known, leave_out=("date",)),
                _part_table("Scans", scans, resources),
                _part_table("Reconstructions", reconstructions, resources),
                _experiment_table(home, "Assessors", assessors_of(finder.session, home, found), "Assessor"),
                self.files(home, resources),
            ]
            above = []
            if finder.subject(home, found.subject.id) is not None:
                above.append((shown(_label(found.subject, home)), page_of(home, found.subject)))
            if found.session is not None:
                above.append((shown(_label(found.session, home)), page_of(home, found.session)))
            self.send(req, resp, label, main, _trail(home, *above), rest=rest_address(home, found))


class ResourcePage(BrowsePage):
    """`/browse/projects/P/resources/NUMBER`: every file of a resource, wherever in the project it is."""

    def on_get(self, req: Request, resp: Response, project: str, resource: str) -> None:
        with self.reading(req) as finder:
            home = self.project(finder, project)
            found = finder.session.get(Resource, int(resource)) if re.fullmatch(r"\d{1,9}", resource) else None
            if found is None or not _belongs_to(finder, home, found):
                raise StatusError(404)
            entries = self.site.archive.catalog(found).entries
            page = _page_number(req, len(entries))
            rows = _file_rows(home, found, entries[(page - 1) * PER_PAGE : page * PER_PAGE])
            main = [
                h("h1", _place(found), h("small", _in_words(entries))),
                table(_FILES, rows) if rows else _none("Empty."),
                _pager(page, len(entries)),
            ]
            above = holder(found)
            trail = (
                _trail(home) if isinstance(above, Project) else _trail(home, (shown(above.label), page_of(home, above)))
            )
            self.send(req, resp, _place(found), main, trail, rest=f"{rest_of_resource(home, found)}/files")


# --- What is on the pages ---


def _trail(project: Project | None = None, *above: tuple[str, str]) -> list[tuple[str, str]]:
    steps = [("Projects", "/")]
    return steps if project is None else [*steps, (shown(project.id), page_of(project, project)), *above]


def _belongs_to(finder: Finder, project: Project, resource: Resource) -> bool:
    owner = holder(resource)
    if isinstance(owner, Project):
        return owner is project
    return owner.project_id == project.project_id or project.project_id in finder.shares(owner)


def _label(item: Subject | Experiment, project: Project) -> str:
    return item.label if item.project_id == project.project_id else f"{item.label} ({item.project.id})"


def _origin(item: Subject | Experiment, project: Project) -> Iterable[tuple[str, Content]]:
    """The project that an object really belongs to, where it is only shared."""
    if item.project_id != project.project_id:
        yield "Shared by", shown(item.project.id)


def _facts(item: Item, known: Iterable[tuple[str, Content]] = (), leave_out: Sequence[str] = ()) -> Markup | None:
    """What is stored of an object, under XNAT's own names; a custom variable under its name."""
    stored = [(_field_name(path), shown(value)) for path, value in item.fields.items() if path not in leave_out]
    return facts([*known, *stored])


def _same_as_id(project: Project) -> list[str]:
    """Names that say no more than the ID, as they are when nobody gave any."""
    return [name for name in ("name", "secondary_ID") if project.fields.get(name) == project.id]


def _field_name(path: str) -> str:
    custom = _CUSTOM_VARIABLE.fullmatch(path)
    return shown(custom[1] if custom else path)


def _subject_table(
    project: Project, lines: Sequence[tuple[Subject, str]], experiments: Sequence[ExperimentLine]
) -> Markup:
    """One row for each session; the subject stands beside its first one."""
    by_subject: dict[int, list[ExperimentLine]] = defaultdict(list)
    for line in experiments:
        by_subject[line.experiment.subject_id].append(line)
    rows: list[Sequence[Content]] = []
    for subject, label in lines:
        found = by_subject[subject.subject_id]
        name = h("td", link(page_of(project, subject), shown(label)), rowspan=len(found) if len(found) > 1 else None)
        if not found:
            rows.append((name, *[""] * len(_SESSIONS)))
        for number, line in enumerate(found):
            cells = _experiment_cells(project, line)
            rows.append((name, *cells) if number == 0 else cells)
    return table(("Subject", *_SESSIONS), rows)


def _experiment_table(
    project: Project, title: str, lines: Sequence[ExperimentLine], noun: str = _SESSIONS[0]
) -> list[Markup] | None:
    if not lines:
        return None
    rows = [_experiment_cells(project, line) for line in lines]
    return [h("h2", title, h("small", f"{len(lines):,}")), table((noun, *_SESSIONS[1:]), rows)]


def _experiment_cells(project: Project, line: ExperimentLine) -> Sequence[Content]:
    experiment = line.experiment
    return (
        link(page_of(project, experiment), shown(line.label)),
        experiment.xsi_type,
        shown(experiment.fields.get("date", "")),
        f"{line.scans:,}" if line.scans else "",
        *file_cells(line.files),
    )


def _part_table(title: str, parts: Sequence[_Part], resources: Sequence[Resource]) -> list[Markup] | None:
    """Scans or reconstructions, with what is known of each and how many files it has."""
    if not parts:
        return None
    files: dict[_Part, Files] = {}
    for resource in resources:
        if isinstance(owner := resource.owner, Scan | Reconstruction):
            files[owner] = files.get(owner, Files()) + Files(resource.file_count, resource.file_size)
    named = ("type", "series_description", "quality")
    rows = [
        (
            shown(part.id),
            *(shown(part.fields.get(name, "")) for name in named),
            [h("div", h("code", f"{_field_name(path)}={shown(value)}"))
             for path, value in part.fields.items() if path not in named],
            *file_cells(files.get(part, Files())),
        )
        for part in parts
    ]  # fmt: skip
    columns = ("ID", "Type", "Series description", "Quality", "Other fields", "#Files", "#Size")
    return [h("h2", title, h("small", f"{len(parts):,}")), table(columns, rows)]


def _place(resource: Resource) -> str:
    """`Scan 1 · NIFTI`: what a resource belongs to, within its page, and its label."""
    owner = resource.owner
    label = shown(resource.label or resource.resource_id)
    match owner:
        case Scan():
            return f"Scan {shown(owner.id)} · {label}"
        case Reconstruction():
            return f"Reconstruction {shown(owner.id)} · {label} ({resource.direction})"
        case Experiment() if owner.session is not None:
            return f"{label} ({resource.direction})"
        case _:
            return label


def _file_rows(project: Project, resource: Resource, entries: Sequence[Entry]) -> list[Sequence[Content]]:
    base = f"{rest_of_resource(project, resource)}/files"
    return [
        (
            link(base + address(*entry.uri.split("/")), entry.uri),
            size(entry.size),
            shown(entry.format),
            shown(entry.content),
            shown(entry.file_tags),
            h("code", entry.digest) if entry.digest else "",
        )
        for entry in entries
    ]


def _in_words(entries: Sequence[Entry]) -> Markup:
    noun = "file" if len(entries) == 1 else "files"
    return join([f"{len(entries):,} {noun}, ", size(sum(entry.size for entry in entries))])


def _none(text: str) -> Markup:
    return h("p", text, class_="soft")


# --- Long lists ---


def _page_number(req: Request, total: int) -> int:
    """The page that `page=` asks for, or the nearest that there is."""
    asked = params_of(req).get("page", "1")
    last = max((total + PER_PAGE - 1) // PER_PAGE, 1)
    return min(max(int(asked), 1), last) if re.fullmatch(r"\d{1,9}", asked) else 1


def _pager(page: int, total: int) -> Markup | None:
    last = (total + PER_PAGE - 1) // PER_PAGE
    if last < 2:
        return None
    return h(
        "p",
        link(f"?page={page - 1}", "← Before") if page > 1 else None,
        h("span", f"Page {page:,} of {last:,}"),
        link(f"?page={page + 1}", "After →") if page < last else None,
        class_="pages",
    )
