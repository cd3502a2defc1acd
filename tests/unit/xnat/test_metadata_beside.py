"""A JSON file beside an image, as dcm2niix leaves it, describes the scan in every source."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import images
import pytest
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.errors import InputError
from ansible.module_utils.xnat.study import metadata
from ansible.module_utils.xnat.study.sources import biobank
from ansible.module_utils.xnat.study.study import Attributes, Study

MR = "xnat:mrScanData"
SIDECAR = {"EchoTime": 0.003, "RepetitionTime": 1.5, "Manufacturer": "Siemens", "PatientName": "Doe^Jane", "Echo": 2}


def described(tmp_path: Path, content: str, name: str = "a.json", resource: str = "NIFTI", **said: Any) -> Attributes:
    """The scan of an image of several volumes with such a file, of which a source has said something."""
    image = images.image(tmp_path / "a.nii.gz", (4, 5, 6, 3), zooms=(1, 1, 1, 2.0))
    (tmp_path / name).write_text(content)
    study = Study([images.planned(image), images.planned(tmp_path / name, resource)])
    study.describe(images.SCAN, Attributes(MR, {}, said))
    metadata.describe(study)
    return study.attributes[images.SCAN]


def test_it_goes_before_the_header_and_after_the_source(tmp_path: Path) -> None:
    fields = described(tmp_path, json.dumps(SIDECAR), **{f"{MR}/parameters/te": "4"}).fields
    assert fields[f"{MR}/parameters/te"] == "4"
    assert fields[f"{MR}/parameters/tr"] == 1500
    assert fields[f"{MR}/scanner/manufacturer"] == "Siemens"
    assert fields["Echo"] == 2
    assert fields[f"{MR}/parameters/voxelRes/x"] == 1
    assert "PatientName" not in fields


@pytest.mark.parametrize(
    ("name", "resource", "content"),
    [
        ("b.json", "NIFTI", '{"EchoTime": 1}'),  # of another image
        ("a.json", "BIDS", '{"EchoTime": 1}'),  # as a BIDS dataset has it, whose source has read it
        ("a.json", "NIFTI", "[1]"),
    ],
)
def test_other_files_say_nothing(tmp_path: Path, name: str, resource: str, content: str) -> None:
    fields = described(tmp_path, content, name, resource).fields
    assert f"{MR}/parameters/te" not in fields
    assert fields[f"{MR}/parameters/tr"] == 2000


def test_one_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.json is not a JSON file"):
        described(tmp_path, "{bad")


def test_it_is_read_out_of_an_archive_of_uk_biobank(tmp_path: Path) -> None:
    image = images.image(tmp_path / "T1.nii.gz")
    folder = tmp_path / "ukb"
    folder.mkdir()
    with zipfile.ZipFile(folder / "1000001_20252_2_0.zip", "w") as archive:
        archive.write(image, "T1/T1.nii.gz")
        archive.writestr("T1/T1.json", json.dumps(SIDECAR))
    study = biobank.read(folder, "P")
    metadata.describe(study)
    fields = study.attributes[Address("P", "1000001", "1000001_2", "20252")].fields
    assert (fields[f"{MR}/parameters/te"], fields[f"{MR}/parameters/matrix/x"]) == (3, 4)
