"""The tables of a BIDS dataset become demographics, custom variables and dates, and bad ones name file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.errors import InputError
from ansible.module_utils.xnat.fields import wanted_values
from ansible.module_utils.xnat.study.sources.bids_tables import read_table
from bids_trees import contents, make, read, remarks, scan, session, subject

IMAGES: dict[str, Any] = {f"sub-{label}/anat/sub-{label}_T1w.nii.gz": None for label in "12"}


def participants(tmp_path: Path, table: str, described: dict[str, Any] | None = None, **options: Any) -> Any:
    """The dataset with that table, whose columns are separated by spaces here, and what participants.json says."""
    files = {"participants.tsv": table.replace(" ", "\t"), **({"participants.json": described} if described else {})}
    return read(make(tmp_path, {**IMAGES, **files}), **options)


def test_columns_become_demographics_and_custom_variables(tmp_path: Path) -> None:
    study = participants(
        tmp_path,
        "participant_id age sex handedness education race group MMSE weird/column\n"
        "sub-1 61 F R 12 any control 29 x\n"
        "2 24.6 male ambidextrous 40 n/a patient n/a NULL\n",
    )
    assert subject(study, "1").options == {
        "age": 61,
        "gender": "female",
        "handedness": "right",
        "education": 12,
        "race": "any",
        "group": "control",
    }
    assert subject(study, "1").fields == {"MMSE": "29", "weird_column": "x"}
    assert subject(study, "2").options == {
        "age": 24,
        "gender": "male",
        "handedness": "ambidextrous",
        "group": "patient",
    }
    assert subject(study, "2").fields == {"age": "24.6", "education": "40"}
    said = remarks(study)
    assert "custom variable 'weird_column'" in said["participants.tsv, column 'weird/column'"]
    assert "cannot be told as education" in said["participants.tsv, column 'education'"]
    for label in "12":
        of = subject(study, label)
        assert wanted_values("subject", "xnat:subjectData", of.options, of.fields, {})


@pytest.mark.parametrize(
    ("column", "text", "described", "options", "fields"),
    [
        ("sex", "1", {"Levels": {"1": "Male", "2": "Female"}}, {"gender": "male"}, {}),
        ("gender", "2", {"Levels": {"2": {"Description": "female"}}}, {"gender": "female"}, {}),
        ("sex", "1", {}, {}, {"sex": "1"}),
        ("hand", "1", {"Levels": {"1": "Left-handed"}}, {"handedness": "left"}, {}),
        ("hand", "-87.5", {}, {}, {"hand": "-87.5"}),
        ("age", "30", {"Units": "months"}, {"age": 2}, {"age": "30"}),
        ("age", "30", {"Units": "moons"}, {}, {"age": "30"}),
        ("age", "89+", {}, {}, {"age": "89+"}),
        ("age", "-3", {}, {}, {"age": "-3"}),
        ("age", "inf", {}, {}, {"age": "inf"}),
        ("weight", "80", {"Units": "kg"}, {"weight": "176.37"}, {}),
        ("weight", "80", {}, {}, {"weight": "80"}),
        ("height", "1.80", {"Units": "m"}, {"height": "70.87"}, {}),
        ("height", "180", {"Units": "cm"}, {"height": "70.87"}, {}),
        ("yob", "1950", {}, {"yob": 1950}, {}),
        ("yob", "50", {}, {}, {"yob": "50"}),
        ("ID", "x", {}, {}, {"participant_ID": "x"}),
    ],
)
def test_units_and_levels(
    tmp_path: Path, column: str, text: str, described: dict[str, Any], options: Any, fields: Any
) -> None:
    study = participants(tmp_path, f"participant_id {column}\nsub-1 {text}\n", {column: described})
    assert subject(study, "1").options == options
    assert subject(study, "1").fields == fields


def test_xnat_has_the_age_or_the_year_of_birth_but_not_both(tmp_path: Path) -> None:
    study = participants(tmp_path, "participant_id age yob\nsub-1 61 1950\n")
    assert subject(study, "1").options == {"age": 61}
    assert subject(study, "1").fields == {"yob": "1950"}


def test_dates_of_birth_stay_here_unless_asked_for(tmp_path: Path) -> None:
    table = "participant_id age date_of_birth\nsub-1 61 1950-02-03\n"
    study = participants(tmp_path, table)
    assert subject(study, "1").fields == {}
    assert contents(study)[":BIDS"] == ["dataset_description.json"]
    assert "may tell who a person is" in remarks(study)["participants.tsv"]
    study = participants(tmp_path, table, keep_phi=True)
    assert subject(study, "1").fields == {"date_of_birth": "1950-02-03"}
    assert "participants.tsv" in contents(study)[":BIDS"]


@pytest.mark.parametrize("column", ["name", "First_Name", "NHS-number", "PatientID", "initials", "email"])
def test_columns_that_name_a_person_stay_here_too(tmp_path: Path, column: str) -> None:
    table = f"participant_id age {column}\nsub-1 61 Ada\n"
    study = participants(tmp_path, table)
    assert (subject(study, "1").options, subject(study, "1").fields) == ({"age": 61}, {})
    assert contents(study)[":BIDS"] == ["dataset_description.json"]
    assert "may tell who" in remarks(study)[f"participants.tsv, column {column!r}"]
    assert "Ada" in participants(tmp_path, table, keep_phi=True).attributes[Address("P", "1")].fields.values()


def test_a_line_ends_where_an_editor_ends_it(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("k\tnote\r\na\tone\u2028two\x0cthree\x85four\r\nb\tc\n")
    table = read_table("x.tsv", (tmp_path / "x.tsv").read_bytes().decode(), "k")
    assert {label: row.values["note"] for label, row in table.rows.items()} == {
        "a": "one\u2028two\x0cthree\x85four",
        "b": "c",
    }
    assert read_table("old.tsv", "k\tnote\ra\t1\rb\t2\r", "k").rows["b"].line == 3


def test_all_that_is_wrong_with_a_table_is_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        read_table("x.tsv", "k\tnote\na\t1\t2\n\nb\tn/a\nb\t1\nn/a\t2\nc\n", "k")
    message = str(caught.value)
    assert "line 2: has 3 values for 2 columns" in message
    assert "line 5: 'b' is already in line 4" in message
    assert "line 6: has no k" in message
    assert "line 7: has 1 values for 2 columns" in message


def test_text_that_is_too_long_for_xnat_is_left_out(tmp_path: Path) -> None:
    study = participants(tmp_path, f"participant_id note\nsub-1 {'x' * 256}\nsub-2 {'x' * 255}\n")
    assert subject(study, "1").fields == {}
    assert subject(study, "2").fields == {"note": "x" * 255}
    assert "255 characters" in remarks(study)["participants.tsv, column 'note'"]


def test_names_of_variables_differ_by_more_than_their_case(tmp_path: Path) -> None:
    study = participants(tmp_path, "participant_id Site site\nsub-1 a b\n")
    assert subject(study, "1").fields == {"Site": "a", "site_2": "b"}


def test_rows_without_folder_and_folders_without_row_are_remarked_on(tmp_path: Path) -> None:
    study = participants(tmp_path, "participant_id age\nsub-1 61\nsub-9 50\n")
    assert remarks(study) == {
        "participants.tsv, line 3": "there is no folder sub-9",
        "sub-2": "has no row in participants.tsv",
    }
    assert Address("P", "9") not in study.attributes


def test_table_of_another_name(tmp_path: Path) -> None:
    files = {"people.tsv": "CCID\tage\nsub-1\t5\n2\t6\n", "people.json": {"age": {"Units": "weeks"}}}
    study = read(make(tmp_path, {**IMAGES, **files}), participants="people.tsv")
    assert subject(study, "2").options == {"age": 0}
    assert contents(study)[":BIDS"] == ["dataset_description.json", "people.json", "people.tsv"]
    assert not study.remarks


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "participants.tsv, line 1: the names of the columns are missing"),
        ("participant_id,age\nsub-1,5\n", "line 1: the columns are separated by commas"),
        ("participant_id\tage\tage\n", "line 1: a column has no name, or two have the same"),
        ("participant_id\tage\nsub-1\t5\n\nsub-2\n", "line 4: has 1 values for 2 columns"),
        ("participant_id\tage\nsub-1\t5\nsub-1\t6\n", "line 3: 'sub-1' is already in line 2"),
        ("participant_id\tage\nsub-1\t5\n1\t6\n", "line 3: sub-1 is already in line 2"),
        ("participant_id\tage\nn/a\t5\n", "line 2: has no participant_id"),
    ],
)
def test_bad_participants(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(make(tmp_path, {**IMAGES, "participants.tsv": table or "\n"}))


def test_table_that_is_no_text(tmp_path: Path) -> None:
    root = make(tmp_path, IMAGES)
    (root / "participants.tsv").write_bytes(b"participant_id\tname\nsub-1\tJos\xe9\n")
    with pytest.raises(InputError, match=r"participants.tsv, line 2: is not text in UTF-8"):
        read(root)


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    study = read(make(tmp_path, {**IMAGES, "participants.tsv": "\ufeffparticipant_id\tage\r\nsub-1\t5\r\n"}))
    assert subject(study, "1").options == {"age": 5}


class TestMoments:
    """When a session and a scan were acquired."""

    IMAGE = "sub-1/ses-a/anat/sub-1_ses-a_T1w.nii.gz"
    OTHER = "sub-1/ses-a/func/sub-1_ses-a_task-x_bold.nii.gz"
    SCANS = "sub-1/ses-a/sub-1_ses-a_scans.tsv"
    SESSIONS = "sub-1/sub-1_sessions.tsv"
    ROWS = (
        "filename\tacq_time\n"
        "func/sub-1_ses-a_task-x_bold.nii.gz\t2019-05-17T10:25:00.5Z\n"
        "anat/sub-1_ses-a_T1w.nii.gz\t2019-05-17T10:05:00\n"
    )

    def test_from_both_tables(self, tmp_path: Path) -> None:
        sessions = "session_id\tacq_time\nses-a\t2019-05-16T09:00:00\n"
        tree = {self.IMAGE: None, self.OTHER: None, self.SCANS: self.ROWS, self.SESSIONS: sessions}
        study = read(make(tmp_path, tree))
        assert session(study, "1", "1_a").options == {"date": "2019-05-16", "time": "09:00:00"}
        assert scan(study, "1_a", "sub-1_ses-a_T1w").fields == {"xnat:mrScanData/startTime": "10:05:00"}
        assert scan(study, "1_a", "sub-1_ses-a_task-x_bold").fields == {"xnat:mrScanData/startTime": "10:25:00"}
        assert contents(study)["1/1_a:BIDS"] == ["sub-1_ses-a_scans.tsv"]
        assert contents(study)[":BIDS"] == ["dataset_description.json", "sub-1/sub-1_sessions.tsv"]
        assert not study.remarks

    def test_earliest_scan_dates_a_session_without_a_row(self, tmp_path: Path) -> None:
        study = read(make(tmp_path, {self.IMAGE: None, self.OTHER: None, self.SCANS: self.ROWS}))
        assert session(study, "1", "1_a").options == {"date": "2019-05-17", "time": "10:05:00"}

    def test_without_sessions(self, tmp_path: Path) -> None:
        tree = {**IMAGES, "sub-1/sub-1_scans.tsv": "filename\tacq_time\nanat/sub-1_T1w.nii.gz\t2019-05-17\n"}
        study = read(make(tmp_path, tree))
        assert session(study, "1", "1_MR1").options == {"date": "2019-05-17"}
        assert scan(study, "1_MR1", "sub-1_T1w").fields == {}
        assert contents(study)["1/1_MR1:BIDS"] == ["sub-1_scans.tsv"]

    def test_table_is_more_certain_than_the_sidecar(self, tmp_path: Path) -> None:
        sidecar = {self.IMAGE.replace(".nii.gz", ".json"): {"AcquisitionTime": "10:04:59.9"}}
        study = read(make(tmp_path, {self.IMAGE: None, self.OTHER: None, self.SCANS: self.ROWS, **sidecar}))
        assert scan(study, "1_a", "sub-1_ses-a_T1w").fields == {"xnat:mrScanData/startTime": "10:05:00"}

    @pytest.mark.parametrize("year", ["1877", "1925"])
    def test_shifted_date_is_no_date_unless_asked_for(self, tmp_path: Path, year: str) -> None:
        tree = {self.IMAGE: None, self.SESSIONS: f"session_id\tacq_time\nses-a\t{year}-05-16T09:00:00\n"}
        study = read(make(tmp_path, tree))
        assert session(study, "1", "1_a").options == {"time": "09:00:00"}
        assert "1926" in remarks(study)["the dates of 1 sessions"]
        study = read(tmp_path, shifted_dates=True)
        assert session(study, "1", "1_a").options == {"date": f"{year}-05-16", "time": "09:00:00"}

    def test_rows_about_nothing_are_remarked_on(self, tmp_path: Path) -> None:
        tree = {
            self.IMAGE: None,
            self.SCANS: self.ROWS,
            self.SESSIONS: "session_id\tacq_time\nses-a\tn/a\nses-b\tn/a\n",
        }
        said = remarks(read(make(tmp_path, tree)))
        assert said == {
            f"{self.SESSIONS}, line 3": "there is no folder sub-1/ses-b",
            f"{self.SCANS}, line 2": f"there is no file {self.OTHER}",
        }

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            (SCANS, "filename\tacq_time\nanat/sub-1_ses-a_T1w.nii.gz\t17.5.2019\n", "_scans.tsv, line 2: acq_time"),
            (SCANS, "file\tacq_time\n", "_scans.tsv, line 1: there is no column 'filename'"),
            (SESSIONS, "session_id\tacq_time\nses-a\t10:05:00\n", "_sessions.tsv, line 2: acq_time '10:05:00'"),
            (SESSIONS, "session\tacq_time\n", "_sessions.tsv, line 1: there is no column 'session_id'"),
        ],
    )
    def test_bad_tables(self, tmp_path: Path, name: str, text: str, message: str) -> None:
        with pytest.raises(InputError, match=message):
            read(make(tmp_path, {self.IMAGE: None, name: text}))
