"""What tests of munin do again and again: a round of polls now, and a look of the watchdog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import authority
from lab_mailbox import until
from reach import Host

from lab.settings import Lab

TABLE = "/etc/cron.d/munin"


@contextmanager
def by_hand(monitor: Host) -> Iterator[None]:
    """Nothing polls and looks by itself meanwhile; mail that still waits from before is thrown away."""
    # The role starts cron and the timer again; without its table cron has nothing to do.
    assert monitor.run(f"mv {TABLE} /root/munin.cron && systemctl stop dpuk-munin-watch.timer").rc == 0
    settle(monitor)
    monitor.run("postsuper -d ALL")
    try:
        yield
    finally:
        assert monitor.run(f"mv /root/munin.cron {TABLE} && systemctl start dpuk-munin-watch.timer").rc == 0


def settle(monitor: Host) -> None:
    """Wait until nothing of munin's runs: who is told has been told."""
    until(lambda: monitor.run("pgrep -u munin").rc != 0, lambda: "munin does not come to an end", 300)


def poll(monitor: Host) -> None:
    """One round, as cron does it."""
    done = monitor.run("runuser -u munin -- munin-cron")
    assert done.rc == 0, done.stderr


def look(monitor: Host) -> None:
    """The watchdog looks, as its timer has it do."""
    done = monitor.run("systemctl start dpuk-munin-watch")
    assert done.rc == 0, monitor.run("journalctl -q --no-pager -n 20 -u dpuk-munin-watch").stdout


@contextmanager
def another_node(lab: Lab, host: Host, name: str, port: int) -> Iterator[None]:
    """A node with a name and a certificate of its own, at another port of a host that is there."""
    folder = f"/run/{name}"
    certificate, key = authority.pair(lab, name)
    authority.write(host, f"{folder}/node.crt", certificate)
    authority.write(host, f"{folder}/node.key", key, "0600")
    text = host.file("/etc/munin/munin-node.conf").content_string
    for before, after in (
        ("host_name monitor", f"host_name {name}"),
        ("port 4949", f"port {port}"),
        ("/etc/munin/tls/node.", f"{folder}/node."),
        ("/run/munin/munin-node.pid", f"{folder}/pid"),
        ("/var/log/munin/munin-node.log", f"{folder}/log"),
    ):
        assert before in text
        text = text.replace(before, after)
    authority.write(host, f"{folder}/conf", text.encode())
    done = host.run(f"munin-node --config {folder}/conf")
    assert done.rc == 0, done.stderr
    try:
        yield
    finally:
        host.run(f"kill $(cat {folder}/pid)")
