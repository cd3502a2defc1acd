"""What it takes to reach the database, tried from web by psql and openssl, which know nothing of the roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import authority
import pytest
from reach import DATABASE, USER, Client, Host, connects, python, query

from lab.settings import DOMAIN, Lab

TLS = "/data/xnat/home/config/tls"
SCRATCH = "/root/database-test"
SERVER = f"db.{DOMAIN}"
# psql takes the password from the file that XNAT reads it from, so that it is on no command line here either.
PSQL = """
import json, os, re, subprocess, sys
password = re.search("^datasource.password=(.*)$", open("/data/xnat/home/config/xnat-conf.properties").read(), re.M)[1]
question = "SELECT ssl, version, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
words, password = sys.argv[1], sys.argv[2] or password
settings = {**os.environ, "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "10", "HOME": "/nonexistent"}
done = subprocess.run(["psql", "-XAtqw", "-c", question, words], env=settings, capture_output=True, text=True)
print(json.dumps([done.returncode, done.stdout.strip(), done.stderr.strip()]))
"""


@dataclass(frozen=True)
class Answer:
    """What psql came back with."""

    status: int
    said: str
    complaint: str


@pytest.fixture(scope="module")
def psql(web: Host) -> Iterator[Host]:
    """The web host with a real client, from its package cache; gone afterwards, as is what the tests put there."""
    done = web.run("apt-get install -y -qq --no-install-recommends postgresql-client")
    assert done.rc == 0, done.stderr
    yield web
    web.run("rm -rf %s", SCRATCH)
    assert web.run("apt-get purge -y -qq --autoremove 'postgresql-client*'").rc == 0


def ask(web: Host, *, password: str = "", **changed: str | None) -> Answer:
    """Ask the database as XNAT would, with some of the connection's words changed, or left out if None."""
    usual: dict[str, str | None] = {
        "host": SERVER,
        "dbname": DATABASE,
        "user": USER,
        "sslmode": "verify-full",
        "sslrootcert": f"{TLS}/ca.crt",
        "sslcert": f"{TLS}/database.crt",
        "sslkey": f"{TLS}/database.key",
    }
    words = " ".join(f"{name}={value}" for name, value in {**usual, **changed}.items() if value is not None)
    done = python(web, PSQL, words, password)
    assert done.rc == 0, done.stderr
    return Answer(*json.loads(done.stdout))


def test_tls_with_certificate_and_password_is_let_in(psql: Host) -> None:
    answer = ask(psql)
    assert answer.status == 0, answer
    assert answer.said == f"t|TLSv1.3|/CN={USER}"


def test_in_the_clear_the_right_password_is_refused(psql: Host) -> None:
    answer = ask(psql, sslmode="disable")
    assert answer.status == 2
    assert "no encryption" in answer.complaint


def test_the_right_password_without_a_certificate_is_refused(psql: Host) -> None:
    answer = ask(psql, sslcert=None, sslkey=None)
    assert answer.status == 2
    assert "requires a valid client certificate" in answer.complaint


def test_the_right_certificate_with_a_wrong_password_is_refused(psql: Host) -> None:
    answer = ask(psql, password="not the password")
    assert answer.status == 2
    assert "password authentication failed" in answer.complaint


def mismatches(db: Host) -> int:
    """How often PostgreSQL's log says that a certificate was made out to somebody else."""
    line = f'(clientcert=verify-full) failed for user "{USER}": CN mismatch'
    return int(db.run("cat /var/log/postgresql/*.log | grep -cF %s", line).stdout)


def test_a_certificate_of_somebody_else_is_refused(psql: Host, db: Host, lab: Lab) -> None:
    """Signed by the node's own authority, but made out to another name; the caller is not told that this was why."""
    before = mismatches(db)
    certificate, key = authority.pair(lab, "somebody")
    authority.write(psql, f"{SCRATCH}/other.crt", certificate)
    authority.write(psql, f"{SCRATCH}/other.key", key, "0600")
    answer = ask(psql, sslcert=f"{SCRATCH}/other.crt", sslkey=f"{SCRATCH}/other.key")
    assert answer.status == 2
    assert mismatches(db) == before + 1


def test_the_certificate_of_the_server_gives_no_way_in(psql: Host, db: Host) -> None:
    """It is the authority's, too, but good for servers only."""
    for ending in ("crt", "key"):
        content = db.run(f"cat /etc/dpuk/postgresql/server.{ending}").stdout_bytes
        authority.write(psql, f"{SCRATCH}/server.{ending}", content, "0600")
    answer = ask(psql, sslcert=f"{SCRATCH}/server.crt", sslkey=f"{SCRATCH}/server.key")
    assert answer.status == 2


def test_a_server_of_another_authority_is_refused(psql: Host, lab: Lab) -> None:
    """The front door's authority did not sign this server's certificate."""
    authority.write(psql, f"{SCRATCH}/ca.crt", (lab.directory / "ca.crt").read_bytes())
    answer = ask(psql, sslrootcert=f"{SCRATCH}/ca.crt")
    assert answer.status == 2
    assert "certificate verify failed" in answer.complaint


def test_a_server_that_answers_to_another_name_is_refused(psql: Host, lab: Lab) -> None:
    answer = ask(psql, host=f"web.{DOMAIN}", hostaddr=lab.hosts["db"])
    assert answer.status == 2
    assert f'does not match host name "web.{DOMAIN}"' in answer.complaint


def s_client(web: Host, *words: str) -> str:
    """What openssl sees of the server."""
    line = f"timeout 20 openssl s_client -connect {SERVER}:5432 -starttls postgres -CAfile {TLS}/ca.crt"
    answer: str = web.run(f"{line} {' '.join(words)} < /dev/null 2>&1").stdout
    return answer


@pytest.mark.parametrize("version", ["tls1_2", "tls1_3"])
def test_the_server_shows_a_certificate_for_the_name_that_xnat_calls(web: Host, version: str) -> None:
    seen = s_client(web, f"-{version}", "-verify_hostname", SERVER)
    assert "Verify return code: 0 (ok)" in seen
    assert "Verified peername: db.dpuk.test" in seen


@pytest.mark.parametrize("version", ["tls1", "tls1_1"])
def test_old_tls_is_refused_by_the_database(web: Host, version: str) -> None:
    """With all that a client can do to be admitted by its own library."""
    seen = s_client(web, f"-{version}", "-cipher ALL:@SECLEVEL=0")
    assert "alert protocol version" in seen
    assert "Cipher is (NONE)" in seen


def test_there_is_no_weaker_way_in(db: Host) -> None:
    """As PostgreSQL itself reads pg_hba.conf."""
    rules = (
        "SELECT string_agg(concat_ws(' ', type, user_name::text, auth_method, options::text), ';' "
        "ORDER BY line_number) FROM pg_hba_file_rules"
    )
    assert query(db, rules) == (
        f"local {{postgres}} peer;local {{munin}} peer;hostssl {{{USER}}} scram-sha-256 {{clientcert=verify-full}}"
    )


def test_xnat_itself_speaks_tls_with_its_own_certificate(db: Host, lab: Lab, client: Client) -> None:
    """After a restart of the database XNAT connects with the first request that needs it."""
    assert client.get("/data/projects?format=json").status_code == 200
    every = (
        "SELECT string_agg(DISTINCT concat_ws(' ', ssl::text, client_dn), ';') FROM pg_stat_ssl JOIN pg_stat_activity"
        f" USING (pid) WHERE client_addr = '{lab.hosts['web']}'"
    )
    assert query(db, every) == f"true /CN={USER}"


def test_keys_are_for_their_service_alone(web: Host, db: Host) -> None:
    for host, path, group in (
        (db, "/etc/dpuk/postgresql/server.key", "postgres"),
        (web, f"{TLS}/database.key", "xnat"),
        (web, f"{TLS}/database.pk8", "xnat"),
    ):
        file = host.file(path)
        assert (file.user, file.group, oct(file.mode)) == ("root", group, "0o640")
    assert not connects(db, "127.0.0.1", 5432)


def test_memory_follows_from_the_share_that_the_inventory_gives(db: Host) -> None:
    """1024 MiB in the lab."""
    names = "'shared_buffers','effective_cache_size','work_mem','max_wal_size'"
    shown = "SELECT string_agg(name || '=' || current_setting(name), ',' ORDER BY name) FROM pg_settings WHERE name IN"
    assert (
        query(db, f"{shown} ({names})")
        == "effective_cache_size=768MB,max_wal_size=1GB,shared_buffers=256MB,work_mem=4MB"
    )
