"""Ansible filters for what data freezes of a DPUK node are set up with: what is wrong with the script, or the JSON.

The JSON, as dpuk-node-extras reads it (Payload and SessionFilter in its jar): `demographics`, which fields of a subject
go along, and `sessionfilters`, the same for each data type. A field that is not named does not go along.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: `filtertype` -> the data type that this filter of dpuk-node-extras 1-3b is for. None: any session.
FILTERS = {
    "MRSessions": "xnat:mrSessionData",
    "PETSessions": "xnat:petSessionData",
    "MEGSessions": "xnat:megSessionData",
    "GENERICSessions": None,
    "DPUKAssessments": "dpuk:dpukAssessmentData",
    "DPUKRiskFactorAssessments": "dpuk:dpukRiskFactorAssessmentData",
}
PATH = re.compile(r"[A-Za-z]\w*:[A-Za-z]\w*(/[\w-]+)+")
KEYS = {"demographics", "sessionfilters"}
FILTER_KEYS = {"datatype", "fields", "filtertype"}
SCRIPT, CONFIG = "dpuk_node_extras_script_src", "dpuk_node_extras_config_src"


def _text(path: str, variable: str, what: str) -> tuple[str, list[str]]:
    """The file's text, and what is wrong with it as a text."""
    if not path:
        return "", [f"{variable} is empty: dpuk-node-extras exports nothing without {what}. See docs/admin/dpuk.md"]
    try:
        text = Path(path).expanduser().read_bytes().decode("utf-8")
    except OSError as error:
        return "", [f"{variable}: {path} cannot be read: {error.strerror}"]
    except UnicodeDecodeError as error:
        return "", [f"{variable}: {path} is no text in UTF-8: byte {error.start} is not"]
    if not text.strip() or "\x00" in text:
        return "", [f"{variable}: {path} {'holds a NUL' if text.strip() else 'is empty'}"]
    return text, []


def freeze_script_problems(path: str) -> list[str]:
    """What is wrong with the anonymisation script; the language itself is XNAT's to judge."""
    text, problems = _text(path, SCRIPT, "the script that anonymises images")
    if text.lstrip()[:1] == "<":
        problems.append(f"{SCRIPT}: {path} is a page of HTML or XML, no anonymisation script")
    elif text and all(line.lstrip().startswith("//") or not line.strip() for line in text.splitlines()):
        problems.append(f"{SCRIPT}: {path} has comments only, so it would take nothing out of an image")
    return problems


def freeze_config_problems(path: str) -> list[str]:
    """What is wrong with the JSON, all of it."""
    text, problems = _text(path, CONFIG, "the JSON of fields")
    if not text:
        return problems
    try:
        found = json.loads(text, object_pairs_hook=_no_doubles)
    except json.JSONDecodeError as error:
        return [f"{CONFIG}: {path} is no JSON: {error.msg}, line {error.lineno} column {error.colno}"]
    except ValueError as error:
        return [f"{CONFIG}: {path}: {error}"]
    return [f"{CONFIG}: {path}: {problem}" for problem in _problems(found)]


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    double = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if double:
        raise ValueError(f"{double[0]} is there twice")
    return dict(pairs)


def _problems(found: Any) -> list[str]:
    if not isinstance(found, dict) or set(found) != KEYS:
        return ["must be an object with demographics and sessionfilters, and nothing else"]
    problems = _fields(found["demographics"], "demographics")
    filters = found["sessionfilters"]
    if not isinstance(filters, list) or not filters:
        return [*problems, "sessionfilters must be a list that is not empty"]
    for number, one in enumerate(filters, start=1):
        problems += _filter(one, f"sessionfilters, number {number}")
    kinds = Counter(str(one["filtertype"]) for one in filters if isinstance(one, dict) and "filtertype" in one)
    return problems + [f"sessionfilters: {kind} is there twice" for kind, count in kinds.items() if count > 1]


def _filter(one: Any, where: str) -> list[str]:
    if not isinstance(one, dict) or set(one) != FILTER_KEYS:
        return [f"{where}: must be an object with datatype, filtertype and fields, and nothing else"]
    kind, data_type = one["filtertype"], one["datatype"]
    if not isinstance(kind, str) or kind not in FILTERS:
        return [f"{where}: filtertype is {kind!r} and must be one of {', '.join(FILTERS)}"]
    problems = _fields(one["fields"], f"{where} ({kind})")
    wanted = FILTERS[kind]
    if not isinstance(data_type, str) or data_type != (wanted or data_type):
        problems.append(f"{where}: {kind} is for {wanted}, and datatype is {data_type!r}")
    return problems


def _fields(found: Any, where: str) -> list[str]:
    if not isinstance(found, dict) or not found:
        return [f"{where}: must name fields, each with true or false"]
    problems = [
        f"{where}: {name!r} is no XNAT path, as in xnat:demographicData/age"
        for name in found
        if not PATH.fullmatch(name)
    ]
    return problems + [
        f"{where}: {name} is {json.dumps(value)} and must be true or false"
        for name, value in found.items()
        if not isinstance(value, bool)
    ]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {"freeze_script_problems": freeze_script_problems, "freeze_config_problems": freeze_config_problems}
