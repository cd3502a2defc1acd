"""Targets that run beside each other: what is said is seen in order, and one that fails is not lost."""

from __future__ import annotations

from pathlib import Path

import beside
import pytest

MAKEFILE = """
one two three:
	@echo say-$@
bad:
	@echo say-bad; exit 3
"""


@pytest.fixture
def targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    monkeypatch.chdir(tmp_path)


def test_what_runs_beside_is_printed_afterwards_in_order(targets: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert beside.main(["one", "two,three"]) == 0
    said = [line for line in capfd.readouterr().out.splitlines() if line.startswith("say-")]
    assert said == ["say-one", "say-two", "say-three"]


@pytest.mark.parametrize("lanes", [["bad", "one"], ["one", "bad,two"]])
def test_a_failure_of_either_fails_and_is_named(
    targets: None, capfd: pytest.CaptureFixture[str], lanes: list[str]
) -> None:
    assert beside.main(lanes) == 1
    out, err = capfd.readouterr()
    assert "say-bad" in out
    assert "say-one" in out
    assert "say-two" not in out
    assert f"failed: {next(lane for lane in lanes if 'bad' in lane)}" in err
