"""Ansible filters for an upload from several hosts: who sends which subject, and one report out of many.

Pure: they read no disk and no server. What a host has is told by the module study_info.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ansible.errors import AnsibleFilterError

# Options of xnat_upload, and of the dictionaries in it, that are paths.
PATHS = frozenset({"bids", "biobank", "manifest", "root", "report", "table", "lookup", "withdrawn"})
_ACTIONS = ("same", "sent", "replaced", "removed", "failed")
_SHOWN = 5
_REMARKS_SHOWN = 20
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def share_subjects(found: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Give each subject to one host that has it whole, such that the hosts have about the same number of bytes.

    `found` is {host: what study_info returned}. The same input gives the same answer. A subject of which no single
    host has everything is an error: it would arrive with some of it missing.
    """
    if problems := sharing_problems(found):
        raise AnsibleFilterError(_shortened(problems))
    copies = _copies(found)
    best = {subject: _fullest(hosts) for subject, hosts in copies.items()}
    load = dict.fromkeys(sorted(found), 0)
    shares: dict[str, list[str]] = {host: [] for host in load}

    def order(subject: str) -> tuple[bool, int, str]:
        # Where there is no choice first, so that the choices even it out; then the largest, as they are hard to place.
        hosts = best[subject]
        return len(hosts) > 1, -_bytes(copies[subject][hosts[0]]), subject

    for subject in sorted(best, key=order):
        host = min(best[subject], key=lambda name: (load[name], name))
        load[host] += _bytes(copies[subject][host])
        shares[host].append(subject)
    return {host: sorted(subjects) for host, subjects in shares.items()}


