"""Files of certificates and keys that an inventory names: what is in them is looked at before any host is touched.

Ansible reads real files here, made by openssl, one host of a made-up inventory for each case.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from roles_tree import load_module
from test_firewall_rules import played

only_certificates = load_module("filter_plugins/certificates.py").only_certificates


def openssl(folder: Path, *words: str) -> None:
    """Run openssl in a folder."""
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def files() -> Iterator[Path]:
    """A certificate and its key, the key with a passphrase, and both in one file."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
        names = ["-subj", "/CN=xnat.example.org", "-addext", "subjectAltName=DNS:xnat.example.org"]
        openssl(folder, *made, *names, "-keyout", "site.key", "-out", "site.crt")
        openssl(folder, "pkey", "-in", "site.key", "-aes256", "-passout", "pass:secret", "-out", "locked.key")
        (folder / "both.pem").write_text((folder / "site.crt").read_text() + (folder / "site.key").read_text())
        (folder / "page.html").write_text("<html>Sign in</html>\n")
        yield folder


def said(folder: Path, role: str, part: str, cases: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Host → why it was refused, in one line; empty where it was not."""
    import_role = {"ansible.builtin.import_role": {"name": role, "tasks_from": part}}
    play = [{"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [import_role]}]
    done = played(folder, {"all": {"hosts": cases}}, play, ANSIBLE_NOCOLOR="1")
    assert "PLAY RECAP" in done.stdout, done.stdout + done.stderr
    reasons = re.findall(r"^(?:fatal|failed): \[(\w+)[^\]]*\](.*?)(?=^\S|^$|\Z)", done.stdout, re.MULTILINE | re.DOTALL)
    return {host: " ".join(" ".join(text for name, text in reasons if name == host).split()) for host in cases}


@cache
def front(folder: Path) -> dict[str, str]:
    """What the front door's preflight says of each pair."""
    site = {
        "nginx_sites": ["xnat"],
        "nginx_server_name": "xnat.example.org",
        "nginx_tls_certificate_src": str(folder / "site.crt"),
        "nginx_tls_key_src": str(folder / "site.key"),
    }
    cases: dict[str, dict[str, Any]] = {
        "good": site,
        "locked": {**site, "nginx_tls_key_src": str(folder / "locked.key")},
        "nokey": {**site, "nginx_tls_key_src": str(folder / "page.html")},
        "nocertificate": {**site, "nginx_tls_certificate_src": str(folder / "page.html")},
        "elsewhere": {**site, "xnat_site_url": "https://other.example.org"},
    }
    return said(folder, "nginx", "preflight", cases)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("locked", "locked.key) has a passphrase"),
        ("nokey", "page.html) has a passphrase, which nobody could type when nginx starts, or is no key in PEM form"),
        ("nocertificate", "page.html) is no certificate in PEM form"),
        ("elsewhere", "nginx does not answer for other.example.org, only for xnat.example.org"),
    ],
)
def test_the_front_doors_pair_is_refused_with_a_reason(files: Path, host: str, words: str) -> None:
    assert words in front(files)[host]


def test_a_good_pair_is_let_through(files: Path) -> None:
    assert front(files)["good"] == ""


def test_a_key_is_no_authority_of_a_database(files: Path) -> None:
    usual: dict[str, Any] = {
        "xnat_database_tls_source": "files",
        "xnat_database_tls_mode": "verify-full",
        "xnat_database_tls_certificate_src": "",
        "xnat_database_tls_key_src": "",
        "xnat_database_pool_size": 40,
    }
    given = {"good": "site.crt", "key": "site.key", "both": "both.pem", "page": "page.html"}
    cases = {host: {**usual, "xnat_database_tls_ca_src": str(files / name)} for host, name in given.items()}
    pair = {"xnat_database_tls_ca_src": str(files / "site.crt"), "xnat_database_tls_key_src": str(files / "site.key")}
    cases["pair"] = {**usual, **pair, "xnat_database_tls_certificate_src": str(files / "both.pem")}
    found = said(files, "xnat", "database_preflight", cases)
    assert found["good"] == ""
    for host in ("key", "both", "page"):
        assert "xnat_database_tls_ca_src" in found[host]
        assert "must hold certificates in PEM form and nothing else, no key" in found[host]
    assert "xnat_database_tls_certificate_src" in found["pair"]
    assert "PRIVATE" not in "".join(found.values())


def test_a_file_of_certificates_holds_nothing_else(files: Path) -> None:
    certificate, key = (files / "site.crt").read_text(), (files / "site.key").read_text()
    assert [only_certificates(text) for text in (certificate, f"the site\n{certificate}\n{certificate}")] == [
        True,
        True,
    ]
    broken = certificate.replace("MII", "M!!")
    wrong = (key, certificate + key, "", "MIIB", broken, (files / "locked.key").read_text())
    assert [only_certificates(text) for text in wrong] == [False] * len(wrong)
