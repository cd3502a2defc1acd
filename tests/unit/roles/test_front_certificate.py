"""The program that keeps the front door's certificate on the host: when it makes, takes, or keeps one."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from roles_tree import load_module

keeper = load_module("roles/nginx/files/dpuk_certificate.py")

NOW = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
NAMES = ["xnat.example.org", "192.0.2.12", "2001:db8::12"]


def pair(**changes: object) -> Any:
    """A self-signed pair for NAMES that has a year to go."""
    usual = keeper.Pair("text", NOW - DAY, NOW + 365 * DAY, frozenset(NAMES), self_signed=True, whole=True)
    return usual._replace(**changes)


def action(source: str, used: Any, offered: Any = None) -> str:
    """What is to be done."""
    configuration = {"source": source, "names": NAMES, "certificate": "/acme/full.pem", "key": "/acme/key.pem"}
    word: str = keeper.what_to_do(configuration, used, offered, NOW)[0]
    return word


@pytest.mark.parametrize(
    ("used", "wanted"),
    [
        (pair(), "keep"),
        (None, "make"),
        (pair(whole=False), "make"),
        (pair(self_signed=False), "make"),
        (pair(names=frozenset(["old.example.org"])), "make"),
        (pair(ends=NOW + 29 * DAY), "make"),
        (pair(ends=NOW + 31 * DAY), "keep"),
    ],
)
def test_a_self_signed_certificate_is_made_when_it_is_not_right(used: Any, wanted: str) -> None:
    assert action("self_signed", used) == wanted


THEIRS = pair(text="theirs", self_signed=False)


@pytest.mark.parametrize(
    ("used", "offered", "wanted"),
    [
        (None, None, "make"),  # so that nginx can start and the ACME client be answered
        (pair(), None, "keep"),
        (pair(), THEIRS, "take"),
        (THEIRS, THEIRS, "keep"),
        (THEIRS, THEIRS._replace(text="renewed"), "take"),
        (THEIRS, None, "keep"),  # the client's files are gone: the copy goes on
        (THEIRS, THEIRS._replace(text="renewed", whole=False), "keep"),
        (THEIRS, THEIRS._replace(text="renewed", ends=NOW - DAY), "keep"),
        (None, THEIRS._replace(ends=NOW - DAY), "make"),
    ],
)
def test_what_an_acme_client_left_is_taken_when_it_is_whole_and_valid(used: Any, offered: Any, wanted: str) -> None:
    assert action("host", used, offered) == wanted


@pytest.mark.parametrize("used", [None, pair(), pair(whole=False)])
def test_what_ansible_brings_is_left_alone(used: Any) -> None:
    assert action("files", used) == "keep"


def test_a_made_pair_is_what_was_asked_for_and_its_key_is_private(tmp_path: Path) -> None:
    keeper.make(NAMES, tmp_path)
    found = keeper.read_pair(tmp_path / "site.crt", tmp_path / "site.key")
    assert found is not None
    assert (found.whole, found.self_signed) == (True, True)
    assert found.names >= {"xnat.example.org", "192.0.2.12"}
    assert 390 < (found.ends - found.begins).days <= 398
    assert (tmp_path / "site.key").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site.crt", "site.key"]
    configuration = {"source": "self_signed", "names": NAMES, "certificate": "", "key": ""}
    assert keeper.what_to_do(configuration, found, None, datetime.datetime.now(datetime.UTC))[0] == "keep"


def test_two_halves_are_no_pair(tmp_path: Path) -> None:
    """A client that has replaced one of two files."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        keeper.make(NAMES, tmp_path / name)
    halves = keeper.read_pair(tmp_path / "new" / "site.crt", tmp_path / "old" / "site.key")
    assert halves is not None
    assert halves.whole is False
    assert keeper.read_pair(tmp_path / "absent", tmp_path / "old" / "site.key") is None
    (tmp_path / "rubbish").write_text("no certificate\n")
    assert keeper.read_pair(tmp_path / "rubbish", tmp_path / "old" / "site.key") is None


def test_an_acme_client_at_work_is_waited_for(tmp_path: Path) -> None:
    """A folder that is new and empty, or half of a pair; not a client that was never there, or has left nothing."""
    made = tmp_path.stat().st_mtime
    assert keeper.in_motion(None, tmp_path, made + 1)
    assert keeper.in_motion(THEIRS._replace(whole=False), tmp_path, made + 999)
    assert not keeper.in_motion(THEIRS, tmp_path, made + 1)
    assert not keeper.in_motion(None, tmp_path, made + keeper.SETTLE)
    assert not keeper.in_motion(None, tmp_path / "nowhere", made)
