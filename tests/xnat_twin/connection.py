"""One connection of the server, made to be quick: buffers in C, and no change of thread between two requests.

What is said over it is cheroot's business.
"""

from __future__ import annotations

import io
import select
import socket

from cheroot.server import HTTPConnection

BUFFER = 64 * 1024
#: How long a thread waits for the next request of a client that it has just answered, in milliseconds.
PATIENCE = 5


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


class Connection(HTTPConnection):
    """A client that is not handed from thread to thread while it sends one request after the other."""

    def __init__(self, server: object, sock: socket.socket, makefile: object = None) -> None:
        super().__init__(server, sock, _stream)
        self._next = select.poll()
        self._next.register(sock, select.POLLIN)

    def communicate(self) -> bool:
        """Serve what comes; whether the connection is to be kept for later."""
        while super().communicate():  # type: ignore[no-untyped-call]
            if not self.server.ready or self.server.requests.qsize or not self._is_next_here():
                return True
        return False

    def _is_next_here(self) -> bool:
        return self.rfile.has_data() or bool(self._next.poll(PATIENCE))
