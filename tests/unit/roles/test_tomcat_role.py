"""Memory and folders of the service: what is refused, and what a heap comes to."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from role_assertions import admits, task_of, value_of
from roles_tree import ROOT, read_yaml

USUAL: dict[str, object] = {"tomcat_heap_max": "", "tomcat_heap_percent": 60, "tomcat_write_paths": ["/data/xnat"]}


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"tomcat_heap_max": "8g"}, True),
        ({"tomcat_heap_max": "512M"}, True),
        ({"tomcat_heap_max": "8 GB"}, False),
        ({"tomcat_heap_max": "8"}, False),
        ({"tomcat_heap_max": "0g"}, False),
        ({"tomcat_heap_percent": 95}, False),
        ({"tomcat_heap_percent": 5}, False),
        ({"tomcat_write_paths": ["/home/xnat"]}, False),
        ({"tomcat_write_paths": ["/tmp"]}, False),  # noqa: S108 - a name, nothing is written there
        ({"tomcat_write_paths": ["/homes/xnat", "/srv/tmp"]}, True),
    ],
)
def test_heap_and_folders_are_checked(changed: dict[str, object], good: bool) -> None:
    """A heap that Java cannot read keeps it from starting; folders that the sandbox hides would be empty."""
    task = task_of("roles/tomcat/tasks/preflight.yml", "Check the heap and the folders")
    assert admits(task, **{**USUAL, **changed}) is good


@pytest.mark.parametrize(("heap", "megabytes"), [("", 0), ("8g", 8192), ("512m", 512), ("2048k", 2), ("2G", 2048)])
def test_a_heap_in_megabytes(heap: str, megabytes: int) -> None:
    """It is compared with the host's memory before anything is changed."""
    assert int(value_of("roles/tomcat/vars/main.yml", "__tomcat_heap_max_mb", {"tomcat_heap_max": heap})) == megabytes


@pytest.mark.parametrize(
    ("java", "percent", "option"),
    [
        ("21", 60, "-XX:MaxRAMPercentage=60.0"),
        ("8", 60, "-XX:MaxRAMPercentage=60.0"),
        ("7", 60, "-XX:MaxRAMFraction=2"),
        ("1.7.0_80", 30, "-XX:MaxRAMFraction=4"),
        ("7", 10, "-XX:MaxRAMFraction=10"),
    ],
)
def test_java_7_gets_a_share_of_the_memory_as_well(java: str, percent: int, option: str) -> None:
    """It knows no percentages and would not start; the fraction is never more than was asked for."""
    shares = {
        name: trust_as_template(text)
        for name, text in read_yaml(ROOT / "roles/tomcat/vars/main.yml").items()
        if name in ("__tomcat_heap_share", "__tomcat_java_said")
    }
    given = {**shares, "tomcat_java_version": java, "tomcat_java_package": "", "tomcat_heap_percent": percent}
    assert Templar(DataLoader(), given).template(shares["__tomcat_heap_share"]) == option
