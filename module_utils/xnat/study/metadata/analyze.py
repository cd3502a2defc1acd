"""The header of an image in two files (`.hdr` beside `.img`, Analyze 7.5 or NIFTI-1): its texts about a person. Pure.

Analyze has a field for the ID of the patient and one for the date, which NIFTI has given to other things.
"""

from __future__ import annotations

from .personal import header_text, json_value

LENGTH = 348
_NIFTI_MAGIC = (344, b"ni1\0")
# Field -> where it begins, and how many bytes it has.
_TEXTS = {"db_name": (14, 18), "descrip": (148, 80), "aux_file": (228, 24)}
_OF_NIFTI = {"intent_name": (328, 16)}
_OF_ANALYZE = {"generated": (263, 10), "scannum": (273, 10), "patient_id": (283, 10), "exp_date": (293, 10)}
# What they are called where names tell what is personal.
_NAMES = {"patient_id": "PatientID", "exp_date": "StudyDate", "scannum": "AccessionNumber"}


def is_header(start: bytes) -> bool:
    """Whether a file that begins so is such a header, of either byte order."""
    return len(start) >= LENGTH and LENGTH in (int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big"))


def personal(start: bytes, subject: str) -> list[str]:
    """Return the names of the fields that look personal."""
    found = []
    for field, (begin, length) in _fields(start).items():
        text = start[begin : begin + length].rstrip(b"\0").decode("latin-1").strip()
        if not text.isprintable():
            continue  # numbers of a program that knew better
        name = _NAMES.get(field)
        if text and (json_value(name, text, subject) if name else header_text(field, text, subject)):
            found.append(field)
    return found


def without(content: bytes, fields: set[str]) -> bytes:
    """Return the file with these fields zeroed; nothing moves."""
    cleaned = bytearray(content)
    for field, (begin, length) in _fields(content).items():
        if field in fields:
            cleaned[begin : begin + length] = bytes(length)
    return bytes(cleaned)


def _fields(start: bytes) -> dict[str, tuple[int, int]]:
    begin, magic = _NIFTI_MAGIC
    return _TEXTS | (_OF_NIFTI if start[begin : begin + len(magic)] == magic else _OF_ANALYZE)
