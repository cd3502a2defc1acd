"""xnat_upload when the server holds or says something else than it should: nothing wrong counts as present."""

from __future__ import annotations

import pytest
from ansible.module_utils.xnat import transfer
from fault_helpers import DAMAGES, Study, Wire, damaged, finishes, held, rows_are_true, rows_by_action
from module_runner import ModuleFailedError
from xnat_twin.faults import Fault
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["module_fixtures", "fault_fixtures"]
pytestmark = [pytest.mark.practice_xnat("breaks on request"), pytest.mark.usefixtures("no_faults_left")]

OF_S2 = {("S2", "a.bin"), ("S2", "b.bin")}


# -- lists that are cut off -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/subjects", "/experiments", "/files"])
@pytest.mark.parametrize("arriving", [0, 40, "half", 100000])
def test_list_that_is_cut_off_is_asked_for_again(
    study: Study, xnat: XnatServer, api: Session, wire: Wire, path: str, arriving: int | str
) -> None:
    study.upload()
    wire.asked.clear()
    xnat.faults.add(Fault.of(truncate=arriving, method="GET", path=path))
    again = study.upload(mirror=True)
    assert again["changed"] is False
    assert rows_by_action(again) == {"same": set(study.contents())}
    assert [one for one in wire.asked if one.method in {"PUT", "DELETE"} and one.path != "/data/JSESSION"] == []
    assert xnat.faults.waiting() == []
    finishes(study, api, set())


@pytest.mark.parametrize("path", ["/subjects", "/experiments", "/files"])
def test_list_that_is_always_cut_off_is_no_empty_list(
    study: Study, xnat: XnatServer, api: Session, wire: Wire, path: str
) -> None:
    study.upload()
    (study.root / "S1" / "a.bin").unlink()
    study.write("S2", "a.bin", b"other")
    there = held(api, study)
    wire.asked.clear()
    xnat.faults.add(Fault.of(truncate=60, method="GET", path=path, times="always"))
    with pytest.raises(ModuleFailedError, match="broke in the middle"):
        study.upload(mirror=True)
    assert not wire.puts()
    assert not wire.deletions()
    xnat.faults.clear()
    assert held(api, study) == there


def test_proof_that_cannot_be_read_is_no_proof(study: Study, xnat: XnatServer, api: Session) -> None:
    study.upload()
    study.write("S1", "new.txt", b"new")
    study.write("S2", "a.bin", b"other")
    # The first list says what is there, the second shows that the account may write; the proof is the third.
    xnat.faults.add(Fault.of(truncate=60, method="GET", path="/files", skip=2, times="always"))
    with pytest.raises(ModuleFailedError, match="whether it is there could not be read") as failed:
        study.upload()
    assert rows_by_action(failed.value.result)["failed"] == {("S1", "new.txt"), ("S2", "a.bin")}
    rows_are_true_but_unproven = failed.value.result["totals"]
    assert (rows_are_true_but_unproven["same"], rows_are_true_but_unproven["sent"]) == (5, 0)
    xnat.faults.clear()
    finishes(study, api, set())


# -- files that arrive damaged, and files that were so before ---------------------------------------------------------


@pytest.mark.parametrize("damage", [*DAMAGES, "uncatalogued"])
@pytest.mark.parametrize("together", [True, False], ids=["in a zip", "alone"])
def test_file_that_arrives_damaged_is_mended_in_the_run(
    study: Study, api: Session, wire: Wire, monkeypatch: pytest.MonkeyPatch, damage: str, together: bool
) -> None:
    if not together:
        monkeypatch.setattr(transfer, "ALONE", 1)
    with damaged("b.bin", DAMAGES.get(damage, lambda data: data), catalogued=damage != "uncatalogued"):
        result = study.upload()
    assert rows_by_action(result) == {"sent": set(study.contents())}
    rows_are_true(result, api, study)
    assert held(api, study) == study.contents()
    assert len([one for one in wire.puts() if one.query.get("overwrite") == "true"]) == 1
    finishes(study, api, set())


@pytest.mark.parametrize("damage", ["short", "corrupt", "dropped"])
def test_damage_to_the_first_file_that_shows_the_right_to_write(study: Study, api: Session, damage: str) -> None:
    """Where no document is sent, a file alone shows that this account may write; it may arrive damaged as any other."""
    study.upload()
    study.write("S2", "a.bin", b"sent first, since it is the smallest"[:9])
    study.write("S2", "c.bin", b"c" * 3000)
    with damaged("a.bin", DAMAGES[damage]):
        result = study.upload()
    assert rows_by_action(result)["replaced"] == {("S2", "a.bin")}
    assert rows_by_action(result)["sent"] == {("S2", "c.bin")}
    rows_are_true(result, api, study)
    finishes(study, api, set())


@pytest.mark.parametrize("damage", DAMAGES)
def test_file_that_always_arrives_damaged_is_a_failure(study: Study, api: Session, damage: str) -> None:
    with damaged("b.bin", DAMAGES[damage], times=1000), pytest.raises(ModuleFailedError) as failed:
        study.upload()
    bad = {(subject, "b.bin") for subject in ("S1", "S2", "S3")}
    assert rows_by_action(failed.value.result) == {"failed": bad, "sent": set(study.contents()) - bad}
    rows_are_true(failed.value.result, api, study)
    finishes(study, api, bad)


