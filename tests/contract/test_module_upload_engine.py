"""The engine of xnat_upload, as the server sees it: who writes when, what travels together, what a failure stops."""

from __future__ import annotations

import csv
import io
import threading
import zipfile
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.xnat import transfer
from fault_helpers import DAMAGES, Study, damaged, finishes, held, rows_by_action
from module_runner import ModuleFailedError, Modules
from traffic import Span, Traffic, awaited, meeting, watched
from xnat_twin.faults import Fault
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["module_fixtures", "fault_fixtures"]
pytestmark = [pytest.mark.practice_xnat("holds requests"), pytest.mark.usefixtures("no_faults_left")]


@pytest.fixture
def traffic() -> Iterator[Traffic]:
    with watched() as traffic:
        yield traffic


@pytest.fixture
def tree(project: str, tmp_path: Path, modules: Modules) -> Tree:
    return Tree(tmp_path / "data", project, modules)


class Tree:
    """Files as SUBJECT/SESSION/SCAN/NAME, one resource for each scan."""

    def __init__(self, root: Path, project: str, modules: Modules) -> None:
        self.root, self.project, self.modules = root, project, modules

    def write(self, place: str, data: bytes = b"some text") -> None:
        file = self.root / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def upload(self, **options: Any) -> dict[str, Any]:
        return self.modules.run(
            "upload",
            project=self.project,
            root=str(self.root),
            pattern="{subject}/{session}/{scan}/{name}",
            defaults={"scan_type": "T1", "resource": "NIFTI"},
            **options,
        )


def overlapping(spans: list[Span]) -> list[tuple[Span, Span]]:
    return [pair for pair in combinations(spans, 2) if pair[0].overlaps(pair[1])]


# -- who writes when --------------------------------------------------------------------------------------------------


def test_one_writer_per_resource_and_different_resources_at_once(
    tree: Tree, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "FILES_IN_ZIP", 2)
    for scan in range(1, 5):
        for number in range(6):
            tree.write(f"S1/E1/{scan}/{number}.bin")
    traffic.before = meeting(4, lambda span: span.sends_file)
    result = tree.upload(workers=8)
    assert result["totals"]["sent"] == 24
    sent = traffic.files()
    assert len(sent) == 4 * 3
    together = overlapping(sent)
    assert together
    assert [pair for pair in together if pair[0].resource == pair[1].resource] == []


@pytest.mark.parametrize("workers", [1, 2, 8, 16])
def test_as_many_requests_at_once_as_there_are_workers_on_as_many_connections(
    tree: Tree, traffic: Traffic, workers: int
) -> None:
    for scan in range(1, 33):
        tree.write(f"S1/E1/{scan}/a.bin")
    traffic.before = meeting(workers, lambda span: span.sends_file)
    assert tree.upload(workers=workers)["totals"]["sent"] == 32
    assert traffic.most_at_once() == workers
    # Kept alive: 32 files, a document, four lists, login and logout.
    assert len(traffic.spans) > 32
    assert traffic.connections() <= workers


def test_first_document_of_a_subject_goes_alone_and_other_subjects_beside_it(tree: Tree, traffic: Traffic) -> None:
    for subject in ("A", "B"):
        for session in range(5):
            tree.write(f"{subject}/{subject}{session}/1/a.bin")
    # The first two meet; then the other four of both, for then each subject is there.
    traffic.before = meeting(2, lambda span: span.writes_object)
    tree.upload(workers=8)
    documents = traffic.documents()
    assert len(documents) == 10
    first = {subject: next(span for span in documents if span.subject == subject) for subject in ("A", "B")}
    assert first["A"].overlaps(first["B"])
    for span in documents:
        assert span is first[span.subject] or span.begin > first[span.subject].end
    of_one = [pair for pair in overlapping(documents) if pair[0].subject == pair[1].subject]
    assert of_one


