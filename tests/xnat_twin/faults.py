"""What goes wrong on purpose, and for which request: the vocabulary of faults, matching and counting.

A fault has one kind with its value, and may say when it strikes. Three ways lead here, in the same words: Python
(`faults.add(Fault.of(status=503, times=2))`), `--fault status=503,times=2`, and a POST of `{"status": 503, "times": 2}`
to `/practice/faults`. How a request is made to fail is not here: injection.py does that, and for what
is written storage/disk.py and storage/catalog.py.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from pathlib import Path

from xnat_twin.storage.disk import Disk

Value = int | float | str

#: Each kind of fault and what it does. README.md has the same list for people.
KINDS = {
    "status": "answer with this status, as a proxy in front does",
    "latency": "seconds before the work; with carry_out, between the work and the answer",
    "slow": "bytes a second, for the request's body and for the answer's",
    "drop": "close the connection without an answer: `before` the request's body, `during` or `after` it",
    "truncate": "close the connection after so many bytes of the answer's body; default: in the middle",
    "expire_sessions": "end every HTTP session before the request is looked at, as a restart does",
    "disk_full": "the disk takes so many bytes of the next file that is written; default: none",
    "conflict": "another writer changes the catalog just before it is written",
}
_TEXTS = ("method", "path", "regex")
_CHOICES = ("times", "skip", *_TEXTS, "carry_out", "retry_after")
#: Kinds that are used up by a write and not by a request: most requests write nothing.
_BY_WRITES = frozenset({"disk_full", "conflict"})
_LONGEST = 3600.0  # seconds
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

#: Method and path of the request that this thread is serving; conflicts and full disks strike far from the request.
_serving: ContextVar[tuple[str, str]] = ContextVar("serving", default=("", ""))


class FaultError(ValueError):
    """The words do not describe a fault; the message says which and why."""


@dataclass(frozen=True)
class Fault:
    """One fault. `of` makes and checks it.

    It strikes `times` times (None: until it is cleared), after letting `skip` fitting requests pass. A request fits
    whose method is `method`, whose path contains `path`, and in whose path `regex` is found; empty fits all.
    `carry_out` does the work first and then loses the answer, as a proxy that times out does.
    """

    kind: str
    value: Value
    times: int | None = 1
    skip: int = 0
    method: str = ""
    path: str = ""
    regex: str = ""
    carry_out: bool = False
    retry_after: str = ""

    @classmethod
    def of(cls, /, **words: object) -> Fault:
        """The fault that these words describe: one kind with its value, and any of `_CHOICES`. Raises FaultError."""
        for word in words:
            if word not in KINDS and word not in _CHOICES:
                raise FaultError(f"unknown word {word!r}; kinds: {', '.join(KINDS)}; choices: {', '.join(_CHOICES)}")
        kinds = [word for word in words if word in KINDS]
        if len(kinds) != 1:
            found = " and ".join(kinds) or "none"
            raise FaultError(f"a fault has one of {', '.join(KINDS)}; found {found}")
        texts = {word: _text(word, words[word]) for word in _TEXTS if word in words}
        fault = cls(
            kind=kinds[0],
            value=_value(kinds[0], words[kinds[0]]),
            times=None if words.get("times") == "always" else _whole("times", words.get("times", 1), least=1),
            skip=_whole("skip", words.get("skip", 0)),
            carry_out=_flag("carry_out", words.get("carry_out", False)),
            retry_after=_retry_after(words["retry_after"]) if "retry_after" in words else "",
            **texts,
        )
        fault._check_combination()
        return replace(fault, method=fault.method.upper())

    @classmethod
    def from_spec(cls, spec: str) -> Fault:
        """As a command line has it: `KIND[=VALUE][,CHOICE=VALUE]…`, or JSON where a value holds a comma."""
        if spec.lstrip().startswith("{"):
            try:
                return cls.of(**json.loads(spec))
            except json.JSONDecodeError as error:
                raise FaultError(f"not JSON: {error}") from error
        words: dict[str, object] = {}
        for part in spec.split(","):
            word, equals, text = part.strip().partition("=")
            if word in words:
                raise FaultError(f"{word} is given twice")
            words[word] = _plain(text) if equals and word not in _TEXTS else text if equals else True
        return cls.of(**words)

    def _check_combination(self) -> None:
        if self.retry_after and self.kind != "status":
            raise FaultError("retry_after goes with status")
        if self.carry_out and self.kind not in {"status", "latency", "drop"}:
            raise FaultError("carry_out goes with status, latency and drop")
        if self.carry_out and self.value == "before":
            raise FaultError("drop=before leaves nothing to carry out: the body is never read")
        try:
            re.compile(self.regex)
        except re.error as error:
            raise FaultError(f"regex is not a regular expression: {error}") from error

    def fits(self, method: str, path: str) -> bool:
        return (
            self.method in {"", method} and self.path in path and (not self.regex or bool(re.search(self.regex, path)))
        )

    def words(self) -> dict[str, object]:
        """What `of` makes this fault from."""
        words: dict[str, object] = {self.kind: self.value, "times": "always" if self.times is None else self.times}
        return words | {word: found for word in _CHOICES if word != "times" and (found := getattr(self, word))}


class Faults:
    """The faults that wait for their moment. Each request takes at most one of a kind, the oldest first."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._guard = threading.Lock()
        self._waiting: list[Fault] = []
        disk.take_room = self.take_room

    def add(self, *faults: Fault) -> None:
        """Let these wait for their requests."""
        with self._guard:
            self._waiting.extend(faults)

    def waiting(self) -> list[Fault]:
        """What has not struck yet, with what is left of `times` and `skip`."""
        with self._guard:
            return list(self._waiting)

    def clear(self) -> None:
        """Forget every fault that was not used."""
        with self._guard:
            self._waiting.clear()

    def status_once(self, status: int, *, method: str = "", path: str = "", carry_out: bool = False) -> None:
        """The next fitting request is answered with `status`."""
        self.add(Fault.of(status=status, method=method, path=path, carry_out=carry_out))

    def conflict_once(self, times: int = 1) -> None:
        """The next `times` catalog writes lose against another writer: 500, the file on disk but not catalogued."""
        self.add(Fault.of(conflict=True, times=times))

    @contextmanager
    def disk_full_after(self, size: int) -> Iterator[None]:
        """While the block runs, the archive's disk has room for `size` more bytes."""
        before, self._disk.quota = self._disk.quota, self._disk.used + size
        try:
            yield
        finally:
            self._disk.quota = before

    @contextmanager
    def serving(self, method: str, path: str) -> Iterator[dict[str, Fault]]:
        """While the block runs, this thread serves that request. Gives the request's faults by kind, used up."""
        before = _serving.set((method, path))
        try:
            yield self._take(method, path, lambda kind: kind not in _BY_WRITES) if self._waiting else {}
        finally:
            _serving.reset(before)

    def take_interference(self) -> Callable[[Path], None] | None:
        """What to do to a catalog file just before it is compared and written; None for nothing."""
        return _write_as_someone_else if self._strikes_write("conflict") else None

    def take_room(self) -> int | None:
        """How many bytes of the file that is about to be written fit on the disk; None for all."""
        fault = self._strikes_write("disk_full")
        return int(fault.value) if fault else None

    def _strikes_write(self, kind: str) -> Fault | None:
        return self._take(*_serving.get(), lambda found: found == kind).get(kind) if self._waiting else None

    def _take(self, method: str, path: str, wanted: Callable[[str], bool]) -> dict[str, Fault]:
        """The faults for this request by kind, counted down; those that are used up are forgotten."""
        taken: dict[str, Fault] = {}
        left: list[Fault] = []
        with self._guard:
            for fault in self._waiting:
                rest: Fault | None = fault
                if wanted(fault.kind) and fault.kind not in taken and fault.fits(method, path):
                    if fault.skip:
                        rest = replace(fault, skip=fault.skip - 1)
                    else:
                        taken[fault.kind] = fault
                        rest = _with_one_time_less(fault)
                if rest is not None:
                    left.append(rest)
            self._waiting = left
        return taken


