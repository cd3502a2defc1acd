"""Ansible filters for what UK Biobank is set up with on a DPUK node: what is wrong with JSON, pattern, folder, tokens.

The JSON, as dpuk-biobank 0-4 reads it (class BioBank in its jar): `key`, XNAT's field -> column of the spreadsheet;
`scans`, rows of kind, scan type, series description and UK Biobank's field; `diag`, which it reads and does not use.
What becomes of a field is in BioBankDataServiceImpl.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

CONFIG, PATTERN, TOKENS = "dpuk_biobank_config_src", "dpuk_biobank_key_regex", "dpuk_biobank_tokens"
CACHE = "dpuk_biobank_cache"
PARTS = {"key", "scans", "diag"}
# What a subject and a session cannot be made without; some fields of subjects are written with a dot, some with a /.
NEEDED = ("xnat:subjectdata.label", "xnat:mrSessionData.label")
# Others are passed over without a word, xnat:subjectData among them.
READ = ("xnat:subjectdata", "xnat:mrSessionData")
# What is stored as the column has it, unless the field is written exactly so.
TRANSLATED = {
    "xnat:subjectdata.demographics.gender": "0 and 1",
    "xnat:mrSessionData.date": "dates like 31/12/2016",
}
KINDS = ("DCM", "NIFTI")
FIELD = re.compile(r"[A-Za-z]\w*:[A-Za-z]\w*([./]\w+)+")
COLUMN = re.compile(r"eid|\d+-\d+\.\d+")
# A column of DICOM, 20217-2.0, or the number of a bulk field, 20249.
BULK = re.compile(r"\d+(-\d+\.\d+)?")
PLAIN_PATH = re.compile(r"(/[\w.-]+)+", re.ASCII)


def biobank_config_problems(path: str) -> list[str]:
    """What is wrong with the JSON, all of it."""
    if not path:
        return [f"{CONFIG} is empty: dpuk-biobank can read no spreadsheet without the JSON. See docs/admin/dpuk.md"]
    try:
        # Not bytes: Python would also take UTF-16, and a mark before the text, which the module does not.
        found = json.loads(Path(path).expanduser().read_text(encoding="utf-8"), object_pairs_hook=_no_doubles)
    except OSError as error:
        return [f"{CONFIG}: {path} cannot be read: {error.strerror}"]
    except UnicodeDecodeError:
        return [f"{CONFIG}: {path} is no text in UTF-8"]
    except json.JSONDecodeError as error:
        return [f"{CONFIG}: {path} is no JSON: {error.msg}, line {error.lineno} column {error.colno}"]
    except ValueError as error:
        return [f"{CONFIG}: {path}: {error}"]
    return [f"{CONFIG}: {path}: {problem}" for problem in _problems(found)]


def biobank_pattern_problems(pattern: str) -> list[str]:
    """What is wrong with the pattern; Java's, of which Python understands all that a token needs."""
    try:
        re.compile(pattern)
    except re.error as error:
        return [f"{PATTERN} ({pattern}) is no pattern: {error}"]
    return [] if pattern else [f"{PATTERN} is empty, and would take no token"]


def biobank_cache_problems(cache: str, data: str) -> list[str]:
    """What is wrong with the folder for what was fetched; empty is the module's own choice."""
    if not cache:
        return []
    if not PLAIN_PATH.fullmatch(cache) or ".." in PurePosixPath(cache).parts:
        return [
            f"{CACHE} ({cache}) is no path from / on of letters, digits and . _ - alone: the module gives it to a shell"
        ]
    if PurePosixPath(data) not in PurePosixPath(cache).parents:
        return [f"{CACHE} ({cache}) is not below xnat_data ({data}), and XNAT may not write there"]
    return []


def biobank_token_problems(tokens: Mapping[str, Any], pattern: str) -> list[str]:
    """Which projects have a token that the node would refuse; never what it is."""
    return [
        f"{TOKENS}: the token of project {project} does not have the form that {PATTERN} asks for: the number of the"
        " application and its key, in two lines"
        for project, token in tokens.items()
        if not re.fullmatch(pattern, str(token).replace("\r\n", "\n").strip("\n"))
    ]


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    double = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if double:
        raise ValueError(f"{double[0]} is there twice")
    return dict(pairs)


def _problems(found: Any) -> list[str]:
    if not isinstance(found, dict) or not {"key", "scans"} <= set(found) <= PARTS:
        return ["must be an object with key and scans, perhaps diag, and nothing else"]
    diagnoses = found.get("diag", {})
    readable = isinstance(diagnoses, dict) and all(isinstance(value, str) for value in diagnoses.values())
    problems = [] if readable else ["diag must be an object whose values are texts"]
    return problems + _key(found["key"]) + _scans(found["scans"])


def _key(found: Any) -> list[str]:
    if not isinstance(found, dict):
        return ["key must be an object: XNAT's field, and the column of the spreadsheet"]
    problems = [f"key lacks {name}, by which it is known" for name in NEEDED if name not in found]
    problems += filter(None, map(_field, found))
    return problems + [
        f"key: {name} is of column {column!r}, which is neither eid nor like 31-0.0"
        for name, column in found.items()
        if not isinstance(column, str) or not COLUMN.fullmatch(column)
    ]


def _field(name: str) -> str:
    """What is wrong with the name of a field; nothing if it is read as it is meant."""
    if not FIELD.fullmatch(name):
        return f"key: {name!r} is no field, as in {NEEDED[0]}"
    if not name.startswith(READ):
        return f"key: {name} is never read: fields begin with {' or '.join(READ)}, in these letters"
    for exact, what in TRANSLATED.items():
        if name != exact and name.replace("/", ".").lower() == exact.lower():
            return f"key: {name} must be written {exact}, or {what} are not translated"
    return ""


def _scans(found: Any) -> list[str]:
    if not isinstance(found, list) or not found:
        return ["scans must be a list that is not empty"]
    problems, names = [], Counter[tuple[str, str]]()
    for number, row in enumerate(found, start=1):
        where = f"scans, row {number}"
        if (
            not isinstance(row, list)
            or len(row) != 4
            or not all(isinstance(text, str) and text.strip() for text in row)
        ):
            problems.append(f"{where}: must be four texts: kind, scan type, series description, field")
        elif row[0] not in KINDS:
            problems.append(f"{where}: kind is {row[0]!r} and must be {' or '.join(KINDS)}")
        elif not BULK.fullmatch(row[3]):
            problems.append(f"{where}: field is {row[3]!r} and must be like 20217-2.0 or 20249")
        else:
            names[row[0], row[1]] += 1
    return problems + [f"scans: {kind} of {scan} is there twice" for (kind, scan), count in names.items() if count > 1]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {
            "biobank_cache_problems": biobank_cache_problems,
            "biobank_config_problems": biobank_config_problems,
            "biobank_pattern_problems": biobank_pattern_problems,
            "biobank_token_problems": biobank_token_problems,
        }
