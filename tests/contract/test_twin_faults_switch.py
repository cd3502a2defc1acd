"""Setting faults: the switch for administrators, the command line, and what they say to a wrong fault.

What each fault does is in test_twin_faults.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from xnat_twin.faults import Fault
from xnat_twin.testing import Session, XnatServer, program

SWITCH = "/practice/faults"

pytestmark = [
    pytest.mark.practice_xnat("makes the server fail on purpose"),
    pytest.mark.usefixtures("no_faults_left"),
]


# --- The switch ---


def test_switch_shows_what_is_left_and_forgets_all(api: Session) -> None:
    given = [{"status": 503, "times": 3, "skip": 1, "path": "/data/auth"}, {"drop": "after", "method": "POST"}]
    assert api.post(SWITCH, json=given).status_code == 200
    for _ in range(2):
        api.get("/data/auth")
    expected = [
        {"status": 503, "times": 2, "path": "/data/auth"},
        {"drop": "after", "times": 1, "method": "POST"},
    ]
    assert api.get(SWITCH).json() == {"faults": expected}
    assert api.delete(SWITCH).json() == {"faults": []}
    assert api.get("/data/auth").status_code == 200


def test_what_the_switch_shows_can_be_given_to_it_again(api: Session) -> None:
    every = [
        {"status": 503, "times": "always", "retry_after": "Wed, 21 Oct 2026 07:28:00 GMT", "carry_out": True},
        {"status": 429, "times": 1, "retry_after": "2"},
        {"latency": 1.5, "times": 1, "regex": "/a{1,2}$", "method": "PUT"},
        {"slow": 1000, "times": 2, "skip": 3},
        {"drop": "before", "times": 1},
        {"truncate": "half", "times": 1},
        {"expire_sessions": True, "times": 1},
        {"disk_full": 0, "times": 1},
        {"conflict": True, "times": 1},
    ]
    assert api.post(SWITCH, json=every).json() == {"faults": every}
    api.delete(SWITCH)
    assert api.post(SWITCH, json=every).json() == {"faults": every}


def test_switch_itself_never_fails(api: Session) -> None:
    given = [{"status": 500, "times": "always"}, {"drop": "before", "times": "always"}]
    assert api.post(SWITCH, json=given).status_code == 200
    assert api.get(SWITCH).status_code == 200
    assert api.delete(SWITCH).status_code == 200
    assert api.get("/data/auth").status_code == 200


def test_switch_is_for_administrators(xnat: XnatServer) -> None:
    stranger = xnat.session(*xnat.new_user())
    for method in ("GET", "POST", "DELETE"):
        assert stranger.request(method, SWITCH, json={"status": 500}).status_code == 403
        assert requests.request(method, xnat.url + SWITCH, json={"status": 500}).status_code == 401
    assert xnat.faults.waiting() == []


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("{", "not JSON"),
        ("7", "a fault is an object"),
        ("{}", "a fault has one of status, latency"),
        ('{"status": 500, "drop": "after"}', "found status and drop"),
        ('{"statsu": 500}', "unknown word 'statsu'"),
        ('{"status": 99}', "status is a whole number from 200 to 599, not 99"),
        ('{"status": true}', "status is a whole number"),
        ('{"status": "500"}', "status is a whole number"),
        ('{"latency": -1}', "latency is a number of seconds"),
        ('{"latency": 1e9}', "latency is a number of seconds"),
        ('{"slow": 0}', "slow is a whole number of at least 1"),
        ('{"drop": "sometimes"}', "before, during or after"),
        ('{"truncate": -1}', "truncate is a whole number of at least 0"),
        ('{"conflict": 2}', "conflict has no value but true"),
        ('{"status": 500, "times": 0}', "times is a whole number of at least 1"),
        ('{"status": 500, "skip": "2"}', "skip is a whole number"),
        ('{"status": 500, "path": 7}', "path is a text"),
        ('{"status": 500, "regex": "("}', "regex is not a regular expression"),
        ('{"status": 500, "carry_out": 1}', "carry_out is true or false"),
        ('{"drop": "before", "carry_out": true}', "nothing to carry out"),
        ('{"slow": 5, "carry_out": true}', "carry_out goes with"),
        ('{"status": 503, "retry_after": "soon"}', "retry_after is a number of seconds or an HTTP date"),
        ('{"status": 503, "retry_after": -1}', "retry_after is a number of seconds or an HTTP date"),
        ('{"drop": "after", "retry_after": 1}', "retry_after goes with status"),
        ('[{"status": 503}, {"status": 1}]', "Fault 2: status"),
    ],
)
def test_wrong_fault_is_400_with_the_reason_and_nothing_is_set(api: Session, given: str, reason: str) -> None:
    answer = api.post(SWITCH, data=given)
    assert (answer.status_code, reason in answer.text) == (400, True), answer.text
    assert api.get(SWITCH).json() == {"faults": []}


# --- The command line ---


def test_command_line_sets_faults_and_has_no_switch_unless_asked(tmp_path: Path) -> None:
    unavailable, broken = (
        "status=503,retry_after=2,path=/data/auth,times=1",
        '{"status": 500, "regex": "/pro{1,2}jects"}',
    )
    with program(tmp_path, "--fault", unavailable, "--fault", broken, password="admin") as api:
        answer = api.get("/data/auth")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert api.get("/data/auth").status_code == 200
        assert [api.get("/data/projects").status_code for _ in range(2)] == [500, 200]
        assert api.get(SWITCH).status_code == 404
        assert api.post(SWITCH, json={"status": 500}).status_code == 404
    with program(tmp_path, "--allow-faults", password="admin") as api:
        assert api.get(SWITCH).json() == {"faults": []}


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("status=503", Fault("status", 503)),
        ("latency=0.5,times=always", Fault("latency", 0.5, times=None)),
        ("drop=after,carry_out,method=put", Fault("drop", "after", method="PUT", carry_out=True)),
        ("truncate", Fault("truncate", "half")),
        ("truncate=10,path=1", Fault("truncate", 10, path="1")),
        ("conflict,skip=2", Fault("conflict", True, skip=2)),
        ('{"disk_full": true, "regex": "a,b"}', Fault("disk_full", 0, regex="a,b")),
    ],
)
def test_spec_of_the_command_line_is_the_fault_that_it_says(spec: str, fault: Fault) -> None:
    assert Fault.from_spec(spec) == fault


@pytest.mark.parametrize("spec", ["", "status", "status=503,", "status=503,status=500", "{", "status=x", "carry_out"])
def test_wrong_spec_ends_the_program_with_its_reason(spec: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "xnat_twin", "--fault", spec],
        env={**os.environ, "PYTHONPATH": "tests"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "argument --fault: " in done.stderr.splitlines()[-1]
