"""The clock is read from what chrony or systemd-timesyncd says."""

from __future__ import annotations

import pytest
from dpuk_munin import clock
from munin_protocol import Munin

TRACKING = (
    "A29FC87B,162.159.200.123,4,1733000000.000000000,{offset},0.000012,0.000034,-12.3,0.0,0.1,0.01,0.001,64.2,{leap}\n"
)


@pytest.mark.parametrize(
    ("status", "seconds"),
    [
        ("       Server: 192.0.2.1 (ntp.example)\n       Offset: +1.234ms\n        Delay: 20ms\n", 0.001234),
        ("       Offset: -310us\n", -0.00031),
        ("       Offset: +1min 2.5s\n", 62.5),
        ("       Offset: 0\n", None),
        ("       Server: n/a\n", None),
        ("", None),
    ],
)
def test_timesyncd(status: str, seconds: float | None) -> None:
    assert clock.of_timesyncd(status) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("tracking", "found"),
    [
        (TRACKING.format(offset="0.000250000", leap="Normal"), (1.0, 0.00025)),
        (TRACKING.format(offset="-0.000250000", leap="Insert second"), (1.0, -0.00025)),
        (TRACKING.format(offset="0.000000000", leap="Not synchronised"), (0.0, 0.0)),
        ("506 Cannot talk to daemon\n", (None, None)),
    ],
)
def test_chrony(tracking: str, found: tuple[float | None, float | None]) -> None:
    assert clock.of_chrony(tracking) == found


def test_chrony_is_asked_first_and_systemd_where_it_is_not(munin: Munin, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: dict[str, str] = {"timedatectl show": "no\n", "timedatectl timesync-status": " Offset: +2s\n"}
    monkeypatch.setattr(clock, "said_by", lambda *command: answers.get(" ".join(command[:2])))
    said = munin.values("clock")
    assert (said.value("synchronised", "clock"), said.value("offset", "clock_offset")) == ("0", "2")
    answers["chronyc -c"] = TRACKING.format(offset="0.5", leap="Normal")
    said = munin.values("clock")
    assert (said.value("synchronised", "clock"), said.value("offset", "clock_offset")) == ("1", "0.5")
    answers.clear()
    said = munin.values("clock")
    assert (said.value("synchronised", "clock"), said.value("offset", "clock_offset")) == ("U", "U")


def test_a_program_that_is_not_there_says_nothing() -> None:
    assert clock.said_by("no-such-program") is None
    assert clock.said_by("false") is None
