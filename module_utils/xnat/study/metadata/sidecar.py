"""From the names and units of a BIDS sidecar to the fields of a scan in XNAT: seconds become ms, lists become texts.

Pure. What has no field of its own becomes an additional parameter of the scan, where its type has these.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from ...fields import LONGEST_TEXT, TAKEN_NAMES
from ..study import Attributes
from . import personal
from .nifti import number

_MR = "xnat:mrScanData"
_WITH_ADDITIONAL_PARAMETERS = {_MR, "xnat:ctScanData", "xnat:petScanData"}
# The type's own prefix, then schemas of sites: what is derived from imageScanData has `scanner` and `startTime`.
_IMAGE_SCAN = re.compile(r"xnat:\w+ScanData")
_PARAMETER_NAME = re.compile(r"[A-Za-z0-9_. -]+")
_TIME = re.compile(r"([01]\d|2[0-3]):?([0-5]\d):?([0-5]\d)(?:\.\d*)?")


def _number(value: Any) -> int | float | None:
    single = _single(value)
    if isinstance(single, bool) or not isinstance(single, (int, float)) or not math.isfinite(single):
        return None
    return number(single)


def _milliseconds(value: Any) -> int | float | None:
    seconds = _number(value)
    return None if seconds is None else number(seconds * 1000)


def _text(value: Any) -> str | None:
    return _fitting(_joined(value, "\\"))


def _clock(value: Any) -> str | None:
    match = _TIME.fullmatch(str(value).strip())
    return ":".join(match.groups()) if match else None


# Name in BIDS (and what dcm2niix writes beside it) -> path below the type, and the form of the value.
_OF_ANY_SCAN: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "Manufacturer": ("scanner/manufacturer", _text),
    "ManufacturersModelName": ("scanner/model", _text),
    "AcquisitionTime": ("startTime", _clock),
    "OperatorsName": ("operator", _text),
}
_OF_MR_SCAN: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "MagneticFieldStrength": ("fieldStrength", _number),
    "ReceiveCoilName": ("coil", _text),
    "RepetitionTime": ("parameters/tr", _milliseconds),
    "EchoTime": ("parameters/te", _milliseconds),
    "InversionTime": ("parameters/ti", _milliseconds),
    "FlipAngle": ("parameters/flip", _number),
    "SequenceName": ("parameters/sequence", _text),
    "ImageType": ("parameters/imageType", _text),
    "ScanningSequence": ("parameters/scanSequence", _text),
    "SequenceVariant": ("parameters/seqVariant", _text),
    "ScanOptions": ("parameters/scanOptions", _text),
    "MRAcquisitionType": ("parameters/acqType", _text),
    "PixelBandwidth": ("parameters/pixelBandwidth", _number),
}


def attributes(sidecar: Mapping[str, Any], xsi_type: str, *, keep_phi: bool) -> Attributes:
    """Return what a sidecar says about its scan. Entries that look personal are left out unless `keep_phi`.

    A list of numbers whose values differ (EchoTime of a multi-echo image) does not fit into a field for one number and
    becomes an additional parameter, in the unit of the sidecar.
    """
    table: dict[str, tuple[str, Callable[[Any], Any]]] = {}
    if _IMAGE_SCAN.fullmatch(xsi_type):
        table |= _OF_ANY_SCAN
    if xsi_type == _MR:
        table |= _OF_MR_SCAN
    said = Attributes()
    names: set[str] = set()
    for key, value in sidecar.items():
        if value is None or (personal.is_personal(key) and not keep_phi):
            continue
        if key in table:
            path, form = table[key]
            if (fitting := form(value)) is not None:
                said.fields[f"{xsi_type}/{path}"] = fitting
                continue
        if key == "Modality" and isinstance(value, str):
            said.options["modality"] = value
            continue
        text = parameter(value) if xsi_type in _WITH_ADDITIONAL_PARAMETERS and _is_parameter_name(key) else None
        if text is not None and key.lower() not in names:
            said.fields[key] = text
            names.add(key.lower())  # XNAT folds the case of these names in some places
    if xsi_type == _MR and "SequenceName" not in sidecar:
        detail = _text(sidecar.get("PulseSequenceDetails"))
        if detail is not None:
            said.fields.pop("PulseSequenceDetails", None)
            said.fields[f"{_MR}/parameters/sequence"] = detail
    return said


def parameter(value: Any) -> str | int | float | bool | None:
    """Return a value in the form of an additional parameter; None for what none can hold (objects, long lists)."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value if math.isfinite(value) else None
    return _fitting(_joined(value, ","))


def _is_parameter_name(key: str) -> bool:
    return bool(_PARAMETER_NAME.fullmatch(key)) and key == key.strip() and key.lower() not in TAKEN_NAMES


def _single(value: Any) -> Any:
    """The one value of a list that has no other."""
    if isinstance(value, list):
        return value[0] if value and all(other == value[0] for other in value) else None
    return value


def _joined(value: Any, separator: str) -> str | None:
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, (str, int, float)) for part in parts):
        return None
    return " ".join(separator.join(str(part).strip() for part in parts).split())


def _fitting(text: str | None) -> str | None:
    # A longer one, such as the SliceTiming of a long scan, stays in the sidecar, which is uploaded as it is. XNAT takes
    # the word NULL for "no value".
    return text if text and len(text) <= LONGEST_TEXT and text.upper() != "NULL" else None
