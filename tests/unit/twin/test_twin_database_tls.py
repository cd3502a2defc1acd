"""The practice XNAT trusts its database, and proves who it is, as PostgreSQL's JDBC driver does by the same URL."""

from __future__ import annotations

import datetime
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from sqlalchemy.engine import URL
from xnat_twin.configuration.database_tls import HomeError, Tls, connect_arguments, tls_of
from xnat_twin.configuration.xnat_home import database_url
from xnat_twin.storage.database import Store

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
PKCS8, PLAIN = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass
class Authority:
    """Signs certificates into a folder."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def certificate(self, holder: str, key: Key, names: list[x509.GeneralName], *, ca: bool = False) -> bytes:
        """One certificate in PEM."""
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, holder)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(PEM)

    def trusted(self) -> Path:
        """Its own certificate, as a file."""
        path = self.folder / f"{self.name}.crt"
        path.write_bytes(self.certificate(self.name, self.key, [], ca=True))
        return path

    def pair(self, holder: str, names: list[x509.GeneralName]) -> tuple[Path, Path, Path]:
        """Certificate, key in PEM, and key in PKCS#8 DER, as files."""
        key = rsa.generate_private_key(65537, 2048)
        paths = tuple(self.folder / f"{self.name}-{holder}.{ending}" for ending in ("crt", "key", "pk8"))
        contents = (
            self.certificate(holder, key, names),
            key.private_bytes(PEM, PKCS8, PLAIN),
            key.private_bytes(DER, PKCS8, PLAIN),
        )
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        return paths[0], paths[1], paths[2]


class Database:
    """As much of a PostgreSQL server as TLS needs: says yes to TLS, and remembers who came."""

    def __init__(self, context: ssl.SSLContext) -> None:
        """Listen on a free port."""
        self.context = context
        self.callers: list[str | None] = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            with client:
                client.settimeout(10)
                try:
                    assert struct.unpack("!ii", client.recv(8)) == (8, 80877103)
                    client.sendall(b"S")
                    with self.context.wrap_socket(client, server_side=True) as secure:
                        secure.recv(1)  # TLS 1.3 tells a client's certificate with its first message
                        shown: Any = secure.getpeercert() or {}
                        names = [value for part in shown.get("subject", ()) for name, value in part]
                        self.callers.append(str(names[0]) if names else None)
                        secure.sendall(b"E" + struct.pack("!i", 24) + b"SFATAL\0C28000\0Mseen\0\0\0")
                except (OSError, AssertionError):
                    self.callers.append("refused")


@dataclass
class World:
    """A database with a certificate, and those who may have signed it or a caller's."""

    database: Database
    ours: Authority
    theirs: Authority
    folder: Path

    def url(self, host: str = "localhost") -> URL:
        """Where the database is."""
        return URL.create("postgresql+pg8000", "xnat_app", "word", host, self.database.port, "xnat")

    def reached(self, tls: Tls, host: str = "localhost") -> str | None:
        """The name of the certificate that the server sees, or None; raises when the client refuses the server."""
        import pg8000

        url = self.url(host)
        arguments = connect_arguments(url, tls)
        with pytest.raises(pg8000.Error) as told:
            pg8000.connect("xnat_app", host=host, port=self.database.port, password="word", timeout=10, **arguments)
        if "seen" not in str(told.value):
            raise told.value
        return self.database.callers[-1]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    certificate, key, _ = ours.pair("db", [x509.DNSName("localhost")])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(ours.trusted())
    database = Database(context)
    yield World(database, ours, theirs, tmp_path)
    database.server.close()


def test_the_server_sees_the_certificate_that_the_url_names(world: World) -> None:
    """The key is PKCS#8 in DER, as JDBC wants it."""
    certificate, _, key = world.ours.pair("xnat_app", [])
    assert world.reached(Tls("verify-full", world.ours.trusted(), certificate, key)) == "xnat_app"
    assert world.reached(Tls("verify-full", world.ours.trusted())) is None


def test_a_renewed_certificate_is_shown_by_the_next_connection(world: World) -> None:
    certificate, _, key = world.ours.pair("xnat_app", [])
    tls = Tls("verify-full", world.ours.trusted(), certificate, key)
    assert world.reached(tls) == "xnat_app"
    renewed, _, other_key = world.ours.pair("renewed", [])
    certificate.write_bytes(renewed.read_bytes())
    key.write_bytes(other_key.read_bytes())
    assert world.reached(tls) == "renewed"


def test_another_name_is_refused_by_verify_full_alone(world: World) -> None:
    """The certificate is made out to localhost, not to its address."""
    for mode, refused in (("verify-full", True), ("verify-ca", False), ("require", False)):
        tls = Tls(mode, world.ours.trusted())
        if refused:
            with pytest.raises(Exception, match="IP address mismatch"):
                world.reached(tls, "127.0.0.1")
        else:
            assert world.reached(tls, "127.0.0.1") is None


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca"])
def test_another_authority_is_refused(world: World, mode: str) -> None:
    with pytest.raises(Exception, match="certificate verify failed"):
        world.reached(Tls(mode, world.theirs.trusted()))


def test_an_address_in_the_certificate_counts(tmp_path: Path, world: World) -> None:
    certificate, key, _ = world.ours.pair("by-address", [x509.IPAddress(ip_address("127.0.0.1"))])
    world.database.context.load_cert_chain(certificate, key)
    assert world.reached(Tls("verify-full", world.ours.trusted()), "127.0.0.1") is None


def test_a_key_in_pem_is_refused_as_jdbc_refuses_it(world: World) -> None:
    certificate, pem, _ = world.ours.pair("xnat_app", [])
    with pytest.raises(HomeError, match=r"xnat_app\.key \(sslkey\) is not PKCS#8 in DER"):
        connect_arguments(world.url(), Tls("require", None, certificate, pem))


def test_verifying_needs_an_authority(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(world.folder))
    with pytest.raises(HomeError, match="sslmode=verify-full needs sslrootcert"):
        connect_arguments(world.url(), Tls("verify-full"))
    with pytest.raises(HomeError, match=r"absent\.crt \(sslrootcert\)"):
        connect_arguments(world.url(), Tls("verify-full", world.folder / "absent.crt"))


def test_the_options_of_a_url_are_decoded() -> None:
    jdbc = "jdbc:postgresql://h/d?ssl=true&sslmode=verify-full&sslrootcert=/a%20b/ca.crt&sslcert=/c.crt&sslkey=/c.pk8"
    tls = database_url(jdbc, "u", "p")[1]
    assert tls == Tls("verify-full", Path("/a b/ca.crt"), Path("/c.crt"), Path("/c.pk8"))


def test_a_mode_that_jdbc_does_not_know_is_refused() -> None:
    with pytest.raises(HomeError, match="sslmode is 'full'"):
        tls_of({"sslmode": "full"})


def test_a_store_asks_anew_for_each_connection() -> None:
    asked = []

    def arguments() -> dict[str, object]:
        asked.append(1)
        return {"timeout": 1}

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for count in (1, 2):
        with pytest.raises(Exception, match="connect"):
            Store(URL.create("postgresql+pg8000", "u", "p", "127.0.0.1", port, "d"), arguments)
        assert len(asked) == count