def test_files_wait_for_the_document_of_their_own_session_only(tree: Tree, traffic: Traffic) -> None:
    tree.write("A/E1/1/large.bin", b"x" * 1000)
    tree.write("B/E2/1/small.bin")
    sending = threading.Event()

    def hold(span: Span) -> None:
        if span.name == "small.bin":
            sending.set()
        if span.writes_object and span.subject == "A":
            awaited(sending)

    traffic.before = hold
    tree.upload(workers=8)
    document = next(span for span in traffic.documents() if span.subject == "A")
    sent = {span.name: span for span in traffic.files()}
    assert sent["small.bin"].overlaps(document)
    assert sent["large.bin"].begin > document.end


@pytest.mark.parametrize("workers", [-1, 0, 17, 1000])
def test_workers_out_of_bounds_are_refused_before_anything_is_sent(tree: Tree, traffic: Traffic, workers: int) -> None:
    tree.write("A/E1/1/a.bin")
    with pytest.raises(ModuleFailedError, match=f"workers: {workers} is not between 1 and 16"):
        tree.upload(workers=workers)
    assert traffic.spans == []


# -- what travels together --------------------------------------------------------------------------------------------


def test_bounds_of_a_zip() -> None:
    assert (transfer.FILES_IN_ZIP, transfer.BYTES_IN_ZIP) == (500, 64 * 1024 * 1024)
    assert transfer.ALONE < transfer.BYTES_IN_ZIP


def test_many_small_files_travel_in_stored_zips_of_at_most_500(tree: Tree, traffic: Traffic) -> None:
    contents = {f"{number:04}.txt": b"%d" % number * 9 for number in range(1, 1003)}
    for name, data in contents.items():
        tree.write(f"S1/E1/1/{name}", data)
    traffic.keep_bodies = True
    assert tree.upload()["totals"]["sent"] == 1002
    zips = traffic.files()
    assert len(zips) == 3
    arrived: dict[str, bytes] = {}
    for span in zips:
        assert span.query["extract"] == "true"
        assert int(span.headers["length"]) == len(span.body)
        with zipfile.ZipFile(io.BytesIO(span.body)) as archive:
            assert len(archive.infolist()) <= 500
            assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
            arrived.update({name: archive.read(name) for name in archive.namelist()})
    assert arrived == contents


def test_a_zip_is_bounded_in_bytes_and_a_big_file_goes_alone(
    tree: Tree, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "BYTES_IN_ZIP", 10_000)
    monkeypatch.setattr(transfer, "ALONE", 8_000)
    for number in range(7):
        tree.write(f"S1/E1/1/{number}.bin", bytes([number]) * 3000)
    tree.write("S1/E1/1/big.bin", b"b" * 8000)
    traffic.keep_bodies = True
    tree.upload()
    alone = [span for span in traffic.files() if "extract" not in span.query]
    together = [span for span in traffic.files() if "extract" in span.query]
    names = [zipfile.ZipFile(io.BytesIO(span.body)).namelist() for span in together]
    # Seven of 3000 bytes: three and three, and the last one with nobody left to go with.
    assert names == [[f"{number}.bin" for number in part] for part in (range(3), range(3, 6))]
    assert [span.name for span in alone] == ["big.bin", "6.bin"]
    assert [span.body for span in alone if span.name == "big.bin"] == [b"b" * 8000]


# -- what a failure stops ---------------------------------------------------------------------------------------------


def test_what_needs_a_failed_document_is_not_tried_and_says_why(
    study: Study, xnat: XnatServer, api: Session, traffic: Traffic
) -> None:
    xnat.faults.add(Fault.of(status=403, method="PUT", path="/experiments/S2_MR1", times="always"))
    with pytest.raises(ModuleFailedError, match="S2_MR1") as failed:
        study.upload()
    of_s2 = {("S2", "a.bin"), ("S2", "b.bin")}
    assert rows_by_action(failed.value.result) == {"failed": of_s2, "sent": set(study.contents()) - of_s2}
    reasons = [row["reason"] for row in failed.value.result["files"] if row["action"] == "failed"]
    assert all("could not be written" in reason and "403" in reason for reason in reasons)
    assert len(traffic.files()) == 2
    # What is refused is not tried a second time.
    assert len([span for span in traffic.documents() if span.subject == "S2"]) == 1
    xnat.faults.clear()
    finishes(study, api, of_s2)


