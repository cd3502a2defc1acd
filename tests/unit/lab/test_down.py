"""Removing a lab asks for nothing that only making one needs."""

from __future__ import annotations

import sys

import pytest

from lab import __main__ as program
from lab import hosts, podman, prepare


@pytest.mark.parametrize(("there", "removed"), [(False, ["files"]), (True, ["hosts", "files"])])
def test_nothing_is_installed_to_remove_a_lab(monkeypatch: pytest.MonkeyPatch, there: bool, removed: list[str]) -> None:
    """Also without podman, and a second time."""
    did: list[str] = []

    def installs() -> str:
        raise AssertionError("nothing may be installed")

    monkeypatch.setattr(program, "have", lambda _program: there)
    monkeypatch.setattr(podman, "ensure", installs)
    monkeypatch.setattr(podman, "configure", lambda: None)
    monkeypatch.setattr(hosts, "down", lambda _lab: did.append("hosts"))
    monkeypatch.setattr(prepare, "remove", lambda _lab: did.append("files"))
    monkeypatch.setattr(sys, "argv", ["lab", "down"])
    assert program.main() == 0
    assert program.main() == 0
    assert did == removed * 2
