"""Command line: `PYTHONPATH=tests python -m bench [uploads] [large] [listing] [tools]`. README.md has the figures."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from . import large, listing, uploads
from .practice import BenchError, Practice, running
from .report import Figure, table
from .tools import cases
from .tools.table import summary
from .tools.table import table as comparison

#: How much the practice XNAT carries.
PARTS = ("uploads", "large", "listing")
#: The comparison of upload tools, which takes long and must be asked for.
TOOLS = "tools"


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. Returns the exit status: 0 all targets met, 1 one missed, 2 a wrong answer."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - {*PARTS, TOOLS}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as folder:
        try:
            figures = [figure for part in options.parts or PARTS for figure in _measure(part, Path(folder), options)]
        except BenchError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
    return 0 if options.small or all(figure.met for figure in figures) else 1


def _measure(part: str, folder: Path, options: argparse.Namespace) -> list[Figure]:
    """One part on a server of its own, printed as soon as it is done."""
    small, data = options.small, folder / part
    if part == "listing":
        sessions = 200 if small else 20_000
        listing.prepare(data, sessions)
    with running(data) as practice:
        match part:
            case "uploads":
                figures = uploads.run(practice, files=5 if small else options.files)
            case "large":
                figures = large.run(practice, size=5_000_000 if small else 4 * 1024**3)
            case "tools":
                return _compare(practice, folder, options)
            case _:
                figures = listing.run(practice, sessions=sessions)
    print(table(f"{part}, {os.cpu_count()} processors", figures), end="\n\n", flush=True)
    return figures


def _compare(practice: Practice, folder: Path, options: argparse.Namespace) -> list[Figure]:
    """The comparison of tools: each case is printed as soon as it is done, all are in `options.table` at the end."""
    course, scale = cases.Course(practice, folder / "course"), cases.SMALL if options.small else cases.Scale()
    results = []
    for case in options.case or cases.CASES:
        for result in cases.CASES[case](course, scale):
            print(comparison(result), end="\n\n", flush=True)
            results.append(result)
    options.table.parent.mkdir(parents=True, exist_ok=True)
    options.table.write_text("\n\n".join([summary(results), *map(comparison, results)]) + "\n")
    return [figure for result in results for figure in (*result.figures.values(), result.memory) if figure]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description="How much load the practice XNAT carries; how upload tools compare."
    )
    help_of_parts = f"{', '.join(PARTS)}, which are the default; {TOOLS}: the comparison"
    parser.add_argument("parts", nargs="*", metavar="PART", help=help_of_parts)
    parser.add_argument("--case", action="append", choices=cases.CASES, help=f"of {TOOLS}, this case only; repeatable")
    parser.add_argument(
        "--table", type=Path, default=Path("build/bench-tools.md"), help=f"where the tables of {TOOLS} go (%(default)s)"
    )
    parser.add_argument("--small", action="store_true", help="a few files and rows: checks answers, measures nothing")
    parser.add_argument("--files", type=int, default=400, help="files per uploader (400)")
    parser.add_argument("--folder", type=Path, help="where 5 GB fit for a while; the system's temporary folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
