"""xnat_upload as a process of its own, which the server ends at a moment that a test chooses.

The moment is a place in what the server sees: the Nth request of a kind, as it begins, in the middle of its body, or
when it was carried out and its answer has not left. So it is the same in every run, whatever the machine does.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from module_runner import Modules
from xnat_twin.injection import DroppedConnectionError, InjectedFaults

SCRIPT = Path(__file__).parents[1] / "bench/tools/scripts/with_xnat_upload.py"
_PATIENCE = 120  # seconds until a process that does not end is an error


@dataclass(frozen=True)
class Moment:
    """The `number`th request (from 1) of that method whose path holds `path`; `when` is begin, middle or after."""

    method: str
    path: str
    when: str
    number: int = 1

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.number} {self.when}"


@dataclass
class Ended:
    """What is left of a process: its exit status, negative for the signal that ended it, and what it printed."""

    status: int
    printed: str
    complaints: str

    @property
    def result(self) -> dict[str, Any]:
        """The result of the module."""
        found: dict[str, Any] = json.loads(self.printed)
        return found


def command(modules: Modules, options: dict[str, Any]) -> list[str]:
    """The command that runs xnat_upload with these options on the server of `modules`."""
    known = {"url": modules.url, "username": modules.username, "password": modules.password, **options}
    return [sys.executable, str(SCRIPT), json.dumps(known)]


def environment(home: Path) -> dict[str, str]:
    """That of the tests, without proxies and without settings that a user has at home."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "NO_PROXY": "*", "NETRC": os.devnull, "HOME": str(home)}


@dataclass
class Victim:
    """A running module, and when it gets its signal."""

    moment: Moment
    sign: signal.Signals
    pid: int = 0
    started: threading.Event = field(default_factory=threading.Event)
    sent: threading.Event = field(default_factory=threading.Event)
    seen: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)
    at_work: int = 0
    idle: threading.Condition = field(default_factory=threading.Condition)

    def is_due(self, method: str, path: str) -> bool:
        """Whether this request is the one; counts it."""
        if method != self.moment.method or self.moment.path not in path:
            return False
        with self.guard:
            self.seen += 1
            return self.seen == self.moment.number

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        """Count a request as being carried out."""
        with self.idle:
            self.at_work += 1
        try:
            yield
        finally:
            with self.idle:
                self.at_work -= 1
                self.idle.notify_all()

    def strike(self) -> None:
        """Send the signal; SIGKILL has done its work when this returns."""
        assert self.started.wait(_PATIENCE)
        self.sent.set()
        os.kill(self.pid, self.sign)
        if self.sign == signal.SIGKILL:
            # Dead, but not yet buried: that is for who started it, and who may have been faster.
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)


def run(modules: Modules, options: dict[str, Any], home: Path, moment: Moment, sign: signal.Signals) -> Ended:
    """Run xnat_upload as a process and send it the signal at that moment, which must come."""
    victim = Victim(moment, sign)
    with _watching(victim):
        process = subprocess.Popen(
            command(modules, options),
            env=environment(home),
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        victim.pid = process.pid
        victim.started.set()
        try:
            printed, complaints = process.communicate(timeout=_PATIENCE)
        finally:
            process.kill()
        # What a dead client has asked for is still carried out; who comes next shall find all of it, or nothing.
        with victim.idle:
            assert victim.idle.wait_for(lambda: not victim.at_work, _PATIENCE)
    assert victim.sent.is_set(), f"{moment} did not come: {printed[-1000:]}{complaints[-1000:]}"
    return Ended(process.returncode, printed, complaints)


@contextlib.contextmanager
def _watching(victim: Victim) -> Iterator[None]:
    real = InjectedFaults.__call__

    def serve(self: InjectedFaults, environ: Any, start_response: Any) -> Iterable[bytes]:
        with victim.served():
            return answer(self, environ, start_response)

    def answer(self: InjectedFaults, environ: Any, start_response: Any) -> Iterable[bytes]:
        of_module = environ.get("HTTP_USER_AGENT", "").startswith("dpuk-node")
        if not of_module or not victim.is_due(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            return real(self, environ, start_response)
        if victim.moment.when == "middle":
            length = int(environ.get("CONTENT_LENGTH") or 0)
            environ["wsgi.input"] = _Body(environ["wsgi.input"], length // 2, victim)
            return real(self, environ, start_response)
        if victim.moment.when == "begin":
            victim.strike()
            if victim.sign == signal.SIGKILL:
                raise DroppedConnectionError
            return real(self, environ, start_response)
        done = list(real(self, environ, start_response))
        victim.strike()
        return done

    with mock.patch.object(InjectedFaults, "__call__", serve):
        yield


class _Body:
    """A body in whose middle the client gets its signal; killed, it sends no more."""

    def __init__(self, body: Any, until: int, victim: Victim) -> None:
        self._body, self._left, self._victim = body, until, victim

    def read(self, size: int | None = -1, /) -> bytes:
        if self._victim.sent.is_set():
            return b"" if self._victim.sign == signal.SIGKILL else bytes(self._body.read(size))
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        if not wanted:
            self._victim.strike()
            return self.read(size)
        data = bytes(self._body.read(wanted))
        self._left -= len(data)
        return data
