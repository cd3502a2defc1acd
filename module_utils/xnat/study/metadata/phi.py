"""Personal data in what shall be uploaded: header texts of NIFTI images and entries of JSON files.

It finds what looks personal by its name or its form (see personal.py), refuses it, or makes cleaned copies. It does
not look at voxels (faces), at the names of files, nor into files of other kinds; the files here are never changed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import InputError
from ...local import blocks, md5, open_content
from ...plan import LocalFile, shortened
from ..study import PlannedFile, Study
from . import nifti
from .personal import header_text, is_personal, json_value

POLICIES = ("refuse", "strip", "keep")

_TEXTS = ("descrip", "aux_file", "db_name", "intent_name")  # NIFTI-2 has no db_name
_DICOM, _COMMENT, _MRS = 2, 6, 44  # codes of header extensions that may hold texts about a person
_LARGEST_EXTENSIONS = 16 * 1024 * 1024
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """An entry that looks personal. `hint` is the first character of its value; more of it is never shown."""

    file: str
    field: str
    hint: str

    def __str__(self) -> str:
        """The finding as it stands in a message."""
        return f"{self.file}: {self.field} ({self.hint}...)"


def check(study: Study, policy: str, scratch: Path) -> tuple[Study, list[Finding]]:
    """Look through the images and JSON files of a study.

    `refuse` raises InputError if anything is found; `strip` returns the study with cleaned copies, made in the folder
    `scratch`, in place of the files concerned; `keep` does not look at all. The same file always gives a copy with the
    same bytes, so that a second run finds it unchanged.
    """
    if policy not in POLICIES:
        raise InputError(f"phi: {policy!r} is none of {', '.join(POLICIES)}.")
    if policy == "keep":
        return study, []
    found = [(file, findings) for file in study.files if (findings := _findings(file))]
    everything = [finding for _, findings in found for finding in findings]
    if not found:
        return study, []
    if policy == "refuse":
        raise InputError(
            f"{len(everything)} {'entry' if len(everything) == 1 else 'entries'} in {len(found)} of "
            f"{len(study.files)} files may tell who a person is: "
            f"{shortened([str(finding) for finding in everything])}. Nothing was sent. With phi: strip, copies without "
            "these entries are sent and the files here stay as they are; phi: keep sends everything as it is.",
            phi=[{"file": finding.file, "field": finding.field} for finding in everything],
        )
    _check_room([file for file, _ in found], scratch)
    cleaned = {file.key: _cleaned(file, {finding.field for finding in findings}, scratch) for file, findings in found}
    return replace(study, files=[cleaned.get(file.key, file) for file in study.files]), everything


def _findings(file: PlannedFile) -> list[Finding]:
    subject = file.resource.subject or ""
    if nifti.is_nifti(file.local.name):
        found = list(_personal_texts(file.local, subject))
    elif file.local.name.lower().endswith(".json"):
        found = list(_personal_entries(_read_json(file.local), subject))
    else:
        return []
    return [Finding(file.local.origin, field, str(value).strip()[:1]) for field, value in found]


# ---- JSON ------------------------------------------------------------------------------------------------------------


def _read_json(file: LocalFile) -> Any:
    try:
        return json.loads(b"".join(blocks(file)).decode("utf-8-sig"))
    except ValueError as error:
        raise InputError(
            f"{file.origin} is not a JSON file, so that nobody can tell what is in it: {error}. Correct it, leave it "
            "out, or set phi: keep."
        ) from error


def _personal_entries(value: Any, subject: str, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path, value) of the entries that look personal, at any depth."""
    if isinstance(value, dict):
        for key, part in value.items():
            if is_personal(key) and json_value(key, part, subject):
                yield f"{path}{key}", _first(part)
            else:
                yield from _personal_entries(part, subject, f"{path}{key}.")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _personal_entries(part, subject, f"{path}{number}.")


def _first(value: Any) -> Any:
    while isinstance(value, list) and value:
        value = value[0]
    return value


def _without(value: Any, fields: set[str], path: str = "") -> Any:
    if isinstance(value, dict):
        kept = {key: part for key, part in value.items() if f"{path}{key}" not in fields}
        return {key: _without(part, fields, f"{path}{key}.") for key, part in kept.items()}
    if isinstance(value, list):
        return [_without(part, fields, f"{path}{number}.") for number, part in enumerate(value)]
    return value


# ---- NIFTI -----------------------------------------------------------------------------------------------------------


def _personal_texts(file: LocalFile, subject: str) -> Iterator[tuple[str, Any]]:
    """Yield (field, value) of what looks personal in a header and its extensions."""
    start = nifti.read_header(file, 544)
    header = nifti.parse(start, file)
    for field in _TEXTS:
        if field in header.keys():  # noqa: SIM118 (nibabel's header is no mapping)
            text = _decoded(bytes(header[field].item()))
            if header_text(field, text, subject):
                yield field, text
    if not _has_extensions(start, header):
        return
    start = nifti.read_header(file, _length_of_start(header))
    for extension in _extensions(start, header):
        if extension.code == _DICOM and extension.content.strip(b"\0 "):
            yield extension.name, "DICOM"  # a whole DICOM header: there is no other reason to keep one
        elif extension.code == _COMMENT and header_text(extension.name, text := _decoded(extension.content), subject):
            yield extension.name, text
        elif extension.code == _MRS:
            for path, value in _personal_entries(extension.json(), subject):
                yield f"{extension.name} {path}", value


