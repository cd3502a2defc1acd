"""Fixtures of tests of failures; a test file asks for them with `pytest_plugins = ["fault_fixtures"]`.

`waits` (nothing is waited for), `wire` (every request of the modules), `study` (files of three subjects).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.module_utils.xnat import session as client_session
from fault_helpers import Study, Wire, recorded
from module_runner import Modules


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client would have waited, in order; it does not."""
    seconds: list[float] = []
    monkeypatch.setattr(client_session, "time", SimpleNamespace(sleep=seconds.append))
    return seconds


@pytest.fixture
def wire() -> Iterator[Wire]:
    with recorded() as wire:
        yield wire


@pytest.fixture
def study(project: str, tmp_path: Path, modules: Modules) -> Study:
    """Three subjects with two files each."""
    study = Study(tmp_path / "data", project, modules)
    for number, subject in enumerate(("S1", "S2", "S3")):
        study.write(subject, "a.bin", b"small %d" % number)
        study.write(subject, "b.bin", bytes([65 + number]) * 3000)
    return study
