"""One connection of the server, made to be quick: buffers in C, and no change of thread between two requests.

It refuses what cannot be a request, and reads bodies in chunks without taking a whole chunk into memory. What else is
said over it is cheroot's business.
"""

from __future__ import annotations

import io
import re
import select
import socket

from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.wsgi import Gateway_10

BUFFER = 64 * 1024
#: How long a thread waits for the next request of a client that it has just answered, in milliseconds.
PATIENCE = 5
#: Seconds between two bytes of a request line or header; for bodies the server's own timeout counts.
HEADERS_WITHIN = 10
#: What no request target can have. Tomcat refuses it as well.
_CONTROLS = re.compile(rb"[\x00-\x20\x7f]")


class _Counted(socket.SocketIO):
    """A socket that counts what it received."""

    received = 0

    def readinto(self, buffer: object) -> int | None:
        size = super().readinto(buffer)  # type: ignore[arg-type]
        self.received += size or 0
        return size


class Reader(io.BufferedReader):
    """What the client sends. cheroot's own reader is the standard library's in Python, and copies more."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = _Counted(sock, "r")
        super().__init__(self._socket, BUFFER)
        self.bytes_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        return data

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.bytes_read += len(line)
        return line

    def has_data(self) -> bool:
        """Whether something was received and not read."""
        return self._socket.received > self.bytes_read


class ChunkedBody:
    """A body whose length nobody knows. cheroot's reader takes each chunk into memory, however large it claims to be.

    What is no such body raises ValueError, what ends too early as well.
    """

    def __init__(self, stream: Reader) -> None:
        self._stream = stream
        self._left = 0  # of the current chunk
        self._ended = False

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = -1 if size is None else size
        data = bytearray()
        while len(data) != wanted and self._has_more():
            room = BUFFER if wanted < 0 else wanted - len(data)
            part = self._stream.read(min(room, self._left))
            if not part:
                raise ValueError("The body ended in the middle of a chunk")
            data += part
            self._left -= len(part)
            if not self._left and self._stream.readline(3) != b"\r\n":
                raise ValueError("A chunk is longer than it claims")
        return bytes(data)

    def close(self) -> None:
        """The stream belongs to the connection."""

    def _has_more(self) -> bool:
        """Whether there is anything left of this chunk or in the next one."""
        if not self._left and not self._ended:
            line = self._stream.readline(1024)
            if not re.match(rb"[0-9A-Fa-f]{1,15}[ \t;\r]", line) or not line.endswith(b"\n"):
                raise ValueError(f"Bad size of a chunk: {line!r}")
            self._left = int(re.split(rb"[ \t;\r]", line)[0], 16)
            self._ended = not self._left
            while self._ended and self._stream.readline(BUFFER) not in {b"\r\n", b"\n", b""}:
                pass  # trailers are for nobody
        return not self._ended


class Writer:
    """What the client gets, unbuffered."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.bytes_written = 0

    def write(self, data: bytes) -> int:
        self._socket.sendall(data)
        self.bytes_written += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """The socket belongs to the connection."""


def _stream(sock: socket.socket, mode: str, _size: int) -> Reader | Writer:
    return Reader(sock) if "r" in mode else Writer(sock)


class Request(HTTPRequest):
    """A request that is refused before it can do harm: what cannot be one, and headers that never end."""

    def parse_request(self) -> None:
        self.conn.socket.settimeout(HEADERS_WITHIN)
        super().parse_request()
        self.conn.socket.settimeout(self.server.timeout)

    def read_request_headers(self) -> bool:
        if not super().read_request_headers():  # type: ignore[no-untyped-call]
            return False
        if _CONTROLS.search(self.uri) or not self.inheaders.get(b"Content-Length", b"0").isdigit():
            self.simple_response("400 Bad Request")
            return False
        return True


class Gateway(Gateway_10):
    """Hands the application bodies in chunks as ChunkedBody."""

    def get_environ(self) -> dict[str, object]:  # type: ignore[override]
        if self.req.chunked_read:
            self.req.rfile = ChunkedBody(self.req.conn.rfile)
        environ: dict[str, object] = super().get_environ()  # type: ignore[no-untyped-call]
        return environ


class Connection(HTTPConnection):
    """A client that is not handed from thread to thread while it sends one request after the other."""

    RequestHandlerClass = Request

    def __init__(self, server: object, sock: socket.socket, makefile: object = None) -> None:
        super().__init__(server, sock, _stream)
        self._next = select.poll()
        self._next.register(sock, select.POLLIN)

    def communicate(self) -> bool:
        """Serve what comes; whether the connection is to be kept for later, as that of a client that says nothing."""
        if not self._is_next_here():
            return True
        while super().communicate():  # type: ignore[no-untyped-call]
            if not self.server.ready or self.server.requests.qsize or not self._is_next_here():
                return True
        return False

    def _is_next_here(self) -> bool:
        return self.rfile.has_data() or bool(self._next.poll(PATIENCE))
