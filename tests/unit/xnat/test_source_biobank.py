"""UK Biobank's archives and tables become a study: a subject per EID, a session per visit, a scan per field."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.xnat import local
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.errors import InputError
from ansible.module_utils.xnat.study import metadata
from ansible.module_utils.xnat.study.sources import biobank, biobank_fields
from ansible.module_utils.xnat.study.study import Study

T1 = {"T1/T1.nii.gz": b"t1", "T1/T1.json": b"{}", "T1/T1_brain.txt": b"log"}
DMRI = {"dMRI/raw/AP.nii.gz": b"ap", "dMRI/raw/AP.bval": b"0", "dMRI/dMRI/bvecs": b"1", "dMRI/x.mat": b"m"}
SUBJECT, SESSION = Address("P", "1000001"), Address("P", "1000001", "1000001_2")


def archive(folder: Path, name: str, members: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as made:
        for member, content in members.items():
            made.writestr(member, content)
    return folder / name


@pytest.fixture
def bulk(tmp_path: Path) -> Path:
    folder = tmp_path / "bulk"
    archive(folder, "1000001_20252_2_0.zip", T1)
    archive(folder / "more", "1000001_20250_2_0.zip", DMRI)
    archive(folder, "1000001_20252_3_0.zip", T1)
    archive(folder, "1000002_20252_2_0.zip", T1)
    return folder


def places(study: Study) -> list[tuple[str | None, ...]]:
    return [
        (of.subject, of.experiment, of.scan, of.resource, file.local.name)
        for file in study.files
        for of in [file.resource]
    ]


def remarks(study: Study) -> list[tuple[str, str]]:
    return [(remark.about, remark.reason) for remark in study.remarks]


def table(tmp_path: Path, text: str, name: str = "table.csv") -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_archives_become_subjects_sessions_and_scans(bulk: Path) -> None:
    study = biobank.read(bulk, "P")
    assert places(study) == [
        ("1000001", "1000001_2", "20250", "NIFTI", "dMRI/raw/AP.nii.gz"),
        ("1000001", "1000001_2", "20250", "NIFTI", "dMRI/raw/AP.bval"),
        ("1000001", "1000001_2", "20250", "NIFTI", "dMRI/dMRI/bvecs"),
        ("1000001", "1000001_2", "20252", "NIFTI", "T1/T1.nii.gz"),
        ("1000001", "1000001_2", "20252", "NIFTI", "T1/T1.json"),
        ("1000001", "1000001_3", "20252", "NIFTI", "T1/T1.nii.gz"),
        ("1000001", "1000001_3", "20252", "NIFTI", "T1/T1.json"),
        ("1000002", "1000002_2", "20252", "NIFTI", "T1/T1.nii.gz"),
        ("1000002", "1000002_2", "20252", "NIFTI", "T1/T1.json"),
    ]
    assert [file.labels.format for file in study.files[:2]] == ["NIFTI", "BVAL"]
    scan = study.attributes[Address("P", "1000001", "1000001_2", "20252")]
    assert (scan.xsi_type, scan.options) == (
        "xnat:mrScanData",
        {"type": "T1", "series_description": "T1 structural brain images - NIFTI"},
    )
    assert study.attributes[SESSION].xsi_type == "xnat:mrSessionData"
    assert remarks(study) == [
        ("field 20250", "1 files in its archives are none of those that `members` chooses"),
        ("field 20252", "3 files in its archives are none of those that `members` chooses"),
    ]
    study.check()


def test_members_can_be_read_where_they_are(bulk: Path) -> None:
    first = biobank.read(bulk, "P", fields=[20250]).files[0].local
    assert (first.member, first.size, b"".join(local.blocks(first))) == ("dMRI/raw/AP.nii.gz", 2, b"ap")


def test_all_members_or_those_of_a_pattern(bulk: Path) -> None:
    study = biobank.read(bulk, "P", fields=["20250"], members=["all"])
    assert ("1000001", "1000001_2", "20250", "UKB", "dMRI/x.mat") in places(study)
    assert len(study.files) == len(DMRI)
    study = biobank.read(bulk, "P", fields=["20250"], members=["dMRI/raw/*.nii.gz", "*.mat"])
    assert [place[3:] for place in places(study)] == [("NIFTI", "dMRI/raw/AP.nii.gz"), ("UKB", "dMRI/x.mat")]
    assert len(biobank.read(bulk, "P", fields=["20250"], members=["images", "dMRI/x.mat"]).files) == len(DMRI)


def test_archives_may_stay_as_they_are(bulk: Path) -> None:
    study = biobank.read(bulk, "P", fields=[20250], keep_zips=True)
    assert places(study) == [("1000001", "1000001_2", "20250", "UKB", "1000001_20250_2_0.zip")]
    assert (study.files[0].local.member, study.files[0].labels.format) == (None, "ZIP")


def test_dicom_goes_to_a_resource_of_its_own(tmp_path: Path) -> None:
    archive(tmp_path, "1000001_20216_2_0.zip", {"1.dcm": b"a", "2.dcm": b"b", "manifest.csv": b"c"})
    study = biobank.read(tmp_path, "P")
    assert [place[2:] for place in places(study)] == [("20216", "DICOM", "1.dcm"), ("20216", "DICOM", "2.dcm")]


def test_a_further_array_is_another_scan_and_an_unknown_field_a_scan_if_it_has_images(tmp_path: Path) -> None:
    archive(tmp_path, "1000001_20252_2_1.zip", T1)
    archive(tmp_path, "1000001_29999_2_0.zip", {"x.nii": b"x"})
    study = biobank.read(tmp_path, "P")
    assert {place[2] for place in places(study)} == {"20252-1", "29999"}
    assert study.attributes[Address("P", "1000001", "1000001_2", "29999")].options["type"] == "UKB 29999"


def test_what_is_no_image_goes_to_the_session_as_it_is(tmp_path: Path) -> None:
    archive(tmp_path, "1000001_20263_2_0.zip", {"FreeSurfer/mri/T1.mgz": b"x", "FreeSurfer/a.nii.gz": b"x"})
    archive(tmp_path, "1000001_29998_2_0.zip", {"x.csv": b"x"})
    (tmp_path / "1000001_25750_2_0.txt").write_text("0.1 0.2")
    study = biobank.read(tmp_path, "P")
    assert places(study) == [
        ("1000001", "1000001_2", None, "UKB_20263", "1000001_20263_2_0.zip"),
        ("1000001", "1000001_2", None, "UKB_25750", "1000001_25750_2_0.txt"),
        ("1000001", "1000001_2", None, "UKB_29998", "1000001_29998_2_0.zip"),
    ]
    assert study.files[1].labels.content == biobank_fields.DERIVED["25750"]
    assert study.addresses("scan") == []


@pytest.mark.parametrize("header", ["eid,label\n", ""])
def test_a_lookup_gives_the_subjects_their_labels_also_in_the_names_of_files(tmp_path: Path, header: str) -> None:
    folder = tmp_path / "bulk"
    archive(folder, "1000001_20252_2_0.zip", {"1000001/T1.nii.gz": b"x"})
    archive(folder, "1000001_20263_2_0.zip", {"a.mgz": b"x"})
    archive(folder, "1000002_20252_2_0.zip", T1)
    study = biobank.read(folder, "P", lookup=table(tmp_path, f"{header}1000001,S1\n1000003,S3\n"))
    assert places(study) == [
        ("S1", "S1_2", "20252", "NIFTI", "S1/T1.nii.gz"),
        ("S1", "S1_2", None, "UKB_20263", "S1_20263_2_0.zip"),
    ]
    assert remarks(study) == [("EID 1000002", f"is not in {tmp_path / 'table.csv'}")]


@pytest.mark.parametrize(
    ("lookup", "message"),
    [
        ("eid,label\n1000001,S1\n1000002,S1\n", "row 3: S1 is given to EID 1000001 and to EID 1000002"),
        ("eid,label\n1000001,S1\n1000001,S2\n", "row 3: EID 1000001 is both S1 and S2"),
        ("eid,label\n1000001,S 1\n", "row 2: subject: 'S 1' contains ' '"),
        ("eid,label\n1000001,\n", "row 2: subject: is empty"),
        ("eid,label\nA1,S1\n", "row 2: 'A1' is not an EID"),
        ("eid,label,more\n1000001,S1,x\n", "has 3 columns"),
        ("id,label\n1000001,S1\n", "0 columns that look like EIDs among id, label"),
    ],
)
def test_a_lookup_that_cannot_be_used(tmp_path: Path, bulk: Path, lookup: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        biobank.read(bulk, "P", lookup=table(tmp_path, lookup))
    assert message in str(caught.value)


def test_who_has_withdrawn_is_left_out(tmp_path: Path, bulk: Path) -> None:
    rows = table(tmp_path, "eid,31-0.0\n1000001,0\n1000002,1\n")
    for withdrawn in ([1000002, "1000009"], table(tmp_path, "1000002\n1000009\n", "w.csv")):
        study = biobank.read(bulk, "P", table=rows, withdrawn=withdrawn)
        assert study.addresses("subject") == [SUBJECT]
        assert remarks(study)[0] == ("EID 1000002", "has withdrawn")
        assert not any("1000009" in about or "no row" in reason for about, reason in remarks(study))
    with pytest.raises(InputError, match="withdrawn: 'x' is not an EID"):
        biobank.read(bulk, "P", withdrawn=["x"])
    with pytest.raises(InputError, match="withdrawn: cannot read"):
        biobank.read(bulk, "P", withdrawn=tmp_path / "none.csv")


@pytest.mark.parametrize(
    "header",
    [
        "eid,31-0.0,34-0.0,53-2.0,53-3.0,54-2.0,21003-2.0,21003-3.0",
        "f.eid,f.31.0.0,f.34.0.0,f.53.2.0,f.53.3.0,f.54.2.0,f.21003.2.0,f.21003.3.0",
        "n_eid,n_31_0_0,n_34_0_0,s_53_2_0,s_53_3_0,n_54_2_0,n_21003_2_0,n_21003_3_0",
        "eid,x31_0_0,x34_0_0,x53_2_0,x53_3_0,x54_2_0,x21003_2_0,x21003_3_0",
        "eid,p31,p34,p53_i2,p53_i3,p54_i2,p21003_i2,p21003_i3",
        "participant.eid,participant.p31,participant.p34,participant.p53_i2,participant.p53_i3,participant.p54_i2,"
        "participant.p21003_i2,participant.p21003_i3",
        "Participant ID,p31,p34,p53_i2,p53_i3,p54_i2,p21003_i2,p21003_i3",
    ],
)
def test_columns_of_any_naming_describe_subject_and_visits(tmp_path: Path, bulk: Path, header: str) -> None:
    text = f"{header}\n1000001,0,1950,2016-05-03,2019-06-04T00:00:00,11025,65,68.5\n1000002,Male,NA,,,99,,\n"
    study = biobank.read(bulk, "P", table=table(tmp_path, text))
    assert study.attributes[SUBJECT].options == {"gender": "female", "yob": "1950"}
    assert study.attributes[SUBJECT].fields == {}
    first, second = study.attributes[SESSION], study.attributes[Address("P", "1000001", "1000001_3")]
    assert first.options == {"date": "2016-05-03"}
    assert first.fields == {"xnat:mrSessionData/acquisition_site": "Cheadle", "xnat:mrSessionData/age": "65"}
    assert (second.options, second.fields) == ({"date": "2019-06-04"}, {"xnat:mrSessionData/age": "68.5"})
    other = study.attributes[Address("P", "1000002", "1000002_2")]
    assert other.fields == {"xnat:mrSessionData/acquisition_site": "99"}
    assert study.attributes[Address("P", "1000002")].options == {"gender": "male"}


def test_other_columns_are_custom_variables_of_the_subject(tmp_path: Path, bulk: Path) -> None:
    text = "eid,20016-2.0,21003-0.0,21003-3.0,53-2.1,cohort\n1000002,7,58,70,x,A\n"
    path = table(tmp_path, text)
    study = biobank.read(bulk, "P", table=path)
    # The visit 3 of 1000002 has no session, and is one of imaging: nothing is known of it here.
    expected = {"20016-2_0": "7", "21003-0_0": "58", "53-2_1": "x", "cohort": "A"}
    assert study.attributes[Address("P", "1000002")].fields == expected
    study = biobank.read(bulk, "P", table=path, variables=["cohort"])
    assert study.attributes[Address("P", "1000002")].fields == {"cohort": "A"}
    with pytest.raises(InputError, match="variables: the table has no column nope"):
        biobank.read(bulk, "P", table=path, variables=["nope"])


def test_columns_that_name_a_person_must_be_asked_for(tmp_path: Path, bulk: Path) -> None:
    path = table(tmp_path, "eid,cohort,Surname,nhs_number,33-0.0\n1000001,a,Doe,4711,x\n")
    study = biobank.read(bulk, "P", table=path)
    assert study.attributes[SUBJECT].fields == {"cohort": "a", "33-0_0": "x"}
    assert (f"{path}, column 'Surname'", "is not taken over, as it may tell who a person is") in remarks(study)
    study = biobank.read(bulk, "P", table=path, variables=["nhs_number"])
    assert study.attributes[SUBJECT].fields == {"nhs_number": "4711"}


def test_texts_that_are_too_long_for_xnat_are_left_out(tmp_path: Path, bulk: Path) -> None:
    path = table(tmp_path, f"eid,cohort,text\n1000001,a,{'x' * 256}\n1000002,b,{'x' * 255}\n")
    study = biobank.read(bulk, "P", table=path)
    assert study.attributes[SUBJECT].fields == {"cohort": "a"}
    assert study.attributes[Address("P", "1000002")].fields == {"cohort": "b", "text": "x" * 255}
    reason = dict(remarks(study))[f"{path}, column 'text'"]
    assert reason.startswith("has values of more than 255 characters")


def test_what_macos_keeps_beside_an_image_is_none(tmp_path: Path) -> None:
    extra = {"__MACOSX/T1/._T1.nii.gz": b"x", "T1/._T1.nii.gz": b"x"}
    archive(tmp_path / "a", "1000001_20252_2_0.zip", {**T1, **extra})
    archive(tmp_path / "a", "1000002_25747_2_0.zip", extra)
    study = biobank.read(tmp_path / "a", "P")
    assert [name for *_, name in places(study)] == ["T1/T1.nii.gz", "T1/T1.json", "1000002_25747_2_0.zip"]
    assert [reason[:2] for about, reason in remarks(study) if about == "field 20252"] == ["3 "]


def test_members_that_are_no_files_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("T1/link.nii.gz")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "1000001_20252_2_0.zip", "w") as made:
        made.writestr(link, b"/etc/passwd")
    named = archive(tmp_path, "1000002_20252_2_0.zip", {"T1/T1.nii.gz_ab": b"x"})
    named.write_bytes(named.read_bytes().replace(b"T1.nii.gz_ab", b"T1.nii.gz\0ab"))
    with pytest.raises(InputError) as caught:
        biobank.read(tmp_path, "P")
    assert "1000001_20252_2_0.zip: has a member T1/link.nii.gz that is no file but a link" in str(caught.value)
    assert "1000002_20252_2_0.zip: has a member 'T1/T1.nii.gz\\x00ab'" in str(caught.value)


@pytest.mark.parametrize("claimed", [3, 5000])
def test_a_member_that_unpacks_to_more_or_less_than_its_archive_says(tmp_path: Path, claimed: int) -> None:
    path = archive(tmp_path, "1000001_20252_2_0.zip", {"T1/T1.nii.gz": b"x" * 400})
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.rfind(b"PK\1\2") + 24, claimed)
    path.write_bytes(data)
    study = biobank.read(tmp_path, "P")
    with pytest.raises(InputError, match=r"zip:T1/T1\.nii\.gz"):
        local.md5(study.files[0].local)
    with pytest.raises(InputError, match=r"zip:T1/T1\.nii\.gz"):
        metadata.describe(study)


def test_rows_without_files_and_files_without_rows_are_remarks(tmp_path: Path, bulk: Path) -> None:
    path = table(tmp_path, "eid,31-0.0\n1000001,0\n1000007,1\n")
    study = biobank.read(bulk, "P", table=path)
    assert ("EID 1000007", f"has a row in {path}, and no files") in remarks(study)
    assert ("EID 1000002", f"has files, and no row in {path}") in remarks(study)
    assert len(study.addresses("subject")) == 2
    path = table(tmp_path, "eid,31-0.0\n1000001,0\n" + "".join(f"{eid},1\n" for eid in range(2000000, 2000030)))
    assert any(about.startswith("30 EIDs (2000000, ") for about, _ in remarks(biobank.read(bulk, "P", table=path)))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("eid,31-0.0\n1000001,2\n", {}, "row 2: 31-0.0: '2' is no sex"),
        ("eid,53-2.0\n1000001,3/5/2016\n", {}, "row 2: 53-2.0: '3/5/2016' is not a date"),
        ("eid,21003-2.0\n1000001,old\n", {}, "row 2: 21003-2.0: 'old' is not an age"),
        ("eid,34-0.0\n1000001,x\n", {}, "row 2: 34-0.0: 'x' is not a whole number"),
        ("eid,31-0.0\n1000001,0\n1000001,0\n", {}, "row 3: EID 1000001 has a row already, row 2"),
        ("eid,31-0.0\n,0\n", {}, "row 2: the EID is missing"),
        ("eid,a.b,a_b\n1000001,0,1\n", {}, "'a.b' and 'a_b' would be the same custom variable"),
        ("eid,project\n1000001,0\n", {}, "'project' says which subject is meant"),
        ("id,31-0.0\n1000001,0\n", {}, "Name it with eid_column"),
        ("id,31-0.0\n1000001,0\n", {"eid_column": "ID"}, "has no column 'ID' among id, 31-0.0"),
        ("eid,n_eid\n1,2\n", {}, "has 2 columns that look like EIDs"),
    ],
)
def test_a_table_that_cannot_be_used(
    tmp_path: Path, bulk: Path, text: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        biobank.read(bulk, "P", table=table(tmp_path, text), **options)
    assert message in str(caught.value)


def test_the_column_of_eids_can_be_told(tmp_path: Path, bulk: Path) -> None:
    rows = table(tmp_path, "id,31-0.0\n1000001,0\n")
    lookup = table(tmp_path, "eid,label\n1000001,S1\n", "lookup.csv")
    study = biobank.read(bulk, "P", table=rows, lookup=lookup, eid_column="id")
    assert study.attributes[Address("P", "S1")].options == {"gender": "female"}


def test_archives_that_cannot_be_used_are_all_named(tmp_path: Path) -> None:
    good = archive(tmp_path, "1000001_20252_2_0.zip", T1).read_bytes()
    (tmp_path / "1000002_20252_2_0.zip").write_bytes(good[: len(good) // 2])
    encrypted = bytearray(good)
    entry = encrypted.find(b"PK\x01\x02")
    struct.pack_into("<H", encrypted, entry + 8, 1)
    (tmp_path / "1000003_20252_2_0.zip").write_bytes(encrypted)
    strange = bytearray(good)
    struct.pack_into("<H", strange, strange.find(b"PK\x01\x02") + 10, 9)
    (tmp_path / "1000004_20252_2_0.zip").write_bytes(strange)
    archive(tmp_path / "again", "1000001_20252_2_0.zip", T1)
    archive(tmp_path, "1000005_20252_2_0.zip", {"T1/T#1.nii.gz": b"x"})
    (tmp_path / "1000006_25750_2_0.txt").touch()
    with pytest.raises(InputError) as caught:
        biobank.read(tmp_path, "P")
    lines = str(caught.value).splitlines()
    assert lines[0] == "biobank: these files of UK Biobank cannot be used:"
    for eid, words in (
        ("1000001", "is there twice, also as"),
        ("1000002", "is not a whole zip archive"),
        ("1000003", "is encrypted"),
        ("1000004", "is packed by method 9"),
        ("1000005", "contains '#'"),
        ("1000006", "has no content (0 bytes)"),
    ):
        assert [line for line in lines if f"{eid}_" in line and words in line], (eid, words)
    assert len(lines) == 7


def test_an_empty_member_is_left_out_and_said(tmp_path: Path) -> None:
    path = archive(tmp_path, "1000001_20252_2_0.zip", {**T1, "T1/empty.nii.gz": b""})
    study = biobank.read(tmp_path, "P")
    assert (f"{path}:T1/empty.nii.gz", "has no content (0 bytes)") in remarks(study)


def test_other_files_are_remarks(bulk: Path) -> None:
    (bulk / "notes.txt").touch()
    (bulk / "1000001_20252_2_0.zip.part").touch()
    study = biobank.read(bulk, "P", fields=[20250])
    assert [about.rpartition("/")[2] for about, _ in remarks(study)][:3] == [
        "1000001_20252_2_0.zip.part",
        "notes.txt",
        "field 20252",
    ]


def test_folders_without_bulk_files(tmp_path: Path, bulk: Path) -> None:
    with pytest.raises(
        InputError, match=r"there is no file EID_FIELD_INSTANCE_ARRAY.zip below .* of the chosen fields"
    ):
        biobank.read([bulk], "P", fields=[1])
    with pytest.raises(InputError, match="is not a folder"):
        biobank.read([bulk, tmp_path / "none"], "P")
    with pytest.raises(InputError, match="members: 'some' is neither images nor all"):
        biobank.read(bulk, "P", members=["some"])


def test_no_scan_is_called_like_the_type_of_another() -> None:
    types = {known.type for known in biobank_fields.SCANS.values()}
    assert not types & set(biobank_fields.SCANS)
    assert not set(biobank_fields.SCANS) & set(biobank_fields.DERIVED)
