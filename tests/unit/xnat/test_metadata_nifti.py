"""What the header of an image and its b-values say about a scan, and who wins when something else was said before."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from typing import Any

import images
import nibabel
import numpy as np
import pytest
from ansible.module_utils.xnat import local
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.errors import InputError
from ansible.module_utils.xnat.fields import wanted_values
from ansible.module_utils.xnat.plan import LocalFile
from ansible.module_utils.xnat.study import metadata
from ansible.module_utils.xnat.study.metadata import nifti
from ansible.module_utils.xnat.study.study import Attributes, Study

MR = "xnat:mrScanData"


def said(path: Path, xsi_type: str = MR) -> dict[str, Any]:
    """All that an image says, paths without the type and `parameters`."""
    attributes = nifti.attributes(images.local(path), xsi_type)
    return {key.removeprefix(f"{xsi_type}/parameters/"): value for key, value in attributes.fields.items()} | {
        "frames": attributes.options["frames"]
    }


def test_a_3d_image_has_voxels_matrix_field_of_view_and_one_volume(tmp_path: Path) -> None:
    path = images.image(tmp_path / "T1.nii.gz", (176, 256, 240), zooms=(1.0, 0.8, 0.9375))
    assert said(path) == {
        "voxelRes/x": 1,
        "voxelRes/y": 0.8,
        "voxelRes/z": 0.9375,
        "voxelRes/units": "mm",
        "matrix/x": 176,
        "matrix/y": 256,
        "partitions": 240,
        "fov/x": 176,
        "fov/y": 205,
        "frames": 1,
    }


@pytest.mark.parametrize(("unit", "factor"), [("meter", 0.001), ("mm", 1), ("micron", 1000), ("unknown", 1)])
def test_voxels_are_in_mm_whatever_the_unit(tmp_path: Path, unit: str, factor: float) -> None:
    path = images.image(tmp_path / "a.nii", zooms=(2 * factor, 2 * factor, 2.5 * factor), units=(unit, "sec"))
    values = said(path)
    assert [values[f"voxelRes/{axis}"] for axis in "xyz"] == [2, 2, 2.5]
    assert values["voxelRes/units"] == "mm"


@pytest.mark.parametrize(("unit", "value"), [("sec", 0.735), ("msec", 735), ("usec", 735000)])
def test_repetition_time_of_a_4d_image_is_in_ms(tmp_path: Path, unit: str, value: float) -> None:
    values = said(images.image(tmp_path / "a.nii", (4, 4, 3, 10), zooms=(2, 2, 2, value), units=("mm", unit)))
    assert (values["tr"], values["frames"]) == (735, 10)


@pytest.mark.parametrize(
    ("shape", "unit", "value"), [((4, 4, 3, 1), "sec", 2), ((4, 4, 3, 9), "hz", 2), ((4, 4, 3, 9), "sec", 0)]
)
def test_no_repetition_time_without_volumes_or_a_unit_of_time(
    tmp_path: Path, shape: tuple[int, ...], unit: str, value: float
) -> None:
    assert "tr" not in said(images.image(tmp_path / "a.nii", shape, zooms=(2, 2, 2, value), units=("mm", unit)))


def test_sizes_that_are_none_are_left_out(tmp_path: Path) -> None:
    path = images.image(tmp_path / "a.nii", pixdim=[1, 0, float("nan"), -2, 0, 0, 0, 0])
    assert {key: value for key, value in said(path).items() if key.startswith(("voxel", "fov"))} == {
        "voxelRes/z": 2,
        "voxelRes/units": "mm",
    }


def test_both_versions_and_byte_orders_are_read(tmp_path: Path) -> None:
    expected = said(images.image(tmp_path / "a.nii", zooms=(2, 2, 3)))
    assert said(images.image(tmp_path / "b.nii", zooms=(2, 2, 3), kind=nibabel.Nifti2Image)) == expected
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_shape((4, 5, 6))
    header.set_zooms((2, 2, 3))
    header["magic"], header["vox_offset"] = b"n+1", 352
    (tmp_path / "c.nii").write_bytes(header.binaryblock + bytes(4 + 480))
    assert said(tmp_path / "c.nii") == expected


def test_the_member_of_a_zip_is_read_like_a_file(tmp_path: Path) -> None:
    path = images.image(tmp_path / "T1.nii.gz", zooms=(2, 2, 3))
    with zipfile.ZipFile(tmp_path / "1_20252_2_0.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "T1/T1.nii.gz")
    member = LocalFile("T1.nii.gz", str(tmp_path / "1_20252_2_0.zip"), path.stat().st_size, 0, "T1/T1.nii.gz")
    assert nifti.attributes(member, MR) == nifti.attributes(images.local(path), MR)


@pytest.mark.parametrize(
    ("xsi_type", "paths"),
    [
        ("xnat:ctScanData", {"voxelRes/x", "voxelRes/y", "voxelRes/z", "voxelRes/units", "fov/x", "fov/y"}),
        ("xnat:megScanData", set()),
        ("dpuk:dpukScanData", set()),
    ],
)
def test_other_types_get_only_what_they_have_a_field_for(tmp_path: Path, xsi_type: str, paths: set[str]) -> None:
    values = said(images.image(tmp_path / "a.nii", (4, 4, 3, 10), zooms=(2, 2, 2, 1)), xsi_type)
    assert set(values) == {*paths, "frames"}


def test_pet_has_its_sizes_in_cm(tmp_path: Path) -> None:
    values = said(images.image(tmp_path / "a.nii", (4, 5, 6, 10), zooms=(2, 2, 3.5, 60)), "xnat:petScanData")
    assert [values[f"pixelSize/{axis}"] for axis in "xyz"] == [0.2, 0.2, 0.35]
    assert [values[f"dimensions/{axis}"] for axis in ("x", "y", "z", "num")] == [4, 5, 6, 10]


@pytest.mark.parametrize("xsi_type", [MR, "xnat:ctScanData", "xnat:petScanData"])
def test_everything_said_is_something_that_xnat_takes(tmp_path: Path, xsi_type: str) -> None:
    attributes = nifti.attributes(images.local(images.image(tmp_path / "a.nii", (4, 4, 3, 9))), xsi_type)
    wanted = wanted_values("scan", xsi_type, attributes.options, attributes.fields, {})
    assert len(wanted) == len(attributes.options) + len(attributes.fields)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", bytes(400), gzip.compress(b"no image"), gzip.compress(bytes(9000))[:40], b"\x1f\x8bnonsense"],
    ids=["empty", "text", "zeros", "packed text", "cut off", "broken gzip"],
)
def test_what_is_no_image_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.nii.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.nii\.gz is not a NIFTI image: .*Replace or leave out"):
        nifti.attributes(images.local(tmp_path / "bad.nii.gz"), MR)


def test_impossible_dimensions_are_no_image(tmp_path: Path) -> None:
    path = images.image(tmp_path / "a.nii")
    path.write_bytes(path.read_bytes()[:40] + b"\x63\0" + path.read_bytes()[42:])
    with pytest.raises(InputError, match=r"a\.nii is not a NIFTI image: its header says dimensions 99x4x5x6"):
        nifti.attributes(images.local(path), MR)


def test_describe_takes_the_largest_image_of_each_scan(tmp_path: Path) -> None:
    small, large = images.image(tmp_path / "a.nii", (4, 4, 4)), images.image(tmp_path / "b.nii", (9, 9, 9))
    study = Study(
        [
            images.planned(small),
            images.planned(large),
            images.planned(images.image(tmp_path / "c.nii", (20, 20, 20)), "OTHER"),
        ]
    )
    metadata.describe(study)
    assert study.attributes[images.SCAN].fields[f"{MR}/parameters/matrix/x"] == 9


def test_describe_takes_the_type_of_the_session(tmp_path: Path) -> None:
    study = Study([images.planned(images.image(tmp_path / "a.nii"))])
    study.describe(images.SCAN.up_to("experiment"), Attributes("xnat:petSessionData"))
    metadata.describe(study)
    assert "xnat:petScanData/parameters/dimensions/x" in study.attributes[images.SCAN].fields


def test_what_was_said_before_wins_under_whatever_name(tmp_path: Path) -> None:
    study = Study([images.planned(images.image(tmp_path / "a.nii", (4, 4, 3, 9), zooms=(2, 2, 2, 3)))])
    before = {f"{MR}/parameters/tr": 2000, "xnat:MRscandata/Parameters/matrix/x": 64, f"{MR}/frames": 200}
    study.describe(images.SCAN, Attributes(MR, {"type": "bold"}, dict(before)))
    metadata.describe(study)
    found = study.attributes[images.SCAN]
    assert found.fields.items() >= before.items()
    assert found.options == {"type": "bold"}
    assert f"{MR}/parameters/matrix/x" not in found.fields
    assert found.fields[f"{MR}/parameters/matrix/y"] == 4
    wanted_values("scan", MR, found.options, found.fields, {})  # nothing is said twice


def test_b_values_are_listed_once_ascending(tmp_path: Path) -> None:
    (tmp_path / "dwi.bval").write_text("0 1000 1000\t0 2000.0 5\n")
    study = Study([images.planned(tmp_path / "dwi.bval", "BVAL")])
    metadata.describe(study)
    assert study.attributes[images.SCAN].fields == {f"{MR}/parameters/diffusion/bValues": "0,5,1000,2000"}


def test_more_b_values_than_a_text_holds_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "bvals").write_text(" ".join(map(str, range(200))))
    study = Study([images.planned(tmp_path / "bvals")])
    metadata.describe(study)
    assert study.attributes == {}


@pytest.mark.parametrize("text", ["0 1000 x", "nan 0", "1e999"])
def test_what_is_no_list_of_b_values_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "dwi.bval").write_text(text)
    with pytest.raises(InputError, match=r"dwi\.bval is not a list of b-values"):
        metadata.describe(Study([images.planned(tmp_path / "dwi.bval")]))


def test_of_an_image_only_the_first_bytes_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.random.default_rng(1).integers(0, 1000, (100, 100, 100), dtype=np.int16)
    path = images.image(tmp_path / "a.nii.gz", data=data)
    study = Study([images.planned(path)])
    read = images.count_reads(monkeypatch, local, nifti)
    metadata.describe(study)
    assert study.attributes
    assert 0 < sum(read) < 150_000 < path.stat().st_size


def test_all_broken_files_are_named_at_once(tmp_path: Path) -> None:
    study = Study()
    for number, (name, content) in enumerate({"a.nii.gz": b"no gzip", "b.nii": b"", "c.nii.gz": b"\x1f\x8bx"}.items()):
        (tmp_path / name).write_bytes(content)
        study.files.append(images.planned(tmp_path / name, scan=Address("P1", "S01", "S01_MR1", str(number))))
    (tmp_path / "d.bval").write_text("0 many")
    study.files.append(images.planned(tmp_path / "d.bval", scan=Address("P1", "S01", "S01_MR1", "9")))
    with pytest.raises(InputError) as caught:
        metadata.describe(study)
    assert [line.split(" ")[1].rpartition("/")[2] for line in str(caught.value).splitlines()[1:]] == [
        "a.nii.gz",
        "b.nii",
        "c.nii.gz",
        "d.bval",
    ]


def test_numbers_that_xnat_cannot_keep(tmp_path: Path) -> None:
    fields = said(images.image(tmp_path / "a.nii", (4, 5, 6), zooms=(1e30, 1.0, 1.0)))
    assert "fov/x" not in fields
    assert fields["matrix/x"] == 4
    path = images.image(tmp_path / "b.nii", kind=nibabel.Nifti2Image)
    content = bytearray(path.read_bytes())
    content[24:32] = (2**40).to_bytes(8, "little")
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"b\.nii is not a NIFTI image: its header says dimensions 3x1099511627776x"):
        said(path)
