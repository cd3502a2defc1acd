"""A scan that is in XNAT keeps its number, and a new one never gets one that is in use."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.errors import InputError
from ansible.module_utils.xnat.plan import LocalFile
from ansible.module_utils.xnat.study.sources.numbering import numbered, numbers
from ansible.module_utils.xnat.study.study import Attributes, PlannedFile, Study
from bids_trees import make, read

SESSION = Address("P", "S", "S_1")


def study(*scans: tuple[str, str, str]) -> Study:
    """A session with scans of that ID, series_description and type, each with a file named by its series."""
    made = Study()
    for identifier, series, kind in scans:
        scan = Address("P", "S", "S_1", identifier)
        made.describe(scan, Attributes("xnat:mrScanData", {"series_description": series, "type": kind}))
        resource = Address("P", "S", "S_1", identifier, resource="NIFTI")
        made.files.append(PlannedFile(resource, LocalFile(f"{series}.nii", f"/data/{series}.nii", 1, 1)))
    return made


def found(made: Study) -> dict[str, str | None]:
    """The scan's ID by series; the files must have moved with the attributes."""
    by_attributes = {of.options["series_description"]: scan.scan for scan, of in made.attributes.items()}
    assert {file.local.name.removesuffix(".nii"): file.resource.scan for file in made.files} == by_attributes
    return by_attributes


THREE = study(("1", "a", "T1w"), ("2", "b", "T2w"), ("3", "c", "bold"))


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        ({}, {"a": "1", "b": "2", "c": "3"}),
        ({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "2", "c": "3"}),
        ({"b": "1", "c": "2"}, {"a": "3", "b": "1", "c": "2"}),  # a came before them in the order of the names
        ({"a": "3", "b": "1", "c": "2"}, {"a": "3", "b": "1", "c": "2"}),
        ({"b": "7"}, {"a": "8", "b": "7", "c": "9"}),  # never into a gap
        ({"gone": "1"}, {"a": "2", "b": "3", "c": "4"}),
        ({"a": "5-MR1", "": "12"}, {"a": "5-MR1", "b": "13", "c": "14"}),
        ({"other": "localizer"}, {"a": "1", "b": "2", "c": "3"}),
    ],
)
def test_numbers_fit_those_on_the_server(existing: dict[str, str], expected: dict[str, str]) -> None:
    assert found(numbered(THREE, {SESSION: existing})) == expected


def test_new_session_keeps_the_numbers_of_the_source() -> None:
    assert found(numbered(THREE, {Address("P", "T", "T_1"): {"a": "9"}})) == {"a": "1", "b": "2", "c": "3"}


def test_number_is_never_the_type_of_a_scan() -> None:
    made = study(("1", "a", "T1w"), ("2", "b", "6"))
    assert found(numbered(made, {SESSION: {"x": "5"}})) == {"a": "7", "b": "8"}
    assert numbers(3, ["2", "T1w"]) == ["1", "3", "4"]


def test_id_that_is_the_type_of_another_scan_is_refused() -> None:
    with pytest.raises(InputError, match="'T1w' is both the ID of a scan and the type of one"):
        numbered(THREE, {SESSION: {"old": "T1w"}})


def test_scans_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(InputError, match=r"have the same series_description.*: a\b"):
        numbered(study(("1", "a", "T1w"), ("2", "a", "T1w")), {SESSION: {"a": "1"}})


def test_id_that_is_no_number_stays_unless_another_scan_has_it() -> None:
    made = study(("stem_a", "a", "T1w"))
    assert found(numbered(made, {SESSION: {"b": "1"}})) == {"a": "stem_a"}
    with pytest.raises(InputError, match="another one than that of the study"):
        numbered(made, {SESSION: {"b": "stem_a"}})


def test_run_that_is_added_later_does_not_renumber(tmp_path: Path) -> None:
    first = read(make(tmp_path, {"sub-1/func/sub-1_task-x_run-2_bold.nii.gz": None}))
    there: dict[Address, dict[str, str]] = {}
    for scan in first.addresses("scan"):
        series = first.attributes[scan].options["series_description"]
        there.setdefault(scan.up_to("experiment"), {})[series] = str(scan.scan)
    make(tmp_path, {"sub-1/anat/sub-1_T1w.nii.gz": None, "sub-1/func/sub-1_task-x_run-1_bold.nii.gz": None})
    again = numbered(read(tmp_path), there)
    again.check()
    ids = {of.options["series_description"]: scan.scan for scan, of in again.attributes.items() if scan.scan}
    assert ids == {"sub-1_task-x_run-2_bold": "1", "sub-1_T1w": "2", "sub-1_task-x_run-1_bold": "3"}
