"""What goes on at the same time: begin and end of each request of the modules, seen by a server that can hold them.

A request that is held waits until so many are there at once (a barrier): that they come at the same time is then no
matter of luck, and whoever sends one too many is caught, since it is there with the others.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from unittest import mock
from urllib.parse import parse_qs

from xnat_twin.injection import InjectedFaults

_PATIENCE = 60  # seconds until a request that waits in vain is an error


@dataclass
class Span:
    """One request: when it began and when its answer was ready, as places in one sequence of events."""

    method: str
    path: str
    query: dict[str, str]
    client: tuple[str, str]
    begin: int
    end: int = -1
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def sends_file(self) -> bool:
        """Whether it sends files."""
        return self.method == "PUT" and "/files/" in self.path

    @property
    def writes_object(self) -> bool:
        """Whether it writes a document."""
        return self.method == "PUT" and "/files/" not in self.path

    @property
    def resource(self) -> str:
        """The path of the resource that it writes to."""
        return self.path.partition("/files/")[0]

    @property
    def subject(self) -> str:
        """The label of the subject in its path; a path to files has none, if it goes by the session's ID."""
        return self.path.partition("/subjects/")[2].partition("/")[0]

    @property
    def name(self) -> str:
        """The name of the file that it is about."""
        return self.path.partition("/files/")[2]

    def overlaps(self, other: Span) -> bool:
        """Whether both were under way at some moment."""
        return self.begin < other.end and other.begin < self.end


@dataclass
class Traffic:
    """All requests of the modules, in the order in which they began. `before` is called with each as it begins."""

    spans: list[Span] = field(default_factory=list)
    before: Callable[[Span], None] = lambda _: None
    keep_bodies: bool = False
    clock: Iterator[int] = field(default_factory=count)

    def files(self) -> list[Span]:
        """Those that send files."""
        return [span for span in self.spans if span.sends_file]

    def documents(self) -> list[Span]:
        """Those that write documents."""
        return [span for span in self.spans if span.writes_object]

    def most_at_once(self) -> int:
        """How many were under way at the same moment, at most."""
        return max(sum(other.begin <= span.begin < other.end for other in self.spans) for span in self.spans)

    def connections(self) -> int:
        """On how many connections they came."""
        return len({span.client for span in self.spans})


def meeting(parties: int, fits: Callable[[Span], bool]) -> Callable[[Span], None]:
    """Hold each fitting request until so many of them are there, then let all of these go on."""
    barrier = threading.Barrier(parties)

    def hold(span: Span) -> None:
        if fits(span):
            barrier.wait(_PATIENCE)

    return hold


def awaited(event: threading.Event) -> None:
    """Wait for what must happen. Raises TimeoutError if it does not."""
    if not event.wait(_PATIENCE):
        raise TimeoutError("what was waited for did not happen")


@contextmanager
def watched() -> Iterator[Traffic]:
    """Write down each request of the modules while the block runs."""
    traffic = Traffic()
    real = InjectedFaults.__call__

    def serve(self: InjectedFaults, environ: Any, start_response: Any) -> Iterable[bytes]:
        if not environ.get("HTTP_USER_AGENT", "").startswith("dpuk-node"):
            return real(self, environ, start_response)
        span = _span(environ, next(traffic.clock))
        traffic.spans.append(span)

        def start(status: str, *arguments: Any) -> Any:
            span.status = int(status[:3])
            return start_response(status, *arguments)

        try:
            traffic.before(span)
            if traffic.keep_bodies:
                span.body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                environ["wsgi.input"] = io.BytesIO(span.body)
            return real(self, environ, start)
        finally:
            span.end = next(traffic.clock)

    with mock.patch.object(InjectedFaults, "__call__", serve):
        yield traffic


def _span(environ: dict[str, Any], begin: int) -> Span:
    query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    headers = {name[5:].lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers["length"] = environ.get("CONTENT_LENGTH") or ""
    client = environ["REMOTE_ADDR"], environ["REMOTE_PORT"]
    return Span(environ["REQUEST_METHOD"], environ["PATH_INFO"], query, client, begin, headers=headers)
