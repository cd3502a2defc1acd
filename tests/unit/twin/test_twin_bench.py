"""The bench runs and notices a wrong answer; how fast it is, is no matter here.

The comparison of upload tools has a file of its own, test_twin_bench_tools.py.
"""

from __future__ import annotations

import pytest
from bench import __main__ as bench
from bench.practice import Client
from bench.report import Figure, table


def test_bench_runs_at_a_small_scale(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--small"]) == 0
    printed = capsys.readouterr().out
    for part in bench.PARTS:
        assert f"{part}, " in printed


def test_bench_stops_when_other_bytes_come_back(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Client.send

    def lossy(self: Client, method: str, path: str, *arguments: object) -> bytes:
        answer = honest(self, method, path, *arguments)  # type: ignore[arg-type]
        return answer[:-1] if path.endswith(".nii") else answer

    monkeypatch.setattr(Client, "send", lossy)
    assert bench.main(["--small", "uploads"]) == 2
    assert "other bytes came back" in capsys.readouterr().err


def test_figure_says_whether_its_target_is_met() -> None:
    figures = [Figure("rate", 299, "/s", 300), Figure("memory", 150, "MB", 150, "most"), Figure("told", 1.5, "s")]
    assert [figure.met for figure in figures] == [False, True, True]
    assert table("Title", figures).splitlines()[2:] == [
        "rate    299 /s  at least 300  MISSED",
        "memory  150 MB  at most 150   met",
        "told    1.50 s",
    ]
