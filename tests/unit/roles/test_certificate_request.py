"""certificate_request keeps a key on its host, and asks for a certificate with the names given and no others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from roles_tree import ROOT, load_module

certificate_request = load_module("library/host/certificate_request.py")


def run(folder: Path, *, check: bool = False, **options: Any) -> dict[str, Any]:
    """Run the module as Ansible does; what it answered."""
    arguments = {
        "path": str(folder / "x.key"),
        "certificate": str(folder / "x.crt"),
        "common_name": "db",
        "bits": 2048,
        "mode": "0640",
        **options,
        "_ansible_check_mode": check,
    }
    program = (
        "import json, runpy, sys\n"
        "from ansible.module_utils.testing import patch_module_args\n"
        "with patch_module_args(json.loads(sys.argv[2])):\n"
        "    runpy.run_path(sys.argv[1], run_name='__main__')\n"
    )
    module = ROOT / "library" / "host" / "certificate_request.py"
    done = subprocess.run(
        [sys.executable, "-c", program, str(module), json.dumps(arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_key_is_made_once_and_the_request_is_of_it(tmp_path: Path) -> None:
    names = ["db.example", "192.0.2.11", "2001:db8::1", "DB.example"]
    first = run(tmp_path, names=names, usage=["server", "client"], pkcs8=True)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    second = run(tmp_path, names=names, usage=["server", "client"], pkcs8=True)
    assert (first["changed"], second["changed"]) == (True, False)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    request = x509.load_pem_x509_csr(second["request"].encode())
    assert [name.value for name in request.subject] == ["db"]
    said = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert said.get_values_for_type(x509.DNSName) == ["db.example"]
    assert [str(address) for address in said.get_values_for_type(x509.IPAddress)] == ["192.0.2.11", "2001:db8::1"]
    key = serialization.load_pem_private_key((tmp_path / "x.key").read_bytes(), None)
    assert key.public_key() == request.public_key()
    assert serialization.load_der_private_key((tmp_path / "x.pk8").read_bytes(), None).public_key() == key.public_key()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


def test_the_key_is_not_in_the_answer(tmp_path: Path) -> None:
    answer = json.dumps(run(tmp_path, pkcs8=True))
    assert "PRIVATE KEY" not in answer
    line = (tmp_path / "x.key").read_text().splitlines()[1]
    assert line not in answer


def test_a_dry_run_makes_nothing_and_says_so(tmp_path: Path) -> None:
    answer = run(tmp_path, check=True)
    assert (answer["changed"], answer["request"]) == (True, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_was_cut_short_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "x.key").write_bytes(damage)
    assert run(tmp_path)["changed"] is True
    assert serialization.load_pem_private_key((tmp_path / "x.key").read_bytes(), None)


def test_somebody_elses_key_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "x.key").write_bytes(b"not a key")
    answer = run(tmp_path, generate=False)
    assert "is no private key that openssl can read" in answer["msg"]
    assert (tmp_path / "x.key").read_bytes() == b"not a key"


def test_rights_and_the_second_form_are_put_right(tmp_path: Path) -> None:
    run(tmp_path, pkcs8=True)
    der = (tmp_path / "x.pk8").read_bytes()
    (tmp_path / "x.pk8").write_bytes(b"other")
    (tmp_path / "x.key").chmod(0o644)
    assert run(tmp_path, pkcs8=True, check=True)["changed"] is True
    assert run(tmp_path, pkcs8=True)["changed"] is True
    assert (tmp_path / "x.pk8").read_bytes() == der
    assert (tmp_path / "x.key").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["a b", "x;y", "*", "a..b", "/CN=x", "a\nb"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(certificate_request.NameRefusedError, match="neither a DNS name nor an IP address"):
        certificate_request.request_settings("db", [name], ["server"])


@pytest.mark.parametrize("holder", ["", "x\n[evil]", "$ENV::HOME", "a" * 65, "a/b"])
def test_what_is_no_holder_is_refused(holder: str) -> None:
    with pytest.raises(certificate_request.NameRefusedError, match="takes 1 to 64"):
        certificate_request.request_settings(holder, [], ["client"])
