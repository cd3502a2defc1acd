"""UK Biobank's bulk files, `EID_FIELD_INSTANCE_ARRAY.zip`, as a study: a subject per EID, a session per visit.

Subject: the EID, or its pseudonym from a lookup. Session: `SUBJECT_INSTANCE`. An archive with images is a scan; its ID
is the field (`FIELD-ARRAY` for a further array), so it never moves and equals no scan type.

- images, b-values and sidecars go to the scan's resource NIFTI, DICOM files to DICOM, under their paths in the archive
- other members are left out; with `members: [all]` or a pattern they go to the scan's resource UKB
- with `keep_zips`, the archive itself goes to the scan's resource UKB instead
- archives and files without images (FreeSurfer, E-Prime, matrices) go as they are to the session's resource UKB_FIELD

Only the directories of the archives are read. With a lookup, EIDs in names of files are replaced by the pseudonym; what
is inside the files is sent as it is.
"""

from __future__ import annotations

import stat
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from sys import intern

from ... import local
from ...address import Address, check_file_name
from ...errors import InputError, refuse
from ...plan import Labels, LocalFile
from ..study import Attributes, PlannedFile, Study
from . import biobank_fields as ukb
from . import biobank_table, tables
from .columns import format_of

MEMBERS = ("images", "all")  # words for `members`; anything else in it is a pattern
_IMAGE, _BESIDE_IMAGE = (".nii", ".nii.gz"), (".bval", ".bvec", ".json", "/bvals", "/bvecs")
_DICOM = ".dcm"
_RESOURCE = "UKB"
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True, order=True)
class _Bulk:
    """One bulk file: what its name says, and where it is."""

    eid: str
    instance: int
    field: str
    array: int
    suffix: str
    path: str

    def name(self, subject: str) -> str:
        """The file's name, with the subject's label for the EID."""
        return f"{subject}_{self.field}_{self.instance}_{self.array}{self.suffix}"


@dataclass
class _Reader:
    """Puts bulk files into a study, one after the other, and keeps what is wrong with them."""

    project: str
    members: Sequence[str]
    keep_zips: bool
    study: Study = field(default_factory=Study)
    subjects: dict[str, Address] = field(default_factory=dict)
    sessions: dict[tuple[str, int], Address] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    _labels: dict[tuple[str | None, str | None], Labels] = field(default_factory=dict)

    def add(self, bulk: _Bulk, label: str) -> None:
        """Add one file. `label` is the subject's."""
        try:
            subject = self.subjects.setdefault(bulk.eid, Address(self.project, label))
            key = bulk.eid, bulk.instance
            if key not in self.sessions:
                self.sessions[key] = Address(self.project, label, f"{label}_{bulk.instance}")
                self.study.describe(self.sessions[key], Attributes("xnat:mrSessionData"))
            status = Path(bulk.path).stat()
            whole = LocalFile(bulk.name(str(subject.subject)), bulk.path, status.st_size, status.st_mtime_ns)
            members = _directory(bulk.path) if bulk.suffix.lower() == ".zip" else []
            resource = None if bulk.field in ukb.DERIVED else _resource_of(members)
            if resource is None:
                self._keep(self.sessions[key], f"{_RESOURCE}_{bulk.field}", whole, ukb.DERIVED.get(bulk.field))
                return
            scan = self._scan(self.sessions[key], bulk)
            if self.keep_zips:
                self._keep(scan, _RESOURCE, whole)
            else:
                self._unpack(scan, resource, bulk, whole, members)
        except InputError as error:
            self.problems.append(f"{bulk.path}: {error.message}")
        except OSError as error:
            self.problems.append(f"{bulk.path}: cannot be read ({error.strerror}).")

    def _scan(self, session: Address, bulk: _Bulk) -> Address:
        number = f"{bulk.field}-{bulk.array}" if bulk.array else bulk.field
        scan = Address(self.project, session.subject, session.experiment, number)
        known = ukb.SCANS.get(bulk.field) or ukb.Imaging(f"UKB {bulk.field}", f"UK Biobank field {bulk.field}")
        said = {"type": known.type, "series_description": known.description}
        self.study.describe(scan, Attributes("xnat:mrScanData", said))
        return scan

    def _keep(self, owner: Address, resource: str, file: LocalFile, content: str | None = None) -> None:
        if file.size == 0:
            raise InputError("has no content (0 bytes), as after a download that was cut short.")
        self._plan(_resource(owner, resource), file, content)

    def _unpack(
        self, scan: Address, resource: str, bulk: _Bulk, whole: LocalFile, members: list[zipfile.ZipInfo]
    ) -> None:
        images, others = _resource(scan, resource), _resource(scan, _RESOURCE)
        for member in members:
            name = intern(member.filename.replace(bulk.eid, str(scan.subject)))
            of_images = _is_image(member.filename, resource)
            if not self._chosen(member.filename, of_images):
                self.left_out[bulk.field] += 1
            elif member.file_size == 0:
                self.study.leave_out(f"{bulk.path}:{member.filename}", "has no content (0 bytes)")
            else:
                check_file_name(name, "members")
                # Texts are shared: a study may have a million of these.
                file = LocalFile(name, whole.path, member.file_size, whole.modified_ns, intern(member.filename))
                self._plan(images if of_images else others, file)

    def _chosen(self, name: str, is_image: bool) -> bool:
        if "all" in self.members or (is_image and "images" in self.members):
            return True
        return any(fnmatchcase(name, wanted) for wanted in self.members)

    def _plan(self, resource: Address, file: LocalFile, content: str | None = None) -> None:
        marks = format_of(file.name), content
        self.study.files.append(PlannedFile(resource, file, self._labels.setdefault(marks, Labels(*marks))))


