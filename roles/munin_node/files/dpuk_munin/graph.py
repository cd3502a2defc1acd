"""What a plugin says to munin: graphs with fields, their configuration, and their values.

A value that is not known is `U`, which munin draws as a gap and can warn of; a plugin never ends without saying a value
for each field. Thresholds come from env.FIELD_warning and env.FIELD_critical, as with munin's own plugins; the master
may have others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from .settings import Settings


@dataclass(frozen=True)
class Field:
    """One line of a graph."""

    name: str
    label: str
    value: float | None
    info: str = ""
    kind: str = "GAUGE"
    draw: str = ""
    #: Said beside the value in a message of munin's.
    extra: str = ""
    minimum: int | None = None


@dataclass(frozen=True)
class Graph:
    """One picture. A plugin with several names the further ones `plugin.part`."""

    name: str
    title: str
    unit: str
    category: str
    info: str
    fields: list[Field] = field(default_factory=list)
    arguments: str = "--base 1000 --lower-limit 0"
    scale: bool = False
    #: What a rate is counted per; munin takes the second.
    period: str = ""


def configuration(graphs: list[Graph], settings: Settings) -> Iterator[str]:
    """What munin asks for with `config`."""
    for graph in graphs:
        if len(graphs) > 1:
            yield f"multigraph {graph.name}"
        yield f"graph_title {one_line(graph.title)}"
        yield f"graph_vlabel {one_line(graph.unit)}"
        yield f"graph_category {graph.category}"
        yield f"graph_args {graph.arguments}"
        yield f"graph_scale {'yes' if graph.scale else 'no'}"
        yield f"graph_info {one_line(graph.info)}"
        if graph.period:
            yield f"graph_period {graph.period}"
        for line in graph.fields:
            yield from _field(line, settings)


def _field(line: Field, settings: Settings) -> Iterator[str]:
    yield f"{line.name}.label {one_line(line.label)}"
    yield f"{line.name}.type {line.kind}"
    if line.info:
        yield f"{line.name}.info {one_line(line.info)}"
    if line.draw:
        yield f"{line.name}.draw {line.draw}"
    minimum = 0 if line.kind == "DERIVE" else line.minimum
    if minimum is not None:
        yield f"{line.name}.min {minimum}"
    for level in ("warning", "critical"):
        limit = settings.text(f"{line.name}_{level}")
        if limit:
            yield f"{line.name}.{level} {one_line(limit)}"


def values(graphs: list[Graph]) -> Iterator[str]:
    """What munin asks for without an argument."""
    for graph in graphs:
        if len(graphs) > 1:
            yield f"multigraph {graph.name}"
        for line in graph.fields:
            yield f"{line.name}.value {number(line.value, whole=line.kind == 'DERIVE')}"
            if line.extra:
                yield f"{line.name}.extinfo {one_line(line.extra)}"


def number(value: float | None, *, whole: bool = False) -> str:
    """As munin reads it; a counter has no fraction."""
    if value is None or not math.isfinite(value):
        return "U"
    if whole or float(value).is_integer():
        return str(int(value))
    return f"{value:.6f}".rstrip("0").rstrip(".")


def one_line(text: str) -> str:
    """No line of the protocol holds another: what a server or a file says cannot pass for a value."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
