"""Memory and folders of the service: what is refused, and what a heap comes to."""

from __future__ import annotations

import pytest
from role_assertions import admits, task_of, value_of

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
