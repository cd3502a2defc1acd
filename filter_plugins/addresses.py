"""Ansible filters for IP addresses and networks. Pure: they read text and ask no network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from typing import Any


def within_networks(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is one of, or lies in one of, some addresses and networks of either family.

    A zone (`%eth0`) is left out, and an IPv4 address in IPv6 clothes counts as the IPv4 address.
    """
    found = ip_address(address.partition("%")[0])
    plain = getattr(found, "ipv4_mapped", None) or found
    return any(plain in ip_network(network, strict=False) for network in networks)


def not_networks(values: Iterable[Any]) -> list[Any]:
    """Those of the values that are neither an address nor a network: names, typing errors, what is no text."""
    return [value for value in values if not _is_network(value)]


def _is_network(value: Any) -> bool:
    try:
        ip_network(str(value), strict=False)
    except ValueError:
        return False
    return isinstance(value, str)


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter by name."""
        return {"within_networks": within_networks, "not_networks": not_networks}
