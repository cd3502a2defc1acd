"""Evaluate a role's conditions and private variables as Ansible would, without a host."""

from __future__ import annotations

from typing import Any

import jinja2
from ansible.plugins.filter.core import FilterModule as CoreFilters
from ansible.plugins.filter.mathstuff import FilterModule as SetFilters
from ansible.plugins.filter.urlsplit import FilterModule as AddressFilters
from ansible.plugins.test.core import match, search, version_compare
from jinja2 import meta
from jinja2.filters import do_default
from roles_tree import ROOT, Task, load_module, read_yaml


def world() -> jinja2.Environment:
    """Jinja with the project's filters, and those of Ansible's filters and tests that roles use."""
    made = jinja2.Environment()  # noqa: S701 - expressions, no pages
    made.filters.update(CoreFilters().filters())
    made.filters.update(SetFilters().filters())
    # Ansible's own of this name knows only Ansible's own undefined values.
    made.filters["default"] = do_default
    made.filters.update({f"ansible.builtin.{name}": found for name, found in AddressFilters().filters().items()})
    made.filters.update(load_module("filter_plugins/addresses.py").FilterModule().filters())
    made.tests.update(match=match, search=search, version=version_compare)
    return made


def task_of(path: str, name: str) -> Task:
    """One task of a file, by its name."""
    found: Task = next(task for task in read_yaml(ROOT / path) if task["name"] == name)
    return found


def admits(task: Task, **variables: object) -> bool:
    """Whether every condition of an assertion holds."""
    conditions = task["ansible.builtin.assert"]["that"]
    conditions = [conditions] if isinstance(conditions, str) else conditions
    return all(world().compile_expression(condition)(**variables) for condition in conditions)


def value_of(path: str, name: str, variables: dict[str, Any]) -> str:
    """A variable of a file, with the ones that it is made of, as text."""
    defined = read_yaml(ROOT / path)

    def render(text: str) -> str:
        needed = meta.find_undeclared_variables(world().parse(text))
        known = {key: render(defined[key]) for key in needed if key in defined}
        return world().from_string(text).render({**known, **variables})

    return render(defined[name])
