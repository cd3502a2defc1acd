"""What the tests of the roles share: where the roles are, their tasks, and their modules as Python.

The roles' modules are not on the import path (Ansible finds them by itself), so they are loaded by file.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import yaml

ROOT = Path(__file__).resolve().parents[3]
ROLES = sorted(path.parent.parent for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))
Task = dict[str, Any]


def load_module(path: str) -> ModuleType:
    """Import one file of the tree, by its path from the root."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_yaml(path: Path) -> Any:
    """One YAML document; None when the file is not there."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None


def flat(tasks: list[Task]) -> Iterator[Task]:
    """Each task, also those inside blocks."""
    for task in tasks:
        inner = [task.get(part) or [] for part in ("block", "rescue", "always")]
        if any(inner):
            for part in inner:
                yield from flat(part)
        else:
            yield task


def tasks_of(role: Path) -> Iterator[tuple[str, Task]]:
    """Each task and handler of a role, with ``file: name`` to say which it is."""
    for path in sorted([*role.glob("tasks/*.yml"), *role.glob("handlers/*.yml")]):
        for task in flat(cast(list[Task], read_yaml(path) or [])):
            yield f"{path.relative_to(ROOT)}: {task.get('name')}", task


def options_of(role: Path) -> dict[str, dict[str, Any]]:
    """All options of a role's entry points by name."""
    options: dict[str, dict[str, Any]] = {}
    for entry_point in read_yaml(role / "meta" / "argument_specs.yml")["argument_specs"].values():
        options.update(entry_point.get("options", {}))
    return options
