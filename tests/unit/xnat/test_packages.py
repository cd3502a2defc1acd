"""Packages that only some work needs: loaded late, and named when they are missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible.module_utils.xnat import packages
from ansible.module_utils.xnat.errors import InputError

ROOT = Path(__file__).parents[3]


def test_a_package_or_a_part_of_one_is_loaded() -> None:
    assert packages.load("PIL.Image", "pictures").__name__ == "PIL.Image"


@pytest.mark.parametrize(("module", "installed"), [("nibabel", "nibabel"), ("PIL.Image", "pillow"), ("yaml", "PyYAML")])
def test_a_missing_package_is_named_as_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, module: str, installed: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"package {installed} is missing .*pip install {installed}$"):
        packages.load(module, "headers")


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, ansible.module_utils as m\n"
        f"m.__path__.append({str(ROOT / 'module_utils')!r})\n"
        "from ansible.module_utils.xnat.study import metadata, pictures, snapshots\n"
        "from ansible.module_utils.xnat.study.metadata import nifti, phi, sidecar\n"
        "print(sorted({'nibabel', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
