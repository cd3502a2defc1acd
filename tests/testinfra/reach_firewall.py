"""What a machine finds of another by knocking: open ports, answers to ping and UDP, one connection kept open."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from reach import Host, program_text, python

# Ports at once, for a port that is shut answers nothing: what does not connect in 2 s is shut.
KNOCK = """
import asyncio, json, sys
address, ports = sys.argv[1], json.loads(sys.argv[2])
async def knock(port):
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 2)
        writer.close()
        return port
    except (OSError, asyncio.TimeoutError):
        return None
async def all_of_them():
    return await asyncio.gather(*(knock(port) for port in ports))
print(json.dumps([port for port in asyncio.run(all_of_them()) if port]))
"""

PING = """
import socket, sys
address = sys.argv[1]
six = ":" in address
kind = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM, kind) as wire:
    wire.settimeout(3)
    # Type, code, checksum (the kernel's work), identifier (also), sequence.
    wire.sendto(bytes([128 if six else 8, 0, 0, 0, 0, 0, 0, 1]) + b"knock", (address, 0))
    sys.exit(0 if wire.recv(100)[0] in (0, 129) else 1)
"""

SEND = """
import socket, sys
address, port = sys.argv[1], int(sys.argv[2])
with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as wire:
    wire.settimeout(float(sys.argv[3]))
    wire.sendto(b"knock", (address, port))
    try:
        sys.exit(0 if wire.recv(100) == b"knock" else 1)
    except OSError:
        sys.exit(1)
"""

# Listens on ports of all addresses of both families; UDP is sent back. Until its standard input ends.
LISTEN = """
import json, socket, sys, threading
def echo(wire):
    while True:
        data, sender = wire.recvfrom(100)
        wire.sendto(data, sender)
kept = []
for port in json.loads(sys.argv[1]):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        wire = socket.socket(socket.AF_INET6, kind)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wire.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        wire.bind(("::", port))
        kept.append(wire)
        if kind == socket.SOCK_STREAM:
            wire.listen()
        else:
            threading.Thread(target=echo, args=(wire,), daemon=True).start()
print("listening", flush=True)
sys.stdin.read()
"""


def open_ports(host: Host, address: str, ports: Iterable[int]) -> list[int]:
    """Those of the TCP ports of an address that a host can connect to, in order."""
    done = python(host, KNOCK, address, json.dumps(sorted(set(ports))))
    assert done.rc == 0, done.stderr
    found: list[int] = json.loads(done.stdout)
    return found


def pings(host: Host, address: str) -> bool:
    """Whether an address answers to an echo request."""
    status: int = python(host, PING, address).rc
    return status == 0


def answers_udp(host: Host, address: str, port: int, *, patience: float = 2.0) -> bool:
    """Whether what was sent to a UDP port comes back."""
    status: int = python(host, SEND, address, str(port), str(patience)).rc
    return status == 0


def listening(host: Host) -> dict[int, set[str]]:
    """Port → addresses that some program on a host listens on for TCP, loopback left out."""
    found: dict[int, set[str]] = {}
    for line in host.run("ss -Hltn").stdout.splitlines():
        address, _, port = line.split()[3].rpartition(":")
        if not address.strip("[]").startswith(("127.", "::1", "::ffff:127.")):
            found.setdefault(int(port), set()).add(address.partition("%")[0])
    return found


@contextmanager
def talking(container: str, program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program in a container that has said its first line; it ends with the block."""
    command = ["podman", "exec", "-i", container, "python3", "-uc", program_text(program), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline()
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(30)
