"""A run that gives XNAT a wrong password: what it says, what it does not say, and that the next run mends it.

The same run brings providers of sign-in, so that their files are seen on a host without a run of their own.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from reach import Host, python
from secret_forms import told

from lab import playbook
from lab.command import LabError
from lab.settings import Lab

AUTH = "/data/xnat/home/config/auth"
UNIT = "/etc/systemd/system/tomcat.service"
XNAT_ONLY = ["--limit", "xnat", "--tags", "xnat"]
SECRETS = {
    "database": 's3ntinel-database "q" \\ & ü%/+\'',
    "directory": 's3ntinel-directory "q" \\ & ü%/+\'',
    "client": 's3ntinel-client "q" \\ & ü%/+\'',
}


def written(lab: Lab, folder: Path) -> Path:
    """Variables for one run: a password of the database that is wrong, two providers, and jars named like plugins."""
    jars = []
    for name in ("ldap-auth-plugin", "openid-auth-plugin"):
        jar = folder / f"{name}.jar"
        with zipfile.ZipFile(jar, "w") as archive:
            archive.writestr(f"{name}.txt", "no code in it")
        checksum = f"sha256:{hashlib.sha256(jar.read_bytes()).hexdigest()}"
        jars.append({"name": name, "version": "1.0", "src": [str(jar)], "checksum": checksum, "library": True})
    directory = {
        "id": "hospital",
        "name": "Hospital",
        "address": "ldaps://directory.example.org",
        "search_base": "ou=people,dc=example,dc=org",
        "search_filter": "(uid={0})",
        "user_dn": "cn=reader",
        "password": SECRETS["directory"],
    }
    client = {
        "id": "uni",
        "name": "University",
        "client_id": "xnat",
        "client_secret": SECRETS["client"],
        "auth_uri": "https://id.example.org/auth",
        "token_uri": "https://id.example.org/token",
    }
    variables = {
        "xnat_database_password": SECRETS["database"],
        "xnat_modules": jars,
        "xnat_auth_enabled_providers": ["localdb", "hospital", "uni"],
        "xnat_auth_ldap": [directory],
        "xnat_auth_openid": [client],
        "xnat_auth_certificates_src": [str(lab.directory / "ca.crt")],
    }
    path = folder / "variables.json"
    path.write_text(json.dumps(variables))
    return path


@pytest.fixture(scope="module")
def mend(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], playbook.Recap]:
    """The run that mends it, once, however often it is asked for."""
    log = tmp_path_factory.mktemp("mended") / "right.log"
    return cache(lambda: playbook.play("site.yml", XNAT_ONLY, log=log))


@pytest.fixture(scope="module")
def failed(lab: Lab, mend: Callable[[], playbook.Recap], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What a run says in all its detail that gives XNAT a wrong password; whatever comes of it, it is mended after."""
    folder = tmp_path_factory.mktemp("service")
    variables = written(lab, folder)
    try:
        with pytest.raises(LabError):
            playbook.play("site.yml", [*XNAT_ONLY, "-vvv", "--diff", "-e", f"@{variables}"], log=folder / "wrong.log")
        yield (folder / "wrong.log").read_text()
    finally:
        mend()


def test_a_start_that_fails_ends_with_its_reason(failed: str) -> None:
    """Not with a time-out after ten minutes: with the line of XNAT's own log that says why."""
    assert "tomcat could not be restarted: systemd says" in failed
    assert "xnat-twin.log: " in failed
    assert "password authentication failed" in failed


def test_no_secret_is_told(failed: str, passwords: dict[str, str]) -> None:
    """In no form, although the run fails and says all that it knows."""
    assert told(failed, {**SECRETS, **passwords}) == []


def test_providers_are_files_that_only_root_and_xnat_read(failed: str, web: Host) -> None:
    """Also one for XNAT's own accounts, without which they would be forgotten."""
    names = web.run(f"ls {AUTH}").stdout.split()
    assert names == ["hospital-provider.properties", "localdb-provider.properties", "uni-provider.properties"]
    for name in names:
        file = web.file(f"{AUTH}/{name}")
        assert (file.user, file.group, file.mode) == ("root", "xnat", 0o640)
    lines = web.file(f"{AUTH}/hospital-provider.properties").content_string.splitlines()
    assert {"auth.method=ldap", "provider.id=hospital", "search.filter=(uid={0})"} <= set(lines)
    assert f"password={json.dumps(SECRETS['directory'])[1:-1]}" in lines


def test_java_trusts_the_authority_besides_the_systems_own(failed: str, web: Host) -> None:
    """Read by Java's own tool where the runtime has it, from the file that the service is pointed to."""
    store = "/data/xnat/home/config/truststore.jks"
    wanted = int(web.run("grep -c BEGIN /etc/ssl/certs/ca-certificates.crt").stdout) + 1
    count = "import struct, sys; print(struct.unpack('>I', open(sys.argv[1], 'rb').read()[8:12])[0])"
    assert int(python(web, count, store).stdout) == wanted
    for keytool in web.run("ls /opt/java/*/bin/keytool /usr/lib/jvm/java-21-*/bin/keytool").stdout.split():
        listed = web.run("%s -list -keystore %s -storepass changeit", keytool, store)
        assert f"contains {wanted} entries" in listed.stdout, listed.stdout
    assert f"-Djavax.net.ssl.trustStore={store}" in web.file(UNIT).content_string


def test_the_next_run_mends_it(failed: str, mend: Callable[[], playbook.Recap], web: Host) -> None:
    """XNAT has its password again, and providers that are no longer listed are gone."""
    assert mend().changed > 0
    assert web.run("systemctl is-active tomcat").stdout.strip() == "active"
    assert web.run(f"ls {AUTH}").stdout == ""
    assert "trustStore" not in web.file(UNIT).content_string
