"""NIFTI images for the tests, small and made on the spot."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import nibabel
import numpy as np
import pytest
from ansible.module_utils.xnat.address import Address
from ansible.module_utils.xnat.plan import LocalFile
from ansible.module_utils.xnat.study.study import PlannedFile

SCAN = Address("P1", "S01", "S01_MR1", "1")


def image(path: Path, shape: tuple[int, ...] = (4, 5, 6), **header: Any) -> Path:
    """Write an image with a ramp of values; `header` are fields of the NIFTI header, `zooms` and `units` its sizes."""
    zooms, units = header.pop("zooms", None), header.pop("units", ("mm", "sec"))
    kind = header.pop("kind", nibabel.Nifti1Image)
    data = header.pop("data", np.arange(np.prod(shape), dtype=np.int16).reshape(shape))
    made = kind(data, header.pop("affine", np.eye(4)))
    if zooms:
        made.header.set_zooms(zooms)
    made.header.set_xyzt_units(*units)
    for name, value in header.items():
        made.header[name] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(made, path)
    return path


def local(path: Path, name: str | None = None) -> LocalFile:
    """The file as a source would give it."""
    status = path.stat()
    return LocalFile(name or path.name, str(path), status.st_size, status.st_mtime_ns)


def planned(path: Path, resource: str = "NIFTI", scan: Address = SCAN, name: str | None = None) -> PlannedFile:
    """The file as planned for a resource of a scan."""
    address = Address(scan.project, scan.subject, scan.experiment, scan.scan, resource=resource)
    return PlannedFile(address, local(path, name))


def count_reads(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> list[int]:
    """Return a list that grows by the number of bytes with each read of a file that these modules open."""
    read: list[int] = []

    class Counting:
        def __init__(self, file: LocalFile) -> None:
            self._stream = Path(file.path).open("rb")  # noqa: SIM115 (closed below)

        def __enter__(self) -> Counting:
            return self

        def __exit__(self, *_: object) -> None:
            self._stream.close()

        def seek(self, position: int) -> int:
            return self._stream.seek(position)

        def read(self, size: int = -1) -> bytes:
            block = self._stream.read(size)
            read.append(len(block))
            return block

    for module in modules:
        monkeypatch.setattr(module, "open_content", Counting)
    return read
