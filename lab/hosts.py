"""Start and remove the lab's hosts: containers that run systemd as PID 1 on a private network."""

from __future__ import annotations

import json
import socket
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lab import image, packages, podman
from lab.command import LabError, run, succeeds
from lab.settings import DOMAIN, NEIGHBOUR, Lab

BOOT_SECONDS = 60
# Where Debian's Python looks for what is to be imported at each start.
PYTHON = "/usr/lib/python3/dist-packages"


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
    found = {host: _found(lab, host) for host in lab.machines}
    if all(there and there.made_as == (wanted, _ports(lab, host)) for host, there in found.items()):
        for host, there in found.items():
            if there and there.status != "running":
                _restart(lab, host)
    else:
        for host in lab.machines:
            remove(lab, host)
        for port in _ports(lab, lab.topology.front_door):
            _assert_free(port)
        for host in lab.machines:
            _make(lab, host, wanted)
    for host in lab.hosts:
        _await_boot(lab, host)
        _admit(lab, host)
        _quicken(lab, host)


def any_exists(lab: Lab) -> bool:
    """Whether one of the lab's hosts is there, running or not."""
    return any(_found(lab, host) for host in lab.machines)


def down(lab: Lab) -> None:
    """Remove the hosts and their network, and nothing else."""
    for host in lab.machines:
        remove(lab, host)
    if succeeds(["podman", "network", "exists", lab.network]):
        run(["podman", "network", "rm", "-f", lab.network], advice=f"Type: podman network rm -f {lab.network}")


def remove(lab: Lab, host: str) -> None:
    """Remove one host and what is on its disks."""
    container = lab.container(host)
    if succeeds(["podman", "container", "exists", container]):
        run(["podman", "rm", "-f", "-t", "2", "-v", container], advice=f"Type: podman rm -f {container}")


def _network(lab: Lab) -> None:
    subnets = [f"{lab.subnet}.0/24"] + ([f"{lab.subnet6}::/64"] if podman.has_ipv6() else [])
    if succeeds(["podman", "network", "exists", lab.network]):
        found = json.loads(run(["podman", "network", "inspect", lab.network], advice="Type: make demo-down"))[0]
        there = [subnet["subnet"] for subnet in found.get("subnets", [])]
        if (there, bool(found.get("internal"))) == (subnets, lab.topology.isolated):
            return
        down(lab)
    command = ["podman", "network", "create", *(["--internal"] if lab.topology.isolated else [])]
    for subnet in subnets:
        command += ["--subnet", subnet]
    advice = f"If {subnets[0]} is in use on this machine, choose another: LAB_SUBNET=10.89.90 make demo"
    run([*command, lab.network], advice=advice)


def _found(lab: Lab, host: str) -> Found | None:
    container = lab.container(host)
    if not succeeds(["podman", "container", "exists", container]):
        return None
    facts = json.loads(run(["podman", "inspect", container], advice=f"Type: podman rm -f {container}"))[0]
    bindings = (facts["HostConfig"]["PortBindings"] or {}).values()
    ports = [int(binding["HostPort"]) for some in bindings for binding in some]
    return Found(status=facts["State"]["Status"], made_as=(facts["ImageName"], ports))


def _ports(lab: Lab, host: str) -> list[int]:
    """What this machine lends to a host; podman has no way into a network that is cut off."""
    return [lab.https_port] if host == lab.topology.front_door and not lab.topology.isolated else []


def _restart(lab: Lab, host: str) -> None:
    for port in _ports(lab, host):
        _assert_free(port)
    container = lab.container(host)
    # Not `start`: it would leave a host that is paused, or half stopped, as it is.
    run(["podman", "restart", "-t", "2", container], advice=_look(container))


def _make(lab: Lab, host: str, wanted: str) -> None:
    command = ["podman", "run", "--detach", "--name", lab.container(host), "--hostname", f"{host}.{DOMAIN}"]
    command += ["--network", lab.network, "--ip", lab.machines[host]]
    if podman.has_ipv6():
        command += ["--ip6", lab.address6(host)]
    for other, address in lab.machines.items():
        command += ["--add-host", f"{other}.{DOMAIN}:{address}"]
    if host == NEIGHBOUR:
        # It only asks others: by TCP and UDP, and by ping without further rights.
        command += ["--sysctl", "net.ipv4.ping_group_range=0 0", "--stop-signal", "KILL"]
        started = ["sleep", "infinity"]
    else:
        # NET_ADMIN: the firewall. SYS_ADMIN: without it systemd silently leaves out the sandbox of every service.
        command += ["--systemd=always", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_ADMIN"]
        for path, place in packages.folders(lab, host).items():
            command += ["--volume", f"{place}:{path}"]
        started = ["/lib/systemd/systemd"]
    for port in _ports(lab, host):
        command += ["--publish", f"127.0.0.1:{port}:443"]
    run([*command, wanted, *started], advice="See what podman says: podman info; then run again")


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


def _quicken(lab: Lab, host: str) -> None:
    """Have what Ansible brings compiled once instead of at every task."""
    container = lab.container(host)
    source = Path(__file__).with_name("host_python.py")
    run(["podman", "cp", source, f"{container}:{PYTHON}/lab_host_python.py"], advice=_look(container))
    # Python writes down what it has compiled of the file itself, and a dry run that comes later changes nothing.
    script = f"echo 'import lab_host_python' > {PYTHON}/lab_host_python.pth && python3 -c pass"
    run(["podman", "exec", container, "sh", "-c", script], advice=_look(container))


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
