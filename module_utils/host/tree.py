"""Folders of root's that come to be in one step, and in which whatever was changed since is found.

A folder carries a list of its content and where that is from; who makes it writes the list last.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

MARKER = ".artifact"
SHOWN = 5  # names in a message


def manifest(folder: Path) -> str:
    """One line for the folder and each thing below it but the list itself: what it holds, mode, owner, path.

    Owners and folders count: who owns a folder can replace what is in it.
    """
    lines = []
    for path in [folder, *sorted(folder.rglob("*"))]:
        name = path.relative_to(folder)
        if name == Path(MARKER):
            continue
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            holds = hashlib.sha256(os.fsencode(path.readlink())).hexdigest()
        elif stat.S_ISREG(status.st_mode):
            digest = hashlib.sha256()
            with path.open("rb") as handle:
                while block := handle.read(1 << 20):
                    digest.update(block)
            holds = digest.hexdigest()
        else:
            holds = "folder" if stat.S_ISDIR(status.st_mode) else "special"
        lines.append(f"{holds} {status.st_mode:06o} {status.st_uid}:{status.st_gid} {name}")
    return "".join(f"{line}\n" for line in lines)


def current(dest: Path) -> str:
    """What is unpacked at ``dest``: an archive's checksum, the same with what differs from it since, or nothing."""
    try:
        checksum, _, listed = (dest / MARKER).read_text(encoding="utf-8", errors="surrogateescape").partition("\n")
    except OSError:
        return ""
    differing = set(listed.splitlines()) ^ set(manifest(dest).splitlines())
    if not differing:
        return checksum
    names = sorted({line.split(" ", 3)[-1] for line in differing})
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return f"{checksum}, but changed since: {shown}"


def write_list(folder: Path, origin: str) -> Path:
    """Have a folder carry its list, and where its content is from; return the list's path."""
    marker = folder / MARKER
    marker.write_text(f"{origin}\n{manifest(folder)}", encoding="utf-8", errors="surrogateescape")
    return marker


@contextlib.contextmanager
def replaced(dest: Path) -> Iterator[Path]:
    """A path to make a folder at, which then takes the place of `dest`; the one that was there is removed last.

    After an error nothing is left of it, for a half-made folder on a full disk would keep everything else from writing.
    """
    fresh, old = dest.with_name(f"{dest.name}.new"), dest.with_name(f"{dest.name}.old")
    for left_over in (fresh, old):
        if left_over.exists():
            shutil.rmtree(left_over)
    try:
        yield fresh
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    if dest.exists():
        dest.rename(old)
    fresh.rename(dest)
    if old.exists():
        shutil.rmtree(old)
