"""Preview images: what they show, that they are made only when missing, and which ones are out of date."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import images
import nibabel
import numpy as np
import pytest
from ansible.module_utils.xnat.errors import InputError
from ansible.module_utils.xnat.local import md5
from ansible.module_utils.xnat.plan import Labels, Listing, LocalFile, StoredFile
from ansible.module_utils.xnat.study import pictures, snapshots
from ansible.module_utils.xnat.study.study import PlannedFile, Study
from PIL import Image

RESOURCE = replace(images.SCAN, resource="SNAPSHOTS")


def ramp(shape: tuple[int, ...] = (20, 30, 25)) -> Any:
    """Values that grow to the right, to the front and upwards."""
    x, y, z = np.indices(shape[:3])
    return (x + 2 * y + 3 * z).astype(np.int16)


def drawn(path: Path, name: str = "a") -> tuple[Any, Any]:
    """The two pictures of an image, as arrays."""
    montage, thumbnail = path.parent / f"{name}-montage.gif", path.parent / f"{name}-thumbnail.gif"
    pictures.draw(images.local(path), montage, thumbnail)
    with Image.open(montage) as first, Image.open(thumbnail) as second:
        assert first.format == second.format == "GIF"
        return np.asarray(first.convert("RGB")), np.asarray(second.convert("RGB"))


def stored(file: LocalFile) -> StoredFile:
    """A file as XNAT lists it after it arrived whole."""
    return StoredFile(file.name, file.size, md5(file))


def listing(*names: str, size: int = 10, content: str = "") -> dict[Any, Listing]:
    return {RESOURCE: Listing(tuple(StoredFile(name, size, None, content=content) for name in names))}


# ---- what is drawn ---------------------------------------------------------------------------------------------------


def test_right_is_on_the_left_front_is_up_and_slices_go_upwards(tmp_path: Path) -> None:
    montage, thumbnail = drawn(images.image(tmp_path / "a.nii", data=ramp()))
    assert montage.shape == (4 * 160 + 6, 5 * 107 + 8, 3)
    assert thumbnail.shape == (128, 85, 3)
    tile = montage[:160, :107, 0].astype(int)
    assert tile[80, 5] > tile[80, 100]  # the patient's right is brighter
    assert tile[5, 50] > tile[150, 50]  # so is the front
    centres = [int(montage[80 + row * 162, 53 + column * 109, 0]) for row in range(4) for column in range(5)]
    assert centres == sorted(centres)
    assert centres[0] < centres[-1]


@pytest.mark.parametrize("axes", ["LPS", "PIR", "SAR", "ASL"])
def test_the_way_an_image_is_stored_does_not_matter(tmp_path: Path, axes: str) -> None:
    image = nibabel.Nifti1Image(ramp(), np.eye(4))
    wanted = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(image.affine), nibabel.orientations.axcodes2ornt(tuple(axes))
    )
    nibabel.save(image, tmp_path / "a.nii")
    nibabel.save(image.as_reoriented(wanted), tmp_path / "b.nii.gz")
    assert nibabel.aff2axcodes(nibabel.load(tmp_path / "b.nii.gz").affine) == tuple(axes)
    for first, second in zip(drawn(tmp_path / "a.nii"), drawn(tmp_path / "b.nii.gz", "b"), strict=True):
        assert np.array_equal(first, second)


def test_voxels_that_are_no_cubes_keep_the_proportions_of_the_body(tmp_path: Path) -> None:
    path = images.image(tmp_path / "a.nii", data=ramp((20, 20, 5)), affine=np.diag([1, 2, 4, 1]))
    assert drawn(path)[1].shape == (128, 64, 3)


def test_a_large_image_gives_no_larger_picture(tmp_path: Path) -> None:
    path = images.image(tmp_path / "a.nii", data=np.indices((600, 600, 90)).sum(axis=0).astype(np.int16))
    montage, thumbnail = drawn(path)
    assert montage.shape == (646, 808, 3)
    assert thumbnail.shape == (128, 128, 3)


def test_the_middle_volume_is_drawn(tmp_path: Path) -> None:
    data = np.zeros((9, 9, 9, 5), dtype=np.float32)
    data[..., 2] = ramp((9, 9, 9))
    path = images.image(tmp_path / "a.nii.gz", data=data)
    expected = drawn(images.image(tmp_path / "b.nii.gz", data=ramp((9, 9, 9))), "b")
    for first, second in zip(drawn(path), expected, strict=True):
        assert np.array_equal(first, second)


def test_only_the_volume_drawn_is_held_in_memory(tmp_path: Path) -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    shape = (64, 64, 30, 200)
    path = images.image(tmp_path / "a.nii.gz", data=np.broadcast_to(ramp(shape)[..., None], shape))
    tracemalloc.start()
    pictures.draw(images.local(path), tmp_path / "m.gif", tmp_path / "t.gif")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < np.prod(shape) * 2 / 4  # bytes of the whole image, by four


def test_memory_does_not_grow_with_the_image(tmp_path: Path) -> None:
    path = images.image(tmp_path / "a.nii", data=np.arange(640 * 640 * 100, dtype=np.int16).reshape(640, 640, 100))
    nibabel.load(path)  # what is loaded once is no part of it
    tracemalloc.start()
    drawn(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size  # 82 MB


@pytest.mark.parametrize("shape", [(30_000, 30_000), (30_000, 30_000, 2), (2**30, 2**30, 2)])
def test_a_header_that_claims_huge_slices_is_not_believed(tmp_path: Path, shape: tuple[int, ...]) -> None:
    small = images.image(tmp_path / "small.nii", kind=nibabel.Nifti2Image)
    header = nibabel.load(small).header
    header["dim"][: len(shape) + 1] = (len(shape), *shape)
    path = tmp_path / "a.nii"
    path.write_bytes(header.binaryblock + small.read_bytes()[540:])
    tracemalloc.start()
    with pytest.raises(pictures.NotDrawableError, match=f"slices that are too large .*{shape[0]}x"):
        drawn(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_an_affine_without_numbers_leaves_the_axes_as_they_are(tmp_path: Path) -> None:
    path = images.image(tmp_path / "a.nii", data=ramp())
    content = bytearray(path.read_bytes())
    struct.pack_into("<4f", content, 280, *[float("nan")] * 4)
    (tmp_path / "b.nii").write_bytes(content)
    for first, second in zip(drawn(path), drawn(tmp_path / "b.nii", "b"), strict=True):
        assert np.array_equal(first, second)


def test_colours_stay(tmp_path: Path) -> None:
    data = np.zeros((10, 10, 10), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    data["R"][5:], data["G"][:5] = 255, 255
    montage, thumbnail = drawn(images.image(tmp_path / "a.nii", data=data))
    assert thumbnail[64, 20].tolist() == [255, 0, 0]  # the patient's right
    assert thumbnail[64, 108].tolist() == [0, 255, 0]
    assert montage[80, 20].tolist() == [255, 0, 0]


def test_a_few_bright_voxels_do_not_leave_the_rest_dark(tmp_path: Path) -> None:
    data = ramp((40, 40, 40)).astype(np.float32)
    data[20, 20, 20] = 1e9
    assert drawn(images.image(tmp_path / "a.nii", data=data))[0].mean() > 60


def test_a_small_mask_is_seen(tmp_path: Path) -> None:
    data = np.zeros((40, 40, 40), dtype=np.uint8)
    data[18:22, 18:22, 18:22] = 1
    assert drawn(images.image(tmp_path / "a.nii", data=data))[1].max() > 200


def test_values_that_are_no_numbers_are_black_or_white(tmp_path: Path) -> None:
    data = ramp((10, 10, 10)).astype(np.float32)
    data[:, :5], data[0, 9] = np.nan, np.inf
    thumbnail = drawn(images.image(tmp_path / "a.nii", data=data))[1]
    assert thumbnail[100:].max() == 0
    assert thumbnail[2, -3, 0] == 255


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 1), (1, 1, 40), (20, 30, 3, 1, 3)])
def test_flat_images_and_fields_of_vectors(tmp_path: Path, shape: tuple[int, ...]) -> None:
    data = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    montage, thumbnail = drawn(images.image(tmp_path / "a.nii", data=data))
    assert montage.max() > 200
    assert max(thumbnail.shape) == 128


def test_a_member_of_a_zip_and_a_wrong_name(tmp_path: Path) -> None:
    path = images.image(tmp_path / "T1.nii.gz", data=ramp())
    expected = drawn(path)
    (tmp_path / "unpacked.nii.gz").write_bytes(gzip.decompress(path.read_bytes()))
    assert np.array_equal(drawn(tmp_path / "unpacked.nii.gz", "b")[0], expected[0])
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "T1/T1.nii.gz")
    member = LocalFile("T1.nii.gz", str(tmp_path / "a.zip"), path.stat().st_size, 0, "T1/T1.nii.gz")
    pictures.draw(member, None, tmp_path / "zip.gif")
    assert (tmp_path / "zip.gif").read_bytes() == (tmp_path / "a-thumbnail.gif").read_bytes()


# ---- which are made --------------------------------------------------------------------------------------------------


def test_a_montage_and_a_thumbnail_with_the_contents_that_xnat_looks_for(tmp_path: Path) -> None:
    path = images.image(tmp_path / "a.nii.gz", data=ramp())
    small = images.image(tmp_path / "b.nii.gz")
    study = Study([images.planned(small), images.planned(path)])
    found, stale = snapshots.add(study, {}, tmp_path / "scratch", md5)
    mark = md5(images.local(path))[:12]
    assert stale == []
    assert study.files == found.files[:2]
    assert [(file.resource, file.local.name, file.labels) for file in found.files[2:]] == [
        (RESOURCE, f"{kind}-{mark}-{md5(file.local)[:8]}.gif", Labels("GIF", content))
        for kind, content, file in zip(
            ("montage", "thumbnail"), ("ORIGINAL", "THUMBNAIL"), found.files[2:], strict=True
        )
    ]
    for file in found.files[2:]:
        assert file.local.size == Path(file.local.path).stat().st_size > 0
    found.check()


def test_pictures_have_the_same_bytes_every_time(tmp_path: Path) -> None:
    study = Study([images.planned(images.image(tmp_path / "a.nii.gz", data=ramp()))])
    runs = [snapshots.add(study, {}, tmp_path / name, md5)[0].files[1:] for name in "bc"]
    assert [md5(file.local) for file in runs[0]] == [md5(file.local) for file in runs[1]]


def test_two_scans_with_the_same_image_share_its_pictures(tmp_path: Path) -> None:
    path = images.image(tmp_path / "a.nii.gz", data=ramp())
    first = images.planned(path)
    second = replace(first, resource=replace(first.resource, scan="2"))
    found, _ = snapshots.add(Study([first, second]), {}, tmp_path / "s", md5)
    assert [file.resource.scan for file in found.files[2:]] == ["1", "1", "2", "2"]
    # Drawn a second time, what the first scan sends would change under its hands.
    for file in found.files:
        assert file.local.modified_ns == Path(file.local.path).stat().st_mtime_ns


def test_what_is_there_and_whole_is_not_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study([images.planned(images.image(tmp_path / "a.nii.gz", data=ramp()))])
    found, _ = snapshots.add(study, {}, tmp_path / "first", md5)
    montage, thumbnail = (stored(file.local) for file in found.files[1:])
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "draw", lambda *_: pytest.fail("drawn"))
        for there in ((montage, thumbnail), (replace(montage, digest=None), thumbnail)):
            assert snapshots.add(study, {RESOURCE: Listing(there)}, tmp_path / "s", md5) == (study, [])
    found, _ = snapshots.add(study, {RESOURCE: Listing((montage,))}, tmp_path / "s", md5)
    assert [file.local.name for file in found.files[1:]] == [thumbnail.name]


@pytest.mark.parametrize("damage", [{"size": 0}, {"digest": "0" * 32}], ids=["empty", "other bytes"])
def test_what_is_there_and_damaged_is_drawn_again_and_replaced(tmp_path: Path, damage: dict[str, Any]) -> None:
    study = Study([images.planned(images.image(tmp_path / "a.nii.gz", data=ramp()))])
    first, _ = snapshots.add(study, {}, tmp_path / "first", md5)
    montage, thumbnail = (stored(file.local) for file in first.files[1:])
    there = Listing((replace(montage, **damage), thumbnail))
    found, to_remove = snapshots.add(study, {RESOURCE: there}, tmp_path / "s", md5)
    assert [file.local.name for file in found.files[1:]] == [montage.name]
    assert to_remove == []  # of that name there will be the new one


def test_a_damaged_picture_that_would_be_drawn_otherwise_now_is_given_back(tmp_path: Path) -> None:
    """Another version of the library that writes GIF gives other bytes, hence another name."""
    study = Study([images.planned(images.image(tmp_path / "a.nii.gz", data=ramp()))])
    first, _ = snapshots.add(study, {}, tmp_path / "first", md5)
    mark = first.files[1].local.name.split("-")[1]
    other = f"montage-{mark}-01234567.gif"
    damaged = Listing((StoredFile(other, 10, "89abcdef" * 4), stored(first.files[2].local)))
    found, to_remove = snapshots.add(study, {RESOURCE: damaged}, tmp_path / "s", md5)
    assert [file.local.name for file in found.files[1:]] == [first.files[1].local.name]
    assert to_remove == [(RESOURCE, other)]
    whole = Listing((StoredFile(other, 10, "01234567" * 4), stored(first.files[2].local)))
    assert snapshots.add(study, {RESOURCE: whole}, tmp_path / "s", md5) == (study, [])


def test_pictures_of_a_former_image_are_given_back(tmp_path: Path) -> None:
    study = Study([images.planned(images.image(tmp_path / "a.nii.gz", data=ramp()))])
    former = ["montage-0123456789ab-01234567.gif", "thumbnail-0123456789ab-01234567.gif"]
    there = listing(*former, "notes.txt", "montage-mine.gif", "montage-0123456789ab-01234567.gif.txt")
    found, stale = snapshots.add(study, there, tmp_path / "s", md5)
    assert stale == [(RESOURCE, name) for name in former]
    assert len(found.files) == 3


def test_the_pictures_of_others_stand_for_the_scan(tmp_path: Path) -> None:
    path = images.image(tmp_path / "a.nii.gz", data=ramp())
    study = Study([images.planned(path)])
    found, stale = snapshots.add(study, listing("E1_1_qc.gif", content="ORIGINAL"), tmp_path / "s", md5)
    assert [file.labels.content for file in found.files[1:]] == ["THUMBNAIL"]
    assert stale == []
    own = PlannedFile(RESOURCE, images.local(path, "mine.gif"))
    study = Study([*study.files, own])
    assert snapshots.add(study, {}, tmp_path / "s", md5) == (study, [])


def test_scans_without_images_and_files_outside_scans_have_none(tmp_path: Path) -> None:
    path = images.image(tmp_path / "a.nii.gz", data=ramp())
    session = replace(images.SCAN, scan=None, resource="NIFTI")
    study = Study([PlannedFile(session, images.local(path)), images.planned(path, name="a.dat")])
    assert snapshots.add(study, {}, tmp_path / "s", md5) == (study, [])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (np.zeros((5, 5, 5), dtype=np.int16), "has the same value everywhere"),
        (np.full((5, 5, 5), np.nan, dtype=np.float32), "has no finite values"),
        (np.zeros((5, 5, 0), dtype=np.int16), "has no voxels"),
        (np.ones((5, 5, 5), dtype=np.complex64), "has complex numbers"),
    ],
)
def test_what_cannot_be_drawn_is_remarked(tmp_path: Path, data: Any, reason: str) -> None:
    path = images.image(tmp_path / "a.nii", data=data)
    study = Study([images.planned(path)])
    found, _ = snapshots.add(study, {}, tmp_path / "s", md5)
    assert found.files == study.files
    assert [(r.about, r.reason) for r in found.remarks] == [
        (str(path), f"There is no preview image, because it {reason}.")
    ]
    assert study.remarks == []


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_an_image_that_is_cut_off_is_remarked(tmp_path: Path, name: str) -> None:
    path = images.image(tmp_path / name, data=np.random.default_rng(1).random((30, 30, 30)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found, _ = snapshots.add(Study([images.planned(path)]), {}, tmp_path / "s", md5)
    assert len(found.files) == 1
    assert "cannot be read to its end" in found.remarks[0].reason


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    study = Study([images.planned(images.image(tmp_path / "a.nii", data=ramp()))])
    (tmp_path / "s").write_text("a file")
    with pytest.raises(InputError, match=r"snapshots: cannot write .*montage"):
        snapshots.add(study, {}, tmp_path / "s", md5)
