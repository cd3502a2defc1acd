"""Personal data in what shall be uploaded: header texts of NIFTI images, entries of JSON files, columns of tables.

It finds what looks personal by its name or its form (see personal.py), refuses it, or makes cleaned copies. It does
not look at voxels (faces), at the names of files, nor into files of other kinds; the files here are never changed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import InputError
from ...local import blocks, md5, open_content, start_of
from ...plan import LocalFile, shortened
from ..study import PlannedFile, Study
from . import analyze, nifti, phi_json, phi_tables
from .personal import header_text

POLICIES = ("refuse", "strip", "keep")

_TEXTS = ("descrip", "aux_file", "db_name", "intent_name")  # NIFTI-2 has no db_name
_DICOM, _COMMENT, _MRS = 2, 6, 44  # codes of header extensions that may hold texts about a person
_LARGEST_EXTENSIONS = 16 * 1024 * 1024
_HEADER_FILE = ".hdr"  # of an image in two files
_BLOCK = 1024 * 1024
_LONGEST_START = 16 * 1024  # of a file, in which the notes of gzip and the names of columns stand
# What stands before the data of a gzip file, and which of its parts there are.
_GZIP_HEADER = 10
_GZIP_EXTRA = 0x04
_GZIP_TEXTS = {0x08: "name in gzip", 0x10: "comment in gzip"}


@dataclass(frozen=True, slots=True)
class Finding:
    """An entry that looks personal. Its value is never shown, nor a part of it."""

    file: str
    field: str

    def __str__(self) -> str:
        """The finding as it stands in a message."""
        return f"{self.file}: {self.field}"


def check(study: Study, policy: str, scratch: Path) -> tuple[Study, list[Finding]]:
    """Look through the images, JSON files and text tables of a study.

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
    name = file.local.name.lower()
    if nifti.is_nifti(name):
        found = [*_personal_texts(file.local, subject), *_names_in_gzip(file.local, subject)]
    elif name.endswith(".json"):
        found = _read_json(file.local, lambda text: phi_json.personal(text, subject))
    elif name.endswith(phi_tables.SUFFIXES) and phi_tables.may_be_personal(start_of(file.local, _LONGEST_START), name):
        found = phi_tables.personal(_content(file.local), name, subject)
    elif name.endswith(_HEADER_FILE) and analyze.is_header(start := start_of(file.local, analyze.LENGTH)):
        found = analyze.personal(start, subject)
    else:
        return []
    return [Finding(file.local.origin, field) for field in found]


def _content(file: LocalFile) -> bytes:
    return b"".join(blocks(file))


def _read_json(file: LocalFile, reader: Callable[[str], list[str]]) -> list[str]:
    try:
        return reader(_content(file).decode())
    except ValueError as error:
        raise InputError(
            f"{file.origin} is not a JSON file, so that nobody can tell what is in it: {error}. Correct it, leave it "
            "out, or set phi: keep."
        ) from error


# ---- gzip ------------------------------------------------------------------------------------------------------------


def _names_in_gzip(file: LocalFile, subject: str) -> Iterator[str]:
    """Yield which notes of gzip look personal: what the file was called when it was compressed, and a comment."""
    start = start_of(file, _LONGEST_START)
    if start[:2] != b"\x1f\x8b" or len(start) < _GZIP_HEADER:
        return
    flags, position = start[3], _GZIP_HEADER
    if flags & _GZIP_EXTRA:
        position += 2 + int.from_bytes(start[position : position + 2], "little")
    for mark, field in _GZIP_TEXTS.items():
        if not flags & mark:
            continue
        text, _, _ = start[position:].partition(b"\0")
        position += len(text) + 1
        told = _decoded(text)
        # What the file is called today is not looked at here, and so neither is the same name inside it.
        if _base(told) != _base(file.name) and header_text(field, told, subject):
            yield field


def _base(name: str) -> str:
    return Path(name).name.removesuffix(".gz").removesuffix(".nii")


# ---- NIFTI -----------------------------------------------------------------------------------------------------------


def _personal_texts(file: LocalFile, subject: str) -> Iterator[str]:
    """Yield the names of what looks personal in a header and its extensions."""
    start = nifti.read_header(file, 544)
    header = nifti.parse(start, file)
    for field in _TEXTS:
        if field in header.keys():  # noqa: SIM118 (nibabel's header is no mapping)
            text = _decoded(bytes(header[field].item()))
            if header_text(field, text, subject):
                yield field
    if not _has_extensions(start, header):
        return
    start = nifti.read_header(file, _length_of_start(header))
    for extension in _extensions(start, header):
        if extension.code == _DICOM and extension.content.strip(b"\0 "):
            yield extension.name  # a whole DICOM header: there is no other reason to keep one
        elif extension.code == _COMMENT and header_text(extension.name, _decoded(extension.content), subject):
            yield extension.name
        elif extension.code == _MRS:
            with suppress(ValueError):  # a part that is not what it says
                for path in phi_json.personal(_decoded(extension.content), subject):
                    yield f"{extension.name} {path}"


@dataclass(frozen=True, slots=True)
class _Extension:
    """A part between a header and its voxels; `position` is where its content begins."""

    name: str
    position: int
    code: int
    content: bytes


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
            # Never longer than before; the rest is filled with spaces.
            text = phi_json.without(_decoded(extension.content), paths)
            cleaned[begin : begin + length] = text.encode("latin-1").ljust(length)
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
    origin = file.local.origin
    local = LocalFile(file.local.name, str(copy), status.st_size, status.st_mtime_ns, made_from=origin)
    return replace(file, local=local, md5=None)


def _write_clean(file: LocalFile, fields: set[str], target: BinaryIO) -> None:
    if not nifti.is_nifti(file.name):
        content = _content(file)
        if file.name.lower().endswith(_HEADER_FILE):
            target.write(analyze.without(content, fields))
        elif file.name.lower().endswith(".json"):
            target.write(phi_json.without(content.decode(), fields).encode())
        else:
            target.write(phi_tables.without(content, file.name, fields))
        return
    with open_content(file) as stream:
        try:
            voxels = nifti.unpacked(stream)
            header = nifti.parse(nifti.read_header(file), file)
            start = voxels.read(_length_of_start(header))
            with _packed_like(voxels is not stream, target) as out:
                out.write(_clean_start(start, header, fields))
                while block := voxels.read(_BLOCK):
                    out.write(block)
        except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
            raise InputError(f"{file.origin} cannot be read to its end: {error}.") from error


@contextmanager
def _packed_like(packed: bool, target: BinaryIO) -> Iterator[io.BufferedIOBase | BinaryIO]:
    if not packed:
        yield target
        return
    # No name and no time in the wrapper: the same image always gives the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0) as wrapper:
        yield wrapper
