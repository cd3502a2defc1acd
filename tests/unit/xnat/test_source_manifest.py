"""A manifest becomes a study: files in their places, objects with their attributes, and all faults in one message."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.errors import InputError
from ansible.module_utils.xnat.plan import Labels
from ansible.module_utils.xnat.study.sources import manifest
from ansible.module_utils.xnat.study.study import Study

SCAN = Address("P", "S1", "S1_MR1", "1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.nii.gz", "a.json", "a.bval", "dcm/1.dcm", "dcm/deep/2.dcm", "notes.pdf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def read(root: Path, *rows: dict[str, Any], project: str | None = "P", **more: Any) -> Study:
    path = root / "manifest.json"
    path.write_text(json.dumps(rows))
    return manifest.read(path, project=project, **more)


def row(**values: Any) -> dict[str, Any]:
    return {"subject": "S1", "session": "S1_MR1", "scan": "1", **values}


def files(study: Study) -> list[tuple[Address, str, Labels]]:
    return [(file.resource, file.local.name, file.labels) for file in study.files]


def test_a_row_puts_a_file_where_it_says(root: Path) -> None:
    study = read(
        root,
        row(path="a.nii.gz", resource="NII", name="t1.nii.gz", format="X", content="T1", tags="raw, defaced"),
        row(path="a.json"),
    )
    nii, nifti = (Address("P", "S1", "S1_MR1", "1", resource=label) for label in ("NII", "NIFTI"))
    assert files(study) == [
        (nii, "t1.nii.gz", Labels("X", "T1", ("raw", "defaced"))),
        (nifti, "a.json", Labels("JSON")),
    ]
    assert (study.files[0].local.path, study.files[0].local.size) == (str(root / "a.nii.gz"), 8)


def test_a_path_may_be_a_folder_or_a_pattern_and_names_keep_what_is_below_it(root: Path) -> None:
    study = read(root, row(path="dcm"), row(path="a.*", scan="2", name="img/"))
    assert [(str(of.scan), name) for of, name, _ in files(study)] == [
        ("1", "1.dcm"),
        ("1", "deep/2.dcm"),
        ("2", "img/a.bval"),
        ("2", "img/a.json"),
        ("2", "img/a.nii.gz"),
    ]
    assert {file.resource.resource for file in study.files} == {"DICOM", "NIFTI"}


def test_a_path_may_be_a_member_of_an_archive(root: Path) -> None:
    with zipfile.ZipFile(root / "x.zip", "w") as archive:
        archive.writestr("T1/T1.nii.gz", b"12345")
    study = read(root, row(path="x.zip:T1/T1.nii.gz"), row(path="x.zip:T1/T1.nii.gz", scan="2", name="new.nii.gz"))
    assert [(file.local.name, file.local.member, file.local.size) for file in study.files] == [
        ("T1/T1.nii.gz", "T1/T1.nii.gz", 5),
        ("new.nii.gz", "T1/T1.nii.gz", 5),
    ]
    with pytest.raises(InputError, match=r"row 1: path: .*x.zip has no member T2\."):
        read(root, row(path="x.zip:T2"))


def test_files_go_to_the_deepest_object_that_the_row_names(root: Path) -> None:
    study = read(
        root,
        {"path": "notes.pdf", "resource": "DOCS"},
        {"path": "notes.pdf", "resource": "DOCS", "subject": "S1"},
        {"path": "notes.pdf", "resource": "DOCS", "subject": "S1", "session": "S1_MR1"},
    )
    assert [file.resource.owner.kind for file in study.files] == ["project", "subject", "experiment"]


def test_columns_describe_the_objects_of_their_level(root: Path) -> None:
    study = read(
        root,
        {
            **row(path="a.nii.gz", session_type="xnat:mrSessionData", session_date="2024-05-03", scan_type="T1"),
            **{"series_description": "t1 mprage", "quality": "usable", "xsi_type": "xnat:mrScanData"},
            **{"subject.age": 70, "subject.cohort": "A", "session.note": "ok", "session.visitor": "x", "scan.ETL": 9},
            **{"xnat:mrScanData/parameters/tr": 2000, "xnat:subjectData/demographics/handedness": "left"},
            **{"xnat:imageSessionData/acquisition_site": "Oxford"},
        },
    )
    subject, session, scan = (study.attributes[SCAN.up_to(kind)] for kind in ("subject", "experiment", "scan"))
    assert (subject.options, subject.fields) == (
        {"age": "70"},
        {"cohort": "A", "xnat:subjectData/demographics/handedness": "left"},
    )
    assert (session.xsi_type, session.options) == ("xnat:mrSessionData", {"date": "2024-05-03", "note": "ok"})
    assert session.fields == {"visitor": "x", "xnat:imageSessionData/acquisition_site": "Oxford"}
    assert (scan.xsi_type, scan.fields) == ("xnat:mrScanData", {"ETL": "9", "xnat:mrScanData/parameters/tr": "2000"})
    assert scan.options == {"type": "T1", "series_description": "t1 mprage", "quality": "usable"}


def test_rows_without_path_describe_objects_only(root: Path) -> None:
    study = read(root, {"subject": "S1", "subject.gender": "male"}, {"subject": "S2"}, row(scan_type="T2"))
    assert not study.files
    assert [str(of) for of in study.addresses("subject")] == ["subject S1 of project P", "subject S2 of project P"]
    assert study.attributes[SCAN].options == {"type": "T2"}


def test_types_follow_from_paths_and_from_scans(root: Path) -> None:
    study = read(root, row(**{"xnat:petScanData/parameters/facility": "A"}), row(scan="2", xsi_type="xnat:ctScanData"))
    assert study.attributes[SCAN].xsi_type == "xnat:petScanData"
    assert study.attributes[SCAN.up_to("experiment")].xsi_type == "xnat:petSessionData"
    study = read(root, row(xsi_type="xnat:ctScanData", session_type="xnat:petSessionData"))
    assert study.attributes[SCAN.up_to("experiment")].xsi_type == "xnat:petSessionData"


def test_defaults_fill_what_a_row_leaves_empty(root: Path) -> None:
    study = read(
        root,
        {"path": "a.nii.gz", "subject": "S1", "scan": "1"},
        {"path": "a.json", "subject": "S1", "session": "other", "scan": "1"},
        defaults={"session": "{subject}_MR1", "resource": "BIDS", "session_date": "2024-01-01"},
    )
    assert [(str(of.experiment), str(of.resource)) for of, _, _ in files(study)] == [
        ("S1_MR1", "BIDS"),
        ("other", "BIDS"),
    ]
    assert study.attributes[SCAN.up_to("experiment")].options == {"date": "2024-01-01"}


def test_defaults_add_nothing_to_a_row_that_describes_a_subject(root: Path) -> None:
    defaults = {"session": "{subject}_MR1", "scan": "1", "resource": "X", "session_date": "2024-01-01", "tags": "a"}
    study = read(root, {"subject": "S1", "subject.age": "7"}, {"subject": "S2", "scan": "2"}, defaults=defaults)
    assert [str(of) for of in study.addresses("experiment")] == ["experiment S2_MR1 of subject S2 of project P"]
    assert study.attributes[Address("P", "S1")].options == {"age": "7"}
    assert study.attributes[Address("P", "S2", "S2_MR1")].options == {"date": "2024-01-01"}
    assert not study.files


def test_paths_are_relative_to_the_manifest_or_to_the_root(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "m.csv").write_text(f"path,subject,session,scan\na.nii.gz,S1,E1,1\n{root}/a.json,S1,E1,1\n")
    assert len(manifest.read(elsewhere / "m.csv", root, "P").files) == 2
    with pytest.raises(InputError, match="row 2: path: there is no file"):
        manifest.read(elsewhere / "m.csv", project="P")


def test_expected_size_and_md5(root: Path) -> None:
    digest = "0123456789ABCDEF0123456789abcdef"
    study = read(root, row(path="a.nii.gz", size=8, md5=digest))
    assert study.files[0].md5 == digest.lower()


def test_the_project_may_stand_in_the_rows(root: Path) -> None:
    study = read(root, row(path="a.json", project="P1"), row(path="a.json", project="P2"), project=None)
    assert [file.resource.project for file in study.files] == ["P1", "P2"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"path": "b.nii"}, "path: there is no file"),
        ({"path": "*.mgz"}, "path: no file matches"),
        ({"path": "a.nii.gz", "size": 9}, "size: a.nii.gz has 8 bytes, and the manifest says 9"),
        ({"path": "a.nii.gz", "size": "8 B"}, "size: '8 B' is not a number of bytes"),
        ({"path": "a.nii.gz", "md5": "abc"}, "md5: 'abc' is not an MD5"),
        ({"path": "dcm", "size": 9}, "dcm means 2 files"),
        ({"path": "dcm", "name": "x.dcm"}, "name: 'x.dcm' names one file"),
        ({"path": "a.nii.gz", "name": "a*b"}, "name: 'a*b' contains '*'"),
        ({"path": "notes.pdf"}, "resource: is missing"),
        ({"resource": "NIFTI"}, "path: is missing, though the row says something about a file (resource)"),
        ({"session": "S1 MR1"}, "session: 'S1 MR1' contains ' '"),
        ({"session": ""}, "session: is missing. It is what the scan 1 belongs to"),
        ({"project": "Q"}, "project: is Q here, but the option project says P"),
        ({"scan": "", "scan_type": "T1"}, "scan_type: describes a scan, and no scan is named here"),
        ({"xsi_type": "mr"}, "xsi_type: 'mr' is not the name of a data type"),
        ({"session_date": "3.5.2024"}, "date: '3.5.2024' is not a date"),
        ({"subject.age/x": "1"}, "'age/x' must start with a data type"),
        ({"subject.label": "1"}, "'label' says which subject is meant"),
        ({"xsi_type": "xnat:ctScanData", "xnat:mrScanData/parameters/tr": 2}, "a field of xnat:mrScanData is given"),
        ({"quality": "null"}, "XNAT takes the word NULL"),
    ],
)
def test_what_is_wrong_in_a_row_is_said_with_its_number(root: Path, values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(root, row(), row(**values))
    assert "\n- row 2: " in str(caught.value)
    assert message in str(caught.value)
    assert "src" not in str(caught.value)


def test_all_problems_are_collected(root: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(root, *(row(path=f"{number}.nii") for number in range(1, 26)))
    assert "- row 20: " in str(caught.value)
    assert "- row 21: " not in str(caught.value)
    assert "and 5 more" in str(caught.value)


def test_two_rows_that_contradict_each_other(root: Path) -> None:
    with pytest.raises(InputError, match=r"row 2: type of the scan 1 of .* is said to be both 'T1' and 'T2'"):
        read(root, row(scan_type="T1"), row(scan_type="T2"))
    with pytest.raises(InputError, match=r"row 2: name: a.json of the resource NIFTI .* comes from row 1 already"):
        read(root, row(path="a.json"), row(path="a.nii.gz", name="a.json"))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("subjcet", "'subjcet' (did you mean subject?)"),
        ("Scan_Type", "'Scan_Type' (did you mean scan_type"),
        ("scans.age", "means nothing: 'scans.age'"),
        ("date", "'session_date' and 'date' both set the same of a session"),
        ("session.date", "'session_date' and 'session.date' both set the same of a session"),
        ("xnat:projectData/name", "xnat:projectData is neither the data type of subjects nor"),
    ],
)
def test_a_header_that_means_nothing_is_refused_with_the_near_ones(root: Path, column: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(root, row(session_date="2024-01-01", **{column: "x"}))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("defaults", "message"),
    [
        ({"session": "{sub}_MR1"}, "defaults: session: '{sub}_MR1' names {sub}, which has no value here"),
        ({"session": "{subject"}, "is not a template"),
        ({"sesion": "x"}, "'sesion' (did you mean session"),
    ],
)
def test_defaults_that_mean_nothing(root: Path, defaults: dict[str, str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(root, row(), defaults=defaults)
    assert message in str(caught.value)


def test_a_manifest_without_rows(root: Path) -> None:
    (root / "m.csv").write_text("path,subject\n")
    with pytest.raises(InputError, match="has no rows below its header"):
        manifest.read(root / "m.csv", project="P")


def test_empty_files_need_permission(root: Path) -> None:
    (root / "empty.nii").touch()
    with pytest.raises(InputError, match="allow_empty"):
        read(root, row(path="empty.nii"))
    assert read(root, row(path="empty.nii"), allow_empty=True).files[0].local.size == 0


def test_the_report_of_an_upload_is_a_manifest(root: Path) -> None:
    columns = ["path", "project", "subject", "session", "scan", "resource", "name", "md5", "size"]
    columns += ["action", "reason", "uri", "digest", "host"]
    lines = [
        [str(root / "a.nii.gz"), "P", "S1", "E", "1", "NIFTI", "a.nii.gz", "", "8", "sent", "new", "/data/x", "", ""],
        ["", "P", "S1", "E", "1", "NIFTI", "old.nii.gz", "", "8", "removed", "mirror", "", "", ""],
        ["/gone/t.gif", "P", "S1", "E", "1", "SNAPSHOTS", "t.gif", "", "8", "sent", "", "", "", ""],
        [str(root / "a.json"), "P", "S1", "E", "1", "NIFTI", "a.json", "", "6", "failed", "HTTP 500", "", "", ""],
    ]
    with (root / "report.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([columns, *lines])
    study = manifest.read(root / "report.csv")
    assert [file.local.name for file in study.files] == ["a.nii.gz", "a.json"]
    assert [(remark.about.rpartition(",")[2], remark.reason) for remark in study.remarks] == [
        (" row 3", "the file was removed"),
        (" row 4", "preview images are made anew"),
    ]
