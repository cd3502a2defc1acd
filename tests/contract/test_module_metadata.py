"""What images and sidecars say fits into XNAT's fields, comes back as it was sent, and a second run changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from ansible.module_utils.xnat.fields import SESSION_TYPE_OF_SCAN
from ansible.module_utils.xnat.plan import LocalFile
from ansible.module_utils.xnat.study.metadata import nifti, sidecar
from module_runner import Modules

pytest_plugins = ["module_fixtures"]

SIDECAR: dict[str, Any] = {
    "Modality": "MR",
    "MagneticFieldStrength": 2.89362,
    "Manufacturer": "Siemens & Sons",
    "ManufacturersModelName": "Prisma <fit>",
    "AcquisitionTime": "14:05:42.530000",
    "ScanningSequence": "GR\\IR",
    "SequenceName": "*tfl3d1_16ns",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "NORM"],
    "NonlinearGradientCorrection": False,
    "EchoTime": 0.00298,
    "RepetitionTime": 2.3,
    "InversionTime": 0.9,
    "FlipAngle": 9,
    "PixelBandwidth": 240,
    "EffectiveEchoSpacing": 0.000540005,
    "ImageOrientationPatientDICOM": [0.0, 1, -4.5e-10],
    "OperatorsName": "A'B",
}


@pytest.fixture
def image(tmp_path: Path) -> LocalFile:
    made = nibabel.Nifti1Image(np.zeros((64, 65, 30, 12), dtype=np.int16), np.eye(4))
    made.header.set_zooms((0.8, 3.3333333, 1e-4, 0.735))
    made.header.set_xyzt_units("mm", "sec")
    path = tmp_path / "bold.nii.gz"
    nibabel.save(made, path)
    return LocalFile(path.name, str(path), path.stat().st_size, 0)


@pytest.mark.parametrize("xsi_type", ["xnat:mrScanData", "xnat:ctScanData", "xnat:petScanData", "xnat:nmScanData"])
def test_headers_and_sidecars_fit_and_stay(modules: Modules, project: str, image: LocalFile, xsi_type: str) -> None:
    header = nifti.attributes(image, xsi_type)
    side = sidecar.attributes(json.loads(json.dumps(SIDECAR)), xsi_type, keep_phi=True)
    keys = {"project": project, "subject": "S1", "experiment": "S1_1"}
    modules.experiment(**keys, xsi_type=SESSION_TYPE_OF_SCAN[xsi_type])
    options: dict[str, Any] = {
        **keys,
        "scan": "1",
        "xsi_type": xsi_type,
        **header.options,
        **side.options,
        "fields": {**header.fields, **side.fields},
    }
    assert modules.scan(**options)["changed"]
    again = modules.scan(**options)
    assert not again["changed"], again["diff"]
