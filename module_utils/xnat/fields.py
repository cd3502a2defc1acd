"""From the options of a module to XNAT's parameters, from XNAT's answer to comparable values, and the comparison.

Pure: no requests. XNAT stores what it is given in the types of its schema, escapes some characters, folds the case of
some names, and answers in another shape than it is asked in. All of that is undone here, or no second run would ever
be unchanged.
"""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from . import assessments
from .errors import InputError

# Option of our modules -> (parameter that XNAT takes, path under which the value is found in the item).
_DEMOGRAPHICS = (
    "age",
    "dob",
    "yob",
    "gender",
    "handedness",
    "ses",
    "education",
    "race",
    "ethnicity",
    "weight",
    "height",
)
ATTRIBUTES: dict[str, dict[str, tuple[str, str]]] = {
    "project": {
        "name": ("name", "name"),
        "secondary_id": ("secondary_ID", "secondary_ID"),
        "description": ("description", "description"),
        "keywords": ("keywords", "keywords"),
        "pi_firstname": ("pi_firstname", "PI/firstname"),
        "pi_lastname": ("pi_lastname", "PI/lastname"),
    },
    "subject": {
        "group": ("group", "group"),
        "src": ("src", "src"),
        **{name: (name, f"demographics/{name}") for name in _DEMOGRAPHICS},
    },
    "experiment": {
        "date": ("date", "date"),
        "time": ("time", "time"),
        "note": ("note", "note"),
        "visit_id": ("visit_id", "visit_id"),
        "scanner": ("scanner", "scanner"),
        "operator": ("operator", "operator"),
        "modality": ("modality", "modality"),
    },
    "scan": {
        "type": ("type", "type"),
        "series_description": ("series_description", "series_description"),
        "quality": ("quality", "quality"),
        "note": ("note", "note"),
        "condition": ("condition", "condition"),
        "frames": ("frames", "frames"),
        "uid": ("UID", "UID"),
        "modality": ("modality", "modality"),
    },
}

# A session's type says which scans belong in it, and the other way round. Others must be named by the person.
_MODALITIES = ("mr", "ct", "pet", "us", "cr", "dx", "mg", "nm", "xa", "eeg", "meg")
SCAN_TYPE_OF_SESSION = {f"xnat:{m}SessionData": f"xnat:{m}ScanData" for m in _MODALITIES}
SESSION_TYPE_OF_SCAN = {scan: session for session, scan in SCAN_TYPE_OF_SESSION.items()}
DEFAULT_SESSION_TYPE = "xnat:mrSessionData"
DEFAULT_SCAN_TYPE = "xnat:mrScanData"

# Parts of an item that are objects of their own; a session may hold thousands of them.
_OTHER_OBJECTS = {
    "scans/scan",
    "assessors/assessor",
    "resources/resource",
    "file",
    "out/file",
    "in/file",
    "sharing/share",
    "experiments/experiment",
    "reconstructions/reconstructedimage",
    "reconstructions/reconstructedImage",
}
_XSI_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_]*:[A-Za-z][A-Za-z0-9_]*")
_VARIABLE = re.compile(r"[A-Za-z0-9_. -]+")
_PREDICATE = re.compile(r"\[@xsi:type=[^\]]*\]")
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]00:00:00(\.0+)?Z?")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_FRACTION = re.compile(r"-?\d+\.\d+(E-?\d+)?")  # as Java writes a double
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(\.\d+)?")
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.0+)?)?")
_INTEGER = re.compile(r"[+-]?\d{1,9}")
# What XNAT's schema says of the values of our options; it refuses others with a whole document (XFTValidator).
_WHOLE = {"age", "yob", "ses", "education", "frames"}
_NUMBERS = {"weight", "height"}
_CHOICES = {
    "gender": ("male", "female", "other", "unknown", "M", "F"),
    "handedness": ("left", "right", "ambidextrous", "unknown"),
}
_LONGEST = {"note": 2500}
# XNAT keeps at most this many characters in a text (XFTValidator).
LONGEST_TEXT = 255
# Say which object is meant, in some places: no names for variables and parameters of our own.
TAKEN_NAMES = frozenset({"label", "id", "xsitype", "project", "subject_id"})
_VARIABLE_OF_SUBJECT = "xnat:subjectData/fields/field["


@dataclass(frozen=True)
class Wanted:
    """One value that an object shall have: `name` as the person wrote it, `parameter` as XNAT takes it."""

    name: str
    parameter: str
    path: str
    value: str | int | float | bool

    @property
    def text(self) -> str:
        """The value as it is sent. XNAT ignores an empty value and clears at the word NULL."""
        if self.value == "":
            return "NULL"
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if self.parameter == "time" and str(self.value).count(":") == 1:
            return f"{self.value}:00"  # XNAT takes no time without its seconds (DateUtils.parseTime)
        return str(self.value)

    def xpath(self, xsi_type: str) -> str:
        """The full name of the value, which every address of an object takes; few take `parameter` for it."""
        return self.parameter if ":" in self.parameter else f"{xsi_type}/{self.path}"


