"""The results as tables in Markdown: who took how long, how that compares with ours, and what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .cases import Result
from .contenders import OURS

_HEADS = ("seconds", "for 1 s of ours", "target", "", "requests", "MB sent", "processor s", "server's", "memory MB")
_RIGHT = (1, 2, 5, 6, 7, 8, 9)


def table(result: Result) -> str:
    """One case: the runs under its title, then what must be known to read them."""
    rows = []
    for contender, run in result.runs.items():
        _, ratio, target, verdict = result.figures[contender].cells
        rows.append(
            (
                f"{contender.name} ({run.part})" if run.part else contender.name,
                f"{run.cost.seconds:,.1f}",
                ratio,
                target,
                verdict,
                "" if run.requests is None else f"{run.requests:,.0f}",
                "" if run.sent is None else f"{run.sent / 1e6:,.1f}",
                f"{run.cost.processor:,.1f}",
                f"{run.server:,.1f}",
                f"{run.cost.memory:,.0f}",
            )
        )
    remarks = [*result.remarks]
    if result.memory:
        name, figure, target, verdict = result.memory.cells
        remarks.append(f"{name}: {figure} ({target}: {verdict})")
    if not result.met:
        remarks.append(f"missed: {result.missed}")
    return "\n".join([*_markdown([(result.title, *_HEADS), *rows], _RIGHT), "", *(f"- {remark}" for remark in remarks)])


def summary(results: Iterable[Result]) -> str:
    """All cases, a line for each: our seconds, those of the others, and what came of the targets."""
    rows = []
    for result in results:
        others = "; ".join(
            f"{contender.name} {run.cost.seconds:,.1f} s"
            for contender, run in result.runs.items()
            if contender is not OURS
        )
        counted = [*result.figures.values(), *([result.memory] if result.memory else [])]
        targets = "; ".join(
            f"{figure.name} {figure.cells[1]} ({figure.cells[2]}): {figure.cells[3]}"
            for figure in counted
            if figure.target is not None
        )
        if not result.met:
            targets += f" ({result.missed})"
        rows.append((result.title, f"{result.runs[OURS].cost.seconds:,.1f} s", others, targets))
    return "\n".join(_markdown([("case", OURS.name, "the others", "for 1 s of ours"), *rows], ()))


def _markdown(rows: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    """The rows, of which the first is the head, in columns that a terminal shows well, too."""
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |"

    rule = [("-" * (width - 1) + ":") if number in right else "-" * width for number, width in enumerate(widths)]
    return [line(rows[0]), line(rule), *map(line, rows[1:])]
