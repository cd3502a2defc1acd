"""Draws a NIFTI image: a montage of axial slices, and one slice as a thumbnail. Knows no XNAT.

The patient's right is on the left and the front is up, as on a radiologist's screen; slices go from below upwards. The
same image always gives the same bytes. Of an image with several volumes the middle one is drawn, since the first ones
of PET show next to nothing. Only that volume is read, thinned out to what the picture can show.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

from .. import packages
from ..errors import InputError
from ..local import open_content
from ..plan import LocalFile
from .metadata import nifti

COLUMNS, ROWS = 5, 4
TILE = 160  # pixels of the longer side of a slice in the montage, so that it has 808x646 at most
_GAP = 2  # black pixels between slices
THUMBNAIL = 128
_EDGE = 0.1  # part of the height that is left out below and above: neck and air
_PERCENTILES = (1.0, 99.5)  # shown as black and white; a few bright vessels would else leave the rest dark
_SAMPLES = 1_000_000  # values that the percentiles are taken from
# A slice is read as a whole; one of 4096 x 4096 voxels with 8 bytes each may be drawn.
_LARGEST_PLANE = 128 * 1024 * 1024


class NotDrawableError(Exception):
    """There is no picture of this image; the message says why."""


def draw(file: LocalFile, montage: Path | None, thumbnail: Path | None) -> None:
    """Write the GIF pictures that are asked for. Raises NotDrawableError."""
    slices, width, height = _slices(file)
    count = min(COLUMNS * ROWS, slices.shape[2])
    middle = slices.shape[2] // 2
    numpy = packages.load("numpy", "preview images")
    chosen = numpy.linspace(0, slices.shape[2] - 1, count).round().astype(int)
    grey = _grey(slices)
    if montage is not None:
        tiles = [_tile(grey[:, :, number], width, height, TILE) for number in chosen]
        _save(_arranged(tiles), montage)
    if thumbnail is not None:
        _save(_tile(grey[:, :, middle], width, height, THUMBNAIL), thumbnail)


def _slices(file: LocalFile) -> tuple[Any, float, float]:
    """Return the axial slices as an array (right, front, up), and the width and height of one in mm."""
    nibabel = packages.load("nibabel", "preview images")
    header = nifti.parse(nifti.read_header(file), file)
    kind = nibabel.Nifti2Image if int(header["sizeof_hdr"]) == 540 else nibabel.Nifti1Image
    broken = (
        OSError,
        EOFError,
        ValueError,
        OverflowError,
        zlib.error,
        nibabel.spatialimages.HeaderDataError,
        nibabel.filebasedimages.ImageFileError,
    )
    with open_content(file) as stream:
        try:
            image = kind.from_stream(nifti.unpacked(stream))
            _check(image)
            return _oriented(image, nibabel)
        except broken as error:
            raise NotDrawableError(f"cannot be read to its end: {error}") from error


def _check(image: Any) -> None:
    if not math.prod(image.shape):
        raise NotDrawableError("has no voxels")
    if image.get_data_dtype().kind == "c":
        raise NotDrawableError("has complex numbers")
    # Before a byte is read: its header alone says so, and may be wrong.
    if math.prod(map(int, image.shape[:2])) * image.get_data_dtype().itemsize > _LARGEST_PLANE:
        sizes = "x".join(map(str, image.shape))
        raise NotDrawableError(f"has slices that are too large to be drawn (dimensions {sizes})")


def _oriented(image: Any, nibabel: Any) -> tuple[Any, float, float]:
    numpy = packages.load("numpy", "preview images")
    shape = (*image.shape[:3], 1, 1)[:3] if len(image.shape) < 3 else image.shape[:3]
    # Where the affine says nothing (its numbers are none, or of rank two), the axes are taken as they come.
    orientation = numpy.array([[0, 1], [1, 1], [2, 1]])
    if numpy.isfinite(image.affine).all():
        told = nibabel.orientations.io_orientation(image.affine)
        orientation = orientation if numpy.isnan(told).any() else told
    zooms = [float(size) if math.isfinite(size) and size > 0 else 1.0 for size in image.header.get_zooms()[:3]]
    zooms += [1.0] * (3 - len(zooms))
    size = {0: 1.0, 1: 1.0}
    thinned: list[slice] = []
    for axis, length in enumerate(shape):
        target = int(orientation[axis, 0])
        if target == 2:
            edge = int(length * _EDGE)
            # At most twice as many as are shown, to choose evenly from.
            thinned.append(slice(edge, length - edge, math.ceil((length - 2 * edge) / (2 * COLUMNS * ROWS))))
        else:
            size[target] = length * zooms[axis]
            thinned.append(slice(0, length, math.ceil(length / (2 * TILE))))
    volume = [count // 2 if axis == 0 else 0 for axis, count in enumerate(image.shape[3:])]
    if len(image.shape) < 3:
        data = _kept(numpy.asanyarray(image.dataobj).reshape(shape)[tuple(thinned)])
    else:
        # Plane by plane: each stands in one piece in the file, and only one is held whole.
        places = ((..., number, *volume) for number in range(*thinned[2].indices(shape[2])))
        planes = (image.dataobj[place] for place in places)
        data = numpy.stack([_kept(plane[thinned[0], thinned[1]]) for plane in planes], axis=2)
    return nibabel.orientations.apply_orientation(data, orientation), size[0], size[1]


def _kept(values: Any) -> Any:
    """A copy in the form that is drawn, so that what it was thinned out of can go."""
    numpy = packages.load("numpy", "preview images")
    if values.dtype.names:
        return values.copy()
    with numpy.errstate(over="ignore"):
        return values.astype(numpy.float32)


def _grey(data: Any) -> Any:
    """Return the values as bytes, or the three colours of an RGB image as they are (in a fourth dimension).

    The values are overwritten.
    """
    numpy = packages.load("numpy", "preview images")
    if data.dtype.names:
        return numpy.stack([data[name] for name in data.dtype.names[:3]], axis=-1)
    values = data
    sample = values.flat[:: max(1, values.size // _SAMPLES)]
    finite = sample[numpy.isfinite(sample)]
    if not finite.size:
        raise NotDrawableError("has no finite values")
    low, high = map(float, numpy.percentile(finite, _PERCENTILES))
    if high <= low:  # a mask that is small, or large
        finite = values[numpy.isfinite(values)]
        low, high = float(finite.min()), float(finite.max())
    if high <= low:
        raise NotDrawableError("has the same value everywhere")
    # In place: there is room for one copy.
    with numpy.errstate(over="ignore", invalid="ignore"):
        values -= low
        values /= high - low
    numpy.nan_to_num(values, copy=False, nan=0.0, posinf=1.0, neginf=0.0)
    numpy.clip(values, 0, 1, out=values)
    values *= 255
    return numpy.round(values, out=values).astype(numpy.uint8)


def _tile(plane: Any, width: float, height: float, longest: int) -> Any:
    """Return one slice as a picture whose sides are in the proportion of the body, not of the voxels."""
    pillow = packages.load("PIL.Image", "preview images")
    numpy = packages.load("numpy", "preview images")
    # Columns from right to left, rows from front to back.
    picture = pillow.fromarray(numpy.ascontiguousarray(plane.swapaxes(0, 1)[::-1, ::-1]))
    factor = longest / max(width, height)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return picture.resize(size, pillow.Resampling.BICUBIC)


def _arranged(tiles: list[Any]) -> Any:
    pillow = packages.load("PIL.Image", "preview images")
    width, height = tiles[0].size
    columns = min(COLUMNS, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    sheet = pillow.new(tiles[0].mode, (columns * (width + _GAP) - _GAP, rows * (height + _GAP) - _GAP))
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % columns * (width + _GAP), number // columns * (height + _GAP)))
    return sheet


def _save(picture: Any, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, format="GIF")
    except OSError as error:
        raise InputError(f"snapshots: cannot write {path}: {error.strerror}.") from error
