"""Figures and the table that they are printed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One measured number. `target` is the least or the most that it may be, as `bound` says; None: only told."""

    name: str
    value: float
    unit: str
    target: float | None = None
    bound: Literal["least", "most"] = "least"

    @property
    def met(self) -> bool:
        if self.target is None:
            return True
        return self.value >= self.target if self.bound == "least" else self.value <= self.target

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """name, figure, target, verdict."""
        if self.target is None:
            return self.name, _number(self.value, self.unit), "", ""
        wanted = f"at {self.bound} {self.target:g}"
        return self.name, _number(self.value, self.unit), wanted, "met" if self.met else "MISSED"


def _number(value: float, unit: str) -> str:
    return f"{value:,.{0 if value >= 100 else 2}f} {unit}".strip()


def table(title: str, figures: Sequence[Figure]) -> str:
    """The figures under `title`, in columns."""
    rows = [(title, "figure", "target", ""), *(figure.cells for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        f"{name:<{widths[0]}}  {figure:>{widths[1]}}  {target:<{widths[2]}}  {verdict}".rstrip()
        for name, figure, target, verdict in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
