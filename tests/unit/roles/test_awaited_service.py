"""awaited_service tells an answer from a wrong one, and a start that takes long from one that failed."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from roles_tree import load_module

awaited_service = load_module("library/host/awaited_service.py")
await_answer = load_module("roles/tomcat/files/await_answer.py")


class Answers(http.server.BaseHTTPRequestHandler):
    """What a node says to different paths."""

    asked: list[str]  # by everybody so far

    def do_GET(self) -> None:
        """By path: JSON, a page, or a status."""
        self.asked.append(self.path)
        body = {"/info": b'{"version": "1.10.1"}', "/page": b"<html>", "/line": b"1.6.5\n"}.get(self.path, b"")
        self.send_response(200 if body else int(self.path[1:]))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server on a free port."""
    Answers.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_answers_are_read(url: str) -> None:
    """With the object that came, or what to say instead of it."""
    assert awaited_service.ask(f"{url}/info") == (200, "HTTP 200", {"version": "1.10.1"})
    assert awaited_service.ask(f"{url}/page") == (200, "a page that is not JSON", {})
    # XNAT 1.6 says its version so.
    assert awaited_service.ask(f"{url}/line") == (200, "HTTP 200", {"text": "1.6.5"})
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


@pytest.fixture
def own() -> str:
    """What this very process is to those who look who listens: its unit, or else its name."""
    name: str = await_answer.this_service()
    return name


def test_the_service_is_asked_while_it_has_the_port(url: str, own: str) -> None:
    """Here this very process listens and is taken for the service."""
    watched = awaited_service.Watched(f"{url}/info", own)
    assert watched.stranger() == ""
    assert watched.ask() == (200, "HTTP 200", {"version": "1.10.1"})


def test_somebody_else_is_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is told when it is there at two looks: one look may catch a process that is just ending."""
    monkeypatch.setattr(awaited_service, "PAUSE", 0)
    before = len(Answers.asked)
    watched = awaited_service.Watched(f"{url}/info", "some-other-service")
    assert watched.ask() == (0, "no answer of its own", {})
    assert f"process {os.getpid()} of user " in watched.stranger()
    looks = iter([watched._sockets(), []])
    monkeypatch.setattr(watched, "_sockets", lambda: next(looks))
    assert watched.stranger() == ""
    assert len(Answers.asked) == before


def test_an_answer_does_not_count_when_the_port_changed_hands(
    url: str, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it was asked."""
    watched = awaited_service.Watched(f"{url}/info", own)
    looks = iter([watched._sockets(), []])
    monkeypatch.setattr(watched, "_sockets", lambda: next(looks))
    assert watched.ask() == (0, "no answer of its own", {})


def test_where_nobody_listens_nobody_is_asked(own: str) -> None:
    assert awaited_service.Watched("http://127.0.0.1:1/", own).ask() == (0, "no answer (nobody listens)", {})


def test_the_unit_waits_for_the_application(url: str) -> None:
    """It is up at 200, has failed at 404, and is given more time at anything else."""
    assert await_answer.main(f"{url}/info", 5) == 0
    assert await_answer.main(f"{url}/404", 5) == 1
    assert await_answer.main(f"{url}/503", 0.1) == 0
    assert await_answer.main("http://127.0.0.1:1/", 0.1) == 0


def test_the_unit_does_not_wait_for_somebody_else(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever has taken the port before Tomcat came gets no word, and the start fails with its name."""
    before = len(Answers.asked)
    monkeypatch.setattr(await_answer, "this_service", lambda: "tomcat")
    assert await_answer.main(f"{url}/info", 5) == 1
    said = capsys.readouterr().err
    assert "is already in use by " in said
    assert f"process {os.getpid()} of user " in said
    assert said.endswith("not by tomcat.\n")
    assert len(Answers.asked) == before


def test_what_the_unit_runs_lies_beside_what_it_needs() -> None:
    """The role copies both; the second is the modules' own."""
    beside = Path(str(await_answer.__file__)).parent / "listeners.py"
    assert beside.resolve() == Path(__file__).resolve().parents[3] / "module_utils" / "host" / "listeners.py"