def test_a_resource_that_fails_stops_no_other(tree: Tree, xnat: XnatServer, traffic: Traffic) -> None:
    for subject in ("A", "B", "C"):
        tree.write(f"{subject}/{subject}1/1/{subject}.bin", b"x" * ord(subject))
    # The largest, so the first.
    xnat.faults.add(Fault.of(status=400, method="PUT", path="/files/C.bin", times="always"))
    with pytest.raises(ModuleFailedError, match="400") as failed:
        tree.upload(workers=1)
    assert {row["name"]: row["action"] for row in failed.value.result["files"]} == {
        "A.bin": "sent",
        "B.bin": "sent",
        "C.bin": "failed",
    }
    assert [span.name for span in traffic.files()] == ["C.bin", "B.bin", "A.bin"]


@pytest.mark.parametrize("most", [1, 2])
def test_after_max_failures_nothing_more_is_begun(
    tree: Tree, xnat: XnatServer, traffic: Traffic, tmp_path: Path, most: int
) -> None:
    for scan in range(1, 7):
        tree.write(f"S1/E1/{scan}/a.bin", b"x" * scan)
    xnat.faults.add(Fault.of(status=400, method="PUT", path="/files/", times="always"))
    report = tmp_path / "report.csv"
    with pytest.raises(ModuleFailedError, match="as many as max_failures allows") as failed:
        tree.upload(workers=1, max_failures=most, report=str(report))
    assert len(traffic.files()) == most
    rows = list(csv.DictReader(report.open()))
    assert [row["action"] for row in rows] == ["failed"] * 6
    assert failed.value.result["totals"]["failed"] == 6
    # The largest were tried first.
    assert [row["scan"] for row in rows if "not begun" in row["reason"]] == [str(scan) for scan in range(1, 7 - most)]


def test_what_may_succeed_later_is_tried_once_more_at_the_end(tree: Tree, xnat: XnatServer, traffic: Traffic) -> None:
    for subject in ("A", "B", "C"):
        tree.write(f"{subject}/{subject}1/1/{subject}.bin", b"x" * ord(subject))
    xnat.faults.add(Fault.of(status=503, method="PUT", path="/files/C.bin"))
    xnat.faults.add(Fault.of(status=503, method="PUT", path="/experiments/B1"))
    result = tree.upload(workers=1, retries=0)
    assert {row["action"] for row in result["files"]} == {"sent"}
    written = [span.name or span.subject for span in traffic.spans if span.method == "PUT"]
    assert written == ["C", "B", "A", "C.bin", "A.bin", *["B", "C.bin", "B.bin"]]


# -- deletions --------------------------------------------------------------------------------------------------------


def changed_study(study: Study) -> set[tuple[str, str]]:
    """Upload, then change what is here: a file gone, one new, one other, a new subject. Return what is gone."""
    study.upload()
    (study.root / "S1" / "b.bin").unlink()
    study.write("S2", "a.bin", b"other content")
    study.write("S3", "c.bin", b"new")
    study.write("S4", "a.bin", b"new subject")
    return {("S1", "b.bin")}


