"""What keeps memory bounded in a study of very many files: rows written one by one, tasks not begun all at once."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.xnat.study import output, parallel


def printed(result: dict[str, Any], rows: Any) -> str:
    """What a module prints that leaves with this result, as exit_json does: by SystemExit."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream), contextlib.suppress(SystemExit), output.rows_in_place(rows):
        print(json.dumps(result))
        sys.exit(0)
    return stream.getvalue()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_rows_stand_where_the_list_would(count: int) -> None:
    rows = [{"name": f'{number} "quoted"', "size": number, "md5": None} for number in range(count)]
    result = {"changed": True, "files": output.PLACEHOLDER, "totals": {"files": count}}
    text = printed(result, lambda: iter(rows))
    assert json.loads(text) == {**result, "files": rows}
    assert text.endswith("\n")


def test_a_result_without_rows_is_printed_as_it_is() -> None:
    def never() -> Iterator[dict[str, Any]]:
        raise AssertionError("nobody asked for rows")

    assert printed({"msg": "no", "failed": True}, never) == '{"msg": "no", "failed": true}\n'


def test_results_come_in_order_and_no_more_is_begun_than_is_asked_for() -> None:
    begun: list[int] = []
    guard = threading.Lock()

    def work(task: int) -> int:
        with guard:
            begun.append(task)
        return task * task

    results = parallel.in_order(work, range(100), workers=3, name="test", ahead=5)
    for number in range(100):
        assert next(results) == number * number
        # Those that were asked for, and at most five more.
        assert len(begun) <= number + 1 + 5
    assert list(results) == []
    assert sorted(begun) == list(range(100))


def test_an_error_comes_where_its_result_would() -> None:
    def work(task: int) -> float:
        return 1 / task

    results = parallel.in_order(work, [1, 2, 0, 4], workers=2, name="test")
    assert [next(results), next(results)] == [1.0, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)
