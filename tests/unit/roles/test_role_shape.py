"""Every role has the same shape, and its specification, its defaults and its README say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from roles_tree import ROLES, ROOT, load_module, options_of, read_yaml, tasks_of

role_readme = load_module("docs/role_readme.py")
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def test_all_roles_have_a_specification() -> None:
    """So that no role can hide from the tests below."""
    assert [role.name for role in ROLES] == sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())


@each_role
def test_specification_and_defaults_name_the_same_variables(role: Path) -> None:
    """An option is required or has a default, never both and never neither."""
    options, defaults = options_of(role), read_yaml(role / "defaults" / "main.yml") or {}
    assert {name for name, option in options.items() if "default" in option} == set(defaults)
    assert not [name for name, option in options.items() if option.get("required") and "default" in option]
    assert not [name for name, option in options.items() if not option.get("required") and "default" not in option]


@each_role
def test_specification_and_defaults_give_the_same_values(role: Path) -> None:
    """A default that drifts is worse than none."""
    defaults = read_yaml(role / "defaults" / "main.yml") or {}
    specified = {name: option["default"] for name, option in options_of(role).items() if "default" in option}
    assert specified == defaults


@each_role
def test_variables_carry_the_name_of_their_role(role: Path) -> None:
    """Flat public variables `role_thing`, private ones `__role_thing`."""
    private = read_yaml(role / "vars" / "main.yml") or {}
    # A role that is named after the one thing that it keeps has that as a variable: xnat_modules.
    assert not [name for name in options_of(role) if not f"{name}_".startswith(f"{role.name}_")]
    assert not [name for name in private if not name.startswith(f"__{role.name}_")]


@each_role
def test_options_are_described(role: Path) -> None:
    """The README is made of these descriptions."""
    assert not [name for name, option in options_of(role).items() if len(str(option.get("description", ""))) < 8]


@each_role
def test_a_description_is_no_template(role: Path) -> None:
    """Ansible would evaluate it, on every host: only defaults may be templates."""
    described = [str(option["description"]) for option in options_of(role).values()]
    described += [
        str(inner["description"])
        for option in options_of(role).values()
        for inner in option.get("options", {}).values()
    ]
    assert not [text for text in described if "{{" in text or "{%" in text]


@each_role
def test_readme_table_is_the_specification(role: Path) -> None:
    """`python docs/role_readme.py` was run."""
    readme = (role / "README.md").read_text(encoding="utf-8")
    assert readme == role_readme.with_table(readme, role_readme.options_of(role))


@each_role
def test_main_reads_as_a_sentence(role: Path) -> None:
    """At most 40 lines, and every task in every file has a name."""
    assert len((role / "tasks" / "main.yml").read_text(encoding="utf-8").splitlines()) <= 40
    assert not [where for where, task in tasks_of(role) if not task.get("name")]


@each_role
def test_every_entry_point_is_a_file_of_tasks(role: Path) -> None:
    """A specification for nothing would never be checked by Ansible."""
    entry_points = read_yaml(role / "meta" / "argument_specs.yml")["argument_specs"]
    assert not [name for name in entry_points if not (role / "tasks" / f"{name}.yml").exists()]


def test_defaults_differ_from_a_changed_specification(tmp_path: Path) -> None:
    """The README check itself can fail: another default gives another table."""
    options = options_of(ROOT / "roles" / "nginx")
    before = role_readme.table(options)
    options["nginx_timeout"] = {**options["nginx_timeout"], "default": 1}
    assert role_readme.table(options) != before


def test_each_variable_in_a_template_or_task_is_declared() -> None:
    """A misspelt variable of a role's own prefix fails here rather than on a host."""
    unknown = []
    # Another role's name, variable or module may begin with this one's: xnat and xnat_modules.
    elsewhere = {name for role in ROLES for name in [role.name, *options_of(role)]}
    elsewhere |= {"artifact_files"}  # the fact that role `artifact` leaves for those who ask for a list
    elsewhere |= {name for role in ROLES for name in read_yaml(role / "vars" / "main.yml") or {}}
    elsewhere |= {task["register"] for role in ROLES for _, task in tasks_of(role) if "register" in task}
    # Facts that a role leaves for another, as what it says in the last lines of a run.
    elsewhere |= {
        name for role in ROLES for _, task in tasks_of(role) for name in task.get("ansible.builtin.set_fact", {})
    }
    elsewhere |= {"xnat_auth_problems"}  # a filter
    elsewhere |= {path.stem for path in [*ROOT.glob("library/**/*.py"), *ROOT.glob("roles/*/library/*.py")]}
    for role in ROLES:
        known = set(options_of(role)) | set(read_yaml(role / "vars" / "main.yml") or {})
        known |= {task["register"] for _, task in tasks_of(role) if "register" in task}
        known |= {name for _, task in tasks_of(role) for name in task.get("vars", {})}
        known |= {name for _, task in tasks_of(role) for name in task.get("ansible.builtin.set_fact", {})}
        known |= {
            task["loop_control"]["loop_var"] for _, task in tasks_of(role) if "loop_var" in task.get("loop_control", {})
        }
        folders = ("tasks", "templates", "vars", "handlers")
        for path in (path for folder in folders for path in role.glob(f"{folder}/**/*") if path.is_file()):
            for name in re.findall(rf"(?<![.\w])(?:__)?{role.name}_[a-z_0-9]+\b", path.read_text(encoding="utf-8")):
                if name not in known | elsewhere:
                    unknown.append(f"{path.relative_to(ROOT)}: {name}")
    assert unknown == []
