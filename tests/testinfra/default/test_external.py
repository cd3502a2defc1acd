"""XNAT on a database server that exists already: the lab's own, as if somebody else ran it; then back again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from reach import Client, Host

from lab import playbook, untouched
from lab.settings import ROOT, Lab

TLS = "/data/xnat/home/config/tls"
SETTINGS = "/data/xnat/home/config/xnat-conf.properties"
INVENTORIES = [ROOT / "inventories" / name for name in ("external", "lab_external")]


def database_in_use(web: Host) -> str:
    """The host in XNAT's own settings."""
    line: str = next(
        line for line in web.file(SETTINGS).content_string.splitlines() if line.startswith("datasource.url=")
    )
    return line.partition("://")[2].partition(":")[0]


@pytest.fixture(scope="module")
def moved(lab: Lab, web: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """XNAT's host built by the other inventory; with what that changed on the database's host."""
    files = tmp_path_factory.mktemp("handed-out")
    for name in ("ca.crt", "database.crt", "database.key"):
        command = ["podman", "cp", f"{lab.container('web')}:{TLS}/{name}", str(files)]
        subprocess.run(command, check=True, capture_output=True)
    before = untouched.look(lab, "db")
    words = ["--limit", "node-xnat"]
    log, there = files / "there.log", {"LAB_DATABASE_FILES": str(files)}
    playbook.play("site.yml", words, inventories=INVENTORIES, env=there, log=log)
    yield untouched.differences(before, untouched.look(lab, "db"))
    playbook.play("site.yml", ["--limit", "xnat"], log=Path(files) / "back.log")
    assert database_in_use(web) == "db.dpuk.test"


def test_xnat_runs_on_it(moved: list[str], web: Host, client: Client, lab: Lab) -> None:
    assert database_in_use(web) == lab.hosts["db"]
    assert client.get("/data/projects?format=json").status_code == 200


def test_the_server_that_belongs_to_somebody_else_is_not_touched(moved: list[str]) -> None:
    """Files with their rights, packages, accounts, services and rules are what they were."""
    assert [line for line in moved if "/var/lib/postgresql/" not in line] == []