def check_xsi_type(xsi_type: str) -> str:
    """Return the type if it has the form of one (`xnat:mrScanData`), else raise InputError."""
    if not _XSI_TYPE.fullmatch(xsi_type):
        raise InputError(
            f"xsi_type: {xsi_type!r} is not the name of a data type. One looks like {DEFAULT_SCAN_TYPE!r}."
        )
    return xsi_type


@lru_cache(4096)
def normalise(path: str) -> str:
    """Return a path as a key for comparison: without data type in front and types in brackets, in lower case."""
    path = _PREDICATE.sub("", path.strip().strip("/"))
    head, slash, tail = path.partition("/")
    if slash and ":" in head:
        path = tail
    return path.replace("'", "").replace('"', "").lower()


def flatten(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of one item of XNAT's JSON as {path: value}, without those of objects that it merely holds.

    A repeated part with a name (custom variables, additional parameters) gets that name in brackets, as in an XPath:
    `fields/field[name=cohort]/field`.
    """
    values: dict[str, Any] = {}
    _collect(item, "", values)
    return values


def _collect(item: Mapping[str, Any], prefix: str, values: dict[str, Any]) -> None:
    for key, value in item.get("data_fields", {}).items():
        values[prefix + key] = value
    for child in item.get("children", []):
        field = child.get("field", "")
        if field in _OTHER_OBJECTS:
            continue
        current = [part for part in child.get("items", []) if not part.get("meta", {}).get("isHistory")]
        for number, part in enumerate(current):
            name = part.get("data_fields", {}).get("name")
            mark = f"[name={name}]" if name is not None else f"[{number + 1}]" if number else ""
            _collect(part, f"{prefix}{field}{mark}/", values)


def wanted_values(
    kind: str,
    xsi_type: str,
    options: Mapping[str, Any],
    fields: Mapping[str, Any],
    stored: Mapping[str, Any],
) -> list[Wanted]:
    """Return what the options and `fields` ask for, in XNAT's names.

    `options` are {option: value}; None means "not asked for". `fields` has XNAT paths (with a `/`) and custom variables
    (without). `stored` are the present values (see flatten); a custom variable that is there in another case keeps its
    name, because XNAT folds the case of these names in some places and would else hold two of them.
    """
    if kind == "experiment" and (known := assessments.known_type(xsi_type)):
        fields = assessments.checked(known, fields)
    wanted = []
    for option, (parameter, path) in ATTRIBUTES[kind].items():
        value = options.get(option)
        if value is not None:
            wanted.append(Wanted(option, parameter, normalise(path), value))
    for key, value in fields.items():
        name = str(key).strip()
        if value is None or isinstance(value, (list, dict)):
            raise InputError(f"fields: {name!r} needs one value (text, number or true/false), not {value!r}.")
        if "/" in name:
            _check_path(kind, name)
            wanted.append(Wanted(name, name, normalise(name), value))
        else:
            wanted.append(_custom_variable(kind, xsi_type, name, value, stored))
    names: dict[str, str] = {}
    for value in wanted:
        _check_form(value)
        other = names.setdefault(value.path, value.name)
        if other != value.name:
            raise InputError(f"fields: {value.name!r} is the same value of the {kind} as {other!r}. Give it once.")
    return wanted


def _check_form(wanted: Wanted) -> None:
    """Refuse what XNAT would take for something else, or store in another form than it was given in."""
    text = str(wanted.value)
    if text.upper() == "NULL":
        raise InputError(f"{wanted.name}: XNAT takes the word NULL for 'no value'. Give an empty text to clear it.")
    # By the parameter, because a custom variable may have the name of an option.
    if wanted.parameter in {"date", "dob"} and text and not _is_date(text):
        raise InputError(f"{wanted.name}: {text!r} is not a date of the form YYYY-MM-DD.")
    if wanted.parameter in _WHOLE and text and not _INTEGER.fullmatch(text):
        raise InputError(f"{wanted.name}: {text!r} is not a whole number.")
    if wanted.parameter in _NUMBERS and text and not _FLOAT.fullmatch(text):
        raise InputError(f"{wanted.name}: {text!r} is not a number.")
    choices = _CHOICES.get(wanted.parameter)
    if choices and text and text.lower() not in map(str.lower, choices):
        raise InputError(f"{wanted.name}: {text!r} is none of {', '.join(choices)}.")
    if ":" not in wanted.parameter or wanted.parameter.startswith(_VARIABLE_OF_SUBJECT):
        longest = _LONGEST.get(wanted.parameter, LONGEST_TEXT)
        if len(text) > longest:
            raise InputError(
                f"{wanted.name}: {text[:20]!r}... has {len(text)} characters, and XNAT keeps {longest} here."
            )
    if wanted.parameter == "time" and text and not _CLOCK.fullmatch(text):
        raise InputError(
            f"time: {text!r} is not a time of the form HH:MM or HH:MM:SS. Put it in quotes: YAML reads 10:05:00 as the "
            "number of its seconds."
        )


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _check_path(kind: str, path: str) -> None:
    last = normalise(path).rsplit("/", 1)[-1]
    head = path.partition("/")[0]
    if ":" not in head:
        raise InputError(f"fields: {path!r} must start with a data type, as in 'xnat:mrScanData/parameters/tr'.")
    if normalise(path) in {"label", "id", "project", "subject_id", "image_session_id"}:
        # These do not set a field: they rename or move the object, or let the body win over the address.
        raise InputError(f"fields: {last!r} says which {kind} is meant; it cannot be set as a field.")


def _custom_variable(kind: str, xsi_type: str, name: str, value: Any, stored: Mapping[str, Any]) -> Wanted:
    if not _VARIABLE.fullmatch(name):
        raise InputError(f"fields: {name!r} is not the name of a custom variable: letters, digits, space and _.- only.")
    if name.lower() in {"label", "id", "xsitype", "project", "subject_id"}:
        raise InputError(f"fields: {name!r} says which {kind} is meant; it cannot be a custom variable here.")
    # Scans have no custom variables in XNAT; what people use for them are additional parameters.
    part, leaf = ("parameters/addParam", "addField") if kind == "scan" else ("fields/field", "field")
    for path in stored:
        if path.lower() == f"{part}[name={name}]/{leaf}".lower():
            return Wanted(name, f"{xsi_type}/{path}", path.lower(), value)
    path = f"{part}[name={name}]/{leaf}"
    return Wanted(name, f"{xsi_type}/{path}", path.lower(), value)


def same(stored: Any, wanted: Any) -> bool:
    """Return whether a stored value is what was asked for, whatever form the two came in.

    XNAT escapes `& < > " '` in what it is given, and stores numbers in the type of its schema.
    """
    if stored is None or stored == "":
        return bool(wanted == "")
    if isinstance(stored, bool) or isinstance(wanted, bool):
        return _boolean(stored) is not None and _boolean(stored) is _boolean(wanted)
    left, right = str(stored), str(wanted)
    if left == right or html.unescape(left) == right:
        return True
    # Only where one side really is a number: the texts "007" and "7" are two different codes.
    if isinstance(stored, (int, float)) or isinstance(wanted, (int, float)):
        return _number(left) is not None and _number(left) == _number(right)
    return _moment(left) == _moment(right)


def same_listed(stored: str | None, wanted: Any) -> bool:
    """Return whether a value out of one of XNAT's lists, where all is text, is what was asked for.

    There booleans are digits, a moment has a blank and fractions, line ends are blanks, and a number of a field that
    can have fractions has them: what such a text says is a number. Any other text is one.
    """
    if same(stored, wanted):
        return True
    if stored is None or isinstance(wanted, (int, float)):
        return False
    text = str(wanted)
    if _FRACTION.fullmatch(stored) and _FLOAT.fullmatch(text):
        return float(stored) == float(text)
    if stored in {"0", "1"} and text.lower() in {"true", "false"}:
        return _boolean(stored) is _boolean(text)
    if (left := _DATE_TIME.fullmatch(stored)) and (right := _DATE_TIME.fullmatch(text)):
        return left.group(1, 2) == right.group(1, 2)
    flat = " ".join(text.split())
    return flat in {" ".join(stored.split()), " ".join(html.unescape(stored).split())}


def _boolean(value: Any) -> bool | None:
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
        str(value).strip().lower()
    )


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment(text: str) -> str:
    if match := _MIDNIGHT.fullmatch(text):
        return match.group(1)
    if _TIME.fullmatch(text):
        hours, minutes, *seconds = text.split(":")
        return f"{int(hours):02d}:{minutes}:{(seconds[0] if seconds else '00').split('.')[0]}"
    return text


def differences(wanted: list[Wanted], stored: Mapping[str, Any]) -> list[Wanted]:
    """Return those of the wanted values that the object does not have yet."""
    present = {normalise(path): value for path, value in stored.items()}
    return [value for value in wanted if not same(present.get(value.path), value.value)]


def shown(wanted: list[Wanted], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the present values of what was asked for, under the names of the options, unescaped: for the diff."""
    present = {normalise(path): value for path, value in stored.items()}
    found = {value.name: present.get(value.path) for value in wanted}
    return {name: html.unescape(value) if isinstance(value, str) else value for name, value in found.items()}
