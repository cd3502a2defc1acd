"""Run one plugin: find its module by name, measure, and say what munin asked for."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from . import graph
from .settings import SettingError, Settings


def plugins() -> list[str]:
    """The modules of this package that are plugins: those that define `measure`."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return [file.stem for file in files if "\ndef measure(" in file.read_text(encoding="utf-8")]


def main(name: str, arguments: list[str]) -> int:
    """The exit status: 0 even when all values are unknown, 1 when a setting is wrong."""
    if name not in plugins():
        print(f"{name} is no plugin of the node; there are: {', '.join(plugins())}", file=sys.stderr)
        return 1
    if arguments not in ([], ["config"]):
        print(f"{name} takes no argument, or: config", file=sys.stderr)
        return 1
    settings = Settings(os.environ)
    try:
        graphs = importlib.import_module(f"dpuk_munin.{name}").measure(settings)
    except SettingError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    lines: list[str] = []
    if arguments:
        lines += graph.configuration(graphs, settings)
    # munin 2 says so when it takes both in one answer, which saves measuring twice.
    if not arguments or settings.text("MUNIN_CAP_DIRTYCONFIG") == "1":
        lines += graph.values(graphs)
    print("\n".join(lines))
    return 0