def test_deletions_come_after_every_write_and_the_proof(study: Study, api: Session, traffic: Traffic) -> None:
    gone = changed_study(study)
    traffic.spans.clear()
    result = study.upload(mirror=True)
    assert rows_by_action(result)["removed"] == gone
    deletions = [span for span in traffic.spans if span.method == "DELETE" and "/files/" in span.path]
    assert len(deletions) == 1
    writes = [span for span in traffic.spans if span.method == "PUT"]
    assert len(writes) == 4
    assert all(span.end < deletions[0].begin for span in writes)
    proofs = [span for span in traffic.spans if span.method == "GET" and span.begin > max(one.end for one in writes)]
    assert any(span.end < deletions[0].begin and span.path.endswith("/files") for span in proofs)
    assert held(api, study) == study.contents()


@pytest.mark.parametrize("broken", ["document", "file", "arrival", "proof"])
def test_nothing_is_deleted_after_any_error(
    study: Study, xnat: XnatServer, api: Session, traffic: Traffic, broken: str
) -> None:
    gone = changed_study(study)
    traffic.spans.clear()
    faults = {
        "document": Fault.of(status=403, method="PUT", path="/experiments/S4_MR1", times="always"),
        "file": Fault.of(status=400, method="PUT", path="/files/c.bin", times="always"),
        # The lists of all files: the first is of what is there, the next is the proof.
        "proof": Fault.of(truncate=60, method="GET", regex="/experiments/[^/]*/files$", skip=1, times="always"),
    }
    if broken in faults:
        xnat.faults.add(faults[broken])
    with (
        damaged("c.bin", DAMAGES["corrupt"], times=1000 if broken == "arrival" else 0),
        pytest.raises(ModuleFailedError) as failed,
    ):
        study.upload(mirror=True)
    actions = rows_by_action(failed.value.result)
    assert "removed" not in actions
    assert gone < actions["failed"]
    reason = next(row["reason"] for row in failed.value.result["files"] if (row["subject"], row["name"]) in gone)
    assert "not deleted, because something else failed" in reason
    assert [span for span in traffic.spans if span.method == "DELETE" and "/files/" in span.path] == []
    assert gone < set(held(api, study))
    xnat.faults.clear()
    study.upload(mirror=True)
    assert held(api, study) == study.contents()


def test_deletion_takes_no_file_along_whose_name_begins_the_same(study: Study, api: Session) -> None:
    for name in ("run", "run.txt", "run.txt.bak", "run.txt.bak2", "runner/run"):
        if name != "run":
            study.write("S1", name.replace("/", "_"), name.encode())
    study.write("S1", "run", b"the shortest")
    study.upload()
    for name in ("run", "run.txt.bak"):
        (study.root / "S1" / name).unlink()
    result = study.upload(mirror=True)
    assert rows_by_action(result)["removed"] == {("S1", "run"), ("S1", "run.txt.bak")}
    assert held(api, study) == study.contents()
    assert study.upload(mirror=True)["changed"] is False


def test_first_failed_deletion_is_the_last(tree: Tree, xnat: XnatServer, traffic: Traffic) -> None:
    for subject in ("A", "B", "C"):
        tree.write(f"{subject}/{subject}1/1/kept.bin")
        tree.write(f"{subject}/{subject}1/1/{subject}.bin")
    tree.upload()
    for subject in ("A", "B", "C"):
        (tree.root / f"{subject}/{subject}1/1/{subject}.bin").unlink()
    traffic.spans.clear()
    xnat.faults.add(Fault.of(status=403, method="DELETE", path="/files/B.bin"))
    with pytest.raises(ModuleFailedError, match="may not delete") as failed:
        tree.upload(mirror=True)
    actions = {row["name"]: row["action"] for row in failed.value.result["files"] if row["name"] != "kept.bin"}
    assert actions == {"A.bin": "removed", "B.bin": "failed", "C.bin": "failed"}
    assert [span.name for span in traffic.spans if span.method == "DELETE" and span.name] == ["A.bin", "B.bin"]
    result = tree.upload(mirror=True)
    assert {row["name"] for row in result["files"] if row["action"] == "removed"} == {"B.bin", "C.bin"}
    assert tree.upload(mirror=True)["changed"] is False
