"""A munin, and a web server that says what it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from munin_protocol import Munin


@pytest.fixture
def munin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Munin:
    """Runs plugins."""
    return Munin(monkeypatch, capsys)


class Server(ThreadingHTTPServer):
    """Answers every path with `status` and `body`; `pause` seconds between its bytes."""

    daemon_threads = True
    block_on_close = False
    status = 200
    body = b""
    pause = 0.0
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(self.server.status)
        for name, value in self.server.headers:
            self.send_header(name, value)
        self.end_headers()
        try:
            for at in range(len(self.server.body)):
                self.wfile.write(self.server.body[at : at + 1])
                if self.server.pause:
                    time.sleep(self.server.pause)
        except OSError:
            pass

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on this machine."""
    with Server(("127.0.0.1", 0), _Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()
