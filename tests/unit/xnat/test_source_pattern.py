"""Paths become a study by a template or a regular expression; what does not match is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.xnat.errors import InputError
from ansible.module_utils.xnat.study.sources import pattern
from ansible.module_utils.xnat.study.study import Study

IN_A = ("a/b/c/z.nii", "a/b/y.nii", "a/x.nii", "a/x.txt")
TEMPLATE = "{subject}/{session}/{scan}-{scan_type}/*.nii.gz"


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def places(study: Study) -> list[tuple[str | None, ...]]:
    return [
        (of.subject, of.experiment, of.scan, of.resource, file.local.name)
        for file in study.files
        for of in [file.resource]
    ]


def test_a_template_names_the_parts_of_a_path(tmp_path: Path) -> None:
    root = tree(tmp_path, "S1/S1_MR1/2-T2-flair/a.nii.gz", "S1/S1_MR1/1-T1/b.nii.gz", "S2/S2_MR1/1-T1/c.nii.gz")
    study = pattern.read(root, "P", TEMPLATE)
    assert places(study) == [
        ("S1", "S1_MR1", "1", "NIFTI", "b.nii.gz"),
        ("S1", "S1_MR1", "2", "NIFTI", "a.nii.gz"),
        ("S2", "S2_MR1", "1", "NIFTI", "c.nii.gz"),
    ]
    assert [study.attributes[of].options for of in study.addresses("scan")] == [
        {"type": "T1"},
        {"type": "T2-flair"},
        {"type": "T1"},
    ]
    assert {file.labels.format for file in study.files} == {"NIFTI"}
    assert study.remarks == []


def test_a_regular_expression_names_its_groups(tmp_path: Path) -> None:
    root = tree(tmp_path, "CC110033_v2_20240503_T1.nii", "CC110034_v1_T2.nii")
    study = pattern.read(
        root,
        "P",
        regex=r"(?P<subject>CC\d+)(_v(?P<visit>\d))?(_(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d))?_(?P<scan_type>T\d)\.nii",
        defaults={"session": "{subject}_MR{visit}", "date": "{y}-{m}-{d}", "scan": "1", "subject.group": "camcan"}
        | {"xnat:mrScanData/coil": "head"},
    )
    assert places(study)[0] == ("CC110033", "CC110033_MR2", "1", "NIFTI", "CC110033_v2_20240503_T1.nii")
    first = study.addresses("scan")[0]
    assert study.attributes[first].fields == {"xnat:mrScanData/coil": "head"}
    assert study.attributes[first.up_to("experiment")].options == {"date": "2024-05-03"}
    assert study.attributes[first.up_to("subject")].options == {"group": "camcan"}


def test_a_default_is_not_filled_where_a_name_in_it_has_no_value(tmp_path: Path) -> None:
    root = tree(tmp_path, "S1_T1.nii", "S2_v1_T1.nii")
    with pytest.raises(InputError, match=r"S1_T1.nii: session: is missing. It is what the scan 1 belongs to\."):
        pattern.read(
            root,
            "P",
            regex=r"(?P<subject>S\d)(_v(?P<visit>\d))?_T1.nii",
            defaults={"session": "{subject}_MR{visit}", "scan": "1"},
        )


@pytest.mark.parametrize(
    ("template", "matching"),
    [
        ("{subject}/*.nii", ["a/x.nii"]),
        ("{subject}/**/*.nii", ["a/b/c/z.nii", "a/b/y.nii", "a/x.nii"]),
        ("{subject}/", [*IN_A, "d/d-1.txt", "d/e-2.txt"]),
        ("{subject}/**", [*IN_A, "d/d-1.txt", "d/e-2.txt"]),
        ("{subject}/?.nii", ["a/x.nii"]),
        ("{subject}/*.*", ["a/x.nii", "a/x.txt", "d/d-1.txt", "d/e-2.txt"]),
        ("**/{subject}-{x}.txt", ["d/d-1.txt", "d/e-2.txt", "s.t-3.txt"]),
        ("{subject}/{subject}-{x}.txt", ["d/d-1.txt"]),
        ("*.txt", ["s.t-3.txt"]),
    ],
)
def test_wildcards_are_those_of_a_shell_and_a_repeated_name_is_the_same_text(
    tmp_path: Path, template: str, matching: list[str]
) -> None:
    root = tree(tmp_path, "a/x.nii", "a/x.txt", "a/b/y.nii", "a/b/c/z.nii", "a/.hidden.nii")
    tree(root, "d/d-1.txt", "d/e-2.txt", "s.t-3.txt")
    defaults: dict[str, object] = {"resource": "X", "content": "{x}" if "{x}" in template else "", "subject": "S"}
    study = pattern.read(root, "P", template, defaults=defaults, clean_labels=True)
    assert [Path(file.local.path).relative_to(root).as_posix() for file in study.files] == matching


def test_files_that_do_not_match_are_remarks_and_counted_where_they_are_many(tmp_path: Path) -> None:
    root = tree(tmp_path, "S1/E1/1-T1/a.nii.gz", "README", "S1/notes.txt")
    study = pattern.read(root, "P", TEMPLATE)
    assert [(remark.about, remark.reason) for remark in study.remarks] == [
        ("README", "does not match the pattern"),
        ("S1/notes.txt", "does not match the pattern"),
    ]
    tree(root, *(f"S1/log/{number}.txt" for number in range(30)))
    study = pattern.read(root, "P", TEMPLATE)
    assert [(remark.about, remark.reason) for remark in study.remarks] == [
        ("./", "1 file that does not match the pattern"),
        ("S1/", "1 file that does not match the pattern"),
        ("S1/log/", "30 files that do not match the pattern"),
    ]


def test_no_match_shows_paths_and_what_was_wanted(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.nii", "b.nii", "c.nii", "d.nii")
    with pytest.raises(InputError) as caught:
        pattern.read(root, "P", TEMPLATE)
    assert f"no file below {root} matches '{TEMPLATE}'" in str(caught.value)
    assert "The first paths are a.nii, b.nii, c.nii." in str(caught.value)
    (empty := tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="It holds no files"):
        pattern.read(empty, "P", TEMPLATE)


def test_labels_are_refused_or_cleaned_but_never_merged(tmp_path: Path) -> None:
    root = tree(tmp_path, "S 1/E.1/1-T1/a.nii.gz")
    with pytest.raises(InputError, match=r"S 1/E.1/1-T1/a.nii.gz: subject: 'S 1' contains ' '"):
        pattern.read(root, "P", TEMPLATE)
    assert places(pattern.read(root, "P", TEMPLATE, clean_labels=True)) == [("S_1", "E_1", "1", "NIFTI", "a.nii.gz")]
    tree(root, "S_1/E2/1-T1/a.nii.gz")
    with pytest.raises(InputError, match="subject: both 'S 1' and 'S_1' would become 'S_1'"):
        pattern.read(root, "P", TEMPLATE, clean_labels=True)


def test_scans_of_the_same_number_in_two_sessions_are_no_collision(tmp_path: Path) -> None:
    root = tree(tmp_path, "S1/E1/1.a-T1/a.nii.gz", "S1/E2/1.a-T1/a.nii.gz", "S1/E3/1_a-T1/a.nii.gz")
    study = pattern.read(root, "P", TEMPLATE, clean_labels=True)
    assert [place[:3] for place in places(study)] == [("S1", f"E{number}", "1_a") for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give one of the two"),
        ({"template": "{subject}/*", "regex": ".*"}, "give one of the two"),
        ({"template": "{subject/*"}, "brace without its counterpart"),
        ({"template": "{}/*"}, "the name of a value must stand in the braces"),
        ({"template": "{subject.x}/*"}, "brace without its counterpart"),
        ({"regex": "(?P<subject>"}, "is not a regular expression"),
        ({"template": "{subjcet}/*"}, "'subjcet' (did you mean subject?)"),
        ({"template": "{subject}/*", "defaults": {"session": "{sub}"}}, "names {sub}, which has no value here"),
        ({"template": "{subject}/*", "defaults": {"sesion": "x"}}, "did you mean session"),
        ({"template": "{subject}/*"}, "resource: is missing"),
        ({"template": "{subject}/*", "defaults": {"resource": "X", "name": "a*b"}}, "contains '*'"),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        pattern.read(tree(tmp_path, "S1/a.nii"), "P", **options)
    assert message in str(caught.value)


def test_a_root_that_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        pattern.read(tmp_path / "none", "P", TEMPLATE)


def test_an_empty_file_is_refused_unless_allowed(tmp_path: Path) -> None:
    root = tree(tmp_path, "S1/E1/1-T1/a.nii.gz")
    (root / "S1/E1/1-T1/a.nii.gz").write_bytes(b"")
    with pytest.raises(InputError, match="without any content"):
        pattern.read(root, "P", TEMPLATE)
    assert len(pattern.read(root, "P", TEMPLATE, allow_empty=True).files) == 1


def test_messages_speak_of_the_options_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "S1").mkdir()
    (tmp_path / "S1" / "T1 x.nii").write_bytes(b"x")
    (tmp_path / "S1" / "empty 1.nii").write_bytes(b"")
    options = {"defaults": {"session": "E1", "scan": "1"}}
    for given, message in (
        ({"template": "{subject}/T1 {x}.nii", **options}, r"^pattern: means nothing: 'x'.*is \* in a pattern\.$"),
        ({"regex": r"(?P<subject>\w+)/(?P<x>.*)", **options}, "^regex: means nothing: 'x'"),
        ({"template": "{subject}/*", "defaults": {"sesion": "x"}}, "^defaults: means nothing: 'sesion'"),
        ({"template": "{subject", **options}, "^pattern: .* brace"),
        ({"template": "{subject}/*.gz", **options}, "^pattern: no file below"),
        ({"template": "{subject}/*", **options}, r"^pattern: files below .*\n- S1/empty 1\.nii: without any content"),
    ):
        with pytest.raises(InputError, match=message):
            pattern.read(tmp_path, "P", **given)
    (tmp_path / "S1" / "loop").symlink_to(tmp_path)
    with pytest.raises(InputError, match=r"^root: the link .*loop leads back"):
        pattern.read(tmp_path, "P", template="{subject}/T1*", **options)
    with pytest.raises(InputError, match=r"^root: .* is not a folder"):
        pattern.read(tmp_path / "nope", "P", template="{subject}/T1*", **options)