@pytest.mark.parametrize("overwrite", ["different", "never", "fail", "always"])
def test_file_that_an_earlier_client_left_in_no_list_is_mended(
    study: Study, xnat: XnatServer, api: Session, overwrite: str
) -> None:
    """XNAT answers 200 with `duplicates` and would hide the file for ever."""
    study.upload()
    xnat.faults.conflict_once()
    path = f"{study.resource('S2')}/files/c.bin"
    assert api.put(path, params={"inbody": "true"}, data=b"left").status_code == 500
    study.write("S2", "c.bin", b"right")
    result = study.upload(overwrite=overwrite)
    assert rows_by_action(result)["sent"] == {("S2", "c.bin")}
    rows_are_true(result, api, study)
    assert held(api, study) == study.contents()


@pytest.mark.parametrize("room", [0, 4500])
@pytest.mark.parametrize("together", [True, False], ids=["in a zip", "alone"])
def test_full_disk_is_told_and_the_next_run_finishes(
    study: Study, xnat: XnatServer, api: Session, monkeypatch: pytest.MonkeyPatch, room: int, together: bool
) -> None:
    if not together:
        monkeypatch.setattr(transfer, "ALONE", 1)
    with xnat.faults.disk_full_after(room), pytest.raises(ModuleFailedError, match=r"disk is full|full disk") as failed:
        study.upload(workers=1)
    result = failed.value.result
    rows_are_true(result, api, study)
    missing = rows_by_action(result)["failed"]
    assert (missing == set(study.contents())) is (room == 0)
    finishes(study, api, missing)


# -- servers without digests ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["download", "refresh", "size", "fail"])
def test_server_that_computes_no_digests(study: Study, xnat: XnatServer, api: Session, wire: Wire, policy: str) -> None:
    everything = set(study.contents())
    with xnat.settings(checksums=False):
        if policy == "fail":
            with pytest.raises(ModuleFailedError, match="XNAT lists no MD5, and digest_policy is 'fail'") as failed:
                study.upload(digest_policy=policy)
            assert rows_by_action(failed.value.result) == {"failed": everything}
            assert len(wire.puts()) == 3
            with pytest.raises(ModuleFailedError, match=r"lists no MD5 for .*, and digest_policy is 'fail'"):
                study.upload(digest_policy=policy)
        else:
            result = study.upload(digest_policy=policy)
            assert rows_by_action(result) == {"sent": everything}
            rows_are_true(result, api, study)
            by_size = {row["name"] for row in result["files"] if "compared by size only" in row["reason"]}
            assert by_size == ({"a.bin", "b.bin"} if policy == "size" else set())
            wire.asked.clear()
            assert study.upload(digest_policy=policy)["changed"] is False
            downloads = [one for one in wire.asked if one.method == "GET" and "/files/" in one.path]
            assert len(downloads) == (6 if policy == "download" else 0)
            # Of the same size: without a digest only the bytes can tell.
            study.write("S2", "b.bin", b"Z" * 3000)
            changed = study.upload(digest_policy=policy)
            assert rows_by_action(changed).get("replaced", set()) == (set() if policy == "size" else {("S2", "b.bin")})
        assert len(wire.puts()) == len({one.path for one in wire.puts()})
    assert (held(api, study) == study.contents()) is (policy != "size")


@pytest.mark.parametrize("policy", ["download", "refresh", "size", "fail"])
@pytest.mark.parametrize("size", [3000, 2999])
def test_digests_that_are_out_of_date_condemn_no_file(
    study: Study, xnat: XnatServer, api: Session, wire: Wire, policy: str, size: int
) -> None:
    """Without checksums, XNAT goes on listing the MD5 of what a file held while it still had them."""
    study.upload()
    study.write("S2", "b.bin", b"Z" * size)
    wire.asked.clear()
    with xnat.settings(checksums=False):
        result = study.upload(digest_policy=policy)
        assert rows_by_action(result)["replaced"] == {("S2", "b.bin")}
        assert len(wire.puts()) == 1
        again = study.upload(digest_policy=policy)
        assert again["changed"] is False
    assert held(api, study) == study.contents()


def test_file_that_was_damaged_on_a_disk_without_digests_is_mended(
    study: Study, xnat: XnatServer, api: Session
) -> None:
    """With digests, XNAT lists what it knew when the file came; what the disk did to it since only a download tells."""
    with xnat.settings(checksums=False):
        study.upload()
        short, gone, corrupt = (path for path in xnat.archive.rglob("b.bin") if study.project in path.parts)
        short.write_bytes(b"short")
        gone.unlink()
        corrupt.write_bytes(b"?" * 3000)
        finishes(study, api, {(subject, "b.bin") for subject in ("S1", "S2", "S3")})


def test_each_reason_of_a_failure_is_told_once_and_as_a_sentence(study: Study, xnat: XnatServer) -> None:
    xnat.faults.add(Fault.of(status=403, method="PUT", path="/experiments/S2_MR1", times="always"))
    with pytest.raises(ModuleFailedError) as failed:
        study.upload()
    # Not for each of the files that were not tried because of it.
    assert str(failed.value).count("answered 403") == 1
    xnat.faults.clear()
    with xnat.settings(checksums=False), pytest.raises(ModuleFailedError) as failed:
        study.upload(digest_policy="fail")
    assert "digest_policy is 'fail'. What has arrived" in str(failed.value)
