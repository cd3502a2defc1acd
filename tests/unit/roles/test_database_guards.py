"""What is refused of the database's settings before any host is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from role_assertions import admits, task_of
from test_firewall_rules import played

CONNECTIONS = task_of("roles/postgresql/tasks/preflight.yml", "Check that the application's connections fit")
TOGETHER = task_of("roles/xnat/tasks/database_preflight.yml", "Check that the settings of its TLS go together")
ADDRESSES = task_of("roles/postgresql/tasks/preflight.yml", "Check names and addresses")


@pytest.mark.parametrize(
    ("most", "held", "good"), [(100, 40, True), (60, 40, True), (59, 40, False), (100, 100, False)]
)
def test_the_application_leaves_connections_for_the_administrator(most: int, held: int, *, good: bool) -> None:
    given = {"postgresql_max_connections": most, "postgresql_application_connections": held}
    assert admits(CONNECTIONS, **given) is good


@pytest.mark.parametrize(("also", "good"), [([], True), (["127.0.0.1", "::1"], True), (["*"], False), (["db"], False)])
def test_only_addresses_are_listened_on(also: list[str], *, good: bool) -> None:
    given: dict[str, object] = {
        "postgresql_database": "xnat",
        "postgresql_user": "xnat",
        "postgresql_listen_address": "192.0.2.11",
        "postgresql_client_addresses": ["192.0.2.12"],
        "postgresql_listen_also": also,
    }
    assert admits(ADDRESSES, **given) is good


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"xnat_database_tls_mode": "require"}, False),
        ({"xnat_database_tls_source": "files"}, False),
        ({"xnat_database_tls_source": "files", "xnat_database_tls_ca_src": "/ca"}, True),
        (
            {
                "xnat_database_tls_source": "files",
                "xnat_database_tls_ca_src": "/ca",
                "xnat_database_tls_certificate_src": "/crt",
            },
            False,
        ),
        ({"xnat_database_tls_source": "none"}, False),
        ({"xnat_database_tls_source": "none", "xnat_database_tls_mode": "require"}, True),
        ({"xnat_database_pool_size": 0}, False),
    ],
)
def test_whom_xnat_believes_is_said_in_full(changed: dict[str, object], *, good: bool) -> None:
    usual: dict[str, object] = {
        "xnat_database_tls_source": "authority",
        "xnat_database_tls_mode": "verify-full",
        "xnat_database_tls_ca_src": "",
        "xnat_database_tls_certificate_src": "",
        "xnat_database_tls_key_src": "",
        "xnat_database_pool_size": 40,
    }
    given = {**usual, **changed}
    verified = str(given["xnat_database_tls_mode"]).startswith("verify-")
    assert admits(TOGETHER, **given, __xnat_database_verified=verified) is good


@pytest.mark.parametrize("others_run_it", [True, False])
def test_a_short_password_is_refused_by_name_unless_others_chose_it(tmp_path: Path, others_run_it: bool) -> None:
    """And it is not told."""
    chosen = "s3ntinel"
    said = {
        "xnat_site_id": "DPUK_TEST",
        "xnat_site_url": "https://xnat.example.org",
        "xnat_version": "1.10.1",
        "xnat_war_src": ["/srv/xnat.war"],
        "xnat_war_checksum": f"sha256:{'0' * 64}",
        "xnat_admin_password": "long-enough-for-anybody",
        "xnat_database_password": chosen,
    }
    inventory: dict[str, object] = {"xnat": {"hosts": {"here": said}}}
    if not others_run_it:
        inventory["database"] = {"hosts": {"there": None}}
    settings = {"ansible.builtin.import_role": {"name": "xnat", "tasks_from": "settings"}}
    play = [{"hosts": "xnat", "connection": "local", "gather_facts": False, "tasks": [settings]}]
    done = played(tmp_path, inventory, play, ANSIBLE_VERBOSITY="3")
    assert (done.returncode == 0) is others_run_it, done.stdout
    lines = " ".join(done.stdout.split())
    assert ("xnat_database_password: a password is not empty and" in lines) is not others_run_it
    assert "xnat_admin_password: a password" not in lines
    assert chosen not in done.stdout + done.stderr
