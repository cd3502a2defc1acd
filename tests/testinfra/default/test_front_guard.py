"""The front door with an ACME client's certificate and DICOM over TLS, and before a site that strangers can enter.

Three runs of the role, one after the other; the last one puts everything back.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from admin_probe import attempt
from reach import Client, Host, connects, practice_receiver, python

from lab import playbook
from lab.command import LabError
from lab.settings import DOMAIN, Lab

# The first two plays, which look at settings and hosts, have tests of their own.
ROLE = ["--tags", "nginx", "--skip-tags", "always", "--limit", "xnat"]
ACME = "/etc/acme-practice"
SENDER = "/root/sender"
# Speak to the DICOM port: `tls` with the sender's certificate, `nobody` by TLS without one, `plain`.
SPEAK = f"""
import socket, ssl, sys
address, how = sys.argv[1:]
try:
    wire = socket.create_connection((address, 104), 5)
    wire.settimeout(5)
    if how != "plain":
        context = ssl._create_unverified_context()
        if how == "tls": context.load_cert_chain("{SENDER}.crt", "{SENDER}.key")
        wire = context.wrap_socket(wire)
    wire.sendall(b"image")
    print(wire.recv(100).decode() or "closed")
except OSError: print("closed")
"""
# XNAT over loopback, as whoever is on its host: give admin another password.
CHANGE = """
import base64, json, sys, urllib.request
old, new = sys.argv[1:]
request = urllib.request.Request("http://127.0.0.1:8080/xapi/users/admin", method="PUT")
request.add_header("Authorization", "Basic " + base64.b64encode(f"admin:{old}".encode()).decode())
request.add_header("Content-Type", "application/json")
request.data = json.dumps({"username": "admin", "password": new}).encode()
print(urllib.request.urlopen(request, timeout=60).status)
"""


def until(reached: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


def served(lab: Lab) -> str:
    """The certificate that the front door shows."""
    return ssl.get_server_certificate(("localhost", lab.https_port), timeout=10)


@pytest.fixture(scope="module", autouse=True)
def as_it_was(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever happens here, the last run leaves the front door as it was."""
    yield
    playbook.play("site.yml", ROLE, log=tmp_path_factory.mktemp("front") / "back.log")
    assert served(lab) == (lab.directory / "web.crt").read_text()


