"""Ansible filters for versions that belong together: the row of a version, and what does not fit it.

Pure. The table is data (roles/versions/vars/main.yml); nothing in here names a version.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

Row = Mapping[str, Any]
Version = tuple[int, ...]
LENGTH = 4  # numbers of the longest version: 1.9.3.4
PARTS = {
    "java": ("Java", "tomcat_java_package, or tomcat_java_archive_src and tomcat_java_version"),
    "tomcat": ("Tomcat", "tomcat_version, tomcat_archive_src and tomcat_archive_checksum"),
    "postgresql": ("PostgreSQL", "postgresql_version, or the release of the database's host"),
}
CAN_BE_ALLOWED = "To try it all the same, set versions_allow_unknown: true"


def parse(version: Any) -> tuple[Version, str]:
    """Numbers of a version, padded, and what follows them: 1.10.0-RC1 is ((1, 10, 0, 0), "-RC1")."""
    found = re.fullmatch(r"(\d+(?:\.\d+)*)(.*)", str(version).strip())
    if found is None:
        raise AnsibleFilterError(f"{version!r} is no version: it must begin with a digit, as in 1.10.1")
    numbers = tuple(map(int, found[1].split(".")))
    return (numbers + (0,) * LENGTH)[: max(LENGTH, len(numbers))], found[2]


def java_feature(version: Any) -> int:
    """The number by which people call a Java: 8 for 1.8.0_402 and 8u402, 21 for 21.0.8+9."""
    numbers, _ = parse(version)
    return numbers[1] if numbers[0] == 1 else numbers[0]


def called(row: Row) -> str:
    """How a message and the documentation name a row."""
    return f"XNAT from {row['from']}, before {row['before']}"


def version_row(version: Any, table: Sequence[Row]) -> Row | None:
    """The row that a version of XNAT belongs to, by its numbers; None when the table has none."""
    numbers, _ = parse(version)
    for row in table:
        if parse(row["from"])[0] <= numbers < parse(row["before"])[0]:
            return row
    return None


def version_overrides(table: Sequence[Row], overrides: Sequence[Row]) -> list[Row]:
    """The table with other limits in some rows: for tests with a stand-in, which runs where the real one does not."""
    rows = {str(row["from"]): dict(row) for row in table}
    for override in overrides:
        first, unknown = str(override.get("from", "")), sorted(set(override) - {"from", *PARTS})
        if first not in rows or unknown:
            raise AnsibleFilterError(
                f"versions_table_overrides: {dict(override)} needs `from` as one of {', '.join(rows)}, and beside it "
                f"only {', '.join(PARTS)}"
            )
        rows[first] |= {part: override[part] for part in PARTS if part in override}
    return list(rows.values())


def version_problems(asked: Mapping[str, Any], table: Sequence[Row], allow_unknown: bool = False) -> list[str]:
    """What does not fit together, one line each.

    `asked` has `xnat`, and of `java`, `tomcat`, `postgresql` (versions) and `modules` (a list) what is known here.
    """
    xnat = str(asked["xnat"])
    numbers, suffix = parse(xnat)
    row = version_row(xnat, table)
    newest = table[-1]
    if suffix and not allow_unknown:
        return [f"XNAT {xnat} (xnat_version) is no release, and the table judges releases. {CAN_BE_ALLOWED}"]
    if row is None:
        if numbers < parse(newest["before"])[0]:
            return [f"XNAT {xnat} (xnat_version) is older than all that is known here: {table[0]['from']} is the first"]
        if not allow_unknown:
            return [
                f"XNAT {xnat} (xnat_version) is newer than all that is known here: {newest['before']} and later are in "
                f"no row of the table. {CAN_BE_ALLOWED}; it is judged as {newest['from']} then"
            ]
        row = newest
    problems = [*_java_problems(xnat, row, asked.get("java"))]
    for part in ("tomcat", "postgresql"):
        problems += _range_problems(part, xnat, row, asked.get(part), allow_unknown)
    return problems + module_problems(xnat, row, asked.get("modules") or [], table)


def _unfit(part: str, xnat: str, row: Row, found: Any, allowed: str) -> str:
    word, variables = PARTS[part]
    why = f" ({row['why'][part]})" if part in row["why"] else ""
    return (
        f"{word} {found} does not go with XNAT {xnat}: the row '{called(row)}' allows {word} {allowed}{why}. "
        f"Change {variables}, or xnat_version"
    )


def _java_problems(xnat: str, row: Row, version: Any) -> list[str]:
    if not version or java_feature(version) in row["java"]:
        return []
    return [_unfit("java", xnat, row, version, " or ".join(map(str, row["java"])))]


def allowed(limits: Mapping[str, str]) -> str:
    """The limits of one part in words."""
    if "before" in limits:
        return f"from {limits['from']}, before {limits['before']}"
    return f"from {limits['from']} to {limits['tested']}" if "tested" in limits else f"{limits['from']} or later"


def _range_problems(part: str, xnat: str, row: Row, version: Any, allow_unknown: bool) -> list[str]:
    if not version:
        return []
    limits = row[part]
    numbers, suffix = parse(version)
    if numbers < parse(limits["from"])[0] or ("before" in limits and numbers >= parse(limits["before"])[0]):
        return [_unfit(part, xnat, row, version, allowed(limits))]
    if "tested" in limits and numbers[0] > parse(limits["tested"])[0][0] and not allow_unknown:
        return [f"{_unfit(part, xnat, row, version, allowed(limits))}. {CAN_BE_ALLOWED}"]
    if suffix and not allow_unknown:
        word, variables = PARTS[part]
        return [f"{word} {version} is no release, and the table judges releases: see {variables}. {CAN_BE_ALLOWED}"]
    return []


def module_problems(xnat: str, row: Row, modules: Sequence[Mapping[str, Any]], table: Sequence[Row]) -> list[str]:
    """Modules that are listed twice, and those that were built for another generation of XNAT."""
    counted = Counter(str(module["name"]) for module in modules)
    problems = [
        f"xnat_modules lists {name} {count} times: two versions of one plugin on the class path do not work. Keep one"
        for name, count in counted.items()
        if count > 1
    ]
    for module in modules:
        built_for = module.get("xnat_generation")
        if not built_for:
            continue
        home = version_row(built_for, table)
        if home is None or home["plugins"] != row["plugins"]:
            why = f" ({row['why']['plugins']})" if "plugins" in row["why"] else ""
            problems.append(
                f"xnat_modules: {module['name']} {module.get('version', '')} was built for XNAT {built_for} and does "
                f"not go with XNAT {xnat}: the row '{called(row)}' takes plugins of generation {row['plugins']}{why}. "
                f"Get its build for XNAT {xnat}, or leave it out"
            )
    return problems


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """The filters by name."""
        return {
            "version_problems": version_problems,
            "version_overrides": version_overrides,
            "version_row": version_row,
            "java_feature": java_feature,
        }
