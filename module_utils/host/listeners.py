"""Who listens on a TCP port of this host, and whether it is the service that should. It only reads /proc.

Any user may listen on a port from 1024 while the service that has it is down. So an answer on such a port is the
service's only if the socket is; passwords and images go nowhere else.
"""

from __future__ import annotations

import contextlib
import fnmatch
import ipaddress
import pwd
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
LISTENING = "0A"


class Listener(NamedTuple):
    """A socket that listens: on which address, of which user, and its number."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    uid: int
    inode: str


class Holder(NamedTuple):
    """A process that has such a socket open: its number, its name, and its systemd unit if it has one."""

    pid: int
    name: str
    unit: str
    inodes: frozenset[str]


def listeners(port: int, address: str = "", proc: Path = PROC) -> list[Listener]:
    """The sockets that listen on a port; with an address, those that connections to it may reach."""
    found: list[Listener] = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            found += _parsed((proc / "net" / table).read_text(encoding="ascii"), port)
    wanted = ipaddress.ip_address(address) if address else None
    return [one for one in found if wanted is None or one.address == wanted or one.address.is_unspecified]


def _parsed(table: str, port: int) -> Iterator[Listener]:
    for line in table.splitlines()[1:]:
        words = line.split()
        if len(words) > 9 and words[3] == LISTENING:
            address, _, number = words[1].rpartition(":")
            if int(number, 16) == port:
                yield Listener(_address(address), int(words[7]), words[9])


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """As the kernel prints it: words of 32 bits in the byte order of the machine."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    if len(words) == 1:
        return ipaddress.IPv4Address(packed)
    six = ipaddress.IPv6Address(packed)
    return six.ipv4_mapped or six


def unit_of(cgroup: str) -> str:
    """The systemd service of a process, by the text of its /proc/PID/cgroup; empty when it has none.

    The first one in the path is root's word. What is below it may be its user's own: user@1000.service/tomcat.service.
    """
    for line in cgroup.splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers in ("", "name=systemd"):
            for part in path.split("/"):
                if part.endswith(".service"):
                    return part[: -len(".service")]
    return ""


def holders(inodes: Iterable[str], proc: Path = PROC) -> list[Holder]:
    """The processes that have one of these sockets open, as far as this process may look into them."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found = []
    for folder in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            targets = map(_target, (folder / "fd").iterdir())
            held = frozenset(wanted[target] for target in targets if target in wanted)
            if held:
                found.append(Holder(int(folder.name), _name(folder), _unit(folder), held))
    return sorted(found, key=lambda holder: holder.pid)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _name(folder: Path) -> str:
    return (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()


def _unit(folder: Path) -> str:
    return unit_of((folder / "cgroup").read_text(encoding="utf-8"))


def outsider(found: Iterable[Listener], services: list[str], proc: Path = PROC) -> str:
    """Who has one of these sockets and is none of the services (patterns of units), in words; empty when nobody.

    Where a process has no unit (a container without systemd) its name counts. In some containers root may not see what
    a process has open: there the socket must belong to a user that a process of one of the services runs as.
    """
    sockets = {one.inode: one for one in found}
    seen = holders(sockets, proc)
    for holder in seen:
        if not _matches(holder.unit or holder.name, services):
            owner = min(sockets[inode].uid for inode in holder.inodes)
            where = f", service {holder.unit}" if holder.unit else ""
            return f"{holder.name}, process {holder.pid} of user {user(owner)}{where}"
    for inode in sockets.keys() - frozenset().union(*(holder.inodes for holder in seen)):
        uid = sockets[inode].uid
        own = list(processes(uid, proc))
        if not any(_matches(_unit_safely(folder), services) for folder in own):
            return _guess(uid, own)
    return ""


def _matches(name: str, services: list[str]) -> bool:
    return any(fnmatch.fnmatch(name, service) for service in services)


def _unit_safely(folder: Path) -> str:
    try:
        return _unit(folder)
    except OSError:
        return ""


def processes(uid: int, proc: Path = PROC) -> Iterator[Path]:
    """The folders of all processes of a user, by their numbers."""
    for folder in sorted(proc.glob("[0-9]*"), key=lambda path: int(path.name)):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == uid:
                yield folder


def _guess(uid: int, own: list[Path]) -> str:
    """Words for a process that may not be looked into: its user is known, and what that user runs."""
    named = []
    for folder in own:
        with contextlib.suppress(OSError):
            named.append(f"{_name(folder)}, process {folder.name}")
    if len(named) == 1:
        return f"{named[0]} of user {user(uid)}"
    runs = f", who runs {'; '.join(named[:4])}" if named and uid else ""
    return f"a process of user {user(uid)} that cannot be seen from here{runs}"


def user(uid: int) -> str:
    """A user's name, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
