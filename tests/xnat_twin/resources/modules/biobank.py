"""What the module dpuk-biobank adds: `/data/modules/biobank/projects/P/uploader` and `…/token`.

The module is public nowhere. Known are the two addresses, that they take one file as multipart, and the answer SUCCESS;
all else is plain guesswork. A real node fetches the images of every subject, about 1.5 s each; here the subjects of the
spreadsheet are there at once, without images, and the files can be read back from the project's configuration.
"""

from __future__ import annotations

import csv
from abc import abstractmethod

from falcon import Request, Response

from xnat_twin.access.permissions import Access
from xnat_twin.errors import StatusError
from xnat_twin.lookup.finder import Finder
from xnat_twin.params import Params
from xnat_twin.resources.base import send_text, user_of
from xnat_twin.resources.objects.subjects import SubjectStoring
from xnat_twin.storage.store import Configuration, Project
from xnat_twin.transfer.uploads import bodies

TOOL = "biobank"
#: UK Biobank's numbers of what is known here about a participant: field-instance.array.
_SEX, _YEAR_OF_BIRTH = "31-0.0", "34-0.0"
_GENDERS = {"0": "female", "1": "male"}


class BiobankFile(SubjectStoring):
    """One of the two addresses. 404, 403 and 400 as everywhere: no such project, no right to edit it, no file."""

    def on_post(self, req: Request, resp: Response, project: str) -> None:
        req.context.params = params = Params(req.query_string)
        with self.reading(req) as finder:
            _writable(finder, project)
        files = [b"".join(body.chunks()) for body in bodies(req, params, "upload")]
        if len(files) != 1 or not files[0].strip():
            raise StatusError(400, "Exactly one file, which is not empty, is expected.")
        try:
            text = files[0].decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise StatusError(400, "The file is not UTF-8 text.") from error
        with self.writing(req) as finder:
            self.take(req, finder, _writable(finder, project), text)
        send_text(resp, "SUCCESS")

    on_put = on_post

    @abstractmethod
    def take(self, req: Request, finder: Finder, project: Project, text: str) -> None:
        """Do what this address does with the file."""

    def keep(self, req: Request, finder: Finder, project: Project, path: str, text: str) -> None:
        """Let it be read at `/data/projects/P/config/biobank/PATH`, as a new version each time."""
        versions = finder.session.query(Configuration).filter_by(project=project.id, tool=TOOL, path=path).count()
        finder.session.add(
            Configuration(
                project=project.id,
                tool=TOOL,
                path=path,
                version=versions + 1,
                contents=text,
                xnat_user=user_of(req).login,
            )
        )


class BiobankToken(BiobankFile):
    """`…/token`: what the node needs to fetch images in the name of a UK Biobank application."""

    def take(self, req: Request, finder: Finder, project: Project, text: str) -> None:
        self.keep(req, finder, project, "token", text)


class BiobankUploader(BiobankFile):
    """`…/uploader`: a CSV with a column `eid`; each participant becomes a subject of that label, once."""

    def take(self, req: Request, finder: Finder, project: Project, text: str) -> None:
        rows = list(csv.DictReader(text.splitlines()))
        if not rows or "eid" not in rows[0]:
            raise StatusError(400, "The file has no column eid, or no row.")
        for row in rows:
            eid = (row["eid"] or "").strip()
            if eid and finder.subject(project, eid) is None:
                given = {
                    "demographics/gender": _GENDERS.get((row.get(_SEX) or "").strip(), ""),
                    "demographics/yob": (row.get(_YEAR_OF_BIRTH) or "").strip(),
                }
                self.create_subject(req, finder, project, eid, [item for item in given.items() if item[1]])
        self.keep(req, finder, project, "uploader", text)


def _writable(finder: Finder, project: str) -> Project:
    found = finder.require_project(project)
    finder.require(found, Access.EDIT, "You may not change this project.")
    return found
