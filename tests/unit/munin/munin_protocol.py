"""Run a plugin as munin does, in this process, and read what it says by munin's own rules."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
from dpuk_munin import run

FIELD = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\.([a-z_]+) (.+)")
GRAPH = re.compile(r"(graph_[a-z]+|host_name|update_rate) (.+)")
#: What munin knows to be a number, or unknown.
VALUE = re.compile(r"U|-?\d+(\.\d+)?")


@dataclass
class Said:
    """Graph → field → attribute → text. A plugin without multigraph says everything of one graph without a name."""

    graphs: dict[str, dict[str, str]] = field(default_factory=dict)
    fields: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)

    def value(self, name: str, graph: str = "") -> str:
        """A value as it was said."""
        return self.fields[graph][name]["value"]

    def attribute(self, name: str, attribute: str, graph: str = "") -> str:
        """What was said of a field."""
        return self.fields[graph][name].get(attribute, "")


def parse(text: str) -> Said:
    """Fails at a line that is none of munin's."""
    said, graph = Said(), ""
    for line in text.splitlines():
        if match := re.fullmatch(r"multigraph ([a-z][a-z0-9_]*)", line):
            graph = match[1]
        elif match := GRAPH.fullmatch(line):
            said.graphs.setdefault(graph, {})[match[1]] = match[2]
        elif match := FIELD.fullmatch(line):
            said.fields.setdefault(graph, {}).setdefault(match[1], {})[match[2]] = match[3]
            assert match[2] != "value" or VALUE.fullmatch(match[3]), line
        else:
            raise AssertionError(f"munin would not understand: {line!r}")
    return said


class Munin:
    """munin-node with one plugin-conf."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def run(self, plugin: str, *arguments: str, **env: object) -> tuple[int, str, str]:
        """Status, what was said and what was complained."""
        with self._monkeypatch.context() as patched:
            for name, value in env.items():
                patched.setenv(name, str(value))
            status = run.main(plugin, list(arguments))
        told = self._capsys.readouterr()
        return status, told.out, told.err

    def values(self, plugin: str, **env: object) -> Said:
        """What a poll gets."""
        status, told, complaint = self.run(plugin, **env)
        assert (status, complaint) == (0, "")
        return parse(told)

    def config(self, plugin: str, **env: object) -> Said:
        """What `config` gets."""
        status, told, complaint = self.run(plugin, "config", **env)
        assert (status, complaint) == (0, "")
        return parse(told)
