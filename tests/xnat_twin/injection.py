"""Makes requests fail on purpose, as faults.py says: late, slow, lost, cut or refused answers. Nothing of XNAT is here.

It stands in front of the application as a proxy does, so a fault looks to a client as a broken network or proxy would.
A connection is dropped by raising ConnectionAbortedError out of the application: the server takes that for a client
that went away and closes the socket without a word.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from xnat_twin.errors import status_line, status_page
from xnat_twin.faults import Fault
from xnat_twin.middleware import Application, Environ, StartResponse
from xnat_twin.site import Site
from xnat_twin.storage.disk import CHUNK
from xnat_twin.transfer.uploads import Readable

#: The address of the switch itself (resources/administration/practice.py); a fault there could not be taken back.
SWITCH = "/practice"
_BEATS = 20  # a slow body moves this often in a second


class DroppedConnectionError(ConnectionAbortedError):
    """The connection ends here, on purpose."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNABORTED, "dropped on purpose")


class InjectedFaults:
    """Lets each request through, unless a fault waits for it."""

    def __init__(self, application: Application, site: Site) -> None:
        self._application = application
        self._site = site

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path.startswith(SWITCH):
            return self._application(environ, start_response)
        with self._site.faults.serving(method, path) as faults:
            if not faults:
                return self._application(environ, start_response)
            return self._fail(faults, environ, start_response)

    def _fail(self, faults: Mapping[str, Fault], environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        slow, late = faults.get("slow"), faults.get("latency")
        if "expire_sessions" in faults:
            self._site.sessions.expire_all()
        if slow:
            environ["wsgi.input"] = _SlowBody(environ["wsgi.input"], int(slow.value))
        if late and not late.carry_out:
            time.sleep(float(late.value))
        answer = self._answer(faults, environ, start_response)
        if late and late.carry_out:
            time.sleep(float(late.value))
        return _slowly(answer, int(slow.value)) if slow else answer

    def _answer(self, faults: Mapping[str, Fault], environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if drop := faults.get("drop"):
            self._drop(drop, environ)
        if status := faults.get("status"):
            return self._refuse(status, environ, start_response)
        if cut := faults.get("truncate"):
            return _truncated(self._application, cut, environ, start_response)
        return self._application(environ, start_response)

    def _drop(self, fault: Fault, environ: Environ) -> None:
        """Close the connection. With `carry_out` the work is done first, or as much of it as half a body allows."""
        body: Readable = environ["wsgi.input"]
        if fault.value == "during":
            body = environ["wsgi.input"] = _HalfBody(body, int(environ.get("CONTENT_LENGTH") or CHUNK))
        if fault.carry_out:
            _carry_out(self._application, environ)
        if fault.value != "before":
            while body.read(CHUNK):
                pass
        raise DroppedConnectionError

    def _refuse(self, fault: Fault, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The status, with the page that XNAT would send; with `carry_out` the work is done and its answer lost."""
        if fault.carry_out:
            _carry_out(self._application, environ)
        status = int(fault.value)
        message = f"Injected fault {status}"
        body = b"" if status in {204, 304} else status_page(status, message)
        headers = [("Content-Type", "text/html"), ("Content-Length", str(len(body)))]
        if fault.retry_after:
            headers.append(("Retry-After", fault.retry_after))
        start_response(status_line(status, message), headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _carry_out(application: Application, environ: Environ) -> None:
    """Do what the request asks for, and lose the answer."""
    answer = application(environ, lambda *_: lambda _data: None)
    try:
        for _ in answer:
            pass
    finally:
        _close(answer)


def _truncated(
    application: Application, fault: Fault, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    """The answer up to the cut. Content-Length promises more than that; a chunked answer lacks its end.

    An answer that cannot have a body (HEAD, 204, 304) is lost as a whole.
    """
    started: list[Any] = []

    def start(*arguments: Any) -> Any:
        started[:] = arguments
        return lambda _data: None

    answer = application(environ, start)
    status, headers = started[:2]
    if environ["REQUEST_METHOD"] == "HEAD" or status[:3] in {"204", "304"}:
        _close(answer)
        raise DroppedConnectionError
    arriving = None if fault.value == "half" else int(fault.value)
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), None)
    if length is not None:
        arriving = length // 2 if arriving is None else min(arriving, length)
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        headers.append(("Content-Length", str(max(length, arriving + 1))))
    start_response(status, headers)
    return _cut(answer, arriving)


def _cut(answer: Iterable[bytes], arriving: int | None) -> Iterator[bytes]:
    """`arriving` bytes of the answer, or half of its first chunk, and then the end of the connection."""
    try:
        for chunk in answer:
            part = chunk[: len(chunk) // 2 if arriving is None else arriving]
            yield part
            arriving = (len(part) if arriving is None else arriving) - len(part)
            if arriving <= 0:
                break
    finally:
        _close(answer)
    raise DroppedConnectionError


def _slowly(answer: Iterable[bytes], rate: int) -> Iterator[bytes]:
    """The same bytes, `rate` of them a second."""
    step = max(rate // _BEATS, 1)
    try:
        for chunk in answer:
            for start in range(0, len(chunk), step):
                piece = chunk[start : start + step]
                time.sleep(len(piece) / rate)
                yield piece
    finally:
        _close(answer)


def _close(answer: Iterable[bytes]) -> None:
    if close := getattr(answer, "close", None):
        close()


class _SlowBody:
    """A request's body that gives `rate` bytes a second."""

    def __init__(self, body: Readable, rate: int) -> None:
        self._body = body
        self._rate = rate

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = None if size is None or size < 0 else size
        step, data = max(self._rate // _BEATS, 1), bytearray()
        while wanted is None or len(data) < wanted:
            piece = self._body.read(step if wanted is None else min(step, wanted - len(data)))
            if not piece:
                break
            data += piece
            time.sleep(len(piece) / self._rate)
        return bytes(data)


class _HalfBody:
    """A request's body that ends in the middle of `length` bytes."""

    def __init__(self, body: Readable, length: int) -> None:
        self._body = body
        self._left = length // 2

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._body.read(self._left if size is None or size < 0 else min(size, self._left))
        self._left -= len(data)
        return data
