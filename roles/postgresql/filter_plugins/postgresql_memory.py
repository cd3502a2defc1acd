"""What PostgreSQL may use of a server's memory, as settings. Pure arithmetic; the role writes them down."""

from __future__ import annotations

from typing import Any

# Rules of thumb that PostgreSQL's own manual gives for a server of its own, and where they stop to help.
SHARED_BUFFERS_LIMIT = 16384  # beyond, the kernel's cache serves as well
MAINTENANCE_LIMIT = 2048  # beyond, vacuum does not use it
WORK_LIMIT = 256


def nominal(megabytes: float) -> int:
    """The size that was bought, from what the kernel says of it: always a little less, and after each update another.

    Rounded up to an eighth of the next power of two, so that a few MB never cross a border (a restart).
    """
    least = max(megabytes * 0.99, 1.0)
    power = 1
    while power < least:
        power *= 2
    grid = max(power // 8, 1)
    return int(-(-least // grid) * grid)


def memory_settings(megabytes: float, percent: float = 100, connections: int = 100) -> dict[str, str]:
    """Settings for a server with `megabytes` of memory, of which PostgreSQL may use `percent`."""
    usable = float(megabytes) * float(percent) / 100
    shared = _steps(min(max(usable / 4, 128), SHARED_BUFFERS_LIMIT))
    maintenance = _steps(min(max(usable / 16, 64), MAINTENANCE_LIMIT))
    # A query may use it several times, and every connection may run one.
    work = min(max((usable - shared) / (3 * max(int(connections), 1)), 4), WORK_LIMIT)
    wal = _steps(min(max(usable / 4, 1024), 8192))
    return {
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{_steps(max(usable * 3 / 4, 256))}MB",
        "maintenance_work_mem": f"{maintenance}MB",
        "work_mem": f"{int(work)}MB",
        "min_wal_size": f"{wal // 4}MB",
        "max_wal_size": f"{wal}MB",
        "checkpoint_completion_target": "0.9",
    }


def _steps(megabytes: float) -> int:
    """Down to a multiple of 16, the size of a WAL segment and of nothing odd."""
    return int(megabytes // 16 * 16)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Name → function."""
        return {"memory_settings": memory_settings, "nominal_memory": nominal}
