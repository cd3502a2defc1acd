"""What a study is counted as: by subject, with and without files, and what belongs to no subject in the totals only."""

from __future__ import annotations

import pytest
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.plan import LocalFile
from ansible.module_utils.xnat.study import summary as study_summary
from ansible.module_utils.xnat.study.study import Attributes, PlannedFile, Study
from ansible.module_utils.xnat.study.summary import missing_packages, summary


def planned(size: int, subject: str | None = None, session: str | None = None, scan: str | None = None) -> PlannedFile:
    address = Address("p", subject, session, scan, resource="NIFTI")
    return PlannedFile(address, LocalFile(f"{size}.nii", f"/d/{size}.nii", size, 0))


def test_it_is_counted_by_subject() -> None:
    study = Study([planned(5, "s2", "m2", "1"), planned(7, "s2", "m1", "1"), planned(1, "s1", "m3"), planned(40)])
    study.describe(Address("p", "s0"), Attributes(options={"gender": "female"}))
    study.describe(Address("p", "s1", "m4"), Attributes())
    study.leave_out("derivatives", "derivatives are left out")
    assert summary(study) == {
        "subjects": [
            {"subject": "s0", "sessions": [], "resources": {}, "files": 0, "bytes": 0},
            {"subject": "s1", "sessions": ["m3", "m4"], "resources": {"m3/NIFTI": 1}, "files": 1, "bytes": 1},
            {
                "subject": "s2",
                "sessions": ["m1", "m2"],
                "resources": {"m1/1/NIFTI": 1, "m2/1/NIFTI": 1},
                "files": 2,
                "bytes": 12,
            },
        ],
        "project_resources": {"NIFTI": 1},
        "totals": {"subjects": 3, "sessions": 4, "files": 4, "project_files": 1, "bytes": 53},
        "remarks": [{"about": "derivatives", "reason": "derivatives are left out"}],
    }


def test_nothing_is_nothing() -> None:
    assert summary(Study())["totals"] == {"subjects": 0, "sessions": 0, "files": 0, "project_files": 0, "bytes": 0}


def test_packages_that_are_missing_go_by_the_names_that_pip_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study([planned(5, "s2", "m2", "1")])
    assert missing_packages(study) == []
    monkeypatch.setattr(study_summary, "find_spec", lambda name: None)
    assert missing_packages(study) == ["requests", "nibabel", "pillow"]
    assert missing_packages(Study()) == ["requests"]
