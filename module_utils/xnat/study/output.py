"""Long lists in what a module prints: written row by row, since Ansible keeps several copies of a whole result.

Knows no XNAT. What Ansible does to a result (hiding secrets, adding warnings) stays Ansible's.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

# Stands in the result for the list until it is printed.
PLACEHOLDER = "(the rows, which are written one by one)"


@contextlib.contextmanager
def rows_in_place(rows: Callable[[], Iterable[Mapping[str, Any]]]) -> Iterator[None]:
    """Hold back what is printed in this block; print it at its end, with the rows in place of PLACEHOLDER.

    `rows` is asked when all else is known. It must have hidden what is secret.
    """
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        before, found, after = printed.getvalue().partition(json.dumps(PLACEHOLDER))
        sys.stdout.write(before)
        if found:
            write_list(sys.stdout, rows())
        sys.stdout.write(after)
        sys.stdout.flush()


def write_list(stream: Any, rows: Iterable[Mapping[str, Any]], indent: str = "") -> None:
    """Write rows as a list in JSON; with an indent, each in a line of its own."""
    stream.write("[")
    for number, row in enumerate(rows):
        stream.write(("," if number else "") + (f"\n{indent}" if indent else "") + json.dumps(row))
    stream.write("]")
