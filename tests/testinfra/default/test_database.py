"""PostgreSQL on db: who can reach it, as whom, and what the account may do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reach import DATABASE, USER, Host, connects, python, query

from lab.settings import Lab

# Speak PostgreSQL's first messages by hand: no client library is on the hosts, and the refusal is what counts.
LOGIN = """
import json, socket, ssl, struct, sys
address, user, database, tls = sys.argv[1:]
words = b"".join(word.encode() + b"\\0" for word in ("user", user, "database", database)) + b"\\0"
body = struct.pack("!I", 196608) + words
wire = socket.create_connection((address, 5432), 5)
if tls == "certificate":
    wire.sendall(struct.pack("!II", 8, 80877103))
    assert wire.recv(1) == b"S"
    folder = "/data/xnat/home/config/tls"
    context = ssl.create_default_context(cafile=folder + "/ca.crt")
    context.load_cert_chain(folder + "/database.crt", folder + "/database.key")
    wire = context.wrap_socket(wire, server_hostname=address)
wire.sendall(struct.pack("!I", len(body) + 4) + body)
kind = wire.recv(1).decode()
length = struct.unpack("!I", wire.recv(4))[0]
text = wire.recv(length - 4)
fields = {part[:1].decode(): part[1:].decode() for part in text.split(b"\\0") if part} if kind == "E" else {}
method = struct.unpack("!I", text[:4])[0] if kind == "R" else None
mechanisms = text[4:].decode().strip("\\0").split("\\0") if method == 10 else []
print(json.dumps({"kind": kind, "message": fields.get("M"), "code": fields.get("C"), "mechanisms": mechanisms}))
"""


def login(host: Host, address: str, user: str, database: str, *, tls: bool = False) -> dict[str, Any]:
    """What the server says to a first message from `host`, in the clear or by TLS with XNAT's certificate."""
    done = python(host, LOGIN, address, user, database, "certificate" if tls else "none")
    assert done.rc == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_it_listens_on_the_private_address_alone(db: Host, lab: Lab) -> None:
    sockets = db.run("ss -Hltn 'sport = :5432'").stdout.split("\n")
    assert [line.split()[3] for line in sockets if line] == [f"{lab.hosts['db']}:5432"]


def test_the_web_host_is_offered_scram_and_nothing_weaker(web: Host, lab: Lab) -> None:
    answer = login(web, lab.hosts["db"], USER, DATABASE, tls=True)
    assert answer["kind"] == "R"
    assert set(answer["mechanisms"]) == {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}


def test_nothing_is_said_in_the_clear(web: Host, lab: Lab) -> None:
    answer = login(web, lab.hosts["db"], USER, DATABASE)
    assert answer["code"] == "28000", answer
    assert "no encryption" in answer["message"]


@pytest.mark.parametrize(("user", "database"), [("postgres", DATABASE), (USER, "postgres"), (DATABASE, USER)])
def test_the_web_host_has_no_other_account_and_no_other_database(web: Host, lab: Lab, user: str, database: str) -> None:
    answer = login(web, lab.hosts["db"], user, database, tls=True)
    assert answer["code"] == "28000", answer
    assert "no pg_hba.conf entry" in answer["message"]
    assert "SSL encryption" in answer["message"]


def test_another_host_is_stopped_by_the_firewall(monitor: Host, lab: Lab) -> None:
    assert not connects(monitor, lab.hosts["db"], 5432)


def test_another_address_is_refused_by_the_server_itself(db: Host, lab: Lab) -> None:
    """The firewall lets a host speak to itself: what refuses here is pg_hba."""
    answer = login(db, lab.hosts["db"], USER, DATABASE)
    assert answer["code"] == "28000", answer
    assert "no pg_hba.conf entry" in answer["message"]


def test_the_account_owns_its_database_and_nothing_more(db: Host) -> None:
    rights = query(
        db,
        "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
        f" FROM pg_roles WHERE rolname = '{USER}'",
    )
    assert rights == "t|f|f|f|f|f"
    owned = "SELECT string_agg(datname, ',') FROM pg_database WHERE pg_get_userbyid(datdba) = "
    assert query(db, f"{owned}'{USER}'") == DATABASE


def test_its_password_is_stored_as_a_scram_verifier(db: Host) -> None:
    assert query(db, f"SELECT left(rolpassword, 14) FROM pg_authid WHERE rolname = '{USER}'") == "SCRAM-SHA-256$"


def test_the_database_is_utf8_with_checksums(db: Host) -> None:
    encoding = "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = "
    assert query(db, f"{encoding}'{DATABASE}'") == "UTF8"
    assert query(db, "SHOW data_checksums") == "on"


def test_no_account_but_the_three_can_log_in(db: Host) -> None:
    assert (
        query(db, "SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles WHERE rolcanlogin")
        == f"munin,postgres,{USER}"
    )
