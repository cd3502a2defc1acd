"""The files on this machine: which ones `src` means, what they are called in the resource, and their MD5.

Reads the disk, sends nothing. Everything that can be wrong with the files is noticed here, before any request.
"""

from __future__ import annotations

import glob
import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from . import archives
from .address import check_file_name
from .errors import InputError, VerificationError
from .plan import LocalFile, check_unique, shortened

_BLOCK = 1024 * 1024
_SMALLEST = 64 * 1024
_WILDCARDS = "*?["


def collect(
    sources: list[str], dest: str | None, *, allow_empty: bool = False, extract: bool = False
) -> list[LocalFile]:
    """Return the files that `src` and `dest` mean, in order of name.

    A source is a file, a folder (its contents keep their paths below it) or a pattern (what it matches keeps its path
    below the first part with a wildcard; `**` is any depth). `dest` is the name of the one file, or, ending in `/`, the
    folder in the resource that all of them go to. With `extract`, all of them are archives, and what is in them is
    meant, each under its path in its archive. Raises InputError for whatever cannot be meant or read, and for a
    file of 0 bytes unless `allow_empty`: among images it is what a full disk or a cut transfer has left behind.
    """
    if not sources or any(not str(source).strip() for source in sources):
        raise InputError(
            "src: is empty. Give a file, a list of files, a folder, or a pattern such as 'scans/*.nii.gz'."
        )
    pairs = [pair for source in sources for pair in _readable(source)]
    prefix = ""
    if dest is not None and dest.endswith("/"):
        prefix = dest
    elif dest is not None and extract:
        raise InputError(f"dest: with extract: true it is a folder in the resource. End it with '/': {dest}/.")
    elif dest is not None:
        if len(pairs) != 1 or Path(sources[0]).is_dir():
            raise InputError(
                f"dest: {dest!r} names one file, but src is {_described(sources, len(pairs))}. "
                "End dest with '/' to put them all into a folder of that name."
            )
        pairs = [(path, dest) for path, _ in pairs]
    option = "src" if dest is None else "dest"
    if extract:
        files = check_unique(archives.members([(path, _inspect(path).st_mtime_ns) for path, _ in pairs], prefix))
    else:
        files = check_unique(_local_file(path, prefix + name, option) for path, name in pairs)
    if not allow_empty and (empty := [file.origin for file in files if file.size == 0]):
        raise InputError(
            f"src: without any content (0 bytes), as after a copy that was cut short: {shortened(empty)}. "
            "Leave out or replace such a file, or set allow_empty: true if it is meant so."
        )
    return files


