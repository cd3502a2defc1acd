"""Speak to a munin node from a host of the lab, as munin's master does, or as nobody should."""

from __future__ import annotations

from reach import Host, python

PORT = 4949
TLS = "/etc/munin/tls"
# Speaks to a node as munin's master does: what was said in the clear, then by TLS, each answer up to its end.
CLIENT = """
import socket, ssl, sys
address, certificate, key, *commands = sys.argv[1:]
wire = socket.create_connection((address, 4949), 10)
wire.settimeout(60)
print(wire.makefile("r").readline().strip())
wire.sendall(b"starttls\\n" if certificate != "plain" else b"list\\n")
print(wire.recv(100).decode().strip())
if certificate == "plain":
    print(wire.recv(100).decode().strip() or "closed")
    sys.exit()
context = ssl.create_default_context(cafile="/etc/munin/tls/ca.crt")
if certificate != "none":
    context.load_cert_chain(certificate, key)
wire = context.wrap_socket(wire, server_hostname=address)
print("encrypted", wire.version(), flush=True)
lines = wire.makefile("rw")
for command in commands:
    lines.write(command + "\\n"); lines.flush()
    line = lines.readline()
    if not line:
        print("closed")
        break
    while line and line != ".\\n" and command != "list":
        print(line.strip())
        line = lines.readline()
    print(line.strip())
"""


def talk(host: Host, address: str, certificate: str, key: str, *commands: str) -> list[str]:
    """What a node at an address says to a client on a host."""
    done = python(host, CLIENT, address, certificate, key, *commands)
    lines: list[str] = (done.stdout + done.stderr).splitlines()
    return lines
