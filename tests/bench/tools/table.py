"""A case's result as a table: who took how long, how that compares with ours, and what it cost."""

from __future__ import annotations

from bench.report import columns

from .cases import Result

_HEADS = ("seconds", "for 1 s of ours", "target", "", "requests", "MB sent", "processor s", "memory MB")


def table(result: Result) -> str:
    """The runs in columns under the case's title, then what must be known to read them."""
    rows = [(result.title, *_HEADS)]
    for contender, run in result.runs.items():
        _, ratio, target, verdict = result.figures[contender].cells
        rows.append(
            (
                contender.name,
                f"{run.cost.seconds:,.1f}",
                ratio,
                target,
                verdict,
                "" if run.requests is None else f"{run.requests:,.0f}",
                "" if run.sent is None else f"{run.sent / 1e6:,.1f}",
                f"{run.cost.processor:,.1f}",
                f"{run.cost.memory:,.0f}",
            )
        )
    return "\n".join([columns(rows, right=(1, 2, 5, 6, 7, 8)), *(f"({remark})" for remark in result.remarks)])
