"""SQL is applied to XNAT's database once per content, the row that says so in one transaction, no secret in sight."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
from pathlib import Path

import pytest
from ansible.module_utils.host import psql
from roles_tree import load_module
from test_xnat_build import answer_of

first_password = load_module("roles/xnat_builder/library/xnat_first_password.py")
store_xml = load_module("roles/xnat_builder/library/xnat_store_xml.py")

ME = pwd.getpwuid(os.getuid()).pw_name
# Keeps what it was asked, and answers from the file `rows`, or fails with what is in `error`.
PSQL = """#!/bin/sh
here=$(dirname "$0")
n=$(ls "$here" | grep -c '^asked')
{ echo "$@"; env; echo "--"; cat "$PGPASSFILE"; stat -c %a "$PGPASSFILE"; cat script.sql; } > "$here/asked$n"
if [ -e "$here/error" ]; then cat "$here/error" >&2; exit 3; fi
if grep -q information_schema.tables script.sql; then cat "$here/tables"; fi
if grep -q '^SELECT sha256' script.sql; then cat "$here/rows"; fi
if grep -q information_schema.columns script.sql; then cat "$here/columns"; fi
"""
DATABASE = {
    "host": "db.example",
    "database": "xnat",
    "user": "xnat",
    "database_password": "s3ntinel:pw",
    "account": ME,
}


class Fake:
    """A folder with a program psql, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        """An empty database."""
        self.folder = folder
        self.answers(tables="", rows="", columns="")
        (folder / "psql").write_text(PSQL)
        (folder / "psql").chmod(0o755)

    def answers(self, **texts: str) -> None:
        """What it says from now on."""
        for name, text in texts.items():
            (self.folder / name).write_text(text)

    @property
    def asked(self) -> list[str]:
        """All that it was asked, in order."""
        return [path.read_text() for path in sorted(self.folder.glob("asked*"), key=lambda path: int(path.name[5:]))]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr("ansible.module_utils.host.account.PATH", f"{folder}:/usr/bin:/bin")
    return Fake(folder)


def apply(fake: Fake, script: bytes, key: str = "k") -> None:
    """As the module does it."""
    database = psql.Database({**DATABASE, "port": 5432, "sslmode": "verify-full", "tls": "", "timeout": 60})
    database.apply(script, key, "a name", database.state())


def test_an_empty_database_is_told_from_a_filled_one(fake: Fake) -> None:
    database = psql.Database({**DATABASE, "port": 5432, "sslmode": "verify-full", "tls": "", "timeout": 60})
    assert database.state() == psql.State(False, False, {})
    fake.answers(tables="public.xdat_user\n")
    assert database.state() == psql.State(True, False, {})
    fake.answers(tables="public.xdat_user\ndpuk_node.applied_sql\n", rows="abc\txnat.sql\n")
    assert database.state() == psql.State(True, True, {"abc": "xnat.sql"})


def test_what_is_applied_and_the_row_are_one_transaction(fake: Fake) -> None:
    apply(fake, b"BEGIN;\nCREATE TABLE x (y int);\nCOMMIT;\n")
    said = fake.asked[-1]
    assert "--single-transaction" in said.splitlines()[0]
    assert "--set=ON_ERROR_STOP=1" in said.splitlines()[0]
    script = said.rpartition("600\n")[2]
    assert (
        script.index("CREATE TABLE dpuk_node.applied_sql")
        < script.index("INSERT INTO")
        < script.index("CREATE TABLE x")
    )
    assert "BEGIN;" not in script
    assert "COMMIT;" not in script
    fake.answers(tables="dpuk_node.applied_sql\n")
    apply(fake, b"SELECT 1;\n")
    assert "CREATE SCHEMA" not in fake.asked[-1]


@pytest.mark.parametrize("line", [b"BEGIN", b"  END;", b"$$ BEGIN", b"SELECT 'COMMIT;';"])
def test_blocks_of_functions_stay_as_they_are(line: bytes) -> None:
    assert psql.in_one_transaction(line) == line


