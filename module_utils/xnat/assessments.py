"""The assessments of the DPUK: their fields, and which values these may have.

Pure. The fields are those of the module dpuk-datatypes (schema dpuk.xsd); the values those of its page for editing,
which is the only place where they are checked: by REST XNAT takes an MMSE of 310.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import InputError

ASSESSMENT = "dpuk:dpukAssessmentData"
RISK_FACTORS = "dpuk:dpukRiskFactorAssessmentData"
# Clinical Dementia Rating: there is nothing between these.
RATINGS = (0, 0.5, 1, 2, 3)
GENOTYPES = ("e2e2", "e2e3", "e2e4", "e3e3", "e3e4", "e4e4")

_TRUTH = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}
_WHOLE = re.compile(r"\d{1,3}(?:\.0*)?")
_NUMBER = re.compile(r"\d*\.?\d+")
# E3/E4, ε3ε4, e4e3, 3/4, "APOE e3 e4": two alleles in any order.
_ALLELES = re.compile(r"(?:apoe)?[\s:_-]*[eε]?([234])[\s/,|_-]*[eε]?([234])", re.IGNORECASE)
_Check = Callable[[Any], Any]


def _boolean(value: Any) -> bool:
    found = value if isinstance(value, bool) else _TRUTH.get(str(value).strip().lower())
    if found is None:
        raise ValueError("is neither true nor false")
    return found


def _score(value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not _WHOLE.fullmatch(text) or int(float(text)) > 30:
        raise ValueError("is no whole number from 0 to 30")
    return int(float(text))


def _rating(value: Any) -> float:
    text = str(value).strip()
    number = float(text) if not isinstance(value, bool) and _NUMBER.fullmatch(text) else None
    if number not in RATINGS:
        raise ValueError(f"is none of {', '.join(map(str, RATINGS))}")
    return number


def _genotype(value: Any) -> str:
    match = _ALLELES.fullmatch(str(value).strip())
    if not match:
        raise ValueError(f"is none of {', '.join(GENOTYPES)}")
    first, second = sorted(match.groups())
    return f"e{first}e{second}"


_DIAGNOSES = ("AD", "PD", "VAD", "MCI", "FTD", "LBD")
# Data type -> field -> what makes XNAT's value of a person's.
FIELDS: dict[str, dict[str, _Check]] = {
    ASSESSMENT: {
        **{f"DIAGNOSIS_{name}": _boolean for name in _DIAGNOSES},
        "MMSE": _score,
        "MOCA": _score,
        "CDR": _rating,
    },
    RISK_FACTORS: {
        "HAS_FAMILIAL_GENE": _boolean,
        "HAS_OTHER_RISK_GENE": _boolean,
        "HAS_OTHER_RISK": _boolean,
        "APOE": _genotype,
    },
}
_TYPES = {xsi_type.lower(): xsi_type for xsi_type in FIELDS}
# What an assessment has in common with other experiments; paths may say so by its own type.
_COMMON = frozenset({"date", "time", "note", "age", "visit_id", "acquisition_site", "original", "version"})


def known_type(xsi_type: str | None) -> str | None:
    """Return the name of a DPUK data type as its schema has it, whatever case it is given in; None for another type."""
    return _TYPES.get(xsi_type.lower()) if xsi_type else None


def type_of_field(name: str) -> str | None:
    """Return the data type that has a field of this name, in any case; None if neither has."""
    return next((xsi_type for xsi_type, fields in FIELDS.items() if name.upper() in fields), None)


def checked(xsi_type: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields by XNAT's paths, with the values that XNAT stores.

    A field goes by its name (`MMSE`, in any case) or by its path (`dpuk:dpukAssessmentData/MMSE`). A value is "" to
    clear it, or: a boolean (also yes, no, 1, 0), 0 to 30 (MMSE, MOCA), one of RATINGS (CDR), two alleles (APOE), which
    become one of GENOTYPES. Fields of other data types, common ones and paths of custom variables are left as they are.
    Raises InputError that names everything which is wrong.
    """
    known = FIELDS[xsi_type]
    found: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in fields.items():
        head, slash, tail = str(key).strip().partition("/")
        name = (tail if slash else head).upper()
        if slash and (known_type(head) != xsi_type or "/" in tail or tail.lower() in _COMMON):
            found[str(key)] = value
            continue
        if name not in known:
            problems.append(f"{key}: {_unknown(name, xsi_type)}")
            continue
        path = f"{xsi_type}/{name}"
        if path in found:
            problems.append(f"{key}: is given twice")
        try:
            found[path] = value if value == "" else known[name](value)
        except ValueError as error:
            problems.append(f"{name}: {value!r} {error}")
    if problems:
        raise InputError(f"fields: {'; '.join(problems)}.")
    return found


def _unknown(name: str, xsi_type: str) -> str:
    if other := type_of_field(name):
        return f"is a field of {other}, not of {xsi_type}"
    near = difflib.get_close_matches(name, FIELDS[xsi_type], 1, 0.5)
    return f"is no field of {xsi_type}" + (f" (did you mean {near[0]}?)" if near else "")
