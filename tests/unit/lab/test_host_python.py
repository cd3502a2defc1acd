"""On the lab's hosts a file in a zip archive is compiled once, and what was compiled of another file is never used."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lab.settings import ROOT

PROGRAM = """
import sys, zipimport
sys.path.insert(0, {lab!r})
compiled = []
asked = zipimport._compile_source
zipimport._compile_source = lambda name, source, *more: (compiled.append(name), asked(name, source, *more))[1]
import host_python
host_python.FOLDER = {folder!r}
sys.path.insert(0, {archive!r})
import brought
print(brought.ANSWER, len(compiled))
"""


def answer(archive: Path, folder: Path) -> str:
    """What a fresh Python finds in the archive, and how many files it compiled for that."""
    program = PROGRAM.format(lab=str(ROOT / "lab"), folder=str(folder), archive=str(archive))
    done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(archive: Path, text: str) -> Path:
    """An archive with one module."""
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("brought.py", text)
    return archive


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's Python keeps what it compiles")
def test_a_file_is_compiled_once_wherever_it_lies(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert answer(write(tmp_path / "one.zip", "ANSWER = 1\n"), kept) == "1 1"
    assert answer(write(tmp_path / "two.zip", "ANSWER = 1\n"), kept) == "1 0"
    assert answer(write(tmp_path / "one.zip", "ANSWER = 2\n"), kept) == "2 1"
    assert kept.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's Python keeps what it compiles")
def test_what_was_kept_badly_is_compiled_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    archive = write(tmp_path / "one.zip", "ANSWER = 1\n")
    assert answer(archive, kept) == "1 1"
    for path in kept.iterdir():
        path.write_bytes(path.read_bytes()[:10])
    assert answer(archive, kept) == "1 1"
    assert answer(archive, kept) == "1 0"
