"""xnat_jvm: what it reads on Tomcat's page of figures and in the kernel's tables."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest
from conftest import Server
from dpuk_munin import xnat_jvm
from munin_protocol import Munin

PAGE = b"""heap_used 300
heap_committed 512
heap_max 1000
heap_kept 250
gc_milliseconds 1234
threads 41
request_threads 10
request_threads_busy 2
request_threads_max 200
requests 5678
request_errors 9
sessions 3
pool_active 4
pool_idle 6
"""
# Two of account 1001 to port 5432 (1538 in hexadecimal), one of them by IPv6; one that is being closed (08); one of
# another account; one to another port; the server's own end.
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0C54590A:A1B2 0B54590A:1538 01 00000000:00000000 00:00000000 00000000  1001        0 1 1 0 20 4 30 10 -1
   1: 0C54590A:A1B3 0B54590A:1538 08 00000000:00000000 00:00000000 00000000  1001        0 1 1 0 20 4 30 10 -1
   2: 0C54590A:A1B4 0B54590A:1538 01 00000000:00000000 00:00000000 00000000   999        0 1 1 0 20 4 30 10 -1
   3: 0C54590A:A1B5 0B54590A:01BB 01 00000000:00000000 00:00000000 00000000  1001        0 1 1 0 20 4 30 10 -1
   4: 0B54590A:1538 0C54590A:A1B2 01 00000000:00000000 00:00000000 00000000  1001        0 1 1 0 20 4 30 10 -1
"""
TCP6 = """  sl  local_address                         remote_address                        st tx_queue rx_queue tr
   0: 0000000000000000FFFF00000C54590A:A1C2 0000000000000000FFFF00000B54590A:1538 01 0:0 00:0 0  1001        0 1 1 0
"""


@pytest.fixture
def env(server: Server) -> dict[str, object]:
    """plugin-conf; the account is the one that runs the tests, to have one that exists."""
    server.body = PAGE
    return {"url": server.url, "account": getpass.getuser(), "pool_max": "40"}


def test_the_figures_are_the_pages(munin: Munin, env: dict[str, object]) -> None:
    said = munin.values("xnat_jvm", **env)
    assert {
        graph: {name: told["value"] for name, told in fields.items() if name != "open"}
        for graph, fields in said.fields.items()
    } == {
        "xnat_jvm": {"used": "300", "kept": "250", "committed": "512", "max": "1000"},
        "xnat_jvm_heap": {"percent": "25"},
        "xnat_jvm_collections": {"time": "1234"},
        "xnat_jvm_threads": {"live": "41", "requests": "10", "busy": "2", "max": "200"},
        "xnat_jvm_requests": {"requests": "5678", "errors": "9"},
        "xnat_jvm_sessions": {"sessions": "3"},
        "xnat_jvm_pool": {"max": "40", "active": "4"},
    }


def test_counters_are_rates_that_survive_a_restart(munin: Munin, env: dict[str, object]) -> None:
    """DERIVE with a minimum of 0: the fall to nothing when Java starts anew is no rate."""
    said = munin.config("xnat_jvm", **env)
    for name, graph in (("requests", "xnat_jvm_requests"), ("time", "xnat_jvm_collections")):
        assert (said.attribute(name, "type", graph), said.attribute(name, "min", graph)) == ("DERIVE", "0")


def test_without_the_page_all_but_the_connections_is_unknown(munin: Munin, env: dict[str, object]) -> None:
    for graph, fields in munin.values("xnat_jvm", **{**env, "url": "http://127.0.0.1:1/"}).fields.items():
        known = {name for name, told in fields.items() if told["value"] != "U"}
        assert known == ({"open", "max"} if graph == "xnat_jvm_pool" else set())


@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"heap_used -1\nheap_max many\n", b"heap_max 0\nheap_kept 1\n"]
)
def test_nonsense_is_unknown(munin: Munin, server: Server, env: dict[str, object], body: bytes) -> None:
    server.body = body
    said = munin.values("xnat_jvm", **env)
    assert said.value("used", "xnat_jvm") == said.value("percent", "xnat_jvm_heap") == "U"


def test_a_pool_that_does_not_tell_has_no_line_for_it(munin: Munin, server: Server, env: dict[str, object]) -> None:
    server.body = PAGE.replace(b"pool_active 4\npool_idle 6\n", b"pool_active -1\npool_idle -1\n")
    assert sorted(munin.values("xnat_jvm", **env).fields["xnat_jvm_pool"]) == ["max", "open"]


def test_connections_are_counted_by_account_port_and_state() -> None:
    assert xnat_jvm.connections([TCP, TCP6], uid=1001, port=5432) == 2
    assert xnat_jvm.connections([TCP, TCP6], uid=999, port=5432) == 1
    assert xnat_jvm.connections([], uid=1001, port=5432) == 0


def test_the_kernels_tables_are_read(
    munin: Munin, env: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tcp").write_text(TCP)
    monkeypatch.setattr(xnat_jvm, "TABLES", (tmp_path / "tcp", tmp_path / "no-ipv6-here"))
    monkeypatch.setattr("dpuk_munin.xnat_jvm.pwd.getpwnam", lambda name: type("Account", (), {"pw_uid": 1001}))
    assert munin.values("xnat_jvm", **env).value("open", "xnat_jvm_pool") == "1"


def test_an_account_that_does_not_exist_is_named(munin: Munin, env: dict[str, object]) -> None:
    status, told, complaint = munin.run("xnat_jvm", **{**env, "account": "nobody-of-this-name"})
    assert (status, told) == (1, "")
    assert "env.account" in complaint
    assert "nobody-of-this-name" in complaint
