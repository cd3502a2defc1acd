"""What the module dpuk-biobank adds: `/data/modules/biobank/projects/P/uploader` and `…/token`.

As its sources have them (dpuk-biobank 0-4: BioBankTokenUploaderRestlet, BioBankTokenServiceImpl,
BioBankUploaderRestlet, BioBankDataServiceImpl): every error but the missing right is a 500; a token must match a
pattern of the site to its last character, and nobody can read it back. Other than there, the subjects of a spreadsheet
are there at once, sessions and images are not made, and a subject that is there stays as it is.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from typing import Any

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
_GENDERS = {"1": "male", "0": "female"}
#: What is known here about a participant, by the names that the site's `biobank.config` has for it.
_SUBJECT, _SESSION = "xnat:subjectdata.label", "xnat:mrSessionData.label"
_GENDER = "xnat:subjectdata.demographics.gender"
_YEARS_OF_BIRTH = ("xnat:subjectdata/demographics/yob", "xnat:subjectdata.demographics.yob")
#: The number of an application and its key, where the site says nothing else in `biobank.keyregex`.
_KEY = r"\d{4}\n\d{24}"
_TOKEN = "token"


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
        # As it is: a line's end after the key is not of the key.
        token = _first_file(req, params)
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


class BiobankUploader(SubjectStoring):
    """`…/uploader`: a CSV; each row becomes a subject, as the site's `biobank.config` says, once."""

    def on_post(self, req: Request, resp: Response, project: str) -> None:
        params = req.context.params = Params(req.query_string)
        with self.reading(req) as finder:
            _own(finder, project)
        text = _first_file(req, params)
        columns = self._columns()
        rows = _rows(text)
        for row in rows:
            for what, field in (("subject", _SUBJECT), ("session", _SESSION)):
                if not row.get(columns.get(field, "")):
                    raise StatusError(500, f"Missing {what} label for key {field}")
        with self.writing(req) as finder:
            found = _own(finder, project)
            self._keep(req, finder, found, text)
            # The project is handed on by its title and looked for by that as an ID: with another title nothing arrives.
            target = finder.project(str(found.fields.get("name") or found.id))
            for row in rows if target is not None else []:
                self._make(req, finder, target or found, columns, row)
        send_text(resp, "SUCCESS")

    def _columns(self) -> Mapping[str, str]:
        """XNAT's field -> column of the spreadsheet."""
        try:
            config: Any = json.loads(str(self.site.preferences.all().get("biobank.config") or ""))
            return {str(field): str(column) for field, column in config["key"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StatusError(500) from error

    def _make(
        self, req: Request, finder: Finder, project: Project, columns: Mapping[str, str], row: Mapping[str, str]
    ) -> None:
        label = row[columns[_SUBJECT]]
        if finder.subject(project, label) is not None:
            return
        given = {"demographics/yob": next((row[columns[name]] for name in _YEARS_OF_BIRTH if name in columns), "")}
        if _GENDER in columns:
            given["demographics/gender"] = _GENDERS.get(row.get(columns[_GENDER], ""), "unknown")
        self.create_subject(req, finder, project, label, [item for item in given.items() if item[1]])

    @staticmethod
    def _keep(req: Request, finder: Finder, project: Project, text: str) -> None:
        """Let it be read at `/data/projects/P/config/biobank/uploader`, as a new version each time."""
        given = {"project": project.id, "tool": TOOL, "path": "uploader"}
        versions = finder.session.query(Configuration).filter_by(**given).count()
        finder.session.add(Configuration(version=versions + 1, contents=text, xnat_user=user_of(req).login, **given))


def _rows(text: str) -> list[dict[str, str]]:
    """The rows of a spreadsheet by the names in its first one; empty lines are none."""
    lines = [line for line in csv.reader(text.splitlines()) if line]
    if len(lines) < 2:
        raise StatusError(500, "Errors found in uploaded file. Please remedy and try your upload again.")
    if any(len(line) > len(lines[0]) for line in lines):
        raise StatusError(500)
    return [dict(zip(lines[0], line, strict=False)) for line in lines[1:]]


def _first_file(req: Request, params: Params) -> str:
    """The first file of the form, which is the one that counts."""
    try:
        return next(b"".join(body.chunks()).decode("utf-8", "replace") for body in bodies(req, params, "file"))
    except StatusError as error:
        raise StatusError(500, str(error)) from error


def _own(finder: Finder, project: str) -> Project:
    """The project; 500 where there is none that the account may see, as nobody looks for that."""
    found = finder.project(project)
    if found is None:
        raise StatusError(500)
    finder.require(found, Access.EDIT, "Specified user account has insufficient privileges for this project.")
    return found


def _token_of(finder: Finder, project: Project) -> Configuration | None:
    query = finder.session.query(Configuration).filter_by(project=project.id, tool=TOOL, path=_TOKEN)
    found: Configuration | None = query.one_or_none()
    return found
