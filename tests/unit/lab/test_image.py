"""Where the image of the test hosts takes its packages from."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import image
from lab.settings import Lab

DEB822 = """Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://vendor.example/tool
Suites: bookworm
Components: main
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file system of its own for what image.py reads below /etc."""
    real = Path
    monkeypatch.setattr(image, "Path", lambda name: tmp_path / real(name).relative_to("/"))
    (tmp_path / "etc" / "apt" / "sources.list.d").mkdir(parents=True)
    return tmp_path / "etc"


def lab(debian: str = "13") -> Lab:
    return Lab(name="unit", subnet="10.89.99", https_port=9999, debian=debian)


def test_a_debian_machine_lends_its_own_mirrors_for_another_release(machine: Path) -> None:
    (machine / "os-release").write_text("ID=debian\nVERSION_CODENAME=bookworm\n")
    (machine / "apt" / "sources.list.d" / "debian.sources").write_text(DEB822)
    lines = image.sources(lab())
    assert [line.split("] ")[1] for line in lines] == [
        "http://mirror.example/debian trixie main",
        "http://mirror.example/debian trixie-updates main",
        "http://mirror.example/debian-security trixie-security main",
    ]


def test_one_line_sources_with_options_are_read_too(machine: Path) -> None:
    (machine / "os-release").write_text("ID=debian\nVERSION_CODENAME=bookworm\n")
    (machine / "apt" / "sources.list").write_text("deb [arch=amd64] http://mirror.example/debian bookworm main\n")
    assert "http://mirror.example/debian bookworm main" in image.sources(lab("12"))[0]


def test_another_distribution_leaves_the_choice_to_mmdebstrap(machine: Path) -> None:
    (machine / "os-release").write_text("ID=ubuntu\nVERSION_CODENAME=noble\n")
    (machine / "apt" / "sources.list").write_text("deb http://mirror.example/ubuntu noble main\n")
    assert image.sources(lab()) == []


def test_another_recipe_has_another_name(machine: Path) -> None:
    (machine / "os-release").write_text("ID=ubuntu\n")
    assert image.name(lab("12")) != image.name(lab("13"))
    assert image.name(lab("13")).startswith("localhost/dpuk-node-host-debian13:")
