"""Ansible callback: a live line while files are carried to or from an XNAT, and totals when a host is done.

Modules on this machine write numbers into a private folder (module_utils/xnat/progress.py); this shows them on stderr.
It changes no result and no exit status.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible import constants as C  # noqa: N812 (as Ansible's own plugins call it)
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: xnat_progress
type: notification
short_description: Show how far a transfer to XNAT has got
description:
  - While xnat_upload, xnat_file or xnat_project_copy run on this machine, shows files, bytes, rate and time left.
  - On a terminal that is one line at the bottom, drawn again and again and removed at the end. Otherwise a plain line
    is written to stderr from time to time.
  - When a host is done with such a task, a line with its totals follows, taken from the result. For other hosts it is
    the only one; nothing of them can be seen before.
options:
  delay:
    description: Seconds that a task has to last before anything is shown.
    type: float
    default: 1
    ini: [{section: xnat_progress, key: delay}]
    env: [{name: XNAT_PROGRESS_DELAY}]
  interval:
    description: Seconds between two plain lines where there is no terminal; 0 for none.
    type: float
    default: 30
    ini: [{section: xnat_progress, key: interval}]
    env: [{name: XNAT_PROGRESS_INTERVAL}]
"""

VARIABLE = "XNAT_PROGRESS_FILE"
MODULES = frozenset({"xnat_upload", "xnat_file", "xnat_project_copy"})
_TICK = 0.2
# Seconds over which the rate is taken: a pause shows soon, a single slow file does not make it jump.
_WINDOW = 15.0
_STDERR = 2


@dataclass(frozen=True)
class State:
    """Sums over all processes at work."""

    files: int = 0
    files_total: int = 0
    bytes: int = 0
    bytes_total: int = 0


def read(folder: Path) -> State:
    """Add up what the processes have written."""
    sums = dict.fromkeys(("files", "files_total", "bytes", "bytes_total"), 0)
    for path in folder.glob("*.json"):
        try:
            state = json.loads(path.read_text())
            for name in sums:
                sums[name] += int(state[name])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # removed in between, or not ours: one tick later all is well
    return State(**sums)


def size(number: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(number) < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def duration(seconds: float) -> str:
    """Seconds as hours, minutes and seconds."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Rate:
    """Bytes per second over the last seconds."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._seen: deque[tuple[float, int]] = deque()

    def __call__(self, now: float, sent: int) -> float:
        """Take a look at the counter, and return the rate."""
        if self._seen and sent < self._seen[-1][1]:
            self._seen.clear()  # something is sent once more: what was counted before says nothing
        self._seen.append((now, sent))
        while len(self._seen) > 2 and self._seen[0][0] < now - _WINDOW:
            self._seen.popleft()
        passed = now - self._seen[0][0]
        return (sent - self._seen[0][1]) / passed if passed > 0 else 0.0


def words(state: State, rate: float) -> str:
    """Files, bytes, rate and time left."""
    parts = [f"{state.files:,}/{state.files_total:,} files", f"{size(state.bytes)} of {size(state.bytes_total)}"]
    left = state.bytes_total - state.bytes
    if left > 0 and rate > 0:
        parts += [f"{size(rate)}/s", f"{duration(left / rate)} left"]
    elif left <= 0 and state.files_total:
        parts.append("all sent, being checked")
    return ", ".join(parts)


def line(title: str, state: State, rate: float, width: int) -> str:
    """One line with a bar that fits into `width` columns."""
    text = words(state, rate)
    room = min(30, width - len(title) - len(text) - 5)
    if room >= 5:
        done, total = (state.bytes, state.bytes_total) if state.bytes_total else (state.files, state.files_total)
        filled = room * min(done, total) // total if total else 0
        text = f"[{'#' * filled}{'.' * (room - filled)}] {text}"
    return f"{title} {text}"[: max(width - 1, 0)]


def totals(result: Mapping[str, Any]) -> str:
    """The totals of a result in words, empty where it has none."""
    counted = result.get("totals")
    if isinstance(counted, Mapping) and "files" in counted:
        sent, seconds = counted.get("bytes_sent", 0), counted.get("seconds", 0)
        actions = {name: counted.get(name) for name in ("sent", "replaced", "removed", "same", "failed")}
    elif isinstance(files := result.get("files"), list) and files:
        kinds = [str(file.get("action")) for file in files if isinstance(file, Mapping)]
        actions = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        sent = sum(file.get("size") or 0 for file in files if file.get("action") in {"created", "replaced"})
        seconds = 0
        counted = {"files": len(files)}
    else:
        return ""
    parts = [f"{number:,} {name}" for name, number in actions.items() if number]
    text = f"{counted['files']:,} files ({', '.join(parts)})" if parts else f"{counted['files']:,} files"
    text += f", {size(sent)} sent"
    return f"{text} in {duration(seconds)} ({size(sent / seconds)}/s)" if seconds else text


class Show:
    """The thread that looks into the folder and draws. `write` gets whole pieces of text for stderr."""

    def __init__(self, folder: Path, title: str, delay: float, interval: float, *, terminal: bool) -> None:
        """Start looking."""
        self._folder, self._title, self._delay, self._interval = folder, title, delay, interval
        self._terminal = terminal
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._drawn = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="xnat_progress")
        self._thread.start()

    def _work(self) -> None:
        started, rate = time.monotonic(), Rate()
        next_line = started + self._interval
        while not self._stop.wait(_TICK):
            now, state = time.monotonic(), read(self._folder)
            speed = rate(now, state.bytes)
            if not state.files_total or now - started < self._delay:
                continue
            if self._terminal:
                self._draw(line(self._title, state, speed, _width()))
            elif self._interval and now >= next_line:
                next_line = now + self._interval
                _write(f"{self._title}: {words(state, speed)}\n")

    def _draw(self, text: str) -> None:
        with self._lock:
            if not self._stop.is_set():
                # The cursor goes back to the first column: what is typed or printed next does not follow the line.
                _write(f"\r\x1b[2K{text}\r")
                self._drawn = True

    def erase(self) -> None:
        """Make room for other output."""
        with self._lock:
            if self._drawn:
                _write("\r\x1b[2K")
                self._drawn = False

    def guard(self, real: Callable[..., None]) -> Callable[..., None]:
        """Wrap Ansible's function that prints, so that the line is away while it does."""

        def display(*arguments: Any, **options: Any) -> None:
            if os.getpid() != self._process:
                # A fork has no line to remove, and its copy of the lock may be held by a thread that it has not.
                real(*arguments, **options)
                return
            with self._lock:
                self.erase()
                real(*arguments, **options)

        return display

    def end(self) -> None:
        """Stop looking and leave nothing on the screen."""
        self._stop.set()
        self._thread.join(5)
        self.erase()


