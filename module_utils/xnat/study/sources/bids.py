"""A BIDS dataset as a study: subjects, sessions, tables, and the files that belong to the whole dataset.

Reads the disk, sends nothing, and reads no header of an image. Whatever is not taken over is in the study's remarks:
names that BIDS does not allow, what .bidsignore hides, folders that were not asked for, rows without a folder and
folders without a row. What lies in folders whose name starts with a dot, as version control keeps it, is no data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...address import Address
from ...errors import InputError, refuse
from ...plan import shortened
from ..metadata.personal import FIRST_TRUE_YEAR
from ..study import Study
from .bids_names import OPAQUE_FOLDERS, Rules, parse
from .bids_options import Options
from .bids_people import People
from .bids_session import Dataset, Session, add, find, modality
from .bids_sidecars import Sidecars
from .bids_tables import Row, Table, acquired, read_json, read_table
from .bids_tree import Tree

__all__ = ["Options", "read"]

# Cam-CAN calls its table participants_data.tsv.
_PARTICIPANTS = ("participants.tsv", "participants_data.tsv")


def read(root: Path, project: str, options: Options | None = None) -> Study:
    """Return what the BIDS dataset in the folder `root` is in the project. Raises InputError."""
    options = options or Options()
    tree = Tree(root, allow_empty=options.allow_empty)
    dataset = Dataset(project, options, tree, Rules(), Sidecars(tree), Study())
    folders, files = tree.entries("")
    subjects = _subjects(root, folders, options.subjects)
    table = _participants_file(root, files, options.participants)
    withheld = _participants(dataset, table, files, subjects)
    _files_of_dataset(dataset, "", files, also=(table, f"{table.removesuffix('.tsv')}.json"), withheld=withheld)
    sessions: dict[tuple[str, str], Address] = {}
    problems = []
    for folder in subjects:
        try:
            _subject(dataset, folder, sessions)
        except InputError as error:
            problems.append(error.message)
        dataset.sidecars.forget(folder)
    if len(problems) == 1:
        raise InputError(problems[0])
    refuse(f"bids: {root} cannot be used as it is", [problem.removeprefix("bids: ") for problem in problems])
    for folder in folders:
        if folder in OPAQUE_FOLDERS and folder in options.folders:
            _opaque(dataset, folder, sessions, {name: _label(name, options) for name in subjects})
        elif folder == "phenotype":
            _files_of_dataset(dataset, folder, tree.entries(folder)[1])
        elif not folder.startswith("sub-"):
            asked = "set the option folders to send it" if folder in OPAQUE_FOLDERS else "it is no folder of BIDS"
            dataset.study.leave_out(f"{folder}/", f"is not sent: {asked}")
    for path in tree.ignored:
        hidden = path.rpartition("/")[2].startswith(".")
        dataset.study.leave_out(path, "is hidden" if hidden else "is ignored by .bidsignore")
    if dataset.shifted:
        dataset.study.leave_out(
            f"the dates of {dataset.shifted} sessions",
            f"lie before {FIRST_TRUE_YEAR}, by which BIDS marks dates that were shifted to hide the true ones",
        )
    tree.check()
    return dataset.study


def _subjects(root: Path, folders: list[str], wanted: Iterable[str]) -> list[str]:
    found = [folder for folder in folders if folder.startswith("sub-") and len(folder) > len("sub-")]
    if not found:
        raise InputError(f"bids: {root} has no folder sub-*. Give the top folder of a BIDS dataset.")
    names = {f"sub-{name.removeprefix('sub-')}" for name in wanted}
    if missing := sorted(names - set(found)):
        raise InputError(f"bids: subjects: {root} has no folder {shortened(missing)}.")
    return [folder for folder in found if not names or folder in names]


def _label(folder: str, options: Options) -> str:
    return folder if options.keep_prefix else folder.removeprefix("sub-")


def _participants_file(root: Path, files: list[str], name: str | None) -> str:
    if name is not None and name not in files:
        raise InputError(f"bids: participants: there is no file {name} in {root}.")
    return name or next((found for found in _PARTICIPANTS if found in files), _PARTICIPANTS[0])


def _participants(dataset: Dataset, name: str, files: list[str], subjects: list[str]) -> set[str]:
    """Describe the subjects by the participants table; return the files that must not be sent as they are."""
    if name not in files:
        return set()
    study, tree = dataset.study, dataset.tree
    table = read_table(tree.path(name), tree.text(name), "participant_id", or_first=True)
    about = f"{name.removesuffix('.tsv')}.json"
    descriptions: dict[str, Any] = read_json(tree.path(about), tree.text(about)) if about in files else {}
    people = People(table, descriptions, keep_phi=dataset.options.keep_phi)
    rows: dict[str, Row] = {}
    for label, row in table.rows.items():
        folder = f"sub-{label.removeprefix('sub-')}"
        if folder in rows:
            raise InputError(f"bids: {table.path}, line {row.line}: {folder} is already in line {rows[folder].line}.")
        rows[folder] = row
        if not dataset.options.subjects and folder not in subjects:
            study.leave_out(f"{name}, line {row.line}", f"there is no folder {folder}")
    for folder in subjects:
        if folder in rows:
            subject = Address(dataset.project, _label(folder, dataset.options))
            study.describe(subject, people.attributes(rows[folder]))
        else:
            study.leave_out(folder, f"has no row in {name}")
    for about, reason in people.remarks():
        study.leave_out(f"{name}, {about}", reason)
    if people.hidden:
        study.leave_out(name, "is not sent itself, as it has columns that may tell who a person is")
        return {name}
    return set()


def _files_of_dataset(
    dataset: Dataset, folder: str, files: list[str], *, also: Iterable[str] = (), withheld: Iterable[str] = ()
) -> None:
    """Put the files of the top or of a subject's folder into the project's resource, with their path."""
    resource = Address(dataset.project, resource=dataset.options.sidecar_resource)
    for text in files:
        path = f"{folder}/{text}" if folder else text
        name = parse(text)
        if text in withheld:
            continue
        if text not in also and not dataset.rules.allow(path, name):
            dataset.study.leave_out(path, dataset.rules.fault(name))
            continue
        dataset.sidecars.add(folder, name)
        if dataset.options.dataset_files:
            dataset.put(resource, path, path, name.extension.rpartition(".")[2].upper())


def _subject(dataset: Dataset, folder: str, known: dict[tuple[str, str], Address]) -> None:
    folders, files = dataset.tree.entries(folder)
    scans = [name for name in files if parse(name).suffix == "scans"]
    with_sessions = [name for name in folders if name.startswith("ses-")]
    moments = _sessions_table(dataset, folder, files, with_sessions)
    datatypes = [name for name in folders if name not in with_sessions]
    own = scans if datatypes else []
    _files_of_dataset(dataset, folder, [name for name in files if name not in own])
    rows = _rows(dataset, folder, scans)
    if datatypes:
        tables = _allowed(dataset, folder, own)
        session = Session(folder, folder, ("",), _datatypes(dataset, folder, datatypes), tables, rows)
        _session(dataset, session, "", dataset.options.session_without_folder, known)
    for name in with_sessions:
        inner = f"{folder}/{name}"
        inner_folders, inner_files = dataset.tree.entries(inner)
        own = [text for text in inner_files if parse(text).suffix == "scans"]
        _files_of_dataset(dataset, inner, [text for text in inner_files if text not in own])
        rows |= _rows(dataset, inner, own)
        session = Session(
            folder,
            inner,
            ("", folder),
            _datatypes(dataset, inner, inner_folders),
            _allowed(dataset, inner, own),
            rows,
            moments.get(name),
        )
        _session(dataset, session, name.removeprefix("ses-"), dataset.options.session, known)
    for path, (table, row) in rows.items():
        # A link whose content is missing is in the dataset, and is reported as not fetched.
        if not os.path.lexists(dataset.tree.path(path)):
            about = table.path.removeprefix(f"{dataset.tree.root}/")
            dataset.study.leave_out(f"{about}, line {row.line}", f"there is no file {path}")


def _allowed(dataset: Dataset, folder: str, names: list[str]) -> list[str]:
    paths = []
    for text in names:
        path = f"{folder}/{text}"
        if dataset.rules.allow(path, parse(text)):
            paths.append(path)
        else:
            dataset.study.leave_out(path, dataset.rules.fault(parse(text)))
    return paths


def _datatypes(dataset: Dataset, folder: str, folders: list[str]) -> list[str]:
    for name in folders:
        if name not in dataset.rules.datatypes:
            count = sum(1 for _ in dataset.tree.below(f"{folder}/{name}"))
            reason = f"is no folder of BIDS {dataset.rules.version}; the {count} files in it are not sent"
            dataset.study.leave_out(f"{folder}/{name}/", reason)
    return [name for name in folders if name in dataset.rules.datatypes]


def _sessions_table(dataset: Dataset, folder: str, files: list[str], sessions: list[str]) -> dict[str, Any]:
    """When each session of a subject was, by the name of its folder."""
    name = f"{folder}_sessions.tsv"
    if name not in files:
        return {}
    path = f"{folder}/{name}"
    table = read_table(dataset.tree.path(path), dataset.tree.text(path), "session_id")
    found = {}
    for label, row in table.rows.items():
        session = f"ses-{label.removeprefix('ses-')}"
        found[session] = acquired(table, row)
        if session not in sessions:
            dataset.study.leave_out(f"{path}, line {row.line}", f"there is no folder {folder}/{session}")
    return found


def _rows(dataset: Dataset, folder: str, names: list[str]) -> dict[str, tuple[Table, Row]]:
    """The rows of the _scans.tsv files of a folder, by the path of the file that each is about."""
    found: dict[str, tuple[Table, Row]] = {}
    for name in names:
        if name.endswith(".tsv"):
            path = f"{folder}/{name}"
            table = read_table(dataset.tree.path(path), dataset.tree.text(path), "filename")
            found |= {f"{folder}/{file.rstrip('/')}": (table, row) for file, row in table.rows.items()}
    return found


def _session(
    dataset: Dataset, session: Session, label: str, template: str, known: dict[tuple[str, str], Address]
) -> None:
    items = find(dataset, session)
    main = modality(items)
    if main is None:
        if items or session.tables:
            reason = f"has no image of a modality that XNAT has sessions of; {len(items)} files are not sent"
            dataset.study.leave_out(session.folder, reason)
        return
    subject = _label(session.subject, dataset.options)
    made = dataset.options.label(template, project=dataset.project, subject=subject, session=label, modality=main)
    address = Address(dataset.project, subject, made)
    add(dataset, session, address, items)
    known[session.subject, label] = address


def _opaque(dataset: Dataset, folder: str, sessions: dict[tuple[str, str], Address], subjects: dict[str, str]) -> None:
    """Put a folder that BIDS does not rule to the session, subject or project that its paths name."""
    for path in dataset.tree.below(folder):
        parts = path.split("/")[1:]
        label = folder
        if folder == "derivatives" and len(parts) > 1:
            # One resource for each pipeline.
            label = f"derivatives-{re.sub(r'[^A-Za-z0-9_.-]', '-', parts[0])}"
            parts = parts[1:]
        subject = next((part for part in parts if part.startswith("sub-") and "_" not in part), None)
        session = next((part for part in parts if part.startswith("ses-") and "_" not in part), "ses-")
        owner = Address(dataset.project)
        if subject is not None and subject not in subjects:
            if not dataset.options.subjects:
                dataset.study.leave_out(path, f"there is no folder {subject} in the dataset")
            continue
        if subject is not None:
            of_subject = [address for (name, _), address in sessions.items() if name == subject]
            owner = sessions.get((subject, session.removeprefix("ses-"))) or (
                of_subject[0] if len(of_subject) == 1 else Address(dataset.project, subjects[subject])
            )
        resource = Address(owner.project, owner.subject, owner.experiment, resource=label)
        dataset.put(resource, path, "/".join(parts))
