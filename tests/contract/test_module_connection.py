"""Address, account and certificate: one clear message for each thing that can be wrong, and no secret in it."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible.module_utils.xnat import session as client_session
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server as CherootServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from module_runner import ModuleFailedError, Modules
from xnat_twin.app import create_app
from xnat_twin.testing import XnatServer

pytest_plugins = ["module_fixtures"]

SENTINEL = "s3ntinel-Passw0rd"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No waiting between attempts, and neither the environment nor the home of whoever runs the tests."""
    monkeypatch.setattr(client_session.time, "sleep", lambda _: None)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("URL", "USER", "PASSWORD", "TOKEN", "CA_PATH", "VALIDATE_CERTS"):
        monkeypatch.delenv(f"XNAT_{name}", raising=False)


def failing(modules: Modules, **options: object) -> str:
    """The message of a module that must fail; no secret may be in all that it printed."""
    with pytest.raises(ModuleFailedError) as caught:
        modules.subject(project="p", subject="s", **options)
    assert "Traceback" not in json.dumps(caught.value.result)
    assert SENTINEL not in modules.output[-1]
    assert modules.password not in modules.output[-1]
    return caught.value.msg


def test_a_wrong_password(modules: Modules, xnat: XnatServer) -> None:
    message = failing(modules, password=SENTINEL)
    assert message.startswith(f"Cannot log in to {xnat.url} as {xnat.admin}: POST /data/JSESSION answered 401")
    assert message.endswith("User name or password is wrong, or the account is locked or disabled.")


def test_an_unknown_account(modules: Modules) -> None:
    assert "answered 401" in failing(modules, username="nobody_here", password=SENTINEL)


def test_an_invalid_token(modules: Modules) -> None:
    assert "as the owner of the token" in failing(modules, token=f"alias:{SENTINEL}")
    assert "ALIAS:SECRET" in failing(modules, token=SENTINEL)


def test_an_unknown_host(modules: Modules) -> None:
    message = failing(modules, url="https://xnat.invalid")
    assert "the host 'xnat.invalid' is unknown. Check url" in message


def test_nothing_listens(modules: Modules) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    message = failing(modules, url=f"http://127.0.0.1:{port}", retries=1)
    assert f"nothing listens at 127.0.0.1:{port}" in message


def test_a_server_that_never_answers(modules: Modules) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        assert "did not answer within 1 s" in failing(modules, url=url, timeout=1, retries=0)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "url: is not set"),
        ("xnat.example.org", "'xnat.example.org' is not a web address. Write it in full"),
        (f"https://ana:{SENTINEL}@xnat.example.org", "url: holds a user name or password"),
        (f"https://ana:/{SENTINEL}@xnat.example.org", "url: holds a user name or password"),
        (f"https://ana:?{SENTINEL}@xnat.example.org", "url: holds a user name or password"),
        (f"https://ana:#{SENTINEL}@xnat.example.org", "url: holds a user name or password"),
        (f"https://ana:[{SENTINEL}@xnat.example.org", "url: holds a user name or password"),
        (f"https://ana:@{SENTINEL}@xnat.example.org", "url: holds a user name or password"),
        ("https://[xnat.example.org", "is not a web address"),
        ("https://xnat.example.org:99999", "is not a web address"),
        ("https://xnat.example.org:port", "is not a web address"),
        ("https://xnat..example.org", "is not a web address"),
        (f"https://{'x' * 64}.example.org", "is not a web address"),
        ("https://xnat.example.org ", "is not a web address"),
    ],
)
def test_a_url_that_is_none(modules: Modules, url: str, message: str) -> None:
    assert message in failing(modules, url=url)


def test_a_path_where_no_xnat_is(modules: Modules, xnat: XnatServer) -> None:
    assert "Cannot log in to" in failing(modules, url=f"{xnat.url}/nothing/here")


def test_without_any_credentials(modules: Modules) -> None:
    assert "No username and password for" in failing(modules, username=None, password=None)
    assert "No password for" in failing(modules, password=None)


