"""The table of versions, row by row: what it lets through, what it refuses, and what it says then."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from roles_tree import ROLES, ROOT, load_module, options_of, read_yaml

versions = load_module("filter_plugins/versions.py")
versions_table = load_module("docs/versions_table.py")
VARIABLES = versions_table.data_of_roles()
TABLE = VARIABLES["__versions_table"]


def problems(xnat: str, allow_unknown: bool = False, **asked: Any) -> list[str]:
    found: list[str] = versions.version_problems({"xnat": xnat, **asked}, TABLE, allow_unknown)
    return found


@pytest.mark.parametrize(
    ("xnat", "java", "tomcat", "postgresql"),
    [
        ("1.6.5", "7", "7.0.109", "9.3"),
        ("1.7.6", "8", "7.0.109", "9.6"),
        ("1.7.6", "7", "7.0.109", "9.1"),
        ("1.8.0", "8", "7.0.109", "11"),
        ("1.8.1", "1.8.0_402", "7.0.109", "14"),
        ("1.8.2", "8u402", "9.0.115", "14"),
        ("1.8.10.1", "8", "9.0.50", "11"),
        ("1.9.0", "8", "9.0.115", "12"),
        ("1.9.3.3", "8", "9.0.115", "16.9"),
        ("1.9.3.4", "8", "9.0.116", "17"),
        ("1.9.4", "8", "9.0.120", "16"),
        ("1.10.0", "21", "9.0.117", "12"),
        ("1.10.1", "21.0.8+9", "9.0.117", "17"),
        ("1.10.2", "21", "9.0.117", "18"),
        ("1.11.0", "21", "10.1.57", "17"),
    ],
)
def test_what_belongs_together_passes(xnat: str, java: str, tomcat: str, postgresql: str) -> None:
    assert problems(xnat, java=java, tomcat=tomcat, postgresql=postgresql) == []


# What is asked → the row that is broken, and what the row allows.
BROKEN = [
    ("1.6.5", {"java": "8"}, "XNAT from 1.6, before 1.7", "Java 7"),
    ("1.6.5", {"java": "21"}, "XNAT from 1.6, before 1.7", "nothing newer works"),
    ("1.6.5", {"tomcat": "9.0.117"}, "XNAT from 1.6, before 1.7", "Tomcat from 7.0, before 8"),
    ("1.6.5", {"postgresql": "15"}, "XNAT from 1.6, before 1.7", "PostgreSQL from 9.0, before 10"),
    ("1.7.6", {"java": "21"}, "XNAT from 1.7, before 1.8", "Java 7 or 8"),
    ("1.7.6", {"tomcat": "9.0.50"}, "XNAT from 1.7, before 1.8", "Tomcat from 7.0, before 8"),
    ("1.7.6", {"postgresql": "9.0"}, "XNAT from 1.7, before 1.8", "from 9.1, before 10"),
    ("1.8.0", {"tomcat": "9.0.50"}, "XNAT from 1.8.0, before 1.8.2", "Tomcat from 7.0, before 8"),
    ("1.8.1", {"java": "7"}, "XNAT from 1.8.0, before 1.8.2", "Java 8"),
    ("1.8.2", {"tomcat": "7.0.109"}, "XNAT from 1.8.2, before 1.9", "Tomcat from 9.0, before 9.0.116"),
    ("1.8.2", {"tomcat": "9.0.116"}, "XNAT from 1.8.2, before 1.9", "blank (XNAT-8723)"),
    ("1.8.2", {"postgresql": "9.6"}, "XNAT from 1.8.2, before 1.9", "PostgreSQL from 11 to 14"),
    ("1.9.0", {"tomcat": "9.0.116"}, "XNAT from 1.9.0, before 1.9.3.4", "blank (XNAT-8723)"),
    ("1.9.3.3", {"tomcat": "9.0.117"}, "XNAT from 1.9.0, before 1.9.3.4", "Tomcat from 9.0, before 9.0.116"),
    ("1.9.3", {"java": "21"}, "XNAT from 1.9.0, before 1.9.3.4", "Java 8 (XNAT runs on 21 from 1.10 on)"),
    ("1.9.3.4", {"java": "21"}, "XNAT from 1.9.3.4, before 1.10", "Java 8"),
    ("1.9.3.4", {"tomcat": "10.1.57"}, "XNAT from 1.9.3.4, before 1.10", "Tomcat from 9.0, before 10"),
    ("1.10.0", {"java": "8"}, "XNAT from 1.10.0, before 1.10.2", "Java 21 (XNAT 1.10 is compiled for 21)"),
    ("1.10.1", {"java": "17"}, "XNAT from 1.10.0, before 1.10.2", "Java 21"),
    ("1.10.1", {"tomcat": "10.1.57"}, "XNAT from 1.10.0, before 1.10.2", "Tomcat from 9.0, before 10"),
    ("1.10.1", {"tomcat": "8.5.100"}, "XNAT from 1.10.0, before 1.10.2", "Tomcat from 9.0, before 10"),
    ("1.10.2", {"postgresql": "11"}, "XNAT from 1.10.2, before 1.11", "PostgreSQL 12 or later"),
    ("1.11.0", {"tomcat": "9.0.117"}, "XNAT from 1.11, before 1.12", "javax became jakarta"),
    ("1.11.0", {"tomcat": "10.0.27"}, "XNAT from 1.11, before 1.12", "Tomcat from 10.1, before 11"),
    ("1.11.0", {"java": "8"}, "XNAT from 1.11, before 1.12", "Java 21"),
]


@pytest.mark.parametrize(("xnat", "asked", "row", "allowed"), BROKEN)
def test_what_breaks_is_refused_also_for_those_who_allow_what_is_unknown(
    xnat: str, asked: dict[str, Any], row: str, allowed: str
) -> None:
    [(part, version)] = asked.items()
    for allow_unknown in (False, True):
        [line] = problems(xnat, allow_unknown, **asked)
        for words in (f"XNAT {xnat}", f"'{row}'", allowed, version, "Change ", "or xnat_version"):
            assert words in line, words
        assert "\n" not in line
        assert {"java": "tomcat_java_", "tomcat": "tomcat_version", "postgresql": "postgresql_version"}[part] in line


def test_every_row_refuses_something() -> None:
    """A row that nobody tests could say anything."""
    assert {row for _, _, row, _ in BROKEN} == {versions.called(row) for row in TABLE}


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = problems("1.11.0", java="8", tomcat="9.0.117", postgresql="9.6")
    assert [line.split()[0] for line in found] == ["Java", "Tomcat", "PostgreSQL"]


@pytest.mark.parametrize(
    ("xnat", "asked", "said"),
    [
        ("1.12.0", {}, "newer than all that is known here"),
        ("2.0", {}, "newer than all that is known here"),
        ("1.10.2-SNAPSHOT", {}, "no release"),
        ("1.9.3.4-RC1", {"tomcat": "9.0.116"}, "no release"),
        ("1.8.10", {"postgresql": "15"}, "PostgreSQL from 11 to 14"),
        ("1.9.3", {"postgresql": "17.1"}, "PostgreSQL from 12 to 16"),
        ("1.10.1", {"tomcat": "9.0.118-M1"}, "Tomcat 9.0.118-M1 is no release"),
        ("1.10.1", {"postgresql": "18beta2"}, "PostgreSQL 18beta2 is no release"),
    ],
)
def test_what_nobody_has_tried_is_refused_unless_it_is_allowed(xnat: str, asked: dict[str, Any], said: str) -> None:
    [line] = problems(xnat, **asked)
    assert said in line
    assert "versions_allow_unknown: true" in line
    assert problems(xnat, True, **asked) == []


def test_what_is_newer_is_judged_as_the_newest() -> None:
    assert len(problems("1.12.0", True, java="8", tomcat="9.0.117")) == 2


@pytest.mark.parametrize("allow_unknown", [False, True])
def test_what_is_older_than_the_table_cannot_be_allowed(allow_unknown: bool) -> None:
    [line] = problems("1.5.4", allow_unknown)
    assert "older than all that is known here" in line


@pytest.mark.parametrize(
    ("text", "number"), [("8", 8), ("1.8.0_402", 8), ("8u402", 8), ("21.0.8+9", 21), ("17-ea", 17)]
)
def test_java_has_one_number_however_it_is_written(text: str, number: int) -> None:
    assert versions.java_feature(text) == number


@pytest.mark.parametrize("version", ["", "latest", "v1.10", ".1"])
def test_what_is_no_version_is_called_so(version: str) -> None:
    with pytest.raises(AnsibleFilterError, match="is no version"):
        problems(version)


@pytest.mark.parametrize(
    ("xnat", "built_for", "good"),
    [
        ("1.10.1", "1.10", True),
        ("1.10.2", "1.10.0", True),
        ("1.10.1", "1.9", False),
        ("1.10.1", "1.8.3", False),
        ("1.9.3.4", "1.10", False),
        ("1.9.3.4", "1.8", True),
        ("1.11.0", "1.10", False),
        ("1.10.1", "1.11", False),
        ("1.7.6", "1.6", False),
        ("1.10.1", "3.0", False),
    ],
)
def test_a_plugin_of_another_generation_is_refused(xnat: str, built_for: str, good: bool) -> None:
    found = problems(
        xnat, modules=[{"name": "ohif", "version": "3.7", "xnat_generation": built_for}, {"name": "other"}]
    )
    assert (found == []) is good
    for line in found:
        assert f"ohif 3.7 was built for XNAT {built_for}" in line
        assert f"XNAT {xnat}" in line


def test_a_plugin_that_is_listed_twice_is_refused() -> None:
    [line] = problems("1.10.1", modules=[{"name": "ohif"}, {"name": "batch"}, {"name": "ohif"}])
    assert "lists ohif 2 times" in line


def test_rows_follow_one_another_without_a_gap() -> None:
    for before, after in itertools.pairwise(TABLE):
        assert versions.parse(before["before"])[0] == versions.parse(after["from"])[0]


def test_every_row_says_where_it_is_known_from() -> None:
    assert all(row["evidence"] for row in TABLE)


def test_what_a_row_wants_is_an_option_of_a_role() -> None:
    options = set().union(*(options_of(role) for role in ROLES))
    assert {name for row in TABLE for name in row.get("wants", {})} <= options


def test_what_a_distribution_brings_is_known_of_each_that_is_supported() -> None:
    known = VARIABLES["__facts_distributions"]
    assert sorted(known) == sorted(read_yaml(ROOT / "roles" / "base" / "defaults" / "main.yml")["base_distributions"])
    assert all(brings["postgresql"] and brings["java"] for brings in known.values())


def test_defaults_of_the_roles_belong_together() -> None:
    """Tomcat and Java as they come fit the XNAT of the inventories."""
    tomcat = read_yaml(ROOT / "roles" / "tomcat" / "defaults" / "main.yml")
    java = tomcat["tomcat_java_package"].split("-")[1]
    for inventory in ("lab", "production"):
        xnat = read_yaml(ROOT / "inventories" / inventory / "group_vars" / "all" / "main.yml")["xnat_version"]
        for brings in VARIABLES["__facts_distributions"].values():
            assert problems(xnat, java=java, tomcat=tomcat["tomcat_version"], postgresql=brings["postgresql"]) == []


def test_the_page_is_up_to_date() -> None:
    """`make docs` was run."""
    page = versions_table.PAGE.read_text(encoding="utf-8")
    assert page == versions_table.with_tables(page, VARIABLES)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ('openjdk version "21.0.8" 2025-07-15 LTS\nOpenJDK Runtime Environment\n', 21),
        ('openjdk version "1.8.0_402"\nOpenJDK Runtime Environment (Temurin)\n', 8),
        ('Picked up JAVA_TOOL_OPTIONS: -Dx=y\nopenjdk version "17-ea" 2021-09-14\n', 17),
    ],
)
def test_what_an_archive_holds_is_read_from_java_itself(said: str, number: int) -> None:
    tasks = read_yaml(ROOT / "roles" / "tomcat" / "tasks" / "java.yml")
    proof = next(task for task in tasks if task["name"] == "Insist on the version that was said")
    templar = Templar(DataLoader(), {"__tomcat_java": {"stderr": said}})
    found = templar.template(trust_as_template(proof["vars"]["__tomcat_java_found"]))
    assert versions.java_feature(found) == number


def test_overrides_replace_limits_of_one_row_only() -> None:
    """For tests with a stand-in; the rest of the row and all other rows stay."""
    judged = versions.version_overrides(
        TABLE, [{"from": "1.6", "java": [21], "tomcat": {"from": "9.0", "before": "10"}}]
    )
    assert judged[1:] == TABLE[1:]
    assert judged[0]["postgresql"] == TABLE[0]["postgresql"]
    assert versions.version_problems({"xnat": "1.6.5", "java": "21", "tomcat": "9.0.117"}, judged) == []
    assert len(versions.version_problems({"xnat": "1.6.5", "java": "7", "postgresql": "15"}, judged)) == 2
    assert versions.version_overrides(TABLE, []) == TABLE
    assert TABLE[0]["java"] == [7]


@pytest.mark.parametrize("row", [{"from": "1.6.5", "java": [21]}, {"java": [21]}, {"from": "1.6", "plugins": "1.7"}])
def test_an_override_that_means_nothing_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(AnsibleFilterError, match="versions_table_overrides"):
        versions.version_overrides(TABLE, [row])


def test_overrides_are_told_and_are_none_by_default() -> None:
    """And nothing is judged past them by mistake."""
    role = ROOT / "roles" / "versions"
    (said,) = [task for task in read_yaml(role / "tasks/preflight.yml") if "not the real one" in task["name"]]
    assert "never" in options_of(role)["versions_table_overrides"]["description"]
    assert said["when"] == "versions_table_overrides | length > 0"
    assert "WARNING" in said["ansible.builtin.debug"]["msg"]
    for name in ("preflight", "host"):
        assert "__versions_table" not in (role / f"tasks/{name}.yml").read_text(encoding="utf-8")
