"""Write docs/xnat-rules.md: each rule of XNAT that this project relies on, its source, and the tests that hold it.

    python docs/xnat_rules.py            write
    python docs/xnat_rules.py --check    say what is wrong or out of date, and leave with 1 if anything is

Rules are in tests/xnat_twin/rules/AREA.yml; a test says which it holds with `@pytest.mark.rule("ID")`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

TREE = Path(__file__).resolve().parent.parent
RULES = TREE / "tests" / "xnat_twin" / "rules"
CONTRACT = TREE / "tests" / "contract"
PAGE = TREE / "docs" / "xnat-rules.md"

#: How a rule is known, in the order of trust.
BASES = {
    "source": "read in XNAT's source",
    "client": "seen from a client that depends on it",
    "inferred": "**inferred**: nobody has seen it",
}
HEAD = """# What XNAT does: each rule, its source, and the test that holds it

Written by `make docs` from `tests/xnat_twin/rules/`. The tests run against the practice XNAT with every change, and
against a real one with `XNAT_URL=… XNAT_USER=… XNAT_PASSWORD=… make contract`; tests marked † need the inside of the
practice XNAT, or switches that only it has, and are left out there.

Sources are classes of XNAT 1.8.11 unless something else is named. {inferred} of {count} rules are inferred: where a
real server disagrees with one of them, believe the server, and tell us.
"""


@dataclass(frozen=True)
class Rule:
    """One rule: `basis` is a key of BASES, `area` the name of its file."""

    area: str
    id: str
    rule: str
    source: str
    basis: str


@dataclass(frozen=True)
class ContractTest:
    """A contract test that holds rules; `practice` if it runs against the practice XNAT only."""

    file: str
    name: str
    rules: tuple[str, ...]
    practice: bool


def read_rules(folder: Path = RULES) -> list[Rule]:
    """All rules, by file and in the order of each file. Raises ValueError for one that is not complete."""
    found = []
    for path in sorted(folder.glob("*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
            if set(entry) != {"id", "rule", "source", "basis"} or entry["basis"] not in BASES:
                raise ValueError(f"{path.name}: {entry} needs id, rule, source and a basis of {', '.join(BASES)}")
            found.append(Rule(path.stem, **{key: str(value).strip() for key, value in entry.items()}))
    return found


def read_tests(folder: Path = CONTRACT) -> list[ContractTest]:
    """The contract tests that are marked with rules, read from their source without running it."""
    return [test for path in sorted(folder.glob("test_*.py")) for test in _tests_of(path)]


def _tests_of(path: Path) -> Iterator[ContractTest]:
    module = ast.parse(path.read_text(encoding="utf-8"))
    starters = _needing_practice(module)
    whole_file = [mark for node in module.body if _assigns_marks(node) for mark in _marks(ast.walk(node))]
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = [*whole_file, *_marks(inner for one in node.decorator_list for inner in ast.walk(one))]
            rules = [rule for name, arguments in marks if name == "rule" for rule in arguments]
            if rules:
                inside = node.name in starters or any(name == "practice_xnat" for name, _ in marks)
                yield ContractTest(path.name, node.name, tuple(rules), inside)


def _needing_practice(module: ast.Module) -> set[str]:
    """Functions that ask for the fixture `practice`, or for a fixture of the same file that does."""
    found = {"practice"}
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    for _ in functions:
        found |= {one.name for one in functions if found & {argument.arg for argument in one.args.args}}
    return found


def _assigns_marks(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)


def _marks(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, list[str]]]:
    """(name, text arguments) of each `pytest.mark.NAME(...)`, also inside `pytest.param(..., marks=...)`."""
    for node in nodes:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and ast.unparse(node.func.value) == "pytest.mark"
        ):
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            yield node.func.attr, texts


def problems(rules: list[Rule], tests: list[ContractTest]) -> list[str]:
    """What is wrong with the two together: double or untested rules, tests of unknown rules."""
    identifiers = [rule.id for rule in rules]
    tested = {identifier for test in tests for identifier in test.rules}
    return [
        *(f"rule {one} is listed twice" for one in sorted({i for i in identifiers if identifiers.count(i) > 1})),
        *(f"rule {rule.id} ({rule.area}) has no test" for rule in rules if rule.id not in tested),
        *(
            f"{test.file}::{test.name} names the unknown rule {one}"
            for test in tests
            for one in test.rules
            if one not in set(identifiers)
        ),
    ]


def page(rules: list[Rule], tests: list[ContractTest]) -> str:
    """The page, one table per area."""
    holders: Mapping[str, list[ContractTest]] = {rule.id: [t for t in tests if rule.id in t.rules] for rule in rules}
    inferred = sum(rule.basis == "inferred" for rule in rules)
    lines = [HEAD.format(inferred=inferred, count=len(rules))]
    for area in dict.fromkeys(rule.area for rule in rules):
        lines += [f"## {area.replace('_', ' ').capitalize()}", "", "| rule | source | tests |", "|---|---|---|"]
        lines += [_row(rule, holders[rule.id]) for rule in rules if rule.area == area] + [""]
    return "\n".join(lines).rstrip() + "\n"


def _row(rule: Rule, holders: list[ContractTest]) -> str:
    names = "<br>".join(
        f"[{test.name.removeprefix('test_')}](../tests/contract/{test.file}){' †' if test.practice else ''}"
        for test in holders
    )
    cells = (_cell(rule.rule), f"{_cell(rule.source)} ({BASES[rule.basis]})", names)
    return "| " + " | ".join(cells) + " |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def main(arguments: list[str]) -> int:
    """Write or check; 0 if nothing is wrong."""
    rules, tests = read_rules(), read_tests()
    wrong = problems(rules, tests)
    text = page(rules, tests)
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        wrong.append("docs/xnat-rules.md is out of date: type make docs")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
