"""The names in XNAT's documents that tie an object to its server: what becomes of each in a copy, and why.

Every other name passes untouched, whatever the data type, so a type that this code has never heard of is copied whole.
Pure data. Reference: what copyxnat, xmigrate, dax and xsync leave out of documents, and XNAT's own answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fate(Enum):
    """What becomes of a value."""

    REPLACED = "replaced"  # the target has a value of its own in this place
    APART = "apart"  # copied by requests of its own
    LOST = "lost"  # cannot be carried: recorded beside the copy


@dataclass(frozen=True)
class Rule:
    """One name, where it counts, what becomes of it, and why."""

    name: str
    fate: Fate
    why: str


# Attributes of an object's own element.
ATTRIBUTES = (
    Rule("ID", Fate.LOST, "the server gives its own; labels are what stays"),
    Rule("project", Fate.REPLACED, "the project of the copy"),
)
# Of a scan the ID is its name, and stays.
NAMED_BY_ID = frozenset({"scan"})

ELEMENTS = (
    Rule("sharing", Fate.APART, "names projects that may not be there yet; shared again when all objects are there"),
    Rule("prearchivePath", Fate.LOST, "a path on the source's disk"),
    Rule("resources", Fate.APART, "entries of catalogs hold absolute paths; their files are sent"),
    Rule("file", Fate.APART, "the same, of scans and in lists of files"),
    Rule("in", Fate.APART, "resources that an assessor was made of"),
    Rule("out", Fate.APART, "resources that an assessor has made"),
    Rule("experiments", Fate.APART, "objects of their own, which XNAT shows with their subject"),
    Rule("assessors", Fate.APART, "objects of their own, which need their session first"),
    Rule("reconstructions", Fate.APART, "objects of their own, which need their session first"),
    Rule("insert_date", Fate.LOST, "XNAT writes its own"),
    Rule("insert_user", Fate.LOST, "XNAT writes its own"),
    Rule("last_modified", Fate.LOST, "XNAT writes its own"),
)
# Elements whose text is the ID of another object: the target's ID of the same object takes its place.
REFERENCES = (
    "subject_ID",
    "image_session_ID",
    "imageSession_ID",
    "session_id",
    "imageScan_ID",
    "subjectID",
)
# Elements that hold one object each, in lists: in a comparison they are told apart by one of these attributes.
KEYS = ("ID", "name", "label", "project")
