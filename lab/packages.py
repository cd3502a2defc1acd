"""Debian packages for the lab's hosts: kept between labs, and brought beforehand to hosts that cannot fetch any."""

from __future__ import annotations

from pathlib import Path

from lab.settings import Lab, cache_home

LISTS = "/var/lib/apt/lists"
ARCHIVES = "/var/cache/apt/archives"


def folders(lab: Lab, host: str) -> dict[str, Path]:
    """What a host has from this machine: path on the host → folder here."""
    kept = cache_home() / "apt" / f"debian{lab.debian}" / host
    (kept / "partial").mkdir(parents=True, exist_ok=True)
    return {ARCHIVES: kept}
