"""The settings of a lab: what can be chosen, and what is said of a choice that cannot work."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab.command import LabError
from lab.settings import INVENTORY, TOPOLOGIES, Lab


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LAB_NAME", "LAB_SUBNET", "LAB_HTTPS_PORT", "LAB_DEBIAN", "LAB_TOPOLOGY"):
        monkeypatch.delenv(name, raising=False)


def test_without_settings_it_is_the_demonstration() -> None:
    lab = Lab.from_environment()
    assert (lab.name, lab.subnet, lab.https_port, lab.debian) == ("demo", "10.89.77", 8443, "13")
    assert lab.topology == TOPOLOGIES["three"]


def test_what_is_chosen_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {
        "LAB_NAME": "x",
        "LAB_SUBNET": "10.1.2",
        "LAB_HTTPS_PORT": "99",
        "LAB_DEBIAN": "12",
        "LAB_TOPOLOGY": "single",
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    lab = Lab.from_environment()
    assert lab.environment == chosen
    assert [path.name for path in lab.inventories] == ["single", "lab_single"]
    assert (lab.machines, lab.address6("neighbour")) == (
        {"node": "10.1.2.14", "neighbour": "10.1.2.99"},
        "fd00:10:1:2::99",
    )


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
        ("LAB_TOPOLOGY", "double"),
    ],
)
def test_a_setting_that_cannot_work_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(LabError, match=f"{name} is "):
        Lab.from_environment()


def test_the_inventory_has_the_same_hosts_at_the_same_addresses() -> None:
    groups = yaml.safe_load(Path(INVENTORY / "hosts.yml").read_text())["all"]["children"].values()
    listed = {host: facts["private_address"] for group in groups for host, facts in (group.get("hosts") or {}).items()}
    assert listed == {host: f"{{{{ lab_subnet }}}}.{number}" for host, number in TOPOLOGIES["three"].numbers.items()}