@pytest.fixture(scope="module")
def acme(lab: Lab, web: Host, monitor: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The front door set up for an ACME client that has not been there yet; the certificate that is served then."""
    folder = tmp_path_factory.mktemp("acme")
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    make += ["-subj", "/CN=scanner", "-days", "2", "-keyout", str(folder / "sender.key")]
    subprocess.run([*make, "-out", str(folder / "sender.crt")], check=True, capture_output=True)
    for kind in ("crt", "key"):
        copy(folder / f"sender.{kind}", lab.container("monitor"), f"{SENDER}.{kind}")
    wanted = {
        "nginx_certificate": "host",
        "nginx_tls_certificate_path": f"{ACME}/fullchain.pem",
        "nginx_tls_key_path": f"{ACME}/privkey.pem",
        "nginx_dicom_tls": True,
        "nginx_dicom_tls_client_ca_src": str(folder / "sender.crt"),
    }
    web.run(f"rm -rf {ACME} /etc/nginx/tls/site.crt /etc/nginx/tls/site.key")  # as on a new server
    playbook.play("site.yml", [*ROLE, "-e", json.dumps(wanted)], log=folder / "there.log")
    with practice_receiver(web):
        yield served(lab)
    web.run(f"rm -rf {ACME} /var/www/acme/.well-known/acme-challenge/token")
    monitor.run(f"rm -f {SENDER}.crt {SENDER}.key")


def copy(source: Path, container: str, dest: str) -> None:
    """Put a file of this machine into a host."""
    subprocess.run(["podman", "cp", str(source), f"{container}:{dest}"], check=True)


def test_before_the_acme_client_was_there_nginx_runs_with_a_certificate_of_its_own(acme: str, lab: Lab) -> None:
    told = subprocess.run(
        ["openssl", "x509", "-noout", "-subject", "-issuer", "-ext", "subjectAltName"],
        input=acme,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"subject=CN = web.{DOMAIN}" in told.replace("CN=", "CN = ")
    assert f"issuer=CN = web.{DOMAIN}" in told.replace("CN=", "CN = ")
    assert f"DNS:web.{DOMAIN}, DNS:localhost" in told


def test_the_acme_authority_gets_its_answer_over_http(acme: str, web: Host, neighbour: Host) -> None:
    web.run("echo proof-for-acme | tee /var/www/acme/.well-known/acme-challenge/token")
    program = (
        "import http.client, sys\n"
        "wire = http.client.HTTPConnection(sys.argv[1], timeout=10)\n"
        "wire.request('GET', sys.argv[2])\n"
        "answer = wire.getresponse(); print(answer.status, answer.read().decode())\n"
    )
    path = "/.well-known/acme-challenge/"
    assert python(neighbour, program, f"web.{DOMAIN}", f"{path}token").stdout.split() == ["200", "proof-for-acme"]
    assert python(neighbour, program, f"web.{DOMAIN}", f"{path}../../x").stdout.split()[0] in ("301", "400")
    assert python(neighbour, program, f"web.{DOMAIN}", "/").stdout.split()[0] == "301"


def test_what_the_acme_client_leaves_is_served_a_moment_later(acme: str, lab: Lab, web: Host) -> None:
    """First the certificate, then its key: in between they are no pair, and nobody is served half of it."""
    theirs = (lab.directory / "web.crt").read_text()
    web.run(f"mkdir -m 0700 {ACME}")
    copy(lab.directory / "web.crt", lab.container("web"), f"{ACME}/fullchain.pem")
    assert served(lab) == acme
    copy(lab.directory / "web.key", lab.container("web"), f"{ACME}/privkey.pem")
    assert until(lambda: served(lab) == theirs), web.run("journalctl -u dpuk-certificate -n 20").stdout
    assert web.run("dpuk-certificate check").rc == 0


def test_dicom_over_tls_takes_a_sender_with_a_certificate_and_no_other(acme: str, monitor: Host, lab: Lab) -> None:
    said = {how: python(monitor, SPEAK, lab.hosts["web"], how).stdout.strip() for how in ("tls", "nobody", "plain")}
    assert said["tls"] == "echo image"
    assert "echo" not in said["nobody"] + said["plain"], said


def test_a_site_that_lets_admin_admin_in_is_shut(
    acme: str, lab: Lab, web: Host, neighbour: Host, client: Client, passwords: dict[str, str], tmp_path: Path
) -> None:
    """And stays so, whoever starts nginx, until admin has a password of its own and the role runs again."""
    right = passwords["vault_xnat_admin_password"]
    assert python(web, CHANGE, right, "admin").stdout.strip() == "200"
    try:
        probe = (Path(__file__).parents[1] / "admin_probe.py").read_text()
        look = f"{probe.partition('if __name__')[0]}\nprint(attempt(sys.argv[1], 443, 30))\n"
        assert python(neighbour, look, f"web.{DOMAIN}").stdout.strip() == "200", "the probe must see an open site"
        with pytest.raises(LabError):
            playbook.play("site.yml", ROLE, log=tmp_path / "open.log")
    finally:
        assert python(web, CHANGE, "admin", right).stdout.strip() == "200"
    said = " ".join((tmp_path / "open.log").read_text().split())
    assert "/data/JSESSION as admin/admin answered 200" in said
    assert "nginx is shut and stays so" in said
    assert right not in said
    web.run("systemctl start nginx")
    assert web.run("systemctl is-active nginx").stdout.strip() == "inactive"
    assert not connects(neighbour, lab.hosts["web"], 443)
    assert not connects(neighbour, lab.hosts["web"], 80)


def test_the_probe_tells_a_refusal_from_silence() -> None:
    """On this machine: nobody listens on a port that was just given back."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert attempt("127.0.0.1", port) == "refused"
