"""What a lab is called, where its files are, and what can be changed from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from lab.command import LabError

ROOT = Path(__file__).parent.parent
INVENTORY = ROOT / "inventories" / "lab"
DOMAIN = "dpuk.test"
# A machine on the lab's network that is no part of the node: what strangers can reach is tried from there.
NEIGHBOUR = "neighbour"


@dataclass(frozen=True)
class Topology:
    """Which hosts a node has in the lab, and the inventories that say what each of them does."""

    inventories: tuple[str, ...]
    numbers: Mapping[str, int]  # host → last number of its address
    front_door: str
    isolated: bool = False  # cut off from everything but the lab's own network
    uploaders: bool = True  # also holds images, and uploads them from its hosts
    built: bool = False  # XNAT 1.6: built from archives and modules, where later versions are one file


THREE = {"db": 11, "web": 12, "monitor": 13}
TOPOLOGIES = {
    "three": Topology(("lab",), THREE, front_door="web"),
    # XNAT 1.6.5 with the DPUK's modules, from a stand-in for its builder.
    "dpuk": Topology(("lab", "lab_dpuk"), THREE, front_door="web", built=True),
    "single": Topology(("single", "lab_single"), {"node": 14}, front_door="node", isolated=True, uploaders=False),
}

# Debian releases that the hosts can run, with their code names.
RELEASES = {"12": "bookworm", "13": "trixie"}


def cache_home() -> Path:
    """Where downloads are kept between labs and between clones."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "dpuk-node"


def _setting(name: str, default: str, pattern: str, words: str) -> str:
    value = os.environ.get(name) or default
    if not re.fullmatch(pattern, value):
        raise LabError(f"{name} is {value!r} and must be {words}. Set it so, or leave it out: it is {default} then.")
    return value


@dataclass(frozen=True)
class Lab:
    """One lab: a name, a private network of its own, and the port at which this machine reaches its front door.

    Environment: LAB_NAME, LAB_SUBNET (first three numbers), LAB_HTTPS_PORT, LAB_DEBIAN (12 or 13), LAB_TOPOLOGY.
    """

    name: str
    subnet: str
    https_port: int
    debian: str
    topology: Topology = TOPOLOGIES["three"]

    @classmethod
    def from_environment(cls) -> Lab:
        """Read the settings; what is not set is the demonstration's. One that cannot work raises LabError."""
        lab = cls(
            name=_setting("LAB_NAME", "demo", r"[a-z0-9]{1,20}", "lower-case letters and digits"),
            subnet=_setting("LAB_SUBNET", "10.89.77", r"\d{1,3}\.\d{1,3}\.\d{1,3}", "three numbers, as in 10.89.77"),
            https_port=int(_setting("LAB_HTTPS_PORT", "8443", r"\d{2,5}", "the number of a port")),
            debian=_setting("LAB_DEBIAN", "13", "|".join(RELEASES), " or ".join(RELEASES)),
            topology=TOPOLOGIES[_setting("LAB_TOPOLOGY", "three", "|".join(TOPOLOGIES), " or ".join(TOPOLOGIES))],
        )
        try:
            private = ip_network(f"{lab.subnet}.0/24").is_private
        except ValueError:
            private = False
        if not private:
            raise LabError(f"LAB_SUBNET is {lab.subnet}, which is no private network. Choose one, as in 10.89.77")
        return lab

    @property
    def directory(self) -> Path:
        """Files made for this lab alone: certificates and what its playbooks need to know."""
        return ROOT / ".lab" / self.name

    @property
    def suite(self) -> str:
        """Debian's code name of the release that the hosts run."""
        return RELEASES[self.debian]

    @property
    def network(self) -> str:
        """The podman network's name."""
        return f"dpuk-{self.name}"

    @property
    def url(self) -> str:
        """The node's front door as seen from this machine."""
        if self.topology.isolated:  # nothing of such a network is published
            return f"https://{self.hosts[self.topology.front_door]}"
        return f"https://localhost:{self.https_port}"

    @property
    def inventories(self) -> list[Path]:
        """What to give to Ansible with -i, in this order."""
        return [ROOT / "inventories" / name for name in self.topology.inventories]

    @property
    def hosts(self) -> dict[str, str]:
        """Host name → address on the private network (the inventories say the same; a test compares them)."""
        return {host: f"{self.subnet}.{number}" for host, number in self.topology.numbers.items()}

    @property
    def machines(self) -> dict[str, str]:
        """The same with the neighbour, which no inventory knows."""
        return {**self.hosts, NEIGHBOUR: f"{self.subnet}.99"}

    @property
    def subnet6(self) -> str:
        """The first four groups of the lab's IPv6 addresses, private ones of this lab alone."""
        return f"fd00:{self.subnet.replace('.', ':')}"

    def address6(self, host: str) -> str:
        """The IPv6 address of a machine; it ends as the other one does."""
        return f"{self.subnet6}::{self.machines[host].rpartition('.')[2]}"

    def container(self, host: str) -> str:
        """The container's name of a host."""
        return f"dpuk-{self.name}-{host}"

    @property
    def environment(self) -> dict[str, str]:
        """What playbooks and tests must see to work on this lab."""
        return {
            "LAB_NAME": self.name,
            "LAB_SUBNET": self.subnet,
            "LAB_HTTPS_PORT": str(self.https_port),
            "LAB_DEBIAN": self.debian,
            "LAB_TOPOLOGY": next(name for name, topology in TOPOLOGIES.items() if topology == self.topology),
        }
