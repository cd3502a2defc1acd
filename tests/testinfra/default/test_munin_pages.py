"""Munin's pages as a browser elsewhere gets them: by TLS, with the password alone, and graphs that zoom."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import munin
import pytest
from reach import Host, python

from lab.settings import DOMAIN

NAME = f"monitor.{DOMAIN}"
# Asks from a machine that is no part of the node and knows the certificate alone. Prints status, headers and the body.
ASK = """
import base64, http.client, json, ssl, sys
scheme, name, port, path, certificate, login = sys.argv[1:]
context = ssl.create_default_context(cadata=certificate) if certificate else None
wire = (http.client.HTTPSConnection(name, int(port), timeout=60, context=context) if scheme == "https"
        else http.client.HTTPConnection(name, int(port), timeout=60))
headers = {"Authorization": "Basic " + login} if login else {}
wire.request("GET", path, headers=headers)
answer = wire.getresponse()
body = base64.b64encode(answer.read()).decode()
print(json.dumps([answer.status, {key.lower(): value for key, value in answer.getheaders()}, body]))
"""
Ask = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture(scope="module")
def ask(neighbour: Host, monitor: Host, passwords: dict[str, str]) -> Ask:
    """GET a path with the right password, unless another one is given."""
    certificate = monitor.file("/etc/nginx/tls/site.crt").content_string

    def get(path: str, *, scheme: str = "https", port: int = 443, login: str | None = None) -> Any:
        login = f"admin:{passwords['vault_munin_password']}" if login is None else login
        encoded = base64.b64encode(login.encode()).decode() if login else ""
        done = python(neighbour, ASK, scheme, NAME, str(port), path, certificate if scheme == "https" else "", encoded)
        assert done.rc == 0, done.stderr
        status, headers, body = json.loads(done.stdout)
        return status, headers, base64.b64decode(body)

    if not monitor.file("/var/cache/munin/www/dpuk/web/index.html").exists:
        with munin.by_hand(monitor):
            munin.poll(monitor)
    return get


@pytest.mark.parametrize("path", ["/", "/dpuk/web/index.html", "/munin-cgi/munin-cgi-graph/dpuk/web/load-day.png"])
@pytest.mark.parametrize("login", ["", "admin:admin", "admin:", "root:x"])
def test_nobody_sees_anything_without_the_password(ask: Ask, path: str, login: str) -> None:
    status, headers, body = ask(path, login=login)
    assert status == 401
    assert b"dpuk" not in body
    assert headers["www-authenticate"].startswith("Basic")


def test_every_host_is_on_the_first_page_and_nothing_of_debians_example(ask: Ask) -> None:
    status, headers, body = ask("/")
    assert status == 200
    assert all(f"dpuk/{host}/index.html".encode() in body for host in ("db", "web", "monitor"))
    assert b"localdomain" not in body
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert ask("/static/style-new.css")[0] == 200


def test_http_is_sent_on_to_https(ask: Ask) -> None:
    status, headers, _ = ask("/dpuk/", scheme="http", port=80, login="")
    assert (status, headers["location"]) == (301, f"https://{NAME}/dpuk/")


def test_other_names_get_no_answer(neighbour: Host) -> None:
    program = (
        "import socket, ssl, sys\n"
        "context = ssl._create_unverified_context()\n"
        "wire = context.wrap_socket(socket.create_connection((sys.argv[1], 443)), server_hostname='other.example')\n"
        "wire.sendall(b'GET / HTTP/1.1\\r\\nHost: other.example\\r\\n\\r\\n')\n"
        "print(len(wire.recv(100)))\n"
    )
    done = python(neighbour, program, NAME)
    assert (done.rc, done.stdout.strip()) == (0, "0"), done.stderr


def size(png: bytes) -> tuple[int, int]:
    """Of a picture, as its first bytes say."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def test_graphs_are_drawn_when_somebody_asks_for_them(ask: Ask) -> None:
    """Also the one that the page of the host shows."""
    page = ask("/dpuk/web/load.html")[2].decode()
    assert "/munin-cgi/munin-cgi-graph/dpuk/web/load-day.png" in page
    status, headers, body = ask("/munin-cgi/munin-cgi-graph/dpuk/web/load-day.png")
    assert (status, headers["content-type"]) == (200, "image/png")
    assert size(body)[0] > 300


def test_graphs_zoom_into_any_time_and_to_any_size(ask: Ask, monitor: Host) -> None:
    assert ask("/static/dynazoom.html")[0] == 200
    now = int(monitor.run("date +%s").stdout)
    zoomed = f"/munin-cgi/munin-cgi-graph/dpuk/web/load-pinpoint={now - 7200},{now}.png"
    small, large = (ask(f"{zoomed}?size_x={width}&size_y=200") for width in (400, 800))
    assert (small[0], large[0]) == (200, 200)
    assert size(large[2])[0] - size(small[2])[0] == 400


def test_what_is_no_graph_is_not_found(ask: Ask) -> None:
    assert ask("/munin-cgi/munin-cgi-graph/dpuk/web/nothing-day.png")[0] == 404
    assert ask("/munin-cgi/munin-cgi-graph/../../../../etc/passwd")[0] in (400, 404)
    assert ask("/munin-cgi/munin-cgi-graph/%2e%2e/%2e%2e/etc/passwd")[0] in (400, 404)


def test_the_password_is_kept_as_a_hash_that_nginx_alone_reads(monitor: Host, passwords: dict[str, str]) -> None:
    file = monitor.file("/etc/nginx/munin.accounts")
    assert (file.user, file.group, file.mode) == ("root", "www-data", 0o640)
    assert file.content_string.startswith("admin:$6$")
    assert passwords["vault_munin_password"] not in file.content_string


def test_what_draws_graphs_has_few_rights(monitor: Host) -> None:
    pid = monitor.run("systemctl show -P MainPID dpuk-munin-graph").stdout.strip()
    status = monitor.file(f"/proc/{pid}/status").content_string
    assert "NoNewPrivs:\t1" in status
    assert "CapBnd:\t0000000000000000" in status
    assert monitor.run(f"stat -c %U /proc/{pid}").stdout.strip() == "www-data"
    assert monitor.run("stat -c '%U %a' /run/dpuk-munin-graph.sock").stdout.strip() == "www-data 600"
