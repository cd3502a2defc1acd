"""Faults on demand, seen from outside: what a client meets when the network, a proxy or the disk fails.

None of this is XNAT's; it is what happens to XNAT's answers on their way. How faults are set is in
test_twin_faults_switch.py.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import time
from base64 import b64encode
from urllib.parse import urlsplit

import pytest
import requests
from file_helpers import BINARY, names_of
from xnat_twin.testing import Session, XnatServer

SWITCH = "/practice/faults"

pytestmark = [
    pytest.mark.practice_xnat("makes the server fail on purpose"),
    pytest.mark.usefixtures("no_faults_left"),
]


@pytest.fixture
def files(api: Session, scan: str) -> str:
    api.put(f"{scan}/resources/R").raise_for_status()
    return f"{scan}/resources/R/files"


def _set(api: Session, *faults: dict[str, object]) -> None:
    answer = api.post(SWITCH, json=list(faults))
    assert answer.status_code == 200, answer.text


def _exchange(xnat: XnatServer, method: str, path: str, body: bytes = b"", announced: int | None = None) -> bytes:
    """Every byte that comes back for one request, over a plain socket, until the server closes the connection."""
    server = urlsplit(xnat.url)
    token = b64encode(f"{xnat.admin}:{xnat.password}".encode()).decode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {server.netloc}\r\nAuthorization: Basic {token}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {announced or len(body)}\r\n\r\n"
    )
    with socket.create_connection((server.hostname or "", server.port or 80), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


# --- Refused answers ---


def test_status_is_given_with_retry_after_as_often_as_asked_and_then_no_more(api: Session) -> None:
    _set(api, {"status": 503, "retry_after": 7, "times": 2, "path": "/data/auth"})
    for _ in range(2):
        answer = api.get("/data/auth")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
        assert "<h3>Injected fault 503</h3>" in answer.text
    assert api.get("/data/auth").status_code == 200


@pytest.mark.parametrize("status", [302, 429, 500, 502, 504, 507])
def test_any_status_can_be_given(api: Session, status: int) -> None:
    _set(api, {"status": status, "path": "/data/auth"})
    assert api.get("/data/auth", allow_redirects=False).status_code == status


def test_status_hides_what_was_done_when_it_is_carried_out(api: Session, files: str) -> None:
    _set(api, {"status": 502, "method": "put", "carry_out": True})
    assert api.put(f"{files}/a", data=b"a", headers=BINARY).status_code == 502
    assert names_of(api, files) == ["a"]


def test_fault_strikes_only_the_method_and_path_that_it_names(api: Session, project: str) -> None:
    _set(api, {"status": 500, "method": "PUT", "path": f"/{project}/subjects", "regex": "/S[0-9]+$", "times": "always"})
    subjects = f"/data/projects/{project}/subjects"
    assert api.get(f"{subjects}/S1").status_code == 404
    assert api.put(f"{subjects}/A1").status_code == 201
    assert api.put(f"/data/projects/{project}/resources/S1").status_code == 200
    assert [api.put(f"{subjects}/S1").status_code for _ in range(3)] == [500, 500, 500]


def test_fault_lets_requests_pass_before_it_strikes(api: Session) -> None:
    _set(api, {"status": 500, "skip": 2, "path": "/data/auth"})
    assert [api.get("/data/auth").status_code for _ in range(4)] == [200, 200, 500, 200]


def test_request_takes_one_fault_of_each_kind(api: Session) -> None:
    _set(api, {"status": 500, "path": "/auth"}, {"status": 503, "path": "/auth"}, {"latency": 0.3, "path": "/auth"})
    started = time.monotonic()
    assert api.get("/data/auth").status_code == 500
    assert time.monotonic() - started >= 0.3
    assert api.get("/data/auth").status_code == 503


# --- Late and slow answers ---


def test_latency_outlasts_a_client_that_does_not_wait(api: Session, xnat: XnatServer) -> None:
    _set(api, {"latency": 0.5, "path": "/data/auth"})
    with pytest.raises(requests.ReadTimeout):
        api.get("/data/auth", timeout=0.1)
    assert api.get("/data/auth", timeout=5).status_code == 200


def test_latency_after_the_work_leaves_a_client_that_knows_nothing_of_it(api: Session, files: str) -> None:
    _set(api, {"latency": 1.5, "method": "PUT", "carry_out": True})
    with pytest.raises(requests.ReadTimeout):
        api.put(f"{files}/a", data=b"a", headers=BINARY, timeout=0.7)
    assert names_of(api, files) == ["a"]


def test_slow_answer_arrives_at_its_rate_and_whole(api: Session, files: str) -> None:
    content = os.urandom(20_000)
    api.put(f"{files}/a", data=content, headers=BINARY).raise_for_status()
    _set(api, {"slow": 40_000, "method": "GET", "path": "/files/a"})
    started = time.monotonic()
    with api.get(f"{files}/a", stream=True) as answer:
        pieces = [(time.monotonic() - started, piece) for piece in answer.iter_content(1000)]
    assert b"".join(piece for _, piece in pieces) == content
    assert 0.45 <= pieces[-1][0] < 5
    assert pieces[0][0] < 0.25, "the first bytes come early"


def test_slow_request_body_is_taken_at_its_rate_and_whole(api: Session, files: str) -> None:
    content = os.urandom(20_000)
    _set(api, {"slow": 40_000, "method": "PUT"})
    started = time.monotonic()
    assert api.put(f"{files}/a", data=content, headers=BINARY).status_code == 200
    assert 0.45 <= time.monotonic() - started < 5
    assert api.get(f"{files}/a").content == content


def test_slow_form_and_multipart_are_whole(api: Session, files: str, project: str) -> None:
    _set(api, {"slow": 2_000, "method": "PUT", "times": 2})
    content = bytes(range(256)) * 4
    assert api.put(f"{files}/b", files={"b": ("b", content)}).status_code == 200
    assert api.get(f"{files}/b").content == content
    assert api.put(f"/data/projects/{project}/subjects/S2", data={"group": "patients"}).status_code == 201
    rows = api.get(f"/data/projects/{project}/subjects", params={"columns": "group", "label": "S2"}).json()
    assert [row["group"] for row in rows["ResultSet"]["Result"]] == ["patients"]


# --- Dropped connections ---


@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_dropped_connection_gives_no_byte_of_an_answer_and_does_nothing(
    api: Session, xnat: XnatServer, files: str, when: str
) -> None:
    _set(api, {"drop": when, "method": "PUT"})
    with pytest.raises(requests.ConnectionError):
        api.put(f"{files}/a", data=b"x" * 1000, headers=BINARY)
    assert names_of(api, files) == []
    assert api.put(f"{files}/a", data=b"new", headers=BINARY).text == ""
    assert api.get(f"{files}/a").content == b"new"


def test_drop_before_a_body_does_not_wait_for_it(api: Session, xnat: XnatServer, files: str) -> None:
    _set(api, {"drop": "before", "method": "PUT"})
    assert _exchange(xnat, "PUT", f"{files}/a", announced=1000) == b""


def test_drop_during_a_body_waits_for_half_of_it(api: Session, xnat: XnatServer, files: str) -> None:
    _set(api, {"drop": "during", "method": "PUT"})
    assert _exchange(xnat, "PUT", f"{files}/a", b"x" * 500, announced=1000) == b""
    _set(api, {"drop": "during", "method": "PUT"})
    with pytest.raises(TimeoutError):
        _with_timeout(0.3, xnat, f"{files}/a", b"x" * 400)


def test_drop_after_a_body_waits_for_all_of_it(api: Session, xnat: XnatServer, files: str) -> None:
    _set(api, {"drop": "after", "method": "PUT"})
    with pytest.raises(TimeoutError):
        _with_timeout(0.3, xnat, f"{files}/a", b"x" * 999)
    _set(api, {"drop": "after", "method": "PUT"})
    assert _exchange(xnat, "PUT", f"{files}/a", b"x" * 1000) == b""


def _with_timeout(seconds: float, xnat: XnatServer, path: str, body: bytes) -> None:
    """Send a part of 1000 bytes and wait for the server to do anything at all."""
    server = urlsplit(xnat.url)
    with socket.create_connection((server.hostname or "", server.port or 80), timeout=seconds) as connection:
        connection.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode() + body)
        connection.recv(1)


def test_clients_see_a_connection_that_was_closed_without_an_answer(xnat: XnatServer, api: Session) -> None:
    _set(api, {"drop": "after", "path": "/data/projects"})
    server = urlsplit(xnat.url)
    connection = http.client.HTTPConnection(server.hostname or "", server.port)
    connection.request("GET", "/data/projects")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()


def test_drop_after_the_work_loses_only_the_answer(api: Session, files: str) -> None:
    _set(api, {"drop": "after", "method": "PUT", "carry_out": True})
    with pytest.raises(requests.ConnectionError):
        api.put(f"{files}/a", data=b"whole", headers=BINARY)
    assert names_of(api, files) == ["a"]
    assert api.put(f"{files}/a", data=b"again", headers=BINARY).json() == {"duplicates": ["a"]}
    assert api.get(f"{files}/a").content == b"whole"


def test_upload_that_breaks_off_leaves_a_part_that_counts_as_a_duplicate(api: Session, files: str) -> None:
    _set(api, {"drop": "during", "method": "PUT", "carry_out": True})
    with pytest.raises(requests.ConnectionError):
        api.put(f"{files}/a", data=b"x" * 1000, headers=BINARY)
    assert names_of(api, files) == []
    assert api.put(f"{files}/a", data=b"x" * 1000, headers=BINARY).json() == {"duplicates": ["a"]}
    assert names_of(api, files) == [], "a plain retry leaves the file invisible"


# --- Truncated answers ---


def test_truncated_download_is_shorter_than_its_content_length(api: Session, xnat: XnatServer, files: str) -> None:
    api.put(f"{files}/a", data=b"x" * 1000, headers=BINARY).raise_for_status()
    _set(api, {"truncate": True, "path": "/files/a"}, {"truncate": 10, "path": "/files/a"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match=r"IncompleteRead\(500 bytes read, 500 more"):
        api.get(f"{files}/a")
    head, _, body = _exchange(xnat, "GET", f"{files}/a").partition(b"\r\n\r\n")
    assert (b"\r\nContent-Length: 1000\r\n" in head, body) == (True, b"x" * 10)
    assert len(api.get(f"{files}/a").content) == 1000


def test_cut_that_lies_behind_the_end_still_promises_more_than_arrives(
    api: Session, xnat: XnatServer, files: str
) -> None:
    api.put(f"{files}/a", data=b"whole", headers=BINARY).raise_for_status()
    _set(api, {"truncate": 999, "path": "/files/a"})
    head, _, body = _exchange(xnat, "GET", f"{files}/a").partition(b"\r\n\r\n")
    assert (re.findall(rb"(?i)content-length: (\d+)", head), body) == ([b"6"], b"whole")


def test_truncated_list_lacks_the_end_of_its_chunks(api: Session, xnat: XnatServer, project: str) -> None:
    _set(api, {"truncate": True, "path": "/data/projects"}, {"truncate": 20, "path": "/data/projects"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        api.get("/data/projects")
    head, _, body = _exchange(xnat, "GET", "/data/projects").partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert b"".join(body.split(b"\r\n")[1::2]) == api.get("/data/projects").content[:20]
    assert not body.endswith(b"0\r\n\r\n")


def test_truncated_empty_answer_comes_after_the_work(api: Session, files: str) -> None:
    _set(api, {"truncate": True, "method": "PUT"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        api.put(f"{files}/a", data=b"a", headers=BINARY)
    assert names_of(api, files) == ["a"]


def test_answer_that_has_no_body_is_lost_as_a_whole(api: Session) -> None:
    _set(api, {"truncate": True, "method": "HEAD"})
    with pytest.raises(requests.ConnectionError):
        api.head("/data/projects")


# --- Sessions, disk, catalog ---


def test_all_sessions_end_after_so_many_requests(api: Session, xnat: XnatServer) -> None:
    http = xnat.session()
    http.get("/data/JSESSION").raise_for_status()
    http.auth = None
    _set(api, {"expire_sessions": True, "skip": 2, "path": "/data/auth"})
    assert [http.get("/data/auth").status_code for _ in range(4)] == [200, 200, 401, 401]


def test_client_with_a_password_gets_a_new_session_after_the_old_one_ended(api: Session) -> None:
    before = api.get("/data/JSESSION").text
    _set(api, {"expire_sessions": True, "path": "/data/JSESSION"})
    answer = api.get("/data/JSESSION")
    assert (answer.status_code, answer.text == before) == (200, False)


def test_full_disk_takes_a_part_of_one_file(api: Session, files: str) -> None:
    _set(api, {"disk_full": 300, "path": "/files/a"})
    api.get("/data/projects").raise_for_status()  # writes nothing, so the fault waits
    assert api.put(f"{files}/b", data=b"x" * 1000, headers=BINARY).status_code == 200
    answer = api.put(f"{files}/a", data=b"x" * 1000, headers=BINARY)
    assert (answer.status_code, "No space left on device" in answer.text) == (500, True)
    assert api.put(f"{files}/a", data=b"x" * 1000, headers=BINARY).json() == {"duplicates": ["a"]}


def test_disk_that_stays_full_is_full_for_every_file(api: Session, files: str) -> None:
    _set(api, {"disk_full": True, "times": "always"})
    for name in "abc":
        assert api.put(f"{files}/{name}", data=b"x", headers=BINARY).status_code == 500
    api.delete(SWITCH)
    assert api.put(f"{files}/d", data=b"x", headers=BINARY).status_code == 200


def test_conflict_strikes_the_catalog_of_the_path_that_it_names(api: Session, files: str) -> None:
    _set(api, {"conflict": True, "path": "/files/a"})
    assert api.put(f"{files}/b", data=b"b", headers=BINARY).status_code == 200
    answer = api.put(f"{files}/a", data=b"a", headers=BINARY)
    assert (answer.status_code, "Another thread or process modified" in answer.text) == (500, True)
    assert names_of(api, files) == ["b"]
