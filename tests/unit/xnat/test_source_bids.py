"""A BIDS dataset becomes the right subjects, sessions, scans and resources, and what does not is remarked on."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.errors import InputError
from ansible.module_utils.xnat.plan import Labels
from bids_trees import contents, make, read, remarks, scan, session

CAM_CAN: dict[str, Any] = {
    "README": "Cam-CAN",
    "participants_data.tsv": "Observations\tage\tgender_code\thand\nCC110033\t24\t1\t72\nCC110037\t18\t2\t-100\n",
    "sub-CC110033/anat/sub-CC110033_T1w.nii.gz": None,
    "sub-CC110033/anat/sub-CC110033_T1w.json": {"RepetitionTime": 2.25},
    "sub-CC110033/anat/sub-CC110033_T2w.nii.gz": None,
    "sub-CC110033/dwi/sub-CC110033_dwi.nii.gz": None,
    "sub-CC110033/dwi/sub-CC110033_dwi.bval": "0 1000",
    "sub-CC110033/dwi/sub-CC110033_dwi.bvec": "0 1\n0 0\n0 0",
    "sub-CC110033/func/sub-CC110033_task-Rest_bold.nii.gz": None,
    "sub-CC110033/func/sub-CC110033_task-SMT_bold.nii.gz": None,
    "sub-CC110033/func/sub-CC110033_task-SMT_events.tsv": "onset\tduration\n1\t2\n",
    "sub-CC110033/mti/sub-CC110033_MTR_TR30.nii.gz": None,
    "sub-CC110037/anat/sub-CC110037_T1w.nii.gz": None,
}


def test_dataset_of_the_shape_of_cam_can(tmp_path: Path) -> None:
    study = read(make(tmp_path, CAM_CAN))
    assert contents(study) == {
        ":BIDS": ["README", "dataset_description.json", "participants_data.tsv"],
        "CC110033/CC110033_MR1/1:NIFTI": ["sub-CC110033_T1w.nii.gz"],
        "CC110033/CC110033_MR1/1:BIDS": ["sub-CC110033_T1w.json"],
        "CC110033/CC110033_MR1/2:NIFTI": ["sub-CC110033_T2w.nii.gz"],
        "CC110033/CC110033_MR1/3:NIFTI": ["sub-CC110033_dwi.nii.gz"],
        "CC110033/CC110033_MR1/3:BVAL": ["sub-CC110033_dwi.bval"],
        "CC110033/CC110033_MR1/3:BVEC": ["sub-CC110033_dwi.bvec"],
        "CC110033/CC110033_MR1/4:NIFTI": ["sub-CC110033_task-Rest_bold.nii.gz"],
        "CC110033/CC110033_MR1/5:NIFTI": ["sub-CC110033_task-SMT_bold.nii.gz"],
        "CC110033/CC110033_MR1/5:BIDS": ["sub-CC110033_task-SMT_events.tsv"],
        "CC110037/CC110037_MR1/1:NIFTI": ["sub-CC110037_T1w.nii.gz"],
    }
    assert session(study, "CC110033", "CC110033_MR1").xsi_type == "xnat:mrSessionData"
    rest = scan(study, "CC110033_MR1", "sub-CC110033_task-Rest_bold")
    assert rest.xsi_type == "xnat:mrScanData"
    assert rest.options == {
        "type": "bold_Rest",
        "series_description": "sub-CC110033_task-Rest_bold",
        "quality": "usable",
    }
    assert scan(study, "CC110033_MR1", "sub-CC110033_T1w").fields["xnat:mrScanData/parameters/tr"] == 2250
    said = remarks(study)
    assert set(said) == {"sub-CC110033/mti/", "participants_data.tsv, column 'hand'"}
    assert "1 files in it are not sent" in said["sub-CC110033/mti/"]


def test_labels_of_files_say_format_and_content(tmp_path: Path) -> None:
    labels = {file.local.name: file.labels for file in read(make(tmp_path, CAM_CAN)).files}
    assert labels["sub-CC110033_T1w.nii.gz"] == Labels("NIFTI", "T1w")
    assert labels["sub-CC110033_T1w.json"] == Labels("JSON", "T1w")
    assert labels["sub-CC110033_dwi.bval"] == Labels("BVAL", "dwi")
    assert labels["sub-CC110033_task-SMT_events.tsv"] == Labels("TSV", "events")


def test_every_session_has_its_own_label_and_several_echoes_are_several_scans(tmp_path: Path) -> None:
    study = read(
        make(
            tmp_path,
            {
                "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz": None,
                "sub-01/ses-b/func/sub-01_ses-b_task-x_run-10_bold.nii.gz": None,
                "sub-01/ses-b/func/sub-01_ses-b_task-x_run-2_echo-1_bold.nii.gz": None,
                "sub-01/ses-b/func/sub-01_ses-b_task-x_run-2_echo-2_bold.nii.gz": None,
                "sub-01/ses-b/func/sub-01_ses-b_task-x_run-2_events.tsv": "onset\tduration\n",
                "sub-01/ses-b/func/sub-01_ses-b_task-x_run-2_recording-heart_physio.tsv.gz": "x",
                "sub-01/ses-b/func/sub-01_ses-b_task-x_bold.json": {"FlipAngle": 60},
                "sub-02/ses-a/anat/sub-02_ses-a_acq-fast_T1w.nii": None,
            },
        )
    )
    assert contents(study) == {
        ":BIDS": ["dataset_description.json"],
        "01/01_a/1:NIFTI": ["sub-01_ses-a_T1w.nii.gz"],
        "01/01_b/1:NIFTI": ["sub-01_ses-b_task-x_run-2_echo-1_bold.nii.gz"],
        "01/01_b/1:BIDS": [
            "sub-01_ses-b_task-x_run-2_events.tsv",
            "sub-01_ses-b_task-x_run-2_recording-heart_physio.tsv.gz",
        ],
        "01/01_b/2:NIFTI": ["sub-01_ses-b_task-x_run-2_echo-2_bold.nii.gz"],
        "01/01_b/3:NIFTI": ["sub-01_ses-b_task-x_run-10_bold.nii.gz"],
        "01/01_b:BIDS": ["sub-01_ses-b_task-x_bold.json"],
        "02/02_a/1:NIFTI": ["sub-02_ses-a_acq-fast_T1w.nii"],
    }
    assert scan(study, "02_a", "sub-02_ses-a_acq-fast_T1w").options["type"] == "T1w_fast"
    last = scan(study, "01_b", "sub-01_ses-b_task-x_run-10_bold")
    assert last.fields["xnat:mrScanData/parameters/flip"] == 60


def test_sidecars_are_inherited_from_three_levels_and_the_nearest_is_right(tmp_path: Path) -> None:
    image = "sub-1/ses-2/func/sub-1_ses-2_task-rest_bold"
    study = read(
        make(
            tmp_path,
            {
                "task-rest_bold.json": {"RepetitionTime": 1, "EchoTime": 0.01, "FlipAngle": 10, "CoilString": "top"},
                "bold.json": {"RepetitionTime": 9, "Manufacturer": "any task"},
                "task-other_bold.json": {"MagneticFieldStrength": 7},
                "T1w.json": {"InversionTime": 1},
                "sub-1/sub-1_task-rest_bold.json": {"RepetitionTime": 2, "EchoTime": 0.02},
                "sub-1/ses-2/sub-1_ses-2_task-rest_bold.json": {"RepetitionTime": 3},
                f"{image}.json": {"FlipAngle": 40},
                f"{image}.nii.gz": None,
                "sub-2/func/sub-2_task-rest_bold.nii.gz": None,
            },
        )
    )
    mr = "xnat:mrScanData/"
    assert scan(study, "1_2", "sub-1_ses-2_task-rest_bold").fields == {
        f"{mr}parameters/tr": 3000,
        f"{mr}parameters/te": 20,
        f"{mr}parameters/flip": 40,
        f"{mr}scanner/manufacturer": "any task",
        "CoilString": "top",
    }
    assert scan(study, "2_MR1", "sub-2_task-rest_bold").fields[f"{mr}parameters/tr"] == 1000
    files = contents(study)
    assert files["1/1_2/1:BIDS"] == ["sub-1_ses-2_task-rest_bold.json"]
    assert files[":BIDS"] == sorted(
        [
            "dataset_description.json",
            "task-rest_bold.json",
            "bold.json",
            "task-other_bold.json",
            "T1w.json",
            "sub-1/sub-1_task-rest_bold.json",
            "sub-1/ses-2/sub-1_ses-2_task-rest_bold.json",
        ]
    )


def test_what_is_ignored_or_hidden_is_remarked_on(tmp_path: Path) -> None:
    study = read(
        make(
            tmp_path,
            {
                ".bidsignore": "# ours\n*_localizer.nii.gz\nextra/\n!sub-1_keep_localizer.nii.gz\n/sub-2/**/*_bold.*\n",
                ".git/config": "x",
                ".DS_Store": "x",
                "extra/a.txt": "x",
                "sub-1/anat/sub-1_T1w.nii.gz": None,
                "sub-1/anat/sub-1_localizer.nii.gz": None,
                "sub-2/anat/sub-2_T1w.nii.gz": None,
                "sub-2/func/sub-2_task-x_bold.nii.gz": None,
            },
        )
    )
    assert remarks(study) == {
        ".DS_Store": "is hidden",
        "extra": "is ignored by .bidsignore",
        "sub-1/anat/sub-1_localizer.nii.gz": "is ignored by .bidsignore",
        "sub-2/func/sub-2_task-x_bold.nii.gz": "is ignored by .bidsignore",
    }
    assert contents(study).keys() == {":BIDS", "1/1_MR1/1:NIFTI", "2/2_MR1/1:NIFTI"}


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ("sub-1/anat/sub-1_T1w_ND.nii.gz", "'ND' is no suffix"),
        ("sub-1/anat/sub-1_T1w1.nii.gz", "'T1w1' is no suffix"),
        ("sub-1/anat/sub-1_echoo-1_T1w.nii.gz", "'echoo' is no entity"),
        ("sub-1/anat/sub-1_run-1_acq-a_T1w.nii.gz", "their order"),
        ("sub-1/anat/sub-2_T1w.nii.gz", "this folder"),
        ("sub-1/anat/sub-1_T1w.nii.bz2", "this extension"),
        ("sub-1/func/sub-1_bold.nii.gz", "these entities"),
        ("sub-1/anat/t1_mprage_sag.nii.gz", "'sag' is no suffix"),
        ("sub-1/notes.txt", "'notes' is no suffix"),
        ("subjects.xlsx", "'subjects' is no suffix"),
        ("sub-1/anat/old/sub-1_T1w.nii.gz", "is a folder where BIDS has none"),
        ("sub-1/SWI/sub-1_swi.nii.gz", "is no folder of BIDS"),
        ("other/sub-1_T1w.nii.gz", "it is no folder of BIDS"),
    ],
)
def test_odd_names_are_left_out_and_remarked_on(tmp_path: Path, odd: str, reason: str) -> None:
    study = read(make(tmp_path, {odd: None, "sub-1/anat/sub-1_T2w.nii.gz": None}))
    assert contents(study) == {":BIDS": ["dataset_description.json"], "1/1_MR1/1:NIFTI": ["sub-1_T2w.nii.gz"]}
    [(about, why)] = remarks(study).items()
    assert odd.startswith(about)
    assert reason in why


@pytest.mark.parametrize(
    ("files", "label", "kind"),
    [
        (["pet/sub-1_trc-FDG_pet.nii.gz", "anat/sub-1_T1w.nii.gz"], "1_PET1", "pet"),
        (["pet/sub-1_pet.nii.gz", "anat/sub-1_T1w.nii.gz", "anat/sub-1_T2w.nii.gz"], "1_MR1", "mr"),
        (["eeg/sub-1_task-x_eeg.edf"], "1_EEG1", "eeg"),
        (["meg/sub-1_task-x_meg.fif"], "1_MEG1", "meg"),
    ],
)
def test_session_has_the_type_of_most_of_its_images(tmp_path: Path, files: list[str], label: str, kind: str) -> None:
    study = read(make(tmp_path, {f"sub-1/{file}": None for file in files}))
    assert session(study, "1", label).xsi_type == f"xnat:{kind}SessionData"
    types = {MODALITY[file.partition("/")[0]] for file in files}
    scans = {attributes.xsi_type for of, attributes in study.attributes.items() if of.scan}
    assert scans == {f"xnat:{name}ScanData" for name in types}
    assert len(study.remarks) == len(types) - 1


MODALITY = {"pet": "pet", "anat": "mr", "eeg": "eeg", "meg": "meg"}


def test_signals_keep_all_files_of_a_recording_together(tmp_path: Path) -> None:
    meg, eeg = "sub-1/ses-m/meg/sub-1_ses-m", "sub-1/ses-e/eeg/sub-1_ses-e"
    names = [
        f"{meg}_task-x_split-01_meg.fif",
        f"{meg}_task-x_split-02_meg.fif",
        f"{meg}_task-y_meg.ds/a.meg4",
        f"{meg}_task-y_meg.ds/hz.ds/b.txt",
        f"{meg}_task-x_channels.tsv",
        f"{meg}_acq-crosstalk_meg.fif",
        f"{meg}_headshape.pos",
        f"{eeg}_task-x_eeg.vhdr",
        f"{eeg}_task-x_eeg.vmrk",
        f"{eeg}_task-x_eeg.eeg",
        f"{eeg}_task-x_events.tsv",
        f"{eeg}_electrodes.tsv",
    ]
    assert contents(read(make(tmp_path, dict.fromkeys(names)))) == {
        ":BIDS": ["dataset_description.json"],
        "1/1_m/1:MEG": ["sub-1_ses-m_task-x_split-01_meg.fif", "sub-1_ses-m_task-x_split-02_meg.fif"],
        "1/1_m/1:BIDS": ["sub-1_ses-m_task-x_channels.tsv"],
        "1/1_m/2:MEG": ["sub-1_ses-m_task-y_meg.ds/a.meg4", "sub-1_ses-m_task-y_meg.ds/hz.ds/b.txt"],
        "1/1_m:BIDS": ["sub-1_ses-m_acq-crosstalk_meg.fif", "sub-1_ses-m_headshape.pos"],
        "1/1_e/1:EEG": [f"sub-1_ses-e_task-x_eeg.{extension}" for extension in ("eeg", "vhdr", "vmrk")],
        "1/1_e/1:BIDS": ["sub-1_ses-e_electrodes.tsv", "sub-1_ses-e_task-x_events.tsv"],
    }


def test_session_without_any_image_is_left_out_with_a_remark(tmp_path: Path) -> None:
    tree = {
        "sub-1/anat/sub-1_T1w.nii.gz": None,
        "sub-1/beh/sub-1_task-x_beh.tsv": "a\tb\n",
        "sub-2/beh/sub-2_task-x_beh.tsv": "a\tb\n",
    }
    study = read(make(tmp_path, tree))
    assert contents(study)["1/1_MR1:BEH"] == ["sub-1_task-x_beh.tsv"]
    assert [of.subject for of in study.addresses("experiment")] == ["1"]
    assert "1 files are not sent" in remarks(study)["sub-2"]


def test_b_values_and_directions_are_inherited_and_the_nearest_are_meant(tmp_path: Path) -> None:
    tree = {
        "dwi.bval": "0 1000",
        "dwi.bvec": "0 1\n0 0\n0 0",
        "sub-1/dwi/sub-1_run-1_dwi.nii.gz": None,
        "sub-1/dwi/sub-1_run-2_dwi.nii.gz": None,
        "sub-1/dwi/sub-1_run-2_dwi.bval": "0 2000",
        "sub-1/dwi/sub-1_sbref.nii.gz": None,
        "sub-2/dwi/sub-2_dwi.bval": "0 3000",
        "sub-2/dwi/sub-2_run-1_dwi.nii.gz": None,
        "sub-2/dwi/sub-2_run-2_dwi.nii.gz": None,
    }
    study = read(make(tmp_path, tree))
    found = contents(study)
    gradients = {where: names for where, names in found.items() if where.endswith((":BVAL", ":BVEC"))}
    assert gradients == {
        "1/1_MR1/1:BVAL": ["dwi.bval"],
        "1/1_MR1/1:BVEC": ["dwi.bvec"],
        "1/1_MR1/2:BVAL": ["sub-1_run-2_dwi.bval"],
        "1/1_MR1/2:BVEC": ["dwi.bvec"],
        "2/2_MR1/1:BVAL": ["sub-2_dwi.bval"],
        "2/2_MR1/1:BVEC": ["dwi.bvec"],
        "2/2_MR1/2:BVAL": ["sub-2_dwi.bval"],
        "2/2_MR1/2:BVEC": ["dwi.bvec"],
    }
    assert found[":BIDS"] == ["dataset_description.json", "dwi.bval", "dwi.bvec"]
    assert remarks(study) == {}


class TestOptions:
    """Every choice changes what it says."""

    TREE: ClassVar[dict[str, Any]] = {
        "participants.tsv": "participant_id\tage\nsub-1\t5\nsub-2\t6\n",
        "sub-1/ses-b/dwi/sub-1_ses-b_dwi.nii.gz": None,
        "sub-1/ses-b/dwi/sub-1_ses-b_dwi.bval": "0",
        "sub-1/ses-b/dwi/sub-1_ses-b_dwi.json": {"EchoTime": 0.1},
        "sub-2/anat/sub-2_T1w.nii.gz": None,
        "code/run.sh": "x",
        "derivatives/fmri prep/sub-1/ses-b/dwi/out.nii.gz": None,
        "derivatives/fmri prep/sub-2/anat/out.nii.gz": None,
        "derivatives/fmri prep/summary.html": "x",
        "derivatives/qc.tsv": "x",
        "sourcedata/sub-2/a.dcm": "x",
    }

    def test_defaults_leave_out_other_folders_with_one_remark_each(self, tmp_path: Path) -> None:
        study = read(make(tmp_path, self.TREE))
        assert set(remarks(study)) == {"code/", "derivatives/", "sourcedata/"}

    def test_folders(self, tmp_path: Path) -> None:
        found = contents(read(make(tmp_path, self.TREE), folders=("code", "derivatives", "sourcedata")))
        assert found["1/1_b:derivatives-fmri-prep"] == ["sub-1/ses-b/dwi/out.nii.gz"]
        assert found["2/2_MR1:derivatives-fmri-prep"] == ["sub-2/anat/out.nii.gz"]
        assert found[":derivatives-fmri-prep"] == ["summary.html"]
        assert found[":derivatives"] == ["qc.tsv"]
        assert found["2/2_MR1:sourcedata"] == ["sub-2/a.dcm"]
        assert found[":code"] == ["run.sh"]

    def test_labels(self, tmp_path: Path) -> None:
        study = read(
            make(tmp_path, self.TREE),
            keep_prefix=True,
            session="{project}_{subject}_ses-{session}_{modality}",
            session_without_folder="{subject}_only",
        )
        found = {(of.subject, of.experiment) for of in study.addresses("experiment")}
        assert found == {("sub-1", "P_sub-1_ses-b_MR"), ("sub-2", "sub-2_only")}
        assert study.attributes[Address("P", "sub-2")].options == {"age": 6}

    def test_scan_ids_by_stem(self, tmp_path: Path) -> None:
        study = read(make(tmp_path, self.TREE), scan_id="stem")
        assert {of.scan for of in study.addresses("scan")} == {"sub-1_ses-b_dwi", "sub-2_T1w"}

    def test_resources(self, tmp_path: Path) -> None:
        found = contents(read(make(tmp_path, self.TREE), gradients="together", sidecar_resource="META"))
        assert found["1/1_b/1:NIFTI"] == ["sub-1_ses-b_dwi.bval", "sub-1_ses-b_dwi.nii.gz"]
        assert found["1/1_b/1:META"] == ["sub-1_ses-b_dwi.json"]
        assert found[":META"] == ["dataset_description.json", "participants.tsv"]

    def test_without_files_of_the_dataset(self, tmp_path: Path) -> None:
        study = read(make(tmp_path, self.TREE), dataset_files=False)
        assert not [file for file in study.files if file.resource.subject is None]
        assert study.attributes[Address("P", "1")].options == {"age": 5}

    @pytest.mark.parametrize("wanted", ["1", "sub-1"])
    def test_some_subjects(self, tmp_path: Path, wanted: str) -> None:
        study = read(make(tmp_path, self.TREE), subjects=(wanted,))
        assert {of.subject for of in study.addresses("subject")} == {"1"}
        assert len(study.remarks) == 3  # the folders that are not sent, and nothing about sub-2

    def test_quality(self, tmp_path: Path) -> None:
        study = read(make(tmp_path, self.TREE), quality="questionable")
        assert scan(study, "2_MR1", "sub-2_T1w").options["quality"] == "questionable"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"scan_id": "suffix"}, "scan_id cannot be 'suffix'"),
            ({"gradients": "x"}, "gradients cannot be 'x'"),
            ({"folders": ("extra",)}, "folders cannot be 'extra'"),
            ({"session": "{visit}"}, "is no template of a session's label"),
            ({"session_without_folder": "{"}, "is no template of a session's label"),
            ({"subjects": ("3",)}, "has no folder sub-3"),
            ({"participants": "people.tsv"}, "there is no file people.tsv"),
            ({"session_without_folder": "one", "session": "one"}, "used for several subjects"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, tmp_path: Path, options: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            read(make(tmp_path, self.TREE), **options)

    def test_two_sessions_never_become_one(self, tmp_path: Path) -> None:
        make(tmp_path, {f"sub-1/ses-{label}/anat/sub-1_ses-{label}_T1w.nii.gz": None for label in "ab"})
        with pytest.raises(InputError, match="would both become the experiment 1_x"):
            read(tmp_path, session="{subject}_x")


class TestContent:
    """What has no content on this machine is noticed before anything is sent."""

    TREE: ClassVar[dict[str, Any]] = {"sub-1/anat/sub-1_T1w.nii.gz": None, "sub-1/anat/sub-1_T2w.nii.gz": None}

    def test_links_are_followed(self, tmp_path: Path) -> None:
        make(tmp_path / "store", {"annexed": None, "folder/sub-2_T1w.nii.gz": None})
        root = make(tmp_path / "dataset", self.TREE)
        (root / "sub-1/anat/sub-1_PDw.nii.gz").symlink_to(tmp_path / "store/annexed")
        (root / "sub-2").mkdir()
        (root / "sub-2/anat").symlink_to(tmp_path / "store/folder")
        study = read(root)
        [linked] = [file.local for file in study.files if file.local.name == "sub-1_PDw.nii.gz"]
        assert linked.size == len(b"image annexed")
        assert contents(study)["2/2_MR1/1:NIFTI"] == ["sub-2_T1w.nii.gz"]

    @pytest.mark.parametrize("name", ["sub-1/anat/sub-1_PDw.nii.gz", "sub-1/anat/sub-1_T1w.json", "participants.tsv"])
    @pytest.mark.parametrize("form", ["link", "pointer"])
    def test_content_that_was_not_fetched(self, tmp_path: Path, name: str, form: str) -> None:
        root = make(tmp_path, self.TREE)
        if form == "link":
            (root / name).symlink_to("../.git/annex/objects/none")
        else:
            (root / name).write_text("/annex/objects/MD5E-s5--x.nii.gz\n")
        with pytest.raises(InputError, match=rf"(?s){name}.*datalad get"):
            read(root)

    def test_link_that_leads_back(self, tmp_path: Path) -> None:
        root = make(tmp_path, self.TREE)
        (root / "code").mkdir()
        (root / "code/again").symlink_to(root / "code")
        with pytest.raises(InputError, match="leads back"):
            read(root, folders=("code",))

    def test_empty_file_is_refused_unless_allowed(self, tmp_path: Path) -> None:
        root = make(tmp_path, {**self.TREE, "sub-1/anat/sub-1_PDw.nii.gz": ""})
        with pytest.raises(InputError, match=r"0 bytes.*sub-1_PDw"):
            read(root)
        assert len(read(root, allow_empty=True).addresses("scan")) == 3

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("T1w.json", "{\n'a': 1}", "T1w.json, line 2: is not JSON"),
            ("sub-1/anat/sub-1_T1w.json", "[1]", "holds a list"),
        ],
    )
    def test_bad_sidecar(self, tmp_path: Path, name: str, text: str, message: str) -> None:
        with pytest.raises(InputError, match=message):
            read(make(tmp_path, {**self.TREE, name: text}))

    def test_folder_without_subjects(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="has no folder sub-"):
            read(make(tmp_path, {}))
        with pytest.raises(InputError, match="is not a folder"):
            read(tmp_path / "none")


def test_twenty_thousand_files_are_read_with_little_memory(tmp_path: Path) -> None:
    tree: dict[str, Any] = {"task-x_bold.json": {"RepetitionTime": 2}}
    for number in range(250):
        for run in range(40):
            stem = f"sub-{number}/func/sub-{number}_task-x_run-{run}_bold"
            tree |= {f"{stem}.nii.gz": None, f"{stem}.json": {"EchoTime": 0.03}}
    make(tmp_path, tree)
    began = time.perf_counter()
    tracemalloc.start()
    study = read(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{len(study.files)} files in {time.perf_counter() - began:.1f} s, {peak / 2**20:.0f} MiB")
    assert len(study.files) == 20_002
    assert len(study.addresses("scan")) == 10_000
    of_scan = [file.resource for file in study.files if file.resource.scan]
    assert len({id(resource) for resource in of_scan}) == len(set(of_scan))
    assert peak < 60 * 2**20


def test_what_is_wrong_with_several_subjects_is_said_at_once(tmp_path: Path) -> None:
    files = {f"sub-{number}/anat/sub-{number}_T1w.nii.gz": None for number in (1, 2, 3)}
    root = make(tmp_path, {**files, "sub-1/anat/sub-1_T1w.json": "{bad", "sub-3/anat/sub-3_T1w.json": "[1]"})
    with pytest.raises(InputError) as caught:
        read(root)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"bids: {root} cannot be used as it is:"
    assert lines[1].startswith(f"- {root}/sub-1/anat/sub-1_T1w.json, line 1: is not JSON")
    assert lines[2].startswith(f"- {root}/sub-3/anat/sub-3_T1w.json: holds a list")
