"""xnat_upload when the way to the server breaks: nothing is lost, doubled or reported as done that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.xnat import transfer
from fault_helpers import Study, Wire, finishes, held, rows_are_true, rows_by_action
from module_runner import ModuleFailedError, Modules
from xnat_twin.faults import Fault
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["module_fixtures", "fault_fixtures"]
pytestmark = [pytest.mark.practice_xnat("breaks on request"), pytest.mark.usefixtures("no_faults_left")]


@pytest.mark.parametrize("together", [True, False], ids=["in a zip", "alone"])
@pytest.mark.parametrize(
    ("when", "carry_out"), [("before", False), ("during", False), ("during", True), ("after", False), ("after", True)]
)
def test_connection_dropped_around_a_body(
    study: Study,
    xnat: XnatServer,
    api: Session,
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
    carry_out: bool,
    together: bool,
) -> None:
    if not together:
        monkeypatch.setattr(transfer, "ALONE", 1)
    xnat.faults.add(Fault.of(drop=when, method="PUT", path="/files/", skip=1, times=2, carry_out=carry_out))
    result = study.upload(workers=1)
    assert rows_by_action(result) == {"sent": set(study.contents())}
    rows_are_true(result, api, study)
    assert held(api, study) == study.contents()
    broken = [one for one in wire.puts() if not one.status]
    assert len(broken) == 2
    repeated = [one for one in wire.puts(broken[0].path) if one is not broken[0]]
    assert repeated or (when, carry_out) == ("after", True)
    for one in repeated:
        # The whole body once more, and never without overwrite: what the broken attempt left may be in no list.
        assert (one.bytes, one.query.get("overwrite")) == (broken[0].bytes, "true")
    assert wire.logins() == 1
    finishes(study, api, set())


@pytest.mark.parametrize("carry_out", [True, False], ids=["done", "not done"])
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_status_of_a_proxy_is_waited_out_as_it_asks(
    study: Study, xnat: XnatServer, api: Session, wire: Wire, waits: list[float], status: int, carry_out: bool
) -> None:
    for method, path in (("PUT", "/files/"), ("PUT", "/experiments/S2_MR1"), ("GET", "/files")):
        xnat.faults.add(Fault.of(status=status, method=method, path=path, retry_after=17, carry_out=carry_out))
    result = study.upload()
    assert rows_by_action(result) == {"sent": set(study.contents())}
    rows_are_true(result, api, study)
    assert held(api, study) == study.contents()
    assert len([one for one in wire.asked if one.status == status]) == 3
    # What was asked for, and a little more, different each time: workers shall not all come back at once.
    assert len(waits) == 3
    assert all(17 <= seconds <= 17.25 for seconds in waits)
    assert len(set(waits)) == 3
    finishes(study, api, set())


@pytest.mark.parametrize("retries", [0, 2])
def test_waits_grow_differ_and_end(
    study: Study, xnat: XnatServer, api: Session, wire: Wire, waits: list[float], retries: int
) -> None:
    xnat.faults.add(Fault.of(status=503, method="PUT", path="/experiments/S2_MR1", times="always"))
    with pytest.raises(ModuleFailedError, match="answered 503") as failed:
        study.upload(retries=retries)
    tried = [one for one in wire.asked if one.status == 503]
    # What is worth another attempt gets one more round at the end, when the server may have recovered.
    assert len(tried) == 2 * (retries + 1)
    assert len(waits) == 2 * retries
    for first in range(0, len(waits), max(retries, 1)):
        for number, seconds in enumerate(waits[first : first + retries]):
            assert 0.25 * 2**number <= seconds <= 0.5 * 2**number
    assert len(set(waits)) == len(waits)
    of_s2 = {("S2", "a.bin"), ("S2", "b.bin")}
    assert rows_by_action(failed.value.result) == {"sent": set(study.contents()) - of_s2, "failed": of_s2}
    rows_are_true(failed.value.result, api, study)
    xnat.faults.clear()
    finishes(study, api, of_s2)


@pytest.mark.parametrize("overwrite", ["different", "never", "fail", "always"])
@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("together", [True, False], ids=["in a zip", "alone"])
def test_catalog_collision_is_repaired(
    study: Study,
    xnat: XnatServer,
    api: Session,
    monkeypatch: pytest.MonkeyPatch,
    overwrite: str,
    retries: int,
    together: bool,
) -> None:
    if not together:
        monkeypatch.setattr(transfer, "ALONE", 1)
    xnat.faults.add(Fault.of(conflict=True, method="PUT", path="/files/", times=2))
    result = study.upload(overwrite=overwrite, retries=retries)
    assert rows_by_action(result) == {"sent": set(study.contents())}
    rows_are_true(result, api, study)
    assert held(api, study) == study.contents()
    finishes(study, api, set())


def test_session_that_ends_in_the_middle_is_renewed_once_for_all_workers(
    project: str, tmp_path: Path, modules: Modules, xnat: XnatServer, api: Session, wire: Wire
) -> None:
    study = Study(tmp_path / "data", project, modules)
    for number in range(12):
        study.write(f"S{number}", "a.bin", b"text %d" % number)
    xnat.faults.add(Fault.of(expire_sessions=True, method="PUT", path="/files/", skip=4))
    result = study.upload(workers=8)
    assert rows_by_action(result) == {"sent": set(study.contents())}
    refused = [one for one in wire.asked if one.status == 401]
    assert refused
    assert wire.logins() == 2
    finishes(study, xnat.session(), set())


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/files/"), ("PUT", "/subjects/S2/"), ("GET", "/files"), ("GET", "/subjects")]
)
def test_login_page_answered_as_200_is_no_answer(
    study: Study, api: Session, wire: Wire, method: str, path: str
) -> None:
    wire.page_at, wire.pages = (method, path), 1
    result = study.upload()
    assert rows_by_action(result) == {"sent": set(study.contents())}
    rows_are_true(result, api, study)
    assert wire.logins() == 2
    finishes(study, api, set())


@pytest.mark.parametrize(("method", "path"), [("PUT", "/files/"), ("GET", "/files")])
def test_login_page_that_stays_is_no_success(study: Study, api: Session, wire: Wire, method: str, path: str) -> None:
    wire.page_at, wire.pages = (method, path), 1000
    with pytest.raises(ModuleFailedError, match="web page") as failed:
        study.upload()
    there = set(held(api, study))
    assert rows_by_action(failed.value.result) == {"failed": set(study.contents())}
    wire.pages = 0
    finishes(study, api, set(study.contents()) - there)
