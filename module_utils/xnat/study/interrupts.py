"""Ctrl-C and SIGTERM as a wish to end cleanly. Knows nothing of what is to be ended."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def noticed(tell: Callable[[str], None]) -> Iterator[None]:
    """Call `tell` with the name of the signal instead of breaking off, while the block runs.

    The second signal does what the first would have done without this. Python gives signals to the main thread only; in
    any other, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _: FrameType | None) -> None:
        signal.signal(number, before[signal.Signals(number)])
        tell(signal.Signals(number).name)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
