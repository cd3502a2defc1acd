"""xnat_upload that is killed at any moment, or asked to end: the same command finishes the job, nothing is twice."""

from __future__ import annotations

import csv
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_helpers import Study, held, rows_are_true, rows_by_action
from killing import Moment, run
from traffic import Span, Traffic, watched
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["module_fixtures", "fault_fixtures"]
pytestmark = pytest.mark.practice_xnat("kills who asks")

# With one worker, the order of requests is always the same.
ONE_WORKER = {"workers": 1}


def options(study: Study, **more: Any) -> dict[str, Any]:
    return {
        "project": study.project,
        "root": str(study.root),
        "pattern": "{subject}/{name}",
        "defaults": {"session": "{subject}_MR1", "scan": "1", "scan_type": "T1", "resource": "NIFTI"},
        "mirror": True,
        **more,
    }


@pytest.fixture
def traffic() -> Iterator[Traffic]:
    with watched() as traffic:
        yield traffic


@pytest.fixture
def changed(study: Study) -> Study:
    """Three subjects that are there, and since then: files gone, other, new; and a new subject."""
    study.upload()
    (study.root / "S1" / "a.bin").unlink()
    (study.root / "S1" / "b.bin").unlink()
    study.write("S1", "kept.bin", b"so that the resource is still in the study")
    study.write("S2", "a.bin", b"other content")
    study.write("S2", "b.bin", b"q" * 3000)
    study.write("S3", "large.bin", bytes(range(256)) * 10_000)
    study.write("S4", "a.bin", b"a new subject")
    study.write("S4", "b.bin", b"new" * 999)
    return study


def finishes_as_planned(study: Study, api: Session, **more: Any) -> None:
    """The same command makes everything as it is here, byte for byte; once more, and nothing is left to do."""
    result = study.upload(mirror=True, **more)
    assert "failed" not in rows_by_action(result)
    assert held(api, study) == study.contents()
    rows_are_true(result, api, study)
    again = study.upload(mirror=True, **more)
    assert again["changed"] is False
    assert rows_by_action(again) == {"same": set(study.contents())}
    assert held(api, study) == study.contents()


