"""The settings of a lab: what can be chosen, and what is said of a choice that cannot work."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab.command import LabError
from lab.settings import HOSTS, INVENTORY, Lab


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LAB_NAME", "LAB_SUBNET", "LAB_HTTPS_PORT", "LAB_DEBIAN"):
        monkeypatch.delenv(name, raising=False)


def test_without_settings_it_is_the_demonstration() -> None:
    lab = Lab.from_environment()
    assert (lab.name, lab.subnet, lab.https_port, lab.debian) == ("demo", "10.89.77", 8443, "13")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAB_DEBIAN", "11"),
        ("LAB_DEBIAN", "trixie"),
        ("LAB_HTTPS_PORT", "https"),
        ("LAB_SUBNET", "10.89"),
        ("LAB_SUBNET", "10.89.777"),
        ("LAB_SUBNET", "8.8.8"),
        ("LAB_NAME", "my lab"),
        ("LAB_NAME", "../x"),
    ],
)
def test_a_setting_that_cannot_work_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(LabError, match=f"{name} is "):
        Lab.from_environment()


def test_the_inventory_has_the_same_hosts_at_the_same_addresses() -> None:
    groups = yaml.safe_load(Path(INVENTORY / "hosts.yml").read_text())["all"]["children"].values()
    listed = {host: facts["private_address"] for group in groups for host, facts in group.get("hosts", {}).items()}
    assert listed == {host: f"{{{{ lab_subnet }}}}.{number}" for host, number in HOSTS.items()}
