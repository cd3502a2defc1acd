"""Start and remove the lab's hosts: containers that run systemd as PID 1 on a private network."""

from __future__ import annotations

import json
import socket
import time
from contextlib import closing
from dataclasses import dataclass

from lab import image
from lab.command import LabError, run, succeeds
from lab.settings import DOMAIN, Lab, cache_home

FRONT_DOOR = "web"
BOOT_SECONDS = 60


@dataclass(frozen=True)
class Found:
    """A host that is there: podman's word for its state, and the image and published ports that it was made with."""

    status: str
    made_as: tuple[str, list[int]]


def up(lab: Lab) -> None:
    """Have every host running, from the current image; hosts that already are stay as they are.

    A host that was stopped is started again with all that is on it. When one is gone, or was made otherwise, all are
    made anew: a database and an archive that do not belong together are no node.
    """
    wanted = image.build(lab)
    _network(lab)
    found = {host: _found(lab, host) for host in lab.hosts}
    if all(there and there.made_as == (wanted, _ports(lab, host)) for host, there in found.items()):
        for host, there in found.items():
            if there and there.status != "running":
                _restart(lab, host)
    else:
        for host in lab.hosts:
            remove(lab, host)
        _assert_free(lab.https_port)
        for host in lab.hosts:
            _make(lab, host, wanted)
    for host in lab.hosts:
        _await_boot(lab, host)
        _admit(lab, host)


def any_exists(lab: Lab) -> bool:
    """Whether one of the lab's hosts is there, running or not."""
    return any(_found(lab, host) for host in lab.hosts)


def down(lab: Lab) -> None:
    """Remove the hosts and their network, and nothing else."""
    for host in lab.hosts:
        remove(lab, host)
    if succeeds(["podman", "network", "exists", lab.network]):
        run(["podman", "network", "rm", "-f", lab.network], advice=f"Type: podman network rm -f {lab.network}")


def remove(lab: Lab, host: str) -> None:
    """Remove one host and what is on its disks."""
    container = lab.container(host)
    if succeeds(["podman", "container", "exists", container]):
        run(["podman", "rm", "-f", "-t", "2", "-v", container], advice=f"Type: podman rm -f {container}")


def _network(lab: Lab) -> None:
    wanted = f"{lab.subnet}.0/24"
    if succeeds(["podman", "network", "exists", lab.network]):
        found = run(["podman", "network", "inspect", lab.network], advice="Type: make demo-down")
        if wanted in found:
            return
        down(lab)
    advice = f"If {wanted} is in use on this machine, choose another: LAB_SUBNET=10.89.90 make demo"
    run(["podman", "network", "create", "--subnet", wanted, lab.network], advice=advice)


def _found(lab: Lab, host: str) -> Found | None:
    container = lab.container(host)
    if not succeeds(["podman", "container", "exists", container]):
        return None
    facts = json.loads(run(["podman", "inspect", container], advice=f"Type: podman rm -f {container}"))[0]
    bindings = (facts["HostConfig"]["PortBindings"] or {}).values()
    ports = [int(binding["HostPort"]) for some in bindings for binding in some]
    return Found(status=facts["State"]["Status"], made_as=(facts["ImageName"], ports))


def _ports(lab: Lab, host: str) -> list[int]:
    return [lab.https_port] if host == FRONT_DOOR else []


def _restart(lab: Lab, host: str) -> None:
    for port in _ports(lab, host):
        _assert_free(port)
    container = lab.container(host)
    # Not `start`: it would leave a host that is paused, or half stopped, as it is.
    run(["podman", "restart", "-t", "2", container], advice=_look(container))


def _make(lab: Lab, host: str, wanted: str) -> None:
    packages = cache_home() / "apt" / f"debian{lab.debian}" / host
    (packages / "partial").mkdir(parents=True, exist_ok=True)
    command = ["podman", "run", "--detach", "--name", lab.container(host), "--hostname", f"{host}.{DOMAIN}"]
    command += ["--network", lab.network, "--ip", lab.hosts[host], "--systemd=always"]
    # NET_ADMIN: the firewall. SYS_ADMIN: without it systemd silently leaves out the sandbox of every service.
    command += ["--cap-add", "NET_ADMIN", "--cap-add", "SYS_ADMIN"]
    command += ["--volume", f"{packages}:/var/cache/apt/archives"]
    for other, address in lab.hosts.items():
        command += ["--add-host", f"{other}.{DOMAIN}:{address}"]
    for port in _ports(lab, host):
        command += ["--publish", f"127.0.0.1:{port}:443"]
    run([*command, wanted, "/lib/systemd/systemd"], advice="See what podman says: podman info; then run again")


def _assert_free(port: int) -> None:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LabError(
                f"Port {port} is in use on this machine. Choose another: LAB_HTTPS_PORT=9443 make demo"
            ) from error


def _admit(lab: Lab, host: str) -> None:
    """Let the lab's SSH key in, as a cloud image does with its owner's."""
    public = (lab.directory / "ssh_key.pub").read_text().strip()
    script = 'umask 077; mkdir -p /root/.ssh /run/sshd; printf "%s\\n" "$1" > /root/.ssh/authorized_keys'
    container = lab.container(host)
    run(["podman", "exec", container, "sh", "-c", script, "sh", public], advice=_look(container))


def _await_boot(lab: Lab, host: str) -> None:
    container = lab.container(host)
    deadline = time.monotonic() + BOOT_SECONDS
    state = "not asked"
    while time.monotonic() < deadline:
        done = run(
            ["podman", "exec", container, "sh", "-c", "systemctl is-system-running || true"],
            advice=_look(container),
        )
        state = done.strip().splitlines()[-1] if done.strip() else "no answer"
        if state in ("running", "degraded"):
            return
        time.sleep(0.3)
    raise LabError(f"{container} did not boot within {BOOT_SECONDS} s (systemd says: {state}). {_look(container)}")


def _look(container: str) -> str:
    return f"Look: podman logs {container}; then: make demo-down"
