"""Which of the node's own munin plugins a host has, and which certificates it watches, by the groups that it is in."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from role_assertions import admits, task_of
from roles_tree import ROOT, read_yaml

BARE: dict[str, Any] = {
    "munin_node_certificates_extra": {},
    "munin_node_plugins_left_out": [],
    "munin_node_standbys": [],
    "munin_node_interfaces": [],
    "ansible_facts": {"interfaces": []},
    "__facts_in_container": False,
}
OWN = {"dpuk_certificates", "xnat_backup", "xnat_jvm", "xnat_storage", "xnat_up", "dicom_port"}


def trusted(value: Any) -> Any:
    """The role's own text, which Ansible may evaluate."""
    if isinstance(value, dict):
        return {name: trusted(one) for name, one in value.items()}
    if isinstance(value, list):
        return [trusted(one) for one in value]
    return trust_as_template(value) if isinstance(value, str) else value


def value_of(name: str, variables: dict[str, Any]) -> Any:
    """A private variable of the role, as Ansible itself makes it."""
    known = {**trusted(read_yaml(ROOT / "roles/munin_node/vars/main.yml")), **BARE, **variables}
    return Templar(loader=DataLoader(), variables=known).template(trust_as_template(f"{{{{ {name} }}}}"))


def plugins(*groups: str, **variables: object) -> set[str]:
    """The own plugins of a host in these groups."""
    return OWN & set(value_of("__munin_node_known", {"group_names": list(groups), **variables}))


def certificates(*groups: str, **variables: object) -> dict[str, str]:
    """The certificates that such a host watches."""
    found: dict[str, str] = value_of("__munin_node_certificates", {"group_names": list(groups), **variables})
    return found


def test_each_host_has_the_plugins_of_its_groups() -> None:
    assert plugins("monitoring") == {"dpuk_certificates"}
    assert plugins("database") == {"dpuk_certificates", "xnat_backup"}
    assert plugins("xnat") == {"dpuk_certificates", "xnat_jvm", "xnat_storage", "xnat_up"}
    assert plugins("database", "xnat", "monitoring", nginx_dicom_enabled=True) == OWN
    assert "dicom_port" not in plugins("database", nginx_dicom_enabled=True)


def test_each_host_watches_the_certificates_of_its_services() -> None:
    assert set(certificates("monitoring")) == {"munin", "authority", "front_door", "munin_master"}
    assert set(certificates("database")) == {"munin", "authority", "postgresql"}
    found = certificates("xnat", xnat_home="/srv/xnat", munin_node_certificates_extra={"ldap": "/etc/ssl/ldap.crt"})
    assert set(found) == {"munin", "authority", "front_door", "xnat_database", "ldap"}
    assert found["xnat_database"] == "/srv/xnat/config/tls/database.crt"


@pytest.mark.parametrize(
    ("variables", "watched"),
    [
        ({}, True),
        ({"xnat_database_tls_source": "none"}, False),
        ({"xnat_database_tls_source": "files"}, False),
        ({"xnat_database_tls_source": "files", "xnat_database_tls_certificate_src": "client.crt"}, True),
    ],
)
def test_xnats_certificate_for_the_database_is_watched_where_it_has_one(
    variables: dict[str, object], watched: bool
) -> None:
    assert ("xnat_database" in certificates("xnat", **variables)) is watched


@pytest.mark.parametrize(
    ("name", "path", "good"),
    [
        ("ldap", "/etc/ssl/ldap.crt", True),
        ("Ldap", "/etc/ssl/ldap.crt", False),
        ("ldap-1", "/etc/ssl/ldap.crt", False),
        ("ldap", "ldap.crt", False),
        ("ldap", "/etc/ssl/our ldap.crt", False),
    ],
)
def test_names_and_paths_of_further_certificates_are_checked(name: str, path: str, good: bool) -> None:
    task = task_of("roles/munin_node/tasks/preflight.yml", "Check the certificates to watch")
    assert admits(task, item={"key": name, "value": path}) is good
