"""Processes and sockets of a made-up /proc, for what looks at those of a host."""

from __future__ import annotations

from pathlib import Path

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def process(proc: Path, pid: int, name: str, cgroup: str, inode: int | None) -> None:
    """One process of the user who runs the tests; what it has open is hidden when there is no inode."""
    (proc / str(pid) / "fd").mkdir(parents=True)
    if inode is not None:
        (proc / str(pid) / "fd" / "3").symlink_to(f"socket:[{inode}]")
    (proc / str(pid) / "comm").write_text(f"{name}\n")
    (proc / str(pid) / "cgroup").write_text(cgroup)
