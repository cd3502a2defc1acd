"""Write the table of variables in each role's README from the role's argument specification.

    python docs/role_readme.py            write
    python docs/role_readme.py --check    say which READMEs are out of date, and leave with 1 if any is

Only what stands between the two marks is replaced; the text around it is written by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parent.parent / "roles"
BEGIN = "<!-- variables: written by docs/role_readme.py from meta/argument_specs.yml -->"
END = "<!-- end of variables -->"


def options_of(role: Path) -> dict[str, dict[str, Any]]:
    """All options of a role's entry points by name, in the order of the file."""
    text = (role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    options: dict[str, dict[str, Any]] = {}
    for entry_point in yaml.safe_load(text)["argument_specs"].values():
        for name, option in entry_point.get("options", {}).items():
            options.setdefault(name, option)
    return options


def shown_default(option: dict[str, Any]) -> str:
    """The default as an admin would write it in YAML, or what to do when there is none."""
    if option.get("required"):
        return "**required**"
    default = option["default"]
    if default in ("", [], {}):
        return "(empty)"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list):
        return "<br>".join(f"`{item}`" for item in default)
    text = str(default)
    return f"`{text[:40]}...`" if text.startswith(("sha256:", "sha512:")) else f"`{text}`"


def table(options: dict[str, dict[str, Any]]) -> str:
    """A Markdown table, required options first."""
    if not options:
        return "There are none."
    rows = ["| variable | type | default | what it is |", "|---|---|---|---|"]
    for name, option in sorted(options.items(), key=lambda pair: not pair[1].get("required")):
        kind = f"{option['type']} of {option['elements']}" if option.get("elements") else option["type"]
        description = str(option["description"]).strip()
        if option.get("choices"):
            description += " One of " + ", ".join(f"`{choice}`" for choice in option["choices"]) + "."
        if option.get("no_log"):
            description += " Secret: never shown."
        cells = (f"`{name}`", kind, shown_default(option), description)
        rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(rows)


def with_table(readme: str, options: dict[str, dict[str, Any]]) -> str:
    """The README with a fresh table between its marks; ``ValueError`` when the marks are missing."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README lacks the lines\n{BEGIN}\n{END}")
    return f"{before}{BEGIN}\n\n{table(options)}\n\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Write or check all READMEs; the exit code."""
    check = arguments == ["--check"]
    stale = []
    for spec in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        role = spec.parent.parent
        path = role / "README.md"
        old = path.read_text(encoding="utf-8")
        new = with_table(old, options_of(role))
        if new != old:
            stale.append(str(path.relative_to(ROLES.parent)))
            if not check:
                path.write_text(new, encoding="utf-8")
    for name in stale:
        print(f"{name} {'is out of date: run python docs/role_readme.py' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
