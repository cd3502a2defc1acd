"""The folders of a BIDS dataset on the disk: what is in them, what .bidsignore hides, and which content is missing.

Follows links, as datasets of DataLad and git-annex consist of them. Knows no BIDS names and no XNAT.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ...address import check_file_name
from ...errors import InputError
from ...plan import LocalFile, shortened

# What version control keeps beside a dataset, and where BIDS says what to ignore: never data.
_KEPT_BY_TOOLS = {".git", ".gitattributes", ".gitignore", ".gitmodules", ".gitkeep", ".datalad", ".bidsignore"}
# In an "unlocked" dataset of git-annex, a file whose content was not fetched holds the path of that content.
_ANNEX_POINTER = b"/annex/objects/"
_LONGEST_POINTER = 1024


class Tree:
    """One dataset's folders. `broken` and `empty` are what was met that cannot be sent; see `check`."""

    def __init__(self, root: Path, *, allow_empty: bool) -> None:
        """Read .bidsignore. Raises InputError if the dataset cannot be read."""
        if not root.is_dir():
            raise InputError(f"bids: {root} is not a folder. Give the folder of a BIDS dataset.")
        self.root = str(root)
        self.ignored: list[str] = []
        self.broken: list[str] = []
        self.empty: list[str] = []
        self._allow_empty = allow_empty
        self._rules = _ignore_rules(root / ".bidsignore")

    def path(self, relative: str) -> str:
        """Where on the disk something of the dataset is."""
        return os.path.join(self.root, relative) if relative else self.root  # noqa: PTH118 (100,000 of them)

    def entries(self, folder: str) -> tuple[list[str], list[str]]:
        """The names of the folders and of the files in a folder, sorted, without hidden and ignored ones."""
        folders, files = [], []
        try:
            with os.scandir(self.path(folder)) as found:
                for entry in found:
                    is_folder = entry.is_dir()
                    relative = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.name in _KEPT_BY_TOOLS:
                        continue
                    if entry.name.startswith(".") or self._is_ignored(relative, is_folder=is_folder):
                        self.ignored.append(relative)
                    elif is_folder:
                        folders.append(entry.name)
                    else:
                        files.append(entry.name)
        except OSError as error:
            raise InputError(f"bids: cannot read the folder {self.path(folder)}: {error.strerror}.") from error
        return sorted(folders), sorted(files)

    def below(self, folder: str, above: tuple[str, ...] = ()) -> Iterator[str]:
        """The paths of all files in a folder and its folders, relative to the dataset."""
        real = os.path.realpath(self.path(folder))
        if real in above:
            raise InputError(f"bids: the link {self.path(folder)} leads back to a folder that it is in.")
        folders, files = self.entries(folder)
        for name in files:
            yield f"{folder}/{name}" if folder else name
        for name in folders:
            yield from self.below(f"{folder}/{name}" if folder else name, (*above, real))

    def file(self, relative: str, name: str) -> LocalFile | None:
        """A file under the name that it has in its resource; None, and noted, if there is nothing to send."""
        path = self.path(relative)
        try:
            status = os.stat(path)  # noqa: PTH116 (100,000 of them)
        except FileNotFoundError:
            self.broken.append(relative)
            return None
        except OSError as error:
            raise InputError(f"bids: cannot read {path}: {error.strerror}.") from error
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"bids: {path} is neither a file nor a folder.")
        if status.st_size <= _LONGEST_POINTER and _is_pointer(path):
            self.broken.append(relative)
            return None
        if status.st_size == 0 and not self._allow_empty:
            self.empty.append(relative)
            return None
        return LocalFile(check_file_name(name, "bids"), path, status.st_size, status.st_mtime_ns)

    def text(self, relative: str) -> str:
        """The content of a text file, in UTF-8. Raises InputError, which for a link without content names datalad."""
        path = Path(self.path(relative))
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise InputError(_not_fetched([relative], self.root)) from error
        except OSError as error:
            raise InputError(f"bids: cannot read {path}: {error.strerror}.") from error
        if content.startswith(_ANNEX_POINTER):
            raise InputError(_not_fetched([relative], self.root))
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise InputError(f"bids: {path}, line {line}: is not text in UTF-8.") from error

    def check(self) -> None:
        """Raise InputError if a link had no content behind it, or a file had none."""
        if self.broken:
            raise InputError(_not_fetched(self.broken, self.root))
        if self.empty:
            raise InputError(
                f"bids: without any content (0 bytes), as after a copy that was cut short: {shortened(self.empty)}. "
                "Leave out or replace such a file, or set allow_empty: true if it is meant so."
            )

    def _is_ignored(self, relative: str, *, is_folder: bool) -> bool:
        ignored = False
        for pattern, folders_only, verdict in self._rules:
            if (is_folder or not folders_only) and pattern.fullmatch(relative):
                ignored = verdict
        return ignored


def _is_pointer(path: str) -> bool:
    try:
        with Path(path).open("rb") as stream:
            return stream.read(len(_ANNEX_POINTER)) == _ANNEX_POINTER
    except OSError as error:
        raise InputError(f"bids: cannot read {path}: {error.strerror}. Check who may read it.") from error


def _not_fetched(files: list[str], root: str) -> str:
    return (
        f"bids: the content of {len(files)} files in {root} is not on this machine: {shortened(files)}. "
        "Fetch it (datalad get, or git annex get) or mend the links, then run again."
    )


def _ignore_rules(path: Path) -> list[tuple[re.Pattern[str], bool, bool]]:
    """Read .bidsignore, which is written as .gitignore is: (pattern, folders only, whether it ignores) per line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"bids: cannot read {path}: {error}.") from error
    rules = []
    for line in lines:
        text = line.rstrip()
        if not text or text.startswith("#"):
            continue
        ignores = not text.startswith("!")
        text = text.removeprefix("!")
        folders_only = text.endswith("/")
        text = text.rstrip("/")
        # A pattern with a slash in it is meant from the top, any other in every folder.
        prefix = "" if "/" in text else "(?:.*/)?"
        rules.append((re.compile(prefix + _expression(text.lstrip("/"))), folders_only, ignores))
    return rules


def _expression(text: str) -> str:
    """The pattern of one line as a regular expression: `**` is any depth, `*` and `?` stay in one folder."""
    marks = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?|\[[^\]/]+\])", text)
    found = []
    for part in parts:
        if part.startswith("[") and part.endswith("]"):
            found.append("[^" + part[2:] if part[1] == "!" else part)
        else:
            found.append(marks.get(part, re.escape(part)))
    return "".join(found)
