"""From what a client sends (shortcuts, XPaths, text) to what XNAT stores (canonical paths, typed values).

Pure: no request, no database. Reference: XMLPathShortcuts and PopulateItem in XNAT.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping

from . import schema
from .schema import Types

FieldValue = str | int | float | bool
Fields = dict[str, FieldValue]

_PREDICATE_TYPE = re.compile(r"\[@xsi:type=[^\]]*\]", re.IGNORECASE)
_LIST_ENTRY = re.compile(r"^(?P<list>.+?)\[(?P<key>\w+)=(?P<name>[^\]]*)\]/(?P<value>\w+)$")

_PERSON = {"pi_firstname": "investigator/firstname", "pi_lastname": "investigator/lastname"}
_VALIDATION = {f"validation_{part}": f"validation/{part}" for part in ("method", "status", "date", "notes")}


def _words(text: str) -> list[str]:
    return text.split()


def _same(names: str) -> dict[str, str]:
    return {name: name for name in _words(names)}


#: Per kind of object: parameter name -> path. A shortcut that the object's own type does not have is ignored.
SHORTCUTS: dict[str, dict[str, str]] = {
    schema.PROJECT: _same("ID secondary_ID name description keywords")
    | {
        "alias": "aliases/alias",
        "pi_firstname": "PI/firstname",
        "pi_lastname": "PI/lastname",
        "note": "fields/field[name=note]/field",
    },
    schema.SUBJECT: _same("project label ID group src")
    | _PERSON
    | {
        name: f"demographics/{name}"
        for name in _words(
            "dob yob age gender handedness ses education educationDesc race"
            " ethnicity weight height gestational_age post_menstrual_age birth_weight"
        )
    },
    schema.EXPERIMENT: _same(
        "ID visit_id visit protocol date time note project label scanner operator dcmAccessionNumber dcmPatientId"
        " dcmPatientName session_type modality UID coil fieldStrength marker stabilization studyType patientID"
        " patientName subject_ID"
    )
    | _PERSON
    | _VALIDATION
    | {
        "studyInstanceUID": "UID",
        "scan_start_time": "start_time_scan",
        "injection_start_time": "start_time_injection",
        "tracer_name": "tracer/name",
        "tracer_startTime": "tracer/startTime",
        "tracer_dose": "tracer/dose",
        "tracer_sa": "tracer/specificActivity",
        "tracer_totalmass": "tracer/totalMass",
        "tracer_intermediate": "tracer/intermediate",
        "tracer_isotope": "tracer/isotope",
        "tracer_transmissions": "tracer/transmissions",
    },
    schema.IMAGE_ASSESSOR: _same("ID visit_id date time note project label") | _PERSON | _VALIDATION,
    schema.RECONSTRUCTED_IMAGE: _same("ID type baseScanType"),
    schema.IMAGE_SCAN: _same(
        "ID type UID note quality condition series_description documentation scanner modality frames"
        " coil fieldStrength marker stabilization"
    )
    | _VALIDATION
    | {"scanTime": "startTime", "startTime": "startTime", "numFrames": "parameters/frames/numFrames"}
    | {
        name: f"parameters/{name}"
        for name in _words(
            "orientation originalFileName systemType fileType transaxialFOV acqType facility"
            " numPlanes numGates planeSeparation binSize dataType"
        )
    },
}


class InvalidValueError(ValueError):
    """A value does not fit its field; XNAT answers 400."""


def escape_parameter(value: str) -> str:
    """A parameter as XNAT reads it: XML-escaped, and stored that way."""
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&apos;")):
        value = value.replace(plain, escaped)
    return value


def type_of_xpath(name: str) -> str | None:
    """The data type that a parameter name speaks of: `xnat:mrScanData/note` -> `xnat:mrScanData`."""
    head, slash, _ = name.partition("/")
    return head if slash and ":" in head else None


def canonical_path(types: Types, name: str, data_type: str, shortcuts: Mapping[str, str]) -> str | None:
    """The stored path that a parameter name means for an object of `data_type`; None if it has no such field."""
    owner = type_of_xpath(name)
    if owner is not None:
        if not types.instance_of(data_type, owner):
            return None
        path = name.partition("/")[2]
    elif name in shortcuts:
        path = shortcuts[name]
    else:
        return None
    path = _PREDICATE_TYPE.sub("", path)
    if entry := _LIST_ENTRY.match(path):
        for list_path, list_field in types.all_lists(data_type).items():
            if list_path.lower() == entry["list"].lower() and list_field.value.lower() == entry["value"].lower():
                return f"{list_path}[{list_field.key}={entry['name']}]/{list_field.value}"
        return None
    if path.lower() in {"aliases/alias", "aliases/alias/alias"} and "aliases/alias" in types.all_lists(data_type):
        return "aliases/alias"
    known = types.all_fields(data_type).get(path.lower())
    return known[0] if known else None


def parse_value(text: str, xsd: str) -> FieldValue:
    """`text` as a value of the XSD type. Raises InvalidValueError."""
    try:
        match xsd:
            case "integer":
                return int(text)
            case "float":
                return float(text)
            case "date":
                return _parse_date(text).isoformat()
            case "time":
                return dt.time.fromisoformat(text).isoformat(timespec="seconds")
            case "string" if len(text) > 255:
                raise InvalidValueError(f"{len(text)} characters, at most 255 fit")
    except ValueError as error:
        raise InvalidValueError(f"{text!r} is not a valid {xsd}") from error
    return text


def _parse_date(text: str) -> dt.date:
    for pattern in ("%Y-%m-%d", "%m/%d/%Y", "%Y%m%d"):
        try:
            return dt.datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    raise ValueError(text)


def merge(types: Types, stored: Mapping[str, FieldValue], changes: Iterable[tuple[str, str]], data_type: str) -> Fields:
    """`stored` with `changes` (canonical path, text) applied. `NULL` clears; what is not mentioned stays.

    Raises InvalidValueError.
    """
    merged = dict(stored)
    known = types.all_fields(data_type)
    for path, text in changes:
        if text == "NULL":
            merged.pop(path, None)
        elif text != "":
            xsd = known[path.lower()][1] if path.lower() in known else "string"
            merged[path] = parse_value(text, xsd)
    return merged