def _with_one_time_less(fault: Fault) -> Fault | None:
    if fault.times is None:
        return fault
    return replace(fault, times=fault.times - 1) if fault.times > 1 else None


def _write_as_someone_else(catalog: Path) -> None:
    """A real change by another writer: the file has other bytes, and still means the same."""
    if catalog.exists():
        catalog.write_bytes(catalog.read_bytes() + b"\n")


def _plain(text: str) -> object:
    """A value of a command line as JSON would have it: number, true, false, or text."""
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return {"true": True, "false": False}.get(text, text)


def _value(kind: str, given: object) -> Value:
    """The checked value of a kind. `true` stands for its default, where it has one."""
    match kind:
        case "status":
            return _whole(kind, given, least=200, most=599)
        case "latency":
            if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= _LONGEST:
                raise FaultError(f"latency is a number of seconds, at most {_LONGEST:g}, not {given!r}")
            return float(given)
        case "slow":
            return _whole(kind, given, least=1)
        case "drop":
            if given not in {"before", "during", "after"}:
                raise FaultError(f"drop is before, during or after the request's body, not {given!r}")
            return str(given)
        case "truncate":
            return "half" if given is True or given == "half" else _whole(kind, given)
        case "disk_full":
            return 0 if given is True else _whole(kind, given)
        case _:
            if given is not True:
                raise FaultError(f"{kind} has no value but true, not {given!r}")
            return True


def _whole(word: str, given: object, least: int = 0, most: int | None = None) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < least or (most is not None and given > most):
        limits = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise FaultError(f"{word} is a whole number {limits}, not {given!r}")
    return given


def _text(word: str, given: object) -> str:
    if not isinstance(given, str):
        raise FaultError(f"{word} is a text, not {given!r}")
    return given


def _flag(word: str, given: object) -> bool:
    if not isinstance(given, bool):
        raise FaultError(f"{word} is true or false, not {given!r}")
    return given


def _retry_after(given: object) -> str:
    """Seconds or an HTTP date."""
    if not isinstance(given, bool) and re.fullmatch(r"[0-9]+", str(given)):
        return str(given)
    try:
        parsedate_to_datetime(_text("retry_after", given))
    except (ValueError, FaultError) as error:
        raise FaultError(f"retry_after is a number of seconds or an HTTP date, not {given!r}") from error
    return str(given)