def test_options_fall_back_to_the_environment_then_to_netrc(
    xnat: XnatServer, project: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nothing = Modules(xnat.url, xnat.admin, xnat.password, xnat.ca_path)
    bare: dict[str, object] = {"project": project, "subject": "s", "username": None, "password": None}
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login {xnat.admin} password {SENTINEL}\n")
    (tmp_path / ".netrc").chmod(0o600)
    if xnat.is_practice:
        assert "answered 401" in failing(nothing, username=None, password=None)
        (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login {xnat.admin} password {xnat.password}\n")
        # Wherever it turns up: Ansible masks the options marked as secret, and knows nothing of this file.
        assert nothing.subject(**bare, group=xnat.password)["changed"] is True
        assert xnat.password not in nothing.output[-1]
        assert "No password" in failing(nothing, username="somebody", password=None)
    (tmp_path / ".netrc").write_text("this is no netrc\n")
    assert ".netrc cannot be read" in failing(nothing, username=None, password=None)
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", xnat.admin)
    monkeypatch.setenv("XNAT_PASSWORD", xnat.password)
    if xnat.ca_path is None:
        monkeypatch.setenv("XNAT_CA_PATH", "")
    monkeypatch.setenv("XNAT_TOKEN", "")
    assert nothing.subject(**bare, url=None)["object"]["label"] == "s"
    assert xnat.password not in nothing.output[-1]


def test_an_alias_token_works(modules: Modules, xnat: XnatServer, project: str) -> None:
    issued = xnat.session().get(f"{xnat.url}/data/services/tokens/issue").json()
    token = f"{issued['alias']}:{issued['secret']}"
    result = modules.subject(project=project, subject="s", username=None, password=None, token=token)
    assert result["changed"] is True
    assert issued["secret"] not in modules.output[-1]


# -- TLS ------------------------------------------------------------------------------------------------------------


def _certificate(folder: Path, name: str, days: int = 1) -> tuple[Path, Path]:
    """A throw-away self-signed certificate for 127.0.0.1 and `name`; returns the files of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(name), *([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))] if name == "localhost" else [])]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=10))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / f"{name}{days}.crt", folder / f"{name}{days}.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, private


class _Quiet(CherootServer):
    """A server that does not print what clients do that distrust it."""

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Say nothing."""


def _serve(xnat: XnatServer, pem: Path, private: Path) -> Iterator[str]:
    server = _Quiet(("127.0.0.1", 0), create_app(xnat.site), numthreads=2)
    server.ssl_adapter = BuiltinSSLAdapter(str(pem), str(private))
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.bind_addr[1]}"
    server.stop()
    thread.join()


@pytest.fixture
def certificate(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, Path]:
    name, days = getattr(request, "param", ("localhost", 1))
    return _certificate(tmp_path, name, days)


@pytest.fixture
def secure(xnat: XnatServer, certificate: tuple[Path, Path]) -> Iterator[Modules]:
    """The modules on the same server behind TLS, with a certificate that no one knows."""
    for url in _serve(xnat, *certificate):
        yield Modules(url, xnat.admin, xnat.password)


@pytest.mark.practice_xnat("puts a throw-away certificate in front of it")
def test_a_self_signed_certificate_needs_ca_path(secure: Modules, certificate: tuple[Path, Path], project: str) -> None:
    message = failing(secure)
    assert "the certificate of 127.0.0.1 is not signed by any CA that this machine knows" in message
    assert "Give ca_path (or XNAT_CA_PATH)" in message
    known = replace(secure, ca_path=str(certificate[0]))
    assert known.subject(project=project, subject="s")["changed"] is True
    assert known.subject(project=project, subject="s")["changed"] is False


@pytest.mark.practice_xnat("puts a throw-away certificate in front of it")
def test_a_wrong_ca_is_named(secure: Modules, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other, _ = _certificate(tmp_path / "other", "localhost")
    assert f"is not signed by the CA in {other}" in failing(secure, ca_path=str(other))
    assert "ca_path: there is no file" in failing(secure, ca_path=str(tmp_path / "gone.crt"))


@pytest.mark.practice_xnat("puts a throw-away certificate in front of it")
def test_a_file_that_is_no_certificate_is_named(secure: Modules, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a certificate\n")
    message = failing(secure, ca_path=str(tmp_path / "notes.txt"))
    assert "notes.txt" in message
    assert "holds no certificate in PEM form" in message


@pytest.mark.practice_xnat("puts a throw-away certificate in front of it")
def test_certificates_can_be_left_unchecked(secure: Modules, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle")
    assert secure.subject(project=project, subject="s", validate_certs=False)["changed"] is True


@pytest.mark.practice_xnat("puts a throw-away certificate in front of it")
@pytest.mark.parametrize("certificate", [("other.example.org", 1)], indirect=True)
def test_a_certificate_of_another_name(secure: Modules, certificate: tuple[Path, Path]) -> None:
    message = failing(secure, ca_path=str(certificate[0]))
    assert "the certificate belongs to another name than '127.0.0.1'" in message


@pytest.mark.practice_xnat("puts a throw-away certificate in front of it")
@pytest.mark.parametrize("certificate", [("localhost", -1)], indirect=True)
def test_an_expired_certificate(secure: Modules, certificate: tuple[Path, Path]) -> None:
    assert "has expired" in failing(secure, ca_path=str(certificate[0]))


@pytest.mark.practice_xnat("speaks plain HTTP")
def test_https_to_a_server_that_speaks_http(modules: Modules, xnat: XnatServer) -> None:
    assert "does not speak TLS" in failing(modules, url=xnat.url.replace("http://", "https://"), retries=0)
