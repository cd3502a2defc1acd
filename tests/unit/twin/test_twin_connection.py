"""Threads stay with clients that go on sending, and yet nobody waits for ever."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from xnat_twin.connection import ChunkedBody, Reader
from xnat_twin.server import Server
from xnat_twin.site import Site

REQUEST = b"GET /xapi/siteConfig/buildInfo HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(Site.open(tmp_path), threads=3) as running:
        yield running


def _connect(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def _answers(client: socket.socket, count: int) -> None:
    """Read until `count` answers have begun."""
    received = b""
    while received.count(b"HTTP/1.1 200 ") < count:
        data = client.recv(65536)
        assert data, "the server closed the connection"
        received += data


def test_requests_that_arrive_together_are_all_answered(server: Server) -> None:
    with _connect(server) as client:
        client.sendall(REQUEST * 3)
        _answers(client, 3)
        client.sendall(REQUEST)
        _answers(client, 1)


def test_more_clients_than_threads_keep_their_connections(server: Server) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(_connect(server)) for _ in range(40)]
        for _ in range(3):
            for client in clients:
                client.sendall(REQUEST)
            for client in clients:
                _answers(client, 1)


def test_newcomer_is_served_while_all_threads_are_busy_with_others(server: Server) -> None:
    finished, busy = threading.Event(), threading.Barrier(4)

    def chatter() -> None:
        with _connect(server) as client:
            client.sendall(REQUEST)
            _answers(client, 1)
            busy.wait(20)
            while not finished.is_set():
                client.sendall(REQUEST)
                _answers(client, 1)

    threads = [threading.Thread(target=chatter) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        busy.wait(20)
        with _connect(server) as newcomer:
            newcomer.settimeout(5)
            newcomer.sendall(REQUEST)
            _answers(newcomer, 1)
    finally:
        finished.set()
        for thread in threads:
            thread.join()


def test_server_stops_while_a_client_goes_on_sending(tmp_path: Path) -> None:
    server = Server(Site.open(tmp_path), threads=3)
    server.start()
    begun, gone = threading.Event(), threading.Event()

    def chatter() -> None:
        with _connect(server) as client:
            try:
                while True:
                    client.sendall(REQUEST)
                    _answers(client, 1)
                    begun.set()
            except (OSError, AssertionError):
                gone.set()

    thread = threading.Thread(target=chatter)
    thread.start()
    assert begun.wait(20)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 4
    assert gone.wait(5)
    thread.join()


def test_clients_that_say_nothing_or_never_finish_a_header_do_not_keep_others_out(server: Server) -> None:
    with ExitStack() as stack:
        for begin in [b""] * 10 + [b"GET / HT"] * 2:
            stack.enter_context(_connect(server)).sendall(begin)
        client = stack.enter_context(_connect(server))
        client.settimeout(5)
        client.sendall(REQUEST)
        _answers(client, 1)


def _status(server: Server, request: bytes) -> bytes:
    """The beginning of what is answered to a request, or to a part of one."""
    with _connect(server) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return client.recv(12)[9:]


@pytest.mark.parametrize(
    "change",
    [
        (b"Host: x", b"Host: x\r\nContent-Length: -5"),
        (b"Host: x", b"Host: x\r\nContent-Length: 1_0"),
        (b"buildInfo", b"build\x01Info"),
        (b"buildInfo", b"build\x00Info"),
    ],
)
def test_what_cannot_be_a_request_is_400(server: Server, change: tuple[bytes, bytes]) -> None:
    assert _status(server, REQUEST.replace(*change)) == b"400"


def test_headers_without_end_are_refused(server: Server) -> None:
    assert _status(server, REQUEST.replace(b"Host", b"X: y\r\n" * 20_000 + b"Host")) == b"413"
    assert _status(server, REQUEST.replace(b"buildInfo", b"b" * 100_000)) == b"414"


def _chunked(data: bytes) -> ChunkedBody:
    left, right = socket.socketpair()
    with left:
        left.sendall(data)
    return ChunkedBody(Reader(right))


def test_chunks_are_read_in_parts_of_any_size() -> None:
    data = b"5;name=value\r\nhello\r\nA \r\n, world!!!\r\n0\r\nTrailer: x\r\n\r\n"
    for size in (1, 3, 100):
        assert b"".join(iter(partial(_chunked(data).read, size), b"")) == b"hello, world!!!"
    assert _chunked(data).read() == b"hello, world!!!"


@pytest.mark.parametrize(
    "data",
    [
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"-5\r\n",
        b"",
        b"5\r\nhel",
        b"2\r\nhello\r\n0\r\n\r\n",
        b"fffffffffffffff\r\nhello\r\n",
    ],
)
def test_what_is_no_chunked_body_is_noticed_without_taking_memory_for_it(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"chunk"):
        _chunked(data).read(65536 * 1024)
