"""No task hides a change: `changed_when: false` only on commands that are known to read and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from roles_tree import ROLES, ROOT, Task, flat, tasks_of

# The first words of commands that cannot change anything.
READ_ONLY = (
    "nft --numeric list table inet dpuk_node",
    "printenv SSH_CLIENT",
    "{{ __postgresql_binaries }}/pg_controldata {{ __postgresql_data }}",
    "{{ __tomcat_java_home }}/bin/java -version",
    "{{ __nginx_keeper }} check",
    "postfix check",
    "{{ __tomcat_java_home }}/bin/java {{ item }} -version",
)
COMMANDS = ("ansible.builtin.command", "ansible.builtin.shell", "ansible.builtin.raw", "ansible.builtin.script")
# Modules that cannot change a host, so that their changed_when does not matter.
READERS = (
    "ansible.builtin.stat",
    "ansible.builtin.uri",
    "ansible.builtin.slurp",
    "ansible.builtin.find",
    "community.crypto.openssl_csr_pipe",
)


def command_of(task: Task) -> str | None:
    """The command line of a task, or None."""
    for module in COMMANDS:
        if module in task:
            value: Any = task[module]
            if isinstance(value, dict):
                value = value.get("cmd") or " ".join(map(str, value.get("argv", [])))
            return str(value)
    return None


def hidden_changes(tasks: Iterator[tuple[str, Task]]) -> list[str]:
    """Tasks that may change something and say that they never do."""
    return [
        where
        for where, task in tasks
        if task.get("changed_when") is False
        and command_of(task) not in READ_ONLY
        and not any(reader in task for reader in READERS)
    ]


def test_no_role_hides_a_change() -> None:
    """All roles and their handlers."""
    assert [where for role in ROLES for where in hidden_changes(tasks_of(role))] == []


def test_no_playbook_hides_a_change() -> None:
    """site.yml."""
    plays = yaml.safe_load((ROOT / "site.yml").read_text(encoding="utf-8"))
    tasks = (("site.yml", task) for play in plays for task in flat(play.get("tasks", [])))
    assert hidden_changes(tasks) == []


def test_a_hidden_change_would_be_found() -> None:
    """The check can fail: by command, by another module, and inside a block."""
    stop = {"name": "stop", "ansible.builtin.command": {"argv": ["systemctl", "stop", "x"]}, "changed_when": False}
    write = {"name": "write", "ansible.builtin.copy": {"dest": "/x"}, "changed_when": False}
    look = {"name": "look", "ansible.builtin.command": READ_ONLY[0], "changed_when": False}
    tasks = flat([{"block": [stop, look]}, write])
    assert hidden_changes((task["name"], task) for task in tasks) == ["stop", "write"]


def test_commands_that_write_say_what_they_create() -> None:
    """A command is run once or reads; anything else would change something on each run."""
    for role in ROLES:
        for where, task in tasks_of(role):
            command = command_of(task)
            if command is not None and command not in READ_ONLY:
                arguments = next(task[module] for module in COMMANDS if module in task)
                assert isinstance(arguments, dict), where
                assert "creates" in arguments, where


def test_no_shell() -> None:
    """Commands are lists or fixed lines; nothing is quoted by hand."""
    for role in ROLES:
        for where, task in tasks_of(role):
            assert "ansible.builtin.shell" not in task, where
