"""What no study may have is said at once, for all files and sessions that are concerned."""

from __future__ import annotations

import pytest
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.errors import InputError
from ansible.module_utils.xnat.plan import LocalFile
from ansible.module_utils.xnat.study.study import PlannedFile, Study


def planned(path: str, name: str, session: str = "E1", subject: str = "S1") -> PlannedFile:
    return PlannedFile(Address("P", subject, session, "1", resource="NIFTI"), LocalFile(name, path, 1, 1))


def test_all_files_that_would_get_one_name_are_named() -> None:
    study = Study([planned("/a/x", "x"), planned("/b/x", "x"), planned("/a/y", "y"), planned("/b/y", "y")])
    with pytest.raises(InputError) as caught:
        study.check()
    assert "/a/x and /b/x would both become 'x' in the resource NIFTI of scan 1" in str(caught.value)
    assert "/a/y and /b/y would both become 'y'" in str(caught.value)


def test_one_file_twice_under_one_name_is_one() -> None:
    Study([planned("/a/x", "x"), planned("/a/x", "x"), planned("/a/x", "y")]).check()


def test_sessions_of_several_subjects_are_all_named() -> None:
    study = Study([planned("/a", "a", session, subject) for session in ("E1", "E2") for subject in ("S1", "S2")])
    with pytest.raises(InputError, match=r"E1 \(S1, S2\), E2 \(S1, S2\)"):
        study.check()
