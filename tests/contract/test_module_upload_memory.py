"""xnat_upload stays within 150 MB above a bare interpreter: for a file of any size, and for 100,000 files.

Measured as a process of its own, as the kernel counts it. What cannot be afforded in every run is told from two sizes:
what a file of twice the size or one more file costs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from bench.tools.measured import measure
from killing import command, environment
from module_runner import Modules
from xnat_twin.testing import Session

pytest_plugins = ["module_fixtures"]
pytestmark = pytest.mark.practice_xnat("costs time and room on the disk")

BUDGET = 150.0  # MB above the interpreter
NOISE = 4.0  # MB that two runs of the same differ by
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def interpreter() -> float:
    """MB of a Python that has imported nothing."""
    cost, _ = measure([sys.executable, "-I", "-S", "-c", "pass"], {}, Path.cwd())
    return cost.memory


def memory(modules: Modules, project: str, root: Path, tmp_path: Path, **more: Any) -> tuple[float, dict[str, Any]]:
    """Run xnat_upload as a process. Return its most memory in MB, and its result."""
    options = {
        "project": project,
        "root": str(root),
        "pattern": "{subject}/{name}",
        "defaults": {"session": "{subject}_MR1", "scan": "1", "scan_type": "T1", "resource": "NIFTI"},
        "report": str(tmp_path / "report.csv"),
        **more,
    }
    cost, printed = measure(command(modules, options), environment(tmp_path), tmp_path)
    return cost.memory, json.loads(printed)


def test_a_large_file_costs_no_more_than_a_small_one(
    modules: Modules, project: str, tmp_path: Path, interpreter: float, api: Session
) -> None:
    used = {}
    for size in (8, 512):
        root = tmp_path / str(size)
        (root / "S1").mkdir(parents=True)
        with (root / "S1" / f"{size}.bin").open("wb") as file:
            file.truncate(size * MEBIBYTE)
        used[size], result = memory(modules, project, root, tmp_path)
        assert result["totals"]["bytes_sent"] == size * MEBIBYTE
        listed = api.get(result["files"][0]["uri"], stream=True)
        assert listed.headers["Content-Length"] == str(size * MEBIBYTE)
        listed.close()
    # Neither does reading it again, to see that nothing is left to do.
    again, result = memory(modules, project, root, tmp_path)
    assert result["changed"] is False
    assert max(*used.values(), again) - interpreter < BUDGET
    assert used[512] - used[8] < NOISE
    assert again - used[8] < NOISE


def test_a_hundred_thousand_files_fit(modules: Modules, project: str, tmp_path: Path, interpreter: float) -> None:
    """Told from what one more file costs, in a run that sends all and in one that finds all."""
    few, many, all_of_them = 4000, 20_000, 100_000
    used: dict[tuple[int, bool], float] = {}
    for count in (few, many):
        root = tmp_path / str(count)
        for number in range(count):
            folder = root / f"S{count}{number // 500:03}"
            if number % 500 == 0:
                folder.mkdir(parents=True)
            (folder / f"sub-{number:06}_task-rest_bold.bin").write_bytes(b"%d" % number)
        for fresh in (True, False):
            used[count, fresh], result = memory(modules, project, root, tmp_path, workers=2)
            assert result["totals"]["sent" if fresh else "same"] == len(result["files"]) == count
    for fresh in (True, False):
        each = (used[many, fresh] - used[few, fresh]) / (many - few)
        whole = used[many, fresh] + each * (all_of_them - many) - interpreter
        assert whole < BUDGET, f"{used}: {each * 1e6:.0f} bytes for each file"
