"""Several hosts upload one study: each subject from exactly one host that has it whole, evenly, always the same."""

from __future__ import annotations

import csv
import io
import json
import random
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from filter_plugins.xnat_study import (
    first_with_project_files,
    full_paths,
    merge_reports,
    report_text,
    sharing_problems,
    summed_up,
)
from filter_plugins.xnat_study import share_subjects as share_studies


def subject(name: str, size: int, files: int = 1, *sessions: str) -> dict[str, Any]:
    labels = list(sessions or [f"{name}_MR1"])
    resources = {f"{labels[0]}/1/NIFTI": files - len(labels) + 1} | {f"{label}/1/NIFTI": 1 for label in labels[1:]}
    return {"subject": name, "sessions": labels, "resources": resources, "files": files, "bytes": size}


def share_subjects(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    none = {"totals": {"project_files": 0}, "project_resources": {}}
    return share_studies({host: {**none, "subjects": subjects} for host, subjects in found.items()})


def test_a_host_sends_what_it_alone_has() -> None:
    found = {"a": [subject("s1", 5)], "b": [subject("s2", 9), subject("s3", 1)], "c": []}
    assert share_subjects(found) == {"a": ["s1"], "b": ["s2", "s3"], "c": []}


def test_each_subject_once_and_even_in_bytes() -> None:
    everything = [subject(f"s{number:03}", size) for number, size in enumerate([100, 90, 80, 30, 20, 10, 10, 5, 5])]
    shares = share_subjects({"a": everything, "b": everything, "c": everything})
    assert sorted(name for names in shares.values() for name in names) == [entry["subject"] for entry in everything]
    sizes = {entry["subject"]: entry["bytes"] for entry in everything}
    loads = [sum(sizes[name] for name in names) for names in shares.values()]
    assert max(loads) - min(loads) <= 10


def test_what_has_no_choice_is_counted_before_choices_are_made() -> None:
    found = {"a": [subject("only", 50), subject("both", 90)], "b": [subject("both", 90)]}
    assert share_subjects(found) == {"a": ["only"], "b": ["both"]}


def test_the_order_in_which_hosts_and_subjects_are_found_does_not_matter() -> None:
    dice = random.Random(4)  # noqa: S311
    entries = {host: [subject(f"s{n}", dice.randrange(1000)) for n in range(40)] for host in "abc"}
    # The same subject has the same size everywhere, else only the largest copy counts.
    entries = dict.fromkeys(entries, entries["a"])
    expected = share_subjects(entries)
    for _ in range(5):
        hosts = list(entries)
        dice.shuffle(hosts)
        shuffled = {host: dice.sample(entries[host], len(entries[host])) for host in hosts}
        assert share_subjects(shuffled) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (subject("s1", 100, 3), subject("s1", 200, 2)),
        (subject("s1", 100, 3), subject("s1", 99, 3)),
        (subject("s1", 10, 3, "m1", "m2"), subject("s1", 5, 2, "m1")),
    ],
)
def test_a_copy_with_less_in_it_is_not_used(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert share_subjects({"x": [other], "y": [one]}) == {"x": [], "y": ["s1"]}


def test_a_subject_in_pieces_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^Subject s1: b has m2, which a has not\.$"):
        share_subjects({"a": [subject("s1", 9, 5, "m1")], "b": [subject("s1", 5, 2, "m2")]})


def test_a_scan_that_the_fuller_copy_lacks_is_not_forgotten() -> None:
    fuller, other = subject("s1", 9, 5, "m1"), subject("s1", 5, 2, "m1")
    other["resources"] = {"m1/1/NIFTI": 1, "m1/2/NIFTI": 1}
    with pytest.raises(AnsibleFilterError, match=r"^Subject s1: b has m1/2/NIFTI, which a has not\.$"):
        share_subjects({"a": [fuller], "b": [other]})


def test_copies_that_are_as_large_and_not_the_same_are_refused() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^Subject s1: b has m2, which a has not\., Subj"):
        share_subjects({"a": [subject("s1", 5, 1, "m1")], "b": [subject("s1", 5, 1, "m2")]})


def test_files_of_the_project_in_pieces_are_refused() -> None:
    a = {"totals": {"project_files": 2}, "project_resources": {"BIDS": 2}}
    b = {"totals": {"project_files": 1}, "project_resources": {"protocols": 1}}
    found = {name: {**study, "subjects": []} for name, study in (("b", b), ("a", a))}
    assert sharing_problems(found) == ["The project: b has files in protocols, which a has not."]


@pytest.mark.parametrize(
    ("files", "host"), [({"a": 0, "b": 2, "c": 2}, "b"), ({"c": 3, "a": 2}, "c"), ({"a": 0}, ""), ({}, "")]
)
def test_one_host_sends_what_belongs_to_no_subject(files: dict[str, int], host: str) -> None:
    found = {
        name: {"totals": {"project_files": number}, "project_resources": {"BIDS": number}}
        for name, number in files.items()
    }
    assert first_with_project_files(found) == host


REPORTS = {
    "b": {
        "totals": {"files": 1, "sent": 1, "bytes_sent": 600, "seconds": 2.0, "bytes_per_second": 300},
        "files": [{"project": "p", "subject": "s2", "name": "b.nii", "size": 600, "reason": None}],
        "remarks": [{"about": "x", "reason": "is left out"}],
        "changed": True,
    },
    "a": {
        "totals": {"files": 2, "sent": 1, "failed": 1, "bytes_sent": 400, "seconds": 4.0, "bytes_per_second": 100},
        "files": [
            {"project": "p", "subject": "s3", "name": "c.nii", "size": 5, "reason": 'said "no", twice'},
            {"project": "p", "subject": "s1", "name": "a.nii", "size": 400, "reason": "not there yet"},
        ],
        "failed": True,
        "msg": "The server's disk is full.",
    },
    "c": {"unreachable": True, "msg": "no route to host"},
}


def test_one_report_out_of_many() -> None:
    merged = merge_reports(REPORTS)
    assert merged["totals"] == {
        "files": 3, "sent": 2, "failed": 1, "bytes_sent": 1000, "seconds": 4.0, "bytes_per_second": 250,
    }  # fmt: skip
    assert [(file["subject"], file["host"]) for file in merged["files"]] == [("s1", "a"), ("s2", "b"), ("s3", "a")]
    assert merged["remarks"] == [{"about": "x", "reason": "is left out", "host": "b"}]
    assert merged["failed"] == {"a": "The server's disk is full.", "c": "no route to host"}
    assert merge_reports({})["files"] == []


def test_it_is_summed_up_in_words() -> None:
    assert summed_up(merge_reports(REPORTS)).splitlines() == [
        "3 files: 2 sent, 1 failed.",
        "1,000 bytes sent in 4.0 s.",
        "a: 2 of the files, 2 of the subjects.",
        "b: 1 of the files, 1 of the subjects.",
        "Left out, or worth knowing:",
        "- x: is left out",
        "a: The server's disk is full.",
        "c: no route to host",
        "Run the same again when that is mended; what has arrived is not sent twice.",
    ]
    assert summed_up(merge_reports({"a": {"totals": {"files": 0, "same": 0}}})) == "0 files: nothing to do."


def test_many_remarks_are_not_all_shown() -> None:
    remarks = [{"about": str(number), "reason": "is left out"} for number in range(22)]
    lines = summed_up(merge_reports({"a": {"remarks": remarks}})).splitlines()
    assert lines[-2:] == [
        "- 19: is left out",
        "- and 2 more, all of them in a report whose name ends in .json",
    ]


def test_a_failure_that_ansible_was_told_not_to_show_is_one() -> None:
    assert merge_reports({"a": {"failed": False, "failed_when_result": False}})["failed"] == {}
    merged = merge_reports({"localhost": {"failed": False, "failed_when_result": False, "msg": "bids: no folder."}})
    assert summed_up(merged).splitlines() == [
        "bids: no folder.",
        "Run the same again when that is mended; what has arrived is not sent twice.",
    ]


def test_what_several_hosts_say_of_the_same_data_is_said_once() -> None:
    said = {"remarks": [{"about": "notes.txt", "reason": "does not match"}, {"about": "y", "reason": "is empty"}]}
    merged = merge_reports({"a": said, "b": {"remarks": said["remarks"][:1]}, "c": said})
    assert summed_up(merged).splitlines()[2:] == ["- notes.txt: does not match", "- y: is empty"]
    assert len(merged["remarks"]) == 5


@pytest.mark.parametrize(("path", "delimiter"), [("r.csv", ","), ("r.TSV", "\t")])
def test_a_table_has_one_row_per_file(path: str, delimiter: str) -> None:
    rows = list(csv.DictReader(io.StringIO(report_text(merge_reports(REPORTS), path)), delimiter=delimiter))
    assert [row["name"] for row in rows] == ["a.nii", "b.nii", "c.nii"]
    assert [row["reason"] for row in rows] == ["not there yet", "", 'said "no", twice']
    assert rows[0]["host"] == "a"


def test_json_has_everything() -> None:
    merged = merge_reports(REPORTS)
    assert json.loads(report_text(merged, "/x/report.json")) == merged


def test_another_suffix_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match=r"report: 'r\.xls' must end in \.csv, \.tsv or \.json"):
        report_text(merge_reports(REPORTS), "r.xls")


def test_paths_start_where_the_user_types() -> None:
    study = {
        "project": "p", "bids": "camcan", "biobank": ["bulk", "/data/bulk"], "manifest": "~/m.csv", "snapshots": True,
        "pattern": "{subject}/{scan}.nii.gz", "biobank_options": {"table": "people.tsv", "keep_zip": True},
    }  # fmt: skip
    assert full_paths(study, "/home/ana") == {
        **study,
        "bids": "/home/ana/camcan",
        "biobank": ["/home/ana/bulk", "/data/bulk"],
        "biobank_options": {"table": "/home/ana/people.tsv", "keep_zip": True},
    }
