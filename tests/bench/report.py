"""Figures and the table that they are printed in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
    return columns([(title, "figure", "target", ""), *(figure.cells for figure in figures)], right=(1,))


def columns(rows: Sequence[Sequence[str]], *, right: Collection[int]) -> str:
    """The rows with a line below the first; columns with a number in `right` are numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