def read(
    folders: str | Path | Sequence[str | Path],
    project: str,
    *,
    table: str | Path | None = None,
    lookup: str | Path | None = None,
    withdrawn: str | Path | Iterable[str | int] = (),
    fields: Iterable[str | int] | None = None,
    members: str | Sequence[str] = "images",
    keep_zips: bool = False,
    eid_column: str | None = None,
    variables: Iterable[str] | None = None,
) -> Study:
    """Return the study of the bulk files below the folders.

    `table` says more of subjects and visits (see biobank_table). `lookup` is a table of two columns, EID and label; an
    EID that is not in it is left out, and so are those `withdrawn` (a list, or a file with one EID per line). `fields`
    limits the study to these fields; `members` says what of an archive is sent: images, all, patterns of members.
    Raises one InputError for all archives that cannot be used.
    """
    members = [members] if isinstance(members, str) else members
    for wanted in members:
        if wanted not in MEMBERS and not set(wanted) & set("*?[./"):
            raise InputError(f"members: {wanted!r} is neither images nor all, nor a pattern such as T1/*.nii.gz.")
    reader = _Reader(project, members, keep_zips)
    gone = _withdrawn(withdrawn)
    labels = None if lookup is None else _labels(lookup, eid_column)
    bulk_files = _find([folders] if isinstance(folders, (str, Path)) else folders, fields, reader)
    absent: dict[str, None] = {}
    for bulk in bulk_files:
        if bulk.eid in gone:
            gone[bulk.eid] = True
        elif labels is not None and bulk.eid not in labels:
            absent[bulk.eid] = None
        else:
            reader.add(bulk, labels[bulk.eid] if labels else bulk.eid)
    refuse("biobank: these files of UK Biobank cannot be used", reader.problems)

    study = reader.study
    for eid, found in gone.items():
        if found:
            study.leave_out(f"EID {eid}", "has withdrawn")
    biobank_table.remark(study, list(absent), f"is not in {lookup}")
    for of_field, count in sorted(reader.left_out.items()):
        study.leave_out(f"field {of_field}", f"{count} files in its archives are none of those that `members` chooses")
    if table is not None:
        biobank_table.describe(
            study, table, reader.subjects, reader.sessions, eid_column, variables, {*gone, *absent}.__contains__
        )
    return study


def _find(folders: Sequence[str | Path], fields: Iterable[str | int] | None, reader: _Reader) -> list[_Bulk]:
    """Return the bulk files, by subject and visit; whatever else lies there is a remark."""
    wanted = None if fields is None else {str(number) for number in fields}
    found: dict[str, _Bulk] = {}
    not_wanted: Counter[str] = Counter()
    for path in (path for folder in folders for path in _paths(Path(folder))):
        match = ukb.BULK_FILE.fullmatch(name := path.rpartition("/")[2])
        if match is None:
            reader.study.leave_out(path, "is not named like a bulk file of UK Biobank, EID_FIELD_INSTANCE_ARRAY.zip")
            continue
        eid, number, instance, array, suffix = match.groups()
        if wanted is not None and number not in wanted:
            not_wanted[number] += 1
            continue
        bulk = _Bulk(intern(eid), int(instance), intern(number), int(array), intern(suffix), path)
        if (other := found.setdefault(name, bulk)) is not bulk:
            reader.problems.append(f"{path}: is there twice, also as {other.path}. Remove one of the two.")
    for number, count in sorted(not_wanted.items()):
        reader.study.leave_out(f"field {number}", f"{count} files, and it is none of the chosen fields")
    if not found:
        raise InputError(
            f"biobank: there is no file EID_FIELD_INSTANCE_ARRAY.zip below {', '.join(map(str, folders))}"
            + (" of the chosen fields." if not_wanted else ".")
        )
    return sorted(found.values())


