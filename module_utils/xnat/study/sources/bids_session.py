"""One session of a BIDS dataset: its folders of images, as scans with their files and attributes.

Which subjects and sessions there are is bids.py's business; this file is told where a session is.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any

from ...address import Address
from ...errors import InputError
from ...fields import SCAN_TYPE_OF_SESSION
from ...plan import Labels
from ..study import Attributes, PlannedFile, Study
from .bids_names import Name, Rules, natural, parse
from .bids_options import Options
from .bids_sidecars import GRADIENTS, Sidecars
from .bids_tables import Row, Table, acquired, date_of, time_of
from .bids_tree import Tree
from .numbering import numbers

# Folder of BIDS -> modality in XNAT. The order decides the type of a session with as many images of one as of another.
MODALITIES = {
    "pet": "PET",
    **dict.fromkeys(("anat", "func", "dwi", "fmap", "perf", "mrs"), "MR"),
    "meg": "MEG",
    **dict.fromkeys(("eeg", "ieeg"), "EEG"),
}
_SIGNALS = {"eeg", "ieeg", "meg"}
_TEXTS = {".json", ".tsv", ".tsv.gz", ".bval", ".bvec"}
_CALIBRATION = {"crosstalk", "calibration"}  # of a MEG system: files named like recordings
_MAIN_SUFFIXES = {"bold", "asl", "dwi", "pet", *_SIGNALS}
# What a companion may have and its image not, and the other way round.
_OF_COMPANIONS = ("recording", "split", "space")
_OF_IMAGES = ("echo", "part", "split")
_FORMATS = {".nii": "NIFTI", ".nii.gz": "NIFTI", ".tsv.gz": "TSV"}


@dataclass(frozen=True, slots=True)
class Item:
    """A file, or a folder that is a recording, in a folder of images."""

    name: Name
    datatype: str
    path: str
    is_folder: bool = False

    @property
    def stem(self) -> str:
        """The name of the recording that it belongs to; a recording may be split into several files."""
        return "_".join(part for part in self.name.stem.split("_") if not part.startswith("split-"))

    @property
    def is_image(self) -> bool:
        """Whether it is what a scan is made of."""
        if self.datatype in _SIGNALS:
            calibrates = self.name.entities.get("acq") in _CALIBRATION
            return self.name.suffix in _SIGNALS and self.name.extension not in _TEXTS and not calibrates
        return self.datatype in MODALITIES and self.name.extension in {".nii", ".nii.gz"}


@dataclass
class Dataset:
    """What all sessions of a dataset have in common; the study grows as they are read."""

    project: str
    options: Options
    tree: Tree
    rules: Rules
    sidecars: Sidecars
    study: Study
    shifted: int = 0
    _resources: dict[Address, Address] = field(default_factory=dict)
    _labels: dict[tuple[str, str], Labels] = field(default_factory=dict)

    def put(self, resource: Address, path: str, name: str, format_: str = "", content: str = "") -> None:
        """Plan a file of the dataset for a resource."""
        if (local := self.tree.file(path, name)) is not None:
            labels = self._labels.setdefault((format_, content), Labels(format_ or None, content or None))
            # One object for each resource, not for each file: there are 100,000 files.
            resource = self._resources.setdefault(resource, resource)
            self.study.files.append(PlannedFile(resource, local, labels))

    def put_named(self, resource: Address, path: str, name: Name) -> None:
        """Plan a file whose name says its format and content."""
        format_ = _FORMATS.get(name.extension) or name.extension.rpartition(".")[2].upper()
        self.put(resource, path, name.text, format_, name.suffix)


@dataclass
class Session:
    """One session: `folder` holds its folders of images, `above` are the folders over it, from the top down."""

    subject: str
    folder: str
    above: tuple[str, ...]
    datatypes: list[str]
    tables: list[str] = field(default_factory=list)  # its _scans.tsv and _scans.json
    rows: Mapping[str, tuple[Table, Row]] = field(default_factory=dict)  # path of an image -> its row in a _scans.tsv
    acquired: dt.date | None = None  # as the subject's _sessions.tsv says


def find(dataset: Dataset, session: Session) -> list[Item]:
    """The valid items of a session, in a stable order; what is not BIDS is left out with a remark."""
    items = []
    for datatype in session.datatypes:
        folder = f"{session.folder}/{datatype}"
        folders, files = dataset.tree.entries(folder)
        for text in files:
            name = parse(text)
            path = f"{folder}/{text}"
            if not dataset.rules.allow(path, name):
                dataset.study.leave_out(path, dataset.rules.fault(name))
                continue
            items.append(Item(name, datatype, path))
            dataset.sidecars.add(folder, name)
        for text in folders:
            name = parse(text)
            path = f"{folder}/{text}"
            if dataset.rules.is_recording(text) and dataset.rules.allow(f"{path}/", name):
                items.append(Item(name, datatype, path, is_folder=True))
            else:
                dataset.study.leave_out(path, "is a folder where BIDS has none")
    return sorted(items, key=lambda item: (item.datatype, natural(item.name.text)))


def modality(items: list[Item]) -> str | None:
    """The modality of most of the images; None if there is no image of a modality that XNAT has a session type for."""
    counts = Counter(
        MODALITIES[item.datatype] for item in {item.stem: item for item in items if item.is_image}.values()
    )
    order = list(dict.fromkeys(MODALITIES.values()))
    return max(counts, key=lambda name: (counts[name], -order.index(name))) if counts else None


def add(dataset: Dataset, session: Session, address: Address, items: list[Item]) -> None:
    """Put a session with its scans into the study. Raises InputError if another one has become it before."""
    if address in dataset.study.attributes:
        raise InputError(
            f"bids: {session.folder} and another session of the dataset would both become the {address}. "
            "Put {subject} and {session} into the template of the session's label."
        )
    main = modality(items)
    session_type = f"xnat:{str(main).lower()}SessionData"
    others = sorted({MODALITIES[item.datatype] for item in items if item.is_image} - {main})
    if others:
        dataset.study.leave_out(
            session.folder,
            f"is a session of the type {main} in XNAT, as most of its images are; it has {', '.join(others)} too",
        )
    scans: dict[str, list[Item]] = {}
    for item in items:
        if item.is_image:
            scans.setdefault(item.stem, []).append(item)
    types = [_type_of(images[0].name) for images in scans.values()]
    ids = numbers(len(scans), types) if dataset.options.scan_id == "number" else list(scans)
    moments: list[dt.date] = []
    places: dict[str, Address] = {}
    for scan_id, (stem, images), scan_type in zip(ids, scans.items(), types, strict=True):
        scan = Address(address.project, address.subject, address.experiment, scan_id)
        places[stem] = scan
        attributes = _scan(dataset, session, images, scan_type)
        moments += _started(session, images, attributes)
        dataset.study.describe(scan, attributes)
        for image in images:
            _put_image(dataset, scan, image)
    taken = {path for stem, images in scans.items() for path in _put_gradients(dataset, session, places[stem], images)}
    for item in items:
        if not item.is_image and item.path not in taken:
            _put_companion(dataset, address, scans, places, item)
    _describe(dataset, session, address, session_type, moments)
    bids = Address(address.project, address.subject, address.experiment, resource=dataset.options.sidecar_resource)
    for path in session.tables:
        dataset.put_named(bids, path, parse(path.rpartition("/")[2]))


def _type_of(name: Name) -> str:
    return "_".join(filter(None, (name.suffix, name.entities.get("task"), name.entities.get("acq"))))


def _scan(dataset: Dataset, session: Session, images: list[Item], scan_type: str) -> Attributes:
    from ..metadata import sidecar  # a tree without sidecars needs none of it

    image = images[0]
    xsi_type = SCAN_TYPE_OF_SESSION[f"xnat:{MODALITIES[image.datatype].lower()}SessionData"]
    folders = (*session.above, session.folder, f"{session.folder}/{image.datatype}")
    merged = dataset.sidecars.merged(folders, image.name)
    said = sidecar.attributes(merged, xsi_type, keep_phi=dataset.options.keep_phi) if merged else Attributes()
    # Most sidecars of a dataset say the same; each text is kept once, not for each of 50,000 scans.
    said.fields = {intern(name): _kept_once(value) for name, value in said.fields.items()}
    said.xsi_type = xsi_type
    said.options |= {"type": scan_type, "series_description": image.stem, "quality": dataset.options.quality}
    return said


def _kept_once(value: Any) -> Any:
    return intern(value) if isinstance(value, str) else value


def _started(session: Session, images: list[Item], attributes: Attributes) -> list[dt.date]:
    """Take over when the scan was acquired, which is more certain from the table than from the sidecar."""
    found = []
    for image in images:
        if image.path in session.rows and (moment := acquired(*session.rows[image.path])) is not None:
            found.append(moment)
            if image is images[0] and (time := time_of(moment)):
                attributes.fields[f"{attributes.xsi_type}/startTime"] = time
    return found


def _put_image(dataset: Dataset, scan: Address, image: Item) -> None:
    name = image.name
    is_nifti = name.extension in {".nii", ".nii.gz"}
    label = "NIFTI" if is_nifti else MODALITIES[image.datatype]
    resource = Address(scan.project, scan.subject, scan.experiment, scan.scan, resource=label)
    if not image.is_folder:
        dataset.put_named(resource, image.path, name)
        return
    above = len(image.path) - len(name.text)
    for path in dataset.tree.below(image.path):
        dataset.put(resource, path, path[above:], name.extension.strip("./").upper(), name.suffix)


def _put_gradients(dataset: Dataset, session: Session, scan: Address, images: list[Item]) -> Iterator[str]:
    """Give a scan the b-values and directions that are meant for it, also inherited ones; yield their paths."""
    image = images[0]
    folders = (*session.above, session.folder, f"{session.folder}/{image.datatype}")
    for extension in GRADIENTS:
        if path := dataset.sidecars.nearest(folders, image.name, extension):
            label = _resource_of(dataset.options, extension, scan)
            resource = Address(scan.project, scan.subject, scan.experiment, scan.scan, resource=label)
            dataset.put_named(resource, path, parse(path.rpartition("/")[2]))
            yield path


def _put_companion(
    dataset: Dataset, session: Address, scans: Mapping[str, list[Item]], places: Mapping[str, Address], item: Item
) -> None:
    """Put what is beside the images to the scan that it belongs to, or to the session if that is not one scan."""
    if item.datatype not in MODALITIES:
        label, of = item.datatype.upper(), session
    else:
        stem, why = _scan_of(item, scans)
        of = places[stem] if stem else session
        label = _resource_of(dataset.options, item.name.extension, of)
        if why:
            dataset.study.leave_out(item.path, why)
    resource = Address(of.project, of.subject, of.experiment, of.scan, resource=label)
    if item.is_folder:
        above = len(item.path) - len(item.name.text)
        for path in dataset.tree.below(item.path):
            dataset.put(resource, path, path[above:], item.name.extension.strip("./").upper(), item.name.suffix)
    else:
        dataset.put_named(resource, item.path, item.name)


def _resource_of(options: Options, extension: str, of: Address) -> str:
    if extension in GRADIENTS and of.scan:
        return "NIFTI" if options.gradients == "together" else extension[1:].upper()
    return options.sidecar_resource


def _scan_of(item: Item, scans: Mapping[str, list[Item]]) -> tuple[str | None, str | None]:
    """The stem of the scan that a companion belongs to; or None, and why if it belongs to none at all."""
    if item.stem in scans:
        return item.stem, None
    own = item.name.without(*_OF_COMPANIONS)
    inherits = any(images[0].name.suffix == item.name.suffix for images in scans.values())
    applying = [
        (stem, images[0].name)
        for stem, images in scans.items()
        if images[0].datatype == item.datatype
        and (not inherits or images[0].name.suffix == item.name.suffix)
        and all(images[0].name.entities.get(key) == value for key, value in own.items())
    ]
    if not applying:
        return None, "belongs to no image that is here; it is kept with the session"
    exact = [(stem, name) for stem, name in applying if name.without(*_OF_IMAGES) == own]
    if exact:
        return min(exact, key=lambda pair: pair[1].suffix not in _MAIN_SUFFIXES)[0], None
    return (applying[0][0] if len(applying) == 1 else None), None


def _describe(dataset: Dataset, session: Session, address: Address, session_type: str, moments: list[dt.date]) -> None:
    described = Attributes(session_type)
    first = session.acquired or min(moments, key=lambda moment: moment.isoformat(), default=None)
    if first is not None:
        date = date_of(first, shifted=dataset.options.shifted_dates)
        dataset.shifted += date is None
        described.options |= {key: value for key, value in (("date", date), ("time", time_of(first))) if value}
    dataset.study.describe(address, described)
