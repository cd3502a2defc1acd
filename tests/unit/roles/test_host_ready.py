"""host_ready says what is wrong with a host, in one line each, and says nothing of a host that is right."""

from __future__ import annotations

import os
import pwd
import socket
from collections import namedtuple
from pathlib import Path

import pytest
from made_up_proc import HEAD, process
from roles_tree import load_module

host_ready = load_module("library/host/host_ready.py")

DISK = namedtuple("DISK", "f_flag f_bavail f_frsize f_files f_favail")
USER = pwd.getpwuid(os.getuid()).pw_name
GOOD = DISK(f_flag=0, f_bavail=1 << 20, f_frsize=4096, f_files=100, f_favail=50)


@pytest.mark.parametrize(("have_kb", "good"), [(4194304, True), (3932160, True), (3800000, False), (2097152, False)])
def test_memory_allows_for_what_the_kernel_keeps(have_kb: int, good: bool) -> None:
    found = host_ready.memory_problems(4096, f"MemTotal:       {have_kb} kB\nMemFree: 1 kB\n", "xnat_memory_min_mb")
    assert (found == []) is good
    assert all("4096 MB are needed" in line and "xnat_memory_min_mb" in line for line in found)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Tomcat on 8080 (IPv6 table), a Python program on 5432, a connection (not listening) on 80."""
    (tmp_path / "net").mkdir()
    tail = f"00000000:00000000 00:00000000 00000000 {os.getuid()}        0"
    (tmp_path / "net" / "tcp").write_text(
        f"{HEAD}   0: 00000000:1538 00000000:0000 0A {tail} 11 1\n   1: 0100007F:0050 0100007F:9999 01 {tail} 12 1\n"
    )
    nowhere = "0" * 32
    (tmp_path / "net" / "tcp6").write_text(f"{HEAD}   0: {nowhere}:1F90 {nowhere}:0000 0A {tail} 13 1\n")
    process(tmp_path, 41, "python3", "0::/\n", 11)
    process(tmp_path, 42, "java", "4:cpu:/x\n1:name=systemd:/machine/x/system.slice/tomcat.service\n", 13)
    return tmp_path


@pytest.mark.parametrize(
    ("port", "services", "said"),
    [
        (8080, ["tomcat"], None),
        (8080, ["nginx"], f"port 8080 is taken by java, process 42 of user {USER}, service tomcat. "),
        (5432, ["postgresql@*", "postgres"], f"port 5432 is taken by python3, process 41 of user {USER}. "),
        (5432, ["python*"], None),
        (80, ["nginx"], None),
        (443, ["nginx"], None),
    ],
)
def test_a_port_is_free_or_held_by_its_own_service(
    proc: Path, port: int, services: list[str], said: str | None
) -> None:
    found = host_ready.port_problems({"port": port, "services": services, "variable": "some_port"}, proc)
    assert [line.startswith(said) and "some_port" in line for line in found] == ([True] if said else [])


def test_a_holder_that_may_not_be_seen_is_believed_to_be_its_service_if_that_runs(proc: Path) -> None:
    """As in a container whose root may not look into processes of others."""
    for link in list(proc.glob("42/fd/*")):
        link.unlink()
    wanted = {"port": 8080, "services": ["tomcat"], "variable": "some_port"}
    assert host_ready.port_problems(wanted, proc) == []
    assert "cannot be seen" in host_ready.port_problems({**wanted, "services": ["nginx"]}, proc)[0]


def test_a_port_that_is_really_taken_is_seen() -> None:
    """By this very process, in this machine's own /proc."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = host_ready.port_problems({"port": port, "services": ["nginx"], "variable": "some_port"})
        assert f"process {os.getpid()}" in found[0]
    assert host_ready.port_problems({"port": port, "services": ["nginx"], "variable": "some_port"}) == []


def test_a_folder_is_judged_by_what_it_will_be_made_in(tmp_path: Path) -> None:
    assert host_ready.folder_problems(tmp_path / "data" / "archive", 0, "xnat_data") == []
    (tmp_path / "data").touch()
    [line] = host_ready.folder_problems(tmp_path / "data" / "archive", 0, "xnat_data")
    assert f"{tmp_path}/data is no folder" in line
    assert not (tmp_path / "data" / "archive").exists()


@pytest.mark.parametrize(
    ("disk", "said"),
    [
        (GOOD, None),
        (GOOD._replace(f_flag=os.ST_RDONLY), "is on a read-only disk"),
        (GOOD._replace(f_bavail=10), "0 MB are free and 2048 MB are needed"),
        (GOOD._replace(f_favail=0), "the disk can hold no more files"),
        (GOOD._replace(f_files=0, f_favail=0), None),  # file systems that do not count files
    ],
)
def test_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: DISK, said: str | None) -> None:
    monkeypatch.setattr(host_ready.os, "statvfs", lambda _: disk)
    wanted = {"paths": [str(tmp_path), str(tmp_path / "below")], "free_mb": 2048, "variable": "xnat_data"}
    found = host_ready.all_folder_problems([wanted])
    assert [said in line for line in found] == ([True] if said else []), "one line for one disk"


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(name: str, port: None) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert host_ready.name_problems({"name": "192.0.2.1", "variable": "x"}) == []
    assert host_ready.name_problems({"name": "", "variable": "x"}) == []
    monkeypatch.setattr(host_ready.socket, "getaddrinfo", nobody)
    [line] = host_ready.name_problems({"name": "db.invalid", "variable": "xnat_database_host"})
    assert "db.invalid does not resolve on this host (Name or service not known)" in line
    assert "xnat_database_host" in line
