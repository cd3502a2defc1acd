"""Fixtures for the client library: a session on a wire whose answers are written in the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.xnat.server import Server
from ansible.module_utils.xnat.session import Session
from client_wire import Wire


@pytest.fixture
def wire() -> Wire:
    """The answers to come; append to `wire.replies`."""
    return Wire()


@pytest.fixture
def connect(wire: Wire) -> Callable[..., Session]:
    """Make a session on the wire; keyword arguments go to Server, `check_mode` to Session."""

    def make(*, check_mode: bool = False, **settings: Any) -> Session:
        given = {"username": "ana", "password": "s3ntinel-pw", **settings}
        session = Session(
            Server("https://xnat.test", **given),
            check_mode=check_mode,
            sleep=wire.pauses.append,
        )
        session._http.mount("https://", wire)
        session._http.adapters.pop("https://xnat.test")
        return session

    return make
