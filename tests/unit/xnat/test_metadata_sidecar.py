"""Names and units of a BIDS sidecar, and where they go in XNAT."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.xnat.fields import wanted_values
from ansible.module_utils.xnat.study.metadata import sidecar

MR = "xnat:mrScanData"

# A sidecar as dcm2niix writes it with -ba n, with values of the kinds that occur.
DCM2NIIX: dict[str, Any] = {
    "Modality": "MR",
    "MagneticFieldStrength": 3,
    "ImagingFrequency": 123.25,
    "Manufacturer": "Siemens",
    "ManufacturersModelName": "Prisma",
    "InstitutionName": "CUBRIC & Co",
    "DeviceSerialNumber": "66047",
    "BodyPartExamined": "BRAIN",
    "PatientPosition": "HFS",
    "PatientName": "DOE^JANE",
    "PatientBirthDate": "1950-01-02",
    "SeriesInstanceUID": "1.3.12.2.1107.5.2.43.66047",
    "OperatorsName": "Smith",
    "ScanningSequence": "GR\\IR",
    "SequenceVariant": "SK\\SP\\MP",
    "ScanOptions": "IR",
    "MRAcquisitionType": "3D",
    "SequenceName": "*tfl3d1_16ns",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "NORM"],
    "NonlinearGradientCorrection": False,
    "AcquisitionTime": "14:05:42.530000",
    "SliceThickness": 0.8,
    "EchoTime": 0.00298,
    "RepetitionTime": 2.3,
    "InversionTime": 0.9,
    "FlipAngle": 9,
    "PixelBandwidth": 240,
    "ReceiveCoilName": "Head_32",
    "PulseSequenceDetails": "%SiemensSeq%_tfl",
    "ImageOrientationPatientDICOM": [0, 1, 0, 0, 0, -1],
    "SliceTiming": [n / 100 for n in range(100)],
    "ShimSetting": {"x": 1},
    "ConversionSoftware": "dcm2niix",
}


def said(values: dict[str, Any], xsi_type: str = MR, *, keep_phi: bool = False) -> dict[str, Any]:
    return dict(sidecar.attributes(values, xsi_type, keep_phi=keep_phi).fields)


def test_a_sidecar_of_dcm2niix() -> None:
    attributes = sidecar.attributes(DCM2NIIX, MR, keep_phi=False)
    assert attributes.options == {"modality": "MR"}
    typed = {key.removeprefix(f"{MR}/"): value for key, value in attributes.fields.items() if "/" in key}
    assert typed == {
        "fieldStrength": 3,
        "scanner/manufacturer": "Siemens",
        "scanner/model": "Prisma",
        "coil": "Head_32",
        "startTime": "14:05:42",
        "parameters/tr": 2300,
        "parameters/te": 2.98,
        "parameters/ti": 900,
        "parameters/flip": 9,
        "parameters/pixelBandwidth": 240,
        "parameters/sequence": "*tfl3d1_16ns",
        "parameters/imageType": "ORIGINAL\\PRIMARY\\M\\NORM",
        "parameters/scanSequence": "GR\\IR",
        "parameters/seqVariant": "SK\\SP\\MP",
        "parameters/scanOptions": "IR",
        "parameters/acqType": "3D",
    }
    additional = {key: value for key, value in attributes.fields.items() if "/" not in key}
    assert additional == {
        "ImagingFrequency": 123.25,
        "InstitutionName": "CUBRIC & Co",
        "DeviceSerialNumber": "66047",
        "BodyPartExamined": "BRAIN",
        "PatientPosition": "HFS",
        "NonlinearGradientCorrection": False,
        "SliceThickness": 0.8,
        "PulseSequenceDetails": "%SiemensSeq%_tfl",
        "ImageOrientationPatientDICOM": "0,1,0,0,0,-1",
        "ConversionSoftware": "dcm2niix",
    }


def test_personal_entries_only_when_asked_for() -> None:
    kept = said(DCM2NIIX, keep_phi=True)
    assert kept["PatientName"] == "DOE^JANE"
    assert kept["PatientBirthDate"] == "1950-01-02"
    assert kept[f"{MR}/operator"] == "Smith"


@pytest.mark.parametrize("xsi_type", [MR, "xnat:petScanData", "xnat:ctScanData", "xnat:megScanData", "dpuk:scanData"])
def test_everything_said_is_something_that_xnat_takes(xsi_type: str) -> None:
    attributes = sidecar.attributes(DCM2NIIX, xsi_type, keep_phi=True)
    wanted = wanted_values("scan", xsi_type, attributes.options, attributes.fields, {})
    assert len(wanted) == len(attributes.options) + len(attributes.fields)


def test_types_without_additional_parameters_have_what_any_scan_has() -> None:
    assert said(DCM2NIIX, "xnat:megScanData") == {
        "xnat:megScanData/scanner/manufacturer": "Siemens",
        "xnat:megScanData/scanner/model": "Prisma",
        "xnat:megScanData/startTime": "14:05:42",
    }
    assert said(DCM2NIIX, "dpuk:scanData") == {}


def test_units_of_pet_stay_as_they_are() -> None:
    assert said({"InjectedRadioactivity": 370.5, "TracerName": "FDG"}, "xnat:petScanData") == {
        "InjectedRadioactivity": 370.5,
        "TracerName": "FDG",
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"EchoTime": [0.03, 0.03]}, {f"{MR}/parameters/te": 30}),
        ({"EchoTime": [0.0148, 0.0284]}, {"EchoTime": "0.0148,0.0284"}),
        ({"EchoTime": "0.03"}, {"EchoTime": "0.03"}),
        ({"RepetitionTime": 0.735}, {f"{MR}/parameters/tr": 735}),
        ({"RepetitionTime": float("nan")}, {}),
        ({"FlipAngle": 12.5}, {f"{MR}/parameters/flip": 12.5}),
        ({"FlipAngle": True}, {"FlipAngle": True}),
        ({"AcquisitionTime": "140542.53"}, {f"{MR}/startTime": "14:05:42"}),
        ({"AcquisitionTime": "this morning"}, {"AcquisitionTime": "this morning"}),
        ({"PulseSequenceDetails": "tfl"}, {f"{MR}/parameters/sequence": "tfl"}),
        ({"Note": "two\n lines "}, {"Note": "two lines"}),
        ({"A": None, "B": "", "C": [], "D": "null", "E": {"F": 1}, "G": [{"H": 1}], "I": "x" * 256}, {}),
        ({"Some/Path": 1, "label": "x", "ID": 3, "Grüße": "x", " x": 1}, {}),
        ({"Echo": 1, "ECHO": 2}, {"Echo": 1}),
        ({"ManufacturersModelName": "x" * 256}, {}),
    ],
)
def test_values_that_need_care(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert said(given) == expected
