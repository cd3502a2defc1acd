"""Whose a listening socket is: read from made-up and real files of /proc."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path

import pytest
from ansible.module_utils.host import listeners as found
from made_up_proc import HEAD, process

USER = pwd.getpwuid(os.getuid()).pw_name
NOBODY = pwd.getpwnam("nobody").pw_uid


def socket_line(address: str, port: int, uid: int, inode: int) -> str:
    """A listening socket as the kernel prints it."""
    return (
        f"   0: {address}:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000 {uid}        0 {inode} 1\n"
    )


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """No process, and four sockets on 8080, each on another address."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(
        HEAD + socket_line("0100007F", 8080, os.getuid(), 11) + socket_line("0200007F", 8080, NOBODY, 12)
    )
    (tmp_path / "net" / "tcp6").write_text(
        HEAD
        + socket_line("0" * 24 + "01000000", 8080, NOBODY, 13)  # ::1
        + socket_line("0000000000000000FFFF00000100007F", 8080, NOBODY, 14)  # ::ffff:127.0.0.1
    )
    return tmp_path


def test_a_socket_counts_where_connections_to_the_address_may_reach_it(proc: Path) -> None:
    """Not one on another address; one on all addresses does."""
    assert [one.inode for one in found.listeners(8080, "127.0.0.1", proc)] == ["11", "14"]
    assert [one.inode for one in found.listeners(8080, "::1", proc)] == ["13"]
    assert [one.inode for one in found.listeners(8080, proc=proc)] == ["11", "12", "13", "14"]
    assert found.listeners(8081, proc=proc) == []
    (proc / "net" / "tcp6").write_text(HEAD + socket_line("0" * 32, 8080, NOBODY, 15))
    assert [one.inode for one in found.listeners(8080, "127.0.0.1", proc)] == ["11", "15"]


@pytest.mark.parametrize(
    ("cgroup", "services", "said"),
    [
        ("0::/system.slice/tomcat.service\n", ["tomcat"], ""),
        ("0::/system.slice/other.service\n", ["tomcat"], f"java, process 41 of user {USER}, service other"),
        ("0::/user.slice/session-1.scope\n", ["tomcat"], f"java, process 41 of user {USER}"),
        ("0::/libpod-c41/system.slice/tomcat.service/x\n", ["postgresql@*", "tomcat"], ""),
        # A user may name units of its own as it likes, and make control groups below its own.
        (
            "0::/user.slice/user-9.slice/user@9.service/system.slice/tomcat.service\n",
            ["tomcat"],
            f"java, process 41 of user {USER}, service user@9",
        ),
    ],
)
def test_a_holder_that_is_seen_is_judged_by_its_unit(proc: Path, cgroup: str, services: list[str], said: str) -> None:
    (proc / "net" / "tcp6").unlink()
    process(proc, 41, "java", cgroup, 11)
    assert found.outsider(found.listeners(8080, "127.0.0.1", proc), services, proc) == said


def test_a_holder_that_is_not_seen_is_judged_by_its_user(proc: Path) -> None:
    """A service that runs at the same time proves nothing: the socket must be of its user."""
    process(proc, 41, "java", "0::/system.slice/tomcat.service\n", None)
    own, *_, strange = found.listeners(8080, proc=proc)
    assert found.outsider([own], ["tomcat"], proc) == ""
    assert found.outsider([own], ["nginx"], proc) == f"java, process 41 of user {USER}"
    assert found.outsider([own, strange], ["tomcat"], proc) == (
        "a process of user nobody that cannot be seen from here"
    )


def test_one_of_two_holders_is_enough_to_be_refused(proc: Path) -> None:
    """A socket may be shared with a process that has inherited it."""
    process(proc, 41, "java", "0::/system.slice/tomcat.service\n", 11)
    process(proc, 42, "sh", "0::/system.slice/cron.service\n", 11)
    (proc / "net" / "tcp6").unlink()
    assert "sh, process 42" in found.outsider(found.listeners(8080, "127.0.0.1", proc), ["tomcat"], proc)


def test_a_real_socket_is_found() -> None:
    """Of this very process, in this machine's own /proc, in both families."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::")):
        with socket.socket(family) as listener:
            try:
                listener.bind((address, 0))
            except OSError:
                pytest.skip("this machine has no IPv6")
            listener.listen()
            port = listener.getsockname()[1]
            (one,) = found.listeners(port, "127.0.0.1")
            assert (str(one.address), one.uid) == (address, os.getuid())
            assert f"process {os.getpid()} of user {USER}" in found.outsider([one], ["tomcat"])
        assert found.listeners(port) == []
