"""What a lab is called, where its files are, and what can be changed from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
INVENTORY = ROOT / "inventories" / "lab"
DOMAIN = "dpuk.test"

# The three hosts, and the last number of each one's address.
HOSTS = {"db": 11, "web": 12, "monitor": 13}

# Debian releases that the hosts can run, with their code names.
RELEASES = {"12": "bookworm", "13": "trixie"}


def cache_home() -> Path:
    """Where downloads are kept between labs and between clones."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "dpuk-node"


@dataclass(frozen=True)
class Lab:
    """One lab: a name, a private network of its own, and the port at which this machine reaches its front door.

    Environment: LAB_NAME, LAB_SUBNET (first three numbers), LAB_HTTPS_PORT, LAB_DEBIAN (12 or 13).
    """

    name: str
    subnet: str
    https_port: int
    debian: str

    @classmethod
    def from_environment(cls) -> Lab:
        """Read the settings; what is not set is the demonstration's."""
        return cls(
            name=os.environ.get("LAB_NAME", "demo"),
            subnet=os.environ.get("LAB_SUBNET", "10.89.77"),
            https_port=int(os.environ.get("LAB_HTTPS_PORT", "8443")),
            debian=os.environ.get("LAB_DEBIAN", "13"),
        )

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
        return f"https://localhost:{self.https_port}"

    @property
    def hosts(self) -> dict[str, str]:
        """Host name → address on the private network (inventories/lab says the same; a test compares them)."""
        return {host: f"{self.subnet}.{number}" for host, number in HOSTS.items()}

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
        }
