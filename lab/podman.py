"""Make sure that podman is here and can start a host on this machine, whatever its cgroups and limits are.

Podman's defaults suit a machine that runs systemd with unified cgroups and may raise limits. Where one of these is
not so, a small containers.conf of the lab's own says it; the user's configuration is never changed.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

from lab.command import LabError, have, run, succeeds
from lab.settings import ROOT

CONFIGURATION = ROOT / ".lab" / "containers.conf"
CAP_SYS_RESOURCE = 24  # linux/capability.h: the right to raise limits above the inherited hard ones
NETAVARK = ("/usr/lib/podman/netavark", "/usr/libexec/podman/netavark")
HOST_LIMIT = 4096  # open files, and processes, of a test host
CNI_BRIDGE = ("/usr/lib/cni/bridge", "/usr/libexec/cni/bridge", "/opt/cni/bin/bridge")


def unified_cgroups() -> bool:
    """Whether this machine has cgroup v2 alone, which crun needs."""
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


def packages() -> list[str]:
    """The Debian and Ubuntu packages that a lab needs, on this machine."""
    names = ["podman", "netavark", "aardvark-dns", "iptables", "mmdebstrap", "openssh-client"]
    names.append("crun" if unified_cgroups() else "runc")
    if os.geteuid() != 0:
        names += ["uidmap", "slirp4netns"]
    if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
        names.append("debian-archive-keyring")
    return names


def missing() -> list[str]:
    """Which of the packages are not there, told by what they bring."""
    brings = {
        "podman": have("podman"),
        "netavark": any(Path(path).exists() for path in NETAVARK),
        "aardvark-dns": any(Path(path).with_name("aardvark-dns").exists() for path in NETAVARK),
        "iptables": have("iptables") or Path("/usr/sbin/iptables").exists(),
        "mmdebstrap": have("mmdebstrap"),
        "openssh-client": have("ssh"),
        "runc": have("runc") or Path("/usr/sbin/runc").exists(),
        "crun": have("crun"),
        "uidmap": have("newuidmap"),
        "slirp4netns": have("slirp4netns"),
    }
    return [name for name in packages() if not brings.get(name, False)]


def ensure() -> str:
    """Install what is missing when root; else say exactly what to type. Returns podman's version."""
    wanted = missing()
    if wanted and os.geteuid() != 0:
        raise LabError(f"The lab needs packages that are not installed. Type: sudo apt-get install {' '.join(wanted)}")
    if wanted:
        if not have("apt-get"):
            raise LabError(f"Install these with your package manager, then run again: {' '.join(wanted)}")
        advice = f"Type: apt-get update && apt-get install {' '.join(wanted)}"
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-qq"], advice=advice)
        run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted], advice=advice, env=quiet)
    configure()
    return run(["podman", "--version"], advice="Install podman.").strip()


def differences() -> dict[str, list[str]]:
    """What podman must be told about this machine: section of containers.conf → lines."""
    engine: list[str] = []
    containers: list[str] = []
    network: list[str] = []
    if not unified_cgroups():
        engine.append('runtime = "runc"')  # crun refuses hybrid cgroups
    if not Path("/run/systemd/system").exists():
        engine += ['cgroup_manager = "cgroupfs"', 'events_logger = "file"']
    if os.geteuid() == 0 and not _may_raise_limits():
        # Podman asks for more than it may have unless told; what a test host needs is far below any hard limit.
        limits = [f'"{name}={min(soft, HOST_LIMIT)}:{HOST_LIMIT}"' for name, soft in _soft_limits().items()]
        containers.append(f"default_ulimits = [{', '.join(limits)}]")
    if not any(Path(path).exists() for path in CNI_BRIDGE):
        network.append('network_backend = "netavark"')
    sections = {"engine": engine, "containers": containers, "network": network}
    return {name: lines for name, lines in sections.items() if lines}


def has_ipv6() -> bool:
    """Whether containers on this machine can have IPv6 addresses: the kernel has it, and root can keep its rules."""
    if not Path("/proc/net/if_inet6").exists():
        return False
    return os.geteuid() != 0 or succeeds(["ip6tables", "--wait", "--table", "nat", "--list-rules"])


def _soft_limits() -> dict[str, int]:
    kinds = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    return {name: resource.getrlimit(kind)[0] for name, kind in kinds.items()}


def _may_raise_limits() -> bool:
    status = Path("/proc/self/status").read_text()
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff"))
    return bool(int(effective, 16) >> CAP_SYS_RESOURCE & 1)


def configure() -> None:
    """Point this process and its children to the lab's containers.conf where the machine needs one."""
    if "CONTAINERS_CONF" in os.environ:
        return
    sections = differences()
    if set(sections) <= {"network"}:
        return  # an ordinary machine: podman's own choice of network is the right one
    CONFIGURATION.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections.items())
    CONFIGURATION.write_text("# Made by the lab for this machine.\n" + text)
    os.environ["CONTAINERS_CONF"] = str(CONFIGURATION)