def _paths(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        raise InputError(f"biobank: {folder} is not a folder.")
    try:
        for path, _ in local.walk(folder):
            yield path
    except InputError as error:  # it speaks of the option of other modules
        raise InputError(f"biobank: {error.message.removeprefix('src: ')}") from error


def _directory(path: str) -> list[zipfile.ZipInfo]:
    """Return the members of an archive that are files. Raises InputError for one that could not be unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InputError(f"is not a whole zip archive ({error}). Download it again.") from error
    seen = set()
    for member in members:
        if "\0" in member.orig_filename:  # of which zipfile shows only what stands before it
            raise InputError(f"has a member {member.orig_filename!r}, which is no name of a file.")
        if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG}:
            raise InputError(f"has a member {member.filename} that is no file but a link or the like.")
        if member.flag_bits & _ENCRYPTED:
            raise InputError("is encrypted. Unpack it with its password and make an archive without one.")
        if member.compress_type not in _METHODS:
            raise InputError(f"is packed by method {member.compress_type}, which cannot be read here. Pack it again.")
        if member.filename in seen:
            raise InputError(f"has two members of the name {member.filename}.")
        seen.add(member.filename)
    return members


def _resource_of(members: list[zipfile.ZipInfo]) -> str | None:
    """Return the resource that the images of an archive belong in, or None if it has none."""
    names = [member.filename.lower() for member in members if not _of_macos(member.filename)]
    if any(name.endswith(_IMAGE) for name in names):
        return "NIFTI"
    return "DICOM" if any(name.endswith(_DICOM) for name in names) else None


def _is_image(name: str, resource: str) -> bool:
    text = f"/{name.lower()}"
    if _of_macos(name):
        return False
    return text.endswith(_DICOM) if resource == "DICOM" else text.endswith((*_IMAGE, *_BESIDE_IMAGE))


def _of_macos(name: str) -> bool:
    """Whether a member is what macOS keeps beside each file, under the same ending."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith("._")


def _resource(owner: Address, label: str) -> Address:
    return Address(owner.project, owner.subject, owner.experiment, owner.scan, resource=label)


def _withdrawn(given: str | Path | Iterable[str | int]) -> dict[str, bool]:
    """Return {EID: False}, in their order."""
    eids: Iterable[str | int] = given if not isinstance(given, (str, Path)) else ()
    where = "withdrawn"
    if isinstance(given, (str, Path)):
        where = f"withdrawn: {given}"
        try:
            lines = Path(given).read_text(encoding="utf-8-sig").split()
        except OSError as error:
            raise InputError(f"withdrawn: cannot read {given}: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise InputError(f"withdrawn: {given} is not a text with one EID per line.") from error
        eids = lines[1:] if lines and lines[0].strip('"').lower() in ukb.EID_COLUMNS else lines
    found = {}
    for eid in eids:
        try:
            found[biobank_table.check_eid(str(eid).strip('"'))] = False
        except InputError as error:
            raise InputError(f"{where}: {error.message}") from error
    return found


def _labels(path: str | Path, eid_column: str | None) -> dict[str, str]:
    """Return {EID: label} of a lookup, which may do without a header."""
    table = tables.read(path, "lookup")
    where = f"lookup: {path}"
    if len(table.columns) != 2:
        raise InputError(f"{where} has {len(table.columns)} columns; it must have two, EID and label.")
    first, second = table.columns
    headless = first.isdecimal()
    told = eid_column if eid_column in table.columns else None  # it may be that of the table only
    eid_name = first if headless else biobank_table.find_eid(table.columns, told, where)
    label_name = second if eid_name == first else first
    rows: list[tuple[int, dict[str, str]]] = [(1, {first: first, second: second})] if headless else []
    labels: dict[str, str] = {}
    owners: dict[str, str] = {}
    problems = []
    for number, values in (*rows, *((row.number, row.values) for row in table.rows)):
        try:
            eid = biobank_table.check_eid(values.get(eid_name, ""))
            label = Address("P", values.get(label_name, "")).label
            if labels.setdefault(eid, label) != label:
                raise InputError(f"EID {eid} is both {labels[eid]} and {label}.")
            if owners.setdefault(label, eid) != eid:
                raise InputError(f"{label} is given to EID {owners[label]} and to EID {eid}.")
        except InputError as error:
            problems.append(f"row {number}: {error.message}")
    refuse(f"{where} has rows that cannot be used", problems)
    return labels