def test_the_password_stands_in_a_file_for_the_moment_only(fake: Fake) -> None:
    """Escaped, for its owner alone, on no command line and in no environment."""
    apply(fake, b"SELECT 1;\n")
    said = fake.asked[-1]
    shown, _, rest = said.partition("\n--\n")
    assert "s3ntinel" not in shown
    assert rest.splitlines()[:2] == [r"db.example:5432:xnat:xnat:s3ntinel\:pw", "600"]
    (folder,) = [line.split("=", 1)[1] for line in shown.splitlines() if line.startswith("PGPASSFILE=")]
    assert not Path(folder).parent.exists()
    assert "PGSSLMODE=verify-full" in shown


def test_certificates_are_shown_where_there_are_some(fake: Fake, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").touch()
    options = {**DATABASE, "port": 5432, "sslmode": "verify-full", "tls": str(tmp_path), "timeout": 60}
    psql.Database(options).state()
    assert f"PGSSLROOTCERT={tmp_path}/ca.crt" in fake.asked[-1]
    assert "PGSSLCERT" not in fake.asked[-1]


def test_a_failure_names_the_database_and_not_the_password(fake: Fake) -> None:
    fake.answers(error='psql:script.sql:7: ERROR:  relation "x" does not exist, s3ntinel:pw\nLINE 1: ...\n')
    with pytest.raises(psql.DatabaseError) as caught:
        apply(fake, b"SELECT 1;\n")
    assert str(caught.value) == 'xnat at db.example:5432 as xnat: ERROR:  relation "x" does not exist, ***'


@pytest.mark.parametrize("text", ["plain", "it's", "back\\slash", "both ' and \\"])
def test_texts_are_quoted(text: str) -> None:
    """Read back as PostgreSQL reads them: doubled quotes, and doubled backslashes behind an E."""
    literal = psql.quoted(text)
    inner = literal[2:-1].replace("\\\\", "\\") if literal.startswith("E") else literal[1:-1]
    assert inner.replace("''", "'") == text


def test_the_first_password_is_hashed_as_1_6_does_it() -> None:
    """Spring Security's ShaPasswordEncoder(256) with a salt: SHA-256 of PASSWORD{SALT}, in lower case."""
    assert first_password.encoded("admin", "") == hashlib.sha256(b"admin").hexdigest()
    assert first_password.encoded("p{}ü", "abc") == hashlib.sha256("p{}ü{abc}".encode()).hexdigest()
    text = first_password.script("it's-secret", "a@b.example", "abc", True)
    assert "it's-secret" not in text
    assert "salt = 'abc'" in text
    assert "RAISE EXCEPTION" in text
    assert text.endswith("DELETE FROM xs_item_cache;")
    assert "salt" not in first_password.script("x", "a@b.example", "", False)


def test_in_a_dry_run_on_a_fresh_host_there_is_no_database_to_ask() -> None:
    told = {**DATABASE, "host": "127.0.0.1", "port": 1, "account": "nobody-of-this-name", "_ansible_check_mode": True}
    said = answer_of("xnat_sql", told)
    assert (said["changed"], said["filled"], said["reachable"]) == (False, False, False)
    really = answer_of("xnat_sql", {**told, "_ansible_check_mode": False})
    assert really["failed"] is True
    assert "The database cannot be asked" in really["msg"]
    assert "s3ntinel" not in json.dumps({"msg": really["msg"]})


def test_a_document_is_stored_again_when_it_changes_and_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "groups").mkdir()
    (tmp_path / "groups/a.xml").write_text("<a/>")
    keys = [store_xml.content_key(tmp_path / "groups", "groups"), store_xml.content_key(tmp_path / "groups", "other")]
    (tmp_path / "groups/a.xml").write_text("<b/>")
    keys.append(store_xml.content_key(tmp_path / "groups", "groups"))
    keys.append(store_xml.content_key(tmp_path / "groups/a.xml", "groups"))
    assert len(set(keys)) == 4
