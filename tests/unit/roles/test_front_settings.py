"""What the front door's preflight refuses on the controller."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from role_assertions import admits, task_of, value_of, world
from roles_tree import ROOT, read_yaml

SETTINGS = "roles/nginx/tasks/settings.yml"
FILES = "roles/nginx/tasks/settings_files.yml"


@pytest.mark.parametrize(
    ("source", "value", "good"),
    [
        ("files", "web.crt", True),
        ("files", "", False),
        ("host", "/etc/letsencrypt/live/x/fullchain.pem", True),
        ("host", "live/x/fullchain.pem", False),
        ("host", "", False),
        ("self_signed", "", True),
    ],
)
def test_a_source_needs_its_paths(source: str, value: str, good: bool) -> None:
    task = task_of(SETTINGS, "Check that the paths of the certificate go with its source")
    items = [{"source": kind, "value": value, "key": "x"} for kind in ("files", "host")]
    assert all(admits(task, nginx_certificate=source, item=item) for item in items) is good


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://xnat.example.org", True),
        ("https://XNAT.Example.org:8443/", True),
        ("https://node.example.org/xnat", True),
        ("https://other.example.org", False),
        ("https://example.org", False),
        ("https:///", False),
    ],
)
def test_the_sites_own_address_leads_to_this_front_door(url: str, good: bool) -> None:
    task = task_of(SETTINGS, "Check that the site's own address is one of the names")
    host = world().from_string(task["vars"]["__nginx_site_host"]).render(xnat_site_url=url)
    names = ["xnat.example.org", "Node.example.org"]
    assert admits(task, __nginx_site_host=host, __nginx_names=names) is good


def test_dicom_goes_where_xnats_receiver_listens() -> None:
    template = read_yaml(ROOT / "roles/nginx/defaults/main.yml")["nginx_dicom_upstream"]
    given: list[dict[str, object]] = [{}, {"xnat_site_dicom_port": 11112}]
    found = [Templar(DataLoader(), said).template(trust_as_template(template)) for said in given]
    assert found == ["127.0.0.1:8104", "127.0.0.1:11112"]


@pytest.mark.parametrize(
    ("nginx", "xnat", "good"), [(0, 1 << 30, True), (1 << 30, 1 << 30, True), (1 << 29, 1 << 30, False)]
)
def test_nginx_may_not_cut_off_what_xnat_allows(nginx: int, xnat: int, good: bool) -> None:
    task = task_of(SETTINGS, "Check the limit of uploads")
    assert admits(task, nginx_max_body_bytes=nginx, xnat_multipart_max_bytes=xnat) is good


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"nginx_dicom_from": ["2001:db8::/64"]}, True),
        ({"nginx_dicom_from": []}, False),
        ({"nginx_dicom_from": ["scanner.example.org"]}, False),
        ({"nginx_dicom_from": ["all"]}, False),
        ({"nginx_dicom_from": ["192.0.2.300"]}, False),
        ({"nginx_dicom_from": ["192.0.2.0/33"]}, False),
        ({"nginx_dicom_port": 443}, False),
        ({"nginx_dicom_upstream": "127.0.0.1"}, False),
    ],
)
def test_dicom_senders_are_addresses(changed: dict[str, object], good: bool) -> None:
    usual: dict[str, object] = {
        "nginx_dicom_from": ["192.0.2.50", "198.51.100.0/24"],
        "nginx_dicom_port": 104,
        "nginx_http_port": 80,
        "__nginx_tls_ports": [443],
        "nginx_dicom_upstream": "127.0.0.1:8104",
    }
    assert admits(task_of(SETTINGS, "Check who may send DICOM"), **{**usual, **changed}) is good


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("xnat.example.org", True),
        ("XNAT.example.org", True),
        ("a.wild.example.org", True),
        ("a.b.wild.example.org", False),
        ("wild.example.org", False),
        ("192.0.2.12", True),
        ("other.example.org", False),
    ],
)
def test_a_certificate_must_name_what_users_type(name: str, good: bool) -> None:
    certificate = {"subject_alt_name": ["DNS:xnat.example.org", "DNS:*.wild.example.org", "IP:192.0.2.12"]}
    task = task_of(FILES, "Check that the certificate is for the names of the site")
    assert admits(task, item=name, __nginx_certificate=certificate) is good
    assert not admits(task, item=name, __nginx_certificate={"subject_alt_name": None})


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"public_key_data": {"size": 1024}}, False),
        ({"public_key_type": "ECC", "public_key_data": {"curve": "secp256r1", "exponent_size": 256}}, True),
        ({"public_key_type": "ECC", "public_key_data": {"curve": "secp192r1", "exponent_size": 192}}, False),
        ({"public_key_type": "Ed25519", "public_key_data": {}}, True),
        ({"public_key_type": "DSA"}, False),
        ({"signature_algorithm": "sha1WithRSAEncryption"}, False),
        ({"signature_algorithm": "ecdsa-with-SHA1"}, False),
    ],
)
def test_a_weak_certificate_is_refused(changed: dict[str, object], good: bool) -> None:
    usual: dict[str, object] = {
        "public_key_type": "RSA",
        "public_key_data": {"size": 2048},
        "signature_algorithm": "sha256WithRSAEncryption",
    }
    task = task_of(FILES, "Check that the certificate is strong")
    assert admits(task, __nginx_certificate={**usual, **changed}) is good


@pytest.mark.parametrize(("certificate", "key", "good"), [("A", "A", True), ("A", "B", False)])
def test_a_foreign_key_is_refused(certificate: str, key: str, good: bool) -> None:
    task = task_of(FILES, "Check that they belong together")
    assert admits(task, __nginx_certificate={"public_key": certificate}, __nginx_key={"public_key": key}) is good


@pytest.mark.parametrize(
    ("stranger", "status", "text", "verdict"),
    [
        (401, 200, "true", (False, True)),
        (401, 200, '"true"', (False, True)),
        (200, 200, "true", (True, False)),
        (403, 200, "true", (True, False)),
        (302, 200, "false", (True, False)),
        (401, 200, "false", (True, False)),
        (401, 401, "", (False, False)),
        (-1, -1, "", (False, False)),
        (503, 503, "", (False, False)),
    ],
)
def test_only_a_site_that_is_set_up_and_refuses_admin_admin_is_opened(
    stranger: int, status: int, text: str, verdict: tuple[bool, bool]
) -> None:
    """(unprotected, ready); neither when XNAT does not say."""
    asked = {
        "xnat_version": "1.10.1",
        "__xnat_stranger": {"status": stranger},
        "__xnat_initialized": {"status": status, "content": text},
    }
    words = [value_of("roles/xnat/vars/main.yml", name, asked) for name in ("__xnat_guard_open", "__xnat_guard_ready")]
    assert tuple(word.strip() == "True" for word in words) == verdict


@pytest.mark.parametrize(
    ("stranger", "status", "verdict"),
    [(401, 200, (False, True)), (200, 200, (True, False)), (401, 500, (False, False)), (401, 401, (False, False))],
)
def test_a_1_6_that_tells_its_settings_is_set_up(stranger: int, status: int, verdict: tuple[bool, bool]) -> None:
    """Before that the service answers 500; whatever it says is JSON and never the word true."""
    asked = {
        "xnat_version": "1.6.5",
        "__xnat_stranger": {"status": stranger},
        "__xnat_initialized": {"status": status, "content": '{"ResultSet":{}}'},
    }
    words = [value_of("roles/xnat/vars/main.yml", name, asked) for name in ("__xnat_guard_open", "__xnat_guard_ready")]
    assert tuple(word.strip() == "True" for word in words) == verdict


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"nginx_sites": ["xnat"], "__nginx_tls_ports": [443]}, True),
        ({"nginx_sites": [], "__nginx_tls_ports": []}, False),
        ({"__nginx_tls_ports": [443]}, False),
        ({"nginx_http_port": 8444}, False),
        ({"nginx_munin_from": ["office.example.org"]}, False),
    ],
)
def test_each_site_has_a_port_of_its_own(changed: dict[str, object], good: bool) -> None:
    """Browsers keep XNAT and munin apart by that."""
    usual: dict[str, object] = {
        "nginx_sites": ["xnat", "munin"],
        "__nginx_tls_ports": [443, 8444],
        "nginx_http_port": 80,
        "nginx_munin_from": ["192.0.2.0/24"],
    }
    assert admits(task_of(SETTINGS, "Check what is behind it"), **{**usual, **changed}) is good
