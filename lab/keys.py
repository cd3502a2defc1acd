"""Make the lab's passwords, SSH key, small certificate authority and the front door's certificate, once.

All of it is worthless outside of this machine, and still kept like the real thing: ignored by git, readable by the
owner only.
"""

from __future__ import annotations

import datetime
import os
import secrets
from ipaddress import ip_address
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.settings import DOMAIN, INVENTORY, NEIGHBOUR, Lab

SECRETS = INVENTORY / "group_vars" / "all" / "secrets.yml"
PASSWORDS = (
    "vault_postgresql_password",
    "vault_xnat_admin_password",
    "vault_authority_passphrase",
    "vault_munin_password",
    "vault_mail_smarthost_password",
)
LIFETIME = datetime.timedelta(days=365)
RENEW_BEFORE = datetime.timedelta(days=30)


def ensure(lab: Lab) -> None:
    """Make what is missing or about to expire; keep the rest."""
    _passwords()
    lab.directory.mkdir(parents=True, exist_ok=True)
    if not (lab.directory / "ssh_key").exists():
        _ssh_key(lab)
    made = [lab.directory / f"{name}.{kind}" for name in ("web", "relay") for kind in ("crt", "key")]
    if not all(path.exists() for path in made) or not _fresh(lab.directory / "web.crt"):
        _certificates(lab)


def passwords() -> dict[str, str]:
    """The lab's passwords, by the name of their variable."""
    found: dict[str, str] = yaml.safe_load(SECRETS.read_text())
    return found


def _passwords() -> None:
    found = passwords() if SECRETS.exists() else {}
    if all(name in found for name in PASSWORDS):
        return
    lines = ["---", "# Made by the lab, once. Remove the file and the hosts to get new ones."]
    lines += [f"{name}: {found.get(name) or secrets.token_urlsafe(24)}" for name in PASSWORDS]
    _write(SECRETS, ("\n".join(lines) + "\n").encode(), private=True)


def _ssh_key(lab: Lab) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    encoding, openssh = serialization.Encoding, serialization.PrivateFormat.OpenSSH
    private = key.private_bytes(encoding.PEM, openssh, serialization.NoEncryption())
    public = key.public_key().public_bytes(encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    _write(lab.directory / "ssh_key.pub", public + b"\n")
    _write(lab.directory / "ssh_key", private, private=True)


def _fresh(certificate: Path) -> bool:
    parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
    return parsed.not_valid_after_utc - datetime.datetime.now(datetime.UTC) > RENEW_BEFORE


def _certificates(lab: Lab) -> None:
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"dpuk-node lab {lab.name} CA")])
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    # The authority's key is not kept: it signs once, and a new certificate comes with a new authority.
    _write(lab.directory / "ca.crt", ca.public_bytes(serialization.Encoding.PEM))
    door = lab.topology.front_door
    address = x509.IPAddress(ip_address(lab.hosts[door]))
    _certificate(lab, "web", [x509.DNSName(f"{door}.{DOMAIN}"), x509.DNSName("localhost"), address], ca, ca_key)
    _certificate(lab, "relay", [x509.DNSName(f"{NEIGHBOUR}.{DOMAIN}")], ca, ca_key)


def _certificate(
    lab: Lab, file: str, names: list[x509.GeneralName], ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey
) -> None:
    """A server's key and certificate, for the names given."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(names[0].value))])
    certificate = (
        _builder(subject, ca.subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write(lab.directory / f"{file}.key", _pem(key), private=True)
    _write(lab.directory / f"{file}.crt", certificate.public_bytes(serialization.Encoding.PEM))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a whole file or none; a private one is never readable by others, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
