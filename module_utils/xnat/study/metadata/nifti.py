"""What the header of a NIFTI image says about its scan: size of the voxels, matrix, volumes, repetition time.

Only the first bytes of a file are read, and unpacked if they are gzip's; the image itself is not looked at.
"""

from __future__ import annotations

import gzip
import math
import zipfile
import zlib
from typing import Any, BinaryIO

from ... import packages
from ...errors import InputError
from ...local import open_content
from ...plan import LocalFile
from ..study import Attributes

HEADER_BYTES = {348: "Nifti1Header", 540: "Nifti2Header"}  # sizeof_hdr -> nibabel's class for it
_LONGEST_HEADER = max(HEADER_BYTES)
_SINGLE_FILE_MAGIC = {348: (344, (b"n+1\0", b"ni1\0")), 540: (4, (b"n+2\0\r\n\x1a\n", b"ni2\0\r\n\x1a\n"))}

_LARGEST_INTEGER = 2**31 - 1  # that XNAT keeps

# The two halves of xyzt_units. No unit means mm: that is what everyone writes. Unknown units of time stay unknown.
_MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_MS_PER_UNIT = {8: 1000.0, 16: 1.0, 24: 0.001}

# Where the types keep the geometry of an image; types that are not here have no place for it.
_VOXELS_IN_MM = ("xnat:mrScanData", "xnat:ctScanData")
_VOLUME_LAYOUT = ("xnat:mrScanData",)
_PIXELS_IN_CM = ("xnat:petScanData",)


def is_nifti(name: str) -> bool:
    """Whether a file is an image by its name."""
    return name.lower().endswith((".nii", ".nii.gz"))


def attributes(file: LocalFile, xsi_type: str) -> Attributes:
    """Return what the header says, as far as scans of that type have a field for it.

    Raises InputError for a file that is no NIFTI image.
    """
    header = parse(read_header(file), file)
    dim = [int(value) for value in header["dim"]]
    pixdim = [abs(float(value)) for value in header["pixdim"]]
    units = int(header["xyzt_units"])
    millimetre = _MM_PER_UNIT.get(units & 0x07, 1.0)
    voxel = [number(size * millimetre) if _is_size(size) else None for size in pixdim[1:4]]
    volumes = max(dim[4], 1) if dim[0] >= 4 else 1

    fields: dict[str, Any] = {}
    if xsi_type in _VOXELS_IN_MM:
        fields.update(_in_mm(dim, voxel))
    if xsi_type in _VOLUME_LAYOUT:
        fields["matrix/x"], fields["matrix/y"] = dim[1], dim[2] if dim[0] >= 2 else None
        fields["partitions"] = dim[3] if dim[0] >= 3 else None
        fields["tr"] = _repetition_time(pixdim[4], units) if volumes > 1 else None
    if xsi_type in _PIXELS_IN_CM:
        for axis, size, count in zip("xyz", voxel, dim[1:4], strict=True):
            fields[f"dimensions/{axis}"] = count
            fields[f"pixelSize/{axis}"] = None if size is None else number(size / 10)
        fields["dimensions/num"] = volumes
    return Attributes(
        options={"frames": volumes},
        fields={f"{xsi_type}/parameters/{path}": value for path, value in fields.items() if value is not None},
    )


def read_header(file: LocalFile, length: int = _LONGEST_HEADER) -> bytes:
    """Return the first bytes of an image, unpacked. Raises InputError if they cannot be read."""
    with open_content(file) as stream:
        try:
            with unpacked(stream) as content:
                return content.read(length)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise InputError(f"{file.origin} is not a NIFTI image: {error}. {_ADVICE}") from error


def unpacked(stream: BinaryIO) -> BinaryIO:
    """Return the stream itself, or one that unpacks it if it is gzip's: by its first bytes, not by its name."""
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    return gzip.GzipFile(fileobj=stream, mode="rb") if packed else stream  # type: ignore[return-value]


def parse(data: bytes, file: LocalFile) -> Any:
    """Return nibabel's header (NIFTI-1 or -2, of either byte order) of the first bytes of an image."""
    for order in ("little", "big"):
        size = int.from_bytes(data[:4], order)
        if size in HEADER_BYTES and len(data) >= size:
            start, magics = _SINGLE_FILE_MAGIC[size]
            if data[start : start + len(magics[0])] in magics:
                nibabel = packages.load("nibabel", "reading NIFTI headers")
                byte_order = "<" if order == "little" else ">"
                header = getattr(nibabel, HEADER_BYTES[size])(data[:size], endianness=byte_order, check=False)
                _check_size(header, file)
                return header
    what = "it is empty" if not data else "it does not begin with the header of one"
    raise InputError(f"{file.origin} is not a NIFTI image: {what}. {_ADVICE}")


_ADVICE = "Replace or leave out the file, or give it another name if it is something else."


def _check_size(header: Any, file: LocalFile) -> None:
    dimensions = int(header["dim"][0])
    if not 1 <= dimensions <= 7 or any(not 0 <= int(n) <= _LARGEST_INTEGER for n in header["dim"][1 : dimensions + 1]):
        sizes = "x".join(str(int(count)) for count in header["dim"])
        raise InputError(f"{file.origin} is not a NIFTI image: its header says dimensions {sizes}. {_ADVICE}")


def _in_mm(dim: list[int], voxel: list[int | float | None]) -> dict[str, Any]:
    fields: dict[str, Any] = {f"voxelRes/{axis}": size for axis, size in zip("xyz", voxel, strict=True)}
    if any(size is not None for size in voxel):
        fields["voxelRes/units"] = "mm"
    if dim[0] >= 2 and voxel[0] is not None and voxel[1] is not None:
        # XNAT's schema has integers for the field of view. Where there is none, a header may hold anything as a size.
        fov = round(dim[1] * voxel[0]), round(dim[2] * voxel[1])
        if max(fov) <= _LARGEST_INTEGER:
            fields["fov/x"], fields["fov/y"] = fov
    return fields


def _repetition_time(pixdim: float, units: int) -> int | float | None:
    millisecond = _MS_PER_UNIT.get(units & 0x38)
    return number(pixdim * millisecond) if millisecond and _is_size(pixdim) else None


def _is_size(value: float) -> bool:
    return math.isfinite(value) and value > 0


def number(value: float) -> int | float:
    """Return a number as a person would write it: headers hold 0.8 as 0.800000011920929."""
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() else rounded
