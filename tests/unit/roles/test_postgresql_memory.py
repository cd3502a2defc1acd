"""Memory settings of PostgreSQL follow from the host's memory, and stay when the kernel's figure moves a little."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from roles_tree import load_module

memory = load_module("roles/postgresql/filter_plugins/postgresql_memory.py")
host_memory = load_module("library/host/host_memory.py")


def in_mb(value: str) -> int:
    """The number of a setting in MB."""
    found = re.fullmatch(r"(\d+)MB", value)
    assert found, value
    return int(found[1])


@pytest.mark.parametrize("gigabytes", [1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 32, 48, 64, 96, 128, 256])
def test_what_the_kernel_keeps_for_itself_changes_nothing(gigabytes: int) -> None:
    """From 95 to 99.8 % of what was bought, in steps of 1 MB: one answer, so an update restarts nothing."""
    bought = gigabytes * 1024
    seen = {memory.nominal(size) for size in range(int(bought * 0.95), int(bought * 0.998) + 1)}
    assert seen == {bought}


def test_a_limit_of_a_container_is_taken_as_it_is() -> None:
    assert memory.nominal(2048) == 2048
    assert memory.nominal(1000) == 1024


@pytest.mark.parametrize("size", [1024, 2048, 4096, 8192, 16384, 65536, 262144])
@pytest.mark.parametrize("percent", [25, 50, 100])
@pytest.mark.parametrize("connections", [60, 100, 300])
def test_it_all_fits_into_the_share(size: int, percent: int, connections: int) -> None:
    found = memory.memory_settings(size, percent, connections)
    share = max(size * percent / 100, 512)
    buffers, work = in_mb(found["shared_buffers"]), in_mb(found["work_mem"])
    assert 128 <= buffers <= max(share / 4, 128)
    assert in_mb(found["effective_cache_size"]) <= share * 0.75 or percent == 25
    assert 4 <= work <= 256
    assert work == 4 or buffers + work * connections <= share
    assert in_mb(found["maintenance_work_mem"]) <= max(share / 16, 64)
    assert in_mb(found["min_wal_size"]) < in_mb(found["max_wal_size"])


def test_a_server_of_8_gb_of_its_own() -> None:
    """What an administrator would write by hand."""
    found = memory.memory_settings(8192, 100, 100)
    assert (found["shared_buffers"], found["effective_cache_size"]) == ("2048MB", "6144MB")
    assert (found["maintenance_work_mem"], found["work_mem"]) == ("512MB", "20MB")


def test_limits_of_what_helps() -> None:
    found = memory.memory_settings(1 << 20, 100, 20)
    assert (found["shared_buffers"], found["maintenance_work_mem"], found["work_mem"]) == ("16384MB", "2048MB", "256MB")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8000),
        ({"sys/fs/cgroup/memory.max": "max\n"}, 8000),
        ({"sys/fs/cgroup/memory.max": "2147483648\n"}, 2048),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 8000),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n"}, 1024),
    ],
)
def test_a_container_has_what_it_may_use(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    """Cgroups of both kinds, with and without a limit."""
    for name, text in {"proc/meminfo": "MemTotal:        8192000 kB\nMemFree: 1 kB\n", **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert host_memory.megabytes(tmp_path) == expected