@dataclass(frozen=True, slots=True)
class _Extension:
    """A part between a header and its voxels; `position` is where its content begins."""

    name: str
    position: int
    code: int
    content: bytes

    def json(self) -> Any:
        """The content, if it is JSON."""
        try:
            return json.loads(_decoded(self.content))
        except ValueError:
            return None


def _decoded(text: bytes) -> str:
    return text.rstrip(b"\0").replace(b"\0", b" ").decode("latin-1").strip()


def _has_extensions(start: bytes, header: Any) -> bool:
    size = int(header["sizeof_hdr"])
    return len(start) >= size + 4 and start[size] != 0


def _length_of_start(header: Any) -> int:
    """How many bytes stand before the voxels; an absurd figure is that of a broken header."""
    size = int(header["sizeof_hdr"])
    offset = float(header["vox_offset"])
    return int(min(max(offset, size + 4), _LARGEST_EXTENSIONS))


def _extensions(start: bytes, header: Any) -> Iterator[_Extension]:
    order: Any = "little" if header.endianness == "<" else "big"
    position = int(header["sizeof_hdr"]) + 4
    number = 0
    while _has_extensions(start, header) and position + 8 <= len(start):
        size = int.from_bytes(start[position : position + 4], order)
        if size < 8 or position + size > len(start):
            return
        number += 1
        code = int.from_bytes(start[position + 4 : position + 8], order)
        yield _Extension(f"extension {number}", position + 8, code, start[position + 8 : position + size])
        position += size


def _clean_start(start: bytes, header: Any, fields: set[str]) -> bytes:
    """Return the bytes before the voxels with these texts zeroed. Nothing moves: every part keeps its length."""
    size = int(header["sizeof_hdr"])
    for field in fields & set(header.keys()):
        header[field] = b""
    cleaned = bytearray(header.binaryblock + start[size:])
    for extension in _extensions(start, header):
        begin, length = extension.position, len(extension.content)
        if extension.name in fields:
            cleaned[begin : begin + length] = bytes(length)
            cleaned[begin - 4 : begin] = bytes(4)  # code 0: to be ignored
        prefix = f"{extension.name} "
        if paths := {field.removeprefix(prefix) for field in fields if field.startswith(prefix)}:
            # Compact, so that it is never longer than before; the rest is filled with spaces.
            text = json.dumps(_without(extension.json(), paths), separators=(",", ":"), ensure_ascii=False)
            cleaned[begin : begin + length] = text.encode("latin-1", "backslashreplace").ljust(length)
    return bytes(cleaned)


# ---- copies ----------------------------------------------------------------------------------------------------------


def _check_room(files: list[PlannedFile], scratch: Path) -> None:
    scratch.mkdir(parents=True, exist_ok=True)
    needed, free = sum(file.local.size for file in files), shutil.disk_usage(scratch).free
    if needed > free:
        raise InputError(
            f"phi: strip makes copies of {len(files)} files ({needed} bytes) in {scratch}, which has {free} bytes "
            "free. Choose another folder for temporary files (TMPDIR), or clean the files beforehand."
        )


def _cleaned(file: PlannedFile, fields: set[str], scratch: Path) -> PlannedFile:
    """Return the planned file with a cleaned copy in place of the file itself."""
    if file.md5 is not None and md5(file.local) != file.md5.lower():
        raise InputError(f"{file.local.origin} is not the file that was meant: its MD5 is not {file.md5}.")
    identity = f"{file.local.origin}\n{file.local.size}\n{file.local.modified_ns}\n{sorted(fields)}"
    folder = scratch / hashlib.sha256(identity.encode()).hexdigest()[:24]
    copy = folder / Path(file.local.name).name
    if not copy.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / "part"
        try:
            with part.open("wb") as target:
                _write_clean(file.local, fields, target)
        except OSError as error:
            raise InputError(f"phi: cannot make a copy of {file.local.origin} in {scratch}: {error}.") from error
        os.utime(part, ns=(file.local.modified_ns, file.local.modified_ns))
        part.replace(copy)
    status = copy.stat()
    local = LocalFile(file.local.name, str(copy), status.st_size, status.st_mtime_ns)
    return replace(file, local=local, md5=None)


def _write_clean(file: LocalFile, fields: set[str], target: BinaryIO) -> None:
    if not nifti.is_nifti(file.name):
        text = json.dumps(_without(_read_json(file), fields), indent=4, ensure_ascii=False)
        target.write(f"{text}\n".encode())
        return
    with open_content(file) as stream:
        try:
            content = nifti.unpacked(stream)
            header = nifti.parse(nifti.read_header(file), file)
            start = content.read(_length_of_start(header))
            with _packed_like(content is not stream, target) as out:
                out.write(_clean_start(start, header, fields))
                while block := content.read(_BLOCK):
                    out.write(block)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{file.origin} cannot be read to its end: {error}.") from error


@contextmanager
def _packed_like(packed: bool, target: BinaryIO) -> Iterator[io.BufferedIOBase | BinaryIO]:
    if not packed:
        yield target
        return
    # No name and no time in the wrapper: the same image always gives the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0) as wrapper:
        yield wrapper
