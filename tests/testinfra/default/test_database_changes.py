"""What a change of the database's settings costs: a restart where PostgreSQL needs one, else nobody is cut off.

Three runs of the database's own part of site.yml, in this order.
"""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import dataclass

import authority
import pytest
from cryptography import x509
from reach import Host, query

from lab import playbook
from lab.settings import DOMAIN, Lab

CERTIFICATE = "/etc/dpuk/postgresql/server.crt"


@dataclass(frozen=True)
class State:
    """What the server is like after a run."""

    started: str
    ports: set[str]
    shared_buffers: str
    work_mem: str
    serial: int
    days: int


def served(web: Host, port: str = "5432") -> x509.Certificate:
    """The certificate that the server shows, as openssl sees it."""
    line = f"timeout 20 openssl s_client -connect db.{DOMAIN}:{port} -starttls postgres < /dev/null 2>/dev/null"
    found = re.search(r"-----BEGIN CERT.*?END CERTIFICATE-----", web.run(line).stdout, re.DOTALL)
    assert found
    return x509.load_pem_x509_certificate(found[0].encode())


def state(db: Host, web: Host) -> State:
    """Ask sockets, the server and a TLS client."""
    ports = set(re.findall(r":(54\d\d)\s", db.run("ss -Hltn").stdout))
    port = next(iter(ports))
    settings = "current_setting('shared_buffers'), current_setting('work_mem')"
    asked = f"SELECT json_build_array(pg_postmaster_start_time(), {settings})"
    started, buffers, work = json.loads(query(db, asked, port=port))
    # The firewall of the lab opens the usual port only.
    certificate = served(web) if port == "5432" else x509.load_pem_x509_certificate(db.file(CERTIFICATE).content)
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return State(started, ports, buffers, work, certificate.serial_number, left.days)


@pytest.fixture(scope="module")
def states(lab: Lab, db: Host, web: Host, tmp_path_factory: pytest.TempPathFactory) -> dict[str, State]:
    """The server before and after each run."""
    folder = tmp_path_factory.mktemp("database")

    def run(name: str, *words: str) -> State:
        playbook.play("site.yml", ["--limit", "database", "--tags", "postgresql", *words], log=folder / f"{name}.log")
        return state(db, web)

    found = {"before": state(db, web)}
    work: dict[str, object] = {"postgresql_settings": {"work_mem": "5MB"}}
    moved = {**work, "postgresql_port": 5433, "postgresql_shared_buffers": "192MB"}
    found["elsewhere"] = run("elsewhere", "-e", json.dumps(moved))
    found["back"] = run("back", "-e", json.dumps(work))
    ending = authority.signed(lab, x509.load_pem_x509_certificate(db.file(CERTIFICATE).content), days=30)
    authority.write(db, CERTIFICATE, ending)
    assert query(db, "SELECT pg_reload_conf()") == "t"
    found["ending"] = state(db, web)
    found["renewed"] = run("renewed")
    return found


def test_a_port_and_buffers_are_taken_in_by_a_restart_and_given_up_by_another(states: dict[str, State]) -> None:
    """The role must find the server where it is."""
    before, elsewhere, back = states["before"], states["elsewhere"], states["back"]
    assert (elsewhere.ports, elsewhere.shared_buffers) == ({"5433"}, "192MB")
    assert (back.ports, back.shared_buffers) == ({"5432"}, before.shared_buffers)
    assert len({before.started, elsewhere.started, back.started}) == 3


def test_what_a_reload_can_take_in_restarts_nothing(states: dict[str, State]) -> None:
    assert (states["back"].work_mem, states["renewed"].work_mem) == ("5MB", states["before"].work_mem)
    assert states["back"].started == states["renewed"].started


def test_a_certificate_near_its_end_is_replaced_and_served_without_a_restart(states: dict[str, State]) -> None:
    assert states["ending"].days < 31
    assert states["ending"].serial != states["back"].serial
    assert states["renewed"].days > 800
    assert states["renewed"].serial != states["ending"].serial
    assert states["renewed"].started == states["ending"].started


def test_a_certificate_that_is_good_stays(states: dict[str, State]) -> None:
    assert states["before"].serial == states["elsewhere"].serial == states["back"].serial
