"""What a GET of files answers: a list, one file, or an archive of many files; zip_reading.py looks into zip files.

One resource that the URL names and several resources behave differently in almost everything, as in XNAT.
Reference: FileList (handleSingleCatalog, handleMultipleCatalogs), CatalogUtils.getEntryDetails.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from falcon import Request, Response

from xnat_twin.errors import StatusError
from xnat_twin.lists.tables import Table
from xnat_twin.lookup.parents import Parents
from xnat_twin.params import Params
from xnat_twin.resources.base import params_of, send_table
from xnat_twin.resources.files.file_sources import FileSource, uri_below
from xnat_twin.resources.files.zip_reading import looks_zipped, send_contents, send_inner, split_zip
from xnat_twin.site import Site
from xnat_twin.storage.archive import path_inside
from xnat_twin.storage.catalog import Entry
from xnat_twin.transfer.bulk import FORMATS, Member, send_archive
from xnat_twin.transfer.bulk_paths import Layout, folders_of, types_of
from xnat_twin.transfer.download import send_file
from xnat_twin.transfer.expressions import matching

_COLUMNS = ("Name", "Size", "URI", "collection", "file_tags", "file_format", "file_content", "cat_ID", "digest")
_LOCATORS = {"absolutepath": "absolutePath", "projectpath": "projectPath"}
_NOT_CATALOGUED = "Unable to find catalog entry for given uri."
_NOT_FOUND = "Unable to find file."

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class FileReading:
    """One GET: the objects that its URL names, and the path behind `files/`."""

    site: Site
    req: Request
    resp: Response
    parents: Parents
    path: str

    @property
    def form(self) -> str:
        """The kind of archive that is asked for; empty if none is."""
        form = self._params.get("format").lower()
        return form if form in FORMATS else ""

    def from_one(self, source: FileSource) -> None:
        """One resource that the URL names, and no archive: a list, a file, a folder's list, or part of a zip file."""
        source = replace(source, uri=uri_below(self.parents.base_uri, source.resource))
        accepts = accepting(self._params)
        path, inner, entry = self.path, "", None
        if "index" in self._params:
            filtered = "file_content" in self._params or "file_format" in self._params
            entry = _numbered([one for one in source.catalog.entries if filtered and accepts(one)], self._index)
        elif not path:
            self._send_list([source], accepts)
            return
        else:
            path, inner = split_zip(path, self._zip_extensions)
            entry = source.catalog.find(path)
        if entry is None and path.endswith("/"):
            within = self._within_folder()
            self._send_list([source], lambda one: within(one) and accepts(one))
            return
        if entry is None:
            raise StatusError(404, _NOT_CATALOGUED)
        file = path_inside(source.catalog.folder, entry.uri)
        if not file.is_file():
            raise StatusError(404, _NOT_FOUND)
        if inner:
            send_inner(self.req, self.resp, file, inner)
        elif self._params.true("listContents") and looks_zipped(file.name, self._zip_extensions):
            if not send_contents(self.req, self.resp, file):
                self._send_list([], accepts)
        else:
            send_file(self.req, self.resp, file)

    def from_several(self, sources: Sequence[FileSource]) -> None:
        """Any number of resources, or an archive: a list, a file, or the archive of all or of a folder."""
        accepts = accepting(self._params)
        folder: Mapping[str, Path] = {}
        if self.path:
            file, folder = self._search(sources, accepts)
        elif "index" in self._params:
            file = _numbered([file for _, entry, file in _files(sources) if accepts(entry)], self._index)
        elif self.form:
            self._send_all(sources, accepts)
            return
        else:
            self._send_list(sources, accepts)
            return
        if file is None or not file.is_file():
            raise StatusError(404, _NOT_FOUND)
        if self.form and not file.name.lower().endswith(f".{self.form}"):
            self._send_archive([Member(path, one) for path, one in (folder or {file.name: file}).items()])
        elif folder:
            raise StatusError(404)  # nothing is made of several files when no archive is asked for
        else:
            send_file(self.req, self.resp, file)

    def _search(
        self, sources: Sequence[FileSource], accepts: Callable[[Entry], bool]
    ) -> tuple[Path | None, Mapping[str, Path]]:
        """The file that the path names; or, if it ends in `/` or `*`, what there is below it (and the last of it).

        Only a resource that has exactly one such file, but not on disk, lets the search go on to the next resource.
        """
        file = None
        for source in sources:
            paths = {
                entry.uri: path_inside(source.catalog.folder, entry.uri) for entry in self._matching(source, accepts)
            }
            file = next(reversed(paths.values()), None)
            if len(paths) != 1:
                return file, {path: one for path, one in paths.items() if one.is_file()}
            if file is not None and file.is_file():
                break
        return file, {}

    def _matching(self, source: FileSource, accepts: Callable[[Entry], bool]) -> Sequence[Entry]:
        entries = source.catalog.entries
        if found := source.catalog.find(self.path):
            return [found]
        if self.path.endswith("/"):
            within = self._within_folder()
            return [entry for entry in entries if within(entry) and accepts(entry)]
        return entries_matching(self.path, entries) if self.path.endswith("*") else []

    def _send_list(self, sources: Sequence[FileSource], accepts: Callable[[Entry], bool]) -> None:
        locator = _LOCATORS.get(self._params.get("locator").lower(), "URI")
        columns = [locator if column == "URI" else column for column in _COLUMNS]
        rows = [self._row(source, entry, locator) for source, entry, _ in _files(sources) if accepts(entry)]
        properties = [{"key": "URI", "serverRoot": ""}]  # whatever the locator
        send_table(self.req, self.resp, Table(columns, rows, "Files", properties, total_records=False))

    def _row(self, source: FileSource, entry: Entry, locator: str) -> dict[str, object]:
        return {
            "Name": entry.name,
            "Size": entry.size,
            locator: self._location(source, entry, locator),
            "collection": source.resource.label,
            "file_tags": entry.file_tags,
            "file_format": entry.format,
            "file_content": entry.content,
            "cat_ID": source.resource.resource_id,
            "digest": entry.digest,
        }

    def _location(self, source: FileSource, entry: Entry, locator: str) -> str:
        if locator == "URI":
            return f"{source.uri}/files/{entry.uri}"
        file = source.catalog.folder / entry.uri
        if locator == "absolutePath":
            return str(file)
        project = self.parents.project or self.parents.secured_by
        return os.path.relpath(file, self.site.archive.folder(project))

    def _send_all(self, sources: Sequence[FileSource], accepts: Callable[[Entry], bool]) -> None:
        """All files as an archive. What is in a catalog and not on disk is left out without a word."""
        owners = self.parents.owners
        layout = Layout(
            self._params.get("structure"),
            folders_of(
                owners,
                with_project=self._params.true("projectIncludedInPath"),
                with_subject=self._params.true("subjectIncludedInPath"),
            ),
            types_of(owners),
            tar=self.form != "zip",
            everything=self._params.true("all"),
        )
        members = [
            Member(layout.path(f"{source.uri}/files/{entry.uri}", file, source.resource), file)
            for source, entry, file in _files(sources)
            if accepts(entry) and file.is_file()
        ]
        if not members:
            raise StatusError(404)
        self._send_archive(members)

    def _send_archive(self, members: Sequence[Member]) -> None:
        given = self._params.get("compression")
        try:
            method = int(given) if "compression" in self._params else self.site.preferences["zipCompressionMethod"]
        except ValueError as error:
            raise StatusError(400, f'For input string: "{given}"') from error
        send_archive(self.req, self.resp, self.form, members, self.parents.security.label, int(method))

    def _within_folder(self) -> Callable[[Entry], bool]:
        """Whether an entry is in the folder `path`. `recursive=false` is upside down: it hides the direct files."""
        folder, recursive = self.path, not self._params.false("recursive")
        return lambda entry: entry.uri.startswith(folder) and (recursive or "/" in entry.uri[len(folder) + 1 :])

    @property
    def _params(self) -> Params:
        return params_of(self.req)

    @property
    def _index(self) -> int:
        try:
            return int(self._params.get("index"))
        except ValueError as error:
            raise StatusError(500) from error

    @property
    def _zip_extensions(self) -> list[str]:
        return [one.strip() for one in str(self.site.preferences["zipExtensions"]).split(",")]


def accepting(params: Params) -> Callable[[Entry], bool]:
    """The filter `file_content`, `file_format`. `NULL` is an entry without content; for the format it finds nothing."""
    formats, contents = params.all("file_format"), params.all("file_content")

    def accepts(entry: Entry) -> bool:
        return (not formats or entry.format in formats) and (not contents or (entry.content or "NULL") in contents)

    return accepts


def _numbered(items: Sequence[_Item], index: int) -> _Item | None:
    return items[index] if 0 <= index < len(items) else None


def entries_matching(path: str, entries: Sequence[Entry]) -> list[Entry]:
    """Those that the path, which ends in `*`, describes as a regular expression; none if it is no such expression."""
    try:
        return [entries[number] for number in matching(path[:-1], [entry.uri for entry in entries])]
    except re.error:
        return []


def _files(sources: Sequence[FileSource]) -> Iterator[tuple[FileSource, Entry, Path]]:
    for source in sources:
        for entry in source.catalog.entries:
            yield source, entry, source.catalog.folder / entry.uri
