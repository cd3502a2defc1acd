"""`reference=PATH`: an upload of what is on the server's own disk already. Reference: FileList.getReferenceWrapper.

Whoever may upload can so copy any file that the server can read; XNAT has nothing against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xnat_twin.errors import StatusError
from xnat_twin.transfer.uploads import Body


def referenced_files(reference: str) -> list[Path]:
    """The file, or all files below the folder, that the parameter names. 500 if there is no such thing."""
    path = Path(reference)
    if not path.exists():
        raise StatusError(500, f"The resource referenced does not exist: {reference}")
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())


def referenced_bodies(reference: str) -> Iterator[Body]:
    """The same as the files of an upload. They are copied; folders below the one that is named are kept."""
    for file in referenced_files(reference):
        below = file.parent.relative_to(reference).as_posix() if file != Path(reference) else "."
        with file.open("rb") as stream:
            yield Body(file.name, stream, folder="" if below == "." else f"{below}/")