MOMENTS = [
    Moment("POST", "/data/JSESSION", "after"),
    Moment("GET", "/files", "after"),
    *(Moment("PUT", "/subjects/S4/experiments/S4_MR1", when) for when in ("begin", "middle", "after")),
    *(Moment("PUT", "/files/large.bin", when) for when in ("middle", "after")),
    *(Moment("PUT", "/files/upload.zip", when) for when in ("middle", "after")),
    Moment("PUT", "/files/upload.zip", "middle", 2),
    Moment("PUT", "/files/kept.bin", "after"),
    Moment("GET", "/files", "begin", 2),
    *(Moment("DELETE", "/files/", when) for when in ("begin", "after")),
    Moment("DELETE", "/files/", "after", 2),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_killed_the_same_command_finishes(changed: Study, api: Session, tmp_path: Path, moment: Moment) -> None:
    ended = run(changed.modules, options(changed, **ONE_WORKER), tmp_path, moment, signal.SIGKILL)
    assert (ended.status, ended.printed) == (-signal.SIGKILL, "")
    finishes_as_planned(changed, api, **ONE_WORKER)


@pytest.mark.parametrize(("when", "number"), [("after", 2), ("begin", 7), ("middle", 7), ("after", 10)])
def test_killed_with_eight_workers(
    study: Study, api: Session, xnat: XnatServer, tmp_path: Path, when: str, number: int
) -> None:
    """Into an empty project, while several documents and files are under way."""
    for subject in ("S4", "S5", "S6"):
        study.write(subject, "a.bin", subject.encode() * 500)
    moment = Moment("PUT", "/data/", when, number)
    ended = run(study.modules, options(study, workers=8), tmp_path, moment, signal.SIGKILL)
    assert ended.status == -signal.SIGKILL
    finishes_as_planned(study, api, workers=8)


def test_what_is_made_while_it_looks_is_no_contradiction(study: Study, api: Session, traffic: Traffic) -> None:
    """As by the last request of a run that was killed, which the server carries out when nobody waits for it."""
    made = threading.Event()

    def make(span: Span) -> None:
        if span.method == "GET" and span.path.endswith("/experiments") and not made.is_set():
            made.set()
            path = f"/data/projects/{study.project}/subjects/S1/experiments/S1_MR1"
            api.put(path, params={"xsiType": "xnat:mrSessionData"}).raise_for_status()

    traffic.before = make
    assert rows_by_action(study.upload(mirror=True)) == {"sent": set(study.contents())}
    assert made.is_set()
    finishes_as_planned(study, api)


def test_killed_again_and_again_it_gets_there(changed: Study, api: Session, tmp_path: Path) -> None:
    for number in (1, 2):
        moment = Moment("PUT", "/data/", "after", number)
        assert run(changed.modules, options(changed, **ONE_WORKER), tmp_path, moment, signal.SIGKILL).status < 0
    finishes_as_planned(changed, api, **ONE_WORKER)


# -- asked to end -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sign", "when"), [(signal.SIGTERM, "begin"), (signal.SIGINT, "middle"), (signal.SIGTERM, "after")]
)
def test_asked_to_end_it_says_what_was_not_done(
    study: Study, api: Session, tmp_path: Path, sign: signal.Signals, when: str
) -> None:
    for number in range(4, 12):
        study.write(f"S{number}", "a.bin", b"text %d" % number)
    report = tmp_path / "report.csv"
    moment = Moment("PUT", "/files/", when, 3)
    ended = run(study.modules, options(study, report=str(report), **ONE_WORKER), tmp_path, moment, sign)
    assert ended.status == 1
    result = ended.result
    assert result["failed"] is True
    assert f"Interrupted by {sign.name}" in result["msg"]
    actions = rows_by_action(result)
    assert set(actions) == {"sent", "failed"} or set(actions) == {"failed"}
    rows = list(csv.DictReader(report.open()))
    assert [(row["subject"], row["name"], row["action"], row["reason"]) for row in rows] == [
        (row["subject"], row["name"], row["action"], row["reason"]) for row in result["files"]
    ]
    assert {(row["subject"], row["name"]) for row in rows} == set(study.contents())
    reasons = {row["reason"] for row in rows if row["action"] == "failed"}
    assert any(reason.startswith("not begun: Interrupted by") for reason in reasons)
    assert all("Interrupted by" in reason or "when the signal came" in reason for reason in reasons)
    assert set(held(api, study)) < set(study.contents())
    finishes_as_planned(study, api, **ONE_WORKER)


def test_asked_to_end_a_large_file_is_broken_off(changed: Study, api: Session, tmp_path: Path) -> None:
    # Larger than what may wait in sockets: half of it has not left when the signal comes.
    changed.write("S3", "large.bin", bytes(range(256)) * 100_000)
    moment = Moment("PUT", "/files/large.bin", "middle")
    ended = run(changed.modules, options(changed, **ONE_WORKER), tmp_path, moment, signal.SIGTERM)
    assert ended.status == 1
    row = next(row for row in ended.result["files"] if row["name"] == "large.bin")
    assert (row["action"], row["reason"]) == ("failed", "was being sent when the signal came")
    finishes_as_planned(changed, api, **ONE_WORKER)


def test_asked_to_end_while_it_deletes_it_deletes_no_more(study: Study, api: Session, tmp_path: Path) -> None:
    for subject in ("S1", "S2", "S3"):
        study.write(subject, "kept.bin", b"kept")
    study.upload()
    for subject in ("S1", "S2", "S3"):
        (study.root / subject / "a.bin").unlink()
    ended = run(
        study.modules, options(study, **ONE_WORKER), tmp_path, Moment("DELETE", "/files/", "after"), signal.SIGTERM
    )
    assert ended.status == 1
    actions = rows_by_action(ended.result)
    assert actions["removed"] == {("S1", "a.bin")}
    assert actions["failed"] == {("S2", "a.bin"), ("S3", "a.bin")}
    assert set(held(api, study)) == set(study.contents()) | actions["failed"]
    finishes_as_planned(study, api, **ONE_WORKER)
