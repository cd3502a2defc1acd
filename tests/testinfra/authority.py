"""The lab's own authority, used by one who holds its folder and passphrase: it signs what the roles never would."""

from __future__ import annotations

import base64
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from reach import Host, python

from lab import keys
from lab.settings import Lab

PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
WRITE = """
import base64, os, sys
path, mode, content = sys.argv[1:]
os.makedirs(os.path.dirname(path), exist_ok=True)
with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, int(mode, 8)), "wb") as file:
    file.write(base64.b64decode(content))
if os.path.exists(path):
    had = os.stat(path)
    os.chown(path + ".new", had.st_uid, had.st_gid)
os.replace(path + ".new", path)
"""


def write(host: Host, path: str, content: bytes, mode: str = "0644") -> None:
    """Put a file on a host; one that was there keeps its owner."""
    done = python(host, WRITE, path, mode, base64.b64encode(content).decode())
    assert done.rc == 0, done.stderr


def signed(lab: Lab, like: x509.Certificate, *, days: int) -> bytes:
    """The certificate `like` once more, with its key and names, from now for so many days."""
    builder = _builder(lab, like.subject, days).public_key(like.public_key())
    for extension in like.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(_key(lab), hashes.SHA256()).public_bytes(PEM)


def pair(lab: Lab, holder: str) -> tuple[bytes, bytes]:
    """A certificate for a client of this name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, holder)])
    certificate = _builder(lab, name, 1).public_key(key.public_key()).sign(_key(lab), hashes.SHA256())
    return certificate.public_bytes(PEM), key.private_bytes(PEM, PKCS8, serialization.NoEncryption())


def _builder(lab: Lab, subject: x509.Name, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    own = x509.load_pem_x509_certificate((lab.directory / "authority" / "authority.crt").read_bytes())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(own.subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _key(lab: Lab) -> ec.EllipticCurvePrivateKey:
    passphrase = keys.passwords()["vault_authority_passphrase"].encode()
    content = (lab.directory / "authority" / "authority.key").read_bytes()
    key = serialization.load_pem_private_key(content, passphrase)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key