def open_content(file: LocalFile) -> BinaryIO:
    """Open the content of a file, or of the member of an archive that it is. Raises InputError."""
    try:
        if file.packed is not None:
            return file.packed.open()
        if file.member is None:
            return Path(file.path).open("rb")
        with zipfile.ZipFile(file.path) as archive:
            # The member keeps the archive's file open, and closes it with itself.
            return cast(BinaryIO, archive.open(file.member))
    except OSError as error:
        raise InputError(f"src: cannot read {file.path}: {error.strerror}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, NotImplementedError) as error:
        raise InputError(f"src: cannot read {file.origin}: {error}.") from error


def start_of(file: LocalFile, length: int) -> bytes:
    """Return the first bytes of a file. Raises InputError."""
    with open_content(file) as stream:
        try:
            return stream.read(length)
        except OSError as error:
            raise InputError(f"src: cannot read {file.path}: {error.strerror}.") from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise InputError(f"src: cannot read {file.origin}: {error}.") from error


def blocks(file: LocalFile) -> Iterator[bytes]:
    """Yield the content of a file in blocks of 1 MiB at most. Raises InputError."""
    found = 0
    with open_content(file) as stream:
        try:
            # No more room than the file needs: to make that for a block costs more than to read a small file.
            while block := stream.read(min(_BLOCK, max(file.size - found, _SMALLEST))):
                found += len(block)
                yield block
            if file.member is not None and found != file.size:
                # zipfile itself notices only what is wrong before this.
                raise EOFError(f"it unpacks to {found} bytes, and the archive says {file.size}")
        except OSError as error:
            raise InputError(f"src: cannot read {file.path} to its end: {error.strerror}.") from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise InputError(f"src: cannot read {file.origin} to its end: {error}.") from error


def md5(file: LocalFile) -> str:
    """Return the MD5 (hex) of a file's content, read in blocks if it is not known already."""
    if file.packed is not None:
        return file.packed.md5
    digest = hashlib.md5(usedforsecurity=False)
    for block in blocks(file):
        digest.update(block)
    return digest.hexdigest()


def check_unchanged(file: LocalFile) -> None:
    """Raise VerificationError if the file is not the one that was planned to be sent."""
    try:
        now = Path(file.path).stat()
    except OSError as error:
        raise VerificationError(f"{file.path} disappeared while it was being sent ({error.strerror}).") from error
    # The size of an archive's member is not that of the archive.
    same_size = file.member is not None or now.st_size == file.size
    if not same_size or now.st_mtime_ns != file.modified_ns:
        sizes = f" ({file.size} bytes before, {now.st_size} after)" if file.member is None else ""
        raise VerificationError(
            f"{file.path} changed while it was being sent{sizes}. "
            "Wait until whatever writes it has finished, then run again."
        )


def _described(sources: list[str], count: int) -> str:
    if len(sources) > 1:
        return f"a list of {len(sources)}"
    return f"a folder with {count} files" if Path(sources[0]).is_dir() else f"a pattern that matches {count} files"


def _readable(source: str) -> list[tuple[str, str]]:
    """Return what `_expand` yields; a path that the system does not even look at is an InputError like any other."""
    if "\0" in source:
        raise InputError(f"src: {source!r} holds a zero byte, which no path may.")
    try:
        return list(_expand(source))
    except OSError as error:
        raise InputError(f"src: cannot read {source}: {error.strerror}.") from error


def _expand(source: str) -> Iterator[tuple[str, str]]:
    """Yield (path on disk, name in the resource) for one source."""
    path = Path(source)
    if path.is_dir():
        pairs = list(walk(path))
        if not pairs:
            raise InputError(f"src: the folder {source} has no files in it.")
        yield from pairs
    elif os.path.lexists(path) or not any(mark in source for mark in _WILDCARDS):
        yield str(path), path.name
    else:
        parts = path.parts
        first = next(number for number, part in enumerate(parts) if any(mark in part for mark in _WILDCARDS))
        base = Path(*parts[:first]) if first else Path()
        found = glob.glob(source, recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
        matches = sorted(match for match in found if not Path(match).is_dir())
        if not matches:
            where = "" if path.is_absolute() else f" It is relative to the folder {Path.cwd()}."
            raise InputError(f"src: no file matches {source!r}.{where}")
        for match in matches:
            yield match, Path(match).relative_to(base).as_posix()


def walk(folder: Path, above: tuple[str, ...] = (), prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path on disk, path below the folder) of its files, in order of name, also through links to folders."""
    real = os.path.realpath(folder)
    if real in above:
        raise InputError(f"src: the link {folder} leads back to a folder that it is in.")
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"src: cannot read the folder {folder}: {error.strerror}.") from error
    for entry in entries:
        if entry.is_dir():
            yield from walk(entry, (*above, real), f"{prefix}{entry.name}/")
        else:
            yield str(entry), prefix + entry.name


def _local_file(path: str, name: str, option: str) -> LocalFile:
    status = _inspect(path)
    return LocalFile(check_file_name(name, option), path, status.st_size, status.st_mtime_ns)


def _inspect(path: str) -> os.stat_result:
    """Return the status of a file that can be read. Raises InputError."""
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        where = "" if Path(path).is_absolute() else f" (looked in {Path.cwd()})"
        if Path(path).is_symlink():
            raise InputError(f"src: {path} is a link to a file that does not exist.") from None
        raise InputError(f"src: there is no file {path}{where}.") from None
    except OSError as error:
        raise InputError(f"src: cannot read {path}: {error.strerror}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"src: {path} is neither a file nor a folder.")
    try:
        with Path(path).open("rb"):
            pass
    except OSError as error:
        raise InputError(f"src: cannot read {path}: {error.strerror}. Check who may read it.") from error
    return status
