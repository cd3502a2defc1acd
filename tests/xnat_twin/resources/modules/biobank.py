"""What the module dpuk-biobank adds: `/data/modules/biobank/projects/P/uploader` and `…/token`.

The token is as its sources have it (dpuk-biobank 0-4: BioBankTokenUploaderRestlet, BioBankTokenServiceImpl): it must
match a pattern of the site to its last character, and nobody can read it back. Of the uploader this server knows the
address and the answer: the subjects of the spreadsheet are there at once, without images.
"""

from __future__ import annotations

import csv
import re
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
#: The number of an application and its key, where the site says nothing else in `biobank.keyregex`.
_KEY = r"\d{4}\n\d{24}"
_TOKEN = "token"


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


class BiobankToken(SubjectStoring):
    """`…/token`: what the node needs to fetch images in the name of a UK Biobank application.

    POST keeps it, GET says whether there is one, DELETE forgets it. Every error but the missing right is a 500.
    """

    def on_get(self, req: Request, resp: Response, project: str) -> None:
        with self.reading(req) as finder:
            kept = _token_of(finder, _own(finder, project))
        if kept is None:
            raise StatusError(500, "missing biobank token")
        send_text(resp, "Saved")

    def on_post(self, req: Request, resp: Response, project: str) -> None:
        params = req.context.params = Params(req.query_string)
        with self.reading(req) as finder:
            _own(finder, project)
        # The first file counts, as it is: a line's end after the key is not of the key.
        token = next((b"".join(body.chunks()).decode("utf-8", "replace") for body in bodies(req, params, "token")), "")
        pattern = str(self.site.preferences.all().get("biobank.keyregex") or _KEY)
        if not re.fullmatch(pattern, token):
            raise StatusError(500, "Warning, incorrect key format.")
        with self.writing(req) as finder:
            found = _own(finder, project)
            kept = _token_of(finder, found)
            if kept is None:
                finder.session.add(
                    Configuration(
                        project=found.id,
                        tool=TOOL,
                        path=_TOKEN,
                        version=1,
                        contents=token,
                        xnat_user=user_of(req).login,
                    )
                )
            else:
                kept.contents = token
        send_text(resp, "SUCCESS")

    def on_delete(self, req: Request, resp: Response, project: str) -> None:
        with self.writing(req) as finder:
            kept = _token_of(finder, _own(finder, project))
            if kept is not None:
                finder.session.delete(kept)
        send_text(resp, "SUCCESS")


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


def _own(finder: Finder, project: str) -> Project:
    """The project; 500 where there is none that the account may see, as nobody looks for that."""
    try:
        return _writable(finder, project)
    except StatusError as error:
        if error.status != 404:
            raise
        raise StatusError(500) from error


def _token_of(finder: Finder, project: Project) -> Configuration | None:
    query = finder.session.query(Configuration).filter_by(project=project.id, tool=TOOL, path=_TOKEN)
    found: Configuration | None = query.one_or_none()
    return found
