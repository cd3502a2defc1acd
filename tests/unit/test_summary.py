"""The last lines of `make test` say what was run, and cannot be green when nothing was."""

from __future__ import annotations

from pathlib import Path

import pytest
import summary

REPORT = '<testsuites><testsuite tests="{}" failures="{}" errors="{}" skipped="0" time="2.5"/></testsuites>'


def write(folder: Path, name: str, tests: int, failures: int = 0, errors: int = 0) -> str:
    path = folder / f"{name}.xml"
    path.write_text(REPORT.format(tests, failures, errors))
    return str(path)


def test_suites_are_listed_and_summed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert summary.main([write(tmp_path, "unit", 10), write(tmp_path, "contract", 5)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "15 passed, 0 failed"
    assert lines[-3].split() == ["unit", "10", "passed", "0", "failed", "2", "s"]


@pytest.mark.parametrize(("tests", "failures", "errors"), [(10, 1, 0), (10, 0, 1), (0, 0, 0)])
def test_a_failure_an_error_or_an_empty_suite_is_not_a_success(
    tmp_path: Path, tests: int, failures: int, errors: int
) -> None:
    assert summary.main([write(tmp_path, "unit", tests, failures, errors)]) == 1


def test_a_missing_report_is_not_a_success(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        summary.main([str(tmp_path / "unit.xml")])
