"""What is sent to give a project its token for UK Biobank, what is said when that fails, and what is remembered.

Against answers written here; the practice XNAT is asked in tests/contract/test_module_biobank_token.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.module_utils.xnat.administration import biobank_token
from ansible.module_utils.xnat.errors import InputError, RequestError, VerificationError
from ansible.module_utils.xnat.session import Session
from client_wire import LOGIN, Reply, Wire

PROJECT: Reply = (200, '{"items": []}')
NONE: Reply = (500, "<html><h3>missing biobank token</h3></html>")
SAVED: Reply = (200, "Saved")
DONE: Reply = (200, "SUCCESS")
KEY = "4321\n" + "987654321012345678901234"
ADDRESS = "/data/modules/biobank/projects/memory/token"

Connect = Callable[..., Session]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


def test_the_token_goes_as_a_file_and_is_looked_for_before_and_after(
    wire: Wire, connect: Connect, record: Path
) -> None:
    wire.replies = [LOGIN, PROJECT, NONE, DONE, SAVED]
    outcome = biobank_token.ensure(connect(), "memory", f"{KEY}\n", str(record), present=True)
    assert (outcome.changed, outcome.object) == (True, {"project": "memory", "present": True})
    assert wire.requests[2:] == [f"GET {ADDRESS}", f"POST {ADDRESS}", f"GET {ADDRESS}"]
    assert b'filename="ukb.key"' in wire.sent[3][2]
    assert KEY.encode() + b"\r\n--" in wire.sent[3][2], "as it is, without the line's end after it"
    assert list(json.loads(record.read_text())) == ["https://xnat.test memory"]


def test_a_project_that_no_address_can_hold_is_refused_before_anything_is_sent(
    wire: Wire, connect: Connect, record: Path
) -> None:
    with pytest.raises(InputError, match="project: 'a/b' contains '/'"):
        biobank_token.ensure(connect(), "a/b", "", str(record), present=False)
    assert wire.sent == []


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("Warning, incorrect key format.", "biobank.keyregex"),
        ("No space left on device", "its log"),
        ("", "its log"),
    ],
)
def test_the_form_of_the_token_is_blamed_where_it_is_to_blame(
    wire: Wire, connect: Connect, record: Path, said: str, advice: str
) -> None:
    wire.replies = [LOGIN, PROJECT, NONE, (500, said)]
    with pytest.raises(RequestError, match=advice) as failed:
        biobank_token.ensure(connect(), "memory", KEY, str(record), present=True)
    assert ("keyregex" in failed.value.message) is ("key format" in said)
    assert KEY[5:] not in failed.value.message
    assert not record.exists()


def test_another_error_is_not_taken_for_no_token(wire: Wire, connect: Connect, record: Path) -> None:
    wire.replies = [LOGIN, PROJECT, (500, "no connection to the database")]
    with pytest.raises(RequestError, match="no connection to the database"):
        biobank_token.ensure(connect(), "memory", KEY, str(record), present=True)


@pytest.mark.parametrize(
    ("before", "present", "after", "said"), [(NONE, True, NONE, "not there"), (SAVED, False, SAVED, "still there")]
)
def test_what_xnat_only_says_it_did_is_not_written_down(
    wire: Wire, connect: Connect, record: Path, before: Reply, present: bool, after: Reply, said: str
) -> None:
    wire.replies = [LOGIN, PROJECT, before, DONE, after]
    with pytest.raises(VerificationError, match=said):
        biobank_token.ensure(connect(), "memory", KEY, str(record), present=present)
    assert not record.exists()


def test_nothing_is_sent_that_could_not_be_written_down(wire: Wire, connect: Connect, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nosuch" / "tokens.json"):
        wire.replies = [LOGIN, PROJECT, NONE]
        with pytest.raises(InputError, match=r"record: .* cannot be written"):
            biobank_token.ensure(connect(), "memory", KEY, str(path), present=True)
    assert not any(request.startswith("POST /data/modules") for request in wire.requests)


def test_the_record_knows_servers_and_projects_apart(record: Path) -> None:
    kept = biobank_token.Record(str(record))
    kept.keep("https://a memory", KEY)
    kept.keep("https://b memory", KEY.replace("9", "8"))
    again = biobank_token.Record(str(record))
    assert again.has("https://a memory", KEY)
    assert not again.has("https://b memory", KEY)
    assert not again.has("https://a other", KEY)
    again.keep("https://a memory", None)
    assert list(json.loads(record.read_text())) == ["https://b memory"]
    assert [path.name for path in record.parent.iterdir()] == ["tokens.json"]
