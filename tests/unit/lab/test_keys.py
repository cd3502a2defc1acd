"""The lab's certificate authority, certificate and passwords."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography import x509

from lab import keys
from lab.settings import Lab


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(keys, "SECRETS", tmp_path / "secrets.yml")
    monkeypatch.setattr(Lab, "directory", property(lambda self: tmp_path / self.name))
    made = Lab(name="unit", subnet="10.89.99", https_port=9999, debian="13")
    keys.ensure(made)
    return made


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_readable_by_their_owner_only(lab: Lab) -> None:
    assert _mode(keys.SECRETS) == 0o600
    assert _mode(lab.directory / "web.key") == 0o600
    assert _mode(lab.directory / "ssh_key") == 0o600


def test_passwords_are_long_and_differ(lab: Lab) -> None:
    found = keys.passwords()
    assert sorted(found) == sorted(keys.PASSWORDS)
    assert len(set(found.values())) == len(found)
    assert min(map(len, found.values())) >= 24


def test_the_certificate_is_signed_by_the_authority_for_every_name_in_use(lab: Lab) -> None:
    certificate = x509.load_pem_x509_certificate((lab.directory / "web.crt").read_bytes())
    authority = x509.load_pem_x509_certificate((lab.directory / "ca.crt").read_bytes())
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["web.dpuk.test", "localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == [lab.hosts["web"]]


def test_a_second_run_keeps_everything(lab: Lab) -> None:
    before = {path: path.read_bytes() for path in [*lab.directory.iterdir(), keys.SECRETS]}
    keys.ensure(lab)
    assert {path: path.read_bytes() for path in before} == before


def test_a_lost_key_brings_a_new_certificate(lab: Lab) -> None:
    old = (lab.directory / "web.crt").read_bytes()
    (lab.directory / "web.key").unlink()
    keys.ensure(lab)
    assert (lab.directory / "web.key").exists()
    assert (lab.directory / "web.crt").read_bytes() != old


def test_a_lab_of_before_keeps_its_passwords_and_gets_the_new_one(lab: Lab) -> None:
    before = keys.passwords()
    kept = {name: value for name, value in before.items() if name != "vault_authority_passphrase"}
    keys.SECRETS.write_text("".join(f"{name}: {value}\n" for name, value in kept.items()))
    keys.ensure(lab)
    after = keys.passwords()
    assert {name: after[name] for name in kept} == kept
    assert len(after["vault_authority_passphrase"]) >= 24
