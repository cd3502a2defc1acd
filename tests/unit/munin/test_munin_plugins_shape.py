"""What holds for all plugins of our own: they speak munin's language, and run as files from anywhere."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from dpuk_munin import run
from dpuk_munin.graph import Field, Graph, number, one_line, values
from munin_protocol import Munin, parse

PACKAGE = Path(run.__file__).parent
# Enough to run each without an error, on a machine where nothing of it is there.
ENV = {
    "xnat_up": {"url": "http://127.0.0.1:1/"},
    "xnat_jvm": {"url": "http://127.0.0.1:1/", "account": "root"},
    "xnat_storage": {"folders": "archive=/nowhere/archive cache=/nowhere/cache", "state": "/nowhere/state.json"},
    "xnat_backup": {"status": "/nowhere/status.json"},
    "dpuk_certificates": {"files": "site=/nowhere/site.crt"},
    "dicom_port": {"targets": "receiver=127.0.0.1:1 front=[::1]:1"},
}


def test_they_are_plugins_and_what_they_share_is_none() -> None:
    assert set(ENV) <= set(run.plugins())
    assert not {"graph", "settings", "run", "plugin", "web", "storage_state"} & set(run.plugins())
    assert os.access(PACKAGE / "plugin.py", os.X_OK)


@pytest.mark.parametrize("name", sorted(ENV))
def test_with_nothing_there_each_says_so_and_does_not_fail(munin: Munin, name: str) -> None:
    said = munin.values(name, **ENV[name])
    configured = munin.config(name, **ENV[name])
    assert {graph: set(fields) for graph, fields in said.fields.items()} == {
        graph: set(fields) for graph, fields in configured.fields.items()
    }
    for graph, lines in configured.graphs.items():
        assert graph in ("", name) or graph.startswith(f"{name}_")
        assert {"graph_title", "graph_vlabel", "graph_category", "graph_info"} <= set(lines)
        assert all(said["label"] and said["type"] for said in configured.fields[graph].values())


@pytest.mark.parametrize("name", sorted(ENV))
def test_each_runs_by_a_link_with_nothing_but_python(tmp_path: Path, name: str) -> None:
    """As on a host: munin's link in another place, an empty environment."""
    (tmp_path / name).symlink_to(PACKAGE / "plugin.py")
    done = subprocess.run(
        [sys.executable, "-S", tmp_path / name, "config"],
        env={**ENV[name], "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert parse(done.stdout).graphs


@pytest.mark.parametrize(
    ("name", "arguments"), [("xnat_down", []), ("xnat_up", ["autoconf"]), ("xnat_up", ["config", "x"])]
)
def test_other_words_are_refused(munin: Munin, name: str, arguments: list[str]) -> None:
    status, told, complaint = munin.run(name, *arguments)
    assert (status, told) == (1, "")
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "U"),
        (float("nan"), "U"),
        (float("inf"), "U"),
        (0, "0"),
        (3.0, "3"),
        (0.25, "0.25"),
        (1e-9, "0"),
        (-20.5, "-20.5"),
        (1.5e15, "1500000000000000"),
    ],
)
def test_numbers_are_written_without_an_exponent(value: float | None, said: str) -> None:
    assert number(value) == said


def test_no_text_can_begin_a_line_of_its_own() -> None:
    assert one_line("a\nup.value 1\r\n\x00b\u2028c") == "a up.value 1 b c"
    graph = Graph("g", "t", "u", "c", "i", [Field("up", "l", 0, extra="x\nup.value 1")])
    assert list(values([graph])) == ["up.value 0", "up.extinfo x up.value 1"]


def test_a_port_that_listens_is_open_and_others_are_not(munin: Munin) -> None:
    with socket.create_server(("127.0.0.1", 0)) as open_one, socket.socket() as shut:
        shut.bind(("127.0.0.1", 0))  # taken, so that nobody else listens there meanwhile
        targets = f"receiver=127.0.0.1:{open_one.getsockname()[1]} front=127.0.0.1:{shut.getsockname()[1]}"
        said = munin.values("dicom_port", targets=targets)
    assert (said.value("receiver", "dicom_port"), said.value("front", "dicom_port")) == ("1", "0")
    assert said.value("front", "dicom_port_time") == "U"
    assert 0 <= float(said.value("receiver", "dicom_port_time")) < 5
    assert "efused" in said.attribute("front", "extinfo", "dicom_port")


@pytest.mark.parametrize("target", ["8104", "host:", ":104", "host:0", "host:70000", "host:dicom"])
def test_a_target_without_a_port_is_refused(munin: Munin, target: str) -> None:
    status, told, complaint = munin.run("dicom_port", targets=f"receiver={target}")
    assert (status, told) == (1, "")
    assert target in complaint