def first_with_project_files(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Name the host that sends what belongs to no subject: of those with the most such files the first, or ''."""
    most = max((study["totals"]["project_files"] for study in found.values()), default=0)
    return min((host for host, study in found.items() if most and study["totals"]["project_files"] == most), default="")


def sharing_problems(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say what would be left behind, because a host has what the one with more files has not; nothing is well."""
    problems = []
    for subject, hosts in _copies(found).items():
        for best in _fullest(hosts):
            for host, entry in hosts.items():
                missing = sorted(set(entry["sessions"]) - set(hosts[best]["sessions"]))
                if missing := missing or _more(entry["resources"], hosts[best]["resources"]):
                    problems.append(f"Subject {subject}: {host} has {_shortened(missing)}, which {best} has not.")
    if first := first_with_project_files(found):
        for host, study in sorted(found.items()):
            if missing := _more(study["project_resources"], found[first]["project_resources"]):
                problems.append(f"The project: {host} has files in {_shortened(missing)}, which {first} has not.")
    return problems


def _copies(found: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """{subject: {host: what it has of the subject}}, in order of both."""
    copies: dict[str, dict[str, Mapping[str, Any]]] = {}
    for host, study in sorted(found.items()):
        for entry in study["subjects"]:
            copies.setdefault(str(entry["subject"]), {})[host] = entry
    return dict(sorted(copies.items()))


def _fullest(hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Name the hosts with the most files (then bytes) of a subject."""
    most = max((int(entry["files"]), _bytes(entry)) for entry in hosts.values())
    return [host for host, entry in hosts.items() if (int(entry["files"]), _bytes(entry)) == most]


def _more(one: Mapping[str, int], other: Mapping[str, int]) -> list[str]:
    """Name the resources of which `one` has more files than `other`."""
    return [name for name, files in sorted(one.items()) if files > other.get(name, 0)]


def _bytes(entry: Mapping[str, Any]) -> int:
    return int(entry["bytes"])


def merge_reports(reports: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Make one report out of those of several hosts: {host: what xnat_upload returned}.

    Files and remarks say which host they are from. `failed` has the message of every host that did not end well.
    """
    merged: dict[str, Any] = {"totals": {}, "remarks": [], "files": [], "failed": {}}
    for host, report in sorted(reports.items()):
        for name, value in (report.get("totals") or {}).items():
            if name == "seconds":
                # They work at the same time.
                merged["totals"][name] = max(merged["totals"].get(name, 0), value)
            elif name != "bytes_per_second":
                merged["totals"][name] = merged["totals"].get(name, 0) + value
        merged["remarks"] += [{**remark, "host": host} for remark in report.get("remarks") or []]
        merged["files"] += [{**file, "host": host} for file in report.get("files") or []]
        # With `failed_when: false` there is nothing else left to tell a failure by: the module says `msg` only then.
        silenced = "failed_when_result" in report and "msg" in report
        if report.get("failed") is True or report.get("unreachable") is True or silenced:
            merged["failed"][host] = str(report.get("msg") or "no reason given")
    if seconds := merged["totals"].get("seconds"):
        merged["totals"]["bytes_per_second"] = round(merged["totals"].get("bytes_sent", 0) / seconds)
    merged["files"].sort(key=_place)
    return merged


def _place(file: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(file.get(name) or "") for name in ("project", "subject", "session", "scan", "resource", "name"))


def summed_up(merged: Mapping[str, Any]) -> str:
    """Say in words what a merged report says: how many files, what was left out, and what failed on which host."""
    totals = merged["totals"]
    counts = [f"{totals[name]:,} {name}" for name in _ACTIONS if totals.get(name)]
    lines = []
    if totals or not merged["failed"]:  # without, the failure came before the files were counted
        lines.append(f"{totals.get('files', 0):,} files: {', '.join(counts) or 'nothing to do'}.")
    if totals.get("bytes_sent"):
        lines.append(f"{totals['bytes_sent']:,} bytes sent in {totals.get('seconds', 0):.1f} s.")
    lines += _by_host(merged["files"])
    if merged["remarks"]:
        # Hosts that have the same data say the same.
        said = list(dict.fromkeys(f"- {remark['about']}: {remark['reason']}" for remark in merged["remarks"]))
        lines += ["Left out, or worth knowing:", *said[:_REMARKS_SHOWN]]
        if more := len(said[_REMARKS_SHOWN:]):
            lines.append(f"- and {more} more, all of them in a report whose name ends in .json")
    if merged["failed"]:
        lines += [
            message if host == "localhost" else f"{host}: {message}" for host, message in merged["failed"].items()
        ]
        lines.append("Run the same again when that is mended; what has arrived is not sent twice.")
    return "\n".join(lines)


def _by_host(files: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say how much each host had to do, unless there was only one."""
    subjects: dict[str, set[str]] = {}
    count = Counter(str(file["host"]) for file in files)
    for file in files:
        subjects.setdefault(str(file["host"]), set()).update([str(file["subject"])] if file.get("subject") else [])
    if len(count) < 2:
        return []
    return [
        f"{host}: {count[host]:,} of the files, {len(of):,} of the subjects." for host, of in sorted(subjects.items())
    ]


def report_text(report: Mapping[str, Any], path: str) -> str:
    """Write a report as the suffix of `path` says: .csv and .tsv have the files, .json has everything."""
    suffix = PurePath(path).suffix.lower()
    if suffix == ".json":
        return json.dumps(report, indent=1) + "\n"
    if suffix not in _DELIMITERS:
        raise AnsibleFilterError(f"report: {path!r} must end in .csv, .tsv or .json, which says how it is written.")
    files = report["files"]
    columns = dict.fromkeys(name for file in files for name in file)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(columns), delimiter=_DELIMITERS[suffix], lineterminator="\n")
    writer.writeheader()
    for file in files:
        writer.writerow({name: "" if value is None else value for name, value in file.items()})
    return buffer.getvalue()


def full_paths(study: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Return the options of xnat_upload with paths that are not full put below `folder`, where the user types."""
    return {
        name: full_paths(value, folder)
        if isinstance(value, Mapping)
        else _full(value, folder)
        if name in PATHS
        else value
        for name, value in study.items()
    }


def _full(value: Any, folder: str) -> Any:
    if isinstance(value, str):
        return value if value.startswith(("/", "~")) else str(PurePath(folder, value))
    return [_full(one, folder) for one in value] if isinstance(value, Sequence) else value


def _shortened(names: Iterable[str]) -> str:
    given = list(names)
    shown = ", ".join(given[:_SHOWN])
    return shown if len(given) <= _SHOWN else f"{shown} and {len(given) - _SHOWN} more"


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Any]:
        """Name the filters."""
        return {
            "share_subjects": share_subjects,
            "sharing_problems": sharing_problems,
            "first_with_project_files": first_with_project_files,
            "merge_reports": merge_reports,
            "summed_up": summed_up,
            "report_text": report_text,
            "full_paths": full_paths,
        }
