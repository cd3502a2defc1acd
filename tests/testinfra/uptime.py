"""Whether XNAT answers, asked from outside again and again while something is done to it."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import requests

PAUSE = 0.1  # seconds between two questions
#: A line for each time that was watched; conftest.py prints them below the tests, whether these passed or not.
MEASURED: list[str] = []


class Watch:
    """Asks an address, which is open to everybody, for as long as the block runs, through the front door."""

    def __init__(self, url: str, ca: str, expected: str) -> None:
        self._url, self._ca, self._expected = url, ca, expected
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._down_since: float | None = None
        #: Questions that had the right answer, and seconds of each time in which none had.
        self.answered = 0
        self.gaps: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(60)
        self._up(time.monotonic())

    @property
    def downtime(self) -> float:
        """Seconds without an answer, in all."""
        return sum(self.gaps)

    def _up(self, now: float) -> None:
        if self._down_since is not None:
            self.gaps.append(now - self._down_since)
            self._down_since = None

    def _ask(self) -> None:
        with requests.Session() as session:
            session.trust_env, session.verify = False, self._ca
            while not self._ended.wait(PAUSE):
                asked = time.monotonic()
                try:
                    answer = session.get(self._url, timeout=5, allow_redirects=False)
                    right = answer.status_code == 200 and answer.text.strip() == self._expected
                except requests.RequestException:
                    right = False
                if right:
                    self._up(time.monotonic())
                    self.answered += 1
                elif self._down_since is None:
                    self._down_since = asked
