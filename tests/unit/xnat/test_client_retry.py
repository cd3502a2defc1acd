"""How a session deals with a server that is busy, cuts answers off or forgets it, and with many threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from typing import Any

import pytest
import requests
from ansible.module_utils.xnat.errors import ConnectError, LoginError, RequestError
from ansible.module_utils.xnat.retry import is_login_page, pause_before, retry_after
from ansible.module_utils.xnat.server import Server
from ansible.module_utils.xnat.session import Session
from client_wire import LOGIN, LOGIN_ID, Reply, Wire

Connect = Callable[..., Session]
LOGIN_PAGE = '<!DOCTYPE html>\n<html><form action="/login"><input name="username"><input type="password"></form></html>'
CUT = requests.exceptions.ChunkedEncodingError("IncompleteRead(10 bytes read, 20 more expected)")
OTHER_ID = "FEDCBA9876543210FEDCBA9876543210"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_with_growing_pauses_that_differ(
    wire: Wire, connect: Connect, status: int
) -> None:
    wire.replies += [LOGIN, (status, ""), (status, ""), (status, ""), (200, "{}"), (200, "")]
    with connect() as session:
        assert session.read("/data/projects/p", "read") == {}
    for pause, longest in zip(wire.pauses, (0.5, 1.0, 2.0), strict=True):
        assert longest / 2 <= pause <= longest


def test_pauses_are_spread_and_end_at_a_minute() -> None:
    pauses = {pause_before(3) for _ in range(50)}
    assert len(pauses) == 50
    assert all(2 <= pause <= 4 for pause in pauses)
    assert pause_before(30) <= 60


@pytest.mark.parametrize("status", [429, 503])
def test_the_server_says_how_long_to_wait(wire: Wire, connect: Connect, status: int) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    asked = [(status, "", {"Retry-After": value}) for value in ("7", later, "100000")]
    wire.replies += [LOGIN, *asked, (200, "{}"), (200, "")]
    with connect() as session:
        session.read("/data/projects/p", "read")
    assert 7 <= wire.pauses[0] <= 7.25
    assert 18 <= wire.pauses[1] <= 20.5
    assert 60 <= wire.pauses[2] <= 61


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        (" 12 ", 12.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_what_retry_after_can_say(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds


def test_a_refusal_carries_what_the_server_asked_for(wire: Wire, connect: Connect) -> None:
    """Whoever looks himself before he tries again needs to know it."""
    wire.replies += [LOGIN, (429, "", {"Retry-After": "3"}), (200, "")]
    with connect() as session, pytest.raises(RequestError, match="answered 429") as caught:
        session.request("PUT", "/data/x", "write", retry=False)
    assert caught.value.retry_after == 3.0
    assert wire.pauses == []


@pytest.mark.parametrize("cut", [CUT, (200, '{"ResultSet": {"Res')])
def test_an_answer_that_is_cut_off_is_asked_for_again(wire: Wire, connect: Connect, cut: Reply) -> None:
    wire.replies += [LOGIN, cut, (200, '{"ResultSet": {"Result": [{"ID": "a"}]}}'), (200, "")]
    with connect() as session:
        assert session.rows("/data/projects", "list") == [{"ID": "a"}]
    assert len(wire.pauses) == 1


def test_an_answer_that_is_always_cut_off_ends(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, (200, '{"Res'), (200, '{"Res'), (200, "")]
    with connect(retries=1) as session, pytest.raises(RequestError, match="not JSON"):
        session.rows("/data/projects", "list")
    assert len(wire.pauses) == 1


class Breaking(BytesIO):
    """A download that ends in the middle."""

    def read(self, size: int | None = -1) -> bytes:
        if not self.tell():
            return super().read(3)
        raise requests.exceptions.ChunkedEncodingError("IncompleteRead")


def test_a_download_that_breaks_off_begins_anew(wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    real, breaks = Wire.send, [True]

    def send(self: Wire, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        response = real(self, request, **how)
        if request.method == "GET" and breaks and breaks.pop():
            response.raw = Breaking(b"hello")
        return response

    monkeypatch.setattr(Wire, "send", send)
    wire.replies += [LOGIN, (200, "hello"), (200, "hello"), (200, "hello"), (200, "hello"), (200, "")]
    target = BytesIO(b"of before")
    with connect() as session:
        assert session.md5("/data/x/files/a", "read a") == ("5d41402abc4b2a76b9719d911017c592", 5)
        breaks.append(True)
        assert session.save("/data/x", "read x", {}, target) is True
    assert target.getvalue() == b"hello"
    assert len(wire.pauses) == 2


def test_a_download_that_always_breaks_off_is_an_error(
    wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Wire.send

    def send(self: Wire, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        response = real(self, request, **how)
        response.raw = Breaking(b"hello") if request.method == "GET" else response.raw
        return response

    monkeypatch.setattr(Wire, "send", send)
    wire.replies += [LOGIN, (200, ""), (200, ""), (200, "")]
    with connect(retries=1) as session, pytest.raises(ConnectError, match="broke in the middle"):
        session.md5("/data/x/files/a", "read a")


# -- a session that ran out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_login_page_that_comes_as_200_means_that_the_session_ran_out(
    wire: Wire, connect: Connect, method: str
) -> None:
    wire.replies += [LOGIN, (200, LOGIN_PAGE), (200, OTHER_ID), (200, "{}"), (200, "")]
    with connect() as session:
        assert session.request(method, "/data/projects/p", "do it").text == "{}"
    assert [headers.get("Cookie") for headers in wire.headers[1:4]] == [
        f"JSESSIONID={LOGIN_ID}",
        None,
        f"JSESSIONID={OTHER_ID}",
    ]


def test_a_login_page_that_stays_is_an_error(wire: Wire, connect: Connect) -> None:
    wire.replies += [LOGIN, (200, LOGIN_PAGE), LOGIN, (200, LOGIN_PAGE), (200, "")]
    with connect() as session, pytest.raises(RequestError, match="A web page came instead of an answer"):
        session.request("PUT", "/data/projects/p", "write")


def test_a_login_page_in_place_of_a_download(wire: Wire, connect: Connect) -> None:
    page = (200, LOGIN_PAGE, {"Content-Type": "text/html;charset=UTF-8"})
    wire.replies += [LOGIN, page, LOGIN, (200, "hello"), page, (200, "")]
    with connect() as session:
        assert session.md5("/data/x/files/a", "read a")[1] == 5
        assert session.md5("/data/x/files/a.html", "read a page")[1] == len(LOGIN_PAGE)


def test_what_is_a_login_page() -> None:
    assert is_login_page(LOGIN_PAGE)
    assert is_login_page("<html><INPUT TYPE=password>")
    assert not is_login_page("<html><h3>404</h3></html>")
    assert not is_login_page('{"note": "<input type=password>"}')


def test_cookies_of_a_load_balancer_stay_and_those_of_other_answers_do_not_count(
    wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Wire.send

    def send(self: Wire, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        response = real(self, request, **how)
        name, value = ("ROUTE", "node1") if request.method == "POST" else ("JSESSIONID", OTHER_ID)
        response.cookies.set(name, value)
        return response

    monkeypatch.setattr(Wire, "send", send)
    wire.replies += [LOGIN, (200, "{}"), (200, "{}"), (200, "")]
    with connect() as session:
        session.read("/data/projects/p", "read")
        session.read("/data/projects/p", "read")
    assert {headers["Cookie"] for headers in wire.headers[1:]} == {f"JSESSIONID={LOGIN_ID}; ROUTE=node1"}


# -- threads --------------------------------------------------------------------------------------------------------


class ForgetfulServer:
    """Gives out sessions, and forgets each as soon as all threads have come with it once."""

    def __init__(self, threads: int, password_is_right: bool = True) -> None:
        self.logins: list[str] = []
        self.forgotten = 0
        self.password_is_right = password_is_right
        self._lock = threading.Lock()
        self._together = threading.Barrier(threads)

    def __call__(self, _: Wire, request: requests.PreparedRequest, **__: Any) -> requests.Response:
        response = requests.Response()
        response.request, response.url, response.raw, response.status_code = request, str(request.url), BytesIO(), 200
        if request.method == "POST":
            with self._lock:
                self.logins.append(f"{len(self.logins):032X}")
                response.raw = BytesIO(self.logins[-1].encode())
            if not self.password_is_right:
                response.status_code = 401
        elif request.method == "GET":
            if request.headers["Cookie"] == f"JSESSIONID={0:032X}":
                self._together.wait(10)
                response.status_code = 401
                with self._lock:
                    self.forgotten += 1
            else:
                response.raw = BytesIO(b"{}")
        return response


def test_threads_log_in_once_and_once_more_when_the_session_runs_out(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ForgetfulServer(8)
    monkeypatch.setattr(Wire, "send", lambda self, request, **how: server(self, request, **how))
    with connect() as session, ThreadPoolExecutor(8) as threads:
        jobs = [threads.submit(session.read, f"/data/projects/p{number}", "read") for number in range(40)]
        assert [job.result(30) for job in jobs] == [{}] * 40
    assert server.forgotten == 8
    assert len(server.logins) == 2


def test_a_wrong_password_is_tried_once_and_not_by_every_thread(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XNAT locks an account after some failures."""
    server = ForgetfulServer(8, password_is_right=False)
    monkeypatch.setattr(Wire, "send", lambda self, request, **how: server(self, request, **how))
    with connect() as session, ThreadPoolExecutor(8) as threads:
        jobs = [threads.submit(session.read, "/data/projects/p", "read") for _ in range(8)]
        errors = [job.exception(30) for job in jobs]
    assert {type(error) for error in errors} == {LoginError}
    assert len(server.logins) == 1


def test_there_are_no_more_connections_than_the_pool_allows(connect: Connect) -> None:
    with Session(Server("https://xnat.test", pool=3)) as session:
        adapter: Any = session._http.get_adapter("https://xnat.test/data")
        pool = adapter.poolmanager.connection_from_url("https://xnat.test/data")
        assert (pool.pool.maxsize, pool.block) == (3, True)