def _width() -> int:
    try:
        return os.get_terminal_size(_STDERR).columns or 80
    except OSError:
        return 80


def _write(text: str) -> None:
    """Write past Python's buffers: Ansible forks, and a fork must not inherit half a line or a lock that is held."""
    try:
        os.write(_STDERR, text.encode(sys.stderr.encoding or "utf-8", "replace"))
    except OSError:
        return  # the terminal is gone: nobody looks any more


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """What Ansible loads: makes the folder when it is first needed, and one Show for each task that carries files."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "xnat_progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Nothing is made yet: most playbooks carry no files."""
        super().__init__()
        self._folder: Path | None = None
        self._show: Show | None = None
        self._process = os.getpid()
        self._running: dict[tuple[str, str], float] = {}
        # Also when the run is interrupted.
        atexit.register(self._clean_up)

    # -- what Ansible tells -----------------------------------------------------------------------------------------

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Have the folder before the processes that inherit its name are made."""
        if _is_ours(task):
            self._have_folder()

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Do for a handler as for a task."""
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Look from when the first host begins."""
        if not _is_ours(task):
            return
        self._running[str(host), task._uuid] = time.monotonic()
        if self._show is None and self._folder is not None:
            title = task.action.rpartition(".")[2]
            delay, interval = self.get_option("delay"), self.get_option("interval")
            self._show = Show(self._folder, title, delay, interval, terminal=os.isatty(_STDERR))
            self._display.display = self._show.guard(self._display.display)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Say what a host has done."""
        self._host_ended(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Say what a host had done when it failed."""
        self._host_ended(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Forget a host that has gone."""
        self._host_ended(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Forget a host that had nothing to do."""
        self._host_ended(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Leave nothing behind."""
        self._clean_up()

    # -- what follows from it ---------------------------------------------------------------------------------------

    def _have_folder(self) -> None:
        if self._folder is not None:
            for path in self._folder.glob("*.json"):
                if not _alive(path.stem):
                    path.unlink(missing_ok=True)
        elif VARIABLE not in os.environ:
            # Below Ansible's own temporary folder: private, and known as what it is if it is ever left behind.
            self._folder = Path(tempfile.mkdtemp(prefix="xnat-progress-", dir=C.DEFAULT_LOCAL_TMP))
            os.environ[VARIABLE] = str(self._folder)

    def _host_ended(self, result: Any) -> None:
        started = self._running.pop((result.host.get_name(), result.task._uuid), None)
        if not self._running:
            self._end_show()
        # In check mode nothing was carried, and the result says what would be.
        if started is None or result.task.check_mode or time.monotonic() - started < self.get_option("delay"):
            return
        results = result.result.get("results", [result.result])
        for number, item in enumerate(results, start=1):
            if text := totals(item):
                which = f" {number} of {len(results)}" if len(results) > 1 else ""
                self._display.display(f"{result.host.get_name()}{which}: {text}", stderr=True)

    def _end_show(self) -> None:
        if self._show is not None:
            self._show.end()
            self._show = None
            # What is left is the function of its class.
            with contextlib.suppress(AttributeError):
                del self._display.display

    def _clean_up(self) -> None:
        if os.getpid() != self._process:
            return
        self._end_show()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.environ.pop(VARIABLE, None)
            self._folder = None


def _is_ours(task: Any) -> bool:
    return str(task.action).rpartition(".")[2] in MODULES


def _alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OSError):
        return True
    return True
