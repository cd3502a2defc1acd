"""xnat_up: up only when XNAT itself tells its version in time, never an error."""

from __future__ import annotations

import socket

import pytest
from conftest import Server
from munin_protocol import Munin


@pytest.mark.parametrize(
    ("body", "version"),
    [
        (b'{"version": "1.10.1", "buildNumber": "7"}', "1.10.1"),
        (b'{"version": "1.9.3.4-SNAPSHOT"}', "1.9.3.4-SNAPSHOT"),
        (b"1.6.5", "1.6.5"),  # what 1.6 answers with, at /data/version
    ],
)
def test_a_version_is_up_and_named_beside_the_value(munin: Munin, server: Server, body: bytes, version: str) -> None:
    server.body = body
    said = munin.values("xnat_up", url=server.url)
    assert said.value("up") == "1"
    assert said.attribute("up", "extinfo") == f"XNAT {version}"
    assert 0 < float(said.value("answer")) < 10


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"version": "1.10.1"}'),
        (404, b""),
        (200, b"<html>Welcome to nginx 1.26</html>"),
        (200, b"[1, 2]"),
        (200, b'{"version": null}'),
        (200, b'{"version": ["1"]}'),
        (200, b"\xff\xfe"),
        (200, b""),
    ],
)
def test_any_other_answer_is_down(munin: Munin, server: Server, status: int, body: bytes) -> None:
    server.status, server.body = status, body
    said = munin.values("xnat_up", url=server.url)
    assert (said.value("up"), said.value("answer")) == ("0", "U")
    assert server.url in said.attribute("up", "extinfo")


def test_being_sent_elsewhere_is_down(munin: Munin, server: Server) -> None:
    server.status, server.headers = 302, (("Location", "http://127.0.0.1:1/"),)
    said = munin.values("xnat_up", url=server.url)
    assert said.value("up") == "0"
    assert "302" in said.attribute("up", "extinfo")


def test_nobody_there_is_down(munin: Munin) -> None:
    with socket.socket() as taken:  # bound, but it does not listen
        taken.bind(("127.0.0.1", 0))
        said = munin.values("xnat_up", url=f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert (said.value("up"), said.value("answer")) == ("0", "U")
    assert said.attribute("up", "extinfo").endswith("/: [Errno 111] Connection refused")


def test_silence_is_down(munin: Munin) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = munin.values("xnat_up", url=f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout="0.2")
    assert said.value("up") == "0"


def test_an_answer_that_trickles_ends_by_the_time_limit(munin: Munin, server: Server) -> None:
    """Each byte comes in time, the whole answer would not."""
    server.body, server.pause = b'{"version": "1.10.1"}' + b" " * 400, 0.01
    said = munin.values("xnat_up", url=server.url, timeout="0.3")
    assert said.value("up") == "0"
    assert "no whole answer" in said.attribute("up", "extinfo")


def test_a_proxy_of_the_environment_is_not_asked(munin: Munin, server: Server) -> None:
    server.body = b'{"version": "1.10.1"}'
    said = munin.values("xnat_up", url=server.url, http_proxy="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1")
    assert said.value("up") == "1"


def test_what_a_server_says_cannot_pass_for_a_value(munin: Munin, server: Server) -> None:
    server.body = b'{"version": "1.10.1\\nup.value 0"}'
    said = munin.values("xnat_up", url=server.url)
    assert said.value("up") == "0"


def test_config_has_thresholds_from_plugin_conf(munin: Munin, server: Server) -> None:
    said = munin.config("xnat_up", url=server.url, up_critical="1:", answer_warning="5")
    assert said.graphs[""]["graph_category"] == "xnat"
    assert said.attribute("up", "critical") == "1:"
    assert said.attribute("answer", "warning") == "5"
    assert "value" not in said.fields[""]["up"]


def test_config_says_values_too_when_munin_takes_them(munin: Munin, server: Server) -> None:
    server.body = b"1.6.5"
    said = munin.config("xnat_up", url=server.url, MUNIN_CAP_DIRTYCONFIG="1")
    assert (said.attribute("up", "label"), said.value("up")) == ("up", "1")


@pytest.mark.parametrize(
    ("env", "named"), [({}, "env.url"), ({"url": "http://127.0.0.1:1/", "timeout": "soon"}, "env.timeout (soon)")]
)
def test_a_wrong_setting_is_one_line_that_names_it(munin: Munin, env: dict[str, str], named: str) -> None:
    status, told, complaint = munin.run("xnat_up", **env)
    assert (status, told) == (1, "")
    assert named in complaint
    assert len(complaint.splitlines()) == 1
