"""Many small tasks on several threads, with a bound on how many are begun: what waits costs memory. Sends nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def in_order(
    work: Callable[[_Task], _Result], tasks: Iterable[_Task], *, workers: int, name: str, ahead: int | None = None
) -> Iterator[_Result]:
    """Yield the result of each task, in their order, `workers` at a time on threads of that name.

    At most `ahead` tasks (as many as there are workers, if not said) are under way or done and not yet asked for; with
    ThreadPoolExecutor.map, that would be all of them.
    """
    waiting: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix=name) as pool:
        for task in tasks:
            if len(waiting) >= (ahead or workers):
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, task))
        while waiting:
            yield waiting.popleft().result()
