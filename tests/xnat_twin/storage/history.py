"""What XNAT keeps of files that are replaced or deleted: below `cachePath`, in `.history` and in `DELETED`.

A history has the file and, in a catalog of its own, its entry. It is only kept with `maintainFileHistory`; but what an
unpacked archive replaces is always moved there. `DELETED` has what goes with a resource or an object, if
`backupDeletedToCache` says so. Reference: FileUtils.MoveToHistory, FileUtils.MoveToCache, CatalogUtils.moveToHistory
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from xnat_twin.configuration.preferences import Preferences
from xnat_twin.storage.archive import path_inside
from xnat_twin.storage.catalog import Catalog, Entry, created_time
from xnat_twin.storage.disk import Disk


@dataclass(frozen=True)
class History:
    """What one request of one user leaves behind; all of it has the same time in its path."""

    preferences: Preferences
    disk: Disk
    user: str
    now: dt.datetime = field(default_factory=dt.datetime.now)

    @property
    def is_maintained(self) -> bool:
        return self.preferences.true("maintainFileHistory")

    def move(self, file: Path) -> Path:
        """Move a file out of the archive and return its new path."""
        kept = self._place(file)
        self.disk.move_away(file, kept)
        return kept

    def keep(self, catalog: Catalog, entries: Iterable[Entry]) -> None:
        """Move the files of these entries, as far as there are any, and enter all of them in the history's catalog."""
        past = Catalog.read(self._place(catalog.path), catalog.identifier)
        for entry in entries:
            file = path_inside(catalog.folder, entry.uri)
            uri = str(self.move(file)) if file.is_file() else entry.uri
            past.put(replace(entry, uri=uri, modified_by=self.user, modified_time=created_time()))
        past.write(self.disk)

    def discard(self, *paths: Path) -> None:
        """Delete files or folders, or move them to the deleted ones."""
        for path in filter(Path.exists, paths):
            if self.preferences.true("backupDeletedToCache"):
                self.disk.move_away(path, self._deleted(path))
            else:
                self.disk.remove(path)

    def _deleted(self, path: Path) -> Path:
        day, time = self.now.strftime("%Y%m%d/%H%M%S"), f"{self.now.microsecond // 1000:03}"
        return self._cache / "DELETED" / f"{day}{time}" / path.resolve().relative_to("/")

    def discard_resource(self, catalog: Catalog) -> None:
        """Delete a resource's catalog and the files in it; other files of its folder stay, and will be in the way.

        The history gets copies and a catalog without entries. Reference: BaseXnatResourcecatalog.deleteWithBackup
        """
        files = [path_inside(catalog.folder, entry.uri) for entry in catalog.entries]
        if self.is_maintained:
            for file in filter(Path.is_file, files):
                kept = self._place(file)
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, kept)
            Catalog.read(self._place(catalog.path), catalog.identifier).write(self.disk)
        for file in [*files, catalog.path]:
            self.discard(file)
            remove_if_empty(self.disk, file.parent)

    @property
    def _cache(self) -> Path:
        return Path(self.preferences["cachePath"])

    def _place(self, file: Path) -> Path:
        folder = self._cache / ".history" / file.parent.resolve().relative_to("/")
        return folder / self.now.strftime("%Y%m%d_%H%M%S") / file.name


def remove_if_empty(disk: Disk, folder: Path) -> None:
    """Remove a folder in which there is no file at all."""
    if folder.is_dir() and not any(path.is_file() for path in folder.rglob("*")):
        disk.remove(folder)
