"""Signals as a wish to end: noticed once, passed on the second time, and no waiting for a server that is away."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest
import requests
from ansible.module_utils.xnat.errors import ConnectError, RequestError
from ansible.module_utils.xnat.session import Session
from ansible.module_utils.xnat.study import interrupts
from client_wire import LOGIN, Reply, Wire

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def passed_on() -> Iterator[list[int]]:
    """The signals that got through to whoever listened before."""
    numbers: list[int] = []
    before = {number: signal.signal(number, lambda number, _: numbers.append(number)) for number in _SIGNALS}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", _SIGNALS)
def test_the_first_is_told_and_the_second_passed_on(passed_on: list[int], number: signal.Signals) -> None:
    told: list[str] = []
    with interrupts.noticed(told.append):
        os.kill(os.getpid(), number)
        assert (told, passed_on) == ([number.name], [])
        os.kill(os.getpid(), number)
        assert (told, passed_on) == ([number.name], [number])
    os.kill(os.getpid(), number)
    assert (told, passed_on) == ([number.name], [number, number])


def test_in_another_thread_nothing_changes(passed_on: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def work() -> None:
        with interrupts.noticed(lambda _: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.parametrize("reply", [(503, "busy", {"Retry-After": "60"}), requests.ConnectionError("reset")])
def test_who_is_to_end_waits_for_no_server_and_asks_it_no_more(
    wire: Wire, connect: Callable[..., Session], reply: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.replies += [LOGIN, reply, reply, (200, "")]
    with connect(retries=9) as session:

        def pause(seconds: float) -> None:
            wire.pauses.append(seconds)
            session.end_soon()  # the signal comes during the first pause

        monkeypatch.setattr(session, "_sleep", pause)
        with pytest.raises((RequestError, ConnectError)):
            session.request("GET", "/data/projects", "look")
    assert len(wire.pauses) == 1
    assert len(wire.sent) == len(["login", "first", "second", "logout"])
