"""XNAT 1.6's StoreXML, which puts documents into its database by their keys: what is there already is replaced.

A name and a password would stand on its command line, so who calls it decides whether there are any.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .account import Account, java_environment
from .last_words import masked, telling

# The options of every module that runs it.
SPEC: dict[str, dict[str, Any]] = {
    "tree": {"type": "path", "required": True},
    "java_home": {"type": "path", "required": True},
    "java_options": {"type": "list", "elements": "str", "default": []},
}
LINES = 5  # of what it said last, when no line tells of an error


class StoreError(Exception):
    """What it answered, for the person at the terminal."""


def deployment(tree: Path) -> Path:
    """The folder of a built tree that it runs in, and begins paths at."""
    return tree / "deployments" / "xnat"


def store(options: dict[str, Any], arguments: list[str], what: str) -> None:
    """Run it as the account that builds; what it says is kept in a log of root's beside the tree."""
    tree = Path(options["tree"])
    command = [str(tree / "bin" / "StoreXML"), *arguments, "-allowDataDeletion", "true"]
    environment = java_environment(options["java_home"], tree, options["java_options"])
    log = tree.with_name(f"{tree.name}.store.log")
    try:
        code = Account.named(options["account"]).run(command, deployment(tree), log, environment, options["timeout"])
    except OSError as error:
        raise StoreError(f"{what} was not stored: {command[0]} cannot be run: {error}") from error
    if code != 0:
        said = log.read_text(encoding="utf-8", errors="replace").splitlines()
        why = "; ".join(masked(line, [options["database_password"]]) for line in telling(said) or said[-LINES:])
        raise StoreError(f"{what} was not stored: StoreXML answered {code}: {why}. All of it is in {log}")
