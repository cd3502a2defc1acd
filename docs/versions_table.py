"""Write the tables of versions in docs/admin/versions.md from vars/main.yml of the roles versions and facts.

    python docs/versions_table.py            write
    python docs/versions_table.py --check    say whether the page is out of date, and leave with 1 if it is

Only what stands between the two marks is replaced; the text around it is written by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

TREE = Path(__file__).resolve().parent.parent
DATA = [TREE / "roles" / role / "vars" / "main.yml" for role in ("versions", "facts")]
PAGE = TREE / "docs" / "admin" / "versions.md"
BEGIN = "<!-- versions: written by docs/versions_table.py from vars/main.yml of the roles versions and facts -->"
END = "<!-- end of versions -->"


def limits(found: dict[str, str]) -> str:
    """What one part may be, in words."""
    if "before" in found:
        return f"{found['from']}, before {found['before']}"
    return f"{found['from']} to {found['tested']}" if "tested" in found else f"{found['from']} or later"


def tables(data: dict[str, Any]) -> str:
    """Both tables: what goes together, and what each distribution brings."""
    rows = ["| XNAT | Java | Tomcat | PostgreSQL | plugins | otherwise | known from |", "|---|---|---|---|---|---|---|"]
    for row in data["__versions_table"]:
        otherwise = "; ".join(dict.fromkeys([*row["why"].values(), *row.get("wants", {}).values()]))
        cells = (
            f"{row['from']}, before {row['before']}",
            " or ".join(map(str, row["java"])),
            limits(row["tomcat"]),
            limits(row["postgresql"]),
            row["plugins"],
            otherwise,
            row["evidence"],
        )
        rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    rows += ["", "| distribution | its PostgreSQL | its Java |", "|---|---|---|"]
    for name, brings in data["__facts_distributions"].items():
        rows.append(f"| {name.replace('-', ' ')} | {brings['postgresql']} | {', '.join(map(str, brings['java']))} |")
    return "\n".join(rows)


def data_of_roles() -> dict[str, Any]:
    """The variables of both roles."""
    return {name: value for file in DATA for name, value in yaml.safe_load(file.read_text(encoding="utf-8")).items()}


def with_tables(page: str, data: dict[str, Any]) -> str:
    """The page with fresh tables between its marks; ``ValueError`` when the marks are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} lacks the lines\n{BEGIN}\n{END}")
    return f"{before}{BEGIN}\n\n{tables(data)}\n\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Write or check the page; the exit code."""
    old = PAGE.read_text(encoding="utf-8")
    new = with_tables(old, data_of_roles())
    if new == old:
        return 0
    name = PAGE.relative_to(TREE)
    if arguments == ["--check"]:
        print(f"{name} is out of date: run python docs/versions_table.py")
        return 1
    PAGE.write_text(new, encoding="utf-8")
    print(f"{name} written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
