"""What the name of a file in a BIDS dataset says: its entities, suffix and extension, and whether BIDS allows it.

The rules are those of bidsschematools, which is the BIDS specification as data. Reads no dataset.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import InputError

_SUFFIX_GROUP = re.compile(r"\(\?P<suffix>([^)]*)\)")
_EXTENSION_GROUP = re.compile(r"\(\?P<extension>([^)]*)\)")
# Folders whose insides BIDS does not rule.
OPAQUE_FOLDERS = ("code", "derivatives", "docs", "logs", "sourcedata", "stimuli")


@dataclass(frozen=True, slots=True)
class Name:
    """The parts of a file's name: `sub-01_task-rest_bold.nii.gz` is {sub: 01, task: rest}, bold and .nii.gz."""

    text: str
    entities: Mapping[str, str]
    suffix: str
    extension: str

    @property
    def stem(self) -> str:
        """The name without its extension."""
        return self.text[: len(self.text) - len(self.extension)]

    def without(self, *entities: str) -> Mapping[str, str]:
        """The entities but these."""
        return {key: value for key, value in self.entities.items() if key not in entities}

    def within(self, other: Name) -> bool:
        """Whether the other one has all entities that this one has: by the inheritance principle, it applies to it."""
        return all(other.entities.get(key) == value for key, value in self.entities.items())


def parse(text: str) -> Name:
    """Take a name apart, whether BIDS allows it or not."""
    stem, dot, rest = text.partition(".")
    *parts, suffix = stem.split("_")
    pairs = (part.partition("-") for part in parts)
    return Name(text, {key: value for key, dash, value in pairs if dash}, suffix, dot + rest)


class Rules:
    """The rules of BIDS for the paths of files, compiled once."""

    def __init__(self) -> None:
        """Load them. Raises InputError if the package that holds them is not installed."""
        try:
            # By itself the package does not import this part, and its own function needs it.
            import bidsschematools.schema
            from bidsschematools.rules import regexify_all
        except ImportError as error:
            raise InputError(
                "A BIDS dataset needs the Python package bidsschematools on the machine that sends it: "
                "pip install bidsschematools"
            ) from error
        rules, schema = regexify_all()
        self.version = str(bidsschematools.schema.load_schema().bids_version)
        self._by_suffix: dict[str, list[re.Pattern[str]]] = {}
        self._others: list[re.Pattern[str]] = []
        folders: set[str] = set()
        for rule in rules:
            text = rule["regex"]
            if suffixes := _SUFFIX_GROUP.search(text):
                pattern = re.compile(text)
                for suffix in suffixes.group(1).split("|"):
                    self._by_suffix.setdefault(suffix, []).append(pattern)
                if (extensions := _EXTENSION_GROUP.search(text)) and "/" in extensions.group(1):
                    folders |= {part.replace("\\", "")[:-1] for part in extensions.group(1).split("|") if "/" in part}
            elif not text.startswith(tuple(f"(?P<path>{folder})" for folder in OPAQUE_FOLDERS)):
                self._others.append(re.compile(text))
        self._folder_extensions = tuple(sorted(folders - {""}))
        self._entities = {str(entity["name"]) for entity in _values(schema["objects"]["entities"])}
        self.datatypes = frozenset(
            str(datatype) for modality in _values(schema["rules"]["modalities"]) for datatype in modality["datatypes"]
        )

    def is_recording(self, folder: str) -> bool:
        """Whether a folder of that name is the recording itself (`sub-01_task-rest_meg.ds`), not a place for files."""
        return folder.endswith(self._folder_extensions)

    def allow(self, path: str, name: Name) -> bool:
        """Whether BIDS allows a file at that path, relative to the dataset; a recording's folder ends in `/`."""
        return any(rule.match(path) for rule in self._by_suffix.get(name.suffix, ())) or any(
            rule.match(path) for rule in self._others
        )

    def fault(self, name: Name) -> str:
        """Say what is wrong with a name that is not allowed."""
        if not name.suffix or name.suffix not in self._by_suffix:
            return f"is not a BIDS name: {name.suffix!r} is no suffix of BIDS {self.version}"
        unknown = sorted(set(name.entities) - self._entities)
        if unknown:
            return f"is not a BIDS name: {unknown[0]!r} is no entity of BIDS {self.version}"
        return (
            f"is not a BIDS name: the suffix {name.suffix!r} cannot have this extension, these entities, their order "
            "or this folder"
        )


def _values(namespace: Any) -> list[Any]:
    return [namespace[key] for key in namespace]


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts run-2 before run-10."""
    parts = re.split(r"(\d+)", text)
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)
