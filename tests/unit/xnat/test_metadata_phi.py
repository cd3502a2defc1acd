"""What counts as personal in headers and JSON files, and what refuse, strip and keep do with it."""

from __future__ import annotations

import gzip
import json
import os
import struct
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
from ansible.module_utils.xnat.local import md5
from ansible.module_utils.xnat.plan import LocalFile
from ansible.module_utils.xnat.study.metadata import nifti, phi
from ansible.module_utils.xnat.study.metadata.personal import header_text, is_personal, json_value
from ansible.module_utils.xnat.study.study import PlannedFile, Study

# What programs write. A false alarm on any of these would stop most studies.
HARMLESS = [
    "",
    "none",
    "FSL5.0",
    "FSL4.1",
    "FSL3.3",
    "6.0.5:9e026117",
    "6.0.7.4:b9d1c0e4",
    "5.0.10",
    "TE=30;Time=140542.530",
    "TE=2.98;Time=81234.567;phase=1;mb=8",
    "TE=30;Time=0.000;phase=0;dt=0.000",
    "?TR:2000.000 TE:30",
    "dcm2niix v1.0.20211006",
    "v1.0.20180622 GCC4.8.4",
    "MRtrix version: 3.0.4",
    "MRtrix version: 3.0_RC3-137-g7a9bf9d4",
    "FreeSurfer Jun 12 2018",
    "FreeSurfer 7.2.0-20210720-aa8f76b",
    "FreeSurfer matrix",
    "SPM - 3D normalized",
    "spm - 3D normalized",
    "spm - algebra",
    "spm - realigned",
    "SPM{T_[100.0]} - contrast 1: faces > houses",
    "Warped",
    "spm_spm:beta (0001) - Sn(1) Faces*bf(1)",
    "f*(x^2+y^2)",
    "i1.^2",
    "3T 3D GR TR=2300ms/TE=2.98ms/FA=9deg",
    "3T 3D GR TR=2300ms/TE=2.98ms/FA=9deg Mosaic",
    "NIfTI-1 Single file format",
    "Created by XMedCon 0.16.0",
    "phs T1 MPRAGE sag 1mm iso",
    "Series name: t1_mprage_sag",
    "Protocol name = rfMRI_REST_AP",
    "ITK 5.2",
    "Nilearn",
    "nibabel",
    "mri_convert.bin",
    "sub-01_ses-02_task-rest_run-1_bold.nii.gz",
    "UK Biobank resting fMRI",
    "FSL3.3  v2.25 NIfTI-1 Single file format",
    "Mask, Original",
    "UK Biobank, Imaging",
    "SIEMENS TrioTim N4_VB17A_LATEST_20090307",
    "AFNI_2011_12_21_1014",
    "fMRIPrep 23.1.4",
    "Displacement",
    "FSL_FLIRT_MATRIX",
    "ConnDenseScalar",
    "0.100000001490116",
    "20 subjects average",
    "S01",
    "sub-S01 T1",
]
PERSONAL = [
    "DOE^JOHN",
    "Doe^John^^Dr",
    "O'Brien^Mary",
    "SMITH^J",
    "J^SMITH",
    "Müller^Anna".encode().decode("latin-1"),
    "Smith, John",
    "patient John Smith",
    "Patient's scan",
    "PatientName=X",
    "name: smith",
    "Last name smith",
    "subject_name smith",
    "DOB 1950",
    "dob:2.1.50",
    "born 1950",
    "birthdate",
    "birth_date 1950",
    "MRN 1234",
    "1950-01-02",
    "19500102",
    "02/01/1950",
    "2.1.1950",
    "1/12/1950",
    "2 Jan 1950",
    "12-Mar-2009 14:05:42",
    "January 2, 1950",
    "TE=30;19500102",
    "1234567",
    "ID1234567890",
    "943 476 5919",
    "1.3.12.2.1107.5.2.43.66047.2013",
    "S01 1950-01-02",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_programs_write_is_not_personal(text: str) -> None:
    assert not header_text("descrip", text, "S01")


@pytest.mark.parametrize("text", PERSONAL)
def test_texts_that_look_personal(text: str) -> None:
    assert header_text("descrip", text, "S01")


@pytest.mark.parametrize(
    ("text", "personal"),
    [("John Smith", True), ("SMITH_JOHN", True), ("T1 image", False), ("brain", False), ("sub-01_T1w", False)],
)
def test_two_plain_words_are_a_name_only_where_the_name_of_the_patient_used_to_be(text: str, personal: bool) -> None:
    assert header_text("db_name", text, "S01") is personal
    assert not header_text("descrip", text, "S01")


def test_the_subjects_own_label_is_a_pseudonym() -> None:
    assert header_text("db_name", "1003339", "S01")
    assert not header_text("db_name", "1003339", "1003339")
    assert header_text("descrip", "1003339 DOE^J", "1003339")


@pytest.mark.parametrize(
    "name",
    [
        "PatientName",
        "Patient's Name",
        "PatientsName",
        "patient_id",
        "ReferringPhysiciansName",
        "OperatorsName",
        "AccessionNumber",
        "StudyInstanceUID",
        "AcquisitionDateTime",
        "date_of_birth",
        "NHS number",
    ],
)
def test_personal_names(name: str) -> None:
    assert is_personal(name)


@pytest.mark.parametrize(
    "name",
    [
        "Name",
        "TaskName",
        "PatientSex",
        "PatientAge",
        "PatientWeight",
        "PatientPosition",
        "InstitutionName",
        "InstitutionAddress",
        "DeviceSerialNumber",
        "StationName",
        "SeriesDescription",
        "AcquisitionTime",
        "Authors",
    ],
)
def test_names_of_research_data(name: str) -> None:
    assert not is_personal(name)


@pytest.mark.parametrize(
    ("name", "value", "personal"),
    [
        ("PatientName", "DOE^JANE", True),
        ("PatientName", ["", "DOE"], True),
        ("PatientName", "", False),
        ("PatientName", None, False),
        ("PatientName", [], False),
        ("PatientName", "Anonymous", False),
        ("PatientName", "XXXX", False),
        ("PatientName", {"Description": "not collected"}, False),
        ("PatientName", "sub-S01", False),
        ("PatientID", "S01", False),
        ("PatientID", "s-01", False),
        ("PatientID", "S02", True),
        ("PatientID", 4711, True),
        ("OperatorsName", "S01", True),
        ("AcquisitionDateTime", "2019-05-06T10:00:00", True),
        ("AcquisitionDateTime", "1912-05-06T10:00:00", False),
        ("PatientBirthDate", "1912-05-06", True),
    ],
)
def test_values_of_personal_names(name: str, value: Any, personal: bool) -> None:
    assert json_value(name, value, "S01") is personal


# ---- policies --------------------------------------------------------------------------------------------------------


def write_json(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """An image and a sidecar with personal data, and one of each without."""
    scans = [Address("P1", "S01", "S01_MR1", str(number)) for number in (1, 2)]
    files = [
        images.planned(images.image(tmp_path / "in/bad.nii.gz", descrip=b"DOE^JANE", aux_file=b"FSL"), scan=scans[0]),
        images.planned(images.image(tmp_path / "in/good.nii.gz", descrip=b"FSL5.0"), scan=scans[1]),
        images.planned(
            write_json(
                tmp_path / "in/bad.json",
                {"EchoTime": 0.03, "PatientName": "DOE^JANE", "global": {"const": {"PatientID": "4711", "TR": 2}}},
            ),
            "BIDS",
            scans[0],
        ),
        images.planned(write_json(tmp_path / "in/good.json", {"PatientName": "", "Name": "x"}), "BIDS", scans[1]),
    ]
    return Study(files)


def test_refuse_says_where_but_not_what(study: Study, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        phi.check(study, "refuse", tmp_path / "scratch")
    message = str(caught.value)
    assert message.startswith("3 entries in 2 of 4 files may tell who a person is: ")
    assert f"{tmp_path}/in/bad.nii.gz: descrip" in message
    assert f"{tmp_path}/in/bad.json: global.const.PatientID" in message
    assert "phi: strip" in message
    assert "phi: keep" in message
    assert "DOE" not in message
    assert "4711" not in message
    assert caught.value.details["phi"] == [
        {"file": f"{tmp_path}/in/bad.nii.gz", "field": "descrip"},
        {"file": f"{tmp_path}/in/bad.json", "field": "PatientName"},
        {"file": f"{tmp_path}/in/bad.json", "field": "global.const.PatientID"},
    ]
    assert not (tmp_path / "scratch").exists()


def test_refuse_shows_five_of_many(tmp_path: Path) -> None:
    paths = [write_json(tmp_path / f"{number}.json", {"PatientID": "4711"}) for number in range(7)]
    with pytest.raises(InputError, match=r"4\.json: PatientID and 2 more\. Nothing was sent"):
        phi.check(Study([images.planned(path) for path in paths]), "refuse", tmp_path)


def test_keep_leaves_the_study_alone_and_reads_nothing(study: Study, tmp_path: Path) -> None:
    (tmp_path / "in/bad.json").write_text("{")
    assert phi.check(study, "keep", tmp_path / "scratch") == (study, [])


def test_an_unknown_policy_is_refused(study: Study, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="phi: 'ignore' is none of refuse, strip, keep"):
        phi.check(study, "ignore", tmp_path)


def test_strip_sends_cleaned_copies_and_leaves_the_files(study: Study, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    cleaned, findings = phi.check(study, "strip", tmp_path / "scratch")
    assert [finding.field for finding in findings] == ["descrip", "PatientName", "global.const.PatientID"]
    assert {path: path.read_bytes() for path in (tmp_path / "in").iterdir()} == before
    assert [file.key for file in cleaned.files] == [file.key for file in study.files]
    bad_image, good_image, bad_json, good_json = (file.local for file in cleaned.files)
    assert (good_image, good_json) == (study.files[1].local, study.files[3].local)
    assert json.loads(Path(bad_json.path).read_text()) == {"EchoTime": 0.03, "global": {"const": {"TR": 2}}}
    original, copy = nibabel.load(study.files[0].local.path), nibabel.load(bad_image.path)
    assert bytes(copy.header["descrip"].item()) == b""
    assert bytes(copy.header["aux_file"].item()) == b"FSL"
    assert np.array_equal(np.asarray(original.dataobj), np.asarray(copy.dataobj))
    for file in (bad_image, bad_json):
        assert (file.size, file.modified_ns) == (Path(file.path).stat().st_size, Path(file.path).stat().st_mtime_ns)
    assert phi.check(cleaned, "refuse", tmp_path / "none") == (cleaned, [])


def test_copies_have_the_same_bytes_every_time(study: Study, tmp_path: Path) -> None:
    first, _ = phi.check(study, "strip", tmp_path / "one")
    second, _ = phi.check(study, "strip", tmp_path / "two")
    assert [md5(file.local) for file in first.files] == [md5(file.local) for file in second.files]
    again, _ = phi.check(study, "strip", tmp_path / "one")
    assert again == first
    os.utime(study.files[2].local.path, ns=(1, 1))
    changed = Study([images.planned(Path(study.files[2].local.path), "BIDS")])
    assert phi.check(changed, "strip", tmp_path / "one")[0].files[0].local.path != first.files[2].local.path


def test_uncompressed_members_of_a_zip_and_nifti_2_are_cleaned(tmp_path: Path) -> None:
    path = images.image(tmp_path / "T1.nii", kind=nibabel.Nifti2Image, descrip=b"Smith, John")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "T1/T1.nii")
    member = LocalFile("T1.nii", str(tmp_path / "a.zip"), path.stat().st_size, 0, "T1/T1.nii")
    planned = PlannedFile(Address("P1", "S1", "E1", "1", resource="NIFTI"), member)
    cleaned, findings = phi.check(Study([planned]), "strip", tmp_path / "scratch")
    assert [finding.file for finding in findings] == [f"{tmp_path}/a.zip:T1/T1.nii"]
    data, copy = path.read_bytes(), Path(cleaned.files[0].local.path).read_bytes()
    assert copy == data.replace(b"Smith, John", bytes(11))
    assert copy != data


@pytest.mark.parametrize("order", ["<", ">"])
def test_extensions_with_dicom_comments_and_spectroscopy_headers(tmp_path: Path, order: str) -> None:
    mrs = json.dumps({"PatientName": "DOE^JANE", "EchoTime": 0.03}).encode()
    parts = [(2, b"DICOM of DOE"), (6, b"scan of DOE^JANE"), (6, b"FSL5.0"), (44, mrs)]
    extensions = b""
    for code, content in parts:
        content += bytes(-(len(content) + 8) % 16)
        extensions += struct.pack(f"{order}ii", len(content) + 8, code) + content
    header = nibabel.Nifti1Header(endianness=order)
    header.set_data_shape((2, 2, 2))
    header["magic"], header["vox_offset"] = b"n+1", 352 + len(extensions)
    voxels = b"\x01\x02" * 16
    path = tmp_path / "mrs.nii.gz"
    path.write_bytes(gzip.compress(header.binaryblock + b"\x01\0\0\0" + extensions + voxels))
    study = Study([images.planned(path)])
    cleaned, findings = phi.check(study, "strip", tmp_path / "scratch")
    assert [f.field for f in findings] == ["extension 1", "extension 2", "extension 4 PatientName"]
    copy = gzip.decompress(Path(cleaned.files[0].local.path).read_bytes())
    assert len(copy) == 352 + len(extensions) + len(voxels)
    assert copy.endswith(voxels)
    assert b"DOE" not in copy
    assert b"FSL5.0" in copy
    found = {e.get_code(): e for e in nibabel.load(cleaned.files[0].local.path).header.extensions}
    assert json.loads(copy[copy.index(b'{"EchoTime"') :].split(b"}")[0] + b"}") == {"EchoTime": 0.03}
    assert sorted(found) == [0, 6, 44]
    assert phi.check(cleaned, "refuse", tmp_path) == (cleaned, [])


def test_a_file_that_a_manifest_vouches_for_is_checked_before_it_is_copied(tmp_path: Path) -> None:
    path = write_json(tmp_path / "a.json", {"PatientID": "4711"})
    right, wrong = md5(images.local(path)), "0" * 32
    planned = images.planned(path)
    cleaned, _ = phi.check(Study([PlannedFile(planned.resource, planned.local, md5=right)]), "strip", tmp_path / "s")
    assert cleaned.files[0].md5 is None
    with pytest.raises(InputError, match=r"a\.json is not the file that was meant: its MD5 is not 000"):
        phi.check(Study([PlannedFile(planned.resource, planned.local, md5=wrong)]), "strip", tmp_path / "s")


def test_an_image_that_is_cut_off_is_named(tmp_path: Path) -> None:
    path = images.image(tmp_path / "a.nii.gz", (30, 30, 30), descrip=b"DOE^JANE")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"a\.nii\.gz cannot be read to its end"):
        phi.check(Study([images.planned(path)]), "strip", tmp_path / "scratch")


def test_json_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{'a': 1}")
    with pytest.raises(InputError, match=r"a\.json is not a JSON file"):
        phi.check(Study([images.planned(tmp_path / "a.json")]), "refuse", tmp_path)


def test_a_full_disk_is_noticed_before(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phi.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(InputError, match=r"phi: strip makes copies of 2 files \(\d+ bytes\) in .*, which has 10 bytes"):
        phi.check(study, "strip", tmp_path / "scratch")


def test_of_an_image_only_the_first_bytes_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.random.default_rng(1).integers(0, 1000, (100, 100, 100), dtype=np.int16)
    path = images.image(tmp_path / "a.nii.gz", data=data, descrip=b"FSL5.0")
    read = images.count_reads(monkeypatch, local, nifti)
    study = Study([images.planned(path)])
    assert phi.check(study, "refuse", tmp_path) == (study, [])
    assert 0 < sum(read) < 150_000 < path.stat().st_size
