"""XNAT is asked with a password only where the shared wait has just seen that it is XNAT that listens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from roles_tree import ROOT, Task, read_yaml

MODULES = {path.stem for path in (ROOT / "library").glob("xnat_*.py")}


def in_order(path: Path) -> Iterator[Task]:
    """The tasks of a file as they run, with those of the files and roles that it imports in their places."""
    for task in read_yaml(path) or []:
        yield from one_by_one(task, path)


def one_by_one(task: Task, path: Path) -> Iterator[Task]:
    for inner in task.get("block", []):
        yield from one_by_one(inner, path)
    for kind in ("import", "include"):
        if file := task.get(f"ansible.builtin.{kind}_tasks"):
            yield from in_order(path.parent / file)
        if role := task.get(f"ansible.builtin.{kind}_role"):
            yield from in_order(ROOT / "roles" / role["name"] / "tasks" / f"{role.get('tasks_from', 'main')}.yml")
    yield task


def unseen(tasks: Iterator[Task]) -> list[str]:
    """The tasks that ask XNAT where nobody has looked since it was, or may have been, started."""
    seen, found = False, []
    for task in tasks:
        asks = MODULES & set(task) or "__xnat_local_url" in str(task.get("ansible.builtin.uri", ""))
        if "awaited_service" in task:
            seen = True
        elif asks and not seen:
            found.append(str(task["name"]))
        elif starts(task):
            seen = False
    return found


def starts(task: Task) -> bool:
    """Whether it may start Tomcat: the port is anybody's until then."""
    service: dict[str, Any] = task.get("fresh_service", {})
    own = "tomcat" in str(service.get("name")) or "__xnat_service" in str(service.get("name"))
    return (own and not task.get("check_mode")) or task.get("ansible.builtin.meta") == "flush_handlers"


@pytest.mark.parametrize("role", ["xnat", "xnat_modules", "xnat_site", "nginx"])
def test_who_listens_is_looked_at_before_xnat_is_asked(role: str) -> None:
    tasks = list(in_order(ROOT / "roles" / role / "tasks" / "main.yml"))
    assert any(MODULES & set(task) or "ansible.builtin.uri" in task for task in tasks), "it asks nothing"
    assert unseen(iter(tasks)) == []


def test_a_question_without_a_look_would_be_found() -> None:
    """Also when XNAT was started after the look."""
    wait, ask = {"name": "wait", "awaited_service": {}}, {"name": "ask", "xnat_info": {}}
    restart = {"name": "restart", "fresh_service": {"name": "{{ __xnat_service }}"}}
    assert unseen(iter([ask])) == ["ask"]
    assert unseen(iter([wait, ask])) == []
    assert unseen(iter([wait, restart, ask])) == ["ask"]
