"""Numbers of scans that stay what they are: a scan that is there keeps its ID, a new one gets the next free number.

Pure. Scans are told apart by their series_description, which for a BIDS dataset is the stem of the image's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...address import Address
from ...errors import InputError
from ...plan import shortened
from ..study import Study


def numbered(study: Study, existing: Mapping[Address, Mapping[str, str]]) -> Study:
    """Return the study with the numbers of its scans fitted to those on the server.

    `existing` has, for each session that is there, {series_description: ID of the scan}; of scans without one, any
    unique text may stand for it, so that their IDs are known as taken. A new number is the lowest above all numbers in
    use, so it never falls into a gap that a deleted scan has left, and is never the type of a scan, which XNAT would
    take for its ID. A scan whose ID is no number keeps that ID. Raises InputError if two scans of the study have the
    same series_description, or one would get an ID that another one has.
    """
    changes: dict[Address, Address] = {}
    of_session: dict[Address, list[Address]] = {}
    for scan in study.addresses("scan"):
        of_session.setdefault(scan.up_to("experiment"), []).append(scan)
    for session, scans in of_session.items():
        there = existing.get(session, {})
        series = {scan: _series(study, scan) for scan in scans}
        _check_unique(session, [text for text in series.values() if text])
        types = {str(study.attributes[scan].options.get("type")) for scan in scans if scan in study.attributes}
        taken = set(there.values())
        new: list[Address] = []
        for scan in sorted(scans, key=_order):
            known = there.get(series[scan] or "")
            if known is not None:
                changes[scan] = Address(scan.project, scan.subject, scan.experiment, known)
            elif not str(scan.scan).isdecimal():
                if scan.scan in taken:
                    raise InputError(
                        f"The {session} has a scan {scan.scan} that is another one than that of the study "
                        f"({series[scan]}). Give one of them another ID."
                    )
                taken.add(str(scan.scan))
            else:
                new.append(scan)
        _check_types(session, taken, types)
        number = max((int(label) for label in taken if label.isdecimal()), default=0) if there else None
        for scan in new:
            if number is None:  # a new session: the numbers of the source are as good as any
                continue
            number += 1
            while str(number) in types:
                number += 1
            changes[scan] = Address(scan.project, scan.subject, scan.experiment, str(number))
    return study.moved({old: target for old, target in changes.items() if old != target})


def numbers(count: int, types: Iterable[str]) -> list[str]:
    """The first numbers, as IDs of scans, that are not the type of one."""
    avoided = set(types)
    found: list[str] = []
    number = 0
    while len(found) < count:
        number += 1
        if str(number) not in avoided:
            found.append(str(number))
    return found


def _series(study: Study, scan: Address) -> str | None:
    attributes = study.attributes.get(scan)
    return (
        str(attributes.options["series_description"])
        if attributes and (attributes.options.get("series_description"))
        else None
    )


def _order(scan: Address) -> tuple[int, str]:
    label = str(scan.scan)
    return (int(label), "") if label.isdecimal() else (0, label)


def _check_unique(session: Address, texts: list[str]) -> None:
    twice = sorted({text for text in texts if texts.count(text) > 1}) if len(set(texts)) != len(texts) else []
    if twice:
        raise InputError(
            f"Several scans of the {session} have the same series_description, so that they cannot be told from each "
            f"other when they are numbered: {shortened(twice)}."
        )


def _check_types(session: Address, taken: Iterable[str], types: Iterable[str]) -> None:
    both = sorted(set(taken) & set(types))
    if both:
        raise InputError(
            f"In the {session}, {both[0]!r} is both the ID of a scan and the type of one; XNAT would take one for the "
            "other. Give the scan another ID or type."
        )
