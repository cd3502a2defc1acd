"""What a machine finds of another by knocking: open ports, answers to ping and UDP, one connection kept open."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from reach import Host, program_text, python

Door = tuple[str, int]  # an address, and a port there

# All at once, for a port that is shut answers nothing: what does not connect in 3 s is shut.
KNOCK = """
import asyncio, json, sys
async def knock(address, port):
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 3)
        writer.close()
        return [address, port]
    except (OSError, asyncio.TimeoutError):
        return None
async def all_of_them():
    return await asyncio.gather(*(knock(*door) for door in json.loads(sys.argv[1])))
print(json.dumps([door for door in asyncio.run(all_of_them()) if door]))
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
import json, select, socket, sys
wires = {}
for address, port in json.loads(sys.argv[1]):
    wire = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    wire.sendto(b"knock", (address, port))
    wires[wire] = [address, port]
answered = []
while ready := select.select(list(wires), [], [], float(sys.argv[2]))[0]:
    for wire in ready:
        door = wires.pop(wire)
        try:
            answered += [door] if wire.recv(100) == b"knock" else []
        except OSError:
            pass
    if not wires:
        break
print(json.dumps(answered))
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


def open_doors(host: Host, doors: Iterable[Door]) -> set[Door]:
    """Those of the addresses and TCP ports that a host can connect to."""
    done = python(host, KNOCK, json.dumps(sorted(set(doors))))
    assert done.rc == 0, done.stderr
    return {(address, port) for address, port in json.loads(done.stdout)}


def open_ports(host: Host, address: str, ports: Iterable[int]) -> list[int]:
    """The same for one address."""
    return sorted(port for _, port in open_doors(host, [(address, port) for port in ports]))


def pings(host: Host, address: str) -> bool:
    """Whether an address answers to an echo request."""
    status: int = python(host, PING, address).rc
    return status == 0


def answer_udp(host: Host, doors: Iterable[Door], *, patience: float = 2.0) -> set[Door]:
    """Those of the addresses and UDP ports from which comes back what a host sends there."""
    done = python(host, SEND, json.dumps(sorted(set(doors))), str(patience))
    assert done.rc == 0, done.stderr
    return {(address, port) for address, port in json.loads(done.stdout)}


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
