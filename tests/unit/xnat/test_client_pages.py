"""What the data managers' pages say of whole studies is so: options, columns, words, fields; links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.xnat.study import report
from ansible.module_utils.xnat.study.metadata import sidecar
from ansible.module_utils.xnat.study.module import SOURCES, upload_options
from ansible.module_utils.xnat.study.sources import bids_people, columns, manifest

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = [DOCS / "studies.md", *sorted((DOCS / "studies").glob("*.md"))]
ALL_PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a page in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def rows(page: Path, first: str) -> list[list[str]]:
    """The cells of the table whose first heading is that text."""
    lines = page.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    table = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return table


def named(text: str) -> set[str]:
    """Everything that stands in backticks."""
    return set(re.findall(r"`([^`]+)`", text))


def studies() -> list[Any]:
    return [
        pytest.param(content["study"], id=f"{page.stem}-{number}")
        for page in PAGES
        for number, text in enumerate(blocks(page, "yaml"))
        if "study" in (content := yaml.safe_load(text))
    ]


def test_every_source_has_an_example() -> None:
    assert {source for study in studies() for source in SOURCES if source in study.values[0]} == set(SOURCES)


@pytest.mark.parametrize("study", studies())
def test_examples_are_options_of_the_module(study: dict[str, Any]) -> None:
    validator = ArgumentSpecValidator(upload_options(), mutually_exclusive=[SOURCES], required_one_of=[SOURCES])
    assert validator.validate(study).error_messages == []


def test_choices_and_defaults_are_those_of_the_module() -> None:
    options, told, option = upload_options(), dict[str, list[str]](), ""
    for cells in rows(PAGES[0], "option"):
        option = cells[0].strip("`") or option
        told.setdefault(option, []).append(cells[1])
    assert set(told) <= set(options)
    for name, choices in told.items():
        if "choices" in options[name]:
            assert choices[0].strip("*`") == options[name]["default"], name
            assert {choice.strip("*`") for choice in choices} == set(options[name]["choices"]), name
        elif "default" in options[name]:
            assert [choice.strip("*`") for choice in choices] == [str(options[name]["default"]).lower()], name


def test_the_report_is_described_as_it_is() -> None:
    assert set().union(*(named(cells[0]) for cells in rows(PAGES[0], "column"))) == set(report.COLUMNS)
    assert [cells[0].strip("`") for cells in rows(PAGES[0], "action")] == list(report.ACTIONS)


def test_the_columns_of_a_manifest_are_all_described() -> None:
    told = set().union(*(named(" ".join(cells[:2])) for cells in rows(DOCS / "studies" / "tables.md", "column")))
    assert {*columns.COLUMNS, *manifest.FILE_COLUMNS} <= told


def test_fields_of_sidecars_are_those_that_are_written() -> None:
    table = rows(DOCS / "studies" / "attributes.md", "in the sidecar")
    for name, (path, _) in {**sidecar._OF_ANY_SCAN, **sidecar._OF_MR_SCAN}.items():
        cells = next((cells for cells in table if name in named(cells[0])), None)
        if name == "OperatorsName":
            assert cells is None  # personal data: only with phi: keep
            continue
        assert cells is not None, name
        assert {path, path.rpartition("/")[2]} & named(cells[1]), name


def test_columns_about_people_are_those_that_are_read() -> None:
    table = rows(DOCS / "studies" / "attributes.md", "column")
    for option, names in bids_people.COLUMNS.items():
        assert any(set(names) <= named(cells[0]) and option in named(cells[0] + cells[1]) for cells in table), option


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            known = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in known, target
