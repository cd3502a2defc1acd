"""awaited_service tells an answer from a wrong one, and a start that takes long from one that failed."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from roles_tree import load_module

awaited_service = load_module("library/host/awaited_service.py")
await_answer = load_module("roles/tomcat/files/await_answer.py")


class Answers(http.server.BaseHTTPRequestHandler):
    """What a node says to different paths."""

    def do_GET(self) -> None:
        """By path: JSON, a page, or a status."""
        body = {"/info": b'{"version": "1.10.1"}', "/page": b"<html>"}.get(self.path, b"")
        self.send_response(200 if body else int(self.path[1:]))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server on a free port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_answers_are_read(url: str) -> None:
    """With the object that came, or what to say instead of it."""
    assert awaited_service.ask(f"{url}/info") == (200, "HTTP 200", {"version": "1.10.1"})
    assert awaited_service.ask(f"{url}/page") == (200, "a page that is not JSON", {})
    assert awaited_service.ask(f"{url}/503") == (503, "HTTP 503", {})
    status, said, _ = awaited_service.ask("http://127.0.0.1:1/")
    assert (status, said.startswith("no answer")) == (0, True)


def test_another_version_is_named() -> None:
    """Compared as text, for XNAT says numbers as text too."""
    assert awaited_service.differences({"version": "1.9.3"}, {"version": "1.10.1"}) == [
        "version is 1.9.3 and should be 1.10.1"
    ]
    assert awaited_service.differences({"build": 1}, {"build": "1"}) == []


@pytest.mark.parametrize(
    ("active", "sub", "restarts", "over"),
    [
        ("activating", "start-post", 0, False),
        ("active", "running", 0, False),
        ("activating", "auto-restart", 0, False),
        ("activating", "auto-restart", 1, True),
        ("activating", "auto-restart-queued", 2, True),
        ("failed", "failed", 0, True),
        ("inactive", "dead", 0, True),
    ],
)
def test_when_to_give_up(active: str, sub: str, restarts: int, over: bool) -> None:
    """When systemd has, when it was stopped, or when another try has failed."""
    properties = {"ActiveState": active, "SubState": sub, "NRestarts": str(restarts)}
    assert awaited_service.given_up(properties, 0) is over


def test_the_unit_waits_for_the_application(url: str) -> None:
    """It is up at 200, has failed at 404, and is given more time at anything else."""
    assert await_answer.main(f"{url}/info", 5) == 0
    assert await_answer.main(f"{url}/404", 5) == 1
    assert await_answer.main(f"{url}/503", 0.1) == 0
    assert await_answer.main("http://127.0.0.1:1/", 0.1) == 0
